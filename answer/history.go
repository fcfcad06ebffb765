package answer

import (
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// History is what is read of a store.
type History = store.Reader

// Identity says which node a client is, and what people have said of a node. Its methods are pure and may be called
// concurrently.
type Identity interface {
	// Know returns a Knowledge that holds nothing yet. of tells the names of a cluster.
	Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge
	// Resolve returns the node of an access' client and the rule or convention that named it.
	Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (node lineage.Node, namedBy string)
	// Alike returns the pairs that look like one application, in a fixed order.
	Alike(all []lineage.Usage) []lineage.Alike
	// Declaring returns the part of a configuration, in YAML, that declares what nobody names of a topic's writers to
	// be a node's.
	Declaring(c lineage.Cluster, topic string, n lineage.Node) string
	// Describe returns the owner, "" when nobody named one, and the tags of a node.
	Describe(n lineage.Node) (owner string, tags []string)
	// Says returns all that rules say of a node, the owner and the tags among it.
	Says(n lineage.Node) map[lineage.Slot]lineage.Ruled
}

// ClusterConfig gives a cluster its names. Source is the Cluster part of its lineage.Source; an empty Name stands for
// the cluster id, an empty Environment for the name.
type ClusterConfig struct {
	Source, Name, Environment string
}

// ConnectConfig is a Connect cluster that is watched. Name is the Cluster part of its lineage.Source; Cluster is the
// Source of its Kafka cluster, empty when only its workers tell.
type ConnectConfig struct {
	Name, Cluster string
}
