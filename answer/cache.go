package answer

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// mostBytes bounds what the views that are kept hold together, by their own estimate: a few people's live windows and
// the ones they compare with, of a large cluster. Views that are being answered from are held besides.
const mostBytes = 256 << 20

// buildsAtOnce bounds how many views are built at once: builds are work for a processor, and take memory.
func buildsAtOnce() int { return max(2, runtime.GOMAXPROCS(0)) }

// depends is what a view was made of besides its window. Versions only grow, and no rules come back: a view of another
// one is of no use any more.
type depends struct {
	version  store.Version // of the data that the window's answers are of
	until    time.Time     // when the newest round can have come, if that is within the window
	identity Identity
	declared *lineage.Declarations
	edits    int // how many it has
}

// viewCache holds the views last asked for. Each is kept until what it depends on changes: a window of the past
// outlives the rounds that come after it.
type viewCache struct {
	most   int64         // bytes, see mostBytes
	builds chan struct{} // one for each view that is being built

	mu    sync.Mutex // guards the fields below
	views map[viewKey]*cachedView
	clock uint64
}

// viewKey is what is asked for.
type viewKey struct {
	win  lineage.Resolved
	lens Lens
}

type cachedView struct {
	depends
	used uint64 // guarded by viewCache.mu
	once[*View]
}

// at returns the place of a view, and drops those that were not asked for longest when they hold too much together.
func (c *viewCache) at(key viewKey, d depends, clusters []store.Cluster) *cachedView {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.views == nil {
		c.views = map[viewKey]*cachedView{}
	}
	c.clock++
	v := c.views[key]
	if v != nil {
		if is, ok := v.loaded(); v.depends != d || ok && !is.clusters.stillNamed(clusters) {
			v = nil
		}
	}
	if v == nil {
		v = &cachedView{depends: d}
		c.views[key] = v
	}
	v.used = c.clock
	for {
		var oldest viewKey
		least := c.clock
		var held []*View
		for k, v := range c.views {
			if is, ok := v.loaded(); ok {
				held = append(held, is)
			}
			if v.used < least {
				oldest, least = k, v.used
			}
		}
		if least == c.clock || weigh(held...)+weighRolls(held...) <= c.most && len(c.views) <= mostViews {
			return v
		}
		delete(c.views, oldest)
	}
}

// forget drops a view that nobody asked for.
func (c *viewCache) forget(key viewKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.views, key)
}

// mostViews bounds the places of views, which also those have that were not built in the end.
const mostViews = 256

// build makes a view when there is room for one more build.
func (c *viewCache) build(ctx context.Context, of func(context.Context) (*View, error)) (*View, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return of(ctx)
}

// enter waits until there is room for one more build, or for work as heavy as one. Who enters has to leave.
func (c *viewCache) enter(ctx context.Context) (leave func(), err error) {
	select {
	case c.builds <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-c.builds }
	if err := ctx.Err(); err != nil { // all left while it waited
		leave()
		return nil, err
	}
	return leave, nil
}
