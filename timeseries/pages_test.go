package timeseries

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// eventWorld is a store and all events that it was told, in no order.
type eventWorld struct {
	s      *Disk
	dir    string
	events []dated
}

// tell appends an hour of rounds of two sources that tell events: few kinds at few instants, some of them twice, many
// of which happened earlier.
func (w *eventWorld) tell(t *testing.T, r *rand.Rand, hour int) {
	t.Helper()
	var obs []lineage.Observation
	for n := hour*60 + 1; n <= hour*60+60; n += 1 + r.IntN(12) {
		o := lineage.Observation{Source: testSource, Round: testStart.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		for range r.IntN(5) {
			back := []int{0, 0, 0, 1, 59, 60, 61, 90}[r.IntN(8)]
			o.Events = append(o.Events, lineage.Event{
				At: o.Round.Add(-time.Duration(back) * time.Minute), Type: []lineage.EventType{lineage.TopicCreated, lineage.ConfigChanged}[r.IntN(2)],
				Topic: lineage.Topic{Cluster: "w", Name: string(rune('a' + r.IntN(2)))}, Detail: string(rune('x' + r.IntN(2))),
			})
		}
		obs = append(obs, o)
		if r.IntN(2) == 0 { // another says the same
			o.Source.Name = "other"
			obs = append(obs, o)
		}
	}
	r.Shuffle(len(obs), func(i, j int) { obs[i], obs[j] = obs[j], obs[i] })
	must(t, w.s.Append(t.Context(), obs...))
	for _, o := range obs {
		for _, x := range o.Events {
			w.events = append(w.events, dated{Event: x, tick: w.s.floor(o.Round)})
		}
	}
}

// in returns what is to be answered of a window, the newest first.
func (w *eventWorld) in(win lineage.Window, types []lineage.EventType) []lineage.Event {
	all := slices.Clone(w.events)
	slices.SortFunc(all, func(a, b dated) int { return compareEvents(&b, &a) })
	var out []lineage.Event
	for _, x := range all {
		if x.At.After(win.Start) && !x.At.After(win.End) && (len(types) == 0 || slices.Contains(types, x.Type)) {
			out = append(out, x.Event)
		}
	}
	return out
}

func (w *eventWorld) again(t *testing.T) {
	t.Helper()
	must(t, w.s.Close())
	s, err := Open(w.dir, testOpts)
	must(t, err)
	w.s = s
}

// TestPagesOfEvents asks for windows that begin and end at and beside the borders of blocks, page by page, with
// restarts, seals and newer rounds between two pages: the pages together are the list that was told, each event as
// often as it was told.
func TestPagesOfEvents(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 9))
	w := &eventWorld{dir: t.TempDir()}
	var err error
	w.s, err = Open(w.dir, testOpts)
	must(t, err)
	hour := 0
	for ; hour < 6; hour++ {
		w.tell(t, r, hour)
	}
	pages, sealed := 0, int64(0)
	for range 150 {
		a := 60*r.IntN(4) + r.IntN(3) - 1
		win := lineage.Window{
			Start: testStart.Add(time.Duration(a) * time.Minute),
			End:   testStart.Add(time.Duration(a+[]int{1, 59, 60, 61, 200}[r.IntN(5)]) * time.Minute),
		}
		f := store.EventFilter{Window: win, Limit: 1 + r.IntN(9)}
		if r.IntN(2) == 0 {
			f.Types = []lineage.EventType{lineage.ConfigChanged}
		}
		want := w.in(win, f.Types)
		var got []lineage.Event
		for {
			page, err := w.s.Events(t.Context(), f)
			must(t, err)
			if pages++; len(page.List) > f.Limit || len(page.List) == 0 && page.Next != "" {
				t.Fatalf("a page of %d events, at most %d were asked for, and the next is %q", len(page.List), f.Limit, page.Next)
			}
			got = append(got, page.List...)
			if f.After = page.Next; f.After == "" {
				break
			}
			switch r.IntN(60) {
			case 0:
				w.again(t)
			case 1:
				if hour < 12 && a < 60*(hour-2)-200 { // what it tells is after the window
					w.tell(t, r, hour)
					hour++
				}
			case 2:
				must(t, w.s.Maintain(t.Context(), testStart.Add(time.Duration(hour)*time.Hour)))
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("in %v by %d: %d events, want %d\n%v\n%v", win, f.Limit, len(got), len(want), got, want)
		}
		sealed = max(sealed, w.s.sealed)
	}
	if pages < 300 || sealed == 0 || len(w.s.events) == 0 {
		t.Errorf("%d pages, sealed up to %d, %d events are open", pages, sealed, len(w.s.events))
	}
	must(t, w.s.Close())
}

// TestCursorsOfOthers asks with what no store gave.
func TestCursorsOfOthers(t *testing.T) {
	s := NewMemory(testOpts)
	o := testRound(1)
	o.Events = []lineage.Event{{At: o.Round, Type: lineage.TopicCreated}, {At: o.Round, Type: lineage.ConfigChanged}}
	must(t, s.Append(t.Context(), o))
	f := store.EventFilter{Window: lineage.Window{Start: testStart, End: o.Round}, Limit: 1}
	page, err := s.Events(t.Context(), f)
	must(t, err)
	for i := 1; i < len(page.Next); i++ {
		f.After = page.Next[:i]
		if _, err := s.Events(context.Background(), f); !errors.Is(err, store.ErrCursor) {
			t.Errorf("%d letters of a cursor of %d: %v", i, len(page.Next), err)
		}
	}
	must(t, s.Close())
}
