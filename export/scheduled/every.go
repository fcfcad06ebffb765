package scheduled

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Every is how windows follow each other, without a gap: by calendar months in UTC, or by a length of time, counted
// from a Monday in UTC.
type Every struct {
	Month  bool
	Length time.Duration // where it is not by months
}

// monday is where lengths are counted from: weeks begin as people have them.
var monday = time.Date(1970, time.January, 5, 0, 0, 0, 0, time.UTC)

// Window returns the window that holds an instant.
func (e Every) Window(at time.Time) lineage.Window {
	at = at.UTC()
	if e.Month {
		start := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		return lineage.Window{Start: start, End: start.AddDate(0, 1, 0)}
	}
	rest := at.Sub(monday) % e.Length
	if rest < 0 {
		rest += e.Length
	}
	start := at.Add(-rest)
	return lineage.Window{Start: start, End: start.Add(e.Length)}
}

// Before returns the newest window that has ended by an instant.
func (e Every) Before(at time.Time) lineage.Window {
	return e.Window(e.Window(at).Start.Add(-1))
}

// back returns the window that is n windows before another.
func (e Every) back(w lineage.Window, n int) lineage.Window {
	if e.Month {
		return e.Window(w.Start.AddDate(0, -n, 0))
	}
	return e.Window(w.Start.Add(-time.Duration(n) * e.Length))
}
