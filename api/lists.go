package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostPerPage bounds first of connections.
	mostPerPage = 1000
	// mostSuggestions bounds suggestedJoins: nobody reads more pairs at once.
	mostSuggestions = 100
)

// nodesArgs are the arguments of the root field nodes.
type nodesArgs struct {
	text            *string
	kinds           []lineage.NodeKind
	cluster         *string
	owner, tag      *string
	derived         bool
	states          []*answer.FlowState
	includeInternal bool
	window          *WindowInput
	orderBy         *answer.Order
	first           int
	after           *string
}

// nodePlace is an answer.Place in a cursor.
type nodePlace struct {
	Match int     `json:"m,omitempty"`
	Value float64 `json:"v,omitempty"`
	Name  string  `json:"n,omitempty"`
	ID    string  `json:"i"`
}

// eventPlace is an answer.EventPlace in a cursor.
type eventPlace struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

// cursor makes a cursor of a place, which parseCursor reads. It holds the place itself, so it survives new rounds and
// restarts.
func cursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		panic(fmt.Sprintf("a place is plain data: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return badInput("after: %s is not a cursor of this list", quote(s))
	}
	return nil
}

// pageOf returns the part of a sorted list that lies behind a place, at most first long. compare orders an element and
// the place; after is nil for the first page.
func pageOf[E, P any](all []E, after *P, first int, compare func(E, P) int) (start, end int) {
	if after != nil {
		start, _ = slices.BinarySearchFunc(all, *after, func(e E, after P) int {
			if c := compare(e, after); c != 0 {
				return c
			}
			return -1 // the place itself lies before the page
		})
	}
	return start, min(start+first, len(all))
}

