package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostDepth = 15   // hops
	mostNodes = 1000 // of one graph
	mostRoots = 50
)

// Lineage is the schema's type of that name.
type Lineage struct {
	rows  *rows
	walk  graph.Walk
	flows []lineage.Flow
	// scope names the clusters of the answer; empty: all.
	scope []lineage.ClusterID
}

// Nodes answers nodes.
func (l *Lineage) Nodes() []Node { return l.rows.list(l.walk.Nodes) }

// Flows answers flows.
func (l *Lineage) Flows() []*Flow { return l.rows.listFlows(l.flows) }

// Window answers window.
func (l *Lineage) Window() *ResolvedWindow { return shownWindow(l.rows.v.win) }

// Coverage answers coverage.
func (l *Lineage) Coverage(ctx context.Context) (*Coverage, error) {
	return l.rows.v.coverage(ctx, l.scope...)
}

// Truncated answers truncated.
func (l *Lineage) Truncated() bool { return l.walk.Truncated }

// TotalNodes answers totalNodes.
func (l *Lineage) TotalNodes() int { return l.walk.TotalNodes }

// Hidden answers hidden.
func (l *Lineage) Hidden() []HiddenNeighbours {
	out := make([]HiddenNeighbours, len(l.walk.Hidden))
	for i, h := range l.walk.Hidden {
		out[i] = HiddenNeighbours{Node: h.Node.ID(), Upstream: h.Upstream, Downstream: h.Downstream}
	}
	return out
}

// Positions answers positions.
func (l *Lineage) Positions() []Position {
	at := layout.Layout(l.walk.Nodes, l.flows)
	out := make([]Position, len(at))
	for i, p := range at {
		out[i] = Position{Node: p.Node.ID(), Layer: p.Layer, X: p.X, Y: p.Y}
	}
	return out
}

func newLineage(v *view, w graph.Walk, scope []lineage.ClusterID) *Lineage {
	l := &Lineage{walk: w, flows: make([]lineage.Flow, len(w.Edges)), scope: scope}
	for i, e := range w.Edges {
		l.flows[i] = e.Flow
	}
	l.rows = newRows(v, w.Nodes, l.flows)
	return l
}

// lineageArgs are the arguments of the root field lineage.
type lineageArgs struct {
	roots           []string
	direction       Direction
	depth           int
	window          WindowInput
	evidence        []lineage.EvidenceKind
	includeInactive bool
	includeInternal bool
	limit           int
}

func (a *answerer) lineage(ctx context.Context, args lineageArgs) (*Lineage, error) {
	switch {
	case len(args.roots) == 0:
		return nil, badInput("lineage: roots is empty")
	case len(args.roots) > mostRoots:
		return nil, badInput("lineage: at most %d roots", mostRoots)
	case args.depth < 0 || args.depth > mostDepth:
		return nil, badInput("lineage: depth must be 0 to %d", mostDepth)
	}
	if err := checkLimit(args.limit); err != nil {
		return nil, err
	}
	roots := make([]lineage.Node, len(args.roots))
	for i, id := range args.roots {
		var err error
		if roots[i], err = parseNode(id); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, args.window)
	if err != nil {
		return nil, err
	}
	for _, n := range roots {
		if !v.has(n) {
			return nil, noNode(n)
		}
	}
	key := filterKey{inactive: args.includeInactive, internal: args.includeInternal}
	for _, k := range args.evidence {
		key.evidence |= 1 << k
	}
	direction := map[Direction]graph.Direction{DirectionUpstream: graph.Upstream, DirectionDownstream: graph.Downstream, DirectionBoth: graph.Both}
	w := v.graphWith(key, roots).Walk(graph.Query{Roots: roots, Direction: direction[args.direction], Depth: args.depth, Limit: args.limit})
	var scope []lineage.ClusterID
	for _, n := range w.Nodes {
		for _, id := range v.clustersOf(n) {
			if !slices.Contains(scope, id) {
				scope = append(scope, id)
			}
		}
	}
	return newLineage(v, w, scope), nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > mostNodes {
		return badInput("limit must be 1 to %d", mostNodes)
	}
	return nil
}

func parseNode(id string) (lineage.Node, error) {
	n, err := lineage.ParseNodeID(id)
	if err != nil {
		return n, badInput("%s is no node id; ids are kind:scope/name, e.g. topic:west/orders", quote(id))
	}
	return n, nil
}

func noNode(n lineage.Node) error { return notFound("no node %s", n.ID()) }

