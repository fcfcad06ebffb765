// Package anchor tells others of a ledger's checkpoints, who hold them where whoever has the ledger's key can't take
// them back: a file, a witness, a time stamp authority, a topic of another cluster. What they held before is compared
// with the ledger: one that was put back from an old copy, or goes on in two places, is found out.
//
// It decides when an anchor is told, and what it means that one holds another history. How Kafka is reached it does not
// know: cmd hands it such an anchor.
package anchor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/ledger"
)

const (
	// most is how long an anchor may take, and awaited for how long at the start nothing is written while the anchors
	// are asked what they hold.
	most    = 30 * time.Second
	awaited = 10 * time.Second
	// lookEvery is how often it is looked whether there is a new checkpoint.
	lookEvery = 2 * time.Second
	// An anchor that fails is told again after a pause, each twice the one before.
	firstPause = 10 * time.Second
	lastPause  = 10 * time.Minute
)

// Held is what an anchor acknowledged.
type Held struct {
	Checkpoint ledger.Checkpoint
	At         time.Time
	// Signed is the checkpoint with signatures of others, as a witness's; nil: there are none.
	Signed []byte
	// Token is a time stamp token (RFC 3161) of the checkpoint's text; nil: there is none.
	Token []byte
}

// Anchor holds checkpoints.
type Anchor interface {
	// Name says what it is and where, without secrets. No two have one.
	Name() string
	// Tell sees to it that the anchor holds the newest checkpoint of a ledger, of which it holds none while it is
	// empty. Where the anchor can be asked what it held before, that must be of the same history: else the error is a
	// *ForkError, and what it holds stays. It returns soon after its context has ended.
	Tell(ctx context.Context, r *ledger.Reader) (Held, error)
}

// ForkError says that an anchor holds another history than the ledger, or more of it.
type ForkError struct {
	Anchor string
	Held   int64 // size of the checkpoint that it holds; negative: that is not known
	Size   int64 // of the ledger
}

// Error says how to go on.
func (e *ForkError) Error() string {
	is := fmt.Sprintf("%s holds a checkpoint of %d entries that is of another history than the %d of the ledger", e.Anchor, e.Held, e.Size)
	switch {
	case e.Held > e.Size:
		is = fmt.Sprintf("%s holds a checkpoint of %d entries, and the ledger has %d", e.Anchor, e.Held, e.Size)
	case e.Held < 0:
		is = fmt.Sprintf("%s holds a checkpoint of another history than the %d entries of the ledger", e.Anchor, e.Size)
	}
	return is + ": it was put back from an old copy, or another lineaged writes with its key; put the newest copy back, or move the ledger away together with its key and a new one begins"
}

// Judge reads a checkpoint that an anchor holds. What is no checkpoint of this ledger is an error, and one that is no
// beginning of it a *ForkError.
func Judge(anchor string, r *ledger.Reader, held []byte) (ledger.Checkpoint, error) {
	c, err := ledger.OpenCheckpoint(held, r.Public())
	if err != nil {
		return c, fmt.Errorf("it holds what is no checkpoint of this ledger: %w", err)
	}
	begins, err := r.Begins(c)
	if err == nil && !begins {
		err = &ForkError{Anchor: anchor, Held: c.Size, Size: r.Checkpoint().Size}
	}
	return c, err
}

// Options are what a Keeper needs.
type Options struct {
	Log     *ledger.Log
	Anchors []Anchor
	Record  string // file in which stands what was anchored when
	Now     func() time.Time
	Logger  *slog.Logger
}

// Keeper tells anchors of each checkpoint that is published.
type Keeper struct {
	Options
	all  []*told
	fork atomic.Pointer[ForkError]

	noting sync.Mutex // guards the record, which may be written anew

	awaited, look, pause time.Duration
}

// told is an anchor, and what it acknowledged.
type told struct {
	Anchor
	held  atomic.Pointer[Held] // nil: not known
	asked chan struct{}        // closed once it was told for the first time, or that failed

	// Those below are its goroutine's own.
	done    int64 // size of the checkpoint that it was told of; negative: of none
	failing bool
	next    time.Time // not before
	pause   time.Duration
}

