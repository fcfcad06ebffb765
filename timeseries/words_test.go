package timeseries_test

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

var (
	west   = lineage.Source{Cluster: "west", Name: "end-offsets"}
	orders = lineage.Topic{Cluster: "w", ID: lineage.TopicID{1}, Name: "orders"}
	writer = lineage.Access{Topic: orders, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
	reader = lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
)

const tick = 10 * time.Second

func at(n int) time.Time { return epoch.Add(time.Duration(n) * tick) }

func ticks(a, b int) lineage.Window { return lineage.Window{Start: at(a), End: at(b)} }

// saw returns a round of a source that saw totals of one access.
func saw(src lineage.Source, n int, a lineage.Access, kind lineage.EvidenceKind, total int64) lineage.Observation {
	o := lineage.Observation{Source: src, Round: at(n), Interval: tick, At: at(n)}
	o.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Records, Evidence: kind, Value: total}}
	return o
}

// testWords goes through what the doc comments of Store say, one by one, with numbers that can be checked by hand.
func testWords(t *testing.T, mk maker) {
	ctx := context.Background()
	o := timeseries.Options{Tick: tick}
	s := mk.open(t, o)
	if !s.Earliest().IsZero() || len(s.Latest()) != 0 {
		t.Error("an empty store has an earliest or a latest round")
	}
	for n := 1; n <= 5; n++ { // 0, 100, 200, 300, 400: from tick 2 on 10 a second
		check(t, s.Append(ctx, saw(west, n, writer, lineage.ProducerState, int64(n-1)*100)))
	}
	id, ok := s.Lookup(writer)
	if !ok {
		t.Fatal("the writer is not in the dictionary")
	}
	key := []lineage.SeriesKey{{Subject: id, Metric: lineage.Records, Evidence: lineage.ProducerState}}
	amount := func(w lineage.Window) lineage.Amount {
		t.Helper()
		a, err := s.Amounts(ctx, w, key)
		check(t, err)
		return a[0]
	}
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
	points, err := s.Series(ctx, ticks(4, 8), tick, key)
	check(t, err)
	want := []lineage.Point{{At: at(4), Value: 10, OK: true}, {At: at(5)}, {At: at(6), Value: 10, OK: true}, {At: at(7)}}
	if !reflect.DeepEqual(points[0], want) {
		t.Errorf("series over a gap: %v, want %v", points[0], want)
	}
	// A reset: a lower total advances nothing, and the series goes on from it.
	check(t, s.Append(ctx, saw(west, 8, writer, lineage.ProducerState, 50), saw(west, 9, writer, lineage.ProducerState, 80)))
	if a := amount(ticks(7, 9)); a.Total != 30 || !a.Known {
		t.Errorf("over a reset: %+v, want 30", a)
	}
	// A round that tells nothing of the series says that it did not change; one that misses it says nothing.
	missed := lineage.Observation{Source: west, Round: at(11), Interval: tick, At: at(11), Missing: []lineage.Missing{{Reason: "no answer", Share: 0.5, Topics: []lineage.Topic{orders}}}}
	check(t, s.Append(ctx, lineage.Observation{Source: west, Round: at(10), Interval: tick, At: at(10)}, missed))
	if a := amount(ticks(9, 10)); !a.Known || a.Total != 0 {
		t.Errorf("an unchanged tick is %+v", a)
	}
	if a := amount(ticks(10, 11)); a.Known {
		t.Errorf("a missed tick is %+v", a)
	}
	unobserved, err := s.Unobserved(ctx, ticks(10, 11), []lineage.SubjectID{id})
	check(t, err)
	if !unobserved.Contains(uint32(id)) {
		t.Error("a missed subject does not count as unobserved")
	}
	c, err := s.Coverage(ctx, ticks(5, 11))
	check(t, err)
	if len(c.Gaps) != 2 || c.Gaps[0].Window != ticks(5, 6) || c.Gaps[1].Window != ticks(10, 11) || c.Gaps[1].Reason != "no answer" || c.Complete ||
		!close6(c.ObservedFraction, 4.5/6) {
		t.Errorf("coverage is %+v, want a gap in tick 6 and half of one in 11", c)
	}
	testPending(t, s)
	testUnknown(t, s)
	testNotTold(t, s)
	testOpen(t, s)
	if got := s.Earliest(); !got.Equal(at(0)) {
		t.Errorf("earliest is %v, want %v", got, at(0))
	}
	if got := s.Latest(); len(got) != 1 || !got["west"].Equal(at(74)) {
		t.Errorf("latest is %v, want %v", got, at(74))
	}
	if r := s.Resolve(lineage.Window{Start: at(3).Add(1), End: at(5).Add(-1)}); r.Window != ticks(3, 5) || r.Step != tick {
		t.Errorf("resolved to %v", r)
	}
}

