package graph

import (
	"cmp"
	"iter"

	"github.com/lineaged/lineaged/lineage"
)

// Pair is one flow in two snapshots; nil: it is not in that one.
type Pair struct {
	Flow lineage.Flow
	A, B *Edge
}

// Join walks the flows of two snapshots side by side, each flow once, in the order of Snapshot.Edges.
func Join(a, b *Snapshot) iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		nextA, stopA := iter.Pull(a.Edges())
		defer stopA()
		nextB, stopB := iter.Pull(b.Edges())
		defer stopB()
		x, okA := nextA()
		y, okB := nextB()
		for okA || okB {
			var order int
			switch {
			case !okB:
				order = -1
			case !okA:
				order = 1
			default:
				order = cmp.Or(compareNodes(x.Flow.From, y.Flow.From), compareNodes(x.Flow.To, y.Flow.To))
			}
			var p Pair
			if order <= 0 {
				is := x
				p.Flow, p.A = is.Flow, &is
				x, okA = nextA()
			}
			if order >= 0 {
				is := y
				p.Flow, p.B = is.Flow, &is
				y, okB = nextB()
			}
			if !yield(p) {
				return
			}
		}
	}
}
