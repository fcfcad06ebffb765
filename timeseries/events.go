package timeseries

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// dated is an event and the round that told it.
type dated struct {
	lineage.Event
	tick int64
}

// addEvents needs mu for writing; the new ones are sorted, and not the caller's any more. The slice is replaced when
// they do not all come last, so that queries may keep what they took.
func (e *engine) addEvents(added []dated) {
	if len(added) == 0 {
		return
	}
	if len(e.events) == 0 {
		e.events = added
		return
	}
	i, _ := slices.BinarySearchFunc(e.events, &added[0], func(x dated, of *dated) int { return compareEvents(&x, of) })
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
		case compareEvents(&added[0], &rest[0]) < 0:
			out, added = append(out, added[0]), added[1:]
		default:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
}

// compareEvents orders by instant; the rest makes the order the same whatever the order of arrival. Many events are of
// one instant, so nothing is compared that need not be.
func compareEvents(a, b *dated) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	if c := strings.Compare(a.Topic.Name, b.Topic.Name); c != 0 {
		return c
	}
	if c := strings.Compare(a.Group.Group, b.Group.Group); c != 0 {
		return c
	}
	if c := cmp.Or(strings.Compare(a.Detail, b.Detail), cmp.Compare(a.tick, b.tick)); c != 0 {
		return c
	}
	return strings.Compare(encodeEvent(a.Event), encodeEvent(b.Event))
}

// Events implements store.Reader.
func (e *engine) Events(ctx context.Context, f store.EventFilter) (store.Events, error) {
	after, equal, err := readCursor(f.After)
	if err != nil {
		return store.Events{}, err
	}
	w := f.Window
	if f.After != "" && after.At.Before(w.End) {
		w.End = after.At
	}
	found, err := e.eventsIn(ctx, w)
	if err != nil {
		return store.Events{}, fmt.Errorf("read events: %w", err)
	}
	sortLarge(found, compareEvents)
	var out store.Events
	last, told := after, equal
	for _, x := range slices.Backward(found) {
		switch {
		case x.Type >= lineage.EventTypes: // of an unknown type: kept for who knows it
			continue
		case len(f.Types) > 0 && !slices.Contains(f.Types, x.Type):
			continue
		}
		if f.After != "" {
			c := compareEvents(&x, &after)
			if c == 0 {
				equal--
			}
			if c > 0 || c == 0 && equal >= 0 {
				continue
			}
		}
		if f.Limit > 0 && len(out.List) == f.Limit {
			out.Next = cursorOf(last, told)
			return out, nil
		}
		if told > 0 && compareEvents(&x, &last) != 0 {
			told = 0
		}
		out.List, last, told = append(out.List, x.Event), x, told+1
	}
	return out, nil
}

// cursorOf names the place after an event, and how many there were that are equal to it: two sources may tell the same.
func cursorOf(x dated, equal int64) store.Cursor {
	var w writer
	w.uint(uint64(x.tick))
	w.uint(uint64(equal))
	w.event(x.Event)
	return store.Cursor(base64.RawURLEncoding.EncodeToString(w.b))
}

func readCursor(c store.Cursor) (x dated, equal int64, err error) {
	if c == "" {
		return dated{}, 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		return dated{}, 0, store.ErrCursor
	}
	r := reader{b: b}
	x.tick, equal, x.Event = r.tick(), r.tick(), r.event()
	if r.end() != nil {
		return dated{}, 0, store.ErrCursor
	}
	return x, equal, nil
}

// eventsIn returns the events of a window, in no order.
func (e *engine) eventsIn(ctx context.Context, w lineage.Window) ([]dated, error) {
	var found []dated
	v, err := e.view(ctx, w, func(*view) {
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
	return found, nil
}

func (x dated) within(w lineage.Window) bool { return x.At.After(w.Start) && !x.At.After(w.End) }
