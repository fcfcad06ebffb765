package api

import (
	"context"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// impactSearched is what a search for what a node starves costs beside its page: an edge costs what an id of a
	// closure does, and there may be some hundred thousand.
	impactSearched = 5000
	// ownersCounted is what it costs to ask the rules whose each of them is.
	ownersCounted = 5000
)

// impactCosts says what the fields of an impact cost. Its page multiplies all below it.
func impactCosts(c *ComplexityRoot) {
	c.Query.Impact = func(
		child int, _ string, _ WindowInput, _ []lineage.EvidenceKind, _, _ bool, first int, _ *string,
	) int {
		return add(impactSearched, times(first, child))
	}
	c.Impact.Owners = func(child, first int) int { return times(first, child)/usualLimit + ownersCounted/usualLimit }
	c.Impact.OwnerCount = func(child int) int { return child + ownersCounted/usualLimit }
	c.Impact.Coverage = func(child int) int { return child/usualLimit + 1 }
}

// mostOwners bounds owners(first:).
const mostOwners = 1000

// Impact is the schema's type of that name.
type Impact struct {
	answerOf
	is         *answer.Impact
	Edges      []ImpactEdge
	PageInfo   *PageInfo
	TotalCount int
}

// hitPlace is an answer.HitPlace in a cursor.
type hitPlace struct {
	Step int64  `json:"s"`
	Hops int    `json:"h"`
	ID   string `json:"i"`
}

// Window answers window.
func (i *Impact) Window() *ResolvedWindow { return shownWindow(i.rows.v.Window()) }

// Owners answers owners.
func (i *Impact) Owners(ctx context.Context, first int) ([]OwnerCount, error) {
	if first < 0 || first > mostOwners {
		return nil, badInput("owners: first must be 0 to %d", mostOwners)
	}
	all, err := i.is.Owners(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]OwnerCount, 0, min(first, len(all)))
	for _, o := range all[:min(first, len(all))] {
		x := OwnerCount{Count: o.Count}
		if o.Owner != "" {
			x.Owner = &o.Owner
		}
		out = append(out, x)
	}
	return out, nil
}

// OwnerCount answers ownerCount.
func (i *Impact) OwnerCount(ctx context.Context) (int, error) {
	all, err := i.is.Owners(ctx)
	return len(all), err
}

// impactArgs are the arguments of the root field impact.
type impactArgs struct {
	root   string
	window WindowInput
	only   answer.Filter
	first  int
	after  *string
}

// impact answers the root field of that name.
func (a *resolver) impact(ctx context.Context, args impactArgs) (*Impact, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("impact: first must be 0 to %d", mostPerPage)
	}
	root, err := parseNode(args.root)
	if err != nil {
		return nil, err
	}
	var after *answer.HitPlace
	if args.after != nil {
		at, err := hitPlaceOf(*args.after)
		if err != nil {
			return nil, err
		}
		after = &at
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	if !v.Has(root) {
		return nil, v.NoNode(root)
	}
	is, err := v.Impact(ctx, root, args.only)
	if err != nil {
		return nil, err
	}
	return impactPage(v, is, after, args.first), nil
}

func impactPage(v *answer.View, is *answer.Impact, after *answer.HitPlace, first int) *Impact {
	start, end := pageOf(is.Hits, after, first, func(h answer.Hit, after answer.HitPlace) int { return is.Compare(&h, after) })
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, h := range is.Hits[start:end] {
		nodes, flows = append(nodes, h.Node), append(flows, h.Through)
	}
	r := newRows(v, nodes, flows)
	out := &Impact{answerOf: answerOf{rows: r, scope: is.Scope}, is: is, Edges: make([]ImpactEdge, 0, end-start), TotalCount: len(is.Hits)}
	for k := range is.Hits[start:end] {
		h := &is.Hits[start+k]
		at := is.Place(h)
		shown := Hit{Node: r.nodes[h.Node], Hops: h.Hops, Through: r.shownFlow(h.Through), AtLeastSeconds: h.AtLeast}
		if h.Exact {
			shown.AfterSeconds = &h.AtLeast
		}
		out.Edges = append(out.Edges, ImpactEdge{Cursor: cursor(hitPlace{at.Step, at.Hops, at.Node.ID()}), Node: &shown})
	}
	out.PageInfo = &PageInfo{HasNextPage: end < len(is.Hits), HasPreviousPage: start > 0}
	if len(out.Edges) > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[len(out.Edges)-1].Cursor
	}
	return out
}

// hitPlaceOf reads a cursor of impact.
func hitPlaceOf(text string) (answer.HitPlace, error) {
	var at hitPlace
	if err := parseCursor(text, &at); err != nil {
		return answer.HitPlace{}, err
	}
	n, err := lineage.ParseNodeID(at.ID)
	if err != nil {
		return answer.HitPlace{}, badInput("after: %s is not a cursor of this list", quote(text))
	}
	return answer.HitPlace{Step: at.Step, Hops: at.Hops, Node: n}, nil
}
