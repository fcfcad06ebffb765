package answer

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

const (
	// viewsKept is the number of windows held ready: a few people's live windows and the ones they compare with.
	viewsKept = 16
	// accessesKept bounds what these views hold together, in accesses; one takes about half a kilobyte.
	accessesKept = 400_000
	// buildTime bounds a build that others may share, and that so cannot end with the request that began it.
	buildTime = 10 * time.Second
)

// once loads a value at first need. Those who ask while it loads wait for it; an error is not kept.
type once[T any] struct {
	mu      sync.Mutex // guards the fields below
	done    bool
	value   T
	loading *load[T]
}

type load[T any] struct {
	ready chan struct{} // closed when value and err are set
	value T
	err   error
}

// get returns the value. The load runs on, within buildTime, when its first asker gives up, as others may wait for it.
func (o *once[T]) get(ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	o.mu.Lock()
	if o.done {
		defer o.mu.Unlock()
		return o.value, nil
	}
	l := o.loading
	if l == nil {
		l = &load[T]{ready: make(chan struct{})}
		o.loading = l
		go o.run(context.WithoutCancel(ctx), l, f)
	}
	o.mu.Unlock()
	select {
	case <-l.ready:
		return l.value, l.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (o *once[T]) run(ctx context.Context, l *load[T], f func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	defer close(l.ready)
	defer func() {
		if r := recover(); r != nil { // a goroutine of its own: nobody else would, and the process would end
			l.err = fmt.Errorf("load panicked: %v\n%s", r, debug.Stack())
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if l.err == nil {
			o.done, o.value = true, l.value
		}
		o.loading = nil
	}()
	l.value, l.err = f(ctx)
}

// viewCache holds the views last asked for, of the newest rounds and rules only: both change what every window may hold, and neither comes back.
type viewCache struct {
	mu       sync.Mutex // guards the fields below
	version  store.Version
	identity Identity
	views    map[lineage.Resolved]*cachedView
	clock    uint64
}

type cachedView struct {
	used uint64 // guarded by viewCache.mu
	size atomic.Int64
	once[*View]
}

// at returns the place of a window's view, and drops those that were not asked for longest when there are too many or they hold too much.
func (c *viewCache) at(win lineage.Resolved, version store.Version, who Identity) *cachedView {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.views == nil || c.version != version || c.identity != who {
		c.views, c.version, c.identity = map[lineage.Resolved]*cachedView{}, version, who
	}
	c.clock++
	v := c.views[win]
	if v == nil {
		v = &cachedView{}
		c.views[win] = v
	}
	v.used = c.clock
	for {
		var oldest lineage.Resolved
		least, held := c.clock, int64(0)
		for w, v := range c.views {
			held += v.size.Load()
			if v.used < least {
				oldest, least = w, v.used
			}
		}
		if least == c.clock || len(c.views) <= viewsKept && held <= accessesKept {
			return v
		}
		delete(c.views, oldest)
	}
}

// mostResolutions is when what identity said is forgotten.
const mostResolutions = 1 << 20

// resolution is what identity said of an access, by which rules and of what was known of it.
type resolution struct {
	identity Identity
	known    lineage.Known
	cluster  lineage.Cluster
	node     lineage.Node
	namedBy  string
}

// resolve asks who an access' client is once, and again when what is known of it or the rules have changed.
func (v *View) resolve(c lineage.Cluster, x *lineage.Access, known lineage.Known) (lineage.Node, string) {
	a := v.a
	if kept, ok := a.resolved.Load(x); ok {
		if r := kept.(resolution); r.identity == v.identity && r.cluster == c && sameKnown(r.known, known) {
			return r.node, r.namedBy
		}
	}
	n, by := v.identity.Resolve(c, *x, known)
	if a.resolutions.Add(1) > mostResolutions { // those that left the dictionary are never asked for again
		a.resolved.Clear()
		a.resolutions.Store(1)
	}
	a.resolved.Store(x, resolution{v.identity, known, c, n, by})
	return n, by
}

func sameKnown(a, b lineage.Known) bool {
	return a.Connector == b.Connector && slices.Equal(a.Sharers, b.Sharers) && a.Application == b.Application && a.By == b.By && a.Home == b.Home && a.MemberBy == b.MemberBy && a.Name == b.Name && a.NameBy == b.NameBy &&
		sameGroup(a.Group, b.Group) && sameGroup(a.Job, b.Job) && sameGroup(a.Member, b.Member)
}

func sameGroup(a, b *lineage.GroupFact) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	if a.Ref != b.Ref || a.Type != b.Type || a.Protocol != b.Protocol || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Members {
		if a.Members[i] != b.Members[i] {
			return false
		}
	}
	return true
}
