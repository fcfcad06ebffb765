// Command gonum does a graph task of the benchmarks with gonum, the graph library that most Go programs take.
package main

import (
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/traverse"

	"github.com/lineaged/lineaged/bench/work"
)

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		edges := work.NewEdges(t.Edges)
		g := simple.NewDirectedGraph()
		from := work.CPU()
		for _, e := range edges.List {
			g.SetEdge(simple.Edge{F: simple.Node(e.From), T: simple.Node(e.To)})
		}
		r.CPU("build cpu-ns", work.CPU()-from)
		var nodes, sum uint64
		r.CPU("closure cpu-ns", work.Cost(func(int) {
			nodes, sum = 0, 0
			w := traverse.BreadthFirst{Visit: func(n graph.Node) { nodes++; sum += uint64(n.ID()) }}
			w.Walk(g, simple.Node(work.Root), nil)
		}))
		r.Check("closure", work.Reached(nodes, sum), edges.Reached())
		return nil
	})
}
