package timeseries

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestHeadMarkedIsWhatAWalkSays asks random series, with resets, samples without an advance and of long spans, whether
// they moved in random windows, when first and when last: the sums of packs say the same as a walk over all advances.
func TestHeadMarkedIsWhatAWalkSays(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	e := &engine{clock: newClock(10 * time.Second)}
	yes := 0
	for range 400 {
		s := &series{key: seriesKey{Metric: lineage.Records}}
		tick, value, idle := int64(1+r.IntN(50)), int64(0), r.IntN(5) == 0
		for range r.IntN(300) {
			if x := r.IntN(20); !idle && x == 0 {
				value = int64(r.IntN(3)) // a reset
			} else if !idle && x < 6 || r.IntN(150) == 0 {
				value += int64(r.IntN(4))
			}
			span := int32(1 + r.IntN(3))
			if r.IntN(30) == 0 {
				span = int32(1 + r.Int64N(2*e.markTicks))
			}
			s.head.push(sample{value: value, tick: tick, span: span}, s.base)
			tick += int64(r.IntN(4)) // several may be of one tick
		}
		for range 40 {
			lo := r.Int64N(tick + 20)
			hi := lo + r.Int64N(60)
			if r.IntN(4) == 0 {
				lo, hi = 0, tick+10
			}
			want, oldest, newest := false, int64(never), int64(0)
			e.eachMark(s, lo, hi, func(m tickRange) bool {
				want, oldest, newest = true, min(oldest, m.a+1), max(newest, m.b)
				return m.a < m.b
			})
			if got, ok := e.oldestMark(s, lo, hi); ok != want || ok && got != oldest {
				t.Fatalf("moved first in (%d, %d]: %d, %v, by a walk %d, %v", lo, hi, got, ok, oldest, want)
			}
			if got, ok := e.newestMark(s, lo, hi); ok != want || ok && got != newest {
				t.Fatalf("moved last in (%d, %d]: %d, %v, by a walk %d, %v", lo, hi, got, ok, newest, want)
			}
			if got := e.headMarked(s, lo, hi); got != want {
				t.Fatalf("moved in (%d, %d]: %v, by a walk %v", lo, hi, got, want)
			} else if got {
				yes++
			}
		}
	}
	if yes < 1000 {
		t.Errorf("only %d moved", yes)
	}
}

// TestWindowsShareColumns asks for windows one after another: what does not hang on the window is shared, until a row,
// a series or a fact comes, and what was answered before stays as it is.
func TestWindowsShareColumns(t *testing.T) {
	const step = 10 * time.Second
	s := NewMemory(Options{Tick: step})
	defer s.Close()
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * step) }
	topic := func(i int) lineage.Topic { return lineage.Topic{Cluster: "c", Name: fmt.Sprint("topic-", i)} }
	tell := func(n int, topics int, more ...lineage.Sample) {
		o := lineage.Observation{Source: testSource, Round: at(n), Interval: step, Samples: more}
		for i := range topics {
			o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: topic(i)}, Metric: lineage.Appended, Value: int64(n)})
			if n == 1 || i == topics-1 {
				o.Facts = append(o.Facts, lineage.Fact{
					Key: lineage.FactKey{Source: "c", Kind: lineage.TopicFacts, Name: topic(i).Name}, Topic: &lineage.TopicFact{Topic: topic(i), Partitions: topics},
				})
			}
		}
		if err := s.Append(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(from, to int) *store.Window {
		w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at(from), End: at(to)}, Accesses: true, Facts: []lineage.FactKind{lineage.TopicFacts, lineage.GroupFacts}})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	tell(1, 3)
	one := ask(0, 1)
	tell(2, 3)
	two := ask(1, 2)
	if &one.Rows.Access[0] != &two.Rows.Access[0] || &one.Series.Metric[0] != &two.Series.Metric[0] || &one.Facts[0] != &two.Facts[0] {
		t.Error("two windows of the same rows and facts do not share them")
	}
	tell(3, 3, lineage.Sample{Subject: lineage.Access{Topic: topic(0)}, Metric: lineage.LogBytes, Value: 1})
	three := ask(2, 3)
	if two.Series.Len() != 3 || three.Series.Len() != 4 || three.Rows.Len() != 3 {
		t.Errorf("with a series more: %d series before, %d after, of %d rows", two.Series.Len(), three.Series.Len(), three.Rows.Len())
	}
	tell(4, 4)
	four := ask(3, 4)
	if three.Rows.Len() != 3 || four.Rows.Len() != 4 || len(three.Facts) != 3 || len(four.Facts) != 4 {
		t.Errorf("with a topic more: %d rows and %d facts before, %d and %d after", three.Rows.Len(), len(three.Facts), four.Rows.Len(), len(four.Facts))
	}
	if again := ask(1, 2); again.Rows.Len() != 3 || len(again.Facts) != 3 || !slices.Equal(again.Series.Metric, three.Series.Metric) {
		t.Errorf("the window before again: %d rows, %d facts", again.Rows.Len(), len(again.Facts))
	}
	names := func(w *store.Window) (out []string) {
		for _, f := range w.Facts {
			out = append(out, f.Key.Name)
		}
		return out
	}
	if got := names(four); !slices.IsSorted(got) {
		t.Errorf("facts are in the order %v", got)
	}
}

