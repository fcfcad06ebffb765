package graph

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

func topic(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: name}
}

func app(name string) lineage.Node {
	return lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: name}
}

var window = lineage.Window{Start: time.Unix(1000, 0).UTC(), End: time.Unix(1600, 0).UTC()}

func TestEdgesSumTheirAccesses(t *testing.T) {
	a := func(id AccessID, to string, s State, w float64) Access {
		return Access{ID: id, From: app("shop"), To: topic(to), State: s, Weight: w}
	}
	s := Build(window, []Access{
		a(3, "orders", Inactive, 0), a(1, "orders", Active, 10), a(2, "orders", Unknown, 5),
		a(4, "returns", Inactive, 1), a(5, "returns", Unknown, 2),
		a(6, "empty", Inactive, math.NaN()), a(7, "empty", Inactive, -4),
		a(8, "twice", Active, 2), a(8, "twice", Inactive, 7), a(8, "twice", Unknown, 3),
		{ID: 9, From: topic("orders"), To: app("billing"), State: Active, Weight: 1},
	})
	f := func(to string, state State, weight float64, ids ...AccessID) {
		t.Helper()
		flow := lineage.Flow{From: app("shop"), To: topic(to)}
		want := Edge{Flow: flow, State: state, Weight: weight, Accesses: ids}
		if got, ok := s.Edge(flow); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, ok, want)
		}
	}
	f("orders", Active, 15, 1, 2, 3)
	f("returns", Unknown, 3, 4, 5)
	f("empty", Inactive, 0, 6, 7)
	f("twice", Active, 7, 8)
	for _, none := range []lineage.Flow{{From: topic("orders"), To: app("shop")}, {From: app("x"), To: topic("orders")}, {From: app("shop"), To: topic("x")}} {
		if e, ok := s.Edge(none); ok {
			t.Errorf("found %+v", e)
		}
	}
	if s.Window() != window || !s.Has(app("billing")) || s.Has(app("x")) || s.NodeCount() != 6 || s.EdgeCount() != 5 {
		t.Errorf("got window %v, %d nodes, %d edges", s.Window(), s.NodeCount(), s.EdgeCount())
	}
	if got := slices.Collect(s.Nodes()); !slices.IsSortedFunc(got, compareNodes) || len(got) != 6 {
		t.Errorf("got nodes %v", got)
	}
}

