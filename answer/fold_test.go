package answer_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// crowd is a topic with a writer and sixty-one readers over two hundred rounds: one stalled early while records wait,
// one is nobody's any more, of one no position is known from round 150 on. One writes on to a topic of its own.
func crowd(t testing.TB) *world {
	w := newWorld(t)
	orders, late := topic("orders"), topic("late")
	for n := 1; n <= 200; n++ {
		ends := []filling{w.moved(self(orders), lineage.NoEvidence, 100), w.moved(self(late), lineage.NoEvidence, 5)}
		var groups []filling
		if n == 1 {
			ends = append(ends, facts(clusterFact(2), topicFact(orders), topicFact(late)))
		}
		for i := range 61 {
			r := reads(orders, group(fmt.Sprintf("reader-%02d", i)))
			by, lag, live := int64(100), int64(0), int64(1)
			switch {
			case i == 7 && n > 20:
				by, lag = 0, int64(n-20)*100
			case i == 9 && n > 20:
				by, lag, live = 0, int64(n-20)*100, 0
			}
			groups = append(groups, level(r, lineage.Lag, lag), level(r, lineage.Live, live))
			if by > 0 || n == 21 {
				groups = append(groups, w.moved(r, lineage.GroupOffsets, by))
			}
		}
		if n == 26 {
			for _, i := range []int{7, 9} {
				ends = append(ends, happenedAt(20, lineage.Event{Type: lineage.FlowStopped, Access: reads(orders, group(fmt.Sprintf("reader-%02d", i)))}))
			}
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n, w.moved(writes(orders, producer(1)), lineage.ProducerState, 100), w.moved(writes(late, group("reader-05")), lineage.RequestLog, 5))
		w.observe("west", "groups", n, groups...)
	}
	return w
}

// inCrowd runs a test after the crowd's last round.
func inCrowd(t *testing.T, body func(t *testing.T, v *answer.View)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t)
		time.Sleep(time.Until(round(200)) + time.Second)
		body(t, view(t, answers(w.store), answer.Last(10*time.Minute), answer.All))
	})
}

func downstream(v *answer.View, n lineage.Node) answer.Walker {
	return func(limit int, expand ...graph.Expand) *answer.Walk {
		return v.Walk(graph.Query{Roots: []lineage.Node{n}, Direction: graph.Downstream, Depth: 3, Limit: limit, Expand: expand}, answer.Filter{IncludeInactive: true})
	}
}

