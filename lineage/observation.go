package lineage

import "time"

// Source is who observed: one kind of look at one cluster. Cluster is the name under which the cluster is configured,
// or its first bootstrap address, so that a cluster that was never reached has a name too.
type Source struct {
	Cluster string
	Name    string // e.g. "end-offsets", "producers", "groups", "members", "log-dirs"
}

// String returns "cluster/name", for people.
func (s Source) String() string { return s.Cluster + "/" + s.Name }

// Observation is what one source saw in one round. It is the only thing ever written.
//
// It is known by (Source, Round): appending it again changes nothing, and the order in which observations arrive does
// not matter. It covers (Round-Interval, Round]: what is not in it did not change in that span, except for what Missing
// lists.
type Observation struct {
	Source   Source
	Round    time.Time     // the aligned instant of the round, a multiple of the tick
	Interval time.Duration // the source's cadence, or the tick where nobody looked before; a multiple of the tick
	// At is when the readings were really taken; rates are over these instants. Of a round that saw nothing
	// (Missing.All) it says nothing: it may be said late.
	At time.Time

	Samples   []Sample
	Sightings []Sighting
	Facts     []Fact
	Events    []Event
	Missing   []Missing
	Positions []Position
}

// Sample is one reading of one metric of one access or topic. Counters are totals since the subject was first seen,
// never differences. A metric that did not change needs no sample.
type Sample struct {
	Subject  Access
	Metric   Metric
	Evidence EvidenceKind // the evidence that an access counter rests on; NoEvidence for topics and gauges
	Value    int64
	// Since, for counters only: the advance over the subject's previous total happened in (Since, Round]. Zero: in
	// (Round-Interval, Round].
	Since time.Time
	// Estimated: the advance is a bound or shared out, not a measurement. An estimated sample with no advance says that
	// there may have been one.
	Estimated bool
}

// Sighting says that a piece of evidence supports an access in this round, with or without a count. A counter's advance
// is a sighting by itself.
type Sighting struct {
	Access   Access
	Evidence EvidenceKind
	Moved    bool   // the access moved a record, although this source cannot say how many
	Detail   string // in words, kept as the evidence's detail
}

// Missing is a part of its scope that a source could not see in a round.
type Missing struct {
	Reason string  // one plain sentence, without secrets
	Share  float64 // the part of the source's scope that is missing, 0 to 1; 1 with All
	All    bool
	Topics []Topic // those whose samples of this source are unknown in this round
	Groups []GroupRef
}

// GroupRef is a group of one cluster, of any protocol.
type GroupRef struct {
	Cluster ClusterID
	Group   string
}

// Position is a source's own resumable state. It is saved atomically with the observation that holds it, and given back
// to the source at the next start. A nil Value removes the key.
type Position struct {
	Key   string
	Value []byte
}
