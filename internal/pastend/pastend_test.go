package pastend

import (
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

func TestHistoryAge(t *testing.T) {
	var h History
	for i, end := range []int64{100, 100, 100, 200, 300, 300} { // one reading a second
		h.Add(t0.Add(time.Duration(i)*time.Second), end)
	}
	now := t0.Add(10 * time.Second)
	f := func(offset int64, want time.Duration, atLeast bool) {
		t.Helper()
		age, lower := h.Age(now, offset)
		if age != want || lower != atLeast {
			t.Errorf("age of %d: %v, at least %v; want %v, %v", offset, age, lower, want, atLeast)
		}
	}
	f(300, 0, false)             // at the end
	f(200, 7*time.Second, false) // the end left 200 after second 3
	f(100, 8*time.Second, false) // and 100 after second 2
	f(150, 7500*time.Millisecond, false)
	f(99, 10*time.Second, true) // before we looked
}

func TestHistoryIsBoundedAndKeepsTheOld(t *testing.T) {
	var h History
	const n = 100_000
	for i := range n {
		h.Add(t0.Add(time.Duration(i)*time.Second), int64(i))
	}
	if len(h.points) > Most {
		t.Errorf("%d points", len(h.points))
	}
	now := t0.Add(n * time.Second)
	for _, behind := range []int64{1, 10, 60, 3600, 50_000} {
		age, atLeast := h.Age(now, n-behind)
		want := time.Duration(behind) * time.Second
		if atLeast || age < want*9/10-time.Second || age > want*11/10+time.Second {
			t.Errorf("%d records behind at one a second: %v, at least %v", behind, age, atLeast)
		}
	}
}

func TestHistoryForgetsATruncatedLog(t *testing.T) {
	var h History
	h.Add(t0, 100)
	h.Add(t0.Add(time.Second), 40)
	if _, atLeast := h.Age(t0.Add(2*time.Second), 30); !atLeast {
		t.Error("an age from before the truncation")
	}
}
