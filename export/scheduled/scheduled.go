// Package scheduled writes reports to folders by themselves: one for each of the windows that follow each other, once
// the window has ended.
//
// It hides when one is due, what was missed while nobody ran, and how a file is written so that it is there whole or
// not at all. It never overwrites a file, and it refuses to know what a report says.
package scheduled

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// lookEvery is how often it is looked at what is due: windows are a minute at least.
	lookEvery = 15 * time.Second
	// firstWait and mostWait are how long it is waited after a failure: twice as long each time.
	firstWait, mostWait = lookEvery, 10 * time.Minute
	// refusedFor is how long a window is tried whose report is refused, as too large or of a name that nobody knows.
	// What comes after it must not wait for ever.
	refusedFor = time.Hour
	// mostMissed is how many windows of a report are made up for: forty days of hours. A clock that jumps by years must
	// not fill a disk.
	mostMissed = 1000
)

// Report is one that is written again and again.
type Report struct {
	// Called is what its files' names begin with, Suffix what they end with: with Folder they tell reports apart.
	Called, Suffix, Folder string
	Every                  Every
	Late                   time.Duration // after its window's end it is written
	// Make makes the report of a window.
	Make func(ctx context.Context, w lineage.Window) (io.WriterTo, error)
}

// Name says which report it is, for people and for metrics.
func (r *Report) Name() string { return r.Called + "." + r.Suffix }

// File is the name of the file of a window.
func (r *Report) File(w lineage.Window) string {
	const instant = "20060102T150405Z"
	return r.Called + "-" + w.Start.UTC().Format(instant) + "-" + w.End.UTC().Format(instant) + "." + r.Suffix
}

// Options are what a Writer needs.
type Options struct {
	Reports []Report
	State   string // file of how far each report is
	// Held returns since when anything is held, of which a report could be; zero: nothing is.
	Held   func(context.Context) (time.Time, error)
	Now    func() time.Time // the clock of the rounds
	Logger *slog.Logger
}

// Figures are how a report has fared.
type Figures struct {
	Until   time.Time // end of the newest window that is written, or given up; zero: none is
	Written time.Time // when the newest file was written; zero: none was
	// Failures and GivenUp are of this run: failed attempts, and windows of which there will be no report.
	Failures, GivenUp int64
	Trouble           string // why it is not written; empty: it is
}

// Writer writes reports. Run starts it.
type Writer struct {
	Options

	mu      sync.Mutex // guards what follows
	figures []Figures  // by report
	trouble string     // of the state

	// What follows is Run's alone.
	opened  bool
	most    int         // mostMissed
	refused []time.Time // since when the window that is due is refused
	waits   []wait
}

// wait is how long a report that failed is left alone.
type wait struct {
	until time.Time
	last  time.Duration
}

// New makes a writer.
func New(o Options) *Writer {
	n := len(o.Reports)
	return &Writer{Options: o, most: mostMissed, figures: make([]Figures, n), refused: make([]time.Time, n), waits: make([]wait, n)}
}

