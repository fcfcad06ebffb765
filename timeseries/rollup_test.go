package timeseries_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// told is how long after they were the ends of steady's flows are told.
const told = 90 * time.Minute

// steady appends hours of a writer of 10 records a second, a lag that is the hour, and one missed tick in hour 3.
func steady(t *testing.T, s timeseries.Store, step time.Duration, from, to int) {
	t.Helper()
	ctx := context.Background()
	perHour := int(time.Hour / step)
	for n := from*perHour + 1; n <= to*perHour; n++ {
		if n == 3*perHour+7 {
			continue
		}
		o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * step), Interval: step}
		o.At = o.Round
		o.Samples = []lineage.Sample{
			{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n) * int64(step/time.Second) * 10},
			{Subject: reader, Metric: lineage.Lag, Value: int64(n / perHour)},
		}
		o.Sightings = []lineage.Sighting{{Access: reader, Evidence: lineage.GroupMembership}}
		if n == 3*perHour+8 {
			o.Samples[0].Since = o.Round.Add(-2 * step)
		}
		if n%perHour == 0 {
			o.Events = []lineage.Event{{At: o.Round, Type: lineage.ConfigChanged, Topic: orders}}
			// an end is told after it was
			o.Events = append(o.Events, lineage.Event{At: o.Round.Add(-told), Type: lineage.FlowStopped, Access: writer})
		}
		check(t, s.Append(ctx, o))
		if n%perHour == perHour/2 {
			check(t, s.Maintain(ctx, o.Round))
		}
	}
}

func close6(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }

func resolve(t testing.TB, s store.Reader, w lineage.Window) lineage.Resolved {
	t.Helper()
	state, err := s.State(t.Context())
	check(t, err)
	return state.Resolve(w)
}

func eventsOf(s store.Reader, w lineage.Window) ([]lineage.Event, error) {
	got, err := s.Events(context.Background(), store.EventFilter{Window: w})
	return got.List, err
}

func hours(a, b int) lineage.Window {
	return lineage.Window{Start: epoch.Add(time.Duration(a) * time.Hour), End: epoch.Add(time.Duration(b) * time.Hour)}
}

// testRollup asks about a time that only coarser tiers hold: totals are the same, gaps are still gaps.
func testRollup(t *testing.T, mk maker) {
	ctx := context.Background()
	step := 30 * time.Second
	o := timeseries.Options{Tick: step, Retention: timeseries.Retention{Raw: 2 * time.Hour, Minute: 30 * time.Hour, Hour: 1000 * time.Hour}}
	s := mk.open(t, o)
	steady(t, s, step, 0, 60)
	check(t, s.Maintain(ctx, epoch.Add(60*time.Hour)))
	s, err := mk.again(t, s, o)
	check(t, err)
	records, lag := storetest.Key{Access: writer, Metric: lineage.Records, Evidence: lineage.ProducerState}, storetest.Key{Access: reader, Metric: lineage.Lag}
	r := resolve(t, s, lineage.Window{Start: epoch.Add(2*time.Hour + time.Second), End: epoch.Add(6 * time.Hour)})
	if r.Window != hours(2, 6).Overlap(r.Window) || r.Step != time.Minute || !r.Start.Equal(epoch.Add(2*time.Hour)) {
		t.Fatalf("resolved to %v, want minutes", r)
	}
	for _, w := range []lineage.Window{hours(2, 6), hours(0, 60), hours(20, 59), hours(59, 60), {Start: epoch.Add(3*time.Hour + 5*time.Minute), End: epoch.Add(50 * time.Hour)}} {
		a := storetest.Ask(t, s, w).Amount(records)
		rate, ok := a.Rate()
		if !close6(a.Total, w.Duration().Seconds()*10) || !ok || !close6(rate, 10) || !a.Known {
			t.Errorf("in %v: %+v, want 10 a second", w, a)
		}
	}
	got := storetest.Ask(t, s, hours(2, 6))
	lags := got.Points(time.Minute, lag)
	for i, p := range got.Points(time.Minute, records) {
		gap := i == 60+3 // the minute that holds the missed tick
		if p.OK == gap || !gap && !close6(p.Value, 10) {
			t.Errorf("minute %d: %v", i, p)
		}
		if lag := lags[i]; lag.OK == gap || !gap && lag.Value != float64(2+(i+1)/60) {
			t.Errorf("minute %d: lag %v", i, lag)
		}
	}
	c := got.Coverage()
	if len(c.Gaps) != 1 || c.Complete || c.Gaps[0].Window.Duration() != time.Minute || !close6(c.ObservedFraction, 1-0.5/240) {
		t.Errorf("coverage %+v, want one gap of a minute, half of it observed", c)
	}
	if l := storetest.Ask(t, s, lineage.Window{Start: epoch, End: epoch.Add(5*time.Hour + 30*time.Second)}).Level(lag); l != (lineage.Level{Value: 5, OK: true}) {
		t.Errorf("the lag in hour 5 is %v", l)
	}
	events, err := eventsOf(s, hours(0, 60))
	check(t, err)
	if len(events) != 60+59 || !events[118].At.Equal(epoch.Add(2*time.Hour-told)) { // the first was before the window
		t.Errorf("%d events, want 119", len(events))
	}
	for h := 1; h < 58; h++ { // each hour has its own, wherever its round lies
		events, err := eventsOf(s, hours(h, h+1))
		check(t, err)
		if len(events) != 2 || events[1].Type != lineage.FlowStopped || !events[1].At.Equal(epoch.Add(time.Duration(h+2)*time.Hour-told)) {
			t.Errorf("hour %d: events %v", h, events)
		}
	}
	got = storetest.Ask(t, s, hours(2, 3))
	if !got.Moved(writer) || got.Moved(reader) {
		t.Errorf("moved: the writer %v, the reader %v", got.Moved(writer), got.Moved(reader))
	}
	if e := got.Evidence(writer); len(e) != 1 || !e[0].FirstSeen.Equal(epoch.Add(step)) || !e[0].LastSeen.Equal(epoch.Add(3*time.Hour)) {
		t.Errorf("evidence %v", e)
	}
	got = storetest.Ask(t, s, hours(4, 5))
	if last, none := got.LastMoved(writer), got.LastMoved(reader); !last.Equal(epoch.Add(5*time.Hour)) || !none.IsZero() {
		t.Errorf("last moved %v and %v", last, none)
	}
}

