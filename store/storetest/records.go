package storetest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

func factsAt(t *testing.T, s store.Reader, at time.Time, kind lineage.FactKind) []lineage.DatedFact {
	t.Helper()
	w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at, End: at}, Facts: []lineage.FactKind{kind}})
	check(t, err)
	return w.FactsOf(kind)
}

// records keeps facts, positions and small records, over maintenance and restarts.
func (b *battery) records(t *testing.T) {
	ctx := t.Context()
	s := b.open(t, tick)
	topic := lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"}
	fact := func(n, partitions int) lineage.Observation {
		o := round(west, n)
		o.Facts = []lineage.Fact{{Key: topic, Topic: &lineage.TopicFact{Topic: orders, Partitions: partitions, Configs: []lineage.Config{{Name: "a", Value: "b"}}}}}
		return o
	}
	one, two := fact(10, 3), fact(20, 6)
	one.Positions = []lineage.Position{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}
	two.Positions = []lineage.Position{{Key: "b"}, {Key: "c", Value: []byte{}}}
	again := fact(15, 3) // the same again: it holds since 10
	gone := round(west, 30)
	gone.Facts = []lineage.Fact{{Key: topic, Gone: true}}
	check(t, s.Append(ctx, two, gone))
	check(t, s.Append(ctx, one, again))
	put := func(kind store.RecordKind, record string, want int) {
		t.Helper()
		for range 2 {
			if v, err := s.PutRecord(ctx, kind, []byte(record)); err != nil || v != want {
				t.Fatalf("put a record: version %d, %v, want %d", v, err, want)
			}
		}
	}
	put(store.IdentityRecord, "rules", 1)
	put("another", "rules", 1) // kinds have versions of their own
	put(store.IdentityRecord, "more rules", 2)
	put(store.IdentityRecord, "", 3)
	if _, err := s.PutRecord(ctx, "", []byte("x")); err == nil {
		t.Error("a record without a kind is kept")
	}
	ask := func() {
		t.Helper()
		for n, want := range map[int]int{9: 0, 10: 3, 12: 3, 17: 3, 20: 6, 29: 6, 30: -1, 40: -1} {
			facts := factsAt(t, s, at(n), lineage.TopicFacts)
			switch {
			case want == 0 && len(facts) > 0:
				t.Errorf("at %d: %v, want none", n, facts)
			case want < 0 && (len(facts) != 1 || !facts[0].Gone || facts[0].Before == nil || facts[0].Before.Topic.Partitions != 6):
				t.Errorf("at %d the deleted topic is %v", n, facts)
			case want > 0 && (len(facts) != 1 || facts[0].Topic.Partitions != want || facts[0].Since != map[int]time.Time{3: at(10), 6: at(20)}[want]):
				t.Errorf("at %d: %v, want %d partitions", n, facts, want)
			}
		}
		if facts := factsAt(t, s, at(20), lineage.GroupFacts); len(facts) > 0 {
			t.Errorf("another kind has %v", facts)
		}
		p, err := s.Positions(ctx, west)
		check(t, err)
		if want := map[string][]byte{"a": []byte("1"), "c": {}}; !equal(p, want) {
			t.Errorf("positions are %v, want %v", p, want)
		}
		for kind, want := range map[store.RecordKind]string{store.IdentityRecord: "", "another": "rules"} {
			if v, r, err := s.Record(ctx, kind); err != nil || v != map[string]int{"": 3, "rules": 1}[want] || string(r) != want {
				t.Errorf("the record of kind %s is %d %q %v", kind, v, r, err)
			}
		}
		if v, r, err := s.Record(ctx, "none"); v != 0 || r != nil || err != nil {
			t.Errorf("a record that was never put is %d %q %v", v, r, err)
		}
	}
	ask()
	s = b.again(t, s)
	ask()
	s.maintain(t, epoch.Add(3*time.Hour))
	ask()
	s = b.again(t, s)
	ask()
	if err := s.Append(ctx, one); err != nil {
		t.Errorf("a round that is held is not ignored: %v", err)
	}
	if s.Maintain == nil {
		return
	}
	if err := s.Append(ctx, fact(40, 9), round(west, 1000)); !errors.Is(err, store.ErrTooOld) {
		t.Errorf("a late round into what is closed: %v, want ErrTooOld", err)
	}
	if got := Newest(t, s, "west"); !got.Equal(at(30)) {
		t.Errorf("the newest round is %v, want %v", got, at(30))
	}
}

