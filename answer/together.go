package answer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// together is what the questions of one asker share: they are all answered for the same instant and of the same
// observations, also when a round comes while they are answered.
type together struct {
	points atomic.Int64 // of the series loaded

	mu     sync.Mutex // guards the fields below
	now    time.Time
	views  map[viewKey]*cachedView
	states map[string]*once[ClusterState] // by source
}

func newTogether() *together {
	return &together{views: map[viewKey]*cachedView{}, states: map[string]*once[ClusterState]{}}
}

type togetherKey struct{}

// Together returns a context in which all questions are answered as one: for the same instant and of the same
// observations. Their series together hold no more than a million points.
func Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, togetherKey{}, newTogether())
}

// togetherOf returns what the questions of ctx share. A question outside of any stands for itself.
func togetherOf(ctx context.Context) *together {
	if r, ok := ctx.Value(togetherKey{}).(*together); ok {
		return r
	}
	return newTogether()
}

// instant returns what now says when it is first asked for.
func (r *together) instant(now func() time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.IsZero() {
		r.now = now()
	}
	return r.now
}

// place returns where the view that is asked for is.
func (r *together) place(key viewKey, find func() *cachedView) *cachedView {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.views[key]
	if v == nil {
		v = find()
		r.views[key] = v
	}
	return v
}

// stateOf returns where it is kept how observing a cluster goes.
func (r *together) stateOf(source string) *once[ClusterState] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states[source] == nil {
		r.states[source] = &once[ClusterState]{}
	}
	return r.states[source]
}

// spendPoints takes points from what may be loaded.
func (r *together) spendPoints(n int) error {
	if total := r.points.Add(int64(n)); total > mostPointsAtOnce {
		return tooMuch("the series asked for together hold more than %d points: ask for a longer step or for fewer of them", mostPointsAtOnce)
	}
	return nil
}
