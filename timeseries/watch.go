package timeseries

import (
	"context"
	"iter"
	"sort"
	"sync"

	"github.com/lineaged/lineaged/store"
)

// roundsKept is how many rounds a watcher may be behind: some minutes of a large installation.
const roundsKept = 4096

// watch remembers the newest rounds for those who wait for them.
type watch struct {
	mu     sync.Mutex    // guards what follows
	rounds []store.Round // by version; replaced when it is cut, else only appended to
	// from is the version after which all rounds are remembered.
	from   store.Version
	closed bool
	more   chan struct{} // closed when there is more, or no more will come
}

func newWatch() *watch { return &watch{more: make(chan struct{})} }

// tell adds rounds that have become visible.
func (w *watch) tell(rounds []store.Round) {
	if len(rounds) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rounds = append(w.rounds, rounds...)
	if n := len(w.rounds) - roundsKept; n > roundsKept { // seldom, so that cutting costs little
		w.from = w.rounds[n-1].Version
		for n < len(w.rounds) && w.rounds[n].Version == w.from { // all of a version or none
			n++
		}
		w.rounds = append([]store.Round(nil), w.rounds[n:]...)
	}
	close(w.more)
	w.more = make(chan struct{})
}

// start forgets what came before a version.
func (w *watch) start(version store.Version) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from = version
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.more)
	}
}

// after returns the rounds after a version, and what to wait for when there are none.
func (w *watch) after(version store.Version) ([]store.Round, <-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version < w.from {
		return nil, nil, store.ErrBehind
	}
	i := sort.Search(len(w.rounds), func(i int) bool { return w.rounds[i].Version > version })
	if i == len(w.rounds) && w.closed {
		return nil, nil, ErrClosed
	}
	return w.rounds[i:len(w.rounds):len(w.rounds)], w.more, nil
}

// Rounds implements store.Watcher.
func (e *engine) Rounds(ctx context.Context, after store.Version) iter.Seq2[store.Round, error] {
	return func(yield func(store.Round, error) bool) {
		for {
			rounds, more, err := e.watch.after(after)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(store.Round{}, err)
				return
			}
			for _, r := range rounds {
				if !yield(r, nil) {
					return
				}
				after = r.Version
			}
			if len(rounds) > 0 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
			}
		}
	}
}
