package timeseries

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestCost holds what a store says that a year costs against what it then holds: nothing is said of less than an hour;
// at first it is too much and says so; once blocks of all tiers are sealed it is what the disk holds at its fullest,
// though there was an outage.
func TestCost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := testOpts
	o.Tick, o.silentFor, o.fast = 10*time.Minute, day, true
	o.Retention = Retention{Raw: 2 * day, Minute: 12 * day, Hour: 20 * day}
	s, err := Open(t.TempDir(), o)
	must(t, err)
	w := &estate{step: o.Tick, topics: 7, lasting: 40, writers: 24, runs: 2}
	cost := func() Cost {
		t.Helper()
		c, err := s.Cost(ctx)
		must(t, err)
		return c
	}
	var first, young, grown Cost
	fullest := int64(0)
	var some []lineage.Observation
	const perHour = 6
	for n := 1; n <= 40*24*perHour; n++ {
		if x := w.round(n); n/perHour < 300 || n/perHour >= 310 { // ten hours of the 13th day are missing
			some = append(some, x)
		}
		if n%perHour != 0 {
			continue
		}
		must(t, s.Append(ctx, some...))
		must(t, s.Maintain(ctx, w.at(n)))
		some = nil
		switch n / perHour {
		case 2:
			first = cost()
		case 5:
			young = cost()
		case 24 * 14:
			grown = cost()
		}
		if n > 29*24*perHour {
			fullest = max(fullest, s.Stats().DiskBytes)
		}
	}
	if first.Year.OK || first.Series != 0 {
		t.Errorf("after two hours, of which none is sealed, it says %+v", first)
	}
	if y := young.Year; !y.OK || !y.AtMost || y.Bytes < fullest {
		t.Errorf("after five hours a year is %+v, and it comes to %d", y, fullest)
	}
	if y := grown.Year; !y.OK || y.AtMost || float64(y.Bytes) < 0.9*float64(fullest) || float64(y.Bytes) > 1.15*float64(fullest) {
		t.Errorf("after 14 days a year is %+v, and it comes to %d", y, fullest)
	}
	// At midnight each writer is two.
	if n := float64(w.lasting+w.writers+w.runs*perHour) + float64(w.writers)/24; grown.Series < n || grown.Series > n+0.1 {
		t.Errorf("%v series, want %v", grown.Series, n)
	}
	for i, x := range grown.Tiers {
		if x.PerDay == 0 || x.Bytes == 0 || young.Tiers[i].PerDay > 0 != (i == rawTier) {
			t.Errorf("tier %d: %+v, and %+v after five hours", i, x, young.Tiers[i])
		}
	}
	held := grown.State + grown.Silent
	for _, x := range grown.Tiers {
		held += x.Bytes
	}
	if now := cost(); held == 0 || now.Silent == 0 {
		t.Errorf("%+v", now)
	}
	must(t, s.Close())
	if _, err := s.Cost(ctx); err == nil {
		t.Error("a closed store says what it costs")
	}
}
