package lineage

// Op is what a client does to a topic.
type Op uint8

// The operations. OpNone makes an Access stand for the topic itself: the subject of the topic's own metrics.
const (
	OpNone Op = iota
	Write
	Read
)

// String returns "topic", "write" or "read".
func (o Op) String() string { return [...]string{"topic", "write", "read"}[o] }

// ClientKind tells a connection from the two sums that stand in for connections.
type ClientKind uint8

// The kinds of Client.
const (
	Connection ClientKind = iota // one identity as seen
	Remainder                    // what no counted writer of the topic accounts for
	Others                       // clients beyond the cap of one topic, counted together
)

// String returns the kind as the API and files have it.
func (k ClientKind) String() string {
	switch k {
	case Remainder:
		return "REMAINDER"
	case Others:
		return "OTHERS"
	default:
		return "CONNECTION"
	}
}

// ProducerID is a broker's producer id plus one, so that the zero value says that none was seen.
type ProducerID uint64

// KnownProducer returns the ProducerID of a broker's producer id, which is zero or more.
func KnownProducer(id int64) ProducerID { return ProducerID(id + 1) }

// Value returns the broker's producer id; ok is false when none was seen.
func (p ProducerID) Value() (id int64, ok bool) { return int64(p) - 1, p != 0 }

// Client is one connection identity as it was seen. An empty field was not seen; it says nothing about what the field
// really is.
type Client struct {
	Kind            ClientKind
	ClientID        string
	Group           string
	Member          string
	TransactionalID string
	Principal       string
	Host            string
	Producer        ProducerID
	// Software is the client library and its version as the client says them, e.g. apache-kafka-java/4.3.1. Of a mover
	// it is the engine that tells of it, e.g. Apache Flink.
	Software string
	// Instance is the id under which client telemetry knows one start of a client (client_instance_id, KIP-714).
	Instance string
	// Mover is the connector or replicator itself, of an access that a source knows by what runs it and not by a
	// connection. Its Scope is the name under which that source is configured. Zero: a connection, as for all the other
	// fields. With OpNone it is the topic in which the traces began that the subject's metrics are of.
	Mover Node
}

// Access is one client's reading or writing of one topic: what is really seen, and what is stored and counted. With
// OpNone it is the topic itself, and Client is zero but for Traces.
//
// A source that knows a topic by its name alone leaves Topic.ID zero: the access is then one to the topic of that name,
// whichever incarnation. With a Dataset it is a mover's reading or writing outside Kafka: Topic holds the cluster, and
// the name of the topic that the dataset is joined with inside the mover, where that is known.
type Access struct {
	Topic   Topic
	Op      Op
	Client  Client
	Dataset Dataset
}

// MovesOffsets reports whether the access is that of a transactional producer that moves a group's offsets: the two are
// one client's.
func (a *Access) MovesOffsets() bool {
	return a.Op == Write && a.Client.Group != "" && a.Client.TransactionalID != ""
}

// Dataset is data outside Kafka: a table, a folder, an index. Namespace and Name follow OpenLineage's naming rules
// (https://openlineage.io/docs/spec/naming), without credentials.
type Dataset struct{ Namespace, Name string }

// Node returns the dataset's node.
func (d Dataset) Node() Node { return Node{Scope: d.Namespace, Kind: DatasetNode, Name: d.Name} }
