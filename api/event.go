package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// eventsArgs are the arguments of the root field events.
type eventsArgs struct {
	window WindowInput
	node   *string
	types  []lineage.EventType
	first  int
	after  *string
}

// eventPlace is an event's place among the events, the newest first.
type eventPlace struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

func compareEventPlaces(a, b eventPlace) int {
	return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID))
}

// shownEvent is an event with what it is about.
type shownEvent struct {
	eventPlace
	event lineage.Event
	node  *lineage.Node
	flow  *lineage.Flow
	// repeated: another event says the same of the flow.
	repeated bool
}

// events answers the root field of that name.
func (a *answerer) events(ctx context.Context, args eventsArgs) (*EventConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("events: first must be 0 to %d", mostPerPage)
	}
	var after *eventPlace
	if args.after != nil {
		after = &eventPlace{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, args.window)
	if err != nil {
		return nil, err
	}
	var only *lineage.Node
	if args.node != nil {
		n, err := parseNode(*args.node)
		if err != nil {
			return nil, err
		}
		if !v.has(n) {
			return nil, noNode(n)
		}
		only = &n
	}
	wanted := func(t lineage.EventType) bool { return len(args.types) == 0 || slices.Contains(args.types, t) }
	keep := func(e lineage.Event) bool {
		if !wanted(e.Type) && (!aboutFlow(e.Type) || !slices.ContainsFunc(args.types, aboutFlow)) { // a beginning tells which of two ends is the flow's
			return false
		}
		if only == nil {
			return true
		}
		node, flow := v.subjectOf(e)
		return node != nil && *node == *only || flow != nil && (flow.From == *only || flow.To == *only)
	}
	found, err := a.history.Events(ctx, v.win.Window, keep, 0)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	all := make([]shownEvent, len(found))
	for i, e := range found {
		all[i] = shownEvent{eventPlace: eventPlace{e.At, eventID(e)}, event: e}
		all[i].node, all[i].flow = v.subjectOf(e)
	}
	all = slices.DeleteFunc(all, func(e shownEvent) bool { return v.innerFlow(e, only) })
	if all, err = v.ownFlowEvents(ctx, all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e shownEvent) bool { return !wanted(e.event.Type) })
	slices.SortFunc(all, func(a, b shownEvent) int { return compareEventPlaces(a.eventPlace, b.eventPlace) })
	return v.eventPage(all, after, args.first), nil
}

// eventID names an event by its content: opaque, and the same whenever it is asked for.
func eventID(e lineage.Event) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d|%d|%v|%v|%v|%q", e.At.UnixNano(), e.Type, e.Topic, e.Group, e.Access, e.Detail))
	return base64.RawURLEncoding.EncodeToString(h[:12])
}

// subjectOf returns the node or the flow that an event is about; both nil: a source.
func (v *view) subjectOf(e lineage.Event) (*lineage.Node, *lineage.Flow) {
	switch {
	case e.Access.Op != lineage.OpNone:
		x := access{far: v.farNode(e.Access)}
		x.Access = e.Access
		x.node, _ = v.identity.Resolve(v.clusters.of(e.Access.Topic.Cluster), e.Access, v.knows.Of(e.Access))
		x.node = v.shown(x.node)
		return nil, new(x.flow())
	case e.Access.Topic.Name != "":
		return new(v.topicNode(e.Access.Topic)), nil
	case e.Group.Group != "":
		c := v.clusters.of(e.Group.Cluster)
		x := lineage.Access{Topic: lineage.Topic{Cluster: e.Group.Cluster}, Op: lineage.Read, Client: lineage.Client{Group: e.Group.Group}}
		n, _ := v.identity.Resolve(c, x, v.knows.Of(x))
		return &n, nil
	case e.Topic.Name != "":
		return new(v.topicNode(e.Topic)), nil
	}
	return nil, nil
}

func (v *view) eventPage(all []shownEvent, after *eventPlace, first int) *EventConnection {
	start := 0
	if after != nil {
		start, _ = slices.BinarySearchFunc(all, *after, func(e shownEvent, after eventPlace) int {
			if c := compareEventPlaces(e.eventPlace, after); c != 0 {
				return c
			}
			return -1
		})
	}
	end := min(start+first, len(all))
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, e := range all[start:end] {
		if e.node != nil {
			nodes = append(nodes, *e.node)
		}
		if e.flow != nil {
			flows = append(flows, *e.flow)
		}
	}
	r := newRows(v, nodes, flows)
	c := &EventConnection{TotalCount: len(all), Edges: make([]EventEdge, 0, end-start)}
	for _, e := range all[start:end] {
		shown := &Event{ID: e.ID, At: e.event.At, Type: e.event.Type, Detail: e.event.Detail}
		if e.node != nil {
			shown.Node = r.nodes[*e.node]
		}
		if e.flow != nil {
			shown.Flow = r.listFlows([]lineage.Flow{*e.flow})[0]
		}
		c.Edges = append(c.Edges, EventEdge{Cursor: cursor(e.eventPlace), Node: shown})
	}
	c.PageInfo = &PageInfo{HasNextPage: end < len(all), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	return c
}