// TestWindowsLetGo lets go of an answer whose columns and facts are shared with the next: its amounts are gone with it.
func TestWindowsLetGo(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	at := testStart.Add(testOpts.Tick)
	topic := lineage.Topic{Cluster: "c", Name: "orders"}
	must(t, s.Append(t.Context(), lineage.Observation{
		Source: testSource, Round: at, Interval: testOpts.Tick,
		Samples: []lineage.Sample{{Subject: lineage.Access{Topic: topic}, Metric: lineage.Appended, Value: 1}},
		Facts:   []lineage.Fact{{Key: lineage.FactKey{Source: "c", Kind: lineage.TopicFacts, Name: topic.Name}, Topic: &lineage.TopicFact{Topic: topic}}},
	}))
	w, err := s.Window(t.Context(), store.Ask{
		Window: lineage.Window{Start: testStart, End: at}, Accesses: true, Facts: []lineage.FactKind{lineage.TopicFacts},
	})
	must(t, err)
	if len(w.Facts) != 1 || w.Series.Len() != 1 {
		t.Fatalf("%d facts, %d series", len(w.Facts), w.Series.Len())
	}
	held := weak.Make(w)
	w = nil //nolint:wastedassign // nobody has it any more
	for range 3 {
		runtime.GC()
	}
	if held.Value() != nil {
		t.Error("an answer that nobody has is in memory")
	}
}

// TestThePastIsOfWhoIsMarked holds that a window of the past is answered by who is marked in it, whoever else is in
// memory: the same as by a walk over all, while some are put away, come back, and are told of late.
func TestThePastIsOfWhoIsMarked(t *testing.T) {
	o := testOpts
	o.Tick, o.crowd = 10*time.Minute, 10
	s := NewMemory(o)
	m := &mayfly{step: o.Tick, perDay: 20, staying: 30, return1: true, totals: map[lineage.Access]int64{}}
	r := rand.New(rand.NewPCG(6, 1))
	past := 0
	for n := 1; n <= 8*144; n++ {
		x := m.round(n)
		must(t, s.Append(t.Context(), x))
		if n%12 != 0 {
			continue
		}
		must(t, s.Maintain(t.Context(), x.Round))
		hours := n / 6
		if n%24 != 0 || hours < 30 {
			continue
		}
		start := testStart.Add(time.Duration(r.IntN(hours)) * time.Hour)
		w := lineage.Window{Start: start, End: start.Add(time.Duration(1+r.IntN(12)) * 10 * time.Minute)}
		lookback := time.Duration(r.IntN(3)) * time.Hour
		got := rowsOf(t, s, w, lookback)
		s.mu.RLock()
		reach := s.headReach()
		s.mu.RUnlock()
		if reach >= s.floor(w.End) {
			past++
		}
		s.reach.Store(1) // so that all are walked over
		if want := rowsOf(t, s, w, lookback); !maps.Equal(got, want) {
			t.Fatalf("%v, %s back: %v, want %v", w, lookback, got, want)
		}
		s.reach.Store(0)
	}
	if past < 20 {
		t.Errorf("%d windows were past", past)
	}
	nobody := &subject{id: s.subjects.give()} // whom a walk would look at
	s.subjects.put(nobody)
	w := lineage.Window{Start: testStart.Add(3 * time.Hour), End: testStart.Add(4 * time.Hour)}
	if x, err := s.Window(t.Context(), store.Ask{Window: w, Accesses: true}); err != nil || x.Rows.Topics == 0 {
		t.Errorf("%v, %+v", err, x)
	}
	s.subjects.remove(nobody)
	must(t, s.Close())
}
