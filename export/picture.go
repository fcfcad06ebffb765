package export

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/internal/span"
	"github.com/lineaged/lineaged/lineage"
)

// picture is what a document of a lineage says. Its JSON is docs/format/export.md.
type picture struct {
	Format   string   `json:"format"`
	Version  int      `json:"version"`
	Scope    scope    `json:"scope"`
	Window   window   `json:"window"`
	Coverage coverage `json:"coverage"`
	Cut      cut      `json:"cut"`
	Nodes    []*node  `json:"nodes"`
	Flows    []*flow  `json:"flows"`
}

const (
	formatLineage, formatUsage, formatImpact = "lineaged-lineage", "lineaged-usage", "lineaged-impact"
	formatVersion                            = 1
)

// scope is what was asked for.
type scope struct {
	Roots           []string `json:"roots"` // none: everything that moved
	Direction       string   `json:"direction,omitempty"`
	Depth           int      `json:"depth,omitempty"`
	Evidence        []string `json:"evidence,omitempty"` // none: all
	IncludeInactive bool     `json:"includeInactive"`
	IncludeInternal bool     `json:"includeInternal"`
	Limit           int      `json:"limit"`
}

// window is the window as answered.
type window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Step  string    `json:"step"`
}

type coverage struct {
	Complete         bool        `json:"complete"`
	ObservedFraction float64     `json:"observedFraction"`
	GapCount         int         `json:"gapCount"`
	Gaps             []gap       `json:"gaps"` // the first mostGaps
	BlindSpots       []blindSpot `json:"blindSpots"`
}

