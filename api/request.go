package api

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// request is what the fields of one request share: they all answer for the same instant and of the same observations, also when a round comes
// while they are answered.
type request struct {
	points atomic.Int64 // of the series loaded

	mu    sync.Mutex // guards the fields below
	now   time.Time
	views map[lineage.Resolved]*cachedView
}

type requestKey struct{}

func withRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{views: map[lineage.Resolved]*cachedView{}})
}

// requestOf returns the request of ctx. Calls outside of one each are a request of their own.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{views: map[lineage.Resolved]*cachedView{}}
}

// instant returns what now says when the request first asks for it.
func (r *request) instant(now func() time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.IsZero() {
		r.now = now()
	}
	return r.now
}

// place returns where the request's view of a window is.
func (r *request) place(win lineage.Resolved, find func() *cachedView) *cachedView {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.views[win]
	if v == nil {
		v = find()
		r.views[win] = v
	}
	return v
}

// spendPoints takes points from what the request may load.
func (r *request) spendPoints(n int) error {
	if total := r.points.Add(int64(n)); total > mostPointsAtOnce {
		return overLimit("the series asked for together hold more than %d points: ask for a longer step or for fewer of them", mostPointsAtOnce)
	}
	return nil
}
