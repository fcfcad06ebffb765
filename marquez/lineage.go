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

type vertex struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Data     any    `json:"data"`
	InEdges  []edge `json:"inEdges"`
	OutEdges []edge `json:"outEdges"`
}

type edge struct {
	Origin      string `json:"origin"`
	Destination string `json:"destination"`
}

// runsNow is a job as lineage has it.
type runsNow struct {
	worker
	CurrentRunUUID *string `json:"currentRunUuid"`
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
	return found.drawn(q)
}

// around walks in no direction, as Marquez does: to the jobs that share a dataset with a job that was found, so many
// times, and to all datasets of those.
type around struct {
	nodes []lineage.Node
	flows []lineage.Flow
}

func (q *question) around(root lineage.Node, depth int) (*around, error) {
	hops := 2*depth + 1
	if isDataset(root) {
		hops++
	}
	out, seen, flows := &around{nodes: []lineage.Node{root}}, map[lineage.Node]bool{root: true}, map[lineage.Flow]bool{}
	fringe := out.nodes
	for ; hops > 0 && len(fringe) > 0; hops-- {
		if err := q.Context().Err(); err != nil {
			return nil, err
		}
		walk := q.view.Walk(graph.Query{Roots: fringe, Direction: graph.Both, Depth: 1, Limit: len(fringe) + mostNodes}, answer.Filter{IncludeInactive: true})
		q.cut = q.cut || walk.Truncated
		for _, id := range walk.Scope {
			if !slices.Contains(q.scope, id) {
				q.scope = append(q.scope, id)
			}
		}
		var next []lineage.Node
		for _, n := range walk.Nodes {
			if _, is := q.estate.idOf(n); !is || seen[n] {
				continue
			}
			if len(out.nodes) == mostNodes {
				q.cut = true
				break
			}
			seen[n] = true
			out.nodes, next = append(out.nodes, n), append(next, n)
		}
		for _, f := range walk.Flows() {
			if seen[f.From] && seen[f.To] && !flows[f] {
				flows[f] = true
				out.flows = append(out.flows, f)
			}
		}
		fringe = next
	}
	return out, nil
}

// drawn writes the graph, by id.
func (x *around) drawn(q *question) (any, error) {
	rows, u := q.view.Rows(x.nodes, nil), uses{map[lineage.Node][]name{}, map[lineage.Node][]name{}}
	in, out := map[lineage.Node][]edge{}, map[lineage.Node][]edge{}
	for _, f := range x.flows {
		u.take(q.estate, f)
		from, _ := q.estate.idOf(f.From)
		to, _ := q.estate.idOf(f.To)
		e := edge{from, to}
		in[f.To], out[f.From] = append(in[f.To], e), append(out[f.From], e)
	}
	all := []vertex{}
	for _, n := range x.nodes {
		id, _ := q.estate.idOf(n)
		v := vertex{ID: id, Type: "DATASET", InEdges: sorted(in[n]), OutEdges: sorted(out[n])}
		if isDataset(n) {
			d, err := q.known(rows, n)
			if err != nil {
				return nil, err
			}
			v.Data = d
		} else {
			w, runs, err := q.worker(rows, u, n)
			if err != nil {
				return nil, err
			}
			j := runsNow{worker: w}
			if len(runs) > 0 {
				j.CurrentRunUUID = new(runs[0].ID)
			}
			v.Type, v.Data = "JOB", j
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b vertex) int { return cmp.Compare(a.ID, b.ID) })
	return struct {
		Graph []vertex `json:"graph"`
	}{all}, nil
}

func sorted(all []edge) []edge {
	out := append([]edge{}, all...)
	slices.SortFunc(out, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Destination, b.Destination))
	})
	return slices.Compact(out)
}
