package layout

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// crossingLines counts pairs of edges that cross, each a straight line between its two cards.
func crossingLines(positions []Position, edges []lineage.Flow) (n int) {
	at := map[lineage.Node]Position{}
	for _, p := range positions {
		at[p.Node] = p
	}
	side := func(e lineage.Flow, n lineage.Node) float64 {
		a, b, c := at[e.From], at[e.To], at[n]
		return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X)
	}
	for i, e := range edges {
		for _, f := range edges[:i] {
			if side(e, f.From)*side(e, f.To) < 0 && side(f, e.From)*side(f, e.To) < 0 {
				n++
			}
		}
	}
	return n
}

// mostCrossings are those of forty graphs of so many nodes, see estate. Before pairs of neighbours were exchanged, and
// topics had layers of their own, they were 93, 535 and 2,407.
var mostCrossings = map[int]int{20: 93, 40: 515, 80: 2366}

// TestColumns draws a fixed set of graphs: no column holds topics and programs, and lines cross no more often than they
// do now.
func TestColumns(t *testing.T) {
	for size, most := range mostCrossings {
		crossings := 0
		for seed := range uint64(40) {
			nodes, edges := connected(estate(rand.New(rand.NewPCG(seed, 12)), size))
			got := drawn(t, nodes, edges)
			crossings += crossingLines(got, edges)
			topics := map[int]bool{}
			for _, p := range got {
				is := p.Node.Kind == lineage.TopicNode
				if was, ok := topics[p.Layer]; ok && was != is {
					t.Fatalf("%d nodes, seed %d: layer %d is mixed, with %s", size, seed, p.Layer, p.Node.ID())
				}
				topics[p.Layer] = is
			}
		}
		t.Logf("%d nodes: %d crossings", size, crossings)
		if crossings > most {
			t.Errorf("%d nodes: %d crossings, and were %d", size, crossings, most)
		}
	}
}
