package work

import (
	"slices"
	"testing"
	"time"
)

func TestTop(t *testing.T) {
	var top Top
	for s, by := range []int64{5, 1, 9, 9, 2, 3, 4, 6, 7, 8, 0, 10, 1} {
		top.Add(s, by)
	}
	if got, want := top.String(), "11+10 2+9 3+9 9+8 8+7 7+6 0+5 6+4 5+3 4+2 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if top.Wants(2) || !top.Wants(3) {
		t.Error("the tenth is not what is wanted by")
	}
}

// Two processes have the same counters, whose totals never fall, and hours that lie within them.
func TestCounters(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 44, 0, 0, time.UTC)
	c, d := NewCounters(50, 120, now), NewCounters(50, 120, now.Add(23*time.Hour))
	if !slices.Equal(c.values, d.values) || c.End != d.End || c.End != time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC) {
		t.Error("what is made depends on when it is")
	}
	for k := 1; k < c.Ticks; k++ {
		for s, v := range c.Row(k) {
			if v < c.Row(k - 1)[s] {
				t.Fatalf("series %d falls at tick %d", s, k)
			}
		}
	}
	from, to := c.AlignedHour()
	if from.Minute() != 0 || to.Sub(from) != time.Hour || c.tickOf(from) < 1 || c.At(c.tickOf(to)) != to {
		t.Errorf("the hour of the clock is from %s to %s", from, to)
	}
	if from, to := c.AnyHour(9); from.Minute() != 16 || to.Sub(from) != time.Hour || c.tickOf(to) >= c.Ticks {
		t.Errorf("another hour is from %s to %s", from, to)
	}
	if e := c.Entropy(); e < 0.3 || e > 1.2 {
		t.Errorf("%v bytes a sample", e)
	}
}

func TestSteps(t *testing.T) {
	of := func(by ...int64) string {
		var s Steps
		for _, x := range by {
			s.Add(x)
		}
		return s.String()
	}
	if of(1, 2) == of(2, 1) || of(1, 0) == of(1) {
		t.Error("different steps are told alike")
	}
}

// A search over columns finds what a search over a map does.
func TestReach(t *testing.T) {
	g := NewEdges(5000)
	out := map[uint32][]uint32{}
	for _, e := range g.List {
		out[e.From] = append(out[e.From], e.To)
	}
	seen, todo := map[uint32]bool{Root: true}, []uint32{Root}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		for _, to := range out[n] {
			if !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	c := g.CSR()
	for range 2 {
		all := c.Reach(Root)
		if len(all) != len(seen) || len(seen) < 300 {
			t.Fatalf("reached %d, want %d", len(all), len(seen))
		}
		for _, n := range all {
			if !seen[n] {
				t.Fatalf("%d can't be reached", n)
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	if got := Quantile([]time.Duration{5, 1, 4, 2, 3}, 0.5); got != 3 {
		t.Errorf("the median is %d", got)
	}
	if got := Quantile([]time.Duration{2, 1}, 1); got != 2 {
		t.Errorf("the largest is %d", got)
	}
}