// nodes answers the root field of that name.
func (a *resolver) nodes(ctx context.Context, args nodesArgs) (*NodeConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("nodes: first must be 0 to %d", mostPerPage)
	}
	var after *nodePlace
	if args.after != nil {
		after = &nodePlace{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, args.window)
	if err != nil {
		return nil, err
	}
	q := answer.Search{Kinds: args.kinds, Cluster: args.cluster, Owner: args.owner, Tag: args.tag, Derived: args.derived, IncludeInternal: args.includeInternal}
	for _, s := range args.states {
		if s == nil {
			q.States = append(q.States, answer.NoState)
		} else {
			q.States = append(q.States, *s)
		}
	}
	if args.text != nil {
		q.Text, q.HasText = *args.text, true
	}
	if args.orderBy != nil {
		q.OrderBy = *args.orderBy
	}
	all, err := v.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	start, end := pageOf(all, after, args.first, func(p answer.Placed, after nodePlace) int { return p.Compare(answer.Place(after)) })
	shown := make([]lineage.Node, 0, end-start)
	for _, p := range all[start:end] {
		shown = append(shown, p.Node)
	}
	r := newRows(v, shown, nil)
	c := &NodeConnection{answerOf: answerOf{rows: r}, TotalCount: len(all), Edges: make([]NodeEdge, 0, end-start)}
	for _, p := range all {
		if !p.Known() {
			c.Unknown++
		}
	}
	if args.cluster != nil {
		of, err := v.FindCluster(*args.cluster)
		if err != nil {
			return nil, err
		}
		c.scope = of.Scope()
	}
	for _, p := range all[start:end] {
		c.Edges = append(c.Edges, NodeEdge{Cursor: cursor(nodePlace(p.Place)), Node: r.nodes[p.Node]})
	}
	c.PageInfo = &PageInfo{HasNextPage: end < len(all), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	return c, nil
}

// eventsArgs are the arguments of the root field events.
type eventsArgs struct {
	window WindowInput
	nodes  []string // none: of all
	types  []lineage.EventType
	first  int
	after  *string
}

// events answers the root field of that name.
func (a *resolver) events(ctx context.Context, args eventsArgs) (*EventConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("events: first must be 0 to %d", mostPerPage)
	}
	if len(args.nodes) > mostRoots {
		return nil, badInput("events: at most %d nodes", mostRoots)
	}
	var after *eventPlace
	if args.after != nil {
		after = &eventPlace{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	var only []lineage.Node
	for _, id := range args.nodes {
		n, err := parseNode(id)
		if err != nil {
			return nil, err
		}
		if !v.Has(n) && !v.Unobserved(n) {
			return nil, v.NoNode(n)
		}
		only = append(only, n)
	}
	all, err := v.EventsOf(ctx, only, args.types...)
	if err != nil {
		return nil, err
	}
	c := eventPage(v, all, after, args.first)
	for _, n := range only {
		of := v.ClustersOf(n)
		if len(of) == 0 { // it may be anywhere
			c.scope = nil
			break
		}
		c.scope = append(c.scope, of...)
	}
	return c, nil
}

func eventPage(v *answer.View, all []answer.Event, after *eventPlace, first int) *EventConnection {
	start, end := pageOf(all, after, first, func(e answer.Event, after eventPlace) int { return e.Compare(answer.EventPlace(after)) })
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, e := range all[start:end] {
		if e.Node != nil {
			nodes = append(nodes, *e.Node)
		}
		if e.Flow != nil {
			flows = append(flows, *e.Flow)
		}
	}
	r := newRows(v, nodes, flows)
	c := &EventConnection{answerOf: answerOf{rows: r}, TotalCount: len(all), Edges: make([]EventEdge, 0, end-start)}
	for _, e := range all[start:end] {
		shown := &Event{ID: e.ID, At: e.At, Type: e.Type, Detail: e.Detail}
		if e.Node != nil {
			shown.Node = r.nodes[*e.Node]
		}
		if e.Flow != nil {
			shown.Flow = r.shownFlow(*e.Flow)
		}
		c.Edges = append(c.Edges, EventEdge{Cursor: cursor(eventPlace(e.EventPlace)), Node: shown})
	}
	c.PageInfo = &PageInfo{HasNextPage: end < len(all), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	return c
}

// top answers the root field of that name.
func (a *resolver) top(ctx context.Context, metric answer.Metric, kind lineage.NodeKind, window WindowInput, first int) (*Ranking, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("top: first must be 0 to %d", mostPerPage)
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	all, unknown, err := v.Top(ctx, metric, kind)
	if err != nil {
		return nil, err
	}
	all = all[:min(first, len(all))]
	nodes := make([]lineage.Node, len(all))
	for i, x := range all {
		nodes[i] = x.Node
	}
	r := newRows(v, nodes, nil)
	out := &Ranking{answerOf: answerOf{rows: r}, Ranked: make([]Ranked, len(all)), Unknown: unknown}
	for i, x := range all {
		out.Ranked[i] = Ranked{Node: r.nodes[x.Node], Value: x.Value, Detail: textOrNil(v.Bound(x.Node, metric))}
	}
	return out, nil
}

// clusters answers the root field of that name.
func (a *resolver) clusters(ctx context.Context) ([]Cluster, error) {
	all, _, err := a.answers.Clusters(ctx, answer.All)
	if err != nil {
		return nil, err
	}
	out := make([]Cluster, 0, len(all))
	for _, c := range all {
		out = append(out, Cluster{c})
	}
	return out, nil
}

// suggestedJoins answers the root field of that name.
func (a *resolver) suggestedJoins(ctx context.Context, window *WindowInput) (*SuggestedJoins, error) {
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	pairs := v.Joins(mostSuggestions)
	nodes := make([]lineage.Node, 0, 2*len(pairs))
	for _, p := range pairs {
		nodes = append(nodes, p.A, p.B)
	}
	r := newRows(v, nodes, nil)
	out := &SuggestedJoins{answerOf: answerOf{rows: r}, Joins: make([]SuggestedJoin, 0, len(pairs))}
	for _, p := range pairs {
		out.Joins = append(out.Joins, SuggestedJoin{A: r.nodes[p.A], B: r.nodes[p.B], Reason: p.Reason, Rule: p.Rule})
	}
	return out, nil
}
