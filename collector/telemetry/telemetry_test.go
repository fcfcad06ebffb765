package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resources "go.opentelemetry.io/proto/otlp/resource/v1"
	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tick = 10 * time.Second

var t0 = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// sent is one client's push as a forwarder sends it.
type sent struct {
	on     map[string]string // attributes of the resource
	points []told1
}

type told1 struct {
	metric     string
	with       map[string]string // attributes of the data point
	n          float64
	start, end time.Time
	total      bool // cumulative
	gauge      bool
}

const (
	sentTotal = "org.apache.kafka.producer.topic.record.send.total"
	readTotal = "org.apache.kafka.consumer.fetch.manager.records.consumed.total"
)

func attributes(m map[string]string) (out []*common.KeyValue) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: m[k]}}})
	}
	return out
}

func request(all ...sent) *metrics.MetricsData {
	m := &metrics.MetricsData{}
	for _, s := range all {
		r := &metrics.ResourceMetrics{Resource: &resources.Resource{Attributes: attributes(s.on)}}
		scope := &metrics.ScopeMetrics{}
		for _, p := range s.points {
			d := &metrics.NumberDataPoint{Attributes: attributes(p.with), Value: &metrics.NumberDataPoint_AsDouble{AsDouble: p.n}}
			if !p.end.IsZero() {
				d.TimeUnixNano = uint64(p.end.UnixNano())
			}
			if !p.start.IsZero() {
				d.StartTimeUnixNano = uint64(p.start.UnixNano())
			}
			x := &metrics.Metric{Name: p.metric}
			switch {
			case p.gauge:
				x.Data = &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: []*metrics.NumberDataPoint{d}}}
			default:
				sum := &metrics.Sum{DataPoints: []*metrics.NumberDataPoint{d}, AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA}
				if p.total {
					sum.AggregationTemporality = metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
				}
				x.Data = &metrics.Metric_Sum{Sum: sum}
			}
			scope.Metrics = append(scope.Metrics, x)
		}
		r.ScopeMetrics = append(r.ScopeMetrics, scope)
		m.ResourceMetrics = append(m.ResourceMetrics, r)
	}
	return m
}

// world is one cluster's source, whose rounds are taken by hand.
type world struct {
	*testing.T
	*source
	cfg       Config
	board     *collector.Board
	at        time.Time // of the newest round
	obs       []lineage.Observation
	positions map[string][]byte
}

func (w *world) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return maps.Clone(w.positions), nil
}

func (w *world) Append(context.Context, ...lineage.Observation) error { return nil }

var orders, audit = lineage.TopicID{1}, lineage.TopicID{2}

func watched() *collector.Board {
	b := &collector.Board{}
	b.SetCluster(collector.Watched{Source: "west", ID: "W", Topics: []string{"audit", "orders"}, IDs: map[string]lineage.TopicID{"orders": orders, "audit": audit}})
	return b
}

func newWorld(t *testing.T, cfg Config) *world {
	w := &world{T: t, cfg: cfg, board: watched(), at: t0, positions: map[string][]byte{}}
	w.start()
	return w
}

// start starts lineaged, or starts it again.
func (w *world) start() {
	w.cfg.Name, w.cfg.Interval, w.cfg.Board = "west", tick, w.board
	c, err := New(w.cfg, w)
	if err != nil {
		w.Fatal(err)
	}
	w.source = c.source
	if err := c.inbox.Restore(w.Context(), w); err != nil {
		w.Fatal(err)
	}
}

// round takes a round with what has arrived in it, and returns what is told.
func (w *world) round(all ...sent) lineage.Observation {
	w.Helper()
	w.at = w.at.Add(tick)
	return w.merge(w.at.Add(-tick/2), all...)
}

