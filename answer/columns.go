package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/internal/smt"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what a column is made of and where it leads: see docs/adr/0054-schemas-and-columns.md.

// mostColumns is how many columns one answer holds in each direction; what lies beyond is said.
const mostColumns = 500

// ColumnID names a column of a node: of a topic, and of who reads one, by part.
type ColumnID struct {
	Node lineage.Node
	Part lineage.SchemaPart
	Path string // as lineage.JoinPath makes it; empty: the whole
}

// ID returns the readable id, NODE_ID#PATH.
func (c ColumnID) ID() string { return c.Node.ID() + "#" + c.InNode() }

// InNode returns the path with the part in front.
func (c ColumnID) InNode() string {
	switch {
	case c.Part == lineage.NoPart:
		return c.Path
	case c.Path == "":
		return c.Part.String()
	default:
		return c.Part.String() + "." + c.Path
	}
}

// ParseColumnID reads an id. Of a topic a path without a part is one of the value.
func ParseColumnID(id string) (c ColumnID, err error) {
	node, path, ok := strings.Cut(id, "#")
	if !ok {
		return c, senseless("field: %s is no column: give NODE_ID#PATH, e.g. topic:west/customers#value.email", quote(id))
	}
	if c.Node, err = lineage.ParseNodeID(node); err != nil || c.Node.Kind != lineage.TopicNode && c.Node.Kind != lineage.DatasetNode {
		return c, senseless("field: %s is no topic or dataset: give NODE_ID#PATH, e.g. topic:west/customers#value.email", quote(node))
	}
	if len(path) > mostPath {
		return c, senseless("field: the path has more than %d bytes", mostPath)
	}
	if c.Path = path; c.Node.Kind == lineage.DatasetNode {
		return c, nil
	}
	c.Part = lineage.ValuePart
	first, rest, _ := strings.Cut(path, ".")
	switch first {
	case "key":
		c.Part, c.Path = lineage.KeyPart, rest
	case "value":
		c.Path = rest
	}
	return c, nil
}

// mostPath is the longest path that is asked for, in bytes.
const mostPath = 2000

// ColumnAt is a column in an answer.
type ColumnAt struct {
	ColumnID
	Upstream bool
	Hops     int // of records, from the column that is asked for; 0: that one
	// There reports whether a schema has it; nil: that is not known.
	There *bool
	Type  string // as a schema calls it; empty: not known
	// Reads: it is what a program reads, and not a place where it lies. Assumed: nobody says that the program reads
	// this column; it reads what holds it.
	Reads, Assumed bool
}

// ColumnStep is how a column comes to be another.
type ColumnStep struct {
	From, To ColumnID
	Through  lineage.Node         // who moves it
	Evidence lineage.EvidenceKind // who says so; NoEvidence: nobody
	How      string               // in words; may be empty
	Masked   bool
	Assumed  bool
	Active   *bool // whether that is moved in the window; nil: not known
}

// ColumnEnd is where the way of a column ends, or where nobody knows how it goes on.
type ColumnEnd struct {
	Column ColumnID
	At     lineage.Node
	Why    string
}

// ColumnLineage is what a column is made of and where it leads.
type ColumnLineage struct {
	Columns []ColumnAt // the asked one first, then by direction, hops and id
	Steps   []ColumnStep
	// Ends are where it is dropped, or made out of nothing; Unknown where nobody knows.
	Ends, Unknown []ColumnEnd
	Cut           bool // there is more than is answered
	Scope         []lineage.ClusterID
}

// columnWalk is a question under way.
type columnWalk struct {
	v        *View
	c        *columns
	out      *ColumnLineage
	at       map[columnKey]int // index of Columns
	queue    []int
	upstream bool
	here     ColumnAt
	gone     func() bool
}

type columnKey struct {
	ColumnID
	upstream, reads bool
}

// ColumnLineage returns what a column is made of, where it leads, or both. The view must have its node.
func (v *View) ColumnLineage(ctx context.Context, id ColumnID, up, down bool) (*ColumnLineage, error) {
	if !v.Has(id.Node) {
		return nil, v.NoNode(id.Node)
	}
	c, err := v.readColumns(ctx)
	if err != nil {
		return nil, err
	}
	w := &columnWalk{v: v, c: c, out: &ColumnLineage{}, gone: leaving(ctx)}
	for _, upstream := range [...]bool{false, true} {
		if upstream && !up || !upstream && !down {
			continue
		}
		w.at, w.queue, w.upstream = map[columnKey]int{}, nil, upstream
		w.here.Hops = -1
		w.reach(ColumnAt{ColumnID: id})
		for len(w.queue) > 0 {
			if w.gone() {
				return nil, ctx.Err()
			}
			w.here, w.queue = w.out.Columns[w.queue[0]], w.queue[1:]
			w.step()
		}
	}
	w.finish()
	return w.out, ctx.Err()
}