func TestNothing(t *testing.T) {
	s := Build(window, nil)
	if w := s.All(10); len(w.Nodes) != 0 || w.Truncated || w.TotalNodes != 0 {
		t.Errorf("got %+v", w)
	}
	want := Walk{Nodes: []lineage.Node{topic("b"), topic("a")}, TotalNodes: 2}
	if got := s.Walk(Query{Roots: []lineage.Node{topic("b"), topic("a"), topic("b")}, Direction: Both, Depth: 3, Limit: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range s.In(topic("a")) {
		t.Error("an edge of nothing")
	}
}

// shop is the graph that the examples below walk:
//
//	web ─▶ orders ─▶ billing ─▶ invoices ─▶ mailer
//	app ──▶ ▲  └──▶ shipping (idle), audit (unknown)
//	                billing ◀─▶ retry
func shop() *Snapshot {
	id := AccessID(0)
	a := func(from, to lineage.Node, s State, w float64) Access {
		id++
		return Access{ID: id, From: from, To: to, State: s, Weight: w}
	}
	return Build(window, []Access{
		a(app("web"), topic("orders"), Active, 100), a(app("app"), topic("orders"), Active, 20),
		a(topic("orders"), app("billing"), Active, 50), a(topic("orders"), app("audit"), Unknown, 70), a(topic("orders"), app("shipping"), Inactive, 90),
		a(app("billing"), topic("invoices"), Active, 50), a(topic("invoices"), app("mailer"), Active, 50),
		a(app("billing"), topic("retry"), Active, 5), a(topic("retry"), app("billing"), Active, 5),
	})
}

func names(nodes []lineage.Node) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}

func TestWalk(t *testing.T) {
	s := shop()
	f := func(q Query, nodes []string, edges []string, hidden []Hidden, total int) {
		t.Helper()
		got := s.Walk(q)
		var flows []string
		for _, e := range got.Edges {
			flows = append(flows, e.Flow.From.Name+">"+e.Flow.To.Name)
		}
		if !slices.Equal(names(got.Nodes), nodes) || !slices.Equal(flows, edges) || !slices.Equal(got.Hidden, hidden) ||
			got.TotalNodes != total || got.Truncated != (total > len(nodes)) {
			t.Errorf("%+v: got %v\n%v\n%v %d %v", q, names(got.Nodes), flows, got.Hidden, got.TotalNodes, got.Truncated)
		}
	}
	orders := []lineage.Node{topic("orders")}
	f(Query{Roots: orders, Direction: Upstream, Depth: 3},
		[]string{"orders", "web", "app"}, []string{"app>orders", "web>orders"}, []Hidden{{topic("orders"), 0, 3}}, 3)
	// Active before unknown before inactive, whatever they weigh.
	f(Query{Roots: orders, Direction: Downstream, Depth: 1},
		[]string{"orders", "billing", "audit", "shipping"}, []string{"orders>audit", "orders>billing", "orders>shipping"},
		[]Hidden{{topic("orders"), 2, 0}, {app("billing"), 1, 2}}, 4)
	f(Query{Roots: orders, Direction: Both, Depth: -1},
		[]string{"orders", "web", "billing", "app", "audit", "shipping", "invoices", "retry", "mailer"},
		[]string{"app>orders", "billing>invoices", "billing>retry", "invoices>mailer", "orders>audit", "orders>billing", "orders>shipping", "retry>billing", "web>orders"}, nil, 9)
	f(Query{Roots: orders, Direction: Both, Depth: 0}, []string{"orders"}, nil, []Hidden{{topic("orders"), 2, 3}}, 1)
	// The limit cuts the end of the same list and counts it.
	f(Query{Roots: orders, Direction: Both, Depth: -1, Limit: 4},
		[]string{"orders", "web", "billing", "app"}, []string{"app>orders", "orders>billing", "web>orders"},
		[]Hidden{{topic("orders"), 0, 2}, {app("billing"), 1, 2}}, 9)
	// Roots are never cut, and those without flows are shown.
	f(Query{Roots: []lineage.Node{app("mailer"), topic("unused"), app("web")}, Direction: Both, Depth: 1, Limit: 2},
		[]string{"mailer", "unused", "web"}, nil, []Hidden{{app("mailer"), 1, 0}, {app("web"), 0, 1}}, 5)
	// A walk goes up or down and never turns: other readers of invoices' sources are not asked for.
	f(Query{Roots: []lineage.Node{app("shipping")}, Direction: Both, Depth: -1},
		[]string{"shipping", "orders", "web", "app"}, []string{"app>orders", "orders>shipping", "web>orders"}, []Hidden{{topic("orders"), 0, 2}}, 4)
	// A cycle ends; the edge back is shown even where the depth ends.
	f(Query{Roots: []lineage.Node{topic("retry")}, Direction: Downstream, Depth: 1},
		[]string{"retry", "billing"}, []string{"billing>retry", "retry>billing"}, []Hidden{{app("billing"), 1, 1}}, 2)
}

// A node may be near by one way and lead to new ones by the other, behind a level that holds nothing new.
func TestWalkBehindKnownNodes(t *testing.T) {
	n := func(i int) lineage.Node { return topic(fmt.Sprint(i)) }
	edge := func(a, b int) Access {
		return Access{ID: AccessID(a*100 + b), From: n(a), To: n(b), State: Active}
	}
	// Down from 0: 1, 2. Up from 0: 3, then 2 and 1 again, then 9 far behind.
	s := Build(window, []Access{edge(0, 1), edge(1, 2), edge(3, 0), edge(2, 3), edge(8, 1), edge(9, 8)})
	got := s.Walk(Query{Roots: []lineage.Node{n(0)}, Direction: Both, Depth: -1, Limit: 100})
	if want := []string{"0", "1", "3", "2", "8", "9"}; !slices.Equal(names(got.Nodes), want) || got.Truncated {
		t.Errorf("got %v %v, want %v", names(got.Nodes), got.Truncated, want)
	}
}

func TestAll(t *testing.T) {
	s := shop()
	f := func(limit int, nodes []string, edges int, hidden []Hidden) {
		t.Helper()
		got := s.All(limit)
		if !slices.Equal(names(got.Nodes), nodes) || len(got.Edges) != edges || !slices.Equal(got.Hidden, hidden) || got.TotalNodes != 9 || got.Truncated != (len(nodes) < 9) {
			t.Errorf("limit %d: got %v, %d edges, hidden %v, %d %v", limit, names(got.Nodes), len(got.Edges), got.Hidden, got.TotalNodes, got.Truncated)
		}
	}
	all := []string{"orders", "billing", "invoices", "web", "shipping", "audit", "mailer", "app", "retry"}
	f(0, all, 9, nil)
	f(100, all, 9, nil)
	f(3, all[:3], 2, []Hidden{{topic("orders"), 2, 2}, {app("billing"), 1, 1}, {topic("invoices"), 0, 1}})
}

// model is the same graph in maps, and its questions answered word for word.
type model struct {
	edges map[lineage.Flow]Edge
	up    map[lineage.Node][]lineage.Node
	down  map[lineage.Node][]lineage.Node
}

func newModel(accesses []Access) model {
	m := model{edges: map[lineage.Flow]Edge{}, up: map[lineage.Node][]lineage.Node{}, down: map[lineage.Node][]lineage.Node{}}
	for _, a := range accesses {
		f := lineage.Flow{From: a.From, To: a.To}
		e, ok := m.edges[f]
		if !ok {
			m.up[f.To] = append(m.up[f.To], f.From)
			m.down[f.From] = append(m.down[f.From], f.To)
		}
		e.Flow = f
		if a.State == Active || a.State == Unknown && e.State == Inactive {
			e.State = a.State
		}
		e.Weight += a.Weight
		e.Accesses = append(e.Accesses, a.ID)
		slices.Sort(e.Accesses)
		m.edges[f] = e
	}
	return m
}

func distances(roots []lineage.Node, next map[lineage.Node][]lineage.Node, depth int) map[lineage.Node]int {
	at := map[lineage.Node]int{}
	for _, n := range roots {
		at[n] = 0
	}
	for d, level := 0, roots; len(level) > 0 && d != depth; d++ {
		var following []lineage.Node
		for _, n := range level {
			for _, m := range next[n] {
				if _, ok := at[m]; !ok {
					at[m] = d + 1
					following = append(following, m)
				}
			}
		}
		level = following
	}
	return at
}

// rank is the importance of a node among those equally far: active 2, unknown 1, inactive 0; then weight.
type rank struct {
	state  int
	weight float64
}

func (r *rank) add(e Edge) {
	r.state = max(r.state, map[State]int{Active: 2, Unknown: 1, Inactive: 0}[e.State])
	r.weight += e.Weight
}

func (m model) walk(q Query) Walk {
	var roots []lineage.Node
	for _, n := range q.Roots {
		if !slices.Contains(roots, n) {
			roots = append(roots, n)
		}
	}
	up, down := map[lineage.Node]int{}, map[lineage.Node]int{}
	if q.Direction != Downstream {
		up = distances(roots, m.up, q.Depth)
	}
	if q.Direction != Upstream {
		down = distances(roots, m.down, q.Depth)
	}
	far := map[lineage.Node]int{}
	for _, at := range []map[lineage.Node]int{up, down} {
		for n, d := range at {
			if old, ok := far[n]; !ok || d < old {
				far[n] = d
			}
		}
	}
	ranks := map[lineage.Node]*rank{}
	var others []lineage.Node
	for n, d := range far {
		ranks[n] = &rank{}
		if !slices.Contains(roots, n) {
			others = append(others, n)
		}
		for _, e := range m.edges {
			fromUp, okUp := up[e.Flow.To]
			fromDown, okDown := down[e.Flow.From]
			if e.Flow.From == n && okUp && up[n] == d && fromUp == d-1 {
				ranks[n].add(e)
			}
			if e.Flow.To == n && okDown && down[n] == d && fromDown == d-1 {
				ranks[n].add(e)
			}
		}
	}
	slices.SortFunc(others, func(a, b lineage.Node) int {
		return cmp.Or(cmp.Compare(far[a], far[b]), cmp.Compare(ranks[b].state, ranks[a].state), cmp.Compare(ranks[b].weight, ranks[a].weight), compareNodes(a, b))
	})
	out := Walk{Nodes: append(roots, others...)}
	out.TotalNodes = len(out.Nodes)
	if q.Limit > 0 && len(out.Nodes) > q.Limit {
		out.Nodes = out.Nodes[:max(q.Limit, len(roots))]
	}
	out.Truncated = len(out.Nodes) < out.TotalNodes
	m.rest(&out, func(f lineage.Flow) bool {
		_, u := up[f.To]
		_, d := down[f.From]
		return u || d
	})
	return out
}

func (m model) rest(out *Walk, on func(lineage.Flow) bool) {
	for _, e := range m.edges {
		if slices.Contains(out.Nodes, e.Flow.From) && slices.Contains(out.Nodes, e.Flow.To) && on(e.Flow) {
			out.Edges = append(out.Edges, e)
		}
	}
	slices.SortFunc(out.Edges, func(a, b Edge) int {
		return cmp.Or(compareNodes(a.Flow.From, b.Flow.From), compareNodes(a.Flow.To, b.Flow.To))
	})
	for _, n := range out.Nodes {
		count := func(of []lineage.Node) (hidden int) {
			for _, m := range of {
				if !slices.Contains(out.Nodes, m) {
					hidden++
				}
			}
			return hidden
		}
		if h := (Hidden{n, count(m.up[n]), count(m.down[n])}); h.Upstream+h.Downstream > 0 {
			out.Hidden = append(out.Hidden, h)
		}
	}
}

func (m model) all(limit int) Walk {
	ranks := map[lineage.Node]*rank{}
	for f, e := range m.edges {
		for _, n := range []lineage.Node{f.From, f.To} {
			if ranks[n] == nil {
				ranks[n] = &rank{}
			}
			ranks[n].add(e)
		}
	}
	var out Walk
	for n := range ranks {
		out.Nodes = append(out.Nodes, n)
	}
	slices.SortFunc(out.Nodes, func(a, b lineage.Node) int {
		return cmp.Or(cmp.Compare(ranks[b].weight, ranks[a].weight), cmp.Compare(ranks[b].state, ranks[a].state), compareNodes(a, b))
	})
	out.TotalNodes = len(out.Nodes)
	if limit > 0 && limit < len(out.Nodes) {
		out.Nodes, out.Truncated = out.Nodes[:limit], true
	}
	m.rest(&out, func(lineage.Flow) bool { return true })
	return out
}

// randomAccesses makes a small graph of any shape: loops, cycles, parts, and many ties. Weights are whole, so that sums
// are exact.
func randomAccesses(r *rand.Rand) []Access {
	kinds := []lineage.NodeKind{lineage.TopicNode, lineage.ApplicationNode, lineage.UnidentifiedNode}
	node := func() lineage.Node {
		return lineage.Node{Scope: []string{"west", "east"}[r.IntN(2)], Kind: kinds[r.IntN(3)], Name: string(rune('a' + r.IntN(4)))}
	}
	var out []Access
	for i := range r.IntN(40) {
		out = append(out, Access{ID: AccessID(i), From: node(), To: node(), State: State(r.IntN(3)), Weight: float64(r.IntN(3))})
	}
	return out
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 1))
		accesses := randomAccesses(r)
		m := newModel(accesses)
		r.Shuffle(len(accesses), func(i, j int) { accesses[i], accesses[j] = accesses[j], accesses[i] })
		s := Build(window, accesses)

		checkEdges(t, seed, s, m)
		q := Query{Direction: Direction(r.IntN(3)), Depth: r.IntN(7) - 1, Limit: r.IntN(20) - 1}
		for range 1 + r.IntN(3) {
			q.Roots = append(q.Roots, lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: string(rune('a' + r.IntN(5)))})
		}
		if got, want := s.Walk(q), m.walk(q); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, %+v:\ngot  %+v\nwant %+v", seed, q, got, want)
		}
		if got, want := s.All(q.Limit), m.all(q.Limit); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, limit %d:\ngot  %+v\nwant %+v", seed, q.Limit, got, want)
		}
	}
}

