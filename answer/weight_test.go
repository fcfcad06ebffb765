package answer_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// estate writes a few rounds of some topics, each with a writer and some readers.
func (w *world) estate(topics, readers int) {
	for n := 1; n <= 12; n++ {
		var fill []filling
		if n == 1 {
			fill = append(fill, facts(clusterFact(topics)))
		}
		for i := range topics {
			x := topic(fmt.Sprintf("%05d-topic", i))
			if n == 1 {
				fill = append(fill, facts(topicFact(x)))
			}
			fill = append(fill, w.moved(self(x), lineage.NoEvidence, 100), w.moved(writes(x, producer(int64(i))), lineage.ProducerState, 100))
			for j := range readers {
				r := reads(x, group(fmt.Sprintf("group-%d", (i*7+j*13)%500)))
				fill = append(fill, w.moved(r, lineage.GroupOffsets, 100), level(r, lineage.Lag, int64(j)), level(r, lineage.Live, 1))
			}
		}
		w.observe("west", "all", n, fill...)
	}
}

// TestWeight holds what views are taken to hold against what the heap says: of many topics that hardly anybody reads,
// and of few with many readers, as they are built and when all of them was asked for.
func TestWeight(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, of := range []struct{ topics, readers int }{{1500, 0}, {600, 2}, {40, 100}} {
		w := newWorld(t)
		w.estate(of.topics, of.readers)
		a := answers(w.store)
		first := view(t, a, answer.Between(round(0), round(1)), answer.All) // names are kept apart from views
		had := answer.Weigh(first)
		const views = 5
		before := heap()
		var all []*answer.View
		for i := range views {
			all = append(all, view(t, a, answer.Between(round(i), round(i+6)), answer.All))
		}
		weigh := func(what string) {
			t.Helper()
			taken := answer.Weigh(append(all, first)...) - had // what they have in common was there before
			held := heap() - before
			if taken < held*2/3 || taken > held*3/2 {
				t.Errorf("%d topics with %d readers, %s: taken to hold %d bytes, they hold %d: %.2f", of.topics, of.readers, what, taken, held, float64(taken)/float64(held))
			}
			runtime.KeepAlive(all)
			runtime.KeepAlive(first)
		}
		weigh("as built")
		for _, v := range all {
			for _, by := range []answer.Order{answer.ByLag, answer.ByLastMoved, answer.ByRate} {
				if _, err := v.Search(context.Background(), answer.Search{OrderBy: by}); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := v.GroupLags(context.Background()); err != nil {
				t.Fatal(err)
			}
			v.Overview(nil, answer.Filter{}, 100)
			v.Walk(graph.Query{Roots: []lineage.Node{topicNode("00001-topic")}, Depth: 1, Limit: 10}, answer.Filter{})
		}
		weigh("asked")
		runtime.KeepAlive(a)
	}
}

// TestKeptViewsAreBounded asks for more windows than may be kept: those that were not asked for longest are dropped.
func TestKeptViewsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.estate(300, 2)
	b := answers(w.store)
	first, second := view(t, b, answer.Between(round(0), round(6)), answer.All), view(t, b, answer.Between(round(1), round(8)), answer.All)
	one := answer.Weigh(first)
	more := answer.Weigh(first, second) - one // another one weighs less, since they have much in common
	if more >= one*3/4 {
		t.Fatalf("one weighs %d, a second one %d more", one, more)
	}
	h := &history{Reader: w.store}
	a := answers(h)
	a.Keep(one + 3*more + more/2)
	for i := range 12 {
		view(t, a, answer.Between(round(0), round(6)), answer.All)
		view(t, a, answer.Between(round(i), round(i+7)), answer.All)
		if held, views := a.Held(); held > one+5*more || views < 2 { // what is built now is not weighed yet
			t.Fatalf("%d views are kept, of %d bytes; one has %d", views, held, one)
		}
	}
	if n := h.built(); n != 13 {
		t.Errorf("%d builds of 13 windows, one of which was asked for again and again", n)
	}
	view(t, a, answer.Between(round(0), round(7)), answer.All)
	if n := h.built(); n != 14 {
		t.Errorf("%d builds: what was not asked for longest is still there", n)
	}
}
