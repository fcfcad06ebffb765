package layout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func topic(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: name}
}

func app(name string) lineage.Node {
	return lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: name}
}

// chain joins nodes one after the other.
func chain(nodes ...lineage.Node) []lineage.Flow {
	var out []lineage.Flow
	for i := 1; i < len(nodes); i++ {
		out = append(out, lineage.Flow{From: nodes[i-1], To: nodes[i]})
	}
	return out
}

func ends(edges []lineage.Flow) []lineage.Node {
	var out []lineage.Node
	for _, e := range edges {
		out = append(out, e.From, e.To)
	}
	return out
}

// drawn is the layout that nobody gives up.
func drawn(t testing.TB, nodes []lineage.Node, edges []lineage.Flow) []Position {
	t.Helper()
	out, err := Layout(t.Context(), nodes, edges)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func layers(t *testing.T, edges []lineage.Flow) map[string]int {
	t.Helper()
	out := make(map[string]int)
	for _, p := range drawn(t, ends(edges), edges) {
		out[p.Node.Name] = p.Layer
	}
	return out
}

func TestLayers(t *testing.T) {
	f := func(edges []lineage.Flow, want map[string]int) {
		t.Helper()
		got := layers(t, edges)
		for name, layer := range want {
			if got[name] != layer {
				t.Errorf("layer of %s: got %d, want %d (all: %v)", name, got[name], layer, got)
			}
		}
	}
	f(chain(app("shop"), topic("orders"), app("billing"), topic("invoices"), app("mailer")),
		map[string]int{"shop": 0, "orders": 1, "billing": 2, "invoices": 3, "mailer": 4})
	// A source that hangs far to the right is drawn beside what it feeds, whether it is a tree or a part of the core.
	long := chain(app("a"), topic("b"), app("c"), topic("d"), app("e"), topic("f"), app("g"))
	f(slices.Concat(long, chain(app("late"), topic("f"))), map[string]int{"late": 4, "f": 5})
	f(slices.Concat(long, chain(app("late"), topic("f")), chain(app("late"), topic("z"), app("g"))), map[string]int{"late": 4, "f": 5, "z": 5, "g": 6})
	// Two ways of different length: the short one's edge passes two layers.
	f(slices.Concat(chain(topic("in"), app("x"), topic("mid"), app("y")), chain(topic("in"), app("y"))),
		map[string]int{"in": 0, "x": 1, "mid": 2, "y": 3})
	// An application that reads and writes its retry topic stands after it.
	f(slices.Concat(chain(topic("orders"), app("billing"), topic("billing-retry"), app("billing"), topic("done"))),
		map[string]int{"orders": 0, "billing-retry": 0, "billing": 1, "done": 2})
	// A cycle of four, entered from outside: only one edge runs backwards.
	cycle := chain(topic("a"), app("b"), topic("c"), app("d"), topic("a"))
	f(cycle, map[string]int{"a": 0, "b": 1, "c": 2, "d": 3})
}

func TestLeavesOutWhatItCannotDraw(t *testing.T) {
	got := drawn(t, []lineage.Node{topic("a"), topic("a")}, []lineage.Flow{{From: topic("a"), To: topic("a")}, {From: topic("a"), To: app("stranger")}})
	if len(got) != 1 || got[0] != (Position{Node: topic("a")}) {
		t.Errorf("got %+v, want the one card at the origin", got)
	}
	if got := drawn(t, nil, nil); len(got) != 0 {
		t.Errorf("got %+v of nothing", got)
	}
}

func TestStraightLines(t *testing.T) {
	edges := chain(app("shop"), topic("orders"), app("billing"), topic("invoices"))
	for _, p := range drawn(t, ends(edges), edges) {
		if p.Y != 0 {
			t.Errorf("%s is at y %v, a chain should be level", p.Node.Name, p.Y)
		}
	}
	// Three readers: the topic stands at the middle one.
	fan := slices.Concat(chain(topic("t"), app("a")), chain(topic("t"), app("b")), chain(topic("t"), app("c")))
	at := make(map[string]float64)
	for _, p := range drawn(t, ends(fan), fan) {
		at[p.Node.Name] = p.Y
	}
	if at["t"] != at["b"] || at["b"]-at["a"] != NodeHeight+NodeGap || at["c"]-at["b"] != NodeHeight+NodeGap {
		t.Errorf("fan: got %v", at)
	}
}

// A graph that can be drawn without a crossing is.
func TestNoCrossing(t *testing.T) {
	edges := slices.Concat(
		chain(app("w1"), topic("t1"), app("join"), topic("out"), app("sink")),
		chain(app("w2"), topic("t2"), app("join")),
		chain(topic("t1"), app("audit1")), chain(topic("t2"), app("audit2")),
		chain(topic("t1"), app("copy"), topic("t1.copy"), app("reader")),
		chain(topic("out"), app("sink2"), topic("end"), app("last")), chain(topic("out"), app("sink3"), topic("end")),
	)
	if n := crossing(drawn(t, ends(edges), edges), edges); n != 0 {
		t.Errorf("%d lines cross", n)
	}
}

// crossing counts pairs of edges between the same two layers that cross.
func crossing(positions []Position, edges []lineage.Flow) int {
	at := make(map[lineage.Node]Position)
	for _, p := range positions {
		at[p.Node] = p
	}
	n := 0
	for i, e := range edges {
		for _, f := range edges[:i] {
			a, b, c, d := at[e.From], at[e.To], at[f.From], at[f.To]
			if a.Layer == c.Layer && b.Layer == d.Layer && a.Layer != b.Layer && (a.Y-c.Y)*(b.Y-d.Y) < 0 {
				n++
			}
		}
	}
	return n
}

// estate makes a graph of topics and applications by stages, with hubs, a few cycles and a few parts.
func estate(r *rand.Rand, nodes int) ([]lineage.Node, []lineage.Flow) {
	stages := max(4, min(12, int(math.Log2(float64(nodes)))))
	of := make([][]lineage.Node, stages)
	var all []lineage.Node
	for i := range nodes {
		s := r.IntN(stages)
		n := app(fmt.Sprintf("app-%d", i))
		if s%2 == 1 {
			n = topic(fmt.Sprintf("topic-%d", i))
		}
		of[s] = append(of[s], n)
		all = append(all, n)
	}
	pick := func(s int) (lineage.Node, bool) {
		if len(of[s]) == 0 {
			return lineage.Node{}, false
		}
		f := r.Float64()
		return of[s][int(f*f*float64(len(of[s])))], true
	}
	var edges []lineage.Flow
	for s := range stages {
		for _, n := range of[s] {
			for _, step := range []struct {
				to     int
				chance float64
			}{{s + 1, 0.95}, {s + 3, 0.2}, {s + 1, 0.1}, {s - 1, 0.03}} {
				if step.to < 0 || step.to >= stages || r.Float64() > step.chance {
					continue
				}
				if m, ok := pick(step.to); ok {
					edges = append(edges, lineage.Flow{From: n, To: m})
				}
			}
		}
	}
	return all, edges
}

func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		nodes, edges := estate(r, 1+r.IntN(120))
		got := drawn(t, nodes, edges)
		if len(got) != len(nodes) {
			t.Fatalf("seed %d: %d positions of %d nodes", seed, len(got), len(nodes))
		}
		noOverlap(t, seed, got)
		leftToRight(t, seed, got, edges)

		r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		if again := drawn(t, slices.Concat(nodes, nodes), slices.Concat(edges, edges)); !slices.Equal(got, again) {
			t.Fatalf("seed %d: the order of the input changed the drawing", seed)
		}
	}
}