func checkEdges(t *testing.T, seed uint64, s *Snapshot, m model) {
	t.Helper()
	n := 0
	for e := range s.Edges() {
		n++
		if want := m.edges[e.Flow]; !reflect.DeepEqual(e, want) {
			t.Fatalf("seed %d: got %+v, want %+v", seed, e, want)
		}
		if found, ok := s.Edge(e.Flow); !ok || !reflect.DeepEqual(found, e) {
			t.Fatalf("seed %d: Edge gives %+v, %v, want %+v", seed, found, ok, e)
		}
	}
	if n != len(m.edges) || n != s.EdgeCount() {
		t.Fatalf("seed %d: got %d edges, want %d", seed, n, len(m.edges))
	}
	for node := range s.Nodes() {
		var in, out []lineage.Node
		for e := range s.In(node) {
			in = append(in, e.Flow.From)
			if e.Flow.To != node {
				t.Fatalf("seed %d: In(%v) gives %v", seed, node, e.Flow)
			}
		}
		for e := range s.Out(node) {
			out = append(out, e.Flow.To)
			if e.Flow.From != node {
				t.Fatalf("seed %d: Out(%v) gives %v", seed, node, e.Flow)
			}
		}
		sorted := func(of []lineage.Node) []lineage.Node { return slices.SortedFunc(slices.Values(of), compareNodes) }
		if !slices.Equal(in, sorted(m.up[node])) || !slices.Equal(out, sorted(m.down[node])) {
			t.Fatalf("seed %d: %v has %v and %v", seed, node, in, out)
		}
	}
}

