package answer

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// History is what is read of a store; package timeseries documents each method. All methods may be called concurrently.
type History interface {
	Tick() time.Duration
	Latest() map[string]time.Time
	Ended() map[string]time.Time
	Resolve(w lineage.Window) lineage.Resolved

	Subject(id lineage.SubjectID) (s lineage.Subject, ok bool)
	Subjects() lineage.Subjects

	Moved(ctx context.Context, w lineage.Window) (*roaring.Bitmap, error)
	Seen(ctx context.Context, w lineage.Window) ([lineage.EvidenceKinds]*roaring.Bitmap, error)
	Unobserved(ctx context.Context, w lineage.Window, ids []lineage.SubjectID) (*roaring.Bitmap, error)
	Open(ctx context.Context, at time.Time, ids []lineage.SubjectID) (*roaring.Bitmap, error)
	Evidence(ctx context.Context, w lineage.Window, ids []lineage.SubjectID) ([][]lineage.Evidence, error)
	LastMoved(ctx context.Context, at time.Time, lookback time.Duration, ids []lineage.SubjectID) ([]time.Time, error)

	Keys(ids []lineage.SubjectID) []lineage.SeriesKey
	Amounts(ctx context.Context, w lineage.Window, keys []lineage.SeriesKey) ([]lineage.Amount, error)
	Series(ctx context.Context, w lineage.Window, step time.Duration, keys []lineage.SeriesKey) ([][]lineage.Point, error)
	Levels(ctx context.Context, at time.Time, keys []lineage.SeriesKey) ([]lineage.Level, error)

	Facts(ctx context.Context, at time.Time, source string, kind lineage.FactKind, gone bool) ([]lineage.DatedFact, error)
	Events(ctx context.Context, w lineage.Window, keep func(lineage.Event) bool, limit int) ([]lineage.Event, error)
	Coverage(ctx context.Context, w lineage.Window, clusters ...string) (lineage.Coverage, error)
}

// Identity says which node a client is, and what people have said of a node. Its methods are pure and may be called concurrently.
type Identity interface {
	// Know returns a Knowledge that holds nothing yet. of tells the names of a cluster.
	Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge
	// Resolve returns the node of an access' client and the rule or convention that named it.
	Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (node lineage.Node, namedBy string)
	// Alike returns the pairs that look like one application, in a fixed order.
	Alike(all []lineage.Usage) []lineage.Alike
	// Describe returns the owner, "" when nobody named one, and the tags of a node.
	Describe(n lineage.Node) (owner string, tags []string)
}

// ClusterConfig gives a cluster its names. Source is the Cluster part of its lineage.Source; an empty Name stands for the cluster id, an empty
// Environment for the name.
type ClusterConfig struct {
	Source, Name, Environment string
}

// ConnectConfig is a Connect cluster that is watched. Name is the Cluster part of its lineage.Source; Cluster is the Source of its Kafka cluster, empty when only its workers tell.
type ConnectConfig struct {
	Name, Cluster string
}
