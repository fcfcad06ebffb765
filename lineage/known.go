package lineage

import "time"

// Known is what is known of who a client is besides its own words: what other clients, its group and its runtime say at
// the instant that is asked for. The zero value knows nothing.
type Known struct {
	// Joined is the client with all that links join to it; nil: nothing is joined, and it is as it was seen.
	Joined *Joined
	// Group is what is known of Client.Group; nil: nothing.
	Group *GroupFact
	// Connector is the connector that the client is a part of.
	Connector Node
	// Sharers are the connectors of which the client can be a part, where it is not known of which: two Connect
	// clusters have a sink of one name, which read with one group. Connector is then zero.
	Sharers []Node
	// Crowded: the connector's group has members that bear its tasks' name and are not its own, as those of a Connect
	// cluster that nobody tells of.
	Crowded bool
	// Runs is the stream job that its engine tells of and that the client is a part of, and RunsBy says how that is
	// known, in words.
	Runs   Node
	RunsBy string
	// Application is the application.id of the stream job (a Kafka Streams application, or faust's) that the client is
	// a part of, and By says how that is known, in words. Job is what is known of its group, whose name is the
	// application.id; nil: nothing.
	Application, By string
	Job             *GroupFact
	// Member is the one group that this client, which names none, is found to be of, and MemberBy says how, in words;
	// empty: members of that group bear its name. nil: none, or several.
	Member   *GroupFact
	MemberBy string
	// Name is what the client is called where no rule, convention or group id says it: by its own ids as far as the
	// groups that there are allow, or, of a group that names nobody, by its members. NameBy says which of them did, in
	// words; empty: nobody has looked.
	Name, NameBy string
	// Home is the cluster of Job or Member where it is another than the access': who reads in one cluster and writes in
	// another of the same environment is one. Zero: the access' own.
	Home Cluster
}

// Link says that the identities that a client bears are one client's: what a broker, a log or the client itself told in
// one breath. It can be wrong, and a better one then stands in its place.
type Link struct {
	Cluster  ClusterID
	Client   Client // bears several identities
	Evidence EvidenceKind
	Since    time.Time // the first round that told it
	Detail   string    // in words, where it was concluded; may be empty
}

// ByPrincipal says that a client is called as its principal is, since nothing else names it. Others of the same may be
// other programs: it is the account that is known.
const ByPrincipal = "principal"

// ByNothing says that nothing names a client: a writer is then its topic's UNIDENTIFIED node, and a reader, whom that
// would lead back into the topic that it reads, the environment's anonymous application.
const ByNothing = "no name seen"

// Joined is a client with all that links join to it.
type Joined struct {
	Client Client
	By     Link // the best of them
}

// ByDeclaration begins the words of what names a client because a person says so, and nothing that was seen.
const ByDeclaration = "declared by "

// Knowledge is what is known in one window, and answers what of it concerns one access. All is added before anything is
// asked. It is then safe for concurrent use.
type Knowledge interface {
	// AddGroup adds a group that exists, or existed.
	AddGroup(f *GroupFact)
	// AddTopic adds a topic's name: some belong to a stream processor by what they are called.
	AddTopic(cluster ClusterID, name string)
	// AddConnector adds a connector of a Kafka cluster; of one that was deleted f is what it was, nil when that is not
	// known any more.
	AddConnector(n Node, kafka ClusterID, f *ConnectorFact)
	// AddTold says as which nodes others tell of a mover, and by what that is known, in words: as OpenLineage events do
	// of a connector that sends them.
	AddTold(mover Node, as []Node, by string)
	// AddReplicator adds a replicator to a Kafka cluster: a dedicated MirrorMaker 2 that writes exactly once has a
	// transactional.id.
	AddReplicator(f *ReplicatorFact)
	// AddJob adds a stream job that its engine tells of: the groups and the transactional.ids that are its own.
	AddJob(n Node, f *JobFact)
	// AddAccess adds what a client did: a producer id that writes an application's inner topic is the application's,
	// the members that a group had say what it is when nobody is in it any more, and a writer with both a group and a
	// transactional.id has moved the group's offsets in its transactions.
	AddAccess(a Access)
	// AddLink adds what was seen to be one client's, whenever that was.
	AddLink(l Link)
	// Of returns what is known of an access' client.
	Of(a Access) Known
	// Inner returns the group of the stream processor that a topic is an inner part of, which is a Kafka Streams
	// application's application.id; ok is false for any other topic.
	Inner(cluster ClusterID, topic string) (application string, ok bool)
}

// Usage is what an application does, and the names that its clients bear.
type Usage struct {
	Node           Node
	Reads, Writes  bool
	Groups         []string
	Transactionals []string // transactional.ids
	ClientIDs      []string
}

// Alike is a pair of nodes that look like one application.
type Alike struct {
	A, B   Node   // A reads, B writes, or in the order of Node.Compare
	Reason string // in words
	Rule   string // the part of a configuration file that would join them, in YAML
}
