package api

import (
	"context"
	"slices"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostPaths  = 20
	mostDoubts = 1000 // of one answer of paths
)

// Paths is the schema's type of that name.
type Paths struct {
	answerOf
	is *answer.Paths
}

// Reached answers reached.
func (p *Paths) Reached() answer.Reached { return p.is.Reached }

// NotBefore answers notBefore.
func (p *Paths) NotBefore() *time.Time { return timeOrNil(p.is.NotBefore) }

// Window answers window.
func (p *Paths) Window() *ResolvedWindow { return shownWindow(p.rows.v.Window()) }

// Paths answers paths.
func (p *Paths) Paths() []Path {
	out := make([]Path, len(p.is.List))
	for i, way := range p.is.List {
		out[i] = Path{EarliestArrival: way.Arrival, Observed: way.Observed, Hops: make([]Hop, len(way.Hops))}
		for j, h := range way.Hops {
			out[i].Hops[j] = Hop{Flow: p.rows.shownFlow(h.Flow), At: h.At, Until: h.Until, Observed: h.Observed}
		}
	}
	return out
}

// DoubtCount answers doubtCount.
func (p *Paths) DoubtCount() int { return len(p.is.Doubts) }

// Doubts answers doubts.
func (p *Paths) Doubts(first int) ([]PathDoubt, error) {
	if first < 0 || first > mostDoubts {
		return nil, badInput("doubts: first must be 0 to %d", mostDoubts)
	}
	all := p.is.Doubts[:min(first, len(p.is.Doubts))]
	out := make([]PathDoubt, len(all))
	for i, d := range all {
		out[i] = PathDoubt{Start: d.Window.Start, End: d.Window.End, Reason: d.Why}
		if d.Flow != (lineage.Flow{}) {
			out[i].Flow = p.rows.shownFlow(d.Flow)
		}
		if d.Node != (lineage.Node{}) {
			out[i].Node = p.rows.nodes[d.Node]
		}
	}
	return out, nil
}

// Path is the schema's type of that name.
type Path struct {
	Hops            []Hop
	EarliestArrival time.Time
	Observed        bool
}

// Hop is the schema's type of that name.
type Hop struct {
	Flow      *Flow
	At, Until time.Time
	Observed  bool
}

// PathDoubt is the schema's type of that name.
type PathDoubt struct {
	Flow       *Flow
	Node       Node
	Start, End time.Time
	Reason     string
}

// paths answers the root field of that name.
func (a *resolver) paths(ctx context.Context, from, to string, window WindowInput, includeInternal bool, first int) (*Paths, error) {
	if first < 1 || first > mostPaths {
		return nil, badInput("paths: first must be 1 to %d", mostPaths)
	}
	var ends [2]lineage.Node
	for i, id := range [...]string{from, to} {
		var err error
		if ends[i], err = parseNode(id); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	for _, n := range ends {
		if !v.Has(n) {
			return nil, v.NoNode(n)
		}
	}
	got, err := v.Paths(ctx, ends[0], ends[1], includeInternal, first)
	if err != nil {
		return nil, err
	}
	var nodes []lineage.Node
	var flows []lineage.Flow
	add := func(f lineage.Flow) {
		if !slices.Contains(flows, f) {
			flows = append(flows, f)
		}
	}
	for _, way := range got.List {
		for _, h := range way.Hops {
			add(h.Flow)
		}
	}
	for _, d := range got.Doubts {
		if d.Flow != (lineage.Flow{}) {
			add(d.Flow)
		}
		if d.Node != (lineage.Node{}) {
			nodes = append(nodes, d.Node)
		}
	}
	return &Paths{answerOf: answerOf{rows: newRows(v, nodes, flows), scope: got.Scope}, is: got}, nil
}