// shape is all that a snapshot says, whatever its nodes' numbers are on a roll.
func shape(s *Snapshot) []any {
	var vertices []vertex
	for _, n := range s.numbers {
		vertices = append(vertices, s.names[n])
	}
	return []any{s.window, vertices, s.distinct, s.lead, s.outOff, s.outTo, s.inOff, s.inFrom, s.inEdge, s.state, s.weight, s.accOff, s.access}
}

// TestRollChangesNothing builds one window after another with one roll, on which there are ever more nodes, those of
// other windows too: each is as if it had been built alone.
func TestRollChangesNothing(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		roll, kept, want := NewRoll(), []*Snapshot{}, [][]any{}
		for range 1 + r.IntN(6) {
			accesses := randomAccesses(r)
			for i := range accesses {
				accesses[i].FromLane = []string{"", "", "x", "y"}[r.IntN(4)]
				accesses[i].ID = AccessID(r.IntN(20)) // some repeat
			}
			want = append(want, shape(Build(window, accesses)))
			r.Shuffle(len(accesses), func(i, j int) { accesses[i], accesses[j] = accesses[j], accesses[i] })
			rows := make([]Numbered, len(accesses))
			for i, a := range accesses {
				rows[i] = Numbered{From: roll.Number(a.From, a.FromLane), To: roll.Number(a.To, a.ToLane), ID: a.ID, State: a.State, Weight: a.Weight}
			}
			before := slices.Clone(rows)
			kept = append(kept, roll.Build(window, rows))
			if !slices.Equal(rows, before) {
				t.Fatalf("seed %d: the caller's rows are changed", seed)
			}
		}
		for i, s := range kept { // also those that were built before the roll grew
			if got := shape(s); !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("seed %d, window %d:\ngot  %+v\nwant %+v", seed, i, got, want[i])
			}
		}
	}
}

