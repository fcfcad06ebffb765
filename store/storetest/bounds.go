package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Bounded is a history of a writer whose steps are counted exactly, at most, at least, or neither, by turns of any
// length, with rounds of rest and words that are no reason between. What it wrote in truth is known.
type Bounded struct {
	start        time.Time
	tick         time.Duration
	Observations []lineage.Observation // by round
	steps        []boundedStep
}

// boundedStep is what is told of the ticks (from, to], and what was written in them.
type boundedStep struct {
	from, to    int
	told, truth int64
	estimated   bool
	words       string
}

var bounded = Key{writer, lineage.Records, lineage.ProducerState}

// NewBounded makes one up.
func NewBounded(r *rand.Rand, start time.Time, tick time.Duration, rounds int) *Bounded {
	b := &Bounded{start: start, tick: tick}
	total, last, same, reason, calm := int64(0), 0, -1, 0, false
	for n := 1; n <= rounds; n++ {
		if n%200 == 0 { // for some blocks nothing else is said
			calm = r.IntN(3) > 0
		}
		o := lineage.Observation{Source: west, Round: start.Add(time.Duration(n) * tick), At: start.Add(time.Duration(n) * tick), Interval: tick}
		if !calm && r.IntN(12) == 0 { // what is no reason, whether or not it moved
			words := []string{"a comment", "another comment"}[r.IntN(2)]
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: writer, Evidence: lineage.ProducerState, Detail: words})
		}
		if n == 1 || r.IntN(3) > 0 {
			s := boundedStep{from: n - 1, to: n, truth: r.Int64N(9)}
			if n > 1 && r.IntN(6) == 0 {
				s.from = last
			}
			if same < 0 || r.IntN(5) == 0 && !calm {
				same, reason = r.IntN(6), r.IntN(2)
			}
			s.told, s.estimated = s.truth, true
			switch off := r.Int64N(4); same {
			case 0, 1:
				s.told, s.words = s.truth+off, fmt.Sprintf("at most: reason %d", reason)
			case 2:
				s.told, s.words = max(s.truth-off, 0), fmt.Sprintf("at least: reason %d", reason)
			case 3:
				s.told, s.words = max(s.truth+off-2, 0), []string{"it began anew", "neither at most nor at least"}[reason]
			default:
				s.estimated = false
			}
			if n == 1 {
				s = boundedStep{to: 1}
			}
			if s.words != "" {
				o.Sightings = []lineage.Sighting{{Access: writer, Evidence: lineage.ProducerState, Detail: s.words}}
			}
			total, last = total+s.told, n
			o.Samples = []lineage.Sample{{
				Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total, Estimated: s.estimated, Since: b.at(s.from),
			}}
			b.steps = append(b.steps, s)
		}
		b.Observations = append(b.Observations, o)
	}
	return b
}

func (b *Bounded) at(n int) time.Time { return b.start.Add(time.Duration(n) * b.tick) }

// Hold asks a store for some windows, and holds what it says of them against what it was told and against the truth.
// How often it said what is counted.
func (b *Bounded) Hold(t testing.TB, s store.Store, r *rand.Rand, windows int, said map[string]int) {
	t.Helper()
	b.HoldUntil(t, s, r, windows, len(b.Observations), said)
}

// HoldUntil is Hold of a store that was told the first rounds alone.
func (b *Bounded) HoldUntil(t testing.TB, s store.Store, r *rand.Rand, windows, rounds int, said map[string]int) {
	t.Helper()
	state, err := s.State(t.Context())
	check(t, err)
	for range windows {
		n, m := r.IntN(rounds), 1+r.IntN(rounds)
		if r.IntN(2) == 0 {
			m = n + 1 + r.IntN(min(12, rounds-n))
		}
		if r.IntN(3) == 0 { // where a block ends, over which a step may reach
			m -= m % int(time.Hour/b.tick)
			n = m - 1 - r.IntN(3)
		}
		w := state.Resolve(lineage.Window{Start: b.at(max(min(n, m-1), 0)), End: b.at(max(n+1, m, 1))})
		said["by "+w.Step.String()]++
		b.hold(t, s, w, rounds, said)
	}
}

func (b *Bounded) hold(t testing.TB, s store.Store, w lineage.Resolved, rounds int, said map[string]int) {
	t.Helper()
	asked, err := askOf(t, s, store.Ask{Window: w.Window, Accesses: true, Lookback: Forever})
	check(t, err)
	got, amount := asked.Reasons(bounded), asked.Amount(bounded)
	from, to := int(w.Start.Sub(b.start)/b.tick), int(w.End.Sub(b.start)/b.tick)
	var want []string
	truth, cut := int64(0), false
	for _, x := range b.steps {
		if x.to <= from || x.from >= to || x.to > rounds {
			continue
		}
		cut = cut || x.from < from || x.to > to
		if truth += x.truth; x.estimated {
			want = lastOf(want, x.words)
		}
	}
	slices.Sort(want)
	sorted := slices.Sorted(slices.Values(got))
	if fine := w.Step == b.tick; !slices.Equal(sorted, want) && (fine || !cut) {
		t.Errorf("in %v, by %v, %q are the reasons, want %q", w.Window, w.Step, got, want)
	}
	if (len(got) > 0) != amount.Estimated {
		t.Errorf("in %v, by %v, %q are the reasons of %+v", w.Window, w.Step, got, amount)
	}
	if cut {
		said["cut"]++
		return
	}
	told := ""
	for i, text := range got {
		if i == 0 {
			told = text
		} else {
			told = lineage.BothBounds(told, text)
		}
	}
	is, n := lineage.BoundsOf(told), int64(amount.Total)
	switch {
	case !amount.Estimated:
		if said["exact"]++; n != truth {
			t.Errorf("in %v, by %v, exactly %d are told, in truth %d", w.Window, w.Step, n, truth)
		}
	case is == lineage.Bounds{Most: true}:
		if said["at most"]++; n < truth {
			t.Errorf("in %v, by %v, %d are told, %s, in truth %d", w.Window, w.Step, n, told, truth)
		}
	case is == lineage.Bounds{Least: true}:
		if said["at least"]++; n > truth {
			t.Errorf("in %v, by %v, %d are told, %s, in truth %d", w.Window, w.Step, n, told, truth)
		}
	default:
		said["neither"]++
	}
}

// lastOf adds a reason to those of before, of which those with the same bounds go.
func lastOf(all []string, text string) []string {
	return append(slices.DeleteFunc(all, func(s string) bool { return lineage.BoundsOf(s) == lineage.BoundsOf(text) && (s == "") == (text == "") }), text)
}

// bounds has steps of one counter bounded by turns: in no window it is called a bound that the truth is beyond.
func (b *battery) bounds(t *testing.T) {
	said := map[string]int{}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 80))
		h := NewBounded(r, epoch, tick, 230)
		s := b.open(t, tick)
		check(t, s.Append(t.Context(), h.Observations...))
		h.Hold(t, s, r, 60, said)
		s = b.again(t, s)
		h.Hold(t, s, r, 20, said)
		for _, after := range []int{90, 140, 230, 400} {
			s.maintain(t, epoch.Add(time.Duration(after)*tick))
			h.Hold(t, s, r, 30, said)
			s = b.again(t, s)
			h.Hold(t, s, r, 30, said)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, what := range []string{"exact", "at most", "at least", "neither", "cut"} {
		if said[what] < 20 {
			t.Errorf("too little is said to hold the law: %v", said)
		}
	}
}