// Run writes what is due until ctx ends. What fails is said once, and tried again.
func (w *Writer) Run(ctx context.Context) error {
	if len(w.Reports) == 0 {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.Step(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Step writes all that is due, the oldest of each report first.
func (w *Writer) Step(ctx context.Context) {
	if err := w.open(); err != nil {
		w.ails(ctx, &w.trouble, err)
		return
	}
	for i := range w.Reports {
		if time.Now().Before(w.waits[i].until) {
			continue
		}
		if err := w.catchUp(ctx, i); err != nil {
			w.failed(ctx, i, err)
			continue
		}
		w.waits[i], w.refused[i] = wait{}, time.Time{}
		w.well(i)
	}
}

// open reads how far each report is. Without that nothing is written: it might be written twice.
func (w *Writer) open() error {
	if w.opened {
		return nil
	}
	is, err := readState(w.State)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		return err
	}
	for i := range w.Reports {
		for _, s := range is {
			if s.is(&w.Reports[i]) {
				w.figures[i].Until, w.figures[i].Written = s.Until, s.Written
			}
		}
	}
	w.opened, w.trouble = true, ""
	return nil
}

// catchUp writes the windows of a report that have ended.
func (w *Writer) catchUp(ctx context.Context, i int) error {
	r := &w.Reports[i]
	for ctx.Err() == nil {
		next, due, err := w.next(ctx, i)
		if err != nil || !due {
			return err
		}
		made, err := r.Make(ctx, next)
		if err == nil {
			err = write(ctx, r.Folder, r.File(next), made)
		}
		switch {
		case err == nil:
			w.refused[i] = time.Time{}
			if err := w.reached(i, next.End, w.Now()); err != nil {
				return err
			}
			w.Logger.Info("a report is written", "report", r.Name(), "folder", r.Folder, "file", r.File(next))
		case !w.giveUp(i, err):
			return fmt.Errorf("%s: %w", r.File(next), err)
		default:
			w.Logger.Error("a report is given up, and the next window's turn comes", "report", r.Name(), "file", r.File(next), "error", err)
			if err := w.reached(i, next.End, time.Time{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// next returns the window that is written next, and whether it is due.
func (w *Writer) next(ctx context.Context, i int) (lineage.Window, bool, error) {
	r, now := &w.Reports[i], w.Now()
	done := w.Figures(i).Until
	newest := r.Every.Before(now.Add(-r.Late)) // which has ended
	if !done.Before(newest.End) {
		return lineage.Window{}, false, nil
	}
	held, err := w.Held(ctx)
	if err != nil {
		return lineage.Window{}, false, err
	}
	if held.IsZero() || !held.Before(newest.End) {
		return lineage.Window{}, false, nil
	}
	// A new report begins with the newest window that there is something of, whenever that comes to be written.
	if done.IsZero() {
		done = newest.Start
		if err := w.reached(i, done, time.Time{}); err != nil {
			return lineage.Window{}, false, err
		}
	}
	from, oldest, why := r.Every.Window(done), r.Every.Window(held), "nothing is held of their windows"
	if most := r.Every.back(newest, w.most-1); oldest.Start.Before(most.Start) {
		oldest, why = most, "too many were missed"
	}
	if from.Start.Before(oldest.Start) {
		w.Logger.Warn("reports are left out", "report", r.Name(), "from", from.Start, "until", oldest.Start, "why", why)
		from = oldest
		err = w.reached(i, from.Start, time.Time{})
	}
	return from, true, err
}

// giveUp reports whether a window's report has been refused for so long that the next one's turn comes.
func (w *Writer) giveUp(i int, err error) bool {
	if _, ok := errors.AsType[*answer.RefusedError](err); !ok {
		w.refused[i] = time.Time{}
		return false
	}
	if w.refused[i].IsZero() {
		w.refused[i] = time.Now()
	}
	if time.Since(w.refused[i]) < refusedFor {
		return false
	}
	w.refused[i] = time.Time{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.figures[i].GivenUp++
	return true
}

// reached takes down how far a report is. Where that fails it is no further than before: its file is found there.
func (w *Writer) reached(i int, until, written time.Time) error {
	w.mu.Lock()
	before := w.figures[i]
	w.figures[i].Until = until
	if !written.IsZero() {
		w.figures[i].Written = written
	}
	var all []state
	for i := range w.Reports {
		if f := &w.figures[i]; !f.Until.IsZero() {
			all = append(all, stateOf(&w.Reports[i], f))
		}
	}
	w.mu.Unlock()
	err := writeState(w.State, all)
	if err != nil {
		w.mu.Lock()
		w.figures[i] = before
		w.mu.Unlock()
	}
	return err
}

// failed leaves a report alone for a while.
func (w *Writer) failed(ctx context.Context, i int, err error) {
	is := &w.waits[i]
	is.last = min(max(2*is.last, firstWait), mostWait)
	is.until = time.Now().Add(is.last)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.figures[i].Failures++
	w.mu.Unlock()
	w.ails(ctx, &w.figures[i].Trouble, err)
}

// ails says once what is wrong.
func (w *Writer) ails(ctx context.Context, trouble *string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := "a report is not written: " + err.Error()
	if *trouble != text && ctx.Err() == nil {
		*trouble = text
		w.Logger.Error("a report is not written; it is tried again", "error", err)
	}
}

func (w *Writer) well(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.figures[i].Trouble != "" {
		w.figures[i].Trouble = ""
		w.Logger.Info("a report is written again", "report", w.Reports[i].Name())
	}
}

// Figures returns how a report has fared.
func (w *Writer) Figures(i int) Figures {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.figures[i]
}

// Trouble says why reports are not written.
func (w *Writer) Trouble() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trouble != "" {
		all = append(all, w.trouble)
	}
	for i := range w.figures {
		if f := &w.figures[i]; f.Trouble != "" {
			all = append(all, f.Trouble)
		}
	}
	return all
}