// testRetention lets each tier go in its time, then the subject itself.
func testRetention(t *testing.T, mk maker) {
	ctx := context.Background()
	step := 5 * time.Minute
	o := timeseries.Options{Tick: step, Retention: timeseries.Retention{Raw: time.Hour, Minute: 5 * 24 * time.Hour, Hour: 20 * 24 * time.Hour}}
	s := mk.open(t, o)
	steady(t, s, step, 0, 48)
	check(t, s.Maintain(ctx, epoch.Add(48*time.Hour)))
	if r := resolve(t, s, hours(1, 2)); r.Step != step {
		t.Errorf("hour 1 is answered by %v: the minute tier's step is never less than a tick", r.Step)
	}
	later := epoch.Add(30 * 24 * time.Hour)
	other := lineage.Source{Cluster: "west", Name: "groups"}
	for n := range 3 * 288 { // three days of another source, long after
		x := lineage.Observation{Source: other, Round: later.Add(time.Duration(n) * step), Interval: step, At: later}
		x.Samples = []lineage.Sample{{Subject: reader, Metric: lineage.Lag, Value: int64(n)}}
		x.Sightings = []lineage.Sighting{{Access: reader, Evidence: lineage.GroupMembership}}
		check(t, s.Append(ctx, x))
		if n%12 == 0 {
			check(t, s.Maintain(ctx, x.Round))
		}
	}
	s, err := mk.again(t, s, o)
	check(t, err)
	check(t, s.Maintain(ctx, later.Add(72*time.Hour)))
	all := lineage.Window{Start: epoch, End: later.Add(90 * time.Hour)}
	if _, ok := storetest.Ask(t, s, all).Row(writer); ok || s.Stats().Subjects != 1 {
		t.Errorf("a writer that no tier knows any more is there: %v, of %d", ok, s.Stats().Subjects)
	}
	if _, ok := storetest.Ask(t, s, all).Row(reader); !ok {
		t.Fatal("the reader has left the dictionary")
	}
	if state, err := s.State(ctx); err != nil || state.Earliest.Before(later.Add(-time.Hour)) {
		t.Errorf("earliest is %v, long dropped, %v", state.Earliest, err)
	}
	if r := resolve(t, s, hours(1, 2)); r.Step != time.Hour {
		t.Errorf("a time that was dropped is answered by %v", r.Step)
	}
	check(t, s.Append(ctx, lineage.Observation{Source: west, Round: later.Add(80 * time.Hour), Interval: step, Samples: []lineage.Sample{{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: 1}}}))
	for range 2 {
		got := storetest.Ask(t, s, all)
		if row, ok := got.Row(writer); !ok || !got.Rows.FirstSeen[row].Equal(later.Add(80*time.Hour)) {
			t.Errorf("the writer that came back is there: %v, and not as a new one", ok)
		}
		if _, ok := got.Row(reader); !ok {
			t.Error("the reader is gone")
		}
		s, err = mk.again(t, s, o)
		check(t, err)
	}
	if st := s.Stats(); st.Subjects != 2 || st.Series == 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestRolledCommits rolls up a reader that commits every four minutes: what it read is still spread over the time
// between two commits.
func TestRolledCommits(t *testing.T) {
	ctx := context.Background()
	step := 30 * time.Second
	s := timeseries.NewMemory(quiet(timeseries.Options{Tick: step, Retention: timeseries.Retention{Raw: time.Hour, Minute: 100 * time.Hour, Hour: 1000 * time.Hour}}))
	defer func() { check(t, s.Close()) }()
	for n := 1; n <= 50*120; n++ {
		o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * step), Interval: step}
		o.At = o.Round
		if n%8 == 0 {
			o.Samples = []lineage.Sample{{Subject: reader, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n) * 30, Since: o.Round.Add(-8 * step)}}
		}
		check(t, s.Append(ctx, o))
		if n%120 == 0 {
			check(t, s.Maintain(ctx, o.Round))
		}
	}
	w := hours(2, 3)
	if r := resolve(t, s, w); r.Step != time.Minute {
		t.Fatalf("resolved to %v, want minutes", r)
	}
	key := storetest.Key{Access: reader, Metric: lineage.Records, Evidence: lineage.GroupOffsets}
	for i, p := range storetest.Ask(t, s, w).Points(time.Minute, key) {
		if !p.OK || !close6(p.Value, 1) {
			t.Errorf("minute %d: %v, want 1 a second", i, p)
		}
	}
	for _, w := range []lineage.Window{w, {Start: epoch.Add(61 * time.Minute), End: epoch.Add(63 * time.Minute)}} {
		if a := storetest.Ask(t, s, w).Amount(key); !close6(a.Total, w.Duration().Seconds()) || !close6(a.Observed, a.Total) {
			t.Errorf("in %v: %+v, want 1 a second", w, a)
		}
	}
	if !storetest.Ask(t, s, lineage.Window{Start: epoch.Add(61 * time.Minute), End: epoch.Add(62 * time.Minute)}).Moved(reader) {
		t.Error("the reader did not move between two commits")
	}
}

