package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// estate makes accesses of a graph shaped like lineage: twelve stages of topics and applications in turn, with hubs,
// four flows to a node; rates are log-normal and a third of the flows idle.
func estate(edges int) []Access {
	const stages = 12
	r := rand.New(rand.NewPCG(11, 3))
	per := max(64, edges/4) / stages
	node := func(stage int) lineage.Node {
		u := r.Float64()
		i := int(u * u * float64(per))
		if stage%2 == 0 {
			return app(fmt.Sprintf("team-%d.service-%d-%d", i%50, stage, i))
		}
		return topic(fmt.Sprintf("domain-%d.events.%d.%d", i%50, stage, i))
	}
	out := make([]Access, edges)
	for i := range out {
		stage := r.IntN(stages - 1)
		out[i] = Access{ID: AccessID(i), From: node(stage), To: node(stage + 1), Weight: math.Exp(2.2 * r.NormFloat64())}
		if r.IntN(3) > 0 {
			out[i].State = Active
		}
	}
	return out
}

// plain is the least that a search can do: breadth first over numbers, no names, no order, no counts; bits and queue
// are used again.
type plain struct {
	off, to []uint32
	seen    []uint64
	queue   []uint32
}

func (p *plain) run(root uint32) int {
	clear(p.seen)
	q := append(p.queue[:0], root)
	p.seen[root>>6] |= 1 << (root & 63)
	for h := 0; h < len(q); h++ {
		for _, v := range p.to[p.off[q[h]]:p.off[q[h]+1]] {
			if w, m := v>>6, uint64(1)<<(v&63); p.seen[w]&m == 0 {
				p.seen[w] |= m
				q = append(q, v)
			}
		}
	}
	p.queue = q
	return len(q)
}

// hub returns the node from which most is downstream among the first stage's.
func hub(s *Snapshot) lineage.Node {
	var best lineage.Node
	most := -1
	for n := range s.Nodes() {
		if i, _ := s.vertex(n); s.inOff[i] == s.inOff[i+1] {
			if out := int(s.outOff[i+1] - s.outOff[i]); out > most {
				best, most = n, out
			}
		}
	}
	return best
}

func BenchmarkWalk(b *testing.B) {
	for _, edges := range []int{1e4, 1e5, 1e6} {
		s := Build(window, estate(edges))
		root := hub(s)
		p := plain{off: s.outOff, to: s.outTo, seen: make([]uint64, len(s.numbers)/64+1)}
		b.Run(fmt.Sprintf("edges=%d/plain", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.run(vertexOf(s, root))
			}
		})
		b.Run(fmt.Sprintf("edges=%d/closure", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Closure([]lineage.Node{root}, Downstream)
			}
		})
		for _, limit := range []int{300, 1000} {
			b.Run(fmt.Sprintf("edges=%d/limit=%d", edges, limit), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.Walk(Query{Roots: []lineage.Node{root}, Direction: Downstream, Depth: -1, Limit: limit})
				}
			})
		}
		b.Run(fmt.Sprintf("edges=%d/depth=3,limit=300", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Walk(Query{Roots: []lineage.Node{root}, Direction: Both, Depth: 3, Limit: 300})
			}
		})
		b.Run(fmt.Sprintf("edges=%d/all,limit=300", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.All(300)
			}
		})
		want := p.run(vertexOf(s, root))
		if got := s.Walk(Query{Roots: []lineage.Node{root}, Direction: Downstream, Depth: -1, Limit: 1}).TotalNodes; got != want {
			b.Fatalf("the walk finds %d nodes, the plain search %d", got, want)
		}
		if got := s.Closure([]lineage.Node{root}, Downstream).Len(); got != want {
			b.Fatalf("the closure has %d nodes, the plain search finds %d", got, want)
		}
	}
}

// replay is the least that building can do: who follows whom and who comes before, by numbers, no names, no states and
// no order.
func replay(n int, from, to []uint32) (outOff, outTo, inOff, inFrom []uint32) {
	csr := func(of, other []uint32) (off, next []uint32) {
		off, next = make([]uint32, n+2), make([]uint32, len(of))
		for _, v := range of {
			off[v+2]++
		}
		sumUp(off)
		for i, v := range of {
			next[off[v+1]] = other[i]
			off[v+1]++
		}
		return off[:n+1], next
	}
	outOff, outTo = csr(from, to)
	inOff, inFrom = csr(to, from)
	return outOff, outTo, inOff, inFrom
}

func BenchmarkBuild(b *testing.B) {
	for _, edges := range []int{1e4, 1e5, 1e6} {
		accesses := estate(edges)
		roll, rows := NewRoll(), make([]Numbered, len(accesses))
		from, to := make([]uint32, len(accesses)), make([]uint32, len(accesses))
		for i, a := range accesses {
			from[i], to[i] = roll.Number(a.From, ""), roll.Number(a.To, "")
			rows[i] = Numbered{From: from[i], To: to[i], ID: a.ID, State: a.State, Weight: a.Weight}
		}
		b.Run(fmt.Sprintf("edges=%d/replay", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				replay(roll.Len(), from, to)
			}
		})
		roll.Build(window, rows)
		b.Run(fmt.Sprintf("edges=%d/roll", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				roll.Build(window, rows)
			}
		})
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(accesses), func(i, j int) { accesses[i], accesses[j] = accesses[j], accesses[i] })
		accesses = slices.Clip(accesses)
		b.Run(fmt.Sprintf("edges=%d/names", edges), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Build(window, accesses)
			}
		})
	}
}

func vertexOf(s *Snapshot, n lineage.Node) uint32 {
	v, _ := s.vertex(n)
	return v
}
