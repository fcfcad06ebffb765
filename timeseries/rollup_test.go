package timeseries_test

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
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
		if n == 3*perHour+8 {
			o.Samples[0].Since = o.Round.Add(-2 * step)
		}
		if n%perHour == 0 {
			o.Events = []lineage.Event{{At: o.Round, Type: lineage.ConfigChanged, Topic: orders}}
			o.Events = append(o.Events, lineage.Event{At: o.Round.Add(-told), Type: lineage.FlowStopped, Access: writer}) // an end is told after it was
		}
		check(t, s.Append(ctx, o))
		if n%perHour == perHour/2 {
			check(t, s.Maintain(ctx, o.Round))
		}
	}
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
	s = mk.again(t, s, o)
	id, _ := s.Lookup(writer)
	lagID, _ := s.Lookup(reader)
	keys := []lineage.SeriesKey{{Subject: id, Metric: lineage.Records, Evidence: lineage.ProducerState}, {Subject: lagID, Metric: lineage.Lag}}
	r := s.Resolve(lineage.Window{Start: epoch.Add(2*time.Hour + time.Second), End: epoch.Add(6 * time.Hour)})
	if r.Window != hours(2, 6).Overlap(r.Window) || r.Step != time.Minute || !r.Start.Equal(epoch.Add(2*time.Hour)) {
		t.Fatalf("resolved to %v, want minutes", r)
	}
	for _, w := range []lineage.Window{hours(2, 6), hours(0, 60), hours(20, 59), hours(59, 60), {Start: epoch.Add(3*time.Hour + 5*time.Minute), End: epoch.Add(50 * time.Hour)}} {
		a, err := s.Amounts(ctx, w, keys)
		check(t, err)
		rate, ok := a[0].Rate()
		if !close6(a[0].Total, w.Duration().Seconds()*10) || !ok || !close6(rate, 10) || !a[0].Known {
			t.Errorf("in %v: %+v, want 10 a second", w, a[0])
		}
	}
	points, err := s.Series(ctx, hours(2, 6), time.Minute, keys)
	check(t, err)
	for i, p := range points[0] {
		gap := i == 60+3 // the minute that holds the missed tick
		if p.OK == gap || !gap && !close6(p.Value, 10) {
			t.Errorf("minute %d: %v", i, p)
		}
		if lag := points[1][i]; lag.OK == gap || !gap && lag.Value != float64(2+(i+1)/60) {
			t.Errorf("minute %d: lag %v", i, lag)
		}
	}
	c, err := s.Coverage(ctx, hours(2, 6))
	check(t, err)
	if len(c.Gaps) != 1 || c.Complete || c.Gaps[0].Window.Duration() != time.Minute || !close6(c.ObservedFraction, 1-0.5/240) {
		t.Errorf("coverage %+v, want one gap of a minute, half of it observed", c)
	}
	levels, err := s.Levels(ctx, epoch.Add(5*time.Hour+30*time.Second), keys)
	check(t, err)
	if levels[1] != (lineage.Level{Value: 5, OK: true}) {
		t.Errorf("the lag in hour 5 is %v", levels[1])
	}
	events, err := eventsOf(s, hours(0, 60), 0)
	check(t, err)
	if len(events) != 60+59 || !events[118].At.Equal(epoch.Add(2*time.Hour-told)) { // the first was before the window
		t.Errorf("%d events, want 119", len(events))
	}
	for h := 1; h < 58; h++ { // each hour has its own, wherever its round lies
		events, err := eventsOf(s, hours(h, h+1), 0)
		check(t, err)
		if len(events) != 2 || events[1].Type != lineage.FlowStopped || !events[1].At.Equal(epoch.Add(time.Duration(h+2)*time.Hour-told)) {
			t.Errorf("hour %d: events %v", h, events)
		}
	}
	moved, err := s.Moved(ctx, hours(2, 3))
	check(t, err)
	if got := ids(moved); len(got) != 1 || got[0] != uint32(id) {
		t.Errorf("moved: %v", got)
	}
	evidence, err := s.Evidence(ctx, hours(2, 3), []lineage.SubjectID{id})
	check(t, err)
	if len(evidence[0]) != 1 || !evidence[0][0].FirstSeen.Equal(epoch.Add(step)) || !evidence[0][0].LastSeen.Equal(epoch.Add(3*time.Hour)) {
		t.Errorf("evidence %v", evidence)
	}
	last, err := s.LastMoved(ctx, epoch.Add(5*time.Hour), time.Hour, []lineage.SubjectID{id, lagID})
	check(t, err)
	if !last[0].Equal(epoch.Add(5*time.Hour)) || !last[1].IsZero() {
		t.Errorf("last moved %v", last)
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
	if r := s.Resolve(hours(1, 2)); r.Step != step {
		t.Errorf("hour 1 is answered by %v: the minute tier's step is never less than a tick", r.Step)
	}
	later := epoch.Add(30 * 24 * time.Hour)
	other := lineage.Source{Cluster: "west", Name: "groups"}
	for n := range 3 * 288 { // three days of another source, long after
		x := lineage.Observation{Source: other, Round: later.Add(time.Duration(n) * step), Interval: step, At: later}
		x.Samples = []lineage.Sample{{Subject: reader, Metric: lineage.Lag, Value: int64(n)}}
		check(t, s.Append(ctx, x))
		if n%12 == 0 {
			check(t, s.Maintain(ctx, x.Round))
		}
	}
	s = mk.again(t, s, o)
	check(t, s.Maintain(ctx, later.Add(72*time.Hour)))
	if _, ok := s.Lookup(writer); ok {
		t.Error("a writer that no tier knows any more is in the dictionary")
	}
	id, ok := s.Lookup(reader)
	if !ok {
		t.Fatal("the reader has left the dictionary")
	}
	if got := s.Earliest(); got.Before(later.Add(-time.Hour)) {
		t.Errorf("earliest is %v, long dropped", got)
	}
	if r := s.Resolve(hours(1, 2)); r.Step != time.Hour {
		t.Errorf("a time that was dropped is answered by %v", r.Step)
	}
	check(t, s.Append(ctx, lineage.Observation{Source: west, Round: later.Add(80 * time.Hour), Interval: step, Samples: []lineage.Sample{{Subject: writer, Metric: lineage.Appended, Value: 1}}}))
	if again, ok := s.Lookup(writer); !ok || again <= id {
		t.Errorf("the writer that came back has id %d, want a new one above %d", again, id)
	}
	s = mk.again(t, s, o)
	if got, ok := s.Subject(id); !ok || got.Access != reader {
		t.Errorf("subject %d is %v after a restart", id, got)
	}
	if st := s.Stats(); st.Subjects != 2 || st.Series == 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestRolledCommits rolls up a reader that commits every four minutes: what it read is still spread over the time between two commits.
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
	if r := s.Resolve(w); r.Step != time.Minute {
		t.Fatalf("resolved to %v, want minutes", r)
	}
	id, _ := s.Lookup(reader)
	keys := []lineage.SeriesKey{{Subject: id, Metric: lineage.Records, Evidence: lineage.GroupOffsets}}
	points, err := s.Series(ctx, w, time.Minute, keys)
	check(t, err)
	for i, p := range points[0] {
		if !p.OK || !close6(p.Value, 1) {
			t.Errorf("minute %d: %v, want 1 a second", i, p)
		}
	}
	for _, w := range []lineage.Window{w, {Start: epoch.Add(61 * time.Minute), End: epoch.Add(63 * time.Minute)}} {
		a, err := s.Amounts(ctx, w, keys)
		check(t, err)
		if !close6(a[0].Total, w.Duration().Seconds()) || !close6(a[0].Observed, a[0].Total) {
			t.Errorf("in %v: %+v, want 1 a second", w, a[0])
		}
	}
	moved, err := s.Moved(ctx, lineage.Window{Start: epoch.Add(61 * time.Minute), End: epoch.Add(62 * time.Minute)})
	check(t, err)
	if !moved.Contains(uint32(id)) {
		t.Error("the reader did not move between two commits")
	}
}