// finish sorts, and takes out what both directions have.
func (w *columnWalk) finish() {
	o := w.out
	slices.SortStableFunc(o.Columns, func(a, b ColumnAt) int {
		return cmp.Or(cmp.Compare(min(a.Hops, 1), min(b.Hops, 1)), cmp.Compare(fromBool(a.Upstream), fromBool(b.Upstream)), cmp.Compare(a.Hops, b.Hops), a.compare(&b.ColumnID))
	})
	if len(o.Columns) > 1 && o.Columns[1].Hops == 0 {
		o.Columns = slices.Delete(o.Columns, 1, 2)
	}
	add := func(n lineage.Node) {
		for _, id := range w.v.ClustersOf(n) {
			if !slices.Contains(o.Scope, id) {
				o.Scope = append(o.Scope, id)
			}
		}
	}
	for i := range o.Columns {
		add(o.Columns[i].Node)
	}
	for i := range o.Steps {
		add(o.Steps[i].Through)
	}
	for _, all := range [...][]ColumnEnd{o.Ends, o.Unknown} {
		for i := range all {
			add(all[i].At)
		}
	}
}

func fromBool(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c *ColumnID) compare(b *ColumnID) int {
	return cmp.Or(c.Node.Compare(b.Node), cmp.Compare(c.Part, b.Part), strings.Compare(c.Path, b.Path))
}

// reach notes a column that is one hop further, and returns whether there is room for it.
func (w *columnWalk) reach(x ColumnAt) bool {
	key := columnKey{x.ColumnID, w.upstream, x.Reads}
	if i, was := w.at[key]; was {
		if !x.Assumed {
			w.out.Columns[i].Assumed = false
		}
		return true
	}
	if len(w.at) == mostColumns {
		w.out.Cut = true
		return false
	}
	x.Hops = w.here.Hops + 1
	x.Upstream = w.upstream && x.Hops > 0
	if !x.Reads {
		x.There = w.c.has(&x.ColumnID)
		if is := w.c.column(&x.ColumnID); is != nil {
			x.Type = is.Type
		}
		w.queue = append(w.queue, len(w.out.Columns))
	}
	w.at[key] = len(w.out.Columns)
	w.out.Columns = append(w.out.Columns, x)
	return true
}

// lead notes a step between the column that the walk is at and another.
func (w *columnWalk) lead(to ColumnAt, s ColumnStep) {
	if !w.reach(to) {
		return
	}
	s.From, s.To = w.here.ColumnID, to.ColumnID
	if w.upstream {
		s.From, s.To = s.To, s.From
	}
	for i := range w.out.Steps {
		if was := &w.out.Steps[i]; was.From == s.From && was.To == s.To && was.Through == s.Through && was.How == s.How {
			if s.Active == nil || *s.Active {
				was.Active = s.Active
			}
			return
		}
	}
	w.out.Steps = append(w.out.Steps, s)
}

func (w *columnWalk) end(to *[]ColumnEnd, at lineage.Node, why string) {
	e := ColumnEnd{w.here.ColumnID, at, why}
	if !slices.Contains(*to, e) {
		*to = append(*to, e)
	}
}

func (w *columnWalk) unknown(at lineage.Node, why string) { w.end(&w.out.Unknown, at, why) }

// step goes on from a column to all that its node is moved to, or from.
func (w *columnWalk) step() {
	v, n := w.v, w.here.Node
	var of *accessesOf
	if t := v.topics[n]; t != nil {
		of = &t.accessesOf
	} else {
		of = v.datasets[n]
	}
	if of == nil {
		return
	}
	all := of.reads
	if w.upstream {
		all = of.writes
	}
	by := map[lineage.Node][]int32{}
	var order []lineage.Node
	for _, i := range all {
		x := &v.accesses[i]
		if !x.exist {
			continue
		}
		if by[x.node] == nil {
			order = append(order, x.node)
		}
		by[x.node] = append(by[x.node], i)
	}
	slices.SortFunc(order, lineage.Node.Compare)
	for _, mover := range order {
		w.through(mover, by[mover])
	}
}

// through goes on through somebody who reads the node that the walk is at, or writes it, by accesses of his.
func (w *columnWalk) through(n lineage.Node, own []int32) {
	switch n.Kind {
	case lineage.ConnectorNode:
		w.connector(n, own)
	case lineage.ReplicatorNode:
		for _, x := range w.across(n, own) {
			w.moved(n, x, w.c.steps[n], lineage.Mirror, "copied as it is")
		}
	case lineage.StreamJobNode, lineage.JobNode:
		w.job(n, own)
	default:
		w.program(n, own)
	}
}

// crossing is a way through a mover: what is at its other end, and whether it is gone along.
type crossing struct {
	far    lineage.Node
	active *bool
}

