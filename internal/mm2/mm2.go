// Package mm2 knows what Kafka's MirrorMaker 2 writes and how it names: the name of a topic's copy and back, the names
// of its internal topics, and the records in them, those of Kafka Connect included that a dedicated MirrorMaker 2 keeps
// on its target.
//
// It is pure: bytes and names in, values out. It refuses to return anything of a connector's configuration but the
// named fields of ConnectorConfig, since credentials stand beside them, and no error holds a value of a record.
// Malformed input is an error, never a panic.
//
// Sources: Apache Kafka 4.3.1, connect/mirror-client (DefaultReplicationPolicy, IdentityReplicationPolicy,
// ReplicationPolicy, Heartbeat, Checkpoint), connect/mirror (OffsetSync, MirrorMakerConfig, MirrorUtils),
// connect/runtime (KafkaConfigBackingStore, KafkaOffsetBackingStore, KafkaStatusBackingStore).
package mm2

import "strings"

// The classes of MirrorMaker 2's connectors and of the policies that this package knows.
const (
	SourceConnector     = "org.apache.kafka.connect.mirror.MirrorSourceConnector"
	CheckpointConnector = "org.apache.kafka.connect.mirror.MirrorCheckpointConnector"
	HeartbeatConnector  = "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector"

	DefaultPolicy  = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy"
	IdentityPolicy = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"
)

// Heartbeats is the topic on a target where MirrorMaker 2 says that it lives, whatever the policy.
const Heartbeats = "heartbeats"

const dot = "."

// IsConnector tells MirrorMaker 2's connectors by class, in full or by simple name, as Connect accepts both.
func IsConnector(class string) bool {
	return isClass(class, SourceConnector) || isClass(class, CheckpointConnector) || isClass(class, HeartbeatConnector)
}

// IsSourceConnector tells the connector that copies records.
func IsSourceConnector(class string) bool { return isClass(class, SourceConnector) }

// isClass compares a configured class with a full name: Connect takes a plugin's full name, its simple name, and that
// without "Connector".
func isClass(configured, full string) bool {
	simple := full[strings.LastIndex(full, dot)+1:]
	return configured == full || configured == simple || configured == strings.TrimSuffix(simple, "Connector")
}

// Policy is a replication policy as configured. The zero Policy is not one; use NewPolicy.
type Policy struct {
	Class     string
	Separator string // between alias and topic
	// Internal is the separator in the names of checkpoints and offset syncs.
	Internal string
}

// NewPolicy returns the policy of a configuration. An empty class is the default one, an empty separator is ".". dotted
// is replication.policy.internal.topic.separator.enabled=false: internal topics have dots even so.
func NewPolicy(class, separator string, dotted bool) Policy {
	p := Policy{Class: class, Separator: separator, Internal: separator}
	if p.Class == "" {
		p.Class = DefaultPolicy
	}
	if separator == "" {
		p.Separator, p.Internal = dot, dot
	}
	if dotted {
		p.Internal = dot
	}
	return p
}

// Known is false for a class that is neither of Kafka's two: then nobody but that class can say what a copy is called.
func (p Policy) Known() bool { return p.Class == DefaultPolicy || p.Class == IdentityPolicy }

// Identity reports whether copies keep their names.
func (p Policy) Identity() bool { return p.Class == IdentityPolicy }

// Remote returns the name of the copy of a topic of the cluster with an alias. ok is false when the class is not known.
func (p Policy) Remote(alias, topic string) (name string, ok bool) {
	switch {
	case !p.Known():
		return "", false
	case p.Identity() && !p.heartbeat(topic):
		return topic, true
	}
	return alias + p.Separator + topic, true
}

// Upstream is the inverse of Remote: the topic of the cluster with an alias whose copy has a name. ok is false when no
// copy from there has that name, or the class is not known. An alias that holds the separator is no difficulty, since
// it is given.
func (p Policy) Upstream(alias, name string) (topic string, ok bool) {
	switch {
	case !p.Known():
		return "", false
	case p.Identity() && !p.heartbeat(name):
		return name, name != ""
	}
	topic, ok = strings.CutPrefix(name, alias+p.Separator)
	return topic, ok && topic != ""
}

// Source returns the alias that stands in front of a copy's name: what precedes the first separator, as MirrorMaker 2
// itself reads it. ok is false when none does, or names do not tell.
func (p Policy) Source(name string) (alias string, ok bool) {
	if !p.Known() || p.Identity() && !p.heartbeat(name) {
		return "", false
	}
	alias, rest, ok := strings.Cut(name, p.Separator)
	return alias, ok && strings.Trim(rest, p.Separator) != ""
}

// heartbeat tells the topics that the identity policy renames too.
func (p Policy) heartbeat(topic string) bool { return strings.HasSuffix(topic, Heartbeats) }

