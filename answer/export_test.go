package answer

import (
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// BuildsAtOnce is how many views are built at once.
var BuildsAtOnce = buildsAtOnce

// Weight is what the view is taken to hold, in bytes.
func (v *View) Weight() int64 { return v.weight() }

// Keep bounds what the views that are kept hold together, in bytes.
func (a *Answers) Keep(bytes int64) { a.views.most = bytes }

// Held is what the views that are kept hold together, in bytes, and how many they are.
func (a *Answers) Held() (bytes int64, views int) {
	a.views.mu.Lock()
	defer a.views.mu.Unlock()
	for _, c := range a.views.views {
		if v, ok := c.loaded(); ok {
			bytes += v.weight()
			views++
		}
	}
	return bytes, views
}

// HoldGraph asks for a part of the view's graph, and calls held when it is that one which builds it.
func (v *View) HoldGraph(held func()) *graph.Snapshot {
	return v.graphs.get(filterKey{}, func() *graph.Snapshot {
		held()
		return v.build(func(*access) bool { return true })
	})
}

// ViewAsk is what the view of a window asks of the store.
func ViewAsk(w lineage.Window) store.Ask { return viewAsk(w, w.End) }

// KeepNumbers bounds the nodes on a roll that are in no window.
func (a *Answers) KeepNumbers(most int) { a.rolls.most = most }
