package work

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Edges are a graph shaped like lineage: twelve stages of nodes, four edges to a node, with hubs.
type Edges struct {
	Nodes int
	List  []Edge // by From, then To
}

// Edge leads from one node to another, as records move.
type Edge struct{ From, To uint32 }

// Root is a hub of the first stage: most of the graph is downstream of it.
const Root = 1

// NewEdges makes a graph of so many edges; a few may be there twice.
func NewEdges(edges int) *Edges { return newEdges(edges, max(64, edges/4)) }

func newEdges(edges, nodes int) *Edges {
	const stages = 12
	r := rand.New(rand.NewPCG(11, 3))
	g := &Edges{Nodes: nodes, List: make([]Edge, edges)}
	per := g.Nodes / stages
	pick := func(stage int) uint32 {
		u := r.Float64() // squared, it favours the first of a stage
		return uint32(stage*per + int(u*u*float64(per)))
	}
	for i := range g.List {
		stage := r.IntN(stages - 1)
		g.List[i] = Edge{pick(stage), pick(stage + 1)}
	}
	slices.SortFunc(g.List, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return g
}

// CSR is a graph as two columns of numbers, the least that a search can do with.
type CSR struct {
	off, to []uint32
	seen    []uint64
	queue   []uint32
}

// CSR lays the edges out. They must be by From.
func (g *Edges) CSR() *CSR {
	c := &CSR{off: make([]uint32, g.Nodes+1), to: make([]uint32, len(g.List)), seen: make([]uint64, g.Nodes/64+1)}
	for i, e := range g.List {
		c.off[e.From+1]++
		c.to[i] = e.To
	}
	for i := range g.Nodes {
		c.off[i+1] += c.off[i]
	}
	return c
}

// Reach returns all that is downstream of a node, itself included, breadth first. What it returns is overwritten by the
// next call.
func (c *CSR) Reach(root uint32) []uint32 {
	clear(c.seen)
	q := append(c.queue[:0], root)
	c.seen[root>>6] |= 1 << (root & 63)
	for h := 0; h < len(q); h++ {
		for _, v := range c.to[c.off[q[h]]:c.off[q[h]+1]] {
			if w, m := v>>6, uint64(1)<<(v&63); c.seen[w]&m == 0 {
				c.seen[w] |= m
				q = append(q, v)
			}
		}
	}
	c.queue = q
	return q
}

// Reached is an answer to what is downstream: how many nodes, and the sum of their numbers.
func Reached(nodes, sum uint64) string { return fmt.Sprintf("%d nodes, sum %d", nodes, sum) }

// Reached is the true answer.
func (g *Edges) Reached() string { return ReachedOf(g.CSR().Reach(Root)) }

// ReachedOf is the answer of a list of nodes.
func ReachedOf(all []uint32) string {
	var sum uint64
	for _, v := range all {
		sum += uint64(v)
	}
	return Reached(uint64(len(all)), sum)
}
