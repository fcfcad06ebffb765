package collector

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

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
