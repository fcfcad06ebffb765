package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostWith is how many flows are told with a node that came or went.
const mostWith = 5

// FindingConnection is the schema's type of that name.
type FindingConnection struct {
	answerOf
	Edges            []FindingEdge
	PageInfo         *PageInfo
	TotalCount       int
	ByKind           []FindingCount
	Resting, Unknown int
}

// Version answers version.
func (c *FindingConnection) Version() string { return c.rows.v.Version() }

// Finding is the schema's type of that name.
type Finding struct {
	ID               string
	Kind             answer.FindingKind
	Severity         answer.Severity
	Since            *time.Time
	Flow             *Flow
	Node             Node
	Sources          []string
	Cluster          *Cluster
	Reason           *string
	ObservedFraction *float64
	Owner            *string
	With             []*Flow
	WithCount        int
	Starves          *Starved
}

// Starved is the schema's type of that name.
type Starved struct {
	Count   int
	AtLeast bool
	Nearest []Node
}

// findingPlace is an answer.FindingPlace in a cursor.
type findingPlace struct {
	Severity answer.Severity    `json:"s"`
	Starving int                `json:"n,omitempty"`
	Kind     answer.FindingKind `json:"k"`
	Waiting  int64              `json:"w,omitempty"`
	ID       string             `json:"i"`
}

// findingsArgs are the arguments of the root field findings.
type findingsArgs struct {
	window         WindowInput
	cluster, owner *string
	kinds          []answer.FindingKind
	first          int
	after          *string
}

// findings answers the root field of that name.
func (a *resolver) findings(ctx context.Context, args findingsArgs) (*FindingConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("findings: first must be 0 to %d", mostPerPage)
	}
	var after *findingPlace
	if args.after != nil {
		after = &findingPlace{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
		if after.Severity < answer.Harm || after.Severity > answer.Change || after.Kind < answer.FindingLost || after.Kind > answer.FindingNew || after.ID == "" {
			return nil, badInput("after: %s is not a cursor of this list", quote(*args.after)) // of another's
		}
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	found, err := v.Findings(ctx, answer.FindingAsk{Cluster: args.cluster, Owner: args.owner, Kinds: args.kinds})
	if err != nil {
		return nil, err
	}
	start, end := pageOf(found.List, after, args.first, func(f answer.Finding, after findingPlace) int {
		return f.Compare(answer.FindingPlace(after))
	})
	c := findingPage(v, found.List[start:end])
	c.scope, c.TotalCount, c.Resting, c.Unknown = found.Scope, len(found.List), found.Resting, found.Unknown
	c.PageInfo = &PageInfo{HasNextPage: end < len(found.List), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	c.ByKind = make([]FindingCount, 0, len(found.ByKind))
	for k := answer.FindingLost; k <= answer.FindingNew; k++ {
		if n := found.ByKind[k]; n > 0 {
			c.ByKind = append(c.ByKind, FindingCount{Kind: k, Count: n})
		}
	}
	return c, nil
}

// findingPage shows some findings of a view.
func findingPage(v *answer.View, list []answer.Finding) *FindingConnection {
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, f := range list {
		if f.Node != nil {
			nodes = append(nodes, *f.Node)
		}
		if f.Flow != nil {
			flows = append(flows, *f.Flow)
		}
		if f.Starves != nil {
			nodes = append(nodes, f.Starves.Nearest...)
		}
		flows = append(flows, f.With[:min(mostWith, len(f.With))]...)
	}
	r := newRows(v, nodes, flows)
	c := &FindingConnection{answerOf: answerOf{rows: r}, Edges: make([]FindingEdge, 0, len(list))}
	for i := range list {
		c.Edges = append(c.Edges, FindingEdge{Cursor: cursor(findingPlace(list[i].FindingPlace)), Node: r.shownFinding(&list[i])})
	}
	return c
}

func (r *rows) shownFinding(f *answer.Finding) *Finding {
	out := &Finding{
		ID: f.ID, Kind: f.Kind, Severity: f.Severity, Since: timeOrNil(f.Since), Sources: f.Sources, Reason: textOrNil(f.Reason),
		Owner: textOrNil(f.Owner), WithCount: len(f.With),
	}
	if f.Flow != nil {
		out.Flow = r.shownFlow(*f.Flow)
	}
	if f.Node != nil {
		out.Node = r.nodes[*f.Node]
		out.With = r.listFlows(f.With[:min(mostWith, len(f.With))])
	}
	if f.Kind == answer.FindingUnobserved {
		out.ObservedFraction = &f.Observed
	}
	if f.Cluster != nil {
		out.Cluster = &Cluster{f.Cluster}
	}
	if s := f.Starves; s != nil {
		out.Starves = &Starved{Count: s.Count, AtLeast: s.AtLeast, Nearest: r.list(s.Nearest)}
	}
	return out
}
