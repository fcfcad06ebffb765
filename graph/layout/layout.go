// Package layout draws a lineage graph in layers from left to right: it says where each node's card goes.
//
// It hides how: cycles are broken, what hangs on the graph's core like a tree is set aside, the core is layered and its
// crossings are reduced by barycentre sweeps, the trees are hung on again, and a last pass straightens lines. It
// refuses to look at rates, weights or time, so that the drawing of one window resembles that of the next: only which
// nodes and flows there are, and what they are called, decides. Because trees are hung on last, a leaf that comes or
// goes does not stir the core.
package layout

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Sizes in pixels. A card is NodeWidth by NodeHeight.
const (
	NodeWidth  = 240
	NodeHeight = 76
	// LayerGap lies between the cards of neighbouring layers: room for an edge and its label.
	LayerGap = 120
	// NodeGap is the least distance between two cards of a layer.
	NodeGap = 24
	// EdgeGap is kept free on both sides of an edge that passes through a layer.
	EdgeGap = 12
	// ComponentGap lies between parts of the graph that no flow joins.
	ComponentGap = 48
)

// Position is where a node's card goes. X and Y are those of its upper left corner, in whole pixels from the drawing's,
// y downwards.
type Position struct {
	Node  lineage.Node
	Layer int // from 0, counted in each component by itself; X follows from it
	X, Y  float64
}

// Layout places nodes; the answer is ordered by name, kind and scope. Neither the order of nodes and edges nor their
// repetition matters. Edges whose ends are not both among nodes, and loops, are left out. All edges run from left to
// right, but for those that close a cycle, and topics have layers
// of their own within a part of the graph. Cards never overlap. The drawing ends with ctx, whose error is the only one.
func Layout(ctx context.Context, nodes []lineage.Node, edges []lineage.Flow) ([]Position, error) {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b lineage.Node) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Scope, b.Scope))
	})
	nodes = slices.Compact(nodes)
	out := make([]Position, len(nodes))
	top := 0.0
	parts := components(nodes, arcs(nodes, edges))
	for _, c := range parts {
		c.peel(nodes)
	}
	// A leaf that comes or goes does not change a part's first core node, nor so the order of the parts.
	slices.SortFunc(parts, func(a, b *component) int { return cmp.Compare(a.first(), b.first()) })
	for _, c := range parts {
		c.breakCycles(nodes)
		c.setLayers(nodes)
		d, err := c.dummies(ctx)
		if err != nil {
			return nil, err
		}
		if err := d.sweep(ctx); err != nil {
			return nil, err
		}
		order := d.hang()
		y, err := d.place(ctx, order)
		if err != nil {
			return nil, err
		}

		first, last, left := math.Inf(1), math.Inf(-1), slices.Min(c.layer)
		for v := range c.ids {
			first, last = min(first, y[v]), max(last, y[v])
		}
		for v, id := range c.ids {
			layer := c.layer[v] - left
			out[id] = Position{
				Node:  nodes[id],
				Layer: layer,
				X:     float64(layer * (NodeWidth + LayerGap)),
				Y:     math.Round(top + y[v] - first),
			}
		}
		top = math.Round(top+last-first) + NodeHeight + ComponentGap
	}
	return out, nil
}

// arc is a pair of joined nodes in the direction in which they are drawn.
type arc struct{ from, to int }

// arcs numbers the edges, drops repeated ones, and makes one arc of two opposite ones. Then the topic is drawn before
// what reads and writes it: a choice that no other flow can turn.
func arcs(nodes []lineage.Node, edges []lineage.Flow) []arc {
	index := make(map[lineage.Node]int, len(nodes))
	for i, n := range nodes {
		index[n] = i
	}
	const forth, back = 1, 2 // from the smaller number to the larger
	ways := make(map[arc]int, len(edges))
	for _, e := range edges {
		a, ok := index[e.From]
		b, ok2 := index[e.To]
		switch {
		case !ok || !ok2 || a == b:
		case a < b:
			ways[arc{a, b}] |= forth
		default:
			ways[arc{b, a}] |= back
		}
	}
	out := make([]arc, 0, len(ways))
	for a, way := range ways {
		turn := way == back
		if way == forth|back {
			turn = nodes[a.from].Kind != lineage.TopicNode && nodes[a.to].Kind == lineage.TopicNode
		}
		if turn {
			a.from, a.to = a.to, a.from
		}
		out = append(out, a)
	}
	slices.SortFunc(out, compareArcs)
	return out
}

func compareArcs(a, b arc) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
}

// component is a connected part. Its vertices have numbers of their own, in the order of ids.
type component struct {
	ids  []int // numbers of nodes
	arcs []arc // between vertices; those between core vertices have no cycle after breakCycles

	parent []int // of a vertex that hangs on the core: the neighbour nearer to it; -1: a core vertex
	after  []bool
	layer  []int // may start below zero
}

// first returns the number of the first node in the core.
func (c *component) first() int { return c.ids[slices.Index(c.parent, -1)] }

// components splits the graph into connected parts.
func components(nodes []lineage.Node, arcs []arc) []*component {
	root := make([]int, len(nodes))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, a := range arcs {
		root[find(a.from)] = find(a.to)
	}
	var all []*component
	of, place := make([]*component, len(nodes)), make([]int, len(nodes))
	for i := range nodes {
		r := find(i)
		if of[r] == nil {
			of[r] = &component{}
			all = append(all, of[r])
		}
		place[i] = len(of[r].ids)
		of[r].ids = append(of[r].ids, i)
	}
	for _, a := range arcs {
		c := of[find(a.from)]
		c.arcs = append(c.arcs, arc{place[a.from], place[a.to]})
	}
	return all
}
