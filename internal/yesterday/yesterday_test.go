package yesterday

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// shopTopics are those of the demo's shop that the script names.
func shopTopics() []Cluster {
	names := map[string]string{
		"west": "orders payments customers inventory shipments returns clickstream sessions order-enriched fraud-alerts refunds daily-totals customer-baskets " +
			storeName + "-repartition " + storeName + "-changelog inventory.public.stock_levels promotions-2025",
		"east": "orders order-metrics west.orders west.payments",
	}
	var out []Cluster
	for _, cluster := range []string{"west", "east"} {
		c := Cluster{Name: cluster, ID: lineage.ClusterID("demo-" + cluster), Brokers: 1}
		for i, name := range strings.Fields(names[cluster]) {
			t := lineage.Topic{Cluster: c.ID, ID: lineage.TopicID{byte(len(out) + 1), byte(i + 1)}, Name: name}
			c.Topics = append(c.Topics, lineage.TopicFact{Topic: t, Partitions: 3, Replication: 1})
		}
		out = append(out, c)
	}
	return out
}

var noon = time.Date(2026, 3, 1, 12, 34, 56, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wrote is how long it took to write the day.
const wrote = 95 * time.Second

func day(t *testing.T, end time.Time) *Day {
	t.Helper()
	d, err := New(shopTopics(), end)
	must(t, err)
	return d
}

// collect returns all that is told of a day, and how often it was told.
func collect(t *testing.T, d *Day) (all []lineage.Observation, calls int) {
	t.Helper()
	must(t, d.Write(context.Background(), func(_ context.Context, obs ...lineage.Observation) error {
		calls++
		all = append(all, obs...)
		return nil
	}, func() time.Time { return d.script.end.Add(wrote) }))
	return all, calls
}

// There is no chance in it, and writing it is so many calls and samples, whatever a machine takes for them.
func TestTheSameEachTime(t *testing.T) {
	a, calls := collect(t, day(t, noon))
	b, _ := collect(t, day(t, noon))
	if !reflect.DeepEqual(a, b) {
		t.Error("the same day is told otherwise")
	}
	samples := 0
	for _, o := range a {
		samples += len(o.Samples) + len(o.Sightings)
	}
	t.Logf("%d observations with %d samples in %d calls", len(a), samples, calls)
	if calls > 25 || samples > 250_000 {
		t.Errorf("%d calls and %d samples are no matter of seconds", calls, samples)
	}
	last := a[len(a)-1].Round
	if want := noon.Add(wrote); !last.Equal(want) {
		t.Errorf("the newest round is of %v, want %v", last, want)
	}
	if _, err := New(nil, noon); err == nil || !strings.Contains(err.Error(), "there is no topic west/orders") {
		t.Errorf("without topics: %v", err)
	}
}

// At whatever time the demo is started, its night is a while apart from what else happens: a night that nobody watched
// is none to travel to.
func TestTheNightIsApart(t *testing.T) {
	for minute := 0; minute < 24*60; minute += 5 {
		end := noon.Add(time.Duration(minute) * time.Minute)
		d := day(t, end)
		w := lineage.Window{Start: d.Night().Start.Add(-evenFor), End: d.Night().End.Add(evenFor)}
		for _, other := range []lineage.Window{d.Outage(), d.Standstill(), {Start: d.Renamed(), End: d.Created()}} {
			if !w.Overlap(other).Empty() {
				t.Fatalf("from %v: the night %v and %v", end, d.Night(), other)
			}
		}
		if w.Start.Before(d.script.start) || w.End.After(end) {
			t.Fatalf("from %v: %v is not within the day", end, d.Night())
		}
	}
}

// At whatever instant the demo is started: counters never fall, and in each round of each topic what was appended is
// what its writers wrote, the markers and what is left; nobody reads what is not there; what is behind is what is not
// read; and all happens within the day.
func TestSums(t *testing.T) {
	for hour := range 8 {
		d := day(t, noon.Add(time.Duration(hour)*(3*time.Hour+7*time.Minute)))
		s, base := d.script, map[lineage.Access]int64{}
		for _, c := range s.counts {
			base[c.access] += c.base // that of a topic is zero
		}
		for _, w := range []lineage.Window{d.Outage(), d.Standstill(), d.Night(), {Start: d.Renamed(), End: d.Created()}} {
			if w.Empty() || w.Start.Before(s.start.Add(10*time.Minute)) || w.End.After(s.end.Add(-10*time.Minute)) {
				t.Errorf("from %v: %v is not within the day", s.end, w)
			}
		}
		all, _ := collect(t, d)
		now := map[series]int64{}
		wrote, appended, lag := map[lineage.Topic]int64{}, map[lineage.Topic]int64{}, map[series]int64{}
		var last time.Time
		check := func() {
			for topic, n := range appended {
				if wrote[topic] != n {
					t.Fatalf("at %v %d were appended to %s, and %d written", last, n, topic.Name, wrote[topic])
				}
			}
			for k, n := range now {
				if k.access.Op != lineage.Read || k.access.Topic.ID == (lineage.TopicID{}) {
					continue
				}
				from, behind := base[k.access], lag[series{access: k.access}]
				if ends := appended[k.access.Topic]; n < 0 || from+n > ends || k.access.Client.Group != "loyalty-points" && from+n+behind != ends {
					t.Fatalf("at %v %s has read %d since %d of %d in %s, and is %d behind", last, k.access.Client.Group, n, from, ends, k.access.Topic.Name, behind)
				}
			}
		}
		for _, o := range all {
			if !o.Round.Equal(last) {
				check()
				last = o.Round
			}
			for _, x := range o.Samples {
				k := series{x.Subject, x.Metric, x.Evidence}
				if x.Metric == lineage.Lag {
					lag[series{access: x.Subject}] = x.Value
				}
				if !x.Metric.Counter() {
					continue
				}
				if x.Value < now[k] {
					t.Fatalf("at %v %v %s falls from %d to %d", o.Round, x.Subject, x.Metric, now[k], x.Value)
				}
				switch {
				case x.Metric == lineage.Appended:
					appended[x.Subject.Topic] = x.Value
				case x.Subject.Op != lineage.Read:
					wrote[x.Subject.Topic] += x.Value - now[k]
				}
				now[k] = x.Value
			}
		}
		check()
		if len(now) < 60 {
			t.Errorf("only %d counters", len(now))
		}
		for _, c := range shopTopics() { // else what moved is not known of all
			for _, x := range c.Topics {
				if _, told := appended[x.Topic]; !told {
					t.Errorf("nothing is told of %s", x.Topic.Name)
				}
			}
		}
	}
}

// Written to a store, sealed and asked: each count of any window between rounds is the script's.
func TestInAStore(t *testing.T) {
	d := day(t, noon)
	s := timeseries.NewMemory(timeseries.Options{Tick: time.Second, Settle: attribution.Settle, Log: slog.New(slog.DiscardHandler)})
	defer func() { must(t, s.Close()) }()
	must(t, d.Write(t.Context(), s.Append, func() time.Time { return noon.Add(wrote) }))
	must(t, s.Maintain(t.Context(), noon))
	r := rand.New(rand.NewPCG(1, 1))
	rounds := d.script.rounds
	for range 40 {
		i, j := r.IntN(len(rounds)-2), r.IntN(len(rounds)-2)
		if i == j {
			continue
		}
		w := lineage.Window{Start: rounds[min(i, j)], End: rounds[max(i, j)]}
		got, err := s.Window(t.Context(), store.Ask{Window: w, Accesses: true, Lookback: 48 * time.Hour, Coverage: true, Facts: []lineage.FactKind{lineage.BlindSpotFacts}})
		must(t, err)
		out := d.Outage()
		if c := got.Coverage(); c.Complete != w.Overlap(out).Empty() {
			t.Errorf("%v: coverage %+v, and the outage is %v", w, c, out)
		}
		if !slices.ContainsFunc(got.Facts, func(f lineage.DatedFact) bool {
			return len(f.BlindSpots) == 1 && f.BlindSpots[0].What == Notice(noon)
		}) {
			t.Errorf("%v: nobody says that it is made up", w)
		}
		rows := map[lineage.Access]int32{}
		for i, a := range got.Rows.Access {
			rows[*a] = int32(i)
		}
		asked := 0
		for _, c := range d.script.counts {
			if c.metric == lineage.Left { // the store settles whose it is
				continue
			}
			row, ok := rows[c.access]
			if !ok {
				if c.at(w.End) > 0 {
					t.Errorf("%v: %v is not there", w, c.access)
				}
				continue
			}
			x, ok := got.Series.Find(row, c.metric, c.evidence)
			if !ok {
				t.Errorf("%v: %v has no %s", w, c.access, c.metric)
				continue
			}
			amounts, err := got.Amounts(t.Context(), w, []int32{x})
			must(t, err)
			want := float64(c.at(w.End) - c.at(w.Start))
			if amounts[0].Total != want {
				t.Errorf("%v: %v %s is %v, by the script %v", w, c.access, c.metric, amounts[0].Total, want)
			}
			if amounts[0].Estimated != (c.why != "" && amounts[0].Total > 0) {
				t.Errorf("%v: %v is estimated %t, and by the script %q", w, c.access, amounts[0].Estimated, c.why)
			}
			asked++
			if c.metric == lineage.Appended {
				if got := written(t, got, c.access.Topic); got != want {
					t.Errorf("%v: %v were appended to %s, and its writers and markers are %v", w, want, c.access.Topic.Name, got)
				}
			}
		}
		if asked < 60 {
			t.Errorf("only %d counters were asked for", asked)
		}
	}
}

// written is what all writers of a topic wrote in a window, and its markers.
func written(t *testing.T, w *store.Window, topic lineage.Topic) (all float64) {
	t.Helper()
	var some []int32
	for row, a := range w.Rows.Access {
		from, to := w.Series.Of(int32(row))
		for i := from; i < to; i++ {
			m := w.Series.Metric[i]
			if a.Topic == topic && (m == lineage.Markers || m == lineage.Records && a.Op == lineage.Write) {
				some = append(some, i)
			}
		}
	}
	amounts, err := w.Amounts(t.Context(), w.Window, some)
	must(t, err)
	for _, a := range amounts {
		all += a.Total
	}
	return all
}

// What is seen after the day goes on from it: counters from where they ended, flows without a beginning, but for who
// did not move then, or ends and begins again.
func TestGoOn(t *testing.T) {
	d := day(t, noon)
	collect(t, d)
	reader := func(topic, group string) lineage.Access {
		return lineage.Access{Topic: d.script.topics[topic].Topic, Op: lineage.Read, Client: lineage.Client{Group: group}}
	}
	billing, night, new := reader("west/orders", "billing"), reader("west/orders", "nightly-report"), reader("west/orders", "new")
	orders := lineage.Access{Topic: billing.Topic}
	event := func(kind lineage.EventType, a lineage.Access) lineage.Event {
		return lineage.Event{Type: kind, Access: a}
	}
	in := lineage.Observation{
		Samples: []lineage.Sample{
			{Subject: orders, Metric: lineage.Appended, Value: 5},
			{Subject: billing, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: 3},
			{Subject: billing, Metric: lineage.Lag, Value: 2},
			{Subject: new, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: 1},
		},
		Events: []lineage.Event{event(lineage.FlowStarted, billing), event(lineage.FlowStarted, night), event(lineage.FlowStarted, new)},
	}
	got := d.GoOn([]lineage.Observation{in})[0]
	var ended, read int64
	for _, c := range d.script.counts {
		switch c.access {
		case orders:
			if c.metric == lineage.Appended {
				ended = c.at(noon.Add(wrote))
			}
		case billing:
			read = c.at(noon.Add(wrote))
		}
	}
	values := func(all []lineage.Sample) (out []int64) {
		for _, s := range all {
			out = append(out, s.Value)
		}
		return out
	}
	if want := []int64{ended + 5, read + 3, 2, 1}; !slices.Equal(values(got.Samples), want) || ended == 0 || read == 0 {
		t.Errorf("goes on with %v, want %v", values(got.Samples), want)
	}
	if !reflect.DeepEqual(got.Events, in.Events[1:]) || !slices.Equal(values(in.Samples), []int64{5, 3, 2, 1}) {
		t.Errorf("events %v, and what was observed is now %v", got.Events, in.Samples)
	}
	in.Events = []lineage.Event{event(lineage.FlowStopped, billing), event(lineage.FlowStarted, billing)}
	if got := d.GoOn([]lineage.Observation{in})[0]; !reflect.DeepEqual(got.Events, in.Events) {
		t.Errorf("it ends and begins again, and told is %v", got.Events)
	}
}

// Who wrote what nobody accounts for goes on too: it is told as a count of the topic, and begins as a mover's, or as
// nobody's, where the topic is seen to be new.
func TestWhatIsLeftGoesOn(t *testing.T) {
	d := day(t, noon)
	collect(t, d)
	n := 0
	for _, c := range d.script.counts {
		if c.metric != lineage.Left {
			continue
		}
		n++
		a := lineage.Access{Topic: c.access.Topic, Op: lineage.Write, Client: lineage.Client{Kind: lineage.Remainder}}
		if strings.HasPrefix(c.flow, replicator.ID()) {
			a.Client = lineage.Client{Mover: replicator}
		} else if strings.HasPrefix(c.flow, inventory.ID()) {
			a.Client = lineage.Client{Mover: inventory}
		}
		began := lineage.Observation{Events: []lineage.Event{{Type: lineage.FlowStarted, Access: a}}}
		if got := d.GoOn([]lineage.Observation{began})[0].Events; len(got) > 0 {
			t.Errorf("%s begins", c.flow)
		}
	}
	if n < 4 {
		t.Errorf("the day has %d counts of what is left", n)
	}
}