// testPending has a reader that commits at 30 and 34: what it read between is unknown until then, and spread over that time afterwards.
func testPending(t *testing.T, s timeseries.Store) {
	t.Helper()
	ctx := context.Background()
	groups := lineage.Source{Cluster: "west", Name: "groups"}
	gauge := func(o lineage.Observation, v int64) lineage.Observation {
		o.Samples = append(o.Samples, lineage.Sample{Subject: reader, Metric: lineage.Pending, Value: v})
		return o
	}
	check(t, s.Append(ctx, gauge(saw(groups, 30, reader, lineage.GroupOffsets, 100), 0)))
	for n := 31; n <= 33; n++ {
		o := lineage.Observation{Source: groups, Round: at(n), Interval: tick, At: at(n)}
		if n == 31 {
			o = gauge(o, 1)
		}
		check(t, s.Append(ctx, o))
	}
	id, _ := s.Lookup(reader)
	key := []lineage.SeriesKey{{Subject: id, Metric: lineage.Records, Evidence: lineage.GroupOffsets}}
	a, err := s.Amounts(ctx, ticks(29, 33), key)
	check(t, err)
	if !a[0].Pending || a[0].Total != 100 {
		t.Errorf("before the commit: %+v, want 100 and pending", a[0])
	}
	p, err := s.Series(ctx, ticks(29, 33), tick, key)
	check(t, err)
	if !p[0][0].OK || p[0][1].OK || p[0][3].OK {
		t.Errorf("before the commit: %v, want nothing after the first", p[0])
	}
	o := gauge(saw(groups, 34, reader, lineage.GroupOffsets, 500), 0)
	o.Samples[0].Since = at(30)
	check(t, s.Append(ctx, o))
	a, err = s.Amounts(ctx, ticks(29, 32), key)
	check(t, err)
	if a[0].Pending || a[0].Total != 300 {
		t.Errorf("after the commit: %+v, want 100 and half of 400", a[0])
	}
	moved, err := s.Moved(ctx, ticks(31, 32))
	check(t, err)
	if !moved.Contains(uint32(id)) {
		t.Error("the reader did not move while its commit was on its way")
	}
}

// testNotTold has a lag that its source can't tell for some rounds, and offsets that were passed and not read: neither is a number, and nothing moved by them.
func testNotTold(t *testing.T, s timeseries.Store) {
	t.Helper()
	ctx := context.Background()
	groups := lineage.Source{Cluster: "west", Name: "groups"}
	x := reader
	x.Client = lineage.Client{Group: "lost its offsets"}
	for n, lag := range []int64{7, lineage.Unknown, lineage.Unknown, 4} {
		check(t, s.Append(ctx, lineage.Observation{Source: groups, Round: at(60 + n), Interval: tick, At: at(60 + n), Samples: []lineage.Sample{
			{Subject: x, Metric: lineage.Lag, Value: lag}, {Subject: x, Metric: lineage.Skipped, Value: int64(100 * n)},
		}}))
	}
	id, _ := s.Lookup(x)
	key := []lineage.SeriesKey{{Subject: id, Metric: lineage.Lag}}
	for n, want := range []lineage.Level{{Value: 7, OK: true}, {}, {}, {Value: 4, OK: true}} {
		got, err := s.Levels(ctx, at(60+n), key)
		check(t, err)
		if got[0] != want {
			t.Errorf("tick %d: level %+v, want %+v", 60+n, got[0], want)
		}
	}
	p, err := s.Series(ctx, ticks(59, 63), tick, key)
	check(t, err)
	if !p[0][0].OK || p[0][1].OK || p[0][2].OK || !p[0][3].OK {
		t.Errorf("got %v, want nothing while the lag is not told", p[0])
	}
	a, err := s.Amounts(ctx, ticks(60, 63), []lineage.SeriesKey{{Subject: id, Metric: lineage.Skipped}})
	check(t, err)
	if a[0].Total != 300 {
		t.Errorf("skipped %v, want 300", a[0].Total)
	}
	moved, err := s.Moved(ctx, ticks(59, 63))
	check(t, err)
	if moved.Contains(uint32(id)) {
		t.Error("who only passed offsets moved")
	}
}

