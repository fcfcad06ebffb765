package answer

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
	"github.com/lineaged/lineaged/store"
)

// Event is an event with what it is about. Node and Flow are both nil where it is about a source.
type Event struct {
	EventPlace
	Type   lineage.EventType
	Detail string
	Node   *lineage.Node
	Flow   *lineage.Flow

	event lineage.Event
	// repeated: another event says the same of the flow.
	repeated bool
}

// EventPlace is an event's place among the events, the newest first.
type EventPlace struct {
	At time.Time
	ID string // names the event by its content: opaque, and the same whenever it is asked for
}

// Compare orders events, the newest first.
func (p EventPlace) Compare(b EventPlace) int {
	return cmp.Or(b.At.Compare(p.At), strings.Compare(p.ID, b.ID))
}

// Events returns what happened in the window, the newest first: of one node, which the view must have, or with nil of
// all; of some types, or with none of all.
func (v *View) Events(ctx context.Context, only *lineage.Node, types ...lineage.EventType) ([]Event, error) {
	if only == nil {
		return v.EventsOf(ctx, nil, types...)
	}
	return v.EventsOf(ctx, []lineage.Node{*only}, types...)
}

// EventsOf is Events of several nodes, each event once, or with none of all.
func (v *View) EventsOf(ctx context.Context, only []lineage.Node, types ...lineage.EventType) ([]Event, error) {
	wanted := func(t lineage.EventType) bool { return len(types) == 0 || slices.Contains(types, t) }
	asked := slices.Clone(types)
	if slices.ContainsFunc(types, aboutFlow) { // a beginning tells which of two ends is the flow's
		asked = append(asked, lineage.FlowStarted, lineage.FlowStopped)
	}
	got, err := v.a.history.Events(ctx, store.EventFilter{Window: v.win.Window, Types: asked})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	found := got.List
	all := make([]Event, len(found))
	gone := leaving(ctx)
	for i, e := range found {
		if gone() {
			return nil, ctx.Err()
		}
		all[i] = Event{EventPlace: EventPlace{e.At, eventID(e)}, Type: e.Type, Detail: v.words(wordsOf(&e)), event: e}
		all[i].Node, all[i].Flow = v.subjectOf(&e)
	}
	all = slices.DeleteFunc(all, func(e Event) bool { return !v.seesEvent(&e) })
	if len(only) > 0 {
		all = slices.DeleteFunc(all, func(e Event) bool {
			return (e.Node == nil || !slices.Contains(only, *e.Node)) && (e.Flow == nil || !slices.Contains(only, e.Flow.From) && !slices.Contains(only, e.Flow.To))
		})
	}
	all = slices.DeleteFunc(all, func(e Event) bool { return v.innerFlow(e, only) })
	if all, err = v.ownFlowEvents(ctx, all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e Event) bool { return !wanted(e.Type) })
	slices.SortFunc(all, func(a, b Event) int { return a.Compare(b.EventPlace) })
	return all, nil
}

// wordsOf returns an event's detail as it is told.
func wordsOf(e *lineage.Event) string {
	if e.Type == lineage.Administered {
		if a, ok := lineage.ParseAdministeredUse(e.Detail); ok {
			return a.Words(e.Access.Client)
		}
	}
	return e.Detail
}

// eventID names an event by its content: opaque, and the same whenever it is asked for.
func eventID(e lineage.Event) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d|%d|%v|%v|%v|%q", e.At.UnixNano(), e.Type, e.Topic, e.Group, e.Access, e.Detail))
	return base64.RawURLEncoding.EncodeToString(h[:12])
}

// subjectOf returns the node or the flow that an event is about; both nil: a source.
func (v *View) subjectOf(e *lineage.Event) (*lineage.Node, *lineage.Flow) {
	switch {
	case e.Access.Op != lineage.OpNone:
		x := access{who: &who{far: v.farNode(&e.Access), Access: &e.Access}}
		x.node, _ = v.identity.Resolve(v.clusters.of(e.Access.Topic.Cluster), e.Access, v.knows.Of(e.Access))
		x.node = v.shown(x.node)
		return nil, new(x.flow())
	case e.Access.Client.Mover.Kind != lineage.NoKind: // a job
		x := lineage.Access{Op: lineage.Read, Client: lineage.Client{Mover: e.Access.Client.Mover}}
		n, _ := v.identity.Resolve(lineage.Cluster{}, x, v.knows.Of(x))
		return new(v.shown(n)), nil
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
