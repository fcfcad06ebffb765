package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostDepth = 15   // hops
	mostNodes = 1000 // of one graph
	mostRoots = 50
	// mostGaps bounds gaps(first:).
	mostGaps = 1000
)

// Lineage is the schema's type of that name.
type Lineage struct {
	rows  *rows
	walk  *answer.Walk
	flows []lineage.Flow
	// stacked are the rows of stacks and their flows; nil: there are none.
	stacked *rows
	stacks  []answer.Stack
	// Unobserved are the ids of roots of which it is not known whether they were there.
	Unobserved []string
}

func newLineage(v *answer.View, w *answer.Walk) *Lineage {
	l := &Lineage{walk: w, flows: w.Flows()}
	l.rows = newRows(v, w.Nodes, l.flows)
	return l
}

// Nodes answers nodes.
func (l *Lineage) Nodes() []Node {
	out := make([]Node, len(l.walk.Nodes))
	for i, n := range l.walk.Nodes {
		out[i] = l.shownBy(n).nodes[n]
	}
	return out
}

// Flows answers flows.
func (l *Lineage) Flows() []*Flow {
	out := make([]*Flow, len(l.flows))
	for i, f := range l.flows {
		by := l.shownBy(f.From)
		if by == l.rows {
			by = l.shownBy(f.To)
		}
		out[i] = by.shownFlow(f)
	}
	return out
}

// Window answers window.
func (l *Lineage) Window() *ResolvedWindow { return shownWindow(l.rows.v.Window()) }

// Version answers version.
func (l *Lineage) Version() string { return l.rows.v.Version() }

