package layout

import (
	"cmp"
	"slices"
)

// hang puts the vertices that hang on the core into the layers' orders, and returns the orders.
//
// Where one goes depends on the core and on the way from it, not on its neighbours: first the gap between core vertices
// that costs the fewest crossings with core lines, then, within a gap, the order in which a walk through the trees
// comes to it. So one more leaf leaves the order of all others alone, unless it makes a branch turn back.
func (d *drawing) hang() [][]int {
	children := d.c.children()
	low, high := d.extents()
	gap := make([]int, len(d.c.ids)) // of a hanging vertex: how many core vertices stand above it
	walk := make([]int, 0, len(d.c.ids))

	single := len(slices.DeleteFunc(slices.Clone(d.c.parent), func(p int) bool { return p >= 0 })) == 1
	var visit func(v int, up bool)
	visit = func(v int, up bool) {
		inCore := d.c.parent[v] < 0
		at := 2 * gap[v] // places doubled: odd ones are core vertices, even ones gaps
		if inCore {
			at = 2*d.pos[v] + 1
		}
		gaps := make(map[[2]bool]int) // by side and up
		enter := func(w int, up bool) {
			key := [2]bool{d.c.after[w], up}
			g, ok := gaps[key]
			if !ok {
				neighbours := d.right
				if d.c.after[w] {
					neighbours = d.left
				}
				g = d.cheapest(d.layer[w], neighbours, at, up)
				gaps[key] = g
			}
			gap[w] = g
			visit(w, up)
		}
		// A branch that comes back to v's layer would cross v's other lines, were it among them. So such branches go to
		// the ends: the first above v, mirrored, unless v's own line to its parent is in the way.
		turns := func(w int) bool { return low[w] <= d.layer[v] && d.layer[v] <= high[w] }
		above := slices.IndexFunc(children[v], func(w int) bool {
			return turns(w) && (single && inCore || !inCore && d.c.after[w] == d.c.after[v])
		})
		if above >= 0 {
			start := len(walk)
			enter(children[v][above], !up)
			slices.Reverse(walk[start:])
		}
		if !inCore {
			walk = append(walk, v)
		}
		for _, turning := range []bool{false, true} {
			for i, w := range children[v] {
				if i != above && turns(w) == turning {
					enter(w, up)
				}
			}
		}
	}
	for _, v := range d.attachments(children) {
		visit(v, false)
	}

	hung := make([][]int, len(d.core))
	for _, v := range walk {
		hung[d.layer[v]] = append(hung[d.layer[v]], v)
	}
	out := make([][]int, len(d.core))
	for l, core := range d.core {
		slices.SortStableFunc(hung[l], func(a, b int) int { return cmp.Compare(gap[a], gap[b]) })
		rest := hung[l]
		for i := 0; i <= len(core); i++ {
			for len(rest) > 0 && gap[rest[0]] == i {
				out[l], rest = append(out[l], rest[0]), rest[1:]
			}
			if i < len(core) {
				out[l] = append(out[l], core[i])
			}
		}
	}
	return out
}

// attachments lists the core vertices on which something hangs, from the top to the bottom of the drawing.
func (d *drawing) attachments(children [][]int) []int {
	var out []int
	for v, p := range d.c.parent {
		if p < 0 && len(children[v]) > 0 {
			out = append(out, v)
		}
	}
	height := func(v int) float64 { return (float64(d.pos[v]) + 0.5) / float64(len(d.core[d.layer[v]])) }
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(height(a), height(b)), cmp.Compare(d.layer[a], d.layer[b]))
	})
	return out
}

// extents returns the leftmost and rightmost layer of what hangs on each vertex, itself included.
func (d *drawing) extents() (low, high []int) {
	n := len(d.c.ids)
	low, high = slices.Clone(d.layer[:n]), slices.Clone(d.layer[:n])
	children := d.c.children()
	var visit func(v int)
	visit = func(v int) {
		for _, w := range children[v] {
			visit(w)
			low[v], high[v] = min(low[v], low[w]), max(high[v], high[w])
		}
	}
	for v, p := range d.c.parent {
		if p < 0 {
			visit(v)
		}
	}
	return low, high
}

// cheapest returns the gap of layer l in which a line from place at (doubled) of the layer on neighbours' side crosses
// the fewest core lines; of equally good ones the highest when up is set, else the lowest: a branch goes the way on
// which it left its parent.
func (d *drawing) cheapest(l int, neighbours [][]int, at int, up bool) int {
	cost, least, best := 0, 0, 0
	for i, v := range d.core[l] {
		// Going below v: its lines that come from below are crossed now, those from above no longer.
		for _, w := range neighbours[v] {
			cost += cmp.Compare(2*d.pos[w]+1, at)
		}
		if cost < least || cost == least && !up {
			least, best = cost, i+1
		}
	}
	return best
}
