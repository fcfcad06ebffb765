package metricsapi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const (
	day = 24 * time.Hour
	// mostIntervals bounds the intervals of one request, mostSteps all of their steps.
	mostIntervals = 20
	mostSteps     = 11_000
	// longest bounds an interval: what is beyond any retention.
	longest = 3660 * day
)

// granularity is a width of steps, or none: one step for all intervals.
type granularity struct {
	name  string
	step  time.Duration // 0: ALL
	limit time.Duration // how long an interval may be; 0: as long as any
}

var granularities = []granularity{
	{"PT1M", time.Minute, 6 * time.Hour},
	{"PT5M", 5 * time.Minute, day},
	{"PT15M", 15 * time.Minute, 4 * day},
	{"PT30M", 30 * time.Minute, 7 * day},
	{"PT1H", time.Hour, 0},
	{"PT4H", 4 * time.Hour, 0},
	{"PT6H", 6 * time.Hour, 0},
	{"PT12H", 12 * time.Hour, 0},
	{"P1D", day, 0},
	{"ALL", 0, 0},
}

func readGranularity(name string) (granularity, error) {
	var names []string
	for _, g := range granularities {
		if g.name == name {
			return g, nil
		}
		names = append(names, g.name)
	}
	return granularity{}, bad("granularity: %s is none of %s", quote(name), strings.Join(names, ", "))
}

// readInterval reads start/end, start/duration or duration/end. Its ends are cut to the minute, the finest that is
// answered.
func readInterval(at, text string, now time.Time) (lineage.Window, error) {
	no := func(why string) (lineage.Window, error) {
		return lineage.Window{}, bad("%s: %s %s", at, quote(text), why)
	}
	first, second, ok := strings.Cut(text, "/")
	if !ok {
		return no("is not an interval: START/END, START/DURATION or DURATION/END")
	}
	length, firstLong := readDuration(first)
	other, secondLong := readDuration(second)
	var w lineage.Window
	var startOK, endOK bool
	switch {
	case firstLong && secondLong:
		return no("has two durations, and no instant")
	case firstLong:
		w.End, endOK = readInstant(second, now)
		w.Start, startOK = w.End.Add(-length), true
	case secondLong:
		w.Start, startOK = readInstant(first, now)
		w.End, endOK = w.Start.Add(other), true
	default:
		w.Start, startOK = readInstant(first, now)
		w.End, endOK = readInstant(second, now)
	}
	if !startOK || !endOK {
		return no("has an end that is neither an instant of ISO 8601 with its zone, nor now as in now-2m|m, nor a duration as PT1H")
	}
	w.Start, w.End = w.Start.UTC().Truncate(time.Minute), w.End.UTC().Truncate(time.Minute)
	switch {
	case !w.Start.Before(w.End):
		return no("is empty: it has to last a minute at least")
	case w.Duration() > longest:
		return no("is longer than ten years")
	}
	return w, nil
}

var isoDuration = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$`)

// readDuration reads a duration of ISO 8601 of weeks, days, hours, minutes and seconds.
func readDuration(text string) (d time.Duration, ok bool) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	for i, unit := range [...]time.Duration{7 * day, day, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // of digits only, few of them, or none
		d += time.Duration(n) * unit
	}
	return d, d > 0
}

var relative = regexp.MustCompile(`^now(?:([+-])(\d{1,7})([mhd]))?(?:\|([mhd]))?$`)

// readInstant reads an instant, or now with what is taken off it and what it is cut to, by UTC.
func readInstant(text string, now time.Time) (time.Time, bool) {
	units := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day}
	if m := relative.FindStringSubmatch(text); m != nil {
		at := now.UTC()
		n, _ := strconv.Atoi(m[2])
		by := time.Duration(n) * units[m[3]]
		if by > longest {
			return at, false
		}
		if m[1] == "-" {
			by = -by
		}
		if at = at.Add(by); m[4] != "" {
			at = at.Truncate(units[m[4]])
		}
		return at, true
	}
	for _, form := range [...]string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z0700", "20060102T150405Z0700"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, at.Year() >= 1970 && at.Year() <= 2199
		}
	}
	return time.Time{}, false
}

// span is a time with its steps, the oldest first.
type span struct {
	whole lineage.Window
	steps []step
}

// step is one point of an answer: its time, and the instant that it goes by.
type step struct {
	lineage.Window
	at time.Time
}

// readIntervals reads the intervals of a request, the oldest first.
func readIntervals(texts []string, g granularity, now time.Time) ([]lineage.Window, error) {
	if len(texts) == 0 {
		return nil, bad("intervals: there has to be one at least")
	}
	if len(texts) > mostIntervals {
		return nil, bad("intervals: there are %d, and at most %d are answered", len(texts), mostIntervals)
	}
	var all []lineage.Window
	for i, text := range texts {
		at := "intervals[" + strconv.Itoa(i) + "]"
		w, err := readInterval(at, text, now)
		if err != nil {
			return nil, err
		}
		if g.limit > 0 && w.Duration() > g.limit {
			return nil, bad("%s: %s is longer than %s, the longest for granularity %s", at, quote(text), g.limit, g.name)
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b lineage.Window) int { return a.Start.Compare(b.Start) })
	for i := 1; i < len(all); i++ {
		if all[i].Start.Before(all[i-1].End) {
			return nil, bad("intervals: two of them overlap")
		}
	}
	return all, nil
}

// spansOf cuts intervals into steps that are aligned to UTC, as far as whole minutes are over at an instant.
func spansOf(all []lineage.Window, g granularity, over time.Time) ([]span, error) {
	var out []span
	count := 0
	for _, w := range all {
		if w.End.After(over) {
			w.End = over
		}
		if !w.Start.Before(w.End) {
			continue
		}
		s := span{whole: w}
		if g.step == 0 {
			s.steps = []step{{w, w.Start}}
		} else {
			for at := w.Start.Truncate(g.step); at.Before(w.End); at = at.Add(g.step) {
				if count++; count > mostSteps {
					return nil, bad("granularity: %s makes more than %d steps of the intervals: ask for a longer one", g.name, mostSteps)
				}
				x := step{lineage.Window{Start: at, End: at.Add(g.step)}, at}
				if x.Start.Before(w.Start) {
					x.Start = w.Start
				}
				if x.End.After(w.End) {
					x.End = w.End
				}
				s.steps = append(s.steps, x)
			}
		}
		out = append(out, s)
	}
	return out, nil
}
