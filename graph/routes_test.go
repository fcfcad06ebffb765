package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// timed is a random graph whose accesses move in some ticks and of whose others nobody knows.
type timed struct {
	accesses   []Access
	seen, open [][]bool // by access, by tick
	ticks      int
}

func randomTimed(r *rand.Rand) *timed {
	w := &timed{ticks: 1 + r.IntN(12)}
	nodes, lanes := 2+r.IntN(6), 1+r.IntN(2)
	node := func(i int) lineage.Node { return topic(fmt.Sprint("n", i)) }
	lane := func(i int) string { // only some nodes keep their ways apart
		if i%3 != 1 || lanes == 1 {
			return ""
		}
		return fmt.Sprint("lane", r.IntN(lanes))
	}
	for i := range r.IntN(20) {
		a, b := r.IntN(nodes), r.IntN(nodes)
		if a == b {
			continue
		}
		w.accesses = append(w.accesses, Access{ID: AccessID(i), From: node(a), To: node(b), FromLane: lane(a), ToLane: lane(b)})
	}
	density := r.Float64()
	for range 20 {
		seen, open := make([]bool, w.ticks), make([]bool, w.ticks)
		for t := range w.ticks {
			seen[t] = r.Float64() < density/2
			open[t] = !seen[t] && r.Float64() < density/4
		}
		w.seen, w.open = append(w.seen, seen), append(w.open, open)
	}
	return w
}

// stretches returns the ticks that are set as stretches.
func stretches(set []bool) (out []Ticks) {
	for t, is := range set {
		switch n := len(out); {
		case !is:
		case n > 0 && out[n-1].To == int32(t):
			out[n-1].To++
		default:
			out = append(out, Ticks{int32(t), int32(t) + 1})
		}
	}
	return out
}

func (w *timed) moves(id AccessID) Moves {
	return Moves{Seen: stretches(w.seen[id]), Open: stretches(w.open[id])}
}

// can reports whether an access can be passed in a tick.
func (w *timed) can(id AccessID, t int, open bool) bool {
	return w.seen[id][t] || open && w.open[id][t]
}

// all returns the arrival of each list of flows that leads from one node to another in the order of time, by trying
// everything tick by tick.
func (w *timed) all(from, to lineage.Node, open bool) map[string]int {
	type place struct {
		node lineage.Node
		lane string
	}
	out := map[string]int{}
	var try func(at place, t int, been []place, flows string)
	try = func(at place, t int, been []place, flows string) {
		if at.node == to {
			if best, ok := out[flows]; !ok || t < best {
				out[flows] = t
			}
			return
		}
		for _, a := range w.accesses {
			next := place{a.To, a.ToLane}
			if (place{a.From, a.FromLane}) != at || slices.Contains(been, next) || a.To == from {
				continue
			}
			for later := t; later < w.ticks; later++ {
				if w.can(a.ID, later, open) {
					try(next, later, append(slices.Clone(been), next), flows+" "+a.From.Name+">"+a.To.Name)
				}
			}
		}
	}
	for _, lane := range []string{"", "lane0", "lane1"} {
		start := place{from, lane}
		try(start, 0, []place{start}, "")
	}
	return out
}

// TestRoutesAgainstEverything compares the answer for random graphs with what trying all ways tick by tick finds.
func TestRoutesAgainstEverything(t *testing.T) {
	found, several := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := randomTimed(r)
		s := Build(window, w.accesses)
		from, to := topic("n0"), topic(fmt.Sprint("n", 2+r.IntN(4)))
		if r.IntN(3) == 0 {
			from = topic("n1") // which may have lanes
		}
		for _, open := range []bool{false, true} {
			want := w.all(from, to, open)
			got, err := s.Routes(context.Background(), Routes{From: from, To: to, Moves: w.moves, Open: open, Most: 1000})
			if err != nil {
				t.Fatal(err)
			}
			have := map[string]int{}
			for i, x := range got {
				if i > 0 && got[i-1].Arrival > x.Arrival {
					t.Fatalf("seed %d: route %d comes before one that is better: %+v", seed, i, got)
				}
				have[w.check(t, x, from, to, open)] = int(x.Arrival)
			}
			if len(have) != len(got) || !reflect.DeepEqual(have, want) {
				t.Fatalf("seed %d, open %v: got %v, want %v", seed, open, have, want)
			}
			if len(want) > 0 {
				found++
				earliest := slices.Min(slices.Collect(maps.Values(want)))
				one, err := s.Routes(context.Background(), Routes{From: from, To: to, Moves: w.moves, Open: open, Most: 1})
				if err != nil || len(one) != 1 || int(one[0].Arrival) != earliest {
					t.Fatalf("seed %d: got %+v, want one route that arrives at %d", seed, one, earliest)
				}
			}
			if len(want) > 3 {
				several++
			}
		}
	}
	if found < 500 || several < 50 {
		t.Errorf("the graphs are too poor to show anything: %d with a route, %d with several", found, several)
	}
}

