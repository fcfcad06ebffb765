package layout

import "context"

// block is a run of vertices that stand as close as they may, and so move as one.
type block struct {
	sum, weight float64 // of the wishes; the block stands at sum/weight
	size        int
}

// place returns the y of each vertex' centre. Each layer in turn comes as near to its neighbours' heights as the
// distances allow, exactly in the sense of least squares; lines through dummies weigh more, so that they are straight.
func (d *drawing) place(ctx context.Context, order [][]int) ([]float64, error) {
	left, right := d.lines()
	y := make([]float64, len(d.layer))
	for _, layer := range order {
		at := 0.0
		for i, v := range layer {
			if i > 0 {
				at += d.distance(layer[i-1], v)
			}
			y[v] = at
		}
	}
	p := placer{d: d, y: y}
	const rounds = 6 // to and fro; the picture is at rest by then
	for range rounds {
		for l := 1; l < len(order); l++ {
			if err := p.settle(ctx, order[l], left, nil); err != nil {
				return nil, err
			}
		}
		for l := len(order) - 2; l >= 0; l-- {
			if err := p.settle(ctx, order[l], right, nil); err != nil {
				return nil, err
			}
		}
	}
	for range rounds {
		for _, layer := range order {
			if err := p.settle(ctx, layer, left, right); err != nil {
				return nil, err
			}
		}
	}
	return y, nil
}

// lines returns all neighbours of each vertex in the layers before and after: the core's, and those of the trees that
// hang on it.
func (d *drawing) lines() (left, right [][]int) {
	left, right = make([][]int, len(d.layer)), make([][]int, len(d.layer))
	for v := range d.layer {
		left[v], right[v] = append(left[v], d.left[v]...), append(right[v], d.right[v]...)
	}
	for v, p := range d.c.parent {
		switch {
		case p < 0:
		case d.c.after[v]:
			left[v], right[p] = append(left[v], p), append(right[p], v)
		default:
			right[v], left[p] = append(right[v], p), append(left[p], v)
		}
	}
	return left, right
}

func (d *drawing) dummy(v int) bool { return v >= len(d.c.ids) }

// distance is the least one between the centres of v and w, w below v.
func (d *drawing) distance(v, w int) float64 {
	switch a, b := d.dummy(v), d.dummy(w); {
	case a && b:
		return EdgeGap
	case a || b:
		return NodeHeight/2 + EdgeGap
	default:
		return NodeHeight + NodeGap
	}
}

type placer struct {
	d      *drawing
	y      []float64
	blocks []block
}

// settle moves one layer towards the neighbours given. It minimises the weighted squares of the distances to them,
// which is isotonic regression once the least distances are taken off: pool adjacent violators solves it in one pass.
func (p *placer) settle(ctx context.Context, layer []int, sides ...[][]int) error {
	const rest = 1e-3 // the weight of staying where it is, for what has no neighbours there
	offset := 0.0
	p.blocks = p.blocks[:0]
	for i, v := range layer {
		if i > 0 {
			offset += p.d.distance(layer[i-1], v)
		}
		b := block{sum: rest * (p.y[v] - offset), weight: rest, size: 1}
		for _, side := range sides {
			if side == nil {
				continue
			}
			for _, w := range side[v] {
				pull := p.pull(v, w)
				b.sum += pull * (p.y[w] - offset)
				b.weight += pull
			}
		}
		for n := len(p.blocks); n > 0 && p.blocks[n-1].sum*b.weight > b.sum*p.blocks[n-1].weight; n-- {
			last := p.blocks[n-1]
			b.sum, b.weight, b.size = b.sum+last.sum, b.weight+last.weight, b.size+last.size
			p.blocks = p.blocks[:n-1]
		}
		p.blocks = append(p.blocks, b)
	}
	i, offset := 0, 0.0
	for _, b := range p.blocks {
		for range b.size {
			if i > 0 {
				offset += p.d.distance(layer[i-1], layer[i])
			}
			p.y[layer[i]] = b.sum/b.weight + offset
			i++
		}
	}
	return ctx.Err()
}

// pull is how much a line wants to be level (the ratios of Gansner and others 1993).
func (p *placer) pull(v, w int) float64 {
	switch a, b := p.d.dummy(v), p.d.dummy(w); {
	case a && b:
		return 8
	case a || b:
		return 2
	default:
		return 1
	}
}
