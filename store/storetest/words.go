package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// words goes through what the contract says, sentence by sentence, with numbers that can be checked by hand.
func (b *battery) words(t *testing.T) {
	ctx := t.Context()
	s := b.open(t, tick)
	if state, err := s.State(ctx); err != nil || !state.Earliest.IsZero() || len(state.Clusters) != 0 || state.Tick != tick {
		t.Errorf("an empty store says %+v, %v", state, err)
	}
	for n := 1; n <= 5; n++ { // 0, 100, 200, 300, 400: from tick 2 on 10 a second
		check(t, s.Append(ctx, sighted(saw(west, n, writer, lineage.ProducerState, int64(n-1)*100), writer, lineage.ProducerState)))
	}
	key := Key{writer, lineage.Records, lineage.ProducerState}
	amount := func(w lineage.Window) lineage.Amount { t.Helper(); return Ask(t, s, w).Amount(key) }
	rate := func(w lineage.Window, want float64) {
		t.Helper()
		if got, ok := amount(w).Rate(); !ok || got != want {
			t.Errorf("rate in %v is %v %v, want %v", w, got, ok, want)
		}
	}
	// Half-open windows: neighbours add up, and the start's round belongs to the one before.
	rate(ticks(1, 5), 10)
	if a, b := amount(ticks(1, 3)), amount(ticks(3, 5)); a.Total != 200 || b.Total != 200 {
		t.Errorf("two halves have %v and %v, want 200 each", a.Total, b.Total)
	}
	// Zero and unknown are different answers.
	if a := amount(ticks(0, 1)); !a.Known || a.Total != 0 {
		t.Errorf("an observed tick without movement is %+v, want a known zero", a)
	}
	if a := amount(ticks(5, 9)); a.Known {
		t.Errorf("ticks that nobody observed are known: %+v", a)
	}
	// A gap: round 6 is missing, 7 comes with the total over both. The rate is that of what was observed.
	x := saw(west, 7, writer, lineage.ProducerState, 600)
	x.Samples[0].Since = at(5)
	check(t, s.Append(ctx, x))
	if a := amount(ticks(5, 7)); a.Total != 200 || a.Observed != 100 || a.ObservedFor != tick {
		t.Errorf("over a gap: %+v, want a total of 200, 100 of it observed in one tick", a)
	}
	points := Ask(t, s, ticks(4, 8)).Points(tick, key)
	want := []lineage.Point{{At: at(4), Value: 10, OK: true}, {At: at(5)}, {At: at(6), Value: 10, OK: true}, {At: at(7)}}
	if !equal(points, want) {
		t.Errorf("series over a gap: %v, want %v", points, want)
	}
	// A reset: a lower total advances nothing, and the series goes on from it.
	check(t, s.Append(ctx, saw(west, 8, writer, lineage.ProducerState, 50), saw(west, 9, writer, lineage.ProducerState, 80)))
	if a := amount(ticks(7, 9)); a.Total != 30 || !a.Known {
		t.Errorf("over a reset: %+v, want 30", a)
	}
	// A round that tells nothing of the series says that it did not change; one that misses it says nothing.
	missed := round(west, 11)
	missed.Missing = []lineage.Missing{{Reason: "no answer", Share: 0.5, Topics: []lineage.Topic{orders}}}
	check(t, s.Append(ctx, round(west, 10), missed))
	if a := amount(ticks(9, 10)); !a.Known || a.Total != 0 {
		t.Errorf("an unchanged tick is %+v", a)
	}
	if a := amount(ticks(10, 11)); a.Known {
		t.Errorf("a missed tick is %+v", a)
	}
	got := Ask(t, s, ticks(10, 11))
	if row, _ := got.Row(writer); !got.Rows.Unobserved[row] {
		t.Error("a missed access does not count as unobserved")
	}
	c := Ask(t, s, ticks(5, 11)).Coverage()
	if len(c.Gaps) != 2 || c.Gaps[0].Window != ticks(5, 6) || c.Gaps[1].Window != ticks(10, 11) || c.Gaps[1].Reason != "no answer" || c.Complete ||
		!close6(c.ObservedFraction, 4.5/6) {
		t.Errorf("coverage is %+v, want a gap in tick 6 and half of one in 11", c)
	}
	pending(t, s)
	refused(t, s)
	notTold(t, s)
	open(t, s)
	state, err := s.State(ctx)
	check(t, err)
	if !state.Earliest.Equal(at(0)) {
		t.Errorf("earliest is %v, want %v", state.Earliest, at(0))
	}
	if got := state.Clusters; len(got) != 1 || got[0].Source != "west" || !got[0].Round.Equal(at(74)) || !state.Newest().Equal(at(74)) {
		t.Errorf("the clusters are %v, want west at %v", got, at(74))
	}
	if r := state.Resolve(lineage.Window{Start: at(3).Add(1), End: at(5).Add(-1)}); r.Window != ticks(3, 5) || r.Step != tick {
		t.Errorf("resolved to %v", r)
	}
}

