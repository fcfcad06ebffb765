package marquez

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	usualDepth = 20   // Marquez's
	mostDepth  = 100  // jobs from a root to another
	mostNodes  = 2000 // of one answer: each comes with all that is known of it
)

type edge struct {
	Origin      string `json:"origin"`
	Destination string `json:"destination"`
}

func (a *API) lineage(q *question) (any, error) {
	depth, err := q.number("depth", usualDepth, 0, mostDepth)
	if err != nil {
		return nil, err
	}
	id := q.URL.Query().Get("nodeId")
	if id == "" {
		return nil, bad("nodeId: is missing; it is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME")
	}
	root, err := q.estate.find(id)
	if err != nil {
		return nil, err
	}
	found, err := q.around(root, depth)
	if err != nil {
		return nil, err
	}
	return q.drawn(found)
}

// around is what was found around a root. flows are of nodes by their places; one may come more than once.
type around struct {
	nodes []lineage.Node
	flows [][2]int
}

// seven are the flows of the lookback, those that are silent now among them.
var seven = answer.Filter{IncludeInactive: true}

// around walks in no direction, as Marquez does: to the jobs that share a dataset with a job that was found, so many
// times, and to all datasets of those.
func (q *question) around(root lineage.Node, depth int) (*around, error) {
	hops := 2*depth + 1
	if isDataset(root) {
		hops++
	}
	is, whole := q.view.Around(root, hops, mostNodes, seven, q.estate.has)
	if !whole {
		return q.nearest(root, hops)
	}
	for _, n := range is.Passed {
		q.take(q.view.ClustersOf(n))
	}
	return &around{is.Nodes, is.Flows}, nil
}

// nearest is around where there is more than is told: of the farthest those that are the most important.
func (q *question) nearest(root lineage.Node, hops int) (*around, error) {
	out, at := &around{nodes: []lineage.Node{root}}, map[lineage.Node]int{root: 0}
	for from := 0; hops > 0 && from < len(out.nodes); hops-- {
		if err := q.Context().Err(); err != nil {
			return nil, err
		}
		fringe := slices.Clip(out.nodes[from:])
		walk := q.view.Walk(graph.Query{Roots: fringe, Direction: graph.Both, Depth: 1, Limit: len(fringe) + mostNodes}, seven)
		q.cut = q.cut || walk.Truncated
		q.take(walk.Scope)
		from = len(out.nodes)
		for _, n := range walk.Nodes {
			if _, seen := at[n]; seen || !q.estate.has(n) {
				continue
			}
			if len(out.nodes) == mostNodes {
				q.cut = true
				break
			}
			at[n] = len(out.nodes)
			out.nodes = append(out.nodes, n)
		}
		for i := range walk.Edges {
			f := &walk.Edges[i].Flow
			a, known := at[f.From]
			if b, also := at[f.To]; known && also {
				out.flows = append(out.flows, [2]int{a, b})
			}
		}
	}
	return out, nil
}

func sorted(all []edge) []edge {
	out := append([]edge{}, all...)
	slices.SortFunc(out, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Destination, b.Destination))
	})
	return slices.Compact(out)
}
