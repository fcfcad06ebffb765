package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// spreadModel returns what a tag reaches, by following each flow until nothing is new; next are nodes with the lane by
// which they were reached.
func spreadModel(accesses []Access, bears, stops map[lineage.Node]bool) map[lineage.Node]bool {
	type place struct {
		node lineage.Node
		lane string
	}
	reached, from := map[lineage.Node]bool{}, map[place]bool{}
	for changed := true; changed; {
		changed = false
		for _, a := range accesses {
			if stops[a.From] || !bears[a.From] && !from[place{a.From, a.FromLane}] || stops[a.To] && holds(a.To) {
				continue
			}
			if at := (place{a.To, a.ToLane}); !from[at] {
				from[at], reached[a.To], changed = true, true, true
			}
		}
	}
	return reached
}

func TestSpreadAgainstModel(t *testing.T) {
	ways := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		accesses := randomAccesses(r)
		if seed%3 == 0 { // a program keeps apart what it carries
			for i := range accesses {
				lane := []string{"", "x", "y"}[r.IntN(3)]
				if accesses[i].To.Kind == lineage.ApplicationNode {
					accesses[i].ToLane = lane
				}
				if accesses[i].From.Kind == lineage.ApplicationNode {
					accesses[i].FromLane = lane
				}
			}
		}
		s := Build(window, accesses)
		bears, stops := map[lineage.Node]bool{}, map[lineage.Node]bool{}
		for n := range s.Nodes() {
			bears[n], stops[n] = r.IntN(4) == 0, r.IntN(4) == 0
		}
		var bearers []lineage.Node
		for n := range s.Nodes() {
			if bears[n] {
				bearers = append(bearers, n)
			}
		}
		is := func(m map[lineage.Node]bool) func(lineage.Node) bool {
			return func(n lineage.Node) bool { return m[n] }
		}
		want := spreadModel(accesses, bears, stops)
		spread := s.Spread(bearers, is(stops))
		got := spread.Nodes()
		if len(got) != len(want) || slices.ContainsFunc(got, func(n lineage.Node) bool { return !want[n] }) || !slices.IsSortedFunc(got, compareNodes) {
			t.Fatalf("seed %d: got %v, want %v", seed, got, want)
		}
		for n := range s.Nodes() {
			way := s.SpreadTo(n, is(bears), is(stops))
			if bears[n] {
				continue // what is said of it is not derived
			}
			if (way != nil) != want[n] {
				t.Fatalf("seed %d: the way to %v is %v, and it is reached: %t", seed, n, way, want[n])
			}
			if why := badWay(s, way, n, bears, stops); way != nil && why != "" {
				t.Fatalf("seed %d: the way to %v is %v: %s", seed, n, way, why)
			}
			down := spread.Way(n)
			if why := badWay(s, down, n, bears, stops); len(down) != len(way) || down != nil && why != "" {
				t.Fatalf("seed %d: down to %v the way is %v, and up from it %v: %s", seed, n, down, way, why)
			}
			ways += min(len(way), 1)
		}
	}
	if ways < 1000 {
		t.Errorf("only %d ways were looked at", ways)
	}
}

func badWay(s *Snapshot, way []lineage.Node, to lineage.Node, bears, stops map[lineage.Node]bool) string {
	if len(way) < 2 || !bears[way[0]] || way[len(way)-1] != to {
		return "it does not lead from one that bears it"
	}
	for i := 1; i < len(way); i++ {
		if _, ok := s.Edge(lineage.Flow{From: way[i-1], To: way[i]}); !ok {
			return fmt.Sprintf("there is no flow after step %d", i)
		}
		if stops[way[i-1]] {
			return "it goes through one that stops it"
		}
	}
	return ""
}

// TestSpreadOfALargeEstate: hubs and cycles of thousands of nodes are walked once.
func TestSpreadOfALargeEstate(t *testing.T) {
	const n = 20_000
	topic := func(i int) lineage.Node {
		return lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: fmt.Sprintf("t%05d", i)}
	}
	app := func(i int) lineage.Node {
		return lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: fmt.Sprintf("a%05d", i)}
	}
	var accesses []Access
	for i := range n {
		accesses = append(accesses, Access{From: topic(i), To: app(i)}, Access{From: app(i), To: topic((i + 1) % n)}, Access{From: topic(i), To: app(n)}, Access{From: app(n), To: topic(i)})
	}
	s := Build(window, accesses)
	never := func(lineage.Node) bool { return false }
	if got := len(s.Spread([]lineage.Node{topic(0)}, never).Nodes()); got != 2*n+1 {
		t.Errorf("%d nodes are reached of %d", got, 2*n+1)
	}
	way := s.SpreadTo(topic(n/2), func(m lineage.Node) bool { return m == topic(0) }, never)
	if len(way) != 3 || way[1] != app(n) {
		t.Errorf("the way is %v", way)
	}
	stopped := func(m lineage.Node) bool { return m == app(n) }
	if way := s.SpreadTo(topic(100), func(m lineage.Node) bool { return m == topic(0) }, stopped); len(way) != 201 {
		t.Errorf("around the hub the way has %d nodes", len(way))
	}
}