// pending has a reader that commits at 30 and 34: what it read between is unknown until then, and spread over that time
// afterwards.
func pending(t *testing.T, s Subject) {
	t.Helper()
	ctx := t.Context()
	gauge := func(o lineage.Observation, v int64) lineage.Observation {
		o.Samples = append(o.Samples, lineage.Sample{Subject: reader, Metric: lineage.Pending, Value: v})
		return o
	}
	check(t, s.Append(ctx, gauge(saw(groups, 30, reader, lineage.GroupOffsets, 100), 0)))
	for n := 31; n <= 33; n++ {
		o := round(groups, n)
		if n == 31 {
			o = gauge(o, 1)
		}
		check(t, s.Append(ctx, o))
	}
	key := Key{reader, lineage.Records, lineage.GroupOffsets}
	got := Ask(t, s, ticks(29, 33))
	if a := got.Amount(key); !a.Pending || a.Total != 100 {
		t.Errorf("before the commit: %+v, want 100 and pending", a)
	}
	if p := got.Points(tick, key); !p[0].OK || p[1].OK || p[3].OK {
		t.Errorf("before the commit: %v, want nothing after the first", p)
	}
	o := gauge(saw(groups, 34, reader, lineage.GroupOffsets, 500), 0)
	o.Samples[0].Since = at(30)
	check(t, s.Append(ctx, o))
	if a := Ask(t, s, ticks(29, 32)).Amount(key); a.Pending || a.Total != 300 {
		t.Errorf("after the commit: %+v, want 100 and half of 400", a)
	}
	if !Ask(t, s, ticks(31, 32)).Moved(reader) {
		t.Error("the reader did not move while its commit was on its way")
	}
	// It commits and reads on in one round: the tick is observed, and more may have moved until its end.
	check(t, s.Append(ctx, gauge(saw(groups, 35, reader, lineage.GroupOffsets, 600), 1)))
	if a := Ask(t, s, ticks(33, 35)).Amount(key); !a.Pending || a.Total != 200 || a.ObservedFor != 2*tick {
		t.Errorf("after a commit and more: %+v, want 200 of two observed ticks, and pending", a)
	}
	check(t, s.Append(ctx, gauge(saw(groups, 36, reader, lineage.GroupOffsets, 600), 0)))
	o = saw(groups, 37, reader, lineage.GroupOffsets, 900)
	o.Samples[0].Since = at(34)
	check(t, s.Append(ctx, o))
	if a := Ask(t, s, ticks(33, 35)).Amount(key); a.Pending || a.Total != 300 {
		t.Errorf("after one that reaches back over it: %+v, want 300 and nothing pending", a)
	}
}

// notTold has a lag that its source can't tell for some rounds, and offsets that were passed and not read: neither is a
// number, and nothing moved by them.
func notTold(t *testing.T, s Subject) {
	t.Helper()
	x := reader
	x.Client = lineage.Client{Group: "lost its offsets"}
	for n, lag := range []int64{7, lineage.Unknown, lineage.Unknown, 4} {
		o := sighted(round(groups, 60+n), x, lineage.GroupMembership)
		o.Samples = []lineage.Sample{{Subject: x, Metric: lineage.Lag, Value: lag}, {Subject: x, Metric: lineage.Skipped, Value: int64(100 * n)}}
		check(t, s.Append(t.Context(), o))
	}
	key := Key{Access: x, Metric: lineage.Lag}
	for n, want := range []lineage.Level{{Value: 7, OK: true}, {}, {}, {Value: 4, OK: true}} {
		if got := Ask(t, s, ticks(59+n, 60+n)).Level(key); got != want {
			t.Errorf("tick %d: level %+v, want %+v", 60+n, got, want)
		}
	}
	if p := Ask(t, s, ticks(59, 63)).Points(tick, key); !p[0].OK || p[1].OK || p[2].OK || !p[3].OK {
		t.Errorf("got %v, want nothing while the lag is not told", p)
	}
	if a := Ask(t, s, ticks(60, 63)).Amount(Key{Access: x, Metric: lineage.Skipped}); a.Total != 300 {
		t.Errorf("skipped %v, want 300", a.Total)
	}
	if Ask(t, s, ticks(59, 63)).Moved(x) {
		t.Error("who only passed offsets moved")
	}
}