// overview answers the root field flows.
func (a *answerer) overview(ctx context.Context, clusterID *string, window WindowInput, includeInternal bool, limit int) (*Lineage, error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	key := filterKey{active: true, inactive: true, internal: includeInternal}
	var scope []lineage.ClusterID
	if clusterID != nil {
		c, err := v.clusters.find(*clusterID)
		if err != nil {
			return nil, err
		}
		if c.known.ID == "" { // never reached: nothing can have moved
			w := lineage.Window{Start: v.win.Start, End: v.win.End}
			return newLineage(v, graph.Build(w, nil).All(limit), nil), nil
		}
		key.clusterTag, scope = c.known.ID, []lineage.ClusterID{c.known.ID}
	}
	return newLineage(v, v.graph(key).All(limit), scope), nil
}

// node answers the root field of that name.
func (a *answerer) node(ctx context.Context, id string, window *WindowInput) (Node, error) {
	n, err := parseNode(id)
	if err != nil {
		return nil, err
	}
	v, err := a.viewOrNewest(ctx, window)
	if err != nil {
		return nil, err
	}
	if !v.has(n) {
		return nil, noNode(n)
	}
	return newRows(v, []lineage.Node{n}, nil).nodes[n], nil
}

// flow answers the root field of that name.
func (a *answerer) flow(ctx context.Context, id string, window WindowInput) (*Flow, error) {
	f, err := lineage.ParseFlowID(id)
	if err != nil {
		return nil, badInput("%s is no flow id; ids are FROM->TO, two node ids", quote(id))
	}
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	if v.flows[f] == nil {
		return nil, notFound("no flow %s in this window or the seven days before its end", f.ID())
	}
	return newRows(v, nil, []lineage.Flow{f}).listFlows([]lineage.Flow{f})[0], nil
}

// TopicUsage is the schema's type of that name.
type TopicUsage struct {
	rows             *rows
	topic            lineage.Node
	writers, readers []lineage.Flow
}

// Topic answers topic.
func (u *TopicUsage) Topic() Node { return u.rows.nodes[u.topic] }

// Writers answers writers.
func (u *TopicUsage) Writers() []*Flow { return u.rows.listFlows(u.writers) }

// Readers answers readers.
func (u *TopicUsage) Readers() []*Flow { return u.rows.listFlows(u.readers) }

// Coverage answers coverage.
func (u *TopicUsage) Coverage(ctx context.Context) (*Coverage, error) {
	return u.rows.v.coverage(ctx, u.rows.v.clustersOf(u.topic)...)
}

// topicUsage answers the root field of that name: who wrote and who read, and for whom that is not known.
func (a *answerer) topicUsage(ctx context.Context, id string, window WindowInput) (*TopicUsage, error) {
	n, err := parseNode(id)
	if err != nil {
		return nil, err
	}
	if n.Kind != lineage.TopicNode {
		return nil, badInput("%s is not a topic", quote(id))
	}
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	t := v.topics[n]
	if t == nil {
		return nil, noNode(n)
	}
	u := &TopicUsage{topic: n, writers: v.used(t.writes), readers: v.used(t.reads)}
	u.rows = newRows(v, []lineage.Node{n}, slices.Concat(u.writers, u.readers))
	return u, nil
}

// used returns the flows of accesses that moved in the window, or may have, or that something else than movement shows in it, as a committed position: those that moved first, the busiest of them first, then
// those that may have.
func (v *view) used(accesses []int32) []lineage.Flow {
	type usage struct {
		state  graph.State
		weight float64
	}
	of := map[lineage.Flow]*usage{}
	var out []lineage.Flow
	for _, i := range accesses {
		x := &v.accesses[i]
		if x.state == graph.Inactive && !x.inWindow && !x.committed() {
			continue
		}
		f := x.flow()
		if of[f] == nil {
			of[f] = &usage{state: graph.Inactive}
			out = append(out, f)
		}
		u := of[f]
		u.weight += x.amount.Total
		if order[x.state] < order[u.state] {
			u.state = x.state
		}
	}
	slices.SortFunc(out, func(a, b lineage.Flow) int {
		return cmp.Or(cmp.Compare(order[of[a].state], order[of[b].state]), -cmp.Compare(of[a].weight, of[b].weight), strings.Compare(a.ID(), b.ID()))
	})
	return out
}

// order is how usage is listed: what moved first.
var order = map[graph.State]int{graph.Active: 0, graph.Unknown: 1, graph.Inactive: 2}

// committed reports whether a position of the reader is known, which stands while its group does.
func (x *access) committed() bool {
	return x.Access.Op == lineage.Read && (x.counter.Metric != lineage.NoMetric || x.gauges[lineage.Lag])
}
