package graph

import "github.com/lineaged/lineaged/lineage"

// Around is what lies around a node, whichever way flows go.
type Around struct {
	Nodes []lineage.Node // the root first, then by distance
	// Flows are from and to a node by its place. One may be there more than once, and between nodes at the farthest
	// distance none is.
	Flows [][2]int
	// Passed are next to these, and were not let in: nothing was found through them.
	Passed []lineage.Node
}

// Around walks from a node along flows and against them, so many hops, by all nodes that keep lets in. ok is false
// where there are more than limit of them: which are the most important Walk tells.
func (s *Snapshot) Around(root lineage.Node, hops, limit int, keep func(lineage.Node) bool) (out Around, ok bool) {
	const passed = -1
	out.Nodes = append(out.Nodes, root)
	first, found := s.vertex(root)
	if !found {
		return out, true
	}
	queue := []uint32{first}
	place := make([]int32, len(s.numbers)) // of a node plus one, at its first vertex; 0: not met
	place[first] = 1
	meet := func(m uint32) int32 {
		m = s.first(m)
		if place[m] == 0 {
			n := s.node(m)
			if !keep(n) {
				place[m] = passed
				out.Passed = append(out.Passed, n)
				return passed
			}
			out.Nodes, queue = append(out.Nodes, n), append(queue, m)
			place[m] = int32(len(queue))
		}
		return place[m]
	}
	for i, end := 0, 1; hops > 0 && i < len(queue); hops-- {
		for ; i < end; i++ {
			for v := queue[i]; v < s.end(queue[i]); v++ {
				for _, m := range s.outTo[s.outOff[v]:s.outOff[v+1]] {
					if at := meet(m); at > int32(i) { // those before it have told of theirs
						out.Flows = append(out.Flows, [2]int{i, int(at) - 1})
					}
				}
				for _, m := range s.inFrom[s.inOff[v]:s.inOff[v+1]] {
					if at := meet(m); at > int32(i)+1 {
						out.Flows = append(out.Flows, [2]int{int(at) - 1, i})
					}
				}
			}
			if len(queue) > limit {
				return Around{}, false
			}
		}
		end = len(queue)
	}
	return out, true
}
