package answer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/lineage"
)

const linkedEast lineage.ClusterID = "q9wEast0eastEast0eastQ"

// linked is a topic that MirrorMaker 2 copies, of which all is known, and the collectors that watch it. Its account is
// the one that they keep.
type linked struct {
	*world
	r    *rand.Rand
	book *copybook.Book

	start, end, position, committed int64
	top                             int64 // up to where records were copied once
	copied                          int64 // in the copy, those that came twice too
	running                         bool
	crashes                         bool // it is stopped without having committed, too
	others                          bool // somebody else writes the copy too

	rounds []linkTruth
	starts [2]int64 // as read last, and in which round
}

// linkTruth are totals since the beginning, and what waits.
type linkTruth struct{ produced, first, arrived, lost, waits int64 }

// act lets a round of replication happen.
func (l *linked) act(n int, quiet bool) {
	was := l.rounds[len(l.rounds)-1]
	if !quiet && l.r.IntN(3) > 0 {
		k := l.r.Int64N(50)
		l.end, was.produced = l.end+k, was.produced+k
	}
	switch x := l.r.IntN(12); {
	case x == 0 && !quiet: // it is stopped, or crashes
		if l.running && (!l.crashes || l.r.IntN(2) == 0) {
			l.committed = l.position
		}
		l.running = false
	case x < 4 && !l.running || quiet && !l.running:
		l.running, l.position = true, l.committed
	}
	if !l.running && !quiet && l.r.IntN(5) == 0 { // retention does not wait
		if to := l.start + l.r.Int64N(l.end-l.start+1); to > l.start {
			was.lost += max(to-max(l.top, l.start), 0)
			l.start = to
		}
	}
	if l.running {
		l.position = max(l.position, l.start)
		to := min(l.position+l.r.Int64N(80), l.end)
		if quiet {
			to = l.end
		}
		was.first += max(to-max(l.top, l.position), 0)
		was.arrived += to - l.position
		l.copied += to - l.position
		l.position, l.top = to, max(l.top, to)
		if n%3 == 0 {
			l.committed = l.position
		}
	}
	was.waits = l.end - max(l.top, l.start)
	l.rounds = append(l.rounds, was)
}

// run lets some rounds happen, of which those between two numbers are quiet.
func (l *linked) run(rounds int, quiet func(int) bool) {
	orders, copied := topic("orders"), lineage.Topic{Cluster: linkedEast, Name: "west.orders", ID: lineage.TopicID{1: 9}}
	node := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}
	read := reads(nameOnly(orders), by(node))
	l.book = copybook.New(read, lineage.Mirror)
	ends, copies, other, late := int64(0), int64(0), int64(0), false // as of the round before, or the one before that
	for n := 1; n <= rounds; n++ {
		l.act(n, quiet(n))
		if l.others && !quiet(n) {
			other += l.r.Int64N(20)
		}
		if n%6 == 0 || l.book.Undecided() {
			l.starts = [2]int64{l.start, int64(n)}
		}
		reading := copybook.Reading{
			Ends: []int64{ends}, Starts: []int64{l.starts[0]}, StartsAt: round(int(l.starts[1])), Copies: []int64{copies}, Origin: true, Certain: true,
			Running: l.running, Round: round(n), Interval: tick,
		}
		if l.committed > 0 {
			reading.Offsets = map[int32]int64{0: l.committed - 1}
		}
		if late = !late && l.r.IntN(3) == 0; !late { // else the other sources are, by a round
			ends, copies = l.end, l.copied+other
		}
		l.book.Observe(reading)
		var wests, easts, mirrors []filling
		if n == 1 {
			f, g := topicFact(orders), topicFact(copied)
			f.Topic.Configs, g.Topic.Configs, g.Key.Source = []lineage.Config{}, []lineage.Config{}, "east"
			c := clusterFact(1)
			c.Key.Source, c.Cluster = "east", &lineage.ClusterFact{ID: linkedEast, Brokers: 1, Controller: 1, Topics: 1, Groups: -1}
			wests, easts = append(wests, facts(clusterFact(1), f)), append(easts, facts(c, g))
			mirrors = append(mirrors, facts(replicatorFact("east", node, lineage.ReplicatorFact{SourceAlias: "west", TargetAlias: "east", Source: west, Target: linkedEast, Separator: ".", State: "RUNNING"})))
		}
		appended := func(t lineage.Topic, n int64) filling {
			return func(o *lineage.Observation) {
				o.Samples = append(o.Samples, lineage.Sample{Subject: self(t), Metric: lineage.Appended, Value: n})
			}
		}
		l.observe("west", "ends", n, append(wests, appended(orders, l.end))...)
		easts = append(easts, appended(copied, l.copied+other))
		if l.others {
			x := writes(copied, lineage.Client{TransactionalID: "intruder"})
			easts = append(easts, func(o *lineage.Observation) {
				o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: other})
			})
		}
		l.observe("east", "ends", n, easts...)
		samples := l.book.Tell(round(n-1), true)
		mirrors = append(mirrors, sighted(read, lineage.Mirror, ""), sighted(writes(nameOnly(copied), by(node)), lineage.Mirror, ""), func(o *lineage.Observation) {
			o.Samples = append(o.Samples, samples...)
		})
		l.observe("east", "mirror", n, mirrors...)
	}
}

