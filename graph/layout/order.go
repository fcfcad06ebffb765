package layout

import (
	"cmp"
	"context"
	"slices"
)

// drawing is a component with a dummy vertex wherever a core arc passes through a layer, so that each arc joins
// neighbouring layers. Vertices from len(c.ids) on are dummies. Layers are counted from the leftmost.
type drawing struct {
	c           *component
	layer       []int
	left, right [][]int // core neighbours in the layer before and after
	core        [][]int // per layer, the core's vertices and dummies from top to bottom
	pos         []int   // of a core vertex: its place in its layer of core
}

func (c *component) dummies(ctx context.Context) (*drawing, error) {
	d := &drawing{c: c}
	first := slices.Min(c.layer)
	for _, l := range c.layer {
		d.layer = append(d.layer, l-first)
	}
	d.left, d.right = make([][]int, len(c.ids)), make([][]int, len(c.ids))
	join := func(a, b int) {
		d.right[a] = append(d.right[a], b)
		d.left[b] = append(d.left[b], a)
	}
	for _, a := range c.arcs {
		if !c.inCore(a) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := a.from
		for l := d.layer[a.from] + 1; l < d.layer[a.to]; l++ {
			v := len(d.layer)
			d.layer = append(d.layer, l)
			d.left, d.right = append(d.left, nil), append(d.right, nil)
			join(at, v)
			at = v
		}
		join(at, a.to)
	}
	d.core = make([][]int, slices.Max(d.layer)+1)
	d.pos = make([]int, len(d.layer))
	d.start()
	return d, nil
}

// start orders each layer by a depth-first search from the left, in the order of numbers: what belongs together starts
// together.
func (d *drawing) start() {
	seen := make([]bool, len(d.layer))
	var visit func(v int)
	visit = func(v int) {
		seen[v] = true
		l := d.layer[v]
		d.pos[v] = len(d.core[l])
		d.core[l] = append(d.core[l], v)
		for _, w := range d.right[v] {
			if !seen[w] {
				visit(w)
			}
		}
	}
	for v, p := range d.c.parent {
		if p < 0 && len(d.left[v]) == 0 {
			visit(v)
		}
	}
}

// sweeps is the number of passes to and fro; more gained nothing measurable on lineage-shaped graphs.
const sweeps = 12

// patience is the number of passes without a gain after which sweep gives up.
const patience = 4

// sweep reorders the core's layers by the barycentres of their neighbours, to and fro, and keeps the order with the
// fewest crossings.
func (d *drawing) sweep(ctx context.Context) error {
	best, kept := d.crossings(), d.snapshot()
	weight := make([]float64, len(d.layer))
	for pass, idle := 0, 0; pass < sweeps && idle < patience && best > 0; pass++ {
		for l := 1; l < len(d.core); l++ {
			if err := d.reorder(ctx, l, d.left, weight); err != nil {
				return err
			}
		}
		for l := len(d.core) - 2; l >= 0; l-- {
			if err := d.reorder(ctx, l, d.right, weight); err != nil {
				return err
			}
		}
		if err := d.exchange(ctx); err != nil {
			return err
		}
		idle++
		if n := d.crossings(); n < best {
			best, kept, idle = n, d.snapshot(), 0
		}
	}
	d.core = kept
	for _, layer := range d.core {
		for i, v := range layer {
			d.pos[v] = i
		}
	}
	return nil
}

func (d *drawing) snapshot() [][]int {
	out := make([][]int, len(d.core))
	for i, layer := range d.core {
		out[i] = slices.Clone(layer)
	}
	return out
}

// reorder sorts layer l by barycentre; vertices without neighbours on that side keep their place's weight, equal ones
// their order.
func (d *drawing) reorder(ctx context.Context, l int, neighbours [][]int, weight []float64) error {
	for _, v := range d.core[l] {
		weight[v] = float64(d.pos[v])
		if n := len(neighbours[v]); n > 0 {
			sum := 0
			for _, w := range neighbours[v] {
				sum += d.pos[w]
			}
			weight[v] = float64(sum) / float64(n)
		}
	}
	slices.SortStableFunc(d.core[l], func(a, b int) int { return cmp.Compare(weight[a], weight[b]) })
	for i, v := range d.core[l] {
		d.pos[v] = i
	}
	return ctx.Err()
}

// places are those of a vertex' neighbours in the layers before and after, in order.
type places [2][]int

// above counts the lines that cross where a vertex stands above another: pairs in which its own end lies below.
func (p places) above(other places) (n int) {
	for k := range p {
		i := 0
		for _, own := range p[k] {
			for i < len(other[k]) && other[k][i] < own {
				i++
			}
			n += i
		}
	}
	return n
}

// exchange swaps neighbours in a layer where fewer lines cross then, until none is left to swap or it was tried often
// enough. Barycentres alone leave such pairs.
func (d *drawing) exchange(ctx context.Context) error {
	const tries = 4
	ends := make([]places, len(d.layer))
	for range tries {
		swapped := false
		for _, layer := range d.core {
			if err := ctx.Err(); err != nil {
				return err
			}
			d.findPlaces(layer, ends)
			for i := 1; i < len(layer); i++ {
				v, w := layer[i-1], layer[i]
				if ends[v].above(ends[w]) > ends[w].above(ends[v]) {
					layer[i-1], layer[i] = w, v
					d.pos[w], d.pos[v] = i-1, i
					swapped = true
				}
			}
		}
		if !swapped {
			break
		}
	}
	return nil
}

// findPlaces finds those of the neighbours of one layer's vertices.
func (d *drawing) findPlaces(layer []int, ends []places) {
	for _, v := range layer {
		for k, side := range [...][][]int{d.left, d.right} {
			ends[v][k] = ends[v][k][:0]
			for _, w := range side[v] {
				ends[v][k] = append(ends[v][k], d.pos[w])
			}
			slices.Sort(ends[v][k])
		}
	}
}

// crossings counts the core's crossing lines, by inversions in a Fenwick tree.
func (d *drawing) crossings() int {
	total := 0
	var tree, ends []int
	for l := 0; l+1 < len(d.core); l++ {
		n := len(d.core[l+1])
		tree = append(tree[:0], make([]int, n+1)...)
		placed := 0
		for _, v := range d.core[l] {
			ends = ends[:0]
			for _, w := range d.right[v] {
				ends = append(ends, d.pos[w])
			}
			for _, p := range ends {
				total += placed
				for i := p + 1; i > 0; i -= i & -i {
					total -= tree[i]
				}
			}
			for _, p := range ends {
				for i := p + 1; i <= n; i += i & -i {
					tree[i]++
				}
			}
			placed += len(ends)
		}
	}
	return total
}