// events keeps what happened, and pages through it.
func (b *battery) events(t *testing.T) {
	ctx := t.Context()
	s := b.open(t, tick)
	one, two := round(west, 10), round(west, 20)
	one.Events = []lineage.Event{{At: at(10), Type: lineage.TopicCreated, Topic: orders}}
	two.Events = []lineage.Event{{At: at(19).Add(3), Type: lineage.ConfigChanged, Topic: orders, Detail: "x"}, {At: at(20), Type: lineage.FlowStarted, Access: writer}}
	many := round(west, 31) // of one instant, some alike but for what they are about
	for i := range 7 {
		many.Events = append(many.Events, lineage.Event{At: at(31), Type: lineage.TopicDeleted, Topic: lineage.Topic{Cluster: "w", Name: string(rune('a' + i%5)), ID: lineage.TopicID{byte(i)}}})
	}
	check(t, s.Append(ctx, two, many))
	check(t, s.Append(ctx, one))
	ask := func() {
		t.Helper()
		for _, c := range []struct {
			w     lineage.Window
			limit int
			types []lineage.EventType
			want  []lineage.EventType
		}{
			{ticks(0, 30), 0, nil, []lineage.EventType{lineage.FlowStarted, lineage.ConfigChanged, lineage.TopicCreated}},
			{ticks(0, 30), 2, nil, []lineage.EventType{lineage.FlowStarted, lineage.ConfigChanged}},
			{ticks(0, 40), 1, []lineage.EventType{lineage.TopicCreated, lineage.SourceLost}, []lineage.EventType{lineage.TopicCreated}},
			{ticks(9, 10), 0, nil, []lineage.EventType{lineage.TopicCreated}},
			{ticks(10, 19), 0, nil, nil},
		} {
			got, err := s.Events(ctx, store.EventFilter{Window: c.w, Types: c.types, Limit: c.limit})
			check(t, err)
			var types []lineage.EventType
			for _, e := range got.List {
				types = append(types, e.Type)
			}
			if !slices.Equal(types, c.want) {
				t.Errorf("events in %v: %v, want %v", c.w, types, c.want)
			}
			if more := c.limit == 2; (got.Next != "") != more {
				t.Errorf("events in %v: the next page is %q, want one: %v", c.w, got.Next, more)
			}
		}
	}
	ask()
	s = b.again(t, s)
	whole, err := s.Events(ctx, store.EventFilter{Window: ticks(0, 40)})
	check(t, err)
	if len(whole.List) != 10 || whole.Next != "" {
		t.Errorf("%d events, next %q", len(whole.List), whole.Next)
	}
	var paged []lineage.Event
	f := store.EventFilter{Window: ticks(0, 40), Limit: 3}
	for page := 0; ; page++ {
		got, err := s.Events(ctx, f)
		check(t, err)
		if paged = append(paged, got.List...); got.Next == "" {
			break
		}
		f.After = got.Next
		if page == 1 { // a cursor survives what comes, also before it, and restarts
			late := round(groups, 32)
			late.Events = []lineage.Event{{At: at(32), Type: lineage.LeadersMoved}}
			check(t, s.Append(ctx, late))
			s = b.again(t, s)
		}
	}
	if !equal(paged, whole.List) {
		t.Errorf("page by page: %v, want %v", paged, whole.List)
	}
	for _, bad := range []store.Cursor{"!", "AAAA", "bm9uc2Vuc2U"} {
		if _, err := s.Events(ctx, store.EventFilter{Window: ticks(0, 40), After: bad}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("the cursor %q: %v", bad, err)
		}
	}
	s.maintain(t, epoch.Add(3*time.Hour))
	ask()
	s = b.again(t, s)
	ask()
}

// expected has a source that was said to be expected, then falls silent while another goes on, and one of which nothing
// is ever seen.
func (b *battery) expected(t *testing.T) {
	ctx := t.Context()
	s := b.open(t, tick)
	fact := func(src lineage.Source, f lineage.SourceFact) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: src.Cluster, Kind: lineage.SourceFacts, Name: src.Name}, Source: &f}
	}
	expected := lineage.SourceFact{State: lineage.SourceExpected, Interval: tick}
	never := lineage.Source{Cluster: "west", Name: "never"}
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
		if n > 485 { // one that is off, and says what it misses
			missed := lineage.Missing{All: true, Share: 1, Reason: "switched off"}
			check(t, s.Append(ctx, lineage.Observation{Source: groups, Round: at(n), Interval: tick, At: at(n), Missing: []lineage.Missing{missed}}))
		}
	}
	const silent, nothing = "nothing was recorded of a source that was expected, while others went on",
		"nothing was recorded: lineaged was not running, or could not store"
	ask := func() {
		t.Helper()
		for _, c := range []struct {
			w        lineage.Window
			fraction float64
			gaps     []lineage.Gap
		}{
			{ticks(2, 20), 1, nil},
			{ticks(10, 30), 0.75, []lineage.Gap{{Source: groups, Window: ticks(20, 30), Reason: silent}}},
			// silent since long before
			{ticks(100, 200), 0.5, []lineage.Gap{{Source: groups, Window: ticks(100, 200), Reason: silent}}},
			{ticks(290, 310), 20.0 / 40, []lineage.Gap{{Source: groups, Window: ticks(290, 300), Reason: silent}, {Source: never, Window: ticks(300, 310), Reason: silent}}},
			{ticks(310, 320), 0.5, []lineage.Gap{{Source: never, Window: ticks(310, 320), Reason: silent}}},
			{ticks(360, 370), 0, []lineage.Gap{{Source: west, Window: ticks(360, 370), Reason: nothing}, {Source: never, Window: ticks(360, 370), Reason: nothing}}},
			{ticks(460, 470), 1, nil},
			{ticks(475, 485), 1, nil}, // one that is off and observes all the same
			{ticks(486, 498), 1, nil}, // or sees nothing
			{ticks(478, 498), 1, nil},
		} {
			got := Ask(t, s, c.w).Coverage("west")
			slices.SortFunc(c.gaps, func(a, b lineage.Gap) int {
				return cmp.Or(a.Window.Start.Compare(b.Window.Start), strings.Compare(a.Source.Name, b.Source.Name))
			})
			if !close6(got.ObservedFraction, c.fraction) || got.Complete != (c.gaps == nil) || !slices.Equal(got.Gaps, c.gaps) {
				t.Errorf("coverage from %v: %+v, want %v of it and %+v", c.w.Start.Sub(epoch)/tick, got, c.fraction, c.gaps)
			}
		}
	}
	ask()
	s = b.again(t, s)
	ask()
	s.maintain(t, at(1000))
	ask()
	s = b.again(t, s)
	ask()
	bad := lineage.Observation{Source: west, Round: at(501), Interval: tick, Facts: []lineage.Fact{fact(west, lineage.SourceFact{State: lineage.SourceExpected})}}
	if err := s.Append(ctx, bad); err == nil {
		t.Error("a source is expected at no interval")
	}
}