type gap struct {
	Source string    `json:"source"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

type blindSpot struct {
	Source string `json:"source"`
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// cut is what is not shown.
type cut struct {
	Truncated  bool     `json:"truncated"`
	TotalNodes int      `json:"totalNodes"`
	Hidden     []hidden `json:"hidden"`
	// Unobserved are roots of which it is not known whether they were there.
	Unobserved []string `json:"unobserved"`
}

type hidden struct {
	Node       string `json:"node"`
	Upstream   int    `json:"upstream"`
	Downstream int    `json:"downstream"`
}

// figure is a rate that may be a bound, or not known.
type figure struct {
	PerSecond *float64 `json:"perSecond"`
	Counted   string   `json:"counted"`
	Why       string   `json:"why,omitempty"`
}

func (f figure) text() string {
	if f.PerSecond == nil {
		return f.Counted
	}
	return sign(f.Counted) + rate(*f.PerSecond)
}

type node struct {
	is                     lineage.Node
	at                     layout.Position
	up, down               int // neighbours that are hidden
	root                   bool
	ID                     string   `json:"id"`
	Kind                   string   `json:"kind"`
	Name                   string   `json:"name"`
	Cluster                string   `json:"cluster,omitempty"`
	Owner                  string   `json:"owner,omitempty"`
	Tags                   []string `json:"tags,omitempty"`
	Activity               string   `json:"activity"`
	Exists                 bool     `json:"exists"`
	Internal               bool     `json:"internal"`
	RecordsIn              figure   `json:"recordsIn"`
	RecordsOut             figure   `json:"recordsOut"`
	Layer                  int      `json:"layer"`
	X                      float64  `json:"x"`
	Y                      float64  `json:"y"`
	hasRecordsIn, hasItOut bool
}

type flow struct {
	is       lineage.Flow
	from, to *node

	ID                string     `json:"id"`
	From              string     `json:"from"`
	To                string     `json:"to"`
	Kind              string     `json:"kind"`
	State             *string    `json:"state"`
	StateSince        *time.Time `json:"stateSince"`
	Active            *bool      `json:"active"`
	Activity          string     `json:"activity"`
	Counted           string     `json:"counted"`
	Records           *int64     `json:"records"`
	RecordsPerSecond  *float64   `json:"recordsPerSecond"`
	Bytes             *int64     `json:"bytes"`
	BytesPerSecond    *float64   `json:"bytesPerSecond"`
	Live              *bool      `json:"live"`
	Lag               *int64     `json:"lag"`
	LagSeconds        *float64   `json:"lagSeconds"`
	LagAtLeastSeconds *float64   `json:"lagAtLeastSeconds"`
	Skipped           *int64     `json:"skipped"`
	Lost              *int64     `json:"lost"`
	FirstSeen         *time.Time `json:"firstSeen"`
	LastSeen          *time.Time `json:"lastSeen"`
	LastMoved         *time.Time `json:"lastMoved"`
	Evidence          []evidence `json:"evidence"`
}

type evidence struct {
	kind      lineage.EvidenceKind
	Kind      string    `json:"kind"`
	Source    string    `json:"source"`
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
	Detail    string    `json:"detail,omitempty"`
}

// picture reads all that the document needs.
func (q *question) picture(ctx context.Context, v *answer.View) (*picture, error) {
	w, found, err := q.walk(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := q.bound(len(w.Edges)); err != nil {
		return nil, err
	}
	p := &picture{
		Format: formatLineage, Version: formatVersion, Scope: q.scope(found.known), Window: windowOf(v.Window()), Coverage: coverageOf(v, w.Scope),
		Cut: cut{Truncated: w.Truncated, TotalNodes: w.TotalNodes, Hidden: []hidden{}, Unobserved: idsOf(found.unobserved)},
	}
	if len(found.unobserved) > 0 { // they may be where nobody watches
		p.Coverage.Complete = false
	}
	flows := w.Flows()
	rows := v.Rows(w.Nodes, flows)
	byNode := make(map[lineage.Node]*node, len(w.Nodes))
	for _, n := range w.Nodes {
		x, err := nodeOf(ctx, rows.Node(n), q.span, v.Window().Duration())
		if err != nil {
			return nil, err
		}
		x.root = slices.Contains(found.known, n)
		byNode[n] = x
		p.Nodes = append(p.Nodes, x)
	}
	for _, f := range flows {
		x, err := flowOf(ctx, rows.Flow(f))
		if err != nil {
			return nil, err
		}
		x.from, x.to = byNode[f.From], byNode[f.To]
		p.Flows = append(p.Flows, x)
	}
	for _, h := range w.Hidden {
		p.Cut.Hidden = append(p.Cut.Hidden, hidden{h.Node.ID(), h.Upstream, h.Downstream})
		byNode[h.Node].up, byNode[h.Node].down = h.Upstream, h.Downstream
	}
	p.tellActivity()
	return p, nil
}

// lay says where the server draws the nodes.
func (p *picture) lay(ctx context.Context) error {
	nodes, flows := make([]lineage.Node, len(p.Nodes)), make([]lineage.Flow, len(p.Flows))
	byNode := make(map[lineage.Node]*node, len(p.Nodes))
	for i, n := range p.Nodes {
		nodes[i], byNode[n.is] = n.is, n
	}
	for i, f := range p.Flows {
		flows[i] = f.is
	}
	places, err := layout.Layout(ctx, nodes, flows)
	if err != nil {
		return err
	}
	for _, at := range places {
		x := byNode[at.Node]
		x.at, x.Layer, x.X, x.Y = at, at.Layer, at.X, at.Y
	}
	return nil
}

// bound refuses a document of more flows than anybody reads, or than are drawn while somebody waits.
func (q *question) bound(flows int) error {
	switch {
	case q.form.isGrafana() && flows > mostDrawn:
		return tooMuch("limit: %s are more than a node graph draws, at most %d: ask for less with limit, depth or direction", plural(flows, "flow"), mostDrawn)
	case q.form.hasPlaces() && flows > mostDrawn:
		return tooMuch("format: %s of %s is more than can be drawn, at most %d: ask for less with limit, depth or direction, or for dot, mermaid or csv",
			quote(q.form.name), plural(flows, "flow"), mostDrawn)
	case flows > mostFlows:
		return tooMuch("format: %s of %s is more than can be read, at most %d: ask for less with limit, depth or direction", quote(q.form.name), plural(flows, "flow"), mostFlows)
	}
	return nil
}

// walk returns the part of the graph that is asked for, and which of its roots are there.
func (q *question) walk(ctx context.Context, v *answer.View) (*answer.Walk, roots, error) {
	if len(q.roots) == 0 {
		if !q.only.IncludeInactive {
			return v.Overview(nil, q.only, q.limit), roots{}, nil
		}
		w, err := v.OverviewWithSilent(ctx, nil, q.only, q.limit)
		return w, roots{}, err
	}
	found, err := findRoots(ctx, v, "root", q.roots)
	if err != nil {
		return nil, found, err
	}
	w := v.Walk(graph.Query{Roots: found.known, Direction: q.direction, Depth: q.depth, Limit: q.limit}, q.only)
	if len(found.unobserved) > 0 {
		w.Scope = nil // the coverage says why they are missing
	}
	return w, found, nil
}

func (q *question) scope(known []lineage.Node) scope {
	s := scope{Roots: idsOf(known), IncludeInactive: q.only.IncludeInactive, IncludeInternal: q.only.IncludeInternal, Limit: q.limit}
	if len(known) == 0 { // everything that moved
		return s
	}
	s.Direction, s.Depth = directionWord(q.direction), q.depth
	for _, k := range q.only.Evidence {
		s.Evidence = append(s.Evidence, k.String())
	}
	return s
}

func idsOf(nodes []lineage.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID()
	}
	return out
}

func windowOf(w lineage.Resolved) window {
	return window{w.Start.UTC(), w.End.UTC(), span.Format(w.Step)}
}

func coverageOf(v *answer.View, of []lineage.ClusterID) coverage {
	is := v.Coverage(of...)
	c := coverage{
		Complete: is.Complete, ObservedFraction: is.ObservedFraction, GapCount: len(is.Gaps),
		Gaps: make([]gap, 0, min(len(is.Gaps), mostGaps)), BlindSpots: make([]blindSpot, 0, len(is.BlindSpots)),
	}
	for _, g := range is.Gaps[:cap(c.Gaps)] {
		c.Gaps = append(c.Gaps, gap{v.SourceName(g.Source), g.Window.Start.UTC(), g.Window.End.UTC(), g.Reason})
	}
	for _, b := range is.BlindSpots {
		c.BlindSpots = append(c.BlindSpots, blindSpot(b))
	}
	return c
}

// nodeOf reads a node, with the mean of what went in and out in a window of a length.
func nodeOf(ctx context.Context, n answer.Node, in answer.Span, length time.Duration) (x *node, err error) {
	is := n.Node()
	x = &node{is: is, ID: is.ID(), Kind: is.Kind.String(), Name: is.Name, Exists: n.Exists(), Internal: n.Internal()}
	x.Owner, x.Tags = n.Describe()
	if c := n.Cluster(); c != nil {
		x.Cluster = c.Known().Name
	}
	if x.RecordsIn, x.hasRecordsIn, err = meanOf(ctx, n, answer.RecordsIn, in, length); err != nil {
		return nil, err
	}
	if x.RecordsOut, x.hasItOut, err = meanOf(ctx, n, answer.RecordsOut, in, length); err != nil {
		return nil, err
	}
	if !x.hasRecordsIn {
		x.RecordsIn.Counted = without(is.Kind, true, x.hasItOut)
	}
	if !x.hasItOut {
		x.RecordsOut.Counted = without(is.Kind, false, x.hasRecordsIn)
	}
	return x, nil
}

// meanOf returns the mean of one side of a node over the window: the series of one point.
func meanOf(ctx context.Context, n answer.Node, m answer.Metric, in answer.Span, length time.Duration) (f figure, has bool, err error) {
	points, _, err := n.Series(ctx, m, in, &length)
	if err != nil || len(points) == 0 {
		return f, false, err
	}
	if points[0].Value == nil {
		return figure{Counted: unobserved}, true, nil
	}
	why, err := n.Bound(ctx, m, in)
	return figure{PerSecond: points[0].Value, Counted: boundOf(why != "", why), Why: why}, true, err
}

// without says why a side of a node has no rate: what connectors, replicators and datasets take they give, so a side
// without a count is there all the same; the end of a topic can always be counted; an application may only read, or
// only write.
func without(k lineage.NodeKind, in, other bool) string {
	switch k {
	case lineage.ConnectorNode, lineage.ReplicatorNode, lineage.JobNode, lineage.DatasetNode:
		return notMeasurable
	case lineage.TopicNode:
		if in {
			return unobserved
		}
		return none
	default:
		if other {
			return none
		}
		return notMeasurable
	}
}

// flowOf reads a flow.
func flowOf(ctx context.Context, f answer.Flow) (*flow, error) {
	is := f.Flow()
	x := &flow{
		is: is, ID: is.ID(), From: is.From.ID(), To: is.To.ID(), Kind: is.Kind().String(), Active: f.Active(), Records: f.Records(),
		RecordsPerSecond: f.RecordsPerSecond(), Skipped: f.Skipped(), Lost: f.Lost(), Evidence: []evidence{},
	}
	es, err := f.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range es {
		x.Evidence = append(x.Evidence, evidence{e.Kind, e.Kind.String(), e.Source, e.FirstSeen.UTC(), e.LastSeen.UTC(), e.Detail})
	}
	x.Activity = activityOf(x.Active, x.RecordsPerSecond, x.Evidence)
	x.Counted = countedOf(x, f.Estimated())
	return x, x.readLevels(ctx, f)
}

// readLevels reads what is asked of the history in batches.
func (f *flow) readLevels(ctx context.Context, of answer.Flow) (err error) {
	if f.Bytes, err = of.Bytes(ctx); err != nil {
		return err
	}
	if f.BytesPerSecond, err = of.BytesPerSecond(ctx); err != nil {
		return err
	}
	if f.Live, err = of.Live(ctx); err != nil {
		return err
	}
	if f.Lag, err = of.Lag(ctx); err != nil {
		return err
	}
	if f.LagSeconds, err = of.LagSeconds(ctx); err != nil {
		return err
	}
	if f.LagAtLeastSeconds, err = of.LagAtLeastSeconds(ctx); err != nil {
		return err
	}
	state, err := of.State(ctx)
	if err != nil {
		return err
	}
	f.State, f.StateSince = goingOf(state.Is), timeOrNil(state.Since)
	first, last, err := of.Seen(ctx)
	if err != nil {
		return err
	}
	moved, err := of.LastMoved(ctx)
	f.FirstSeen, f.LastSeen, f.LastMoved = timeOrNil(first), timeOrNil(last), timeOrNil(moved)
	return err
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// countedOf says how the counts of a flow are known.
func countedOf(x *flow, isEstimated bool) string {
	switch {
	case x.Records != nil || x.RecordsPerSecond != nil:
		why := make([]string, len(x.Evidence))
		for i, e := range x.Evidence {
			why[i] = e.Detail
		}
		return boundOf(isEstimated, why...)
	case x.Active == nil:
		return notKnown
	default:
		return notMeasurable
	}
}

// tellActivity says of each node what its flows say: it is as active as the most active of them; without flows it rests
// only where something was observed at all.
func (p *picture) tellActivity() {
	rank := func(activity string) int {
		return slices.Index([]string{inactive, unobserved, aboutThen, active}, activity)
	}
	for _, n := range p.Nodes {
		n.Activity = inactive
		if p.Coverage.ObservedFraction == 0 {
			n.Activity = unobserved
		}
	}
	for _, f := range p.Flows {
		for _, n := range [...]*node{f.from, f.to} {
			activity := f.Activity
			if activity == allowed {
				activity = unobserved
			}
			if rank(activity) > rank(n.Activity) {
				n.Activity = activity
			}
		}
	}
}

// label is what stands on a flow.
func (f *flow) label() string {
	switch {
	case f.Activity == active && f.RecordsPerSecond == nil:
		return notMeasurable
	case f.Activity == active, f.Activity == aboutThen:
		return sign(f.Counted) + rate(*f.RecordsPerSecond)
	case f.reads() && f.Live != nil && !*f.Live:
		return nobodyReads
	default:
		return f.Activity
	}
}

// reads reports whether somebody can be behind: a replicator's second half writes.
func (f *flow) reads() bool {
	return f.is.Kind() == lineage.Consume || f.is.Kind() == lineage.Replicate && f.is.To.Kind == lineage.ReplicatorNode
}

// sentence says all of a flow, for a reader who has nothing else.
func (f *flow) sentence() string {
	parts := []string{title(f.is.From) + " → " + title(f.is.To) + ": " + doing(f.is), f.Activity}
	if label := f.label(); label != f.Activity {
		parts = append(parts, strings.TrimSpace(label))
	}
	if f.Counted != exact && !slices.Contains(parts, f.Counted) {
		parts = append(parts, f.Counted)
	}
	if f.Lag != nil {
		parts = append(parts, plural(int(*f.Lag), "record")+" behind")
	} else if f.reads() && f.Live != nil {
		parts = append(parts, "lag not known")
	}
	switch {
	case f.LagSeconds != nil:
		parts = append(parts, seconds(*f.LagSeconds)+" behind")
	case f.LagAtLeastSeconds != nil:
		parts = append(parts, "at least "+seconds(*f.LagAtLeastSeconds)+" behind")
	}
	parts = append(parts, "at the window's end: "+f.goes())
	return strings.Join(parts, ", ") + ". Known by " + f.known()
}

// goes says how a flow goes at the window's end.
func (f *flow) goes() string {
	if f.State == nil {
		return notKnown
	}
	out := strings.ToLower(strings.ReplaceAll(*f.State, "_", " "))
	if f.StateSince != nil {
		out += " since " + instant(*f.StateSince)
	}
	return out
}

// known says how a flow is known.
func (f *flow) known() string {
	if len(f.Evidence) == 0 {
		return "nothing that was seen"
	}
	all := make([]string, len(f.Evidence))
	for i, e := range f.Evidence {
		all[i] = evidenceWords[e.kind] + " (" + visible(e.Source) + "), " + instant(e.FirstSeen) + " to " + instant(e.LastSeen)
		if e.Detail != "" {
			all[i] += ": " + visible(e.Detail)
		}
	}
	return strings.Join(all, "; ")
}

// title is a node's full name, with what it is and where.
func title(n lineage.Node) string {
	name := isolated(n.Name)
	if n.Kind == lineage.UnidentifiedNode {
		name = "writers of " + name
	}
	return name + " (" + strings.ToLower(kindWords[n.Kind]) + ", " + isolated(n.Scope) + ")"
}
