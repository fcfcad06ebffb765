package lineage

import "time"

// The types in this file are what a store answers (package store).

// Resolved is a window as a store can answer it: its ends widened to the step of the tier that holds it.
type Resolved struct {
	Window
	Step time.Duration
}

// Amount is what a counter advanced in a window.
type Amount struct {
	// Known is false when no part of the window was observed and nothing is known to have moved: the amount is unknown,
	// not zero.
	Known bool
	// Pending: the series' last part in the window awaits its next reading: a commit that has not come yet, also where
	// one came in the last tick and the reader read on, or a look of a source that looks more seldom than each tick.
	// More may have moved than Total.
	Pending   bool
	Estimated bool
	// Total is the advance in the window; readings that straddle its ends or a gap contribute by their share of time.
	Total float64
	// Shared is what the readings that straddle the window's ends advanced as a whole: of it Total holds a share by
	// time, which may be any part of it.
	Shared float64
	// Within is what the readings advanced that lie in the window as a whole: the part of Total that surely is its.
	Within float64
	// Told is what the readings advanced that were taken in the window, as a whole: by so much the counter is higher at
	// its end than at its start, whenever that was.
	Told float64
	// Observed is the part of Total that falls into observed time, and ObservedFor that time, by the instants of the
	// real readings and without what is pending. Rate = Observed / ObservedFor; a step of a series is the same of its
	// part of the window.
	Observed    float64
	ObservedFor time.Duration
}

// Rate returns the mean advance per second over the observed part; ok is false when nothing was observed.
func (a Amount) Rate() (perSecond float64, ok bool) {
	if !a.Known || a.ObservedFor <= 0 {
		return 0, false
	}
	return a.Observed / a.ObservedFor.Seconds(), true
}

// Point is one step of an answered series. OK is false when the step was not observed; Value is then 0 and means
// nothing.
type Point struct {
	At    time.Time // start of the step
	Value float64   // counters: advance per second; gauges: the last value in the step
	OK    bool
	// Estimated: of a counter, an advance that touches the step is, be it one of nothing, and observed or not.
	Estimated bool
}

// Level is a gauge at an instant. OK is false when it was not observed then.
type Level struct {
	Value int64
	OK    bool
}
