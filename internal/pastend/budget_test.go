package pastend

import (
	"slices"
	"testing"
	"time"
)

// A thousand partitions that all move fit into what they may take, whatever they did before, and what each says of its
// past is as right as it was: interpolated between readings, and a bound only where it is older than the oldest one.
func TestBudgetBoundsAllOfThem(t *testing.T) {
	const partitions, rounds, bytes = 1000, 2000, 256 << 10 // 16 points each
	pasts := make([]*History, partitions)
	for i := range pasts {
		pasts[i] = &History{}
	}
	b, held := NewBudget(bytes), 0
	round := func(i int) {
		for p, h := range pasts {
			held += b.Add(h, t0.Add(time.Duration(i)*time.Second), int64(i*(1+p%7)))
		}
		if b.Fit(held, slices.Values(pasts)) {
			held = took(pasts)
		}
		if held > bytes || held != took(pasts) {
			t.Fatalf("round %d: %d bytes of %d are held, and %d are counted", i, took(pasts), bytes, held)
		}
	}
	for i := range rounds {
		round(i)
	}
	if held < bytes/4 {
		t.Errorf("only %d bytes of %d are used", held, bytes)
	}
	now := t0.Add(rounds * time.Second)
	for p, h := range pasts {
		for _, behind := range []int64{1, 10, 100, 1000} { // at a steady rate a line between two readings is right
			want := time.Duration(behind) * time.Second
			age, atLeast := h.Age(now, (rounds-behind)*int64(1+p%7))
			if atLeast || (age-want).Abs() > time.Second {
				t.Fatalf("partition %d, %d s behind: %v, at least %v", p, behind, age, atLeast)
			}
		}
	}

	pasts = pasts[:50] // the others were deleted
	held = took(pasts)
	for i := range 200 {
		round(rounds + i)
	}
	if n := len(pasts[0].points); n < 90 {
		t.Errorf("with room for all of it a past has %d points", n)
	}
}

// What never moved costs nothing more because others do, and no past is thinned to nothing.
func TestBudgetLeavesTheShort(t *testing.T) {
	still, moving := &History{}, &History{}
	b, held := NewBudget(1), 0
	for i := range 100 {
		held += b.Add(still, t0.Add(time.Duration(i)*time.Second), 7)
		held += b.Add(moving, t0.Add(time.Duration(i)*time.Second), int64(i))
		if b.Fit(held, slices.Values([]*History{still, moving})) {
			held = took([]*History{still, moving})
		}
	}
	if len(still.points) != 2 || len(moving.points) < 3 || len(moving.points) > least {
		t.Errorf("%d points of what stood still, %d of what moved", len(still.points), len(moving.points))
	}
	now := t0.Add(100 * time.Second)
	if age, atLeast := moving.Age(now, 50); atLeast || (age-50*time.Second).Abs() > time.Second {
		t.Errorf("the end was at 50 for %v, at least %v", age, atLeast)
	}
	if _, atLeast := moving.Age(now, -1); !atLeast {
		t.Error("before the oldest reading nothing is known but a bound")
	}
}

func took(pasts []*History) (n int) {
	for _, h := range pasts {
		n += h.Bytes()
	}
	return n
}
