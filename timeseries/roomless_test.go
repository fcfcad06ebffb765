package timeseries

import (
	"runtime"
	"testing"
	"time"
)

// TestWhoWentTakesNoRoom has groups of one run come and go for days. What finds facts and entries then takes the room
// of those who are there, and not of all who were there at once: nothing is won where it is made anew.
func TestWhoWentTakesNoRoom(t *testing.T) {
	w := &estate{step: 30 * time.Minute, topics: 10, lasting: 5, writers: 5, runs: 400}
	o := testOpts
	o.Tick, o.crowd, o.recent = w.step, 6000, 1000
	s := NewMemory(o)
	files, n := 0, 1
	for ; files < 2; n++ {
		must(t, s.Append(t.Context(), w.round(n)))
		must(t, s.Maintain(t.Context(), w.at(n)))
		files = len(s.dead)
		if n > 4*48 {
			t.Fatal("nobody is put away")
		}
	}
	alive := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before, facts, entries := alive(), len(s.facts), len(s.entries.by)
	s.facts, s.entries.by = roomless(s.facts), roomless(s.entries.by)
	if won := before - alive(); won > before/50 {
		t.Errorf("%d bytes of %d are won where what finds %d facts and %d entries is made anew", won, before, facts, entries)
	}
	must(t, s.Close())
}
