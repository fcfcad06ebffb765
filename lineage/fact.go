package lineage

import "time"

// FactKind is what a Fact is about. Its values are part of the storage format.
type FactKind uint8

// The kinds of facts.
const (
	ClusterFacts   FactKind = iota + 1
	TopicFacts              // FactKey.Name is the topic's name
	GroupFacts              // FactKey.Name is the group
	BlindSpotFacts          // FactKey.Name is the source's name
)

// FactKey names what a fact is about. Source is the Cluster part of a Source: facts are known before a cluster's id is.
type FactKey struct {
	Source string
	Kind   FactKind
	Name   string
}

// Fact is what is true of a node from its round on, until the next fact of the same key. Exactly the pointer that Kind names is set, none when Gone.
type Fact struct {
	Key        FactKey
	Gone       bool // deleted: it is no more from this round on
	Cluster    *ClusterFact
	Topic      *TopicFact
	Group      *GroupFact
	BlindSpots []BlindSpot // BlindSpotFacts: all that the source has now; empty: none
}

// DatedFact is a fact and the round since which it holds.
type DatedFact struct {
	Fact
	Since time.Time
}

// ClusterFact is what a cluster says of itself.
type ClusterFact struct {
	ID         ClusterID
	Brokers    int
	Controller int // broker id; -1 unknown
	Topics     int // internal ones included
	Groups     int // -1 unknown
}

// TopicFact describes a topic. Configs are those set on the topic itself, sorted by name, sensitive ones left out; nil: not observed yet.
type TopicFact struct {
	Topic       Topic
	Partitions  int
	Replication int
	Internal    bool
	Configs     []Config
}

// Config is one configuration entry.
type Config struct{ Name, Value string }

// GroupFact describes a group of any protocol.
type GroupFact struct {
	Ref      GroupRef
	Type     string // as the broker says: Classic, Consumer, Share, Streams
	Protocol string // the protocol type, e.g. consumer, connect; empty for a group of offsets only
	State    string // as the broker says, e.g. Stable, Empty
	Members  []Member
	// MembersKnown is false until the members were described once; then an empty Members means none.
	MembersKnown bool
}

// Member is a live member of a group.
type Member struct {
	ID, ClientID, Host string
}

// BlindSpot is something that no source that is switched on can see, and what would remedy it.
type BlindSpot struct {
	Source string
	What   string
	Remedy string
}

// Gap is a span in which a source did not see its whole scope.
type Gap struct {
	Source Source
	Window Window
	Reason string
}

// Coverage says which part of a window was really observed.
type Coverage struct {
	Complete         bool    // no gap
	ObservedFraction float64 // of sources × time, 0 to 1
	Gaps             []Gap   // by start, then source; adjoining spans of one source and reason are one
	BlindSpots       []BlindSpot
}

// EventType is what happened. Its values are part of the storage format.
type EventType uint8

// The events, as in the GraphQL enum EventType.
const (
	TopicCreated EventType = iota + 1
	TopicDeleted
	TopicRecreated
	ConfigChanged
	GroupJoined
	GroupLeft
	FlowStarted
	FlowStopped
	LeadersMoved
	SourceLost
	SourceRecovered
)

var eventNames = [...]string{
	"", "TOPIC_CREATED", "TOPIC_DELETED", "TOPIC_RECREATED", "CONFIG_CHANGED", "GROUP_JOINED", "GROUP_LEFT", "FLOW_STARTED",
	"FLOW_STOPPED", "LEADERS_MOVED", "SOURCE_LOST", "SOURCE_RECOVERED",
}

// String returns the type as the GraphQL enum spells it.
func (t EventType) String() string { return eventNames[t] }

// Event is something that changed. Which subject is set follows from its type: Topic for topics, Group for groups, Access for flows, none for sources.
type Event struct {
	At     time.Time
	Type   EventType
	Topic  Topic
	Group  GroupRef
	Access Access
	Detail string
}
