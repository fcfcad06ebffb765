package work

import (
	"slices"
	"testing"
	"time"
)

// Two processes have the same days, of which one in twenty edges moves in a spell, and others in the next; minutes are
// in the round that says them, and what moved is a graph that is mostly downstream of its root.
func TestPast(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 44, 0, 0, time.UTC)
	p, q := NewPast(20_000, 5, now), NewPast(20_000, 5, now.Add(30*time.Minute))
	if !slices.Equal(p.Moved(9), q.Moved(9)) || p.End != q.End || p.End != now.Truncate(2*time.Hour) || p.At(p.Rounds()) != p.End || p.End.Sub(p.At(0)) != 5*24*time.Hour {
		t.Error("what is made depends on when it is")
	}
	if !slices.Equal(p.Moved(1), p.Moved(12)) || slices.Equal(p.Moved(12), p.Moved(13)) {
		t.Error("a spell does not have twelve rounds")
	}
	for k := 1; k < p.Rounds(); k += 12 {
		if n := len(p.Moved(k)); n < 850 || n > 1150 {
			t.Errorf("%d of 20000 moved in round %d", n, k)
		}
	}
	seen := map[time.Time]bool{}
	for n := range 500 {
		end, round := p.Minute(n)
		if end.After(p.At(round)) || !end.Add(-time.Minute).Before(p.At(round)) || end.Add(-time.Minute).Before(p.At(round-1)) || round < 1 || round > p.Rounds() {
			t.Fatalf("minute %s is not in round %d, which ends at %s", end, round, p.At(round))
		}
		seen[end] = true
	}
	if len(seen) < 400 {
		t.Errorf("of 500 minutes %d are different", len(seen))
	}
	if n := len(p.CSRAt(p.Moved(9)).Reach(Root)); n < p.Nodes/8 {
		t.Errorf("%d of %d nodes are downstream in a round", n, p.Nodes)
	}
}
