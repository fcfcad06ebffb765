package api

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// answerer answers questions from the history. The resolvers hand everything to it.
type answerer struct {
	history  History
	identity func() Identity
	config   []ClusterConfig
	connects []ConnectConfig
	log      *slog.Logger

	views    viewCache
	resolved sync.Map // lineage.SubjectID → resolution

	resolutions atomic.Int64 // stored since resolved was last cleared
}

// view returns what the history says of a window. Those who ask for one window at once share one build.
func (a *answerer) view(ctx context.Context, in WindowInput) (*view, error) {
	r := requestOf(ctx)
	win, err := a.window(in, r)
	if err != nil {
		return nil, err
	}
	who := a.identity()
	place := r.place(win, func() *cachedView { return a.views.at(win, roundsKey(a.history.Latest()), who) })
	return place.get(ctx, func(ctx context.Context) (*view, error) {
		v, err := a.buildView(ctx, win, who)
		if err == nil {
			place.size.Store(int64(len(v.accesses)))
		}
		return v, err
	})
}

// viewOrNewest returns the view of a window, and that of questions that name none.
func (a *answerer) viewOrNewest(ctx context.Context, in *WindowInput) (*view, error) {
	if in == nil {
		last := defaultLast
		in = &WindowInput{Last: &last}
	}
	return a.view(ctx, *in)
}

// rows are the nodes and flows of one answer. What one of them needs of the history is loaded for all of them in one call, when the first asks:
// so the number of calls does not grow with the number of rows.
type rows struct {
	v     *view
	nodes map[lineage.Node]Node
	order []lineage.Node // of nodes: by when they were added, so that batches are the same each time
	flows []lineage.Flow

	evidence once[map[lineage.Flow][]Evidence]
	lastSeen once[map[lineage.Node]spanSeen]
	clients  once[map[lineage.SubjectID]spanSeen]
	moves    once[map[lineage.SubjectID]time.Time]

	mu     sync.Mutex
	series map[seriesKey]*once[seriesOf] // guarded by mu
}

// newRows makes the rows of an answer. The ends of flows, and the topics of unidentified writers, are rows too: an answer can ask for them.
func newRows(v *view, nodes []lineage.Node, flows []lineage.Flow) *rows {
	r := &rows{v: v, nodes: make(map[lineage.Node]Node, len(nodes)), flows: flows, series: map[seriesKey]*once[seriesOf]{}}
	for _, n := range nodes {
		r.add(n)
	}
	for _, f := range flows {
		r.add(f.From)
		r.add(f.To)
	}
	return r
}

func (r *rows) add(n lineage.Node) {
	if r.nodes[n] != nil {
		return
	}
	base := nodeRow{rows: r, node: n, id: n.ID()}
	switch n.Kind {
	case lineage.TopicNode:
		r.nodes[n] = &Topic{base}
	case lineage.UnidentifiedNode:
		r.nodes[n] = &Unidentified{base}
		r.add(topicOf(n))
	case lineage.ConnectorNode:
		r.nodes[n] = &Connector{base}
	case lineage.ReplicatorNode:
		r.nodes[n] = &Replicator{base}
	case lineage.StreamJobNode:
		r.nodes[n] = &StreamJob{base}
		for _, t := range r.v.innerTopics(n) {
			r.add(t)
		}
	case lineage.DatasetNode:
		r.nodes[n] = &Dataset{base}
	default:
		r.nodes[n] = &Application{base}
	}
	r.order = append(r.order, n)
}

// topicOf returns the topic of an UNIDENTIFIED node.
func topicOf(n lineage.Node) lineage.Node {
	return lineage.Node{Scope: n.Scope, Kind: lineage.TopicNode, Name: n.Name}
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
		out[i] = &Flow{rows: r, flow: f}
	}
	return out
}
