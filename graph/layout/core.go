package layout

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// peel takes leaves off until none is left: what remains is the core, where every vertex lies on or between undirected
// cycles. Of a tree its centre remains, one vertex.
func (c *component) peel(nodes []lineage.Node) {
	n := len(c.ids)
	neighbours := make([][]int, n)
	for _, a := range c.arcs {
		neighbours[a.from] = append(neighbours[a.from], a.to)
		neighbours[a.to] = append(neighbours[a.to], a.from)
	}
	c.parent, c.after = make([]int, n), make([]bool, n)
	degree, gone := make([]int, n), make([]bool, n)
	var leaves []int
	for v := range n {
		c.parent[v] = -1
		degree[v] = len(neighbours[v])
		if degree[v] == 1 {
			leaves = append(leaves, v)
		}
	}
	for left := n; len(leaves) > 0 && left > 1; {
		if left == 2 && c.before(nodes, leaves[0], leaves[1]) {
			leaves = leaves[1:]
		}
		var next []int
		for _, v := range leaves {
			if left == 1 {
				break
			}
			gone[v] = true
			left--
			for _, p := range neighbours[v] {
				if !gone[p] {
					c.parent[v] = p
					if degree[p]--; degree[p] == 1 {
						next = append(next, p)
					}
				}
			}
		}
		leaves = next
	}
	for _, a := range c.arcs {
		if c.parent[a.to] == a.from {
			c.after[a.to] = true
		}
	}
}

// before decides which of two vertices is the more central by what it is: topics first, then by number.
func (c *component) before(nodes []lineage.Node, v, w int) bool {
	tv, tw := nodes[c.ids[v]].Kind == lineage.TopicNode, nodes[c.ids[w]].Kind == lineage.TopicNode
	if tv != tw {
		return tv
	}
	return v < w
}

// inCore reports whether both ends are core vertices.
func (c *component) inCore(a arc) bool { return c.parent[a.from] < 0 && c.parent[a.to] < 0 }

// breakCycles turns core arcs until there is no cycle. Arcs outside cycles stay as they are.
func (c *component) breakCycles(nodes []lineage.Node) {
	out := c.coreOut()
	knot := knots(len(c.ids), out)
	members := make(map[int][]int)
	for v := range c.ids {
		if c.parent[v] < 0 {
			members[knot[v]] = append(members[knot[v]], v)
		}
	}
	place := make([]int, len(c.ids))
	for k, of := range members {
		if len(of) > 1 {
			c.sequence(nodes, k, of, knot, place)
		}
	}
	for i, a := range c.arcs {
		if c.inCore(a) && knot[a.from] == knot[a.to] && place[a.from] > place[a.to] {
			c.arcs[i] = arc{a.to, a.from}
		}
	}
}

func (c *component) coreOut() [][]int {
	out := make([][]int, len(c.ids))
	for _, a := range c.arcs {
		if c.inCore(a) {
			out[a.from] = append(out[a.from], a.to)
		}
	}
	return out
}

// sequence puts the members of knot k in a line with few arcs running backwards: sinks to the end, sources to the
// front, else the vertex with most arcs out less arcs in (Eades, Lin and Smyth 1993).
func (c *component) sequence(nodes []lineage.Node, k int, members, knot, place []int) {
	in, out := make(map[int][]int), make(map[int][]int)
	for _, a := range c.arcs {
		if c.inCore(a) && knot[a.from] == k && knot[a.to] == k {
			out[a.from] = append(out[a.from], a.to)
			in[a.to] = append(in[a.to], a.from)
		}
	}
	ins, outs := make(map[int]int), make(map[int]int)
	for _, v := range members {
		ins[v], outs[v] = len(in[v]), len(out[v])
	}
	left := slices.Clone(members)
	take := func(v, at int) {
		place[v] = at
		for _, w := range out[v] {
			ins[w]--
		}
		for _, w := range in[v] {
			outs[w]--
		}
		i := slices.Index(left, v)
		left = slices.Delete(left, i, i+1)
	}
	for front, end := 0, len(members); len(left) > 0; {
		if i := slices.IndexFunc(left, func(v int) bool { return outs[v] == 0 }); i >= 0 {
			end--
			take(left[i], end)
			continue
		}
		best := left[0]
		for _, v := range left {
			if ins[v] == 0 {
				best = v
				break
			}
			if dv, db := outs[v]-ins[v], outs[best]-ins[best]; dv > db || dv == db && c.before(nodes, v, best) {
				best = v
			}
		}
		take(best, front)
		front++
	}
}

