package timeseries

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// dated is an event and the round that told it.
type dated struct {
	lineage.Event
	tick int64
}

// addEvents needs mu for writing; the new ones are sorted. The slice is replaced when they do not all come last, so that
// queries may keep what they took.
func (e *engine) addEvents(added []dated) {
	if len(added) == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(e.events, added[0], compareEvents)
	if i == len(e.events) {
		e.events = append(e.events, added...)
		return
	}
	out := make([]dated, i, len(e.events)+len(added)+len(added)/2)
	copy(out, e.events)
	for rest := e.events[i:]; ; {
		switch {
		case len(rest) == 0:
			e.events = append(out, added...)
			return
		case len(added) == 0:
			e.events = append(out, rest...)
			return
		case compareEvents(added[0], rest[0]) < 0:
			out, added = append(out, added[0]), added[1:]
		default:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
}

// compareEvents orders by instant; the rest makes the order the same whatever the order of arrival.
func compareEvents(a, b dated) int {
	if c := cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Type, b.Type), strings.Compare(a.Topic.Name, b.Topic.Name),
		strings.Compare(a.Group.Group, b.Group.Group), strings.Compare(a.Detail, b.Detail), cmp.Compare(a.tick, b.tick)); c != 0 {
		return c
	}
	return strings.Compare(encodeEvent(a.Event), encodeEvent(b.Event))
}

// Events implements Store. An event at the window's start belongs to the window before, as a round does.
func (e *engine) Events(ctx context.Context, w lineage.Window, keep func(lineage.Event) bool, limit int) ([]lineage.Event, error) {
	var found []dated
	v, err := e.view(ctx, w, func(v *view) {
		for _, x := range e.events {
			if x.within(w) {
				found = append(found, x)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	defer v.end()
	for _, b := range v.cover {
		if b.meta.events == 0 || !b.meta.eventMin.Before(w.End) && !b.meta.eventMin.Equal(w.End) || !b.meta.eventMax.After(w.Start) {
			continue
		}
		events, err := e.blockEvents(b)
		if err != nil {
			return nil, err
		}
		for _, x := range events {
			if x.within(w) {
				found = append(found, x)
			}
		}
	}
	slices.SortFunc(found, func(a, b dated) int { return compareEvents(b, a) })
	var out []lineage.Event
	for _, x := range found {
		if x.Type >= lineage.EventTypes || keep != nil && !keep(x.Event) { // of an unknown type: kept for who knows it
			continue
		}
		out = append(out, x.Event)
		if limit > 0 && len(out) == limit {
			break
		}
	}
	return out, nil
}

func (x dated) within(w lineage.Window) bool { return x.At.After(w.Start) && !x.At.After(w.End) }