func noOverlap(t *testing.T, seed uint64, got []Position) {
	t.Helper()
	for i, p := range got {
		if p.X < 0 || p.Y < 0 || p.Layer < 0 || math.IsNaN(p.Y) || p.Y != math.Round(p.Y) || p.X != float64(p.Layer*(NodeWidth+LayerGap)) {
			t.Fatalf("seed %d: bad place %+v", seed, p)
		}
		for _, q := range got[:i] {
			if p.Layer == q.Layer && math.Abs(p.Y-q.Y) < NodeHeight+NodeGap-1 { // 1: rounding to whole pixels
				t.Fatalf("seed %d: %+v and %+v are too close", seed, p, q)
			}
		}
	}
}

// leftToRight checks that edges which do not run to the right all lie on cycles, and that they are few.
func leftToRight(t *testing.T, seed uint64, got []Position, edges []lineage.Flow) {
	t.Helper()
	layer := make(map[lineage.Node]int)
	for _, p := range got {
		layer[p.Node] = p.Layer
	}
	out := make(map[lineage.Node][]lineage.Node)
	for _, e := range edges {
		out[e.From] = append(out[e.From], e.To)
	}
	back, onCycle := 0, 0
	for _, e := range edges {
		closes := reaches(out, e.To, e.From)
		if closes {
			onCycle++
		}
		if layer[e.From] >= layer[e.To] {
			back++
			if !closes || layer[e.From] == layer[e.To] {
				t.Fatalf("seed %d: %s runs from layer %d to %d", seed, e.ID(), layer[e.From], layer[e.To])
			}
		}
	}
	if back > (onCycle+1)/2 {
		t.Fatalf("seed %d: %d of %d edges on cycles run backwards", seed, back, onCycle)
	}
}