// Replicates is false for what MirrorMaker 2 does not copy to a target, whatever is configured: Kafka's own topics, its
// own internal ones, and what came from the target.
func (p Policy) Replicates(topic, target string) bool {
	if strings.HasPrefix(topic, "__") || strings.HasPrefix(topic, dot) || topic == "" {
		return false
	}
	if strings.HasPrefix(topic, "mm2") && strings.HasSuffix(topic, p.Internal+"internal") || strings.HasSuffix(topic, p.Internal+"checkpoints"+p.Internal+"internal") {
		return false
	}
	for rest := topic; ; {
		alias, ok := p.Source(rest)
		if !ok {
			return true
		}
		if alias == target {
			return false
		}
		rest = rest[len(alias)+len(p.Separator):]
	}
}

// OffsetSyncsTopic is where the copies of offsets stand: on the source, with the alias of the target
// (offset-syncs.topic.location=source, the default), or the other way round.
func (p Policy) OffsetSyncsTopic(alias string) string {
	return "mm2-offset-syncs" + p.Internal + alias + p.Internal + "internal"
}

// CheckpointsTopic is where a target has the groups' offsets of the source with an alias.
func (p Policy) CheckpointsTopic(alias string) string {
	return alias + p.Internal + "checkpoints" + p.Internal + "internal"
}

// OffsetsTopic is where a dedicated MirrorMaker 2 keeps its source offsets on the target, of the flow from the source
// with an alias. It has dots, whatever the separator.
func OffsetsTopic(alias string) string { return "mm2-offsets." + alias + ".internal" }

// StatusTopic is the like of the connectors' states.
func StatusTopic(alias string) string { return "mm2-status." + alias + ".internal" }

// DedicatedGroup is the worker group of a dedicated MirrorMaker 2 on the target.
func DedicatedGroup(alias string) string { return alias + "-mm2" }

// TopicKind is what an internal topic holds.
type TopicKind uint8

// The kinds of internal topics.
const (
	NoInternal      TopicKind = iota
	HeartbeatTopic            // Alias is empty on the target, and the source's in a copy
	CheckpointTopic           // Alias is the source's
	OffsetSyncTopic           // Alias is the target's when it stands on the source
	ConfigTopic               // of a dedicated process, as the next two. Alias is the source's
	OffsetTopic
	StatusesTopic
)

// Internal is the name of an internal topic in its parts.
type Internal struct {
	Kind      TopicKind
	Alias     string
	Separator string // as it stands in the name; empty where none does
}

// ParseInternal tells MirrorMaker 2's internal topics by name. The kind is NoInternal for any other name. The separator
// is found between two fixed words; in the name of a heartbeats' copy, which has one fixed word only, it is one of ". -
// _".
func ParseInternal(name string) Internal {
	if !strings.HasSuffix(name, "internal") && !strings.HasSuffix(name, Heartbeats) {
		return Internal{} // as nearly all are
	}
	if name == Heartbeats {
		return Internal{Kind: HeartbeatTopic}
	}
	for prefix, kind := range map[string]TopicKind{"mm2-configs.": ConfigTopic, "mm2-offsets.": OffsetTopic, "mm2-status.": StatusesTopic} {
		if alias, ok := between(name, prefix, ".internal"); ok {
			return Internal{kind, alias, dot}
		}
	}
	if rest, ok := strings.CutPrefix(name, "mm2-offset-syncs"); ok {
		return syncsTopic(rest)
	}
	if rest, ok := strings.CutSuffix(name, "internal"); ok {
		return checkpointsTopic(rest)
	}
	if rest, ok := strings.CutSuffix(name, Heartbeats); ok && len(rest) > 1 && strings.ContainsAny(rest[len(rest)-1:], ".-_") {
		return Internal{HeartbeatTopic, rest[:len(rest)-1], rest[len(rest)-1:]}
	}
	return Internal{}
}

// syncsTopic takes what follows "mm2-offset-syncs": separator, alias, separator, "internal". The separator is the
// longest that stands at both ends.
func syncsTopic(rest string) Internal {
	rest, ok := strings.CutSuffix(rest, "internal")
	if !ok {
		return Internal{}
	}
	for n := (len(rest) - 1) / 2; n > 0; n-- {
		if sep := rest[:n]; strings.HasSuffix(rest, sep) && strings.Trim(sep, "._-") == "" {
			return Internal{OffsetSyncTopic, rest[n : len(rest)-n], sep}
		}
	}
	return Internal{}
}

// checkpointsTopic takes what precedes "internal": alias, separator, "checkpoints", separator.
func checkpointsTopic(rest string) Internal {
	i := strings.LastIndex(rest, "checkpoints")
	if i < 0 {
		return Internal{}
	}
	sep := rest[i+len("checkpoints"):]
	alias, ok := strings.CutSuffix(rest[:i], sep)
	if sep == "" || !ok || alias == "" {
		return Internal{}
	}
	return Internal{CheckpointTopic, alias, sep}
}

func between(s, prefix, suffix string) (string, bool) {
	s, ok := strings.CutPrefix(s, prefix)
	s, ok2 := strings.CutSuffix(s, suffix)
	return s, ok && ok2 && s != ""
}