func (w *world) merge(arrived time.Time, all ...sent) lineage.Observation {
	w.Helper()
	t := w.tell.Take(w.at)
	for _, s := range all {
		for _, pushes := range read(request(s), arrived).pushes {
			if err := w.Merge(t, pushes); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.End(t)
	obs := t.Finish(w.Context())
	w.tell.Stored()
	if len(obs) != 1 {
		w.Fatalf("%d observations", len(obs))
	}
	for _, p := range obs[0].Positions {
		if w.positions[p.Key] = p.Value; p.Value == nil {
			delete(w.positions, p.Key)
		}
	}
	w.obs = append(w.obs, obs...)
	return obs[0]
}

// total returns what has been told of an access' client last, and whether any of it was a bound.
func (w *world) total(metric lineage.Metric, topic string, c lineage.Client) (n int64, estimated bool) {
	n = -1
	for _, o := range w.obs {
		for _, s := range o.Samples {
			if s.Metric == metric && s.Subject.Topic.Name == topic && s.Subject.Client == c {
				n, estimated = s.Value, estimated || s.Estimated
			}
		}
	}
	return n, estimated
}

func (w *world) wants(what string, metric lineage.Metric, topic string, c lineage.Client, n int64, estimated bool) {
	w.Helper()
	if got, bound := w.total(metric, topic, c); got != n || bound != estimated {
		w.Errorf("%s: %d, estimated %v, want %d, %v", what, got, bound, n, estimated)
	}
}

var (
	onShop = map[string]string{
		"kafka.cluster.id": "W", "client_instance_id": "i1", "client_id": "shop-1", "principal": "User:shop", "client_host": "/10.0.0.7",
		"client_software_name": "apache-kafka-java", "client_software_version": "4.3.1",
	}
	shop = lineage.Client{Instance: "i1", ClientID: "shop-1", Principal: "User:shop", Host: "10.0.0.7", Software: "apache-kafka-java/4.3.1"}
)

// with returns attributes with some of them changed; an empty one is left out.
func with(m map[string]string, pairs ...string) map[string]string {
	m = maps.Clone(m)
	for i := 0; i < len(pairs); i += 2 {
		if m[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(m, pairs[i])
		}
	}
	return m
}

func delta(metric, topic string, n float64, start, end time.Time) told1 {
	return told1{metric: metric, with: map[string]string{"topic": topic}, n: n, start: start, end: end}
}

func sum(metric, topic string, n float64, start, end time.Time) told1 {
	p := delta(metric, topic, n, start, end)
	p.total = true
	return p
}

func at(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

func TestDeltasAddUp(t *testing.T) {
	w := newWorld(t, Config{})
	o := w.round(sent{onShop, []told1{delta(sentTotal, "orders", 97, at(0), at(5)), delta(sentTotal, "audit", 1, at(0), at(5))}})
	want := lineage.Sample{
		Subject: lineage.Access{Topic: lineage.Topic{Cluster: "W", ID: orders, Name: "orders"}, Op: lineage.Write, Client: shop},
		Metric:  lineage.Claimed, Evidence: lineage.Telemetry, Value: 97, Since: at(0),
	}
	if !slices.Contains(o.Samples, want) {
		t.Errorf("told: %+v", o.Samples)
	}
	// that a topic grew is for its ends to say
	if len(o.Sightings) != 2 || o.Sightings[0].Moved || o.Sightings[0].Evidence != lineage.Telemetry {
		t.Errorf("seen: %+v", o.Sightings)
	}
	w.round(sent{onShop, []told1{delta(sentTotal, "orders", 55, at(5), at(10))}}, sent{onShop, []told1{delta(sentTotal, "orders", 3, at(10), at(15))}})
	w.wants("three pushes", lineage.Claimed, "orders", shop, 97+55+3, false)
	w.wants("one push", lineage.Claimed, "audit", shop, 1, false)
	if o := w.round(sent{onShop, []told1{delta(sentTotal, "orders", 0, at(15), at(20))}}); len(o.Samples)+len(o.Sightings) > 0 {
		t.Errorf("nothing moved, and told: %+v %+v", o.Samples, o.Sightings)
	}
}

// A push that comes again counts once, in the same round, in another, after a restart, and by another broker.
func TestTwiceIsOnce(t *testing.T) {
	w := newWorld(t, Config{})
	first := sent{onShop, []told1{delta(sentTotal, "orders", 97, at(0), at(5))}}
	second := sent{with(onShop, "kafka.node.id", "2"), []told1{delta(sentTotal, "orders", 5, at(5), at(10))}}
	w.round(first, first)
	w.round(first, second)
	w.start()
	w.round(second, first)
	w.wants("each twice", lineage.Claimed, "orders", shop, 102, false)
}

// TestASecondBrokersForwarder: what it tells of first has not begun, when it is switched on later than the first one.
func TestASecondBrokersForwarder(t *testing.T) {
	w := newWorld(t, Config{})
	other := with(onShop, "client_instance_id", "other", "client_id", "other", "kafka.node.id", "2")
	last := with(onShop, "client_instance_id", "last", "client_id", "last", "kafka.node.id", "2")
	begun := map[string]bool{}
	for n := range 400 {
		span := func(n int) []told1 { return []told1{delta(sentTotal, "orders", 5, at(10*n), at(10*n+10))} }
		all := []sent{{with(onShop, "kafka.node.id", "1"), span(n)}}
		if n >= 200 {
			all = append(all, sent{other, span(n)})
		}
		if n >= 380 {
			all = append(all, sent{last, span(n)})
		}
		for _, e := range w.round(all...).Events {
			begun[e.Type.String()+" "+e.Access.Client.ClientID] = true
		}
	}
	if len(begun) != 1 || !begun["FLOW_STARTED last"] {
		t.Errorf("it is told: %v", begun)
	}
}

// Pushes of one client may overtake each other on their ways through several brokers.
func TestOutOfOrder(t *testing.T) {
	w := newWorld(t, Config{})
	w.round(sent{onShop, []told1{delta(sentTotal, "orders", 10, at(0), at(10))}})
	o := w.round(sent{onShop, []told1{delta(sentTotal, "orders", 30, at(20), at(30))}})
	if !o.Samples[0].Estimated || o.Sightings[0].Detail != whyLost {
		t.Errorf("a push is missing, and told: %+v %+v", o.Samples, o.Sightings)
	}
	w.round(sent{onShop, []told1{delta(sentTotal, "orders", 20, at(10), at(20))}})
	w.wants("all three", lineage.Claimed, "orders", shop, 60, true)
	for i := range 2 * maxSpans {
		w.round(sent{onShop, []told1{delta(sentTotal, "orders", 1, at(30+i), at(31+i))}})
	}
	o = w.round(sent{onShop, []told1{delta(sentTotal, "orders", 1000, at(-20), at(-10))}})
	if n, _ := w.total(lineage.Claimed, "orders", shop); n != 60+2*maxSpans || len(o.Samples) != 1 || !o.Samples[0].Estimated {
		t.Errorf("%d: one that is so late that it can have come before is a doubt, and told: %+v", n, o.Samples)
	}
}

func TestTotals(t *testing.T) {
	w := newWorld(t, Config{})
	w.round()
	f := func(what string, n float64, start, end time.Time, want int64, estimated bool) {
		t.Helper()
		w.round(sent{onShop, []told1{sum(sentTotal, "orders", n, start, end)}})
		w.wants(what, lineage.Claimed, "orders", shop, want, estimated)
	}
	f("the first of a client that began while somebody listened", 10, at(11), at(14), 10, false)
	f("more", 15, at(11), at(24), 15, false)
	f("the same again", 15, at(11), at(24), 15, false)
	f("an older one", 12, at(11), at(20), 15, false)
	f("begun anew", 4, at(30), at(34), 19, false)
	w.start()
	f("after a restart of ours", 6, at(30), at(44), 21, false)
	f("less, and no word of a new start", 2, at(30), at(54), 23, true)
	older := newWorld(t, Config{})
	older.round(sent{onShop, []told1{sum(sentTotal, "orders", 1e6, at(-5000), at(5))}})
	older.wants("one that is older than the watch is a base", lineage.Claimed, "orders", shop, -1, false)
	older.round(sent{onShop, []told1{sum(sentTotal, "orders", 1e6+7, at(-5000), at(15))}})
	older.wants("and counts from there", lineage.Claimed, "orders", shop, 7, false)
}

// What moved is spread over the push's own span before it arrived, whatever the client's clock says.
func TestClocksAreNotTrusted(t *testing.T) {
	f := func(what string, by time.Duration, length time.Duration, want time.Duration) {
		t.Helper()
		w := newWorld(t, Config{})
		arrived := t0.Add(tick / 2)
		w.at = w.at.Add(tick)
		o := w.merge(arrived, sent{onShop, []told1{delta(sentTotal, "orders", 5, arrived.Add(by-length), arrived.Add(by))}})
		for _, s := range o.Samples {
			if since := arrived.Add(-want).Truncate(tick); s.Metric == lineage.Claimed && !s.Since.Equal(since) {
				t.Errorf("%s: since %v, want %v", what, s.Since, since)
			}
		}
		w.wants(what, lineage.Claimed, "orders", shop, 5, false)
	}
	f("right", 0, 5*time.Second, 5*time.Second)
	f("one that begins within a tick", 0, 7*time.Second, 15*time.Second)
	f("an hour ahead", time.Hour, 5*time.Second, 5*time.Second)
	f("an hour behind", -time.Hour, 5*time.Second, 5*time.Second)
	f("a minute behind, or late by as much", -time.Minute, 5*time.Second, 65*time.Second)
	f("a span of a year", 0, 365*24*time.Hour, time.Hour)
}

// A client counts what it has sent, and the ends of the round's beginning may not have it yet: what has come just now
// is told with the next round, however often something comes just then.
func TestWhatHasComeJustNow(t *testing.T) {
	w := newWorld(t, Config{})
	push := func(i int) sent { return sent{onShop, []told1{delta(sentTotal, "orders", 10, at(10*i), at(10*i+10))}} }
	for i := range 4 {
		w.at = w.at.Add(tick)
		w.merge(w.at.Add(-100*time.Millisecond), push(i))
		want := int64(10 * i)
		if i == 0 {
			want = -1 // nothing was told
		}
		w.wants("with the next", lineage.Claimed, "orders", shop, want, false)
	}
	w.round()
	w.wants("all of it", lineage.Claimed, "orders", shop, 40, false)
	if o := w.round(); len(o.Samples) > 0 {
		t.Errorf("told again: %+v", o.Samples)
	}
	w.at = w.at.Add(tick)
	w.merge(w.at.Add(-100*time.Millisecond), push(4))
	w.start()
	w.round()
	w.wants("after a restart", lineage.Claimed, "orders", shop, 50, false)
}

// Who reads with a group is counted by its commits; without one by what it says.
func TestReaders(t *testing.T) {
	w := newWorld(t, Config{})
	alone, member := with(onShop, "client_id", "tail-ui"), with(onShop, "client_id", "bill-1", "group_id", "billing", "client_instance_id", "i2")
	o := w.round(
		sent{alone, []told1{delta(readTotal, "orders", 40, at(0), at(5))}}, sent{member, []told1{delta(readTotal, "orders", 40, at(0), at(5))}},
	)
	one, other := shop, shop
	one.ClientID = "tail-ui"
	other.ClientID, other.Group, other.Instance = "bill-1", "billing", "i2"
	// what it read before its first push, nobody says
	w.wants("without a group", lineage.Records, "orders", one, 40, true)
	w.wants("with one", lineage.Records, "orders", other, -1, false)
	w.wants("nothing is claimed of a reader", lineage.Claimed, "orders", one, -1, false)
	seen := map[lineage.Client]bool{}
	for _, s := range o.Sightings {
		seen[s.Access.Client] = s.Moved && s.Access.Op == lineage.Read
	}
	if !seen[one] || !seen[other] {
		t.Errorf("seen: %+v", o.Sightings)
	}
}

// What a reader's first push tells begins some time after the reader: a Java client that fetched 200 records while it
// was told what to push left them out. Of what it tells later, and of a topic that it begins with later, nothing is
// missing.
func TestFirstPushOfAReader(t *testing.T) {
	w := newWorld(t, Config{})
	last := func(o lineage.Observation) (estimated bool, detail string) {
		if len(o.Samples) != 1 || len(o.Sightings) != 1 {
			t.Fatalf("told: %+v %+v", o.Samples, o.Sightings)
		}
		return o.Samples[0].Estimated, o.Sightings[0].Detail
	}
	linked := w.round(sent{onShop, nil}) // who it is, before anything is counted
	if len(linked.Sightings) > 0 {
		t.Fatalf("told: %+v", linked.Sightings)
	}
	for i, c := range []struct {
		name, topic string
		first       bool
	}{{"tail-1", "orders", true}, {"tail-1", "orders", false}, {"tail-1", "audit", false}, {"tail-2", "audit", true}} {
		attributes := with(onShop, "client_id", c.name, "client_instance_id", c.name, "principal", "")
		if i == 1 {
			w.start() // lineaged is restarted
		}
		bound, detail := last(w.round(sent{attributes, []told1{delta(readTotal, c.topic, 40, at(5*i), at(5*i+5))}}))
		if bound != c.first || c.first != (detail == whyFirst) {
			t.Errorf("push %d: estimated %v, %q, want %v", i, bound, detail, c.first)
		}
	}
	// a total since the reader's start leaves nothing out
	whole := with(onShop, "client_id", "tail-3", "client_instance_id", "tail-3", "principal", "")
	if bound, detail := last(w.round(sent{whole, []told1{sum(readTotal, "audit", 40, at(31), at(35))}})); bound || detail != "" {
		t.Errorf("a total: estimated %v, %q", bound, detail)
	}
}

// That a client's names are one client's is told once, for all of its starts.
func TestLinks(t *testing.T) {
	w := newWorld(t, Config{})
	links := func(o lineage.Observation) (out []lineage.Client) {
		for _, s := range o.Samples {
			if s.Metric == lineage.Linked && s.Value == 1 && s.Evidence == lineage.Telemetry && s.Subject.Topic == (lineage.Topic{Cluster: "W"}) {
				out = append(out, s.Subject.Client)
			}
		}
		return out
	}
	tx := with(onShop, "transactional_id", "shop-tx")
	want := shop
	want.TransactionalID, want.Instance = "shop-tx", ""
	if got := links(w.round(sent{tx, nil})); !slices.Equal(got, []lineage.Client{want}) {
		t.Errorf("told: %+v", got)
	}
	if got := links(w.round(sent{with(tx, "client_instance_id", "i9"), nil})); len(got) > 0 {
		t.Errorf("told again: %+v", got)
	}
	if got := links(w.round(sent{with(onShop, "principal", ""), nil})); len(got) > 0 {
		t.Errorf("one name alone is no link: %+v", got)
	}
}

// A client has its name in the coverage where its metrics name no topic.
func TestWithoutTopics(t *testing.T) {
	w := newWorld(t, Config{})
	w.round(sent{with(onShop, "client_id", "rdkafka-app"), []told1{{metric: "org.apache.kafka.producer.connection.creation.total", n: 1, end: at(5)}}})
	if got := spots(w); !strings.Contains(got, "rdkafka-app") {
		t.Errorf("coverage says: %s", got)
	}
}

// spots returns what coverage says last.
func spots(w *world) (text string) {
	for _, o := range w.obs {
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.BlindSpotFacts {
				text = ""
				for _, b := range f.BlindSpots {
					text += b.What + "; " + b.Remedy + "\n"
				}
			}
		}
	}
	return text
}

func TestBounded(t *testing.T) {
	w := newWorld(t, Config{MaxClients: 3, MaxSeries: 4})
	for i := range 5 {
		w.round(sent{with(onShop, "client_instance_id", fmt.Sprint("i", i)), []told1{delta(sentTotal, "orders", 1, at(0), at(5)), delta(sentTotal, "audit", 1, at(0), at(5))}})
	}
	if len(w.clients) != 3 || w.series != 4 {
		t.Errorf("%d clients and %d series are kept", len(w.clients), w.series)
	}
	if got := spots(w); !strings.Contains(got, "beyond the first 3") || !strings.Contains(got, "beyond 4 together") {
		t.Errorf("coverage says: %s", got)
	}
	w.at = w.at.Add(forgetAfter)
	w.round()
	// which flows there were is remembered for longer, to know when one begins again
	maps.DeleteFunc(w.positions, func(key string, _ []byte) bool { return w.flows.Mine(key) })
	if len(w.clients) != 0 || w.series != 0 || len(w.positions) != 1 {
		t.Errorf("after a day: %d clients, %d series, positions %v", len(w.clients), w.series, slices.Sorted(maps.Keys(w.positions)))
	}
}

// A topic that is not watched is not told of; one that is made just now is, once it is known.
func TestTopicsThatAreNotWatched(t *testing.T) {
	w := newWorld(t, Config{})
	o := w.round(sent{onShop, []told1{delta(sentTotal, "fresh", 5, at(0), at(5))}})
	if len(o.Samples) > 1 || len(o.Sightings) > 0 || !strings.Contains(spots(w), "fresh") {
		t.Errorf("told: %+v %+v, coverage: %s", o.Samples, o.Sightings, spots(w))
	}
	c, _ := w.board.Cluster("west")
	c.IDs = map[string]lineage.TopicID{"fresh": {3}}
	w.board.SetCluster(c)
	w.round(sent{onShop, []told1{delta(sentTotal, "fresh", 2, at(5), at(10))}})
	w.wants("all of it", lineage.Claimed, "fresh", shop, 7, false)
	if strings.Contains(spots(w), "fresh") {
		t.Errorf("coverage: %s", spots(w))
	}
}

// Silence is not zero, and no push ever is no gap.
func TestSilence(t *testing.T) {
	w := newWorld(t, Config{})
	if o := w.round(); len(o.Missing) > 0 || !strings.Contains(spots(w), "no client's metrics have come yet") {
		t.Errorf("before the first push: %+v, %s", o.Missing, spots(w))
	}
	w.round(sent{onShop, []told1{delta(sentTotal, "orders", 5, at(0), at(5))}})
	w.at = w.at.Add(silentAfter - tick)
	if o := w.round(); len(o.Missing) > 0 {
		t.Errorf("after %v: %+v", silentAfter, o.Missing)
	}
	w.start()
	if o := w.round(); len(o.Missing) != 1 || !o.Missing[0].All {
		t.Errorf("after longer than that, and a restart: %+v", o.Missing)
	}
	if o := w.round(sent{onShop, nil}); len(o.Missing) > 0 {
		t.Errorf("after a push: %+v", o.Missing)
	}
}

func TestReadsManyForms(t *testing.T) {
	f := func(what string, s sent, want *push, rejected int64) {
		t.Helper()
		got := read(request(s), t0)
		if got.rejected != rejected || (rejected > 0) != (got.why != "") {
			t.Errorf("%s: %d rejected: %q", what, got.rejected, got.why)
		}
		var all []*push
		for _, p := range got.pushes {
			all = append(all, p...)
		}
		if want == nil {
			if len(all) > 1 || len(all) == 1 && (all[0].named() || len(all[0].points) > 0) {
				t.Errorf("%s: %+v", what, all[0])
			}
			return
		}
		want.arrived = t0
		if len(all) != 1 {
			t.Fatalf("%s: %d pushes", what, len(all))
		}
		if d := cmp.Diff(want, all[0], cmp.AllowUnexported(push{}, who{}, point{})); d != "" {
			t.Errorf("%s:\n%s", what, d)
		}
	}
	points := []point{{topic: "orders", op: lineage.Write, value: 97, delta: true, start: at(0).UnixNano(), end: at(5).UnixNano()}}
	counted := delta(sentTotal, "orders", 97, at(0), at(5))
	f("our own reporter", sent{onShop, []told1{counted}}, &push{
		who: who{Instance: "i1", ClientID: "shop-1", Principal: "User:shop", Host: "10.0.0.7", Software: "apache-kafka-java/4.3.1"}, points: points, writes: true,
	}, 0)
	other := counted
	other.with = map[string]string{"topic": "orders", "client_id": "shop-1"}
	f("by data point", sent{map[string]string{"kafka.cluster.id": "W", "kafka.broker.id": "1"}, []told1{other}}, &push{who: who{ClientID: "shop-1"}, node: "1", points: points, writes: true}, 0)
	f("with dots", sent{map[string]string{"client.id": "shop-1", "client.instance.id": "i1", "group.id": "g", "transactional.id": "x"}, []told1{counted}},
		&push{who: who{Instance: "i1", ClientID: "shop-1", Group: "g", TransactionalID: "x"}, points: points, writes: true}, 0)
	underscored := counted
	underscored.metric = strings.ReplaceAll(sentTotal, ".", "_")
	f("with underscores", sent{map[string]string{"client_id": "shop-1"}, []told1{underscored}}, &push{who: who{ClientID: "shop-1"}, points: points, writes: true}, 0)
	forged := counted
	forged.with = map[string]string{"topic": "orders", "client_id": "bank", "principal": "User:bank", "kafka.cluster.id": "E", "client_host": "10.9.9.9", "client_instance_id": "i9"}
	f("a client that says who it is within what the broker says", sent{onShop, []told1{forged}}, &push{
		who: who{Instance: "i1", ClientID: "shop-1", Principal: "User:shop", Host: "10.0.0.7", Software: "apache-kafka-java/4.3.1"}, points: points, writes: true,
	}, 0)
	f("empty, as at the end", sent{onShop, nil}, &push{
		who: who{Instance: "i1", ClientID: "shop-1", Principal: "User:shop", Host: "10.0.0.7", Software: "apache-kafka-java/4.3.1"},
	}, 0)
	f("of nobody", sent{map[string]string{"service.name": "x"}, []told1{counted}}, nil, 1)
	f("another's metrics", sent{map[string]string{"client_id": "x"}, []told1{delta("jvm.memory.used", "orders", 1, at(0), at(5))}}, &push{who: who{ClientID: "x"}}, 0)
	for what, bad := range map[string]told1{
		"less than nothing": delta(sentTotal, "orders", -1, at(0), at(5)),
		"no number":         delta(sentTotal, "orders", nan(), at(0), at(5)),
		"too much":          delta(sentTotal, "orders", 1e300, at(0), at(5)),
		"no topic's name":   delta(sentTotal, "or/ders", 1, at(0), at(5)),
		"no time":           delta(sentTotal, "orders", 1, time.Time{}, time.Time{}),
		"ended before":      delta(sentTotal, "orders", 1, at(5), at(0)),
	} {
		f(what, sent{map[string]string{"client_id": "x"}, []told1{bad}}, &push{who: who{ClientID: "x"}, writes: true}, 1)
	}
	gauge := counted
	gauge.gauge = true
	f("a gauge is no count", sent{map[string]string{"client_id": "x"}, []told1{gauge}}, &push{who: who{ClientID: "x"}, writes: true}, 0)
	f("a name that is too long", sent{map[string]string{"client_id": strings.Repeat("x", maxWord+1), "client_instance_id": "i"}, nil}, &push{who: who{Instance: "i"}}, 0)
}

func nan() float64 { zero := 0.0; return zero / zero }

// A sender names only what it may.
func TestWhoseItIs(t *testing.T) {
	board := watched()
	board.SetCluster(collector.Watched{Source: "east", ID: "E@east", Reported: "E"})
	two := func() *Desk {
		var all []*Collector
		for _, name := range []string{"west", "east"} {
			c, err := New(Config{Name: name, Interval: tick, Board: board}, nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return NewDesk(board, all...)
	}
	f := func(what string, d *Desk, token, id, want, why string) {
		t.Helper()
		c, no, err := d.find(token, id)
		got := ""
		if c != nil && no == "" {
			got = c.cfg.Name
		}
		if err != nil || got != want || !strings.Contains(no, why) || why == "" && no != "" {
			t.Errorf("%s: %q, %q, %v", what, got, no, err)
		}
	}
	d := two()
	f("by its id", d, "", "W", "west", "")
	f("by the id that its brokers report", d, "", "E", "east", "")
	f("one that nobody watches", d, "", "X", "", "no cluster that is watched")
	f("none", d, "", "", "", "which cluster")
	f("by its token", d, "west", "", "west", "")
	f("by both", d, "west", "W", "west", "")
	f("forged", d, "west", "E", "", "another cluster's")
	f("of one that is not taken", d, "south", "", "", "not taken")
	one, _ := New(Config{Name: "west", Interval: tick, Board: board}, nil)
	f("there is one only", NewDesk(board, one), "", "", "west", "")
	board.SetCluster(collector.Watched{Source: "west", ID: "E", Reported: "E"})
	f("two have it", d, "", "E", "", "several")
	board.Await("south")
	if _, _, err := d.find("", "X"); !errors.Is(err, collector.ErrNotYet) {
		t.Errorf("before all are reached: %v", err)
	}
}

// TestOneThatFallsSilent: a client that pushes no more while others do may go on writing and reading all the same.
func TestOneThatFallsSilent(t *testing.T) {
	w := newWorld(t, Config{})
	n := 0
	push := func(on map[string]string) (levels []int64) {
		n++
		o := w.round(sent{on, []told1{delta(sentTotal, "orders", 5, at(10*n-10), at(10*n))}})
		for _, x := range o.Samples {
			if x.Metric == lineage.Pending && x.Subject.Client.ClientID == "shop-1" {
				levels = append(levels, x.Value)
			}
		}
		return levels
	}
	other := with(onShop, "client_instance_id", "i2", "client_id", "other-1")
	var all []int64
	for range 3 {
		all = append(all, push(onShop)...)
	}
	for range int(silentAfter/tick) + 2 {
		all = append(all, push(other)...)
	}
	if !slices.Equal(all, []int64{1}) {
		t.Errorf("told %v of the one that fell silent, want 1 once", all)
	}
	if back := push(onShop); !slices.Equal(back, []int64{0}) {
		t.Errorf("told %v when it was back, want 0", back)
	}
}

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		board := watched()
		var c *Collector
		quiet, n := false, 0
		var senders sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(func() { cancel(); senders.Wait() })
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				var err error
				if c, err = New(Config{Name: "west", Interval: tick, Board: board, Silence: tick / 2}, sink); err != nil {
					t.Fatal(err)
				}
				return c.inbox
			},
			Live: func(time.Time) {
				if quiet {
					return
				}
				n++
				r, err := NewDesk(board, c).Take("", request(sent{onShop, []told1{delta(sentTotal, "orders", 5, at(n), at(n+1))}}))
				if err != nil {
					t.Fatal(err)
				}
				waits := c.inbox.Waits()
				senders.Go(func() { _ = r.Deliver(ctx) })
				for c.inbox.Waits() == waits {
					time.Sleep(time.Millisecond)
				}
			},
			Break: func(b bool) { quiet = b },
			Hang:  func(b bool) { quiet = b },
			Spoil: func(collector.Source) { c.source.clients = nil },
		}
	})
}
