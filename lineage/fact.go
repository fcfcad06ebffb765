package lineage

import (
	"strconv"
	"strings"
	"time"
)

// FactKind is what a Fact is about. Its values are part of the storage format.
type FactKind uint8

// The kinds of facts.
const (
	ClusterFacts    FactKind = iota + 1
	TopicFacts               // FactKey.Name is the topic's name
	GroupFacts               // FactKey.Name is the group
	BlindSpotFacts           // FactKey.Name is the source's name
	ConnectFacts             // about a Connect cluster; FactKey.Source is its name, FactKey.Name is empty
	ConnectorFacts           // FactKey.Source is its Connect cluster's name, FactKey.Name the connector's
	ReplicatorFacts          // FactKey.Source is who tells it, FactKey.Name the readable id of the replicator's Node
	SourceFacts              // what is expected of a Source: FactKey.Source is its Cluster, FactKey.Name its Name
	PermissionFacts          // who may read and write a cluster's topics; FactKey.Name is empty
	SchemaFacts              // of columns; FactKey.Source is who tells, FactKey.Name the subject or what it is of
	TransformFacts           // what a connector does to columns; FactKey as of ConnectorFacts
	ColumnsFacts             // what a job makes columns of; FactKey.Name is the job's id and what it writes
	JobFacts                 // FactKey.Source is the name of the Flink that runs it, FactKey.Name the job's
	RunFacts                 // what a job says of its runs; FactKey.Source is who hears it, FactKey.Name its node's id
	WaysFacts                // which ways lead through a job, as it says itself; FactKey as of RunFacts
)

// FactKinds is one more than the greatest kind, and EventTypes one more than the greatest type of event.
const (
	FactKinds  = 16
	EventTypes = 23
)

// FactKey names what a fact is about. Source is the Cluster part of a Source: facts are known before a cluster's id is.
type FactKey struct {
	Source string
	Kind   FactKind
	Name   string
}

// Fact is what is true of a node from its round on, until the next fact of the same key. Exactly the pointer that Kind
// names is set, none when Gone.
type Fact struct {
	Key        FactKey
	Gone       bool // deleted: it is no more from this round on
	Cluster    *ClusterFact
	Topic      *TopicFact
	Group      *GroupFact
	BlindSpots []BlindSpot // BlindSpotFacts: all that the source has now; empty: none
	Connect    *ConnectFact
	Connector  *ConnectorFact
	Replicator *ReplicatorFact
	Source     *SourceFact
	Permission *PermissionFact
	Schema     *SchemaFact
	Transform  *TransformFact
	Columns    *ColumnsFact
	Job        *JobFact
	Runs       *RunsFact
	Ways       *WaysFact
}

// DatedFact is a fact and the round since which it holds.
type DatedFact struct {
	Fact
	Since time.Time
	// Before is, of a Gone one, what was true until then; nil: nothing was told.
	Before *Fact
}

// ClusterFact is what a cluster says of itself.
type ClusterFact struct {
	ID         ClusterID
	Brokers    int
	Controller int // broker id; -1 unknown
	Topics     int // internal ones included
	Groups     int // -1 unknown
}

// TopicFact describes a topic. Configs are those set on the topic itself, sorted by name, sensitive ones left out; nil:
// not observed yet.
type TopicFact struct {
	Topic       Topic
	Partitions  int
	Replication int
	Internal    bool
	Configs     []Config
	// Unseen is why nothing is seen of the topic any more although it was not seen to be deleted; empty: it is seen.
	// The rest is what was seen last.
	Unseen string
	// Retention is what deletes its records, whoever set it; nil: not observed.
	Retention *Retention
	// Places say on which brokers the replicas of its partitions lie, each set of brokers once; nil: not observed.
	Places []Place
}

// Retention is what deletes a topic's records.
type Retention struct {
	Policy string // cleanup.policy
	Millis int64  // retention.ms; -1: no bound
	Bytes  int64  // retention.bytes, of each partition; -1: no bound
}

// Place is a set of brokers on which so many partitions of a topic have all their replicas.
type Place struct {
	Brokers    []int32 // sorted
	Partitions int
}

// Config is one configuration entry.
type Config struct{ Name, Value string }

