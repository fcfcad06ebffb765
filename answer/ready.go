package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file has the newest window ready for who asks for it again and again: whoever polls meets the first moment of a
// round each time, and would wait each time for a view to be built.

const (
	// readyGap is how many steps of a window may lie between two questions of who gets it ready.
	readyGap = 3
	// readyShare bounds what is built unasked: a build takes no more than this part of the time between two.
	readyShare = 10
	// mostReady bounds how many times are kept ready.
	mostReady = 16
)

// KeepReady builds the windows that end now and are asked for again with each round, or nearly, as soon as a round has
// come, until ctx ends. Nothing is built that was asked for once, or that would take more than a tenth of the time to
// build.
func (a *Answers) KeepReady(ctx context.Context) {
	if a.rounds == nil {
		return
	}
	came := make(chan struct{}, 1)
	var rounds sync.WaitGroup
	rounds.Go(func() { a.signalRounds(ctx, came) })
	defer rounds.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-came:
		}
		for _, p := range a.polled.all() {
			// What can't be built now is for who asks to find out.
			_ = a.ready(ctx, p)
		}
	}
}

// ready builds what is polled, where it is due.
func (a *Answers) ready(ctx context.Context, p poll) error {
	now, err := a.history.State(ctx)
	if err != nil {
		return fmt.Errorf("read how far the store is: %w", err)
	}
	win, err := resolve(p.in, now, a.clock, newTogether())
	if err != nil {
		return err
	}
	unasked, due := a.polled.due(p, win, time.Now())
	if !unasked.IsZero() {
		last := win
		last.Start, last.End = win.Start.Add(unasked.Sub(win.End)), unasked
		a.views.forget(viewKey{last, p.lens})
	}
	if !due {
		return nil
	}
	began := time.Now()
	v, err := a.viewOf(ctx, win, p.lens, now, newTogether())
	if err == nil {
		for _, f := range a.polled.followers() {
			follow(ctx, f, v)
		}
	}
	a.polled.built(p, win.End, began, time.Since(began)) // it took as long where it came to nothing
	return err
}

// follow has something made of a view. Where that panics it does so again for who asks, and is told; here nobody else
// would recover, and the process would end.
func follow(ctx context.Context, f func(context.Context, *View), v *View) {
	defer func() { _ = recover() }()
	f(ctx, v)
}

// WhenReady has f called with each view that is built before it is asked for, so that what others make of views is
// ready too. It ends soon after its context.
func (a *Answers) WhenReady(f func(context.Context, *View)) {
	a.polled.mu.Lock()
	defer a.polled.mu.Unlock()
	a.polled.then = append(a.polled.then, f)
}

// poll is a time that is asked about, which ends now.
type poll struct {
	in   Span
	lens Lens
}

// polled are the times that were asked about lately. The zero value is ready.
type polled struct {
	mu   sync.Mutex // guards the fields below
	by   map[poll]*polling
	then []func(context.Context, *View) // see WhenReady
}

func (p *polled) followers() []func(context.Context, *View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clip(p.then)
}

// polling is how a time was asked about. Instants are ends of windows, but for the last two.
type polling struct {
	asked time.Time     // the newest that was asked for
	gap   time.Duration // between that and the one before; 0: there was none
	made  time.Time     // the newest that was built unasked, or was to be
	began time.Time     // when that was, by the machine's clock
	took  time.Duration // and how long
}

// note notes that a time was asked about, and of which window that was. Where enough others are polled it is not.
func (p *polled) note(in Span, lens Lens, win lineage.Resolved) {
	if in.of != lastSpan && in.of != unnamedSpan {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := poll{in, lens}
	switch is := p.by[k]; {
	case is == nil:
		if len(p.by) >= mostReady {
			maps.DeleteFunc(p.by, func(_ poll, is *polling) bool { return !is.goesOn(win.End, win.Step) })
		}
		if p.by == nil {
			p.by = map[poll]*polling{}
		}
		if len(p.by) < mostReady {
			p.by[k] = &polling{asked: win.End}
		}
	case win.End.After(is.asked):
		is.asked, is.gap = win.End, win.End.Sub(is.asked)
	}
}

// goesOn reports whether who asked may be expected to ask again, by when a window ends.
func (is *polling) goesOn(end time.Time, step time.Duration) bool {
	since := end.Sub(is.asked)
	if is.gap == 0 {
		return since <= readyGap*step
	}
	return is.gap <= readyGap*step && since <= 2*is.gap
}

// all returns what is polled.
func (p *polled) all() (all []poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, is := range p.by {
		if is.gap > 0 {
			all = append(all, k)
		}
	}
	return all
}

// due reports whether a window is to be built, and the end of the one that was built before and is of no use to
// anybody: nobody has asked for it.
func (p *polled) due(k poll, win lineage.Resolved, now time.Time) (unasked time.Time, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.by[k]
	if is == nil || !win.End.After(is.asked) || !win.End.After(is.made) {
		return time.Time{}, false
	}
	if is.made.After(is.asked) {
		unasked = is.made
	}
	if !is.goesOn(win.End, win.Step) {
		delete(p.by, k)
		return unasked, false
	}
	return unasked, now.Sub(is.began) >= readyShare*is.took
}

// built notes what a build took.
func (p *polled) built(k poll, end, began time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is := p.by[k]; is != nil {
		is.made, is.began, is.took = end, began, took
	}
}