// check holds the hops of a route against the world, and returns its flows.
func (w *timed) check(t *testing.T, x Route, from, to lineage.Node, open bool) (flows string) {
	t.Helper()
	at, until := int32(0), int32(0)
	for i, h := range x.Hops {
		flows += " " + h.Flow.From.Name + ">" + h.Flow.To.Name
		can := slices.ContainsFunc(w.accesses, func(a Access) bool {
			if a.From != h.Flow.From || a.To != h.Flow.To {
				return false
			}
			for tick := h.At; tick < h.Until; tick++ { // all of the time that the hop says
				if h.Seen && !w.seen[a.ID][tick] || !h.Seen && !w.can(a.ID, int(tick), open) {
					return false
				}
			}
			return true
		})
		if !can || h.At < at || h.Until < until || h.At >= h.Until || !h.Seen && !open {
			t.Fatalf("hop %d of %+v can't be", i, x)
		}
		at, until = h.At, h.Until
	}
	if x.Hops[0].Flow.From != from || x.Hops[len(x.Hops)-1].Flow.To != to || x.Arrival != at {
		t.Fatalf("%+v does not lead from %s to %s", x, from.Name, to.Name)
	}
	return flows
}

// A topic is read before the record is written to it, and again after: only the later reading carries it on.
func TestRoutesKeepTheOrderOfTime(t *testing.T) {
	moves := map[AccessID]Moves{
		1: {Seen: []Ticks{{5, 8}}}, 2: {Seen: []Ticks{{0, 4}, {7, 9}}}, 3: {Seen: []Ticks{{0, 7}}, Open: []Ticks{{20, 30}}},
	}
	s := Build(window, []Access{
		{ID: 1, From: app("web"), To: topic("orders")}, {ID: 2, From: topic("orders"), To: app("billing")}, {ID: 3, From: app("billing"), To: topic("invoices")},
	})
	ask := func(to lineage.Node, open bool) []Route {
		got, err := s.Routes(context.Background(), Routes{From: app("web"), To: to, Moves: func(id AccessID) Moves { return moves[id] }, Open: open, Most: 5})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := []Route{{Arrival: 7, Hops: []Hop{
		{Flow: lineage.Flow{From: app("web"), To: topic("orders")}, At: 5, Until: 8, Seen: true},
		{Flow: lineage.Flow{From: topic("orders"), To: app("billing")}, At: 7, Until: 9, Seen: true},
	}}}
	if got := ask(app("billing"), false); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := ask(topic("invoices"), false); got != nil {
		t.Errorf("got %+v: it was written before billing read", got)
	}
	if got := ask(topic("invoices"), true); len(got) != 1 || got[0].Arrival != 20 || got[0].Hops[2].Seen {
		t.Errorf("got %+v, want one route that arrives in a tick of which nothing is known", got)
	}
	if got := ask(topic("elsewhere"), true); got != nil {
		t.Errorf("got %+v", got)
	}
}

// Who gives up ends the search.
func TestRoutesEnd(t *testing.T) {
	s := Build(window, []Access{{ID: 1, From: app("web"), To: topic("orders")}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Routes(ctx, Routes{From: app("web"), To: topic("orders"), Moves: func(AccessID) Moves { return Moves{Seen: []Ticks{{0, 1}}} }, Most: 1})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestClosure compares closures with walks without a limit, and Between with what lies in both.
func TestClosure(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := randomTimed(r)
		s := Build(window, w.accesses)
		roots := []lineage.Node{topic("n0"), topic("n4"), topic("n0")}
		for _, d := range []Direction{Upstream, Downstream, Both} {
			c := s.Closure(roots, d)
			walk := s.Walk(Query{Roots: roots, Direction: d, Depth: -1})
			got := slices.Collect(c.Nodes())
			slices.SortFunc(got, compareNodes)
			want := slices.SortedFunc(slices.Values(walk.Nodes), compareNodes)
			if c.Len() != len(got) || !slices.Equal(got, want) {
				t.Fatalf("seed %d, direction %d: got %v of %d, want %v", seed, d, got, c.Len(), want)
			}
			var paged []lineage.Node
			for after, most := (*lineage.Node)(nil), 1+r.IntN(4); ; after = &paged[len(paged)-1] {
				page := c.Page(after, most)
				paged = append(paged, page...)
				if len(page) < most {
					break
				}
			}
			if !slices.Equal(paged, want) || c.Kinds()[lineage.TopicNode] != len(want) {
				t.Fatalf("seed %d, direction %d: page by page %v, %v, want %v", seed, d, paged, c.Kinds(), want)
			}
			for i := range 9 {
				if n := topic(fmt.Sprint("n", i)); c.Has(n) != slices.Contains(want, n) {
					t.Fatalf("seed %d: has %s: %v", seed, n.Name, c.Has(n))
				}
			}
		}
		var want []AccessID
		from, to := topic("n0"), topic("n3")
		for _, a := range w.accesses { // what is on a way if time did not matter: each access moves always
			before := &timed{accesses: w.accesses, seen: [][]bool{}, ticks: 1}
			for range 20 {
				before.seen, before.open = append(before.seen, []bool{true}), append(before.open, []bool{false})
			}
			if before.leads(from, "", a.From, a.FromLane) && before.leads(a.To, a.ToLane, to, "") {
				want = append(want, a.ID)
			}
		}
		got := s.Between(from, to)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: between: got %v, want %v", seed, got, want)
		}
	}
}

// leads reports whether one lane leads to another; n0 and n3 have only one.
func (w *timed) leads(from lineage.Node, fromLane string, to lineage.Node, toLane string) bool {
	type place struct {
		node lineage.Node
		lane string
	}
	been := map[place]bool{{from, fromLane}: true}
	for range len(w.accesses) + 1 {
		for _, a := range w.accesses {
			if been[place{a.From, a.FromLane}] {
				been[place{a.To, a.ToLane}] = true
			}
		}
	}
	return been[place{to, toLane}]
}

func BenchmarkRoutes(b *testing.B) {
	s := Build(window, estate(1e5))
	root := hub(s)
	c := s.Closure([]lineage.Node{root}, Downstream)
	var last lineage.Node
	for n := range c.Nodes() {
		last = n
	}
	moves := Moves{Seen: []Ticks{{0, 100}, {200, 300}}}
	for _, most := range []int{1, 5} {
		b.Run(fmt.Sprintf("edges=1e5/most=%d", most), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got, err := s.Routes(b.Context(), Routes{From: root, To: last, Moves: func(AccessID) Moves { return moves }, Most: most})
				if err != nil || len(got) != most {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// TestJoin holds the flows of two snapshots side by side against each of them alone.
func TestJoin(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		a, b := Build(window, randomTimed(r).accesses), Build(window, randomTimed(r).accesses)
		var left, right []Edge
		var last lineage.Flow
		for p := range Join(a, b) {
			if p.A == nil && p.B == nil || last != (lineage.Flow{}) && cmp.Or(compareNodes(last.From, p.Flow.From), compareNodes(last.To, p.Flow.To)) >= 0 {
				t.Fatalf("seed %d: %+v after %v", seed, p, last)
			}
			last = p.Flow
			for _, e := range [...]*Edge{p.A, p.B} {
				if e != nil && e.Flow != p.Flow {
					t.Fatalf("seed %d: %+v", seed, p)
				}
			}
			if p.A != nil {
				left = append(left, *p.A)
			}
			if p.B != nil {
				right = append(right, *p.B)
			}
		}
		if !reflect.DeepEqual(left, slices.Collect(a.Edges())) || !reflect.DeepEqual(right, slices.Collect(b.Edges())) {
			t.Fatalf("seed %d: got %v and %v", seed, left, right)
		}
	}
}