// GroupFact describes a group of any protocol.
type GroupFact struct {
	Ref      GroupRef
	Type     string // as the broker says: Classic, Consumer, Share, Streams
	Protocol string // the protocol type, e.g. consumer, connect; empty for a group of offsets only
	// as the broker says, e.g. Stable, Empty; Unknown: it is not listed any more, and may not be asked for
	State   string
	Members []Member
	// MembersKnown is false until the members were described once; then an empty Members means none.
	MembersKnown bool
	// Topology is what a Streams group says of itself (KIP-1071); nil: not a Streams group, or it has none.
	Topology *Topology
}

// Topology is the shape of a Kafka Streams application.
type Topology struct {
	Epoch         int
	Subtopologies []Subtopology // by id
	// SinksKnown: the broker stores the topology's description (KIP-1331), so Sinks and Stores are all there are.
	// Otherwise both may lack some.
	SinksKnown bool
}

// Subtopology is a part of a topology whose tasks run together. Its lists are sorted.
type Subtopology struct {
	ID                 string
	Sources            []string // topics of others that it reads
	Sinks              []string // topics of others that it writes, as far as known
	RepartitionSources []string // inner topics that it reads
	RepartitionSinks   []string // inner topics that it writes
	Changelogs         []string // inner topics that keep its stores
	Stores             []string
}

// ConnectFact is what a Connect cluster says of itself.
type ConnectFact struct {
	Kafka   ClusterID // the cluster that its workers keep their state in; empty: not told yet
	Version string    // of the worker that answered
}

// ConnectorFact describes a connector. Nothing of its configuration stands here but what is named; so no secret can.
type ConnectorFact struct {
	Kafka ClusterID // the cluster that its topics are in
	Class string    // connector.class, as configured
	Type  string    // source or sink
	State string    // as Connect says: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING
	Tasks []Task    // by id
	Group string    // of a sink: the consumer group that it reads with
	// Replicator is the MirrorMaker 2 flow that the connector is a part of: it is then no node of its own. Zero: none.
	Replicator Node
	// Also are nodes as which others tell of the connector, as its own tasks by OpenLineage: they are the connector.
	Also []Node
}

// Task is one task of a connector.
type Task struct {
	ID     int
	State  string // as Connect says
	Worker string // host:port
}

// ReplicatorFact describes one direction of replication by MirrorMaker 2.
type ReplicatorFact struct {
	// Node is the replicator's: its Scope is the name under which the target is configured, or its alias when it is not
	// watched.
	Node                     Node
	SourceAlias, TargetAlias string
	Source, Target           ClusterID // empty: not a watched cluster
	Policy                   string    // replication.policy.class; empty: not told, the default is taken
	Separator                string    // between alias and topic; empty for the identity policy
	State                    string    // as Connect says; empty: not told
	Connect                  string    // the Connect cluster that it runs on; empty: a dedicated process, or not known
}

// JobsSource is the Name of the source that looks at an engine's jobs. While it does not, their states are not known.
const JobsSource = "jobs"

// JobFact describes a stream job as its engine tells of it. Of its configuration nothing stands here.
type JobFact struct {
	Engine  string    // e.g. Apache Flink
	Version string    // of the engine; empty: not told
	ID      string    // of its newest run, as the engine has it
	State   string    // as the engine says, e.g. RUNNING
	Started time.Time // when that run was submitted
	// Restarts is how often that run began again by itself; -1: not told.
	Restarts int64
	// Checkpoints are as they were within some minutes: they are told anew with the rest. nil: it makes none, or they
	// are not told.
	Checkpoints *Checkpoints
	Vertices    []JobVertex // what it is made of, in the order of the engine
	// Reads are the consumer groups that are the job's, and Writes what its transactional.ids begin with.
	Reads  []GroupRef
	Writes []IDPrefix
	// Also are nodes as which others tell of the job, as by OpenLineage: they are the job.
	Also []Node
}

// Checkpoints are how a job keeps its state. Counts are of its newest run.
type Checkpoints struct {
	Mode                        string        // as the engine says: exactly_once or at_least_once
	Every                       time.Duration // the shortest time between two; 0: not told
	Completed, Failed, Restored int64
}

// JobVertex is a part of a job that runs as one.
type JobVertex struct {
	ID, Name, State string
	Parallelism     int
}

// IDPrefix is what transactional.ids of a cluster begin with.
type IDPrefix struct {
	Cluster ClusterID
	Prefix  string
}

// SourceState is whether observations of a source are to be expected. Its values are part of the storage format.
type SourceState uint8

