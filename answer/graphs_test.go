package answer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
)

// TestAGraphHoldsNobodyUp asks for other views, and for another part of the same one, while a graph is built; who asks
// for the graph itself waits for that build.
func TestAGraphHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	w.steady(1, 20, 2)
	a := answers(w.store)
	v := view(t, a, answer.Between(round(0), round(6)), answer.All)
	var builds atomic.Int64
	var graphs [3]*graph.Snapshot
	var all sync.WaitGroup
	graphs[0] = v.HoldGraph(func() {
		builds.Add(1)
		for i := range graphs[1:] {
			all.Go(func() { graphs[i+1] = v.HoldGraph(func() { builds.Add(1) }) })
		}
		answered := make(chan error, 1)
		all.Go(func() {
			_, err := a.View(context.Background(), answer.Between(round(1), round(8)), answer.All)
			v.Overview(nil, answer.Filter{}, 10)
			answered <- err
		})
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second): // no measure: it would be never
			t.Error("a graph that is built holds up who asks for something else")
		}
	})
	all.Wait()
	if builds.Load() != 1 || graphs[0] == nil || graphs[1] != graphs[0] || graphs[2] != graphs[0] {
		t.Errorf("%d builds of one graph: %p", builds.Load(), graphs)
	}
}
