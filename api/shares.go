package api

import (
	"context"
	"sync"
	"time"
)

// patience is how long a request waits for its share of something.
const patience = time.Second

// shares hands out something that there is a bound of, to no asker more than his part, so that one who asks for all
// leaves the others theirs.
type shares struct {
	most, each int64

	mu    sync.Mutex // guards the fields below
	taken int64
	by    map[string]int64
	back  chan struct{} // closed when something comes back; nil while nobody waits
}

// newShares returns shares of most, of which each asker may have half.
func newShares(most int64) *shares {
	return &shares{most: most, each: max(1, (most+1)/2), by: map[string]int64{}}
}

// take takes n for an asker, or all that he may have where n is more, and waits for it a moment. ok is false when there
// was not enough. Who took it calls release once.
func (s *shares) take(ctx context.Context, asker string, n int64) (release func(), ok bool) {
	n = min(max(n, 0), s.each)
	var wait *time.Timer
	for {
		back, ok := s.try(asker, n)
		if ok {
			return func() { s.release(asker, n) }, true
		}
		if wait == nil {
			wait = time.NewTimer(patience)
			defer wait.Stop()
		}
		select {
		case <-back:
		case <-wait.C:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (s *shares) try(asker string, n int64) (back chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken+n > s.most || s.by[asker]+n > s.each {
		if s.back == nil {
			s.back = make(chan struct{})
		}
		return s.back, false
	}
	s.taken += n
	s.by[asker] += n
	return nil, true
}

func (s *shares) release(asker string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken -= n
	if s.by[asker] -= n; s.by[asker] == 0 {
		delete(s.by, asker)
	}
	if s.back != nil {
		close(s.back)
		s.back = nil
	}
}

// inUse returns how much is taken.
func (s *shares) inUse() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
