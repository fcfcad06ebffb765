package main

import (
	"strconv"

	"github.com/lineaged/lineaged/bench/work"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const nodeName = "orders.events.v1."

// graphTask builds the graph of a window and asks for all that is downstream of a hub.
func graphTask(t work.Task, r *work.Report) error {
	g := work.NewEdges(t.Edges)
	nodes := make([]lineage.Node, g.Nodes)
	for i := range nodes {
		nodes[i] = lineage.Node{Scope: "lkc-1", Kind: lineage.ApplicationNode, Name: nodeName + strconv.Itoa(i)}
		if i%2 == 0 {
			nodes[i].Kind = lineage.TopicNode
		}
	}
	all := make([]graph.Access, len(g.List))
	for i, e := range g.List {
		all[i] = graph.Access{ID: graph.AccessID(i), From: nodes[e.From], To: nodes[e.To], State: graph.Active, Weight: float64(i % 97)}
	}
	var s *graph.Snapshot
	r.CPU("build cpu-ns", work.Cost(func(int) { s = graph.Build(lineage.Window{}, all) }))
	root := []lineage.Node{nodes[work.Root]}
	r.CPU("closure cpu-ns", work.Cost(func(int) { s.Closure(root, graph.Downstream) }))
	got, err := reached(s.Closure(root, graph.Downstream))
	if err != nil {
		return err
	}
	r.Check("closure", got, g.Reached())
	return nil
}
