package answer

import (
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// BuildsAtOnce is how many views are built at once.
var BuildsAtOnce = buildsAtOnce

// Weigh is what views are taken to hold together, in bytes.
var Weigh = weigh

// Keep bounds what the views that are kept hold together, in bytes.
func (a *Answers) Keep(bytes int64) { a.views.most = bytes }

// Held is what the views that are kept hold together, in bytes, and how many they are.
func (a *Answers) Held() (bytes int64, views int) {
	a.views.mu.Lock()
	defer a.views.mu.Unlock()
	var all []*View
	for _, c := range a.views.views {
		if v, ok := c.loaded(); ok {
			all = append(all, v)
		}
	}
	return weigh(all...), len(all)
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

// KeepBills bounds what days and a half-added bill that are kept hold, in bytes.
func (a *Answers) KeepBills(days, sum int64) { a.days.most, a.days.mostSums = days, sum }

// InCommon returns whether a view is of what the one that was named last has in common with others.
func (a *Answers) InCommon() (is func(*View) bool) {
	c := a.common.Load()
	return func(v *View) bool { return c != nil && v.common == c }
}
