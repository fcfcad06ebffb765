package mirror

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

// source is the state between the rounds of one cluster. One goroutine at a time.
type source struct {
	cfg     Config
	tail    *tail
	words   *words
	caught  map[string]bool        // topics that were read to their end once
	fresh   map[string]bool        // topics that were read to their end in the newest round
	foreign map[string]bool        // topics that only look like MirrorMaker 2's, while they are there
	syncing map[topicList][]string // see syncAliases
	// offset syncs that are read for the sources of other clusters only: what can't be read of them hides nothing here
	elsewhere map[string]bool
	groups    map[pair]groupLook
	// missing says, by the alias of a source, why what tells of replication from there was not read in the newest
	// round. behind: of one of them reading goes on.
	missing map[string]string
	behind  bool

	flows map[pair]*flow
	ready bool // all that tells was read once: what shows from then on is new
	saved bool // the round's position was saved once
	gone  []string

	rhythm *rhythm.Tracker // of what is copied, which begins and ends

	tell    *collector.Teller
	take    *collector.Take // the round under way
	scale   map[string]int  // number of bad records as last told, by topic
	telling bool            // the board has writers from us
	cluster lineage.ClusterID

	runs          collector.Runs
	writersStored string // as stored
}

// flow is what is kept of one replicator between rounds.
type flow struct {
	pair
	node  lineage.Node
	began time.Time // the first round
	// whole is the first round in which all its offsets were known, zero while they were not: since then a partition
	// that is new in its books is new. born: all its offsets were written about then.
	whole time.Time
	born  bool
	fact  lineage.ReplicatorFact
	told  bool
	books map[string]*copybook.Book // by topic of the source
	marks map[string]uint64         // newest marks, by topic here
	// As it was last seen: the topics of its accesses, and the names of those that it writes.
	topics []lineage.Topic
	writes []string
	dirty  bool

	sum     uint64
	stirred time.Time

	halted string    // the state in which it does not run; empty: it runs, or nothing tells why not
	since  time.Time // since when that is so, of one that ran before; zero: it was so at the first look
	looked bool
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, tell: collector.NewTeller(cfg.Name, cfg.Log), words: newWords(), caught: map[string]bool{}, fresh: map[string]bool{}, groups: map[pair]groupLook{}, scale: map[string]int{}, foreign: map[string]bool{}, syncing: map[topicList][]string{}}
	s.cfg.Log = cfg.Log.With("source", sourceName) // after the teller's, which names the part itself
	s.rhythm = rhythm.New(rhythm.Config{Tick: cfg.Interval})
	s.forgetBooks()
	return s
}

// close closes the connections.
func (s *source) close() {
	if s.tail != nil {
		s.tail.client.Close()
	}
}

// forgetBooks brings the books to the state of a first start.
func (s *source) forgetBooks() {
	s.flows = map[pair]*flow{}
	s.ready, s.saved, s.gone = false, false, nil
	s.runs.Forget()
	s.writersStored = ""
	s.rhythm.Forget()
}

// flow returns what is kept of a pair, new when there is nothing.
func (s *source) flow(p pair) *flow {
	f := s.flows[p]
	if f == nil {
		f = &flow{pair: p, node: s.node(p), books: map[string]*copybook.Book{}, marks: map[string]uint64{}, dirty: true}
		s.flows[p] = f
	}
	return f
}

func (s *source) node(p pair) lineage.Node {
	return lineage.Node{Scope: s.cfg.Name, Kind: lineage.ReplicatorNode, Name: p.String()}
}

// read and write are the replicator's accesses to a topic.
func (f *flow) read(t lineage.Topic) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Read, Client: lineage.Client{Mover: f.node}}
}

func (f *flow) write(t lineage.Topic) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Write, Client: lineage.Client{Mover: f.node}}
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	o := s.observation(round)
	w, ok := s.board(ctx)
	if !ok { // nothing was lost: its own source says why it does not see the cluster
		s.take.Untold(o)
		return s.miss(ctx, o, "the cluster's topics are not known yet")
	}
	if s.cluster != "" && s.cluster != w.ID {
		s.begin(o)
	}
	s.cluster = w.ID
	t := newTarget(w)
	err := s.readAll(ctx, t, round)
	var views []view
	if err == nil {
		views = s.views(ctx, t, round)
	}
	if err == nil && len(views) == 0 && len(s.missing) > 0 {
		err = errors.New(strings.Join(slices.Sorted(maps.Values(s.missing)), "; "))
	}
	if err != nil {
		if !s.telling {
			s.cfg.Board.Expect(s.id(), s.cfg.Name) // there may be writers, once all is read
			if len(s.runs.Writers()) == 0 {
				now := collector.Levels{}
				now.Any(s.teller(), s.cluster, lineage.Unknown)
				s.runs.Tell(o, now)
			}
		}
		return s.miss(ctx, o, err.Error())
	}
	s.tellSyncs(t)
	s.book(o, t, views)
	s.tellRuns(o)
	s.sayBlind(o, views)
	s.rhythm.Observe([]*lineage.Observation{o})
	s.savePositions(o)
	s.ready = true
	return s.take.Finish(ctx)
}

// begin forgets all that was known: another cluster is behind the name now, as its own source has said.
func (s *source) begin(o *lineage.Observation) {
	for p, f := range s.flows {
		s.gone = append(s.gone, flowKey(p))
		for topic := range f.books {
			s.gone = append(s.gone, bookKey(p, topic))
		}
		if !f.began.IsZero() {
			o.Facts = append(o.Facts, lineage.Fact{Key: f.key(s.cfg.Name), Gone: true})
		}
	}
	gone := s.gone
	s.close()
	s.foreign = map[string]bool{}
	s.tail, s.words, s.caught, s.fresh, s.groups, s.scale = nil, newWords(), map[string]bool{}, map[string]bool{}, map[pair]groupLook{}, map[string]int{}
	s.forgetBooks()
	s.gone = gone
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	return s.miss(context.Background(), s.observation(round), reason)
}

func (s *source) observation(round time.Time) *lineage.Observation {
	s.take = s.tell.Take(round)
	return s.take.Observe(sourceName, s.cfg.Interval)
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// miss says that nothing was seen, and to the board that writers may have changed.
func (s *source) miss(ctx context.Context, o *lineage.Observation, reason string) []lineage.Observation {
	collector.MissAll(o, reason)
	if s.telling {
		s.cfg.Board.SetWriters(s.id(), o.Round, false, s.writers(func(*flow) bool { return true }))
		s.cfg.Board.Withdraw(s.unseenID())
	}
	return s.take.Finish(ctx)
}

// board returns the cluster. At the start its own source needs a moment to see it.
func (s *source) board(ctx context.Context) (collector.Watched, bool) {
	wait := time.Now().Add(s.cfg.Interval / 2)
	for {
		w, ok := s.cfg.Board.Cluster(s.cfg.Name)
		if ok || ctx.Err() != nil || time.Now().After(wait) {
			return w, ok
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
