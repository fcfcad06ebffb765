package collector

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

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
}

// Watched is a watched cluster as its own source knows it.
type Watched struct {
	Source  string            // the name under which it is configured
	ID      lineage.ClusterID // under which it is kept
	Brokers []string          // bootstrap addresses and those that the brokers advertise, host:port
	Topics  []string          // names of all topics, sorted; whoever gets it must not change it
	// IDs are the topics' ids, by name, for who knows a topic by its name alone; whoever gets it must not change it.
	IDs map[string]lineage.TopicID
	// Reported is the id as the brokers report it: ID, unless another watched cluster has reported the same before.
	Reported lineage.ClusterID
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
	b.clusters[w.Source] = w
	delete(b.awaited, w.Source)
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

// Find returns the watched cluster that somebody else knows by bootstrap addresses or, where none of them is known, by
// an alias: names say which source name an alias means, else it may be one itself. Addresses decide, since two people
// give two clusters one alias more easily than one address. ok is false when no watched cluster fits; where several
// have one of the addresses the alias decides.
func (b *Board) Find(alias string, bootstrap []string, names map[string]string) (w Watched, ok bool) {
	if b == nil {
		return w, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.clusters {
		if slices.ContainsFunc(bootstrap, func(a string) bool { return slices.Contains(c.Brokers, strings.TrimSpace(a)) }) {
			w, n = c, n+1
		}
	}
	if n == 1 {
		return w, true
	}
	if name := names[alias]; name != "" {
		alias = name
	}
	w, ok = b.clusters[alias]
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

// Ends are where a topic's partitions end.
type Ends struct {
	Offsets []int64 // by partition, -1 unknown; nil: not told. Whoever gets it must not change it
	// Transactional: transactions were written, so that some of the offsets are their markers and no records.
	Transactional bool
	// Compacted: the log may have holes.
	Compacted bool
	// Starts are where the partitions begin, the same way, as they were in the round StartsAt; zero: not read yet.
	Starts   []int64
	StartsAt time.Time
}

// Records are the offsets where each stands for a record; nil where some are markers.
func (e Ends) Records() []int64 {
	if e.Transactional {
		return nil
	}
	return e.Offsets
}

// toldEnds are the ends of a cluster's topics as of a round.
type toldEnds struct {
	round  time.Time
	topics map[string]Ends
}

// wantedFor is for how many rounds a topic's ends are told after they were asked for: enough for a round that is
// missed, and few enough to forget a topic that is not copied any more.
const wantedFor = 10

// WantEnds asks for the end offsets of topics in the next rounds. Who goes on wanting them asks in each round.
func (b *Board) WantEnds(cluster lineage.ClusterID, topics ...string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted == nil {
		b.wanted = map[lineage.ClusterID]map[string]int{}
	}
	if b.wanted[cluster] == nil {
		b.wanted[cluster] = map[string]int{}
	}
	for _, t := range topics {
		b.wanted[cluster][t] = wantedFor
	}
}

// Copies says that a replicator reads topics of a cluster, and asks for their ends. Who goes on copying them says so in
// each round.
func (b *Board) Copies(cluster lineage.ClusterID, topics ...string) {
	if b == nil {
		return
	}
	b.WantEnds(cluster, topics...)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.copied == nil {
		b.copied = map[lineage.ClusterID]map[string]int{}
	}
	if b.copied[cluster] == nil {
		b.copied[cluster] = map[string]int{}
	}
	for _, t := range topics {
		b.copied[cluster][t] = wantedFor
	}
}

// Copied returns the topics of a cluster that a replicator reads. It is asked once a round: a topic of which nobody
// says so any more is forgotten after a few.
func (b *Board) Copied(cluster lineage.ClusterID) (topics []string) {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for t, rounds := range b.copied[cluster] {
		topics = append(topics, t)
		if b.copied[cluster][t]--; rounds <= 1 {
			delete(b.copied[cluster], t)
		}
	}
	return topics
}

// WantStarts asks for the start of a topic to be read again soon: it is read each minute anyway.
func (b *Board) WantStarts(cluster lineage.ClusterID, topic string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.starts == nil {
		b.starts = map[lineage.ClusterID]map[string]bool{}
	}
	if b.starts[cluster] == nil {
		b.starts[cluster] = map[string]bool{}
	}
	b.starts[cluster][topic] = true
}

// StartsWanted returns the topics whose starts somebody asked for since the last call.
func (b *Board) StartsWanted(cluster lineage.ClusterID) map[string]bool {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := b.starts[cluster]
	delete(b.starts, cluster)
	return wanted
}

// SetEnds tells the ends, as of a round, of those topics that somebody wants. of is asked for each of them; one that is
// not there has none.
func (b *Board) SetEnds(cluster lineage.ClusterID, round time.Time, of func(topic string) Ends) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ends == nil {
		b.ends = map[lineage.ClusterID]toldEnds{}
	}
	told := toldEnds{round, map[string]Ends{}}
	for t, rounds := range b.wanted[cluster] {
		if e := of(t); e.Offsets != nil {
			told.topics[t] = e
		}
		if b.wanted[cluster][t]--; rounds <= 1 {
			delete(b.wanted[cluster], t)
		}
	}
	b.ends[cluster] = told
}

// Ends returns the newest ends of a topic, none when they were told before an instant or not at all: an old end says
// nothing of now.
func (b *Board) Ends(cluster lineage.ClusterID, topic string, since time.Time) Ends {
	if b == nil {
		return Ends{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	told := b.ends[cluster]
	if told.round.Before(since) {
		return Ends{}
	}
	return told.topics[topic]
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

// uncounted is what one source knows of movers that write without a count.
type uncounted struct {
	round   time.Time
	known   bool
	writers UncountedWriters
}

// AnyTopic is no topic's name: it stands for all topics of a cluster, where it is not known yet which of them a mover
// writes.
const AnyTopic = ""

// UncountedWriters are movers by the cluster and the topic that they write to, or AnyTopic. A cluster without topics is
// one of which it is known that nobody of them writes there.
type UncountedWriters map[lineage.ClusterID]map[string][]lineage.Node

// Add adds a mover.
func (w UncountedWriters) Add(cluster lineage.ClusterID, topic string, mover lineage.Node) {
	if w[cluster] == nil {
		w[cluster] = map[string][]lineage.Node{}
	}
	w[cluster][topic] = append(w[cluster][topic], mover)
}

// Expect announces that a source will tell the writers of the cluster that is configured under a name, or of one that
// it does not know yet (""). Until it has told, a round waits for it a little. It is called before the sources start,
// and again when a source finds that it may have writers to tell.
func (b *Board) Expect(source lineage.Source, cluster string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.expected == nil {
		b.expected = map[lineage.Source]expectation{}
	}
	x := b.expected[source]
	x.cluster = cluster
	b.expected[source] = x
}

// expectation is a source that is expected to tell writers: of which cluster, by the name under which it is configured,
// empty while nobody knows; and the newest round in which it could not see any, zero while it is silent.
type expectation struct {
	cluster string
	blind   time.Time
}

// Blind says that a source which is expected could not see its writers in a round, and has never seen them: they may
// write any topic of its cluster. Nobody waits for it then.
func (b *Board) Blind(source lineage.Source, round time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if x, ok := b.expected[source]; ok {
		x.blind = round
		b.expected[source] = x
	}
}

// Withdraw says that a source has no writers to tell, as where nothing replicates into a cluster. It may tell some
// later.
func (b *Board) Withdraw(source lineage.Source) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.expected, source)
	delete(b.writers, source)
}

// SetWriters says which movers a source knows, as of a round, to be running and writing to topics without a count of
// their own. known is false when the source could not see this round: then its movers may or may not write. The board
// keeps the map.
func (b *Board) SetWriters(source lineage.Source, round time.Time, known bool, writers UncountedWriters) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writers == nil {
		b.writers = map[lineage.Source]uncounted{}
	}
	delete(b.expected, source)
	b.writers[source] = uncounted{round: round, known: known, writers: writers}
}

// Writers are the uncounted writers of a cluster's topics as they are known now: what is told at once is told by them,
// as whose beginning a flow's is. Whose records are is settled from what is stored (Runs).
type Writers struct {
	// Told is false when nobody tells writers of this cluster: then there is nothing to wait for.
	Told bool
	// AsOf is the oldest of the rounds up to which the sources have told; zero while one that is expected has not told
	// yet.
	AsOf time.Time
	// Blind are the sources that are expected and could not see anything yet, by name: what they would tell may write
	// any topic.
	Blind   []string
	cluster lineage.ClusterID
	sources []uncounted
}

// Of returns the movers that are known to write to a topic now, sorted by kind and name, each once. sure is false when
// a source that knew a writer of the topic could not see in its newest round, or when somebody may write any topic.
func (w Writers) Of(topic string) (movers []lineage.Node, sure bool) {
	sure = len(w.Blind) == 0
	for _, told := range w.sources {
		more, seen := told.of(w.cluster, topic)
		movers, sure = append(movers, more...), sure && seen
	}
	return distinct(movers), sure
}

// of returns the movers that a source knows to write a topic, and whether it can be sure that there are no others of
// its own.
func (u uncounted) of(cluster lineage.ClusterID, topic string) (movers []lineage.Node, sure bool) {
	movers = u.writers[cluster][topic]
	return movers, (u.known || len(movers) == 0) && len(u.writers[cluster][AnyTopic]) == 0
}

func distinct(movers []lineage.Node) []lineage.Node {
	slices.SortFunc(movers, lineage.Node.Compare)
	return slices.Compact(movers)
}

// Writers returns what all sources tell of a cluster now.
func (b *Board) Writers(cluster lineage.ClusterID) (out Writers) {
	if b == nil {
		return out
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out.cluster = cluster
	for _, newest := range b.writers {
		if _, tells := newest.writers[cluster]; !tells {
			continue
		}
		if !out.Told || newest.round.Before(out.AsOf) {
			out.AsOf = newest.round
		}
		out.Told = true
		out.sources = append(out.sources, newest)
	}
	source := ""
	for _, c := range b.clusters {
		if c.ID == cluster {
			source = c.Source
		}
	}
	for who, x := range b.expected {
		if x.cluster != "" && x.cluster != source {
			continue
		}
		if !out.Told || x.blind.Before(out.AsOf) {
			out.AsOf = x.blind // zero of one that is silent
		}
		out.Told = true
		if !x.blind.IsZero() {
			out.Blind = append(out.Blind, who.Cluster)
		}
	}
	slices.Sort(out.Blind)
	return out
}
