package graph

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// foldOver folds above so many; sick are the names of nodes that are, alone those that are never folded.
func foldOver(over int, roots []lineage.Node, sick map[string]Class, alone ...string) Fold {
	return Fold{
		Over: over, Roots: roots,
		Alone: func(n lineage.Node) bool { return slices.Contains(alone, n.Name) },
		Open:  func(n lineage.Node) bool { return slices.Contains(alone, n.ID()) },
		Class: func(n lineage.Node) Class { return sick[n.Name] },
	}
}

func fanOf(from lineage.Node, n int) (out []Access) {
	for i := range n {
		out = append(out, Access{ID: AccessID(1000 + i), From: from, To: app(fmt.Sprintf("r%02d", i)), State: Active, Weight: 1})
	}
	return out
}

// summary says what is drawn: nodes, then stacks with how many they stand for.
func summary(w Walk, stacks []Stack) string {
	var out []string
	for _, n := range w.Nodes {
		if n.Kind != lineage.GroupNode {
			out = append(out, n.Name)
		}
	}
	for _, s := range stacks {
		open, of := "", s.Anchor.Name
		if s.Anchor.Kind == lineage.GroupNode {
			of = "the stack of " + of
		}
		if s.Open {
			open = " open"
		}
		out = append(out, fmt.Sprintf("%s/%s: %d of %d%s", strings.TrimPrefix(s.Node.Scope, "stack-"), of, len(s.Members), s.Of, open))
	}
	return strings.Join(out, ", ")
}

func TestFold(t *testing.T) {
	orders := topic("orders")
	roots := []lineage.Node{orders}
	f := func(accesses []Access, over int, sick map[string]Class, alone []string, want string) {
		t.Helper()
		w := Build(window, accesses).Walk(Query{Roots: roots, Direction: Both, Depth: -1})
		got, stacks := w.Fold(foldOver(over, roots, sick, alone...))
		if s := summary(got, stacks); s != want {
			t.Errorf("got  %s\nwant %s", s, want)
		}
	}
	// At the bound nothing is folded, above it all that are fine.
	f(fanOf(orders, 3), 3, nil, nil, "orders, r00, r01, r02")
	f(fanOf(orders, 4), 3, nil, nil, "orders, downstream-application-fine/orders: 4 of 4")
	// The sick stand by themselves; too many of them are a stack of their own.
	f(fanOf(orders, 6), 3, map[string]Class{"r01": Sick, "r02": Doubtful}, nil, "orders, r01, r02, downstream-application-fine/orders: 4 of 6")
	f(fanOf(orders, 6), 3, map[string]Class{"r01": Sick, "r02": Sick, "r03": Sick, "r04": Sick}, nil,
		"orders, downstream-application-fine/orders: 2 of 6, downstream-application-sick/orders: 4 of 6")
	// Who leads on to others stays apart, unless they too are too many.
	on := func(n int) (out []Access) {
		for i := range n {
			out = append(out, Access{ID: AccessID(9000 + i), From: app(fmt.Sprintf("r%02d", i)), To: topic(fmt.Sprintf("t%02d", i)), State: Active})
		}
		return out
	}
	f(slices.Concat(fanOf(orders, 6), on(1)), 3, nil, nil, "orders, r00, t00, downstream-application-fine/orders: 5 of 6")
	f(slices.Concat(fanOf(orders, 6), on(5)), 3, nil, nil,
		"orders, r05, downstream-application-fine-further/orders: 5 of 6, downstream-topic-fine/the stack of topic:west/orders: 5 of 5")
	// What is asked for stands by itself, and so do all members of a stack that is opened.
	f(fanOf(orders, 5), 3, nil, []string{"r03"}, "orders, r03, downstream-application-fine/orders: 4 of 5")
	stack := "group:stack-downstream-application-fine/topic%3Awest%2Forders"
	f(fanOf(orders, 5), 3, nil, []string{stack}, "orders, r00, r01, r02, r03, r04, downstream-application-fine/orders: 5 of 5 open")
	// Writers and readers are two fan-outs, and so are kinds.
	f(slices.Concat(fanOf(orders, 4), []Access{
		{ID: 1, From: app("w1"), To: orders},
		{ID: 2, From: app("w2"), To: orders},
		{ID: 3, From: app("w3"), To: orders},
		{ID: 4, From: orders, To: lineage.Node{Kind: lineage.ConnectorNode, Name: "sink"}},
	}), 3, nil, nil, "orders, sink, w1, w2, w3, downstream-application-fine/orders: 4 of 4")
}

