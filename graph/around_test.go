package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestAroundAgainstModel: of random graphs, some of whose nodes keep their ways apart, it is what a search over their
// flows finds that goes both ways, and through no node that is not let in.
func TestAroundAgainstModel(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 14))
		w, hops := randomTimed(r), r.IntN(5)
		keeps := map[lineage.Node]bool{}
		at, flows := map[lineage.Node]int{topic("n0"): 0}, map[lineage.Flow]bool{}
		for _, a := range w.accesses {
			for _, n := range []lineage.Node{a.From, a.To} {
				if _, asked := keeps[n]; !asked {
					keeps[n] = r.IntN(5) > 0
				}
			}
		}
		passed := map[lineage.Node]bool{}
		for hop := range hops {
			for _, a := range w.accesses {
				for _, x := range [][2]lineage.Node{{a.From, a.To}, {a.To, a.From}} {
					if d, ok := at[x[0]]; !ok || d != hop {
						continue
					}
					if _, there := at[x[1]]; !there && !keeps[x[1]] {
						passed[x[1]] = true
						continue
					} else if !there {
						at[x[1]] = hop + 1
					}
					flows[lineage.Flow{From: a.From, To: a.To}] = true
				}
			}
		}
		s := Build(lineage.Window{}, w.accesses)
		for _, limit := range []int{len(at), max(1, len(at)-1)} { // the root is always there
			is, ok := s.Around(topic("n0"), hops, limit, func(n lineage.Node) bool { return keeps[n] })
			if ok != (limit == len(at)) {
				t.Fatalf("seed %d: whole is %t of %d nodes, within %d", seed, ok, len(at), limit)
			}
			if !ok {
				continue
			}
			got, distance := map[lineage.Flow]bool{}, 0
			for _, f := range is.Flows {
				got[lineage.Flow{From: is.Nodes[f[0]], To: is.Nodes[f[1]]}] = true
			}
			for i, n := range is.Nodes {
				d, there := at[n]
				if !there || d < distance || slices.Contains(is.Nodes[:i], n) {
					t.Fatalf("seed %d: %v is wrong, or twice, or too late, in %v", seed, n, is.Nodes)
				}
				distance = d
			}
			if len(is.Nodes) != len(at) || len(got) != len(flows) || len(is.Passed) != len(passed) {
				t.Fatalf("seed %d: %d nodes, %d flows and %d passed, not %d, %d and %d", seed, len(is.Nodes), len(got), len(is.Passed), len(at), len(flows), len(passed))
			}
			for f := range got {
				if !flows[f] {
					t.Fatalf("seed %d: there is no %v", seed, f)
				}
			}
			for _, n := range is.Passed {
				if !passed[n] {
					t.Fatalf("seed %d: %v was not passed", seed, n)
				}
			}
		}
	}
}