// knots numbers the strongly connected parts (Tarjan 1972).
func knots(n int, out [][]int) []int {
	knot, low, at := make([]int, n), make([]int, n), make([]int, n)
	onStack := make([]bool, n)
	var stack []int
	count, parts := 0, 0
	var visit func(v int)
	visit = func(v int) {
		count++
		at[v], low[v] = count, count
		stack = append(stack, v)
		onStack[v] = true
		for _, w := range out[v] {
			if at[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], at[w])
			}
		}
		if low[v] != at[v] {
			return
		}
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			onStack[w] = false
			knot[w] = parts
			if w == v {
				break
			}
		}
		parts++
	}
	for v := range n {
		if at[v] == 0 {
			visit(v)
		}
	}
	return knot
}

// setLayers gives core vertices the length of the longest path that leads to them, counted so that topics have layers
// of their own (see sides), draws those with more arcs out than in towards their first successor, and puts each hanging
// vertex right beside its parent.
func (c *component) setLayers(nodes []lineage.Node) {
	n := len(c.ids)
	c.layer = c.sides(nodes)
	out, in := c.coreOut(), make([]int, n)
	for _, next := range out {
		for _, w := range next {
			in[w]++
		}
	}
	waiting := slices.Clone(in)
	var order []int
	for v := range n {
		if c.parent[v] < 0 && in[v] == 0 {
			order = append(order, v)
		} else { // it follows from its neighbours
			c.layer[v] = 0
		}
	}
	for i := 0; i < len(order); i++ {
		v := order[i]
		for _, w := range out[v] {
			c.layer[w] = max(c.layer[w], c.layer[v]+1)
			if waiting[w]--; waiting[w] == 0 {
				order = append(order, w)
			}
		}
	}
	for _, v := range slices.Backward(order) {
		if len(out[v]) > in[v] {
			first := c.layer[out[v][0]]
			for _, w := range out[v] {
				first = min(first, c.layer[w])
			}
			c.layer[v] = first - 1
		}
	}
	children := c.children()
	for i := 0; i < len(order); i++ {
		v := order[i]
		for _, w := range children[v] {
			c.layer[w] = c.layer[v] - 1
			if c.after[w] {
				c.layer[w] = c.layer[v] + 1
			}
			order = append(order, w)
		}
	}
}

// sides tells the two sides of a part apart, where its flows all go between two: programs are 0, what they read and
// write is 1. Longest paths that begin so keep them in layers of their own. Of other parts all are 0.
func (c *component) sides(nodes []lineage.Node) []int {
	n := len(c.ids)
	next := make([][]int, n)
	for _, a := range c.arcs {
		next[a.from] = append(next[a.from], a.to)
		next[a.to] = append(next[a.to], a.from)
	}
	side, queue := make([]int, n), []int{0}
	seen := make([]bool, n)
	seen[0] = true
	topics := 0 // on side 1, less those on side 0
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		if nodes[c.ids[v]].Kind == lineage.TopicNode {
			topics += 2*side[v] - 1
		}
		for _, w := range next[v] {
			if !seen[w] {
				seen[w], side[w] = true, 1-side[v]
				queue = append(queue, w)
			} else if side[w] == side[v] {
				return make([]int, n)
			}
		}
	}
	if topics < 0 {
		for v := range side {
			side[v] = 1 - side[v]
		}
	}
	return side
}

// children lists what hangs on each vertex, by number.
func (c *component) children() [][]int {
	out := make([][]int, len(c.ids))
	for v, p := range c.parent {
		if p >= 0 {
			out[p] = append(out[p], v)
		}
	}
	return out
}