// TestLinkLaw asks for the account of a replication that is stopped and crashes while retention goes on, by the account
// that its collector keeps, which is held against ends of the round before. No answer contradicts what happened, and
// where the window's ends are quiet what was copied and lost is exact.
func TestLinkLaw(t *testing.T) {
	const rounds = 80
	exact, all, off, quiets := map[string]int{}, 0, 0, 0
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			w := &linked{world: newWorld(t), r: r, running: true, crashes: seed%2 == 1, others: seed%6 == 4, rounds: make([]linkTruth, 1)}
			calm := func(n int) bool { return n <= 12 || n >= 60 }
			w.run(rounds, calm)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}}})
			for i := range 14 {
				from := 2 + r.IntN(rounds-4)
				to := from + 1 + r.IntN(rounds-from)
				if i < 3 {
					from, to = 6+r.IntN(5), 78+r.IntN(3)
				}
				v := view(t, a, answer.Between(round(from), round(to)), answer.All)
				b, err := v.Balance(t.Context(), topicNode("orders"))
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Links) != 1 {
					t.Fatalf("%d links", len(b.Links))
				}
				was, is, x := w.rounds[from], w.rounds[to], b.Links[0]
				copied, arrived := is.first-was.first, is.arrived-was.arrived
				where := fmt.Sprintf("seed %d, rounds %d to %d, others %v", seed, from, to, w.others)
				all++
				if i < 3 {
					quiets++
				}
				for _, c := range []struct {
					name  string
					said  answer.Tally
					truth int64
				}{
					{"opening", x.Opening, was.waits},
					{"copied", x.Read, copied},
					{"lost", x.Lost, is.lost - was.lost},
					{"skipped", x.Skipped, 0},
					{"closing", x.Closing, is.waits},
					{"arrived", x.Arrived, arrived},
					{"surplus", x.Surplus, arrived - copied},
					{"shortfall", x.Shortfall, 0},
				} {
					n, ok := c.said.Exact()
					least, _ := c.said.AtLeast()
					most, bound := c.said.AtMost()
					if ok && n != c.truth || least > c.truth || bound && most < c.truth {
						t.Errorf("%s: %s is %d, said is %d to %d: %s; %+v", where, c.name, c.truth, least, most, c.said.Doubts.Words(), x.Account)
					}
					if ok && i < 3 {
						exact[c.name]++
					}
				}
				if x.AddsUp != nil && !*x.AddsUp {
					off++ // its collector sees that more is missing than it counts
				}
			}
		})
	}
	t.Logf("of %d windows with quiet ends exact are %v", quiets, exact)
	if off > all/20 {
		t.Errorf("%d accounts of %d do not add up", off, all)
	}
	if exact["copied"] < quiets/3 || exact["lost"] < quiets/3 {
		t.Errorf("of %d windows with quiet ends exact are %v", quiets, exact)
	}
}