// across returns what is at the other end of the ways that accesses of a mover belong to.
func (w *columnWalk) across(n lineage.Node, own []int32) (out []crossing) {
	v := w.v
	ends := v.ends[n]
	if ends == nil {
		return nil
	}
	others := ends.writes
	if w.upstream {
		others = ends.reads
	}
	lanes := map[string]bool{}
	var here graph.State
	for k, i := range own {
		x := &v.accesses[i]
		for _, lane := range v.lanes(x) {
			lanes[lane] = true
		}
		if k == 0 || better(x.state, here) {
			here = x.state
		}
	}
	found := map[lineage.Node]graph.State{}
	var order []lineage.Node
	for _, i := range others {
		x := &v.accesses[i]
		if !x.exist || x.far == w.here.Node || !slices.ContainsFunc(v.lanes(x), func(lane string) bool { return lanes[lane] }) {
			continue
		}
		was, had := found[x.far]
		if !had {
			order = append(order, x.far)
		}
		if !had || better(x.state, was) {
			found[x.far] = x.state
		}
	}
	slices.SortFunc(order, lineage.Node.Compare)
	for _, far := range order {
		out = append(out, crossing{far, both(here, found[far])})
	}
	return out
}

// better orders states: what moved, what may have, what rested.
func better(a, b graph.State) bool {
	rank := func(s graph.State) int {
		switch s {
		case graph.Active:
			return 2
		case graph.Unknown:
			return 1
		default:
			return 0
		}
	}
	return rank(a) > rank(b)
}

// both reports whether a way was gone along on both of its ends.
func both(a, b graph.State) *bool {
	switch {
	case a == graph.Active && b == graph.Active:
		return new(true)
	case a == graph.Unknown || b == graph.Unknown:
		return nil
	default:
		return new(false)
	}
}

func (w *columnWalk) activeOf(own []int32) *bool {
	here := w.v.accesses[own[0]].state
	for _, i := range own {
		if s := w.v.accesses[i].state; better(s, here) {
			here = s
		}
	}
	return both(here, here)
}

// program is who reads or writes and says nothing of columns.
func (w *columnWalk) program(n lineage.Node, own []int32) {
	if w.upstream {
		w.unknown(n, "what it makes its columns of, nobody says")
		return
	}
	w.lead(ColumnAt{ColumnID: ColumnID{n, w.here.Part, w.here.Path}, Reads: true, Assumed: true}, ColumnStep{
		Through: n, How: "it reads the whole of it: nobody says which columns", Assumed: true, Active: w.activeOf(own),
	})
	if len(w.across(n, own)) > 0 {
		w.unknown(n, "what it makes of the columns that it reads, nobody says")
	}
}

// moved goes through a mover that changes columns by steps alone.
func (w *columnWalk) moved(n lineage.Node, x crossing, steps []lineage.Transform, by lineage.EvidenceKind, plain string) {
	from := smt.Place{Part: w.here.Part, Path: w.here.Path}
	way := smt.Forward(steps, from)
	if w.upstream {
		way = w.back(steps, x.far, func(at smt.Place) []smt.Place { return []smt.Place{at} })
	}
	if len(steps) > 0 {
		plain = "by its transformations"
	}
	w.ways(n, x, way, by, plain)
}

// ways notes what a way through a mover to the columns of one end says.
func (w *columnWalk) ways(n lineage.Node, x crossing, way smt.Way, by lineage.EvidenceKind, how string) {
	if way.Unknown != "" {
		w.unknown(n, way.Unknown)
		return
	}
	for _, why := range way.Ends {
		w.end(&w.out.Ends, n, why)
	}
	for _, p := range way.Places {
		w.lead(ColumnAt{ColumnID: ColumnID{x.far, p.Part, p.Path}}, ColumnStep{Through: n, Evidence: by, How: how, Masked: p.Masked, Active: x.active})
	}
}

// back returns what the column that the walk is at is made of, before steps, of what is at their other end: where its
// columns are known, of those that lead here, else by the steps alone. enter says where a place at that end stands
// before the steps.
func (w *columnWalk) back(steps []lineage.Transform, far lineage.Node, enter func(smt.Place) []smt.Place) smt.Way {
	parts := []lineage.SchemaPart{lineage.KeyPart, lineage.ValuePart}
	if far.Kind == lineage.DatasetNode {
		parts = []lineage.SchemaPart{lineage.NoPart}
	}
	here := smt.Place{Part: w.here.Part, Path: w.here.Path}
	way := smt.Back(steps, here)
	if w.here.Path == "" {
		return way
	}
	var found smt.Way
	known := false
	for _, part := range parts {
		all, ok := w.c.of(far, part)
		if !ok {
			if part != lineage.KeyPart {
				return way
			}
			continue
		}
		known = true
		for _, column := range all {
			from := smt.Place{Part: part, Path: column.Path}
			for _, start := range enter(from) {
				there := smt.Forward(steps, start)
				if there.Unknown != "" {
					return there
				}
				for _, p := range there.Places {
					if p.Part == here.Part && p.Path == here.Path {
						start.Masked = p.Masked
						found.Places = append(found.Places, start)
					}
				}
			}
		}
	}
	if !known || len(found.Places) == 0 {
		return way
	}
	return found
}