func reaches(out map[lineage.Node][]lineage.Node, from, to lineage.Node) bool {
	seen, queue := map[lineage.Node]bool{from: true}, []lineage.Node{from}
	for i := 0; i < len(queue); i++ {
		if queue[i] == to {
			return true
		}
		for _, m := range out[queue[i]] {
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return false
}

// order lists the nodes of each layer from top to bottom, layers told by their distance from the layer of the node
// anchor.
func order(got []Position, without lineage.Node) map[int][]lineage.Node {
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b Position) int { return int(a.Y - b.Y) })
	left := math.MaxInt
	for _, p := range got {
		if p.Node != without {
			left = min(left, p.Layer)
		}
	}
	out := make(map[int][]lineage.Node)
	for _, p := range got {
		if p.Node != without {
			out[p.Layer-left] = append(out[p.Layer-left], p.Node)
		}
	}
	return out
}

// connected returns the largest connected part, so that a leaf shifts all layers or none.
func connected(nodes []lineage.Node, edges []lineage.Flow) ([]lineage.Node, []lineage.Flow) {
	both := make(map[lineage.Node][]lineage.Node)
	for _, e := range edges {
		both[e.From] = append(both[e.From], e.To)
		both[e.To] = append(both[e.To], e.From)
	}
	var best []lineage.Node
	for _, n := range nodes {
		seen, queue := map[lineage.Node]bool{n: true}, []lineage.Node{n}
		for i := 0; i < len(queue); i++ {
			for _, m := range both[queue[i]] {
				if !seen[m] {
					seen[m] = true
					queue = append(queue, m)
				}
			}
		}
		if len(queue) > len(best) {
			best = queue
		}
	}
	var in []lineage.Flow
	for _, e := range edges {
		if slices.Contains(best, e.From) {
			in = append(in, e)
		}
	}
	return best, in
}

// A leaf that comes or goes leaves all others in their layers. It leaves them in their order too, but for the branch on
// which it hangs: that may move among the others as a whole, when the leaf makes it turn back. Where the graph is a
// tree, the leaf may also shift the centre that the drawing grows from.
func TestOneLeafMore(t *testing.T) {
	tries, branches, centres := 0, 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		nodes, edges := connected(estate(r, 20+r.IntN(100)))
		if len(nodes) < 3 {
			continue
		}
		at := nodes[r.IntN(len(nodes))]
		leaf := app(fmt.Sprintf("%c-leaf", 'a'+rune(r.IntN(26))))
		if at.Kind != lineage.TopicNode {
			leaf = topic(leaf.Name)
		}
		edge := lineage.Flow{From: at, To: leaf}
		if r.IntN(2) == 0 {
			edge = lineage.Flow{From: leaf, To: at}
		}
		moreNodes, moreEdges := append(slices.Clone(nodes), leaf), append(slices.Clone(edges), edge)
		before, after := drawn(t, nodes, edges), drawn(t, moreNodes, moreEdges)
		tries++
		was, is := order(before, leaf), order(after, leaf)
		for l, of := range was {
			for _, n := range of {
				if !slices.Contains(is[l], n) {
					t.Fatalf("seed %d: %s changed its layer with the leaf %s", seed, n.ID(), edge.ID())
				}
			}
		}
		if equal(was, is, nil) {
			continue
		}
		branch, core := branchOf(moreNodes, moreEdges, leaf)
		switch {
		case core == 1:
			centres++
		case equal(was, is, branch):
			branches++
		default:
			t.Errorf("seed %d: the leaf %s moved others than its branch %v", seed, edge.ID(), branch)
		}
	}
	t.Logf("of %d leaves %d moved their branch and %d the centre of a tree", tries, branches, centres)
	if tries < 300 || branches*100 > tries*15 || centres*100 > tries*5 {
		t.Errorf("of %d leaves %d moved their branch and %d the centre of a tree", tries, branches, centres)
	}
}

