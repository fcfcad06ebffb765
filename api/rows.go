package api

import (
	"sync"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// rows are the nodes and flows of one answer, as the schema shows them.
type rows struct {
	*answer.Rows
	v     *answer.View
	nodes map[lineage.Node]Node

	mu      sync.Mutex           // guards covered
	covered map[string]*Coverage // by the clusters
}

// newRows makes the rows of an answer. The ends of flows, and the topics of unidentified writers, are rows too: an
// answer can ask for them.
func newRows(v *answer.View, nodes []lineage.Node, flows []lineage.Flow) *rows {
	r := &rows{Rows: v.Rows(nodes, flows), v: v, covered: map[string]*Coverage{}}
	all := r.Nodes()
	r.nodes = make(map[lineage.Node]Node, len(all))
	for _, n := range all {
		r.nodes[n] = r.shownNode(n)
	}
	return r
}

func (r *rows) shownNode(n lineage.Node) Node {
	base := nodeRow{rows: r, is: r.Node(n), node: n, id: n.ID()}
	switch n.Kind {
	case lineage.TopicNode:
		return &Topic{base}
	case lineage.UnidentifiedNode:
		return &Unidentified{base}
	case lineage.ConnectorNode:
		return &Connector{base}
	case lineage.ReplicatorNode:
		return &Replicator{base}
	case lineage.StreamJobNode:
		return &StreamJob{base}
	case lineage.JobNode:
		return &Job{base}
	case lineage.DatasetNode:
		return &Dataset{base}
	case lineage.GroupNode:
		return &Group{base}
	default:
		return &Application{base}
	}
}

// list returns the rows' nodes in the order given.
func (r *rows) list(nodes []lineage.Node) []Node {
	out := make([]Node, len(nodes))
	for i, n := range nodes {
		out[i] = r.nodes[n]
	}
	return out
}

// listFlows returns the rows' flows in the order given.
func (r *rows) listFlows(flows []lineage.Flow) []*Flow {
	out := make([]*Flow, len(flows))
	for i, f := range flows {
		out[i] = r.shownFlow(f)
	}
	return out
}

func (r *rows) shownFlow(f lineage.Flow) *Flow {
	return &Flow{rows: r, is: r.Flow(f), flow: f, from: r.nodes[f.From], to: r.nodes[f.To]}
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listed makes an empty list of none: null would say that it is not known.
func listed(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