// The order of accesses does not matter, not even to the last bit of a sum.
func TestBuildIsDeterministic(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		accesses := randomAccesses(r)
		for i := range accesses {
			accesses[i].Weight = math.Exp(20 * r.NormFloat64())
			accesses[i].ID = AccessID(r.IntN(10)) // some repeat
		}
		a := Build(window, accesses)
		r.Shuffle(len(accesses), func(i, j int) { accesses[i], accesses[j] = accesses[j], accesses[i] })
		if b := Build(window, accesses); !reflect.DeepEqual(shape(a), shape(b)) {
			t.Fatalf("seed %d: got %+v and %+v", seed, a, b)
		}
	}
}

// What a smaller limit shows is the front of what a larger one shows.
func TestLimitCutsTheEnd(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := Build(window, randomAccesses(r))
		q := Query{Roots: []lineage.Node{{Scope: "west", Kind: lineage.TopicNode, Name: "a"}}, Direction: Both, Depth: -1}
		full := s.Walk(q)
		for q.Limit = 1; q.Limit <= len(full.Nodes)+1; q.Limit++ {
			if got := s.Walk(q); !slices.Equal(got.Nodes, full.Nodes[:min(q.Limit, len(full.Nodes))]) || got.TotalNodes != len(full.Nodes) {
				t.Fatalf("seed %d, limit %d: got %v of %v", seed, q.Limit, got.Nodes, full.Nodes)
			}
		}
	}
}

// copies is a replicator that copies orders and returns, each in a lane of its own:
//
//	orders ──▶ mm2 ──▶ east.orders ──▶ reader
//	returns ─▶ ▲ └───▶ east.returns ─▶ auditor
func copies(t *testing.T, lanes bool) *Snapshot {
	t.Helper()
	mm2 := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "mm2"}
	var all []Access
	for i, name := range []string{"orders", "returns"} {
		lane := ""
		if lanes {
			lane = name
		}
		id := AccessID(10 * i)
		all = append(all,
			Access{ID: id, From: topic(name), To: mm2, State: Active, Weight: 1, ToLane: lane},
			Access{ID: id + 1, From: mm2, To: topic("east." + name), State: Active, Weight: 1, FromLane: lane},
			Access{ID: id + 2, From: topic("east." + name), To: app([]string{"reader", "auditor"}[i]), State: Active, Weight: 1})
	}
	return Build(window, all)
}