// testOpen has a source of every tick that fails at the end, and one of every third tick that is not due there: only of the former something may be missing.
func testOpen(t *testing.T, s timeseries.Store) {
	t.Helper()
	ctx := context.Background()
	quick, slow := reader, reader
	quick.Client, slow.Client = lineage.Client{Group: "quick"}, lineage.Client{Group: "slow"}
	for n := 70; n <= 74; n++ {
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "quick"}, Round: at(n), Interval: tick, At: at(n)}
		if n == 74 {
			o.Missing = []lineage.Missing{{Reason: "no answer", Share: 1, All: true}}
		} else {
			o.Samples = []lineage.Sample{{Subject: quick, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n)}}
		}
		check(t, s.Append(ctx, o))
		if n%3 == 0 {
			check(t, s.Append(ctx, lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "slow"}, Round: at(n), Interval: 3 * tick, At: at(n), Samples: []lineage.Sample{
				{Subject: slow, Metric: lineage.Records, Evidence: lineage.ShareOffsets, Value: int64(n)},
			}}))
		}
	}
	q, _ := s.Lookup(quick)
	w, _ := s.Lookup(slow)
	for n, want := range map[int][2]bool{73: {}, 74: {true, false}, 76: {true, true}} {
		got, err := s.Open(ctx, at(n), []lineage.SubjectID{q, w})
		check(t, err)
		if got.Contains(uint32(q)) != want[0] || got.Contains(uint32(w)) != want[1] {
			t.Errorf("tick %d: open are %v, want %v of %d and %d", n, got, want, q, w)
		}
	}
}