func TestFoldedCrowd(t *testing.T) {
	orders := topicNode("orders")
	inCrowd(t, func(t *testing.T, v *answer.View) {
		got, err := v.Fold(t.Context(), downstream(v, orders), []lineage.Node{orders}, answer.Folding{Over: 8}, 30, nil)
		if err != nil {
			t.Fatal(err)
		}
		var nodes []string
		for _, n := range got.Nodes {
			nodes = append(nodes, n.ID())
		}
		stack := "group:stack-downstream-application-fine/topic%3Awest%2Forders"
		slices.Sort(nodes)
		want := []string{"application:west/reader-05", "application:west/reader-07", "application:west/reader-09", stack, "topic:west/late", "topic:west/orders"}
		if !slices.Equal(nodes, want) || got.TotalNodes != 63 || got.Truncated {
			t.Fatalf("%v of %d", nodes, got.TotalNodes)
		}
		if len(got.Stacks) != 1 {
			t.Fatalf("%+v", got.Stacks)
		}
		s := got.Stacks[0]
		if s.Of != 61 || len(s.Members) != 58 || !slices.Equal(s.States, []answer.StateCount{{Is: answer.Moving, Count: 58}}) || s.Node.ID() != stack {
			t.Errorf("%d of %d, %v", len(s.Members), s.Of, s.States)
		}
		// What goes into the stack is what all of its members read, each once.
		sum, rate := int64(0), 0.0
		all := downstream(v, orders)(1000)
		for _, f := range all.Flows() {
			if slices.Contains(s.Members, f.To) {
				x := v.Rows(nil, all.Flows()).Flow(f)
				sum, rate = sum+*x.Records(), rate+*x.RecordsPerSecond()
			}
		}
		into := lineage.Flow{From: orders, To: s.Node}
		f := got.Groups.Rows(nil, []lineage.Flow{into}).Flow(into)
		if f.Kind() != lineage.Consume || f.Records() == nil || *f.Records() != sum || math.Abs(*f.RecordsPerSecond()-rate) > 1e-6 || f.Estimated() || f.Active() == nil || !*f.Active() {
			t.Errorf("%v %v, want %d %v", f.Records(), f.RecordsPerSecond(), sum, rate)
		}
		// The view itself is as it was.
		if x := v.Rows(nil, nil).Node(orders); len(v.Walk(graph.Query{Roots: []lineage.Node{orders}, Direction: graph.Both, Depth: 9}, answer.Filter{IncludeInactive: true}).Edges) != 63 {
			t.Errorf("%v", x)
		}
		if v.HasFlow(into) {
			t.Error("the view has the stack's flow")
		}

		unfolded, err := v.Fold(t.Context(), downstream(v, orders), []lineage.Node{orders}, answer.Folding{Over: 8, Unfold: map[string]bool{stack: true}}, 300, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(unfolded.Nodes) != 63 || len(unfolded.Stacks) != 1 || !unfolded.Stacks[0].Open || len(unfolded.Stacks[0].Members) != 58 || unfolded.Groups != nil {
			t.Errorf("%d nodes, %+v", len(unfolded.Nodes), unfolded.Stacks)
		}
		few, err := v.Fold(t.Context(), downstream(v, orders), []lineage.Node{orders}, answer.Folding{}, 30, nil)
		if err != nil || len(few.Nodes) != 30 || len(few.Stacks) != 0 || !few.Truncated {
			t.Errorf("%d nodes, %v", len(few.Nodes), err)
		}
	})
}

// TestFoldedBounds counts of a stack what can't be told of a member: a sum is at least what is known of it.
func TestFoldedBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		job := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "sink-0"}
		for n := 1; n <= 70; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 100)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			}
			for i := range 6 {
				r := reads(orders, by(lineage.Node{Scope: job.Scope, Kind: job.Kind, Name: fmt.Sprintf("sink-%d", i)}))
				if i < 4 {
					fill = append(fill, w.moved(r, lineage.Connect, 100))
				} else {
					fill = append(fill, movedBy(r))
				}
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(70)) + time.Second)
		v := view(t, answers(w.store), answer.Last(10*time.Minute), answer.All)
		root := topicNode("orders")
		got, err := v.Fold(t.Context(), downstream(v, root), []lineage.Node{root}, answer.Folding{Over: 3}, 300, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Stacks) != 1 || len(got.Stacks[0].Members) != 6 {
			t.Fatalf("%+v", got.Stacks)
		}
		into := lineage.Flow{From: root, To: got.Stacks[0].Node}
		f := got.Groups.Rows(nil, []lineage.Flow{into}).Flow(into)
		said := fmt.Sprint(evidenceOf(t, f))
		if !f.Estimated() || f.Records() == nil || *f.Records()%4 != 0 || !strings.Contains(said, "at least: of 2 of the flows") {
			t.Errorf("%v estimated: %v, %s", f.Records(), f.Estimated(), said)
		}
	})
}

// TestFoldedWhereNothingIsSeen folds whom nobody saw to the end by themselves: they are not fine.
func TestFoldedWhereNothingIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t)
		for n := 201; n <= 260; n++ {
			w.observe("west", "end-offsets", n, missing("no broker answers"))
			w.observe("west", "groups", n, missing("no broker answers"))
			w.observe("west", "producers", n, missing("no broker answers"))
		}
		time.Sleep(time.Until(round(260)) + time.Second)
		v := view(t, answers(w.store), answer.Last(10*time.Minute), answer.All)
		orders := topicNode("orders")
		got, err := v.Fold(t.Context(), downstream(v, orders), []lineage.Node{orders}, answer.Folding{Over: 8}, 300, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got.Stacks {
			if s.Class != graph.Doubtful || len(s.States) != 1 || s.States[0].Is != answer.NoState {
				t.Errorf("%v: %v", s.Node, s.States)
			}
		}
		if len(got.Stacks) != 1 {
			t.Errorf("%+v", got.Stacks)
		}
	})
}

func TestExpandTooMuch(t *testing.T) {
	orders := topicNode("orders")
	inCrowd(t, func(t *testing.T, v *answer.View) {
		up := func(limit int, expand ...graph.Expand) *answer.Walk {
			return v.Walk(graph.Query{Roots: []lineage.Node{orders}, Direction: graph.Upstream, Depth: 1, Limit: limit, Expand: expand}, answer.Filter{IncludeInactive: true})
		}
		got, err := v.Fold(t.Context(), up, []lineage.Node{orders}, answer.Folding{Over: 8}, 300, []graph.Expand{{Node: orders, Direction: graph.Downstream}})
		if err != nil || len(got.Stacks) != 1 || len(got.Stacks[0].Members) != 59 {
			// Who writes on has nothing to write to here.
			t.Errorf("%+v, %v", got, err)
		}
	})
}
