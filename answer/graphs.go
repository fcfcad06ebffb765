package answer

import (
	"sync"
	"sync/atomic"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// mostGraphs bounds the parts of a window's graph that are kept: a window is asked in few ways; who asks in many does
// not fill the memory.
const mostGraphs = 16

// mostNumbers is how many nodes a roll may have that are in no window any more, before another is begun.
const mostNumbers = 1 << 18

// rolls have the roll by which the graphs of windows are built.
type rolls struct {
	most int // see mostNumbers
	is   atomic.Pointer[graph.Roll]
}

// now returns the roll of the windows before, unless most who are on it have gone: estate is how many there were in one
// of them. Windows keep theirs while they are kept.
func (r *rolls) now(estate int) *graph.Roll {
	old := r.is.Load()
	if old != nil && old.Len() <= r.most+2*estate {
		return old
	}
	fresh := graph.NewRoll()
	if r.is.CompareAndSwap(old, fresh) {
		return fresh
	}
	return r.is.Load()
}

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

// build returns the graph of some accesses, each by its number.
func (v *View) build(keep func(*access) bool) *graph.Snapshot {
	return v.buildWeighed(keep, func(x *access) float64 { return x.amount.Total })
}

// buildWeighed is build with another weight than what moved.
func (v *View) buildWeighed(keep func(*access) bool, weight func(*access) float64) *graph.Snapshot {
	numbers := v.onRoll()
	rows := make([]graph.Numbered, 0, len(v.accesses))
	for i := range v.accesses {
		x := &v.accesses[i]
		if !keep(x) {
			continue
		}
		node, far := numbers[x.numbers[0]], numbers[x.numbers[1]]
		for _, lane := range v.lanes(x) {
			if lane != "" {
				node = v.roll.Number(x.node, lane)
			}
			a := graph.Numbered{From: node, To: far, ID: graph.AccessID(i), State: x.state, Weight: weight(x)}
			if x.Access.Op == lineage.Read {
				a.From, a.To = a.To, a.From
			}
			rows = append(rows, a)
		}
	}
	return v.roll.Build(v.win.Window, rows)
}

// onRoll returns the numbers on the roll by those in the view. They are looked up when a graph is asked for first: many
// questions ask for none.
func (v *View) onRoll() []uint32 {
	v.rolled.find.Do(func() {
		most := uint32(0)
		for i := range v.accesses {
			most = max(most, v.accesses[i].numbers[0], v.accesses[i].numbers[1])
		}
		found := make([]bool, most+1)
		v.rolled.numbers = make([]uint32, most+1)
		for i := range v.accesses {
			x := &v.accesses[i]
			for k, n := range [...]*lineage.Node{&x.node, &x.far} {
				if in := x.numbers[k]; !found[in] {
					found[in], v.rolled.numbers[in] = true, v.roll.Number(*n, "")
				}
			}
		}
	})
	return v.rolled.numbers
}