// testUnknown asks for what is not there.
func testUnknown(t *testing.T, s timeseries.Store) {
	t.Helper()
	ctx := context.Background()
	keys := []lineage.SeriesKey{{Subject: 4711, Metric: lineage.Records}, {Subject: 4711, Metric: lineage.Lag}}
	amounts, err := s.Amounts(ctx, ticks(0, 9), keys)
	check(t, err)
	levels, err := s.Levels(ctx, at(9), keys)
	check(t, err)
	series, err := s.Series(ctx, ticks(0, 9), 4*tick, keys)
	check(t, err)
	for i := range keys {
		if amounts[i].Known || levels[i].OK || len(series[i]) != 3 || series[i][0].OK {
			t.Errorf("an unknown key has %v %v %v", amounts[i], levels[i], series[i])
		}
	}
	if _, ok := s.Subject(4711); ok {
		t.Error("there is a subject that was never given")
	}
	if _, ok := s.Subject(0); ok {
		t.Error("there is a subject 0")
	}
	if _, err := s.Series(ctx, ticks(0, 9), tick/2, keys); err == nil {
		t.Error("a step of half a tick is answered")
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
	if l := s.Latest()["west"]; l.After(at(40)) {
		t.Errorf("a refused group was taken in part: latest is %v", l)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Moved(done, ticks(0, 9)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query returns %v", err)
	}
}

// testRecords keeps facts, events, positions and identity, over sealing and restarts.
func testRecords(t *testing.T, mk maker) {
	ctx := context.Background()
	o := timeseries.Options{Tick: tick}
	s := mk.open(t, o)
	topic := lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"}
	fact := func(n, partitions int) lineage.Observation {
		return lineage.Observation{
			Source: west, Round: at(n), Interval: tick, At: at(n),
			Facts: []lineage.Fact{{Key: topic, Topic: &lineage.TopicFact{Topic: orders, Partitions: partitions, Configs: []lineage.Config{{Name: "a", Value: "b"}}}}},
		}
	}
	one, two := fact(10, 3), fact(20, 6)
	one.Events = []lineage.Event{{At: at(10), Type: lineage.TopicCreated, Topic: orders}}
	two.Events = []lineage.Event{{At: at(19).Add(3), Type: lineage.ConfigChanged, Topic: orders, Detail: "x"}, {At: at(20), Type: lineage.FlowStarted, Access: writer}}
	one.Positions = []lineage.Position{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}
	two.Positions = []lineage.Position{{Key: "b"}, {Key: "c", Value: []byte{}}}
	again := fact(15, 3) // the same again: it holds since 10
	gone := lineage.Observation{Source: west, Round: at(30), Interval: tick, At: at(30), Facts: []lineage.Fact{{Key: topic, Gone: true}}}
	check(t, s.Append(ctx, two, gone))
	check(t, s.Append(ctx, one, again))
	for want, record := range map[int]string{1: "rules"} {
		for range 2 {
			if v, err := s.PutRecord(ctx, store.IdentityRecord, []byte(record)); err != nil || v != want {
				t.Fatalf("put a record: version %d, %v, want %d", v, err, want)
			}
		}
	}
	if v, err := s.PutRecord(ctx, store.IdentityRecord, []byte("more rules")); err != nil || v != 2 {
		t.Fatalf("put a record: version %d, %v, want 2", v, err)
	}
	ask := func() {
		t.Helper()
		for n, want := range map[int]int{9: 0, 10: 3, 12: 3, 17: 3, 20: 6, 29: 6, 30: 0} {
			facts, err := s.Facts(ctx, at(n), "west", lineage.TopicFacts, false)
			check(t, err)
			switch {
			case want == 0 && len(facts) > 0:
				t.Errorf("at %d: %v, want none", n, facts)
			case want > 0 && (len(facts) != 1 || facts[0].Topic.Partitions != want || facts[0].Since != map[int]time.Time{3: at(10), 6: at(20)}[want]):
				t.Errorf("at %d: %v, want %d partitions", n, facts, want)
			}
		}
		facts, err := s.Facts(ctx, at(40), "", lineage.TopicFacts, true)
		check(t, err)
		if len(facts) != 1 || !facts[0].Gone || facts[0].Before == nil || facts[0].Before.Topic.Partitions != 6 {
			t.Errorf("the deleted topic is %v", facts)
		}
		if facts, err = s.Facts(ctx, at(20), "east", lineage.TopicFacts, true); err != nil || len(facts) > 0 {
			t.Errorf("another cluster has %v, %v", facts, err)
		}
		for _, c := range []struct {
			w     lineage.Window
			limit int
			types []lineage.EventType
			want  []lineage.EventType
		}{
			{ticks(0, 40), 0, nil, []lineage.EventType{lineage.FlowStarted, lineage.ConfigChanged, lineage.TopicCreated}},
			{ticks(0, 40), 2, nil, []lineage.EventType{lineage.FlowStarted, lineage.ConfigChanged}},
			{ticks(0, 40), 1, []lineage.EventType{lineage.TopicCreated}, []lineage.EventType{lineage.TopicCreated}},
			{ticks(9, 10), 0, nil, []lineage.EventType{lineage.TopicCreated}},
			{ticks(10, 19), 0, nil, nil},
		} {
			events, err := eventsOf(s, c.w, c.limit, c.types...)
			check(t, err)
			var got []lineage.EventType
			for _, e := range events {
				got = append(got, e.Type)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("events in %v: %v, want %v", c.w, got, c.want)
			}
		}
		p, err := s.Positions(ctx, west)
		check(t, err)
		if want := map[string][]byte{"a": []byte("1"), "c": {}}; !reflect.DeepEqual(p, want) {
			t.Errorf("positions are %v, want %v", p, want)
		}
		if v, r, err := s.Record(ctx, store.IdentityRecord); err != nil || v != 2 || string(r) != "more rules" {
			t.Errorf("identity is %d %q %v", v, r, err)
		}
	}
	ask()
	s = mk.again(t, s, o)
	ask()
	check(t, s.Maintain(ctx, epoch.Add(2*time.Hour)))
	ask()
	s = mk.again(t, s, o)
	ask()
	if err := s.Append(ctx, one); err != nil {
		t.Errorf("a sealed round that is held is not ignored: %v", err)
	}
	if err := s.Append(ctx, fact(40, 9), lineage.Observation{Source: west, Round: at(1000), Interval: tick}); !errors.Is(err, timeseries.ErrTooOld) {
		t.Errorf("a late round into a sealed block: %v, want ErrTooOld", err)
	}
	if got := s.Latest()["west"]; !got.Equal(at(30)) {
		t.Errorf("latest is %v, want %v", got, at(30))
	}
}

// testExpected has a source that was said to be expected, then falls silent while another goes on, and one of which nothing is ever seen.
func testExpected(t *testing.T, mk maker) {
	ctx := context.Background()
	o := timeseries.Options{Tick: tick}
	s := mk.open(t, o)
	fact := func(src lineage.Source, f lineage.SourceFact) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: src.Cluster, Kind: lineage.SourceFacts, Name: src.Name}, Source: &f}
	}
	expected := lineage.SourceFact{State: lineage.SourceExpected, Interval: tick}
	groups, never := lineage.Source{Cluster: "west", Name: "groups"}, lineage.Source{Cluster: "west", Name: "never"}
	off := lineage.Source{Cluster: "west", Name: "off"}
	for n := 1; n <= 500; n++ {
		x := lineage.Observation{Source: west, Round: at(n), Interval: tick, At: at(n)}
		switch n {
		case 1:
			x.Facts = []lineage.Fact{fact(west, expected), fact(groups, expected), fact(off, lineage.SourceFact{State: lineage.SourceOff, Reason: "by configuration"})}
		case 300:
			x.Facts = []lineage.Fact{fact(groups, lineage.SourceFact{State: lineage.SourceOff, Reason: "by configuration"}), fact(never, expected)}
		case 450:
			x.Facts = []lineage.Fact{fact(never, lineage.SourceFact{State: lineage.SourceRetired})}
		}
		if n < 100 || n > 400 {
			check(t, s.Append(ctx, x))
		} else if n <= 350 { // all is silent from 350 to 400
			x.At = x.At.Add(1)
			check(t, s.Append(ctx, x))
		}
		if n <= 20 || n == 480 {
			check(t, s.Append(ctx, lineage.Observation{Source: groups, Round: at(n), Interval: tick, At: at(n)}))
		}
	}
	const silent, nothing = "nothing was recorded of a source that was expected, while others went on",
		"nothing was recorded: lineaged was not running, or did not watch this yet"
	ask := func() {
		t.Helper()
		for _, c := range []struct {
			w        lineage.Window
			fraction float64
			gaps     []lineage.Gap
		}{
			{ticks(2, 20), 1, nil},
			{ticks(10, 30), 0.75, []lineage.Gap{{Source: groups, Window: ticks(20, 30), Reason: silent}}},
			{ticks(100, 200), 0.5, []lineage.Gap{{Source: groups, Window: ticks(100, 200), Reason: silent}}}, // silent since long before
			{ticks(290, 310), 20.0 / 40, []lineage.Gap{{Source: groups, Window: ticks(290, 300), Reason: silent}, {Source: never, Window: ticks(300, 310), Reason: silent}}},
			{ticks(310, 320), 0.5, []lineage.Gap{{Source: never, Window: ticks(310, 320), Reason: silent}}},
			{ticks(360, 370), 0, []lineage.Gap{{Source: west, Window: ticks(360, 370), Reason: nothing}, {Source: never, Window: ticks(360, 370), Reason: nothing}}},
			{ticks(460, 470), 1, nil},
			{ticks(475, 485), 1, nil}, // one that is off and observes all the same
		} {
			got, err := s.Coverage(ctx, c.w, "west")
			check(t, err)
			slices.SortFunc(c.gaps, func(a, b lineage.Gap) int {
				return cmp.Or(a.Window.Start.Compare(b.Window.Start), strings.Compare(a.Source.Name, b.Source.Name))
			})
			if !close6(got.ObservedFraction, c.fraction) || got.Complete != (c.gaps == nil) || !slices.Equal(got.Gaps, c.gaps) {
				t.Errorf("coverage from %v: %+v, want %v of it and %+v", c.w.Start.Sub(epoch)/tick, got, c.fraction, c.gaps)
			}
		}
	}
	ask()
	s = mk.again(t, s, o)
	ask()
	check(t, s.Maintain(ctx, at(1000)))
	ask()
	s = mk.again(t, s, o)
	ask()
	bad := lineage.Observation{Source: west, Round: at(501), Interval: tick, Facts: []lineage.Fact{fact(west, lineage.SourceFact{State: lineage.SourceExpected})}}
	if err := s.Append(ctx, bad); err == nil {
		t.Error("a source is expected at no interval")
	}
}

func TestClosed(t *testing.T) {
	ctx := context.Background()
	s := timeseries.NewMemory(timeseries.Options{})
	check(t, s.Close())
	check(t, s.Close())
	_, moved := s.Moved(ctx, ticks(0, 1))
	for _, err := range []error{s.Append(ctx, saw(west, 1, writer, lineage.ProducerState, 1)), moved, s.Maintain(ctx, epoch)} {
		if !errors.Is(err, timeseries.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
