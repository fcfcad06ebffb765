package answer

import (
	"sync"
	"sync/atomic"

	"github.com/lineaged/lineaged/graph"
)

// mostGraphs bounds the parts of a window's graph that are kept: a window is asked in few ways; who asks in many does
// not fill the memory.
const mostGraphs = 16

// graphs are the parts of a window's graph that were asked for. The zero value is ready.
type graphs struct {
	mu   sync.Mutex // guards kept; never held while a graph is built
	kept map[filterKey]*keptGraph
}

// keptGraph is one part, which is built at first need.
type keptGraph struct {
	building sync.Mutex
	is       atomic.Pointer[graph.Snapshot] // nil: not built yet
}

// get returns the part that key names. Those who ask for it while it is built wait for that one build.
func (g *graphs) get(key filterKey, build func() *graph.Snapshot) *graph.Snapshot {
	k := g.place(key)
	k.building.Lock()
	defer k.building.Unlock()
	if k.is.Load() == nil { // also after a build that panicked
		k.is.Store(build())
	}
	return k.is.Load()
}

// place returns where a part is kept.
func (g *graphs) place(key filterKey) *keptGraph {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := g.kept[key]
	if k == nil {
		if g.kept == nil || len(g.kept) >= mostGraphs {
			g.kept = map[filterKey]*keptGraph{}
		}
		k = &keptGraph{}
		g.kept[key] = k
	}
	return k
}

// weight estimates the bytes of the parts that are built. It waits for no build.
func (g *graphs) weight() (bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.kept {
		if s := k.is.Load(); s != nil {
			bytes += int64(s.EdgeCount())*graphBytes + int64(s.NodeCount())*graphNodeBytes
		}
	}
	return bytes
}
