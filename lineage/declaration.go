package lineage

import "regexp"

// Declarations are what people said that should be: who writes and reads what, whose it is, which products it makes. It
// never changes once made; nil: nobody said anything.
type Declarations struct {
	Flows     []DeclaredFlow
	Contracts []DeclaredContract
	Products  []DeclaredProduct
	// Components are entities of a software catalog.
	Components []DeclaredComponent `json:",omitempty"`
	Files      []DeclaredFile
	// Clusters are by what the watched clusters are known, and Rules what people say of how others know them: they say
	// which cluster a declared server is.
	Clusters []KnownCluster
	Rules    []ClusterRule
}

// Said is where somebody declared something.
type Said struct {
	File    string // as people call it
	Line    int    // from 1
	Pointer string // a JSON pointer (RFC 6901) into the file
}

// DeclaredFile is a file that was asked for.
type DeclaredFile struct {
	File   string
	Format string // AsyncAPI 3.1.0, ODPS v1.0.0, ODCS v3.1.0, Backstage or configuration; empty: not known
	// Problem is what is wrong with the file as it is now; empty: nothing. Stale: what it said before holds on.
	Problem string
	Stale   bool
}

// DeclaredFlow says that an application writes or reads a topic.
type DeclaredFlow struct {
	Said
	// Flow are the two nodes where they were named by their ids. The fields below are then empty.
	Flow Flow

	Application *DeclaredApplication // shared by all that one document says
	Op          Op                   // Write or Read, as the application does it
	// Clients are the groups or client ids by which it shows itself, each with one of these fields; none: not said.
	Clients []Client
	Topic   DeclaredTopic
	Servers []DeclaredServer
	Problem string // why it can't be compared with anything; empty: it can
}

// DeclaredApplication is whom a document describes.
type DeclaredApplication struct {
	Said
	Name string
	// Exact: the name was given for lineaged, and is the application's in answers whatever its clients are called.
	Exact bool
	Owner string // empty: not said
	Tags  []string
}

// DeclaredTopic is a topic as it was declared.
type DeclaredTopic struct {
	Said
	Text string // the name, or what it is made of: orders.{region}
	// Match matches the names of which Text is the pattern, and Prefix is what they begin with; nil: Text is the name.
	Match  *regexp.Regexp
	Prefix string
	Tags   []string
}

// DeclaredServer is where a topic was said to be.
type DeclaredServer struct {
	Name  string   // in its document
	Hosts []string // host:port each
	Other string   // the protocol, where that is not Kafka's; empty: it is
}

// DeclaredContract is a data contract (ODCS): which topics hold what it is about, and whose they are.
type DeclaredContract struct {
	Said
	ID, Version, Name string
	Owner             string // empty: not said
	Tags              []string
	Topics            []DeclaredTopic
	Servers           []DeclaredServer
}

// DeclaredProduct is a data product (ODPS).
type DeclaredProduct struct {
	Said
	ID, Name, Version, Status, Domain string // empty: not said, but ID
	Owner                             string
	Tags                              []string
	Ports                             []DeclaredPort
}

// DeclaredPort is where a product takes or gives data.
type DeclaredPort struct {
	Said
	Name, Version string
	Input         bool
	Contract      string // the id of the contract; empty: none
}

// DeclaredComponent is a component or a resource of a software catalog (Backstage), and what ties it to nodes.
type DeclaredComponent struct {
	Said
	Kind, Namespace, Name                       string // Kind is Component or Resource; Namespace empty: not said
	Title, Description, Type, Lifecycle, System string // empty: not said
	Owner                                       string // the same
	Tags                                        []string
	Groups                                      []DeclaredGroup // by which it reads
	Nodes                                       []Node          // that it was said to be
}

// DeclaredGroup is a consumer group, in a cluster as people call it.
type DeclaredGroup struct{ Cluster, Group string }