// The states. What was never told of a source is none of them.
const (
	SourceExpected SourceState = iota + 1 // it is to observe each Interval: where it does not, that is a gap
	SourceOff                             // configured, and switched off: its silence is no gap, nor what it misses
	SourceRetired                         // not configured any more: nobody waits for it
)

// String returns the state in a word, for people.
func (s SourceState) String() string {
	switch s {
	case SourceExpected:
		return "expected"
	case SourceOff:
		return "off"
	case SourceRetired:
		return "retired"
	default:
		return "unknown"
	}
}

// SourceFact says whether observations of a source are to be expected after its round, until the next fact says
// otherwise. Any observation may tell it, so that also a source that never observed, or will not any more, can be told
// of.
type SourceFact struct {
	State    SourceState
	Interval time.Duration // of an expected one: its cadence, a multiple of the tick
	Reason   string        // in words, why it is off or retired; may be empty
}

// PermissionFact is who may read and write the topics of a cluster. That one may is no flow.
type PermissionFact struct {
	Open  bool         // the cluster has no authorizer: everybody may
	Rules []Permission // of topics, to read, to write or for all; sorted by topic, then principal
	Cut   int          // how many more there are, which are not told
}

// Permission is one access control entry of a topic, or of all topics whose names begin so.
type Permission struct {
	Topic     string // "*": all
	Prefixed  bool
	Principal string // as Kafka has it, e.g. User:alice; User:* is everybody
	Host      string // "*": any
	Operation string // READ, WRITE or ALL
	Allowed   bool   // else it is denied, which outweighs what is allowed
}

// Covers reports whether the entry is about a topic.
func (p *Permission) Covers(topic string) bool {
	switch {
	case p.Prefixed:
		return strings.HasPrefix(topic, p.Topic)
	default:
		return p.Topic == "*" || p.Topic == topic
	}
}

// Pattern returns what the entry is about as Kafka prints it: LITERAL:orders, PREFIXED:orders-.
func (p *Permission) Pattern() string {
	if p.Prefixed {
		return "PREFIXED:" + p.Topic
	}
	return "LITERAL:" + p.Topic
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
	OffsetsSet     // a group's offsets were set or deleted, and not read up to, or went back, by whomever
	RecordsLost    // records were gone before a known reader or replication had them, or went with a leader
	ClusterChanged // the brokers behind a configured name are another cluster's than before, or another name's too
	AccessDenied   // somebody was refused what he asked for, once or more often in a round
	Administered   // somebody was allowed to change a topic, a group, a cluster or the like itself
	SchemaChanged  // a schema has another version, is new or is gone; Topic is empty where it is not known
	// what happened to a stream job, which is the Mover of Access.Client, as its engine tells
	JobStarted       // a run of it began; also one from a savepoint
	JobEnded         // a run of it ended without failing, or is known no more
	JobFailed        // a run of it failed for good
	JobRestarted     // a run of it began again by itself, once or more often
	CheckpointFailed // a run of it could not keep its state, once or more often
)

var eventNames = [EventTypes]string{
	"", "TOPIC_CREATED", "TOPIC_DELETED", "TOPIC_RECREATED", "CONFIG_CHANGED", "GROUP_JOINED", "GROUP_LEFT", "FLOW_STARTED",
	"FLOW_STOPPED", "LEADERS_MOVED", "SOURCE_LOST", "SOURCE_RECOVERED", "OFFSETS_SET", "RECORDS_LOST", "CLUSTER_CHANGED", "ACCESS_DENIED",
	"ADMINISTERED", "SCHEMA_CHANGED", "JOB_STARTED", "JOB_ENDED", "JOB_FAILED", "JOB_RESTARTED", "CHECKPOINT_FAILED",
}

// String returns the type as the GraphQL enum spells it; for people, a number where it is not known.
func (t EventType) String() string {
	if t >= EventTypes {
		return "EVENT_" + strconv.Itoa(int(t))
	}
	return eventNames[t]
}

// Event is something that changed. Which subject is set follows from its type: Topic for topics, Group for groups,
// Access for flows (RecordsLost: the flow's or the topic's), none for sources and clusters; SchemaChanged is a topic's
// where that is known, or of a dataset, which stands in its Detail; of AccessDenied what was
// refused where it is a topic or a group, and else none. Administered is as AccessDenied, with who it was as the
// Client of Access and an AdministeredUse's Detail. Of a job the Access has the Mover of its Client alone.
type Event struct {
	At     time.Time
	Type   EventType
	Topic  Topic
	Group  GroupRef
	Access Access
	Detail string
}
