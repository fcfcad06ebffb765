package answer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Moment is which answer a time has now.
type Moment struct {
	Window lineage.Resolved
	// Newest is the newest instant that the answer can be of: its window's end, or before it where that has not come.
	Newest time.Time
	// Version is of the answer: two moments of one version have the same. It may be another although the answer is the
	// same, and is of one run of the program.
	Version string
	// Data is of what is held of the time alone: rules and declarations do not change it.
	Data store.Version
}

// Moment returns which answer a time has now. It is cheap: no answer is made.
func (a *Answers) Moment(ctx context.Context, in Span) (Moment, error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return Moment{}, fmt.Errorf("read how far the store is: %w", err)
	}
	win, err := resolve(in, now, a.clock, togetherOf(ctx))
	if err != nil {
		return Moment{}, err
	}
	d := a.dependsOn(win, now)
	return Moment{win, d.until, a.versions.of(win, d, now.Clusters), d.version}, nil
}

// Version returns the version of the answers that are given from the view, see Moment.
func (v *View) Version() string { return v.a.versions.of(v.win, v.made, v.state.Clusters) }

// versions names what answers depend on.
type versions struct {
	once sync.Once
	run  string // no other run has it

	mu     sync.Mutex // guards the fields below
	number int        // of the rules and declarations that were met last
	rules  Identity
	said   *lineage.Declarations
}

func (n *versions) of(win lineage.Resolved, d depends, clusters []store.Cluster) string {
	n.once.Do(func() { n.run = rand.Text() })
	sum := sha256.New()
	// Names of clusters are those of now where the window has none.
	fmt.Fprintln(sum, n.run, n.numberOf(d), d.edits, d.version, d.until.UnixNano(), win.Start.UnixNano(), win.End.UnixNano(), win.Step)
	for _, c := range clusters {
		if c.Fact != nil {
			fmt.Fprintf(sum, "%q %+v\n", c.Source, *c.Fact)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// numberOf returns a number of rules and declarations; it is another one whenever they are.
func (n *versions) numberOf(d depends) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.identity != n.rules || d.declared != n.said {
		n.rules, n.said = d.identity, d.declared
		n.number++
	}
	return n.number
}

const (
	// lookAgain is how often those who wait are told of what no round tells: rules, declarations, and that a tick is
	// over in which nothing came.
	lookAgain = time.Second
	// mostSpacing bounds for how long a change of a coarse window is kept back.
	mostSpacing = time.Minute
)

// Watch yields which answer a time has now, and then each other one that it gets, until ctx ends: its window moved on,
// evidence came late, or rules or declarations are others. There is one at most for each step of the window, or a
// minute of a coarser one; who is slow gets the newest. It ends with an error when the time makes no sense or the
// history can't be asked.
//
// Rounds are waited for once, for all who watch, by a goroutine that is there while anybody does.
func (a *Answers) Watch(ctx context.Context, in Span) iter.Seq2[Moment, error] {
	return func(yield func(Moment, error) bool) {
		m, err := a.Moment(ctx, in)
		if err != nil || !yield(m, nil) {
			if err != nil {
				yield(m, err)
			}
			return
		}
		changes := make(chan Moment, 1)
		defer a.watching.leave(in, changes)
		last := m
		// The others may have been told of more while this one took its first moment, and nobody tells it again.
		if told := a.watching.enter(a, in, changes, m); told != m.Version {
			if m, err = a.Moment(ctx, in); err != nil {
				yield(m, err)
				return
			}
			if m.Version != last.Version && !yield(m, nil) {
				return
			}
		}
		for last = m; ; last = m {
			select {
			case <-ctx.Done():
				return
			case m = <-changes:
			}
			if m.Version != last.Version && !yield(m, nil) {
				return
			}
		}
	}
}

// watching are those who watch. The zero value is ready.
type watching struct {
	mu    sync.Mutex // guards the fields below
	times map[Span]*watched
	end   func() // ends the goroutine and waits for it; nil while nobody watches
}

// watched is one time with those who watch it.
type watched struct {
	told Moment
	at   time.Time // when told was
	by   map[chan Moment]bool
}

// enter adds one who watches, and has been told of a moment. It returns the version that all were told of who watch the
// same time: whatever follows it is sent to changes.
func (w *watching) enter(a *Answers, in Span, changes chan Moment, told Moment) (version string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.times == nil {
		w.times = map[Span]*watched{}
	}
	of := w.times[in]
	if of == nil {
		of = &watched{told: told, at: time.Now(), by: map[chan Moment]bool{}}
		w.times[in] = of
	}
	of.by[changes] = true
	if w.end != nil {
		return of.told.Version
	}
	// Nobody's context: whoever came first may leave before the others.
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { w.run(ctx, a) })
	w.end = func() { cancel(); run.Wait() }
	return of.told.Version
}

// leave takes one out who watched; the last one ends the goroutine.
func (w *watching) leave(in Span, changes chan Moment) {
	w.mu.Lock()
	of := w.times[in]
	if delete(of.by, changes); len(of.by) == 0 {
		delete(w.times, in)
	}
	var end func()
	if len(w.times) == 0 {
		end, w.end = w.end, nil
	}
	w.mu.Unlock()
	if end != nil {
		end()
	}
}

// run tells of changes until ctx ends.
func (w *watching) run(ctx context.Context, a *Answers) {
	came := make(chan struct{}, 1)
	var rounds sync.WaitGroup
	defer rounds.Wait()
	if a.rounds != nil {
		rounds.Go(func() { a.signalRounds(ctx, came) })
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-came:
		case <-look.C:
		}
		for in, told := range w.due() {
			// What can't be asked now is asked again in a second.
			if m, err := a.Moment(ctx, in); err == nil && m.Version != told.Version {
				w.tell(in, m)
			}
		}
	}
}

// signalRounds signals that rounds came. When it can't any more, the store is closed or ctx has ended.
func (a *Answers) signalRounds(ctx context.Context, came chan<- struct{}) {
	for {
		now, err := a.history.State(ctx)
		if err != nil {
			return
		}
		for _, err = range a.rounds.Rounds(ctx, now.Version) {
			if err != nil {
				break
			}
			select {
			case came <- struct{}{}:
			default: // it is signalled already
			}
		}
		if !errors.Is(err, store.ErrBehind) {
			return
		}
	}
}

// due returns the times whose change may be told now, with what was told of them.
func (w *watching) due() map[Span]Moment {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := map[Span]Moment{}
	for in, of := range w.times {
		if time.Since(of.at) >= min(of.told.Window.Step, mostSpacing)-lookAgain {
			due[in] = of.told
		}
	}
	return due
}

// tell tells all who watch a time. Who has not taken the moment before gets this one in its place.
func (w *watching) tell(in Span, m Moment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.times[in]
	if of == nil {
		return
	}
	of.told, of.at = m, time.Now()
	for changes := range of.by {
		select {
		case <-changes:
		default:
		}
		changes <- m // there is room: nobody else sends, and this holds the lock
	}
}

// HeldSince returns the start of the oldest data that is held; the zero time: there is none.
func (a *Answers) HeldSince(ctx context.Context) (time.Time, error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read how far the store is: %w", err)
	}
	return now.Earliest, nil
}