// TestFoldLosesNothing folds random graphs: each node is drawn or is in one stack, each access is in one flow as it
// was, and a stack's flows go where its members' do.
func TestFoldLosesNothing(t *testing.T) {
	stacked := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 30))
		var accesses []Access
		for i := range 20 + r.IntN(120) {
			a := Access{ID: AccessID(i), From: topic(fmt.Sprint("t", r.IntN(6))), To: app(fmt.Sprint("a", r.IntN(40))), State: State(r.IntN(3)), Weight: float64(r.IntN(9))}
			if r.IntN(4) == 0 {
				a.From, a.To = a.To, a.From
			}
			accesses = append(accesses, a)
		}
		s := Build(window, accesses)
		roots := []lineage.Node{topic("t0")}
		w := s.Walk(Query{Roots: roots, Direction: Both, Depth: 4, Limit: 10 + r.IntN(60)})
		if seed%3 == 0 {
			w, roots = s.All(10+r.IntN(60)), nil
		}
		sick := map[string]Class{}
		for i := range 40 {
			sick[fmt.Sprint("a", i)] = Class(max(0, r.IntN(9)-6))
		}
		before := fmt.Sprint(w)
		got, stacks := w.Fold(foldOver(2+r.IntN(6), roots, sick))
		if fmt.Sprint(w) != before {
			t.Fatalf("seed %d: the walk was changed", seed)
		}
		stacked += len(stacks)
		in := map[lineage.Node]lineage.Node{}
		for _, x := range stacks {
			for _, m := range x.Members {
				if in[m] != (lineage.Node{}) || slices.Contains(got.Nodes, m) {
					t.Fatalf("seed %d: %v is in %v and elsewhere", seed, m, x.Node)
				}
				in[m] = x.Node
				if sick[m.Name] != x.Class || m.Kind != x.Kind {
					t.Fatalf("seed %d: %v is in %+v", seed, m, x)
				}
			}
		}
		for _, n := range w.Nodes {
			if in[n] == (lineage.Node{}) && !slices.Contains(got.Nodes, n) {
				t.Fatalf("seed %d: %v is lost", seed, n)
			}
			if in[n] == (lineage.Node{}) {
				in[n] = n
			}
		}
		if len(got.Nodes) > len(w.Nodes) || got.TotalNodes != w.TotalNodes || got.Truncated != w.Truncated {
			t.Fatalf("seed %d: %+v of %+v", seed, got, w)
		}
		want := map[lineage.Flow][]AccessID{}
		for _, e := range w.Edges {
			f := lineage.Flow{From: in[e.Flow.From], To: in[e.Flow.To]}
			want[f] = append(want[f], e.Accesses...)
			slices.Sort(want[f])
		}
		have := map[lineage.Flow][]AccessID{}
		for _, e := range got.Edges {
			have[e.Flow] = e.Accesses
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, have, want)
		}
	}
	if stacked < 300 {
		t.Errorf("only %d stacks in all: the graphs are too small to try it", stacked)
	}
}

// TestStackStays lets a member come and go: the stacks are called the same, and those that stay apart do.
func TestStackStays(t *testing.T) {
	orders := topic("orders")
	roots := []lineage.Node{orders}
	ids := func(n int) (out []string) {
		w := Build(window, fanOf(orders, n)).Walk(Query{Roots: roots, Direction: Both, Depth: 2})
		_, stacks := w.Fold(foldOver(8, roots, map[string]Class{"r03": Sick}))
		for _, s := range stacks {
			out = append(out, s.Node.ID())
		}
		return out
	}
	if a, b := ids(61), ids(60); !slices.Equal(a, b) || len(a) != 1 {
		t.Errorf("%v became %v", a, b)
	}
}

func TestExpand(t *testing.T) {
	s := shop()
	f := func(q Query, nodes []string, edges int, total int, hidden []Hidden) {
		t.Helper()
		got := s.Walk(q)
		if !slices.Equal(names(got.Nodes), nodes) || len(got.Edges) != edges || got.TotalNodes != total || got.Truncated != (total > len(nodes)) || !slices.Equal(got.Hidden, hidden) {
			t.Errorf("%+v: got %v, %d edges of %d, %v", q.Expand, names(got.Nodes), len(got.Edges), got.TotalNodes, got.Hidden)
		}
	}
	orders := []lineage.Node{topic("orders")}
	// Beyond the direction, and from there beyond the depth.
	f(Query{Roots: orders, Direction: Upstream, Depth: 1, Expand: []Expand{{topic("orders"), Downstream}, {app("billing"), Downstream}}},
		[]string{"orders", "web", "app", "billing", "audit", "shipping", "invoices", "retry"}, 8, 8, []Hidden{{topic("invoices"), 0, 1}})
	// Beyond the limit: what it cut stays counted.
	f(Query{Roots: orders, Direction: Downstream, Depth: 1, Limit: 2, Expand: []Expand{{topic("orders"), Downstream}}},
		[]string{"orders", "billing", "audit", "shipping"}, 3, 4, []Hidden{{topic("orders"), 2, 0}, {app("billing"), 1, 2}})
	// Who is not shown, or not there, has nothing to show.
	f(Query{Roots: orders, Direction: Upstream, Depth: 0, Expand: []Expand{{app("mailer"), Upstream}, {app("stranger"), Both}}}, []string{"orders"}, 0, 1, []Hidden{{topic("orders"), 2, 3}})
	if got := s.All(2, Expand{topic("orders"), Upstream}); !slices.Equal(names(got.Nodes), []string{"orders", "billing", "web", "app"}) || got.TotalNodes != 9 || !got.Truncated {
		t.Errorf("got %v", names(got.Nodes))
	}
	many := Build(window, fanOf(topic("orders"), 150))
	if got := many.Walk(Query{Roots: orders, Direction: Upstream, Depth: 1, Expand: []Expand{{topic("orders"), Downstream}}}); len(got.Nodes) != 101 || !slices.Equal(got.Hidden, []Hidden{{topic("orders"), 0, 50}}) {
		t.Errorf("%d nodes, %v", len(got.Nodes), got.Hidden)
	}
}