// A walk goes out of a node by the lane that it came in by; the node is one, whatever its lanes.
func TestLanes(t *testing.T) {
	mm2 := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "mm2"}
	s := copies(t, true)
	f := func(q Query, nodes []string, edges int, total int, hidden ...Hidden) {
		t.Helper()
		got := s.Walk(q)
		if !slices.Equal(names(got.Nodes), nodes) || len(got.Edges) != edges || got.TotalNodes != total || !slices.Equal(got.Hidden, hidden) {
			t.Errorf("%+v: got %v, %d edges, %d nodes, hidden %v", q, names(got.Nodes), len(got.Edges), got.TotalNodes, got.Hidden)
		}
	}
	f(Query{Roots: []lineage.Node{topic("orders")}, Direction: Downstream, Depth: -1}, []string{"orders", "mm2", "east.orders", "reader"}, 3, 4, Hidden{mm2, 1, 1})
	f(Query{Roots: []lineage.Node{app("auditor")}, Direction: Upstream, Depth: -1}, []string{"auditor", "east.returns", "mm2", "returns"}, 3, 4, Hidden{mm2, 1, 1})
	f(Query{Roots: []lineage.Node{mm2}, Direction: Both, Depth: 1}, []string{"mm2", "east.orders", "east.returns", "orders", "returns"}, 4, 5, Hidden{topic("east.orders"), 0, 1}, Hidden{topic("east.returns"), 0, 1})
	f(Query{Roots: []lineage.Node{topic("orders"), topic("returns")}, Direction: Downstream, Depth: 2, Limit: 3}, []string{"orders", "returns", "mm2"}, 2, 5, Hidden{mm2, 0, 2})
	if s.NodeCount() != 7 || s.EdgeCount() != 6 || len(slices.Collect(s.Nodes())) != 7 || len(slices.Collect(s.Edges())) != 6 || !s.Has(mm2) {
		t.Errorf("%d nodes, %d flows", s.NodeCount(), s.EdgeCount())
	}
	if in, out := slices.Collect(s.In(mm2)), slices.Collect(s.Out(mm2)); len(in) != 2 || len(out) != 2 || in[0].Flow.From != topic("orders") || out[1].Flow.To != topic("east.returns") {
		t.Errorf("in %v, out %v", in, out)
	}
	if _, ok := s.Edge(lineage.Flow{From: mm2, To: topic("east.returns")}); !ok {
		t.Error("a flow of the second lane is not found")
	}
	// What belongs to several lanes is one flow, found by each of them.
	wide := Build(window, []Access{
		{ID: 1, From: topic("a"), To: mm2, State: Active, Weight: 2, ToLane: "a"},
		{ID: 2, From: topic("b"), To: mm2, State: Active, Weight: 3, ToLane: "b"},
		{ID: 3, From: mm2, To: topic("dead"), State: Inactive, Weight: 1, FromLane: "a"},
		{ID: 3, From: mm2, To: topic("dead"), State: Inactive, Weight: 1, FromLane: "b"},
		{ID: 4, From: mm2, To: topic("dead"), State: Unknown, FromLane: "b"},
		{ID: 5, From: mm2, To: topic("out"), State: Active, FromLane: "a"},
	})
	up := wide.Walk(Query{Roots: []lineage.Node{topic("dead")}, Direction: Upstream, Depth: -1})
	if !slices.Equal(names(up.Nodes), []string{"dead", "mm2", "b", "a"}) || len(up.Edges) != 3 || !slices.Equal(up.Edges[2].Accesses, []AccessID{3, 4}) || up.Edges[2].State != Unknown || up.Edges[2].Weight != 1 ||
		!slices.Equal(up.Hidden, []Hidden{{mm2, 0, 1}}) {
		t.Errorf("what belongs to two lanes: %+v", up)
	}
	if out := slices.Collect(wide.Out(mm2)); len(out) != 2 || len(out[0].Accesses) != 2 {
		t.Errorf("out of it go %v", out)
	}
	one, many := copies(t, false).All(4), s.All(4)
	if !reflect.DeepEqual(one, many) {
		t.Errorf("all of it with lanes is\n%+v\nand without\n%+v", many, one)
	}
	if got := copies(t, false).Walk(Query{Roots: []lineage.Node{topic("orders")}, Direction: Downstream, Depth: -1}); len(got.Nodes) != 6 {
		t.Errorf("without lanes got %v", names(got.Nodes))
	}
}
