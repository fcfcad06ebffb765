package collector

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Ends are where a topic's partitions end.
type Ends struct {
	Offsets []int64 // by partition, -1 unknown; nil: not told. Whoever gets it must not change it
	// Epochs are those of the partitions' leaders, the same way: one that changed says that another broker led
	// meanwhile.
	Epochs []int32
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

// AllEnds returns the newest ends of all topics that somebody wants, and the round as of which they are. Whoever gets
// them must not change them.
func (b *Board) AllEnds(cluster lineage.ClusterID) (topics map[string]Ends, round time.Time) {
	if b == nil {
		return nil, time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	told := b.ends[cluster]
	return told.topics, told.round
}