// New makes a keeper. Run starts it.
func New(o Options) *Keeper {
	k := &Keeper{Options: o, awaited: awaited, look: lookEvery, pause: firstPause}
	for _, a := range o.Anchors {
		k.all = append(k.all, &told{Anchor: a, asked: make(chan struct{}), done: -1})
	}
	k.remember()
	return k
}

// Fork returns the *ForkError of an anchor that holds another history; nil: none that could be asked does. Nothing may
// be appended to the ledger any more.
func (k *Keeper) Fork() error {
	if f := k.fork.Load(); f != nil {
		return f
	}
	return nil
}

// Names are those of all anchors, in their order.
func (k *Keeper) Names() (all []string) {
	for _, a := range k.all {
		all = append(all, a.Name())
	}
	return all
}

// Figures tells of each anchor of which it is known what it holds.
func (k *Keeper) Figures(each func(anchor string, held Held)) {
	for _, a := range k.all {
		if h := a.held.Load(); h != nil {
			each(a.Name(), *h)
		}
	}
}

// Await returns once each anchor was asked what it holds, or after ten seconds: an anchor that is down keeps nobody
// from going on. Run must be running.
func (k *Keeper) Await(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, k.awaited)
	defer cancel()
	for _, a := range k.all {
		select {
		case <-a.asked:
		case <-ctx.Done():
			return
		}
	}
}

// Run tells the anchors until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, a := range k.all {
		g.Go(func() error {
			k.keep(ctx, a)
			return nil
		})
	}
	return g.Wait()
}

func (k *Keeper) keep(ctx context.Context, a *told) {
	tick := time.NewTicker(k.look)
	defer tick.Stop()
	for first := true; ; first = false {
		if first || k.Log.Published().Size != a.done && !time.Now().Before(a.next) {
			k.tell(ctx, a)
		}
		if first {
			close(a.asked)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell tells an anchor of the newest checkpoint. What fails is said once, and tried again later.
func (k *Keeper) tell(ctx context.Context, a *told) {
	if k.fork.Load() != nil {
		return // what the anchors hold is the only proof of the other history
	}
	r := k.Log.Reader()
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	held, err := a.Tell(bounded, r)
	if ctx.Err() != nil {
		return
	}
	if f, ok := errors.AsType[*ForkError](err); ok {
		a.held.Store(nil) // it holds something else
		if k.fork.CompareAndSwap(nil, f) {
			k.Logger.Error("an anchor holds another history than the ledger, which is not written to any more", "error", f)
		}
		return
	}
	if err != nil {
		if !a.failing {
			k.Logger.Warn("an anchor of the ledger can't be told of its newest checkpoint; it is tried again", "anchor", a.Name(), "error", err)
		}
		a.failing, a.pause = true, min(max(k.pause, 2*a.pause), lastPause)
		a.next = time.Now().Add(a.pause)
		return
	}
	if a.failing {
		k.Logger.Info("an anchor of the ledger is told of its checkpoints again", "anchor", a.Name())
	}
	a.failing, a.pause, a.done = false, 0, r.Checkpoint().Size
	if held.Checkpoint.Size > 0 {
		k.acknowledged(a, held)
	}
}

// acknowledged notes what an anchor holds, where it was not noted before.
func (k *Keeper) acknowledged(a *told, held Held) {
	if now := k.Now(); held.At.After(now) || held.At.IsZero() {
		held.At = now
	}
	if before := a.held.Load(); before != nil && before.Checkpoint.Size == held.Checkpoint.Size && held.Signed == nil && held.Token == nil {
		return
	}
	a.held.Store(&held)
	if err := k.note(a.Name(), held); err != nil {
		k.Logger.Warn("it can't be noted what an anchor of the ledger holds", "anchor", a.Name(), "error", err)
	}
}