// equal reports whether two drawings have the same order in each layer, the nodes in except aside.
func equal(a, b map[int][]lineage.Node, except map[lineage.Node]bool) bool {
	for l := range a {
		drop := func(nodes []lineage.Node) []lineage.Node {
			return slices.DeleteFunc(slices.Clone(nodes), func(n lineage.Node) bool { return except[n] })
		}
		if !slices.Equal(drop(a[l]), drop(b[l])) {
			return false
		}
	}
	return true
}

// branchOf returns what hangs on the core where leaf does, and the size of the core.
func branchOf(nodes []lineage.Node, edges []lineage.Flow, leaf lineage.Node) (branch map[lineage.Node]bool, core int) {
	c := components(nodes, arcs(nodes, edges))[0]
	c.peel(nodes)
	top := func(v int) int {
		for c.parent[v] >= 0 && c.parent[c.parent[v]] >= 0 {
			v = c.parent[v]
		}
		return v
	}
	branch = make(map[lineage.Node]bool)
	of := top(slices.Index(nodes, leaf))
	for v := range nodes {
		if c.parent[v] < 0 {
			core++
		}
		if top(v) == of {
			branch[nodes[v]] = true
		}
	}
	return branch, core
}

// leaving is a context that ends when it was looked at so many times.
type leaving struct {
	context.Context
	looks, most int
}

func (l *leaving) Err() error {
	if l.looks++; l.looks > l.most {
		return context.Canceled
	}
	return nil
}

// TestNobodyWaits has a dense graph drawn for who leaves: it is looked at that in each pass over each layer, and no
// look is passed over.
func TestNobodyWaits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	var edges []lineage.Flow
	for range 40 {
		a, b := topic(fmt.Sprint("t", r.IntN(10))), app(fmt.Sprint("a", r.IntN(10)))
		edges = append(edges, lineage.Flow{From: a, To: b}, lineage.Flow{From: b, To: topic(fmt.Sprint("t", r.IntN(10)))})
	}
	stays := &leaving{Context: t.Context(), most: math.MaxInt}
	all, err := Layout(stays, ends(edges), edges)
	if err != nil {
		t.Fatal(err)
	}
	layers := 0
	for _, p := range all {
		layers = max(layers, p.Layer+1)
	}
	const passes = 2*patience + 12 // at least: those of sweep that gain nothing, and those of place
	if stays.looks < passes*layers {
		t.Errorf("it looked %d times while %d layers were drawn, want %d at least", stays.looks, layers, passes*layers)
	}
	for n := range stays.looks {
		if got, err := Layout(&leaving{Context: t.Context(), most: n}, ends(edges), edges); !errors.Is(err, context.Canceled) || got != nil {
			t.Fatalf("who left at look %d of %d has %d positions, %v", n, stays.looks, len(got), err)
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	for _, n := range []int{100, 300, 1000, 5000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			nodes, edges := estate(rand.New(rand.NewPCG(1, 3)), n)
			b.ReportAllocs()
			for b.Loop() {
				drawn(b, nodes, edges)
			}
			b.ReportMetric(float64(len(edges)), "edges")
		})
	}
}
