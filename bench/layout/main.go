// Command layout draws graphs as lineaged does, for `npm run bench` of ui/: it reads them from standard input, and
// writes where each node's card goes and the processor time that one drawing took.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/lineaged/lineaged/bench/work"
	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/lineage"
)

// graph has nodes by name, of which those of an even place are topics, and edges between places.
type graph struct {
	Nodes []string `json:"nodes"`
	Edges [][2]int `json:"edges"`
}

// drawing is one graph drawn: the upper left corner of each node's card in pixels, in the order of the nodes.
type drawing struct {
	Places [][2]float64 `json:"places"`
	CPU    int64        `json:"cpu"` // ns
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "layout:", err)
		os.Exit(1)
	}
}

func run() error {
	var graphs []graph
	if err := json.NewDecoder(os.Stdin).Decode(&graphs); err != nil {
		return fmt.Errorf("read the graphs: %w", err)
	}
	out := make([]drawing, 0, len(graphs))
	for _, g := range graphs {
		d, err := draw(g)
		if err != nil {
			return err
		}
		out = append(out, d)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func draw(g graph) (drawing, error) {
	nodes := make([]lineage.Node, len(g.Nodes))
	index := make(map[lineage.Node]int, len(nodes))
	for i, name := range g.Nodes {
		nodes[i] = lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: name}
		if i%2 == 0 {
			nodes[i].Kind = lineage.TopicNode
		}
		index[nodes[i]] = i
	}
	edges := make([]lineage.Flow, len(g.Edges))
	for i, e := range g.Edges {
		edges[i] = lineage.Flow{From: nodes[e[0]], To: nodes[e[1]]}
	}
	var places []layout.Position
	var err error
	cpu := work.Cost(func(int) { places, err = layout.Layout(context.Background(), nodes, edges) })
	d := drawing{Places: make([][2]float64, len(nodes)), CPU: cpu.Nanoseconds()}
	for _, p := range places {
		d.Places[index[p.Node]] = [2]float64{p.X, p.Y}
	}
	return d, err
}