// Coverage answers coverage.
func (l *Lineage) Coverage(context.Context) (*Coverage, error) {
	c := coverageOf(l.rows.v, l.walk.Scope...)
	if len(l.Unobserved) > 0 { // they may be where nobody watches
		c.cov.Complete = false
	}
	return c, nil
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
func (l *Lineage) Positions(ctx context.Context) ([]Position, error) {
	at, err := layout.Layout(ctx, l.walk.Nodes, l.flows)
	if err != nil {
		return nil, err
	}
	out := make([]Position, len(at))
	for i, p := range at {
		out[i] = Position{Node: p.Node.ID(), Layer: p.Layer, X: p.X, Y: p.Y}
	}
	return out, nil
}

// lineageArgs are the arguments of the root field lineage.
type lineageArgs struct {
	roots           []string
	direction       graph.Direction
	depth           int
	window          WindowInput
	evidence        []lineage.EvidenceKind
	includeInactive bool
	includeInternal bool
	limit           int
	foldArgs
}

func (a *resolver) lineage(ctx context.Context, args lineageArgs) (*Lineage, error) {
	roots, err := parseRoots("lineage", args.roots)
	if err != nil {
		return nil, err
	}
	if args.depth < 0 || args.depth > mostDepth {
		return nil, badInput("lineage: depth must be 0 to %d", mostDepth)
	}
	if err := checkLimit(args.limit); err != nil {
		return nil, err
	}
	by, expand, err := args.read()
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	known, unobserved, err := rootsIn(v, roots)
	if err != nil {
		return nil, err
	}
	q := graph.Query{Roots: known, Direction: args.direction, Depth: args.depth}
	only := answer.Filter{Evidence: args.evidence, IncludeInactive: args.includeInactive, IncludeInternal: args.includeInternal}
	w, err := v.Fold(ctx, func(limit int, expand ...graph.Expand) *answer.Walk {
		q.Limit, q.Expand = limit, expand
		return v.Walk(q, only)
	}, known, by, args.limit, expand)
	if err != nil {
		return nil, err
	}
	if len(unobserved) > 0 {
		w.Scope = nil // the coverage says why they are missing
	}
	l := newFolded(v, w)
	l.Unobserved = idsOf(unobserved)
	return l, nil
}

// parseRoots returns the nodes that the root field of a name is asked to begin with.
func parseRoots(field string, ids []string) ([]lineage.Node, error) {
	switch {
	case len(ids) == 0:
		return nil, badInput("%s: roots is empty", field)
	case len(ids) > mostRoots:
		return nil, badInput("%s: at most %d roots", field, mostRoots)
	}
	roots := make([]lineage.Node, len(ids))
	for i, id := range ids {
		var err error
		if roots[i], err = parseNode(id); err != nil {
			return nil, err
		}
	}
	return roots, nil
}

// rootsIn returns which of some roots the view has, one at least, and of which it is not known whether they were there:
// of some of them the answer is half of one, and says so.
func rootsIn(v *answer.View, roots []lineage.Node) (known, unobserved []lineage.Node, err error) {
	for _, n := range roots {
		switch {
		case v.Has(n):
			known = append(known, n)
		case v.Unobserved(n):
			unobserved = append(unobserved, n)
		default:
			return nil, nil, v.NoNode(n)
		}
	}
	if len(known) == 0 {
		return nil, nil, v.NoNode(unobserved[0])
	}
	return known, unobserved, nil
}

func idsOf(nodes []lineage.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID()
	}
	return out
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

// overviewArgs are the arguments of the root field flows.
type overviewArgs struct {
	cluster *string
	window  WindowInput
	by      answer.GroupBy
	only    answer.Filter
	limit   int
	foldArgs
}

// overview answers the root field flows.
func (a *resolver) overview(ctx context.Context, args overviewArgs) (*Lineage, error) {
	if err := checkLimit(args.limit); err != nil {
		return nil, err
	}
	by, expand, err := args.read()
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	var of *answer.Cluster
	if args.cluster != nil {
		if of, err = v.FindCluster(*args.cluster); err != nil {
			return nil, err
		}
	}
	if args.by != answer.GroupByNone {
		return args.grouped(ctx, v, of, by.Over != 0 || len(expand) > 0)
	}
	walk := v.Everything(of, args.only)
	if args.only.IncludeInactive {
		if walk, err = v.EverythingWithSilent(ctx, of, args.only); err != nil {
			return nil, err
		}
	}
	w, err := v.Fold(ctx, walk, nil, by, args.limit, expand)
	if err != nil {
		return nil, err
	}
	return newFolded(v, w), nil
}

// grouped answers flows between groups.
func (args *overviewArgs) grouped(ctx context.Context, v *answer.View, of *answer.Cluster, folded bool) (*Lineage, error) {
	switch {
	case args.only.IncludeInactive:
		return nil, badInput("flows: includeInactive is not answered of groups")
	case folded:
		return nil, badInput("flows: fold and expand are not answered of groups")
	}
	g, w, err := v.Grouped(ctx, args.by, of, args.only, args.limit)
	if err != nil {
		return nil, err
	}
	return newLineage(g, w), nil
}

// node answers the root field of that name.
func (a *resolver) node(ctx context.Context, id string, window *WindowInput) (Node, error) {
	n, err := parseNode(id)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	if !v.Has(n) {
		return nil, v.NoNode(n)
	}
	return newRows(v, []lineage.Node{n}, nil).nodes[n], nil
}

// flow answers the root field of that name.
func (a *resolver) flow(ctx context.Context, id string, window WindowInput) (*Flow, error) {
	f, err := lineage.ParseFlowID(id)
	if err != nil {
		return nil, badInput("%s is no flow id; ids are FROM->TO, two node ids", quote(id))
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	if !v.HasFlow(f) {
		return nil, v.NoFlow(f)
	}
	return newRows(v, nil, []lineage.Flow{f}).shownFlow(f), nil
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

// Permitted answers permitted.
func (u *TopicUsage) Permitted() []Permission {
	all, ok := u.rows.v.Permitted(u.topic)
	if !ok {
		return nil
	}
	out := make([]Permission, len(all))
	for i, p := range all {
		out[i] = Permission{Principal: p.Principal, Host: p.Host, Operation: p.Operation, Pattern: p.Pattern(), Allowed: p.Allowed, UsedInWindow: p.Used}
		if p.Open {
			out[i].Pattern = "no authorizer"
		}
	}
	return out
}

// Coverage answers coverage.
func (u *TopicUsage) Coverage(context.Context) (*Coverage, error) {
	return coverageOf(u.rows.v, u.rows.v.ClustersOf(u.topic)...), nil
}

// topicView returns a topic and the view of a window that has it.
func (a *resolver) topicView(ctx context.Context, id string, window WindowInput) (n lineage.Node, v *answer.View, err error) {
	if n, err = parseNode(id); err != nil {
		return n, nil, err
	}
	if n.Kind != lineage.TopicNode {
		return n, nil, badInput("%s is not a topic", quote(id))
	}
	if v, err = a.view(ctx, &window); err != nil {
		return n, nil, err
	}
	if !v.Has(n) {
		return n, nil, v.NoNode(n)
	}
	return n, v, nil
}

// topicUsage answers the root field of that name: who wrote and who read, and for whom that is not known.
func (a *resolver) topicUsage(ctx context.Context, id string, window WindowInput) (*TopicUsage, error) {
	n, v, err := a.topicView(ctx, id, window)
	if err != nil {
		return nil, err
	}
	u := &TopicUsage{topic: n}
	u.writers, u.readers = v.Usage(n)
	u.rows = newRows(v, []lineage.Node{n}, append(append([]lineage.Flow{}, u.writers...), u.readers...))
	return u, nil
}

// Coverage is the schema's type of that name.
type Coverage struct {
	v    *answer.View
	cov  lineage.Coverage
	said []answer.SaidGap // of a time of which the store does not speak
	// unlisted is how many more gaps there are.
	unlisted int
}

// coverageOf says what was observed of some clusters in a view's window; none: of all.
func coverageOf(v *answer.View, clusters ...lineage.ClusterID) *Coverage {
	return &Coverage{v: v, cov: v.Coverage(clusters...)}
}

// coverage answers the root field of that name.
func (a *resolver) coverage(ctx context.Context, window WindowInput) (*Coverage, error) {
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	return coverageOf(v), nil
}

// Window answers window.
func (c *Coverage) Window() *ResolvedWindow { return shownWindow(c.v.Window()) }

// HeldSince answers heldSince.
func (c *Coverage) HeldSince() *time.Time { return timeOrNil(c.v.HeldSince()) }

// Complete answers complete.
func (c *Coverage) Complete() bool { return c.cov.Complete }

// ObservedFraction answers observedFraction.
func (c *Coverage) ObservedFraction() float64 { return c.cov.ObservedFraction }

// GapCount answers gapCount.
func (c *Coverage) GapCount() int { return len(c.said) + c.unlisted + len(c.cov.Gaps) }

// Gaps answers gaps.
func (c *Coverage) Gaps(first int) ([]Gap, error) {
	if first < 0 || first > mostGaps {
		return nil, badInput("gaps: first must be 0 to %d", mostGaps)
	}
	out := saidGaps(c.said)
	for _, g := range c.cov.Gaps[:min(first, len(c.cov.Gaps))] {
		out = append(out, Gap{Source: c.v.SourceName(g.Source), Start: g.Window.Start, End: g.Window.End, Reason: g.Reason})
	}
	return out[:min(first, len(out))], nil
}

// mostSourcesNamed bounds the sources that a stretch names.
const mostSourcesNamed = 50

// StretchCount answers stretchCount.
func (c *Coverage) StretchCount(ctx context.Context) (int, error) {
	all, err := c.v.Stretches(ctx, c.cov)
	return len(saidStretches(saidGaps(c.said))) + len(all), err
}

// Stretches answers stretches.
func (c *Coverage) Stretches(ctx context.Context, first int) ([]GapStretch, error) {
	if first < 0 || first > mostGaps {
		return nil, badInput("stretches: first must be 0 to %d", mostGaps)
	}
	all, err := c.v.Stretches(ctx, c.cov)
	if err != nil {
		return nil, err
	}
	out := saidStretches(saidGaps(c.said))
	for _, s := range all[:min(first, len(all))] {
		x := GapStretch{Start: s.Window.Start, End: s.Window.End, Kind: s.Kind, Reason: s.Reason, SourceCount: len(s.Sources)}
		for _, name := range s.Sources[:min(mostSourcesNamed, len(s.Sources))] {
			x.Sources = append(x.Sources, c.v.SourceName(name))
		}
		out = append(out, x)
	}
	return out[:min(first, len(out))], nil
}

// BlindSpots answers blindSpots.
func (c *Coverage) BlindSpots() []BlindSpot {
	out := make([]BlindSpot, 0, len(c.cov.BlindSpots))
	for _, b := range c.cov.BlindSpots {
		out = append(out, BlindSpot{Source: b.Source, What: b.What, Remedy: b.Remedy})
	}
	return out
}
