package collector

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// Board is where the sources of one lineaged tell each other what they could not know alone: which clusters are watched
// and where their topics end, and which movers write to a topic without leaving a count of their own. It holds the
// newest state only, and nothing of it is stored. Its methods may be called by any goroutine. The zero value is empty
// and ready; a nil *Board takes what it is told and knows nothing.
type Board struct {
	mu       sync.Mutex
	clusters map[string]Watched // by source name
	awaited  map[string]bool    // source names of clusters that were not seen yet
	order    []string           // source names of clusters as they were announced
	claims   []Claim            // by the time that each was first made
	ends     map[lineage.ClusterID]toldEnds
	writers  map[lineage.Source]uncounted          // as of the newest round
	wanted   map[lineage.ClusterID]map[string]int  // topics whose ends somebody wants, and for how many more rounds
	starts   map[lineage.ClusterID]map[string]bool // topics whose starts somebody wants once
	// topics that a replicator reads, which leaves no commit, and for how many more rounds
	copied   map[lineage.ClusterID]map[string]int
	expected map[lineage.Source]expectation // sources that will tell writers

	replicators map[lineage.Source]map[lineage.Node]bool // that a source sees from where they run
	spots       map[string][]lineage.BlindSpot           // by source name of the cluster

	configured []lineage.KnownCluster // in their order, by what the configuration says of them
	rules      []lineage.ClusterRule
	doubles    map[string]lineage.ClusterID // source names of clusters that are watched under another name, with its id
	aliases    *alias.Resolver              // of what is known now; nil: to be made
	asked      map[spelled]*saidSo          // how clusters were spelled, and who said so
	moreAsked  bool                         // in more ways than are remembered

	jobRuns recent[JobRun]  // by the id that an engine has for it
	modes   recent[RunMode] // the same way, by the engine
	engines int             // that are watched
	toldAs  map[lineage.Source]toldAs
	heard   map[lineage.Node][]string // where what events told of nodes lies
	// topics of which somebody wants the commits of groups that nobody is in, and for how many more rounds
	wantedCommits map[lineage.ClusterID]map[string]int
	commits       map[lineage.ClusterID]toldCommits
}

// Watched is a watched cluster as its own source knows it.
type Watched struct {
	Source string            // the name under which it is configured
	ID     lineage.ClusterID // under which it is kept
	// Bootstrap are the addresses by which it is configured, and Advertised those that its brokers say, host:port.
	Bootstrap, Advertised []string
	// Listeners are the addresses that brokers advertise on all listeners, as far as they tell them.
	Listeners []string
	// Size is how many brokers there are, as they know each other; 0: that is not told.
	Size   int
	Topics []string // names of all topics, sorted; whoever gets it must not change it
	// IDs are the topics' ids, by name, for who knows a topic by its name alone; whoever gets it must not change it.
	IDs map[string]lineage.TopicID
	// Names are what topics' configurations say of subjects, of those that say any; whoever gets it must not change it.
	Names map[string]SubjectNames
	// Reported is the id as the brokers report it: ID, unless another watched cluster has reported the same before.
	Reported lineage.ClusterID
}

// SubjectNames is by which strategy the broker looks up the schema of a topic's keys and values, as it does where it
// validates their ids. NoStrategy: it does not, or by which is not told.
type SubjectNames struct{ Key, Value lineage.SubjectStrategy }

// OtherStrategy is that of a class that is not known: which subjects it names can't be told, but that it is none of the
// strategies that are known. It stands in SubjectNames alone, and is never told further.
const OtherStrategy lineage.SubjectStrategy = 255

// lookAgain is how long WaitFor waits between two looks.
const lookAgain = 10 * time.Millisecond

// WaitFor waits for what another source of the process is to tell, which looks at the same time: it looks until that is
// so, but no longer than to an instant, or until ctx ends.
func WaitFor(ctx context.Context, until time.Time, so func() bool) {
	for !so() && ctx.Err() == nil && time.Now().Before(until) {
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

// Await announces a cluster that is configured under a name. It is called before the sources start.
func (b *Board) Await(cluster string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.awaited == nil {
		b.awaited = map[string]bool{}
	}
	b.awaited[cluster] = true
	b.order = append(b.order, cluster)
}

// Settled reports whether all clusters that were announced have been seen: from then on, one that is not here is not
// watched.
func (b *Board) Settled() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.awaited) == 0
}

// SetCluster says what a cluster's source has just seen.
func (b *Board) SetCluster(w Watched) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clusters == nil {
		b.clusters = map[string]Watched{}
	}
	if w.Reported == "" {
		w.Reported = w.ID
	}
	b.clusters[w.Source], b.aliases = w, nil
	delete(b.awaited, w.Source)
	delete(b.doubles, w.Source)
}

// SetSpots says what somebody who observes nothing himself has to say of a cluster, in place of what he said before:
// its own source tells it.
func (b *Board) SetSpots(cluster string, spots []lineage.BlindSpot) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spots == nil {
		b.spots = map[string][]lineage.BlindSpot{}
	}
	b.spots[cluster] = spots
}

// Spots returns what others have to say of a cluster; whoever gets it must not change it.
func (b *Board) Spots(cluster string) []lineage.BlindSpot {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spots[cluster]
}

// Cluster returns the cluster that is configured under a name. ok is false until its brokers have told its id.
func (b *Board) Cluster(source string) (w Watched, ok bool) {
	if b == nil {
		return w, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok = b.clusters[source]
	return w, ok
}

// Clusters returns the watched clusters, by the names under which they are configured.
func (b *Board) Clusters() []Watched {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Watched, 0, len(b.clusters))
	for _, source := range slices.Sorted(maps.Keys(b.clusters)) {
		all = append(all, b.clusters[source])
	}
	return all
}

// ByID returns the watched cluster with an id.
func (b *Board) ByID(id lineage.ClusterID) (w Watched, ok bool) {
	if b == nil {
		return w, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.clusters {
		if w.ID == id {
			return w, true
		}
	}
	return w, false
}

// SetReplicators says which replicators a source sees from where they run, whether or not they run now, in place of
// those that it said before. Others leave it to tell of them.
func (b *Board) SetReplicators(source lineage.Source, nodes []lineage.Node) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.replicators == nil {
		b.replicators = map[lineage.Source]map[lineage.Node]bool{}
	}
	b.replicators[source] = map[lineage.Node]bool{}
	for _, n := range nodes {
		b.replicators[source][n] = true
	}
}

// HasReplicatorOf reports whether some source sees a replicator into a cluster, by the name under which that is
// configured.
func (b *Board) HasReplicatorOf(target string) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, nodes := range b.replicators {
		for n := range nodes {
			if n.Scope == target {
				return true
			}
		}
	}
	return false
}

// HasReplicator reports whether some source sees a replicator from where it runs.
func (b *Board) HasReplicator(n lineage.Node) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, nodes := range b.replicators {
		if nodes[n] {
			return true
		}
	}
	return false
}
