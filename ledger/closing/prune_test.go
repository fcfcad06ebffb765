package closing

import (
	"testing"
	"time"
)

// TestPeriodsAreHeldForTheirTime lives on for three weeks: what is older than a week goes, but for the period before it
// and what an anchor may ask to be gone on from.
func TestPeriodsAreHeldForTheirTime(t *testing.T) {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	f := func(retention time.Duration, needed int64) *world {
		w := newWorld(t)
		for n := 1; n < 31; n++ {
			w.ends(n, int64(100*n))
		}
		w.step()
		w.Length, w.Retention = day, retention
		if needed > 0 {
			w.Needed = func() int64 { return needed }
		}
		for range 21 {
			w.now = w.now.Add(day)
			w.step()
		}
		return w
	}
	w := f(week, 0)
	first := w.accounts()[0].Period.End
	if oldest := w.now.Add(-week); w.log.Minimum() == 0 || first.After(oldest) || first.Before(oldest.Add(-3*day)) {
		t.Errorf("at %s what ends at %s is the first, from entry %d on", w.now, first, w.log.Minimum())
	}
	if is := f(0, 0).log.Minimum(); is != 0 {
		t.Errorf("where all is held for ever %d entries go", is)
	}
	if is := f(week, 9).log.Minimum(); is == 0 || is > 9 {
		t.Errorf("where entry 9 is needed, what is before %d goes", is)
	}
}