// open has a source of every tick that fails at the end, and one of every third tick that is not due there: only of the
// former something may be missing. What the latter counts since its last look shows with the next.
func open(t *testing.T, s Subject) {
	t.Helper()
	ctx := t.Context()
	quick, slow := reader, reader
	quick.Client, slow.Client = lineage.Client{Group: "quick"}, lineage.Client{Group: "slow"}
	for n := 70; n <= 74; n++ {
		o := round(lineage.Source{Cluster: "west", Name: "quick"}, n)
		if n == 74 {
			o.Missing = []lineage.Missing{{Reason: "no answer", Share: 1, All: true}}
		} else {
			o.Samples = []lineage.Sample{{Subject: quick, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n)}}
		}
		check(t, s.Append(ctx, o))
		if n%3 == 0 {
			o := saw(lineage.Source{Cluster: "west", Name: "slow"}, n, slow, lineage.ShareOffsets, int64(n))
			o.Interval = 3 * tick
			check(t, s.Append(ctx, o))
		}
	}
	pending := map[int]bool{72: false, 73: true, 74: true, 76: false} // of the slow one
	for n, want := range map[int][2]bool{72: {}, 73: {}, 74: {true, false}, 76: {true, true}} {
		for _, until := range []bool{false, true} {
			// the window's end, or a later window of which no more can have come
			ask := store.Ask{Window: ticks(n-1, n), Accesses: true, Lookback: Forever}
			if until {
				ask.Window.End, ask.Until = at(n+9), at(n)
			}
			w, err := s.Window(ctx, ask)
			check(t, err)
			for i, a := range w.Rows.Access {
				if a.Client == quick.Client && w.Rows.Open[i] != want[0] || a.Client == slow.Client && w.Rows.Open[i] != want[1] {
					t.Errorf("tick %d: %v is open: %v, want %v", n, a.Client.Group, w.Rows.Open[i], want)
				}
				for j, end := w.Series.Of(int32(i)); j < end; j++ {
					if want := a.Client == slow.Client && pending[n]; w.Series.Amount[j].Pending != want && a.Op == lineage.Read {
						t.Errorf("tick %d: what %v read is pending: %v, want %v", n, a.Client.Group, !want, want)
					}
				}
			}
		}
	}
}

// refused asks and appends what cannot be.
func refused(t *testing.T, s Subject) {
	t.Helper()
	ctx := t.Context()
	got := Ask(t, s, ticks(0, 9))
	if i, ok := got.Find(Key{writer, lineage.Records, lineage.ProducerState}); !ok {
		t.Error("the writer's series is not there")
	} else if _, err := got.Details.Points(ctx, tick/2, []int32{i}); err == nil {
		t.Error("a step of half a tick is answered")
	}
	if _, ok := got.Row(lineage.Access{Topic: orders, Op: lineage.Read}); ok {
		t.Error("there is an access that nobody saw")
	}
	for _, bad := range []lineage.Observation{
		{Source: west, Round: at(50).Add(1), Interval: tick},
		{Source: west, Round: at(50), Interval: tick / 2},
		{Source: west, Round: at(50), Interval: tick, Samples: []lineage.Sample{{Subject: writer, Metric: lineage.Metrics}}},
		{Source: west, Round: at(50), Interval: tick, Samples: []lineage.Sample{{Subject: writer, Metric: lineage.Records, Value: -1}}},
		{Source: west, Round: at(50), Interval: tick, Missing: []lineage.Missing{{Share: 2}}},
		{Source: west, Round: at(50), Interval: tick, Facts: []lineage.Fact{{Key: lineage.FactKey{Kind: lineage.TopicFacts}}}},
		{Round: at(50), Interval: tick},
	} {
		if err := s.Append(ctx, lineage.Observation{Source: west, Round: at(49), Interval: tick}, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if n := Newest(t, s, "west"); n.After(at(40)) {
		t.Errorf("a refused group was taken in part: the newest round is %v", n)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, ofState := s.State(done)
	_, ofWindow := s.Window(done, store.Ask{Window: ticks(0, 9), Accesses: true})
	_, ofEvents := s.Events(done, store.EventFilter{Window: ticks(0, 9)})
	_, _, ofRecord := s.Record(done, store.IdentityRecord)
	_, ofPut := s.PutRecord(done, store.IdentityRecord, nil)
	_, ofPositions := s.Positions(done, west)
	_, ofDetails := got.Details.Evidence(done, ticks(0, 9), []int32{0})
	_, ofReasons := got.Details.Reasons(done, ticks(0, 9), []int32{0})
	for i, err := range []error{ofReasons, ofState, ofWindow, ofEvents, ofRecord, ofPut, ofPositions, ofDetails, s.Append(done, round(west, 51))} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled call %d returns %v", i, err)
		}
	}
}
