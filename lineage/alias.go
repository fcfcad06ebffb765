package lineage

// The types in this file are by what others know a Kafka cluster: each client, tool and document has its own spelling
// of one.

// KnownCluster is by what others may know a watched cluster.
type KnownCluster struct {
	Source string // the name under which it is configured
	// ID is the one under which it is kept; empty: it was not reached yet. Reported is what its brokers report, which
	// several clusters may share.
	ID, Reported ClusterID
	Bootstrap    []string // host:port, by which it is configured
	Advertised   []string // host:port, as its brokers say
	Topics       []string // names of all topics, sorted; nil: not known
}

// ClusterRule says which cluster somebody means by a spelling.
type ClusterRule struct {
	Spelling string
	From     string // who spells it so: a namespace of jobs, a source; empty: whoever does
	Cluster  string // the source of a known cluster
}
