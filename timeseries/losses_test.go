package timeseries

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestLossesAreSetsOfTicks adds random losses in any order: of each tick it is said why, for whom and how, and nothing
// is said twice.
func TestLossesAreSetsOfTicks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	sources := []lineage.Source{{}, {Cluster: "c", Name: "a"}, {Cluster: "c", Name: "b"}}
	for range 500 {
		var added []lostSpan
		for range 1 + r.IntN(12) {
			a := r.Int64N(40)
			added = append(added, lostSpan{
				a: a, b: a + r.Int64N(9), source: sources[r.IntN(3)], reason: string(rune('x' + r.IntN(2))), damage: r.IntN(2) == 0,
			})
		}
		merge := func() (all []lostSpan) {
			for _, x := range added {
				before := slices.Clone(all)
				next := mergeLost(all, x)
				if !slices.Equal(all, before) {
					t.Fatal("what was handed out changed")
				}
				all = next
			}
			return all
		}
		all := merge()
		type said struct {
			tick   int64
			source lineage.Source
			reason string
			damage bool
		}
		list := func(spans []lostSpan) map[said]int {
			out := map[said]int{}
			for _, x := range spans {
				for tick := x.a + 1; tick <= x.b; tick++ {
					out[said{tick, x.source, x.reason, x.damage}]++
				}
			}
			return out
		}
		want, got := list(added), list(all)
		for k := range want {
			if got[k] != 1 {
				t.Fatalf("%v of %v: %+v is said %d times", all, added, k, got[k])
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%v of %v: %d are said, want %d", all, added, len(got), len(want))
		}
		r.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
		if again := merge(); !reflect.DeepEqual(again, all) {
			t.Fatalf("in another order %v is %v", all, again)
		}
		e := &engine{lost: all}
		lo := r.Int64N(45)
		hi := lo + r.Int64N(9)
		for _, x := range all {
			in := false
			for tick := lo + 1; tick <= hi; tick++ {
				in = in || x.a < tick && tick <= x.b
			}
			if lo < hi && slices.Contains(e.lostIn(lo, hi), x) != in {
				t.Fatalf("%+v touches (%d, %d]: %t", x, lo, hi, !in)
			}
			if lo < hi && touches([]lostSpan{x}, lo, hi) != in {
				t.Fatalf("%+v has a tick in (%d, %d]: %t", x, lo, hi, !in)
			}
		}
	}
}

// TestHolesAreExplainedOnce goes over a stretch without a round, of a source that is expected now and then, while
// others went on or not, and some of it was lost: each tick that it is expected in has one reason, that of the loss
// before any other, and what nobody expected is no gap.
func TestHolesAreExplainedOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 4))
	ranges := func() (out []tickRange) {
		for at := r.Int64N(8); at < 50 && r.IntN(6) > 0; {
			to := at + 1 + r.Int64N(12)
			out = append(out, tickRange{at, to})
			at = to + 1 + r.Int64N(6)
		}
		return out
	}
	in := func(of []tickRange, tick int64) bool {
		return slices.ContainsFunc(of, func(x tickRange) bool { return x.a < tick && tick <= x.b })
	}
	name := lineage.Source{Cluster: "c", Name: "a"}
	for n := range 1500 {
		c := &sourceCoverage{track: &track{clock: newClock(time.Minute)}, name: name, open: map[string]int{}}
		c.due, c.told = ranges(), ranges()
		going := ranges()
		for range r.IntN(3) {
			a := r.Int64N(50)
			x := lostSpan{a: a, b: a + 1 + r.Int64N(9), reason: fmt.Sprint("lost ", r.IntN(2)), source: []lineage.Source{{}, name, {Cluster: "c", Name: "b"}}[r.IntN(3)]}
			c.lost = mergeLost(c.lost, x)
		}
		a := r.Int64N(30)
		b := a + r.Int64N(30)
		c.hole(a, b, going)
		expected := 0
		for tick := a + 1; tick <= b; tick++ {
			var want []string // any of these
			switch {
			case !in(c.due, tick):
			case !in(c.told, tick):
				want = []string{nothingRecorded}
			case in(going, tick):
				want = []string{expectedSilent}
			default:
				want = []string{notRunning}
			}
			if len(want) > 0 {
				expected++
				var why []string
				for _, x := range c.lost {
					if x.a < tick && tick <= x.b && x.of(name) {
						why = append(why, x.reason)
					}
				}
				if len(why) > 0 {
					want = why
				}
			}
			var got []string
			for _, g := range c.gaps {
				if at := c.track.at(tick); g.Window.Start.Before(at) && !g.Window.End.Before(at) {
					got = append(got, g.Reason)
				}
			}
			if len(want) == 0 && len(got) > 0 || len(want) > 0 && (len(got) != 1 || !slices.Contains(want, got[0])) {
				t.Fatalf("%d: tick %d of (%d, %d], due %v, told %v, going %v, lost %+v: %s, want one of %s",
					n, tick, a, b, c.due, c.told, going, c.lost, strings.Join(got, " and "), strings.Join(want, ", "))
			}
		}
		if c.expected != float64(expected) {
			t.Fatalf("%d: %v ticks were expected, want %d", n, c.expected, expected)
		}
	}
}
