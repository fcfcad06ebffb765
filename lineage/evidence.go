package lineage

import (
	"strconv"
	"time"
)

// EvidenceKind says how an access is known. Its values are part of the storage format: add at the end, never renumber.
// None exceeds 63.
type EvidenceKind uint8

// The kinds of evidence, as in the GraphQL enum EvidenceKind.
const (
	NoEvidence EvidenceKind = iota
	EndOffsets
	GroupOffsets
	GroupMembership
	ShareOffsets
	ProducerState
	Transaction
	BatchHeader
	RecordHeader
	StreamsTopology
	Connect
	Mirror
	Flink
	OpenLineage
	AuditLog
	Telemetry
	AuthorizerLog
	RequestLog
	Elimination
	Declared

	// EvidenceKinds is the number of kinds, NoEvidence included.
	EvidenceKinds
)

var evidenceNames = [EvidenceKinds]string{
	"NONE", "END_OFFSETS", "GROUP_OFFSETS", "GROUP_MEMBERSHIP", "SHARE_OFFSETS", "PRODUCER_STATE", "TRANSACTION", "BATCH_HEADER",
	"RECORD_HEADER", "STREAMS_TOPOLOGY", "CONNECT", "MIRROR", "FLINK", "OPENLINEAGE", "AUDIT_LOG", "TELEMETRY", "AUTHORIZER_LOG",
	"REQUEST_LOG", "ELIMINATION", "DECLARED",
}

// String returns the kind as the GraphQL enum spells it; for people, a number where it is not known.
func (k EvidenceKind) String() string {
	if k >= EvidenceKinds {
		return "EVIDENCE_" + strconv.Itoa(int(k))
	}
	return evidenceNames[k]
}

// LinkRank ranks what tells that identities are one client's, the best first: a broker that says both in one breath,
// then what the client says of itself, then what looks like it.
func (k EvidenceKind) LinkRank() int {
	switch k {
	case RequestLog:
		return 0
	case AuthorizerLog:
		return 1
	case Transaction:
		return 2
	case AuditLog:
		return 3
	case Telemetry:
		return 4
	case RecordHeader:
		return 5
	default:
		return 6
	}
}

// Evidence is why we believe an access: what kind, which source, since when, until when.
type Evidence struct {
	Kind      EvidenceKind
	Source    Source
	FirstSeen time.Time
	LastSeen  time.Time
	// Detail is what the source added in words, e.g. why a count is estimated, as it stood at a window's end; may be
	// empty.
	Detail string
}

// UnseenWriters begins why records are nobody's, although movers are known that may have written them: whether they did
// was not observed.
const UnseenWriters = "what these write was not observed: "