func TestClosed(t *testing.T) {
	s := timeseries.NewMemory(timeseries.Options{})
	check(t, s.Append(t.Context(), saw(west, 1, writer, lineage.ProducerState, 1)))
	got := storetest.Ask(t, s, ticks(0, 1))
	check(t, s.Close())
	check(t, s.Close())
	_, ofState := s.State(t.Context())
	_, ofWindow := s.Window(t.Context(), store.Ask{Window: ticks(0, 1), Accesses: true})
	_, ofEvents := s.Events(t.Context(), store.EventFilter{})
	_, ofDetails := got.Details.Evidence(t.Context(), ticks(0, 1), []int32{0})
	_, ofPositions := s.Positions(t.Context(), west)
	_, _, ofRecord := s.Record(t.Context(), store.IdentityRecord)
	_, ofPut := s.PutRecord(t.Context(), store.IdentityRecord, nil)
	all := []error{
		s.Append(t.Context(), saw(west, 2, writer, lineage.ProducerState, 1)), s.Maintain(t.Context(), epoch), ofState, ofWindow, ofEvents, ofDetails,
		ofPositions, ofRecord, ofPut,
	}
	for _, err := range s.Rounds(t.Context(), 0) {
		all = append(all, err)
	}
	for i, err := range all[:9] {
		if !errors.Is(err, timeseries.ErrClosed) {
			t.Errorf("after Close call %d returns %v", i, err)
		}
	}
	if n := len(all); n != 9+2 || all[9] != nil || !errors.Is(all[10], timeseries.ErrClosed) {
		// a round that was, and then the end
		t.Errorf("after Close a watcher is told %v", all[9:])
	}
}
