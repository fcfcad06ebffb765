package lineage

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are names that would break an id that is merely joined, and some that Kafka allows.
var hostile = []string{
	"orders", "a.b_c-d", "/", ":", "->", "%", "%2F", "%zz", "a/b", "topic:west/orders", "application:shop/a->topic:west/b", " ", "\x00", "\xff\xfe", "Süd", "日本語",
	"+", "?", "#", "a\nb", "\u202e", strings.Repeat("x", 300), "..", "~",
}

func randomNode(r *rand.Rand) Node {
	name := func() string {
		s := hostile[r.IntN(len(hostile))]
		if r.IntN(3) == 0 {
			b := make([]byte, 1+r.IntN(8))
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			s += string(b)
		}
		return s
	}
	return Node{Scope: name(), Kind: NodeKind(1 + r.IntN(int(nodeKinds)-1)), Name: name()}
}

func TestIDsComeBack(t *testing.T) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-%:/>"
	seen := make(map[string]Flow)
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		f := Flow{From: randomNode(r), To: randomNode(r)}
		if back, err := ParseNodeID(f.From.ID()); err != nil || back != f.From {
			t.Fatalf("%q: got %+v, %v, want %+v", f.From.ID(), back, err, f.From)
		}
		id := f.ID()
		if back, err := ParseFlowID(id); err != nil || back != f {
			t.Fatalf("%q: got %+v, %v, want %+v", id, back, err, f)
		}
		if strings.Trim(id, plain) != "" {
			t.Fatalf("%q is not plain", id)
		}
		if other, ok := seen[id]; ok && other != f {
			t.Fatalf("%+v and %+v have one id %q", f, other, id)
		}
		seen[id] = f
	}
}

func TestNodeID(t *testing.T) {
	f := func(n Node, id string) {
		t.Helper()
		if got := n.ID(); got != id {
			t.Errorf("got %q, want %q", got, id)
		}
		if got, err := ParseNodeID(id); err != nil || got != n {
			t.Errorf("%q: got %+v, %v, want %+v", id, got, err, n)
		}
	}
	f(Node{"west", TopicNode, "orders"}, "topic:west/orders")
	f(Node{"shop", ApplicationNode, "west->east"}, "application:shop/west-%3Eeast")
	f(Node{"west", UnidentifiedNode, "a.b_c-d"}, "unidentified:west/a.b_c-d")
	f(Node{"connect-west", ConnectorNode, "file in"}, "connector:connect-west/file%20in")
	f(Node{"east", ReplicatorNode, "w/e"}, "replicator:east/w%2Fe")
	f(Node{"west", StreamJobNode, "wc"}, "streamjob:west/wc")
	f(Node{"dbt", JobNode, "shop.orders"}, "job:dbt/shop.orders")
	f(Node{"postgres://db:5432", DatasetNode, "shop.public.orders"}, "dataset:postgres%3A%2F%2Fdb%3A5432/shop.public.orders")
}

func TestBadIDs(t *testing.T) {
	for id, want := range map[string]string{
		"":                  `node id "" is not kind:scope/name`,
		"orders":            `node id "orders" is not kind:scope/name`,
		"topic:orders":      `node id "topic:orders" is not kind:scope/name`,
		"topic:/orders":     `node id "topic:/orders" is not kind:scope/name`,
		"topic:west/":       `node id "topic:west/" is not kind:scope/name`,
		"table:west/a":      `node id "table:west/a": unknown kind "table"`,
		":west/a":           `node id ":west/a": unknown kind ""`,
		"topic:west/%z":     `node id "topic:west/%z": invalid URL escape "%z"`,
		"topic:w%/a":        `node id "topic:w%/a": invalid URL escape "%"`,
		"topic:west/a%2":    `node id "topic:west/a%2": invalid URL escape "%2"`,
		"TOPIC:west/orders": `node id "TOPIC:west/orders": unknown kind "TOPIC"`,
	} {
		if n, err := ParseNodeID(id); err == nil || err.Error() != want || n.Kind != NoKind && !strings.Contains(want, "escape") {
			t.Errorf("%q: got %+v, %v, want %q", id, n, err, want)
		}
		if _, err := ParseFlowID(id + "->topic:west/a"); err == nil {
			t.Errorf("%q is taken for a flow's beginning", id)
		}
		if _, err := ParseFlowID("topic:west/a->" + id); err == nil {
			t.Errorf("%q is taken for a flow's end", id)
		}
	}
	if _, err := ParseFlowID("topic:west/a"); err == nil || err.Error() != `flow id "topic:west/a" is not FROM->TO` {
		t.Errorf("got %v", err)
	}
}

func FuzzParseFlowID(f *testing.F) {
	f.Add("application:shop/a->topic:west/b")
	f.Add("topic:%00/%->-->x")
	f.Fuzz(func(t *testing.T, id string) {
		flow, err := ParseFlowID(id)
		if err != nil {
			return
		}
		if back, err := ParseFlowID(flow.ID()); err != nil || back != flow {
			t.Fatalf("%q: %+v becomes %q and that %+v, %v", id, flow, flow.ID(), back, err)
		}
	})
}

func TestFlowKind(t *testing.T) {
	node := func(k NodeKind) Node { return Node{"s", k, "n"} }
	f := func(from, to NodeKind, want FlowKind) {
		t.Helper()
		if got := (Flow{node(from), node(to)}).Kind(); got != want {
			t.Errorf("%s to %s: got %s, want %s", from, to, got, want)
		}
	}
	f(ApplicationNode, TopicNode, Produce)
	f(UnidentifiedNode, TopicNode, Produce)
	f(ConnectorNode, TopicNode, Produce)
	f(TopicNode, ApplicationNode, Consume)
	f(TopicNode, StreamJobNode, Consume)
	f(TopicNode, UnidentifiedNode, Consume)
	f(TopicNode, ReplicatorNode, Replicate)
	f(ReplicatorNode, TopicNode, Replicate)
	f(DatasetNode, ConnectorNode, External)
	f(ConnectorNode, DatasetNode, External)
}

func TestWindow(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	w := func(a, b int64) Window { return Window{at(a), at(b)} }
	if x := w(10, 20); x.Contains(at(9)) || !x.Contains(at(10)) || !x.Contains(at(19)) || x.Contains(at(20)) {
		t.Error("a window is half-open")
	}
	if w(10, 10).Contains(at(10)) || !w(10, 10).Empty() || !w(20, 10).Empty() || w(10, 11).Empty() {
		t.Error("a window without an instant is empty")
	}
	if got := w(10, 25).Duration(); got != 15*time.Second {
		t.Errorf("got %v", got)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b := w(r.Int64N(10), r.Int64N(10)), w(r.Int64N(10), r.Int64N(10))
		both, other := a.Overlap(b), b.Overlap(a)
		if both != other {
			t.Fatalf("%v and %v overlap in %v, the other way in %v", a, b, both, other)
		}
		some := false
		for s := range int64(10) {
			in := a.Contains(at(s)) && b.Contains(at(s))
			some = some || in
			if both.Contains(at(s)) != in {
				t.Fatalf("%v and %v overlap in %v, but for %d", a, b, both, s)
			}
		}
		if both.Empty() == some {
			t.Fatalf("%v and %v overlap in %v, which says empty: %v", a, b, both, both.Empty())
		}
	}
}

// The numbers of evidence, metrics, facts and events are on disk, their names in the API.
func TestNumbersOnDisk(t *testing.T) {
	names := strings.Fields(`NONE END_OFFSETS GROUP_OFFSETS GROUP_MEMBERSHIP SHARE_OFFSETS PRODUCER_STATE TRANSACTION BATCH_HEADER RECORD_HEADER
		STREAMS_TOPOLOGY CONNECT MIRROR FLINK OPENLINEAGE AUDIT_LOG TELEMETRY AUTHORIZER_LOG REQUEST_LOG ELIMINATION DECLARED`)
	if len(names) != int(EvidenceKinds) {
		t.Fatalf("%d kinds of evidence, want %d", EvidenceKinds, len(names))
	}
	for i, name := range names {
		k := EvidenceKind(i)
		if k.String() != name {
			t.Errorf("evidence %d: got %s, want %s", i, k, name)
		}
	}
	metrics := strings.Fields(`none records appended lag lag_ms lag_at_least pending log_bytes retained skipped lost live
		runs left - - linked mixed - - - markers - - - claimed - - - trace_ms - - - traces - - unplaced doubted - - ahead returned`)
	if len(metrics) != int(Metrics) {
		t.Fatalf("%d metrics, want %d", Metrics, len(metrics))
	}
	for i, name := range metrics {
		m := Metric(i)
		known, counter := name != "-" && i > 0, slices.Contains(strings.Fields("records appended skipped lost left mixed markers claimed trace_ms traces doubted returned"), name)
		if m.Known() != known || known && (m.String() != name || m.Counter() != counter || m.Moves() != (name == "records" || name == "appended")) {
			t.Errorf("metric %d: got %s, known %v, counter %v", i, m, m.Known(), m.Counter())
		}
		if want := slices.Contains(strings.Fields("runs left linked mixed claimed"), name); m.Settles() != want {
			t.Errorf("writing is settled from %s: %v", m, m.Settles())
		}
	}
	events := strings.Fields(`TOPIC_CREATED TOPIC_DELETED TOPIC_RECREATED CONFIG_CHANGED GROUP_JOINED GROUP_LEFT FLOW_STARTED FLOW_STOPPED LEADERS_MOVED
		SOURCE_LOST SOURCE_RECOVERED OFFSETS_SET RECORDS_LOST CLUSTER_CHANGED ACCESS_DENIED ADMINISTERED SCHEMA_CHANGED
		JOB_STARTED JOB_ENDED JOB_FAILED JOB_RESTARTED CHECKPOINT_FAILED`)
	if len(events) != len(eventNames)-1 {
		t.Fatalf("%d events, want %d", len(eventNames)-1, len(events))
	}
	for i, name := range events {
		if got := EventType(i + 1).String(); got != name {
			t.Errorf("event %d: got %s, want %s", i+1, got, name)
		}
	}
	if [...]FactKind{ClusterFacts, TopicFacts, GroupFacts, BlindSpotFacts} != [...]FactKind{1, 2, 3, 4} {
		t.Error("a kind of fact has another number")
	}
}

func TestSmallWords(t *testing.T) {
	if _, ok := ProducerID(0).Value(); ok {
		t.Error("the zero ProducerID has a value")
	}
	for _, id := range []int64{0, 1, 1<<62 + 5} {
		if got, ok := KnownProducer(id).Value(); got != id || !ok {
			t.Errorf("got %d, %v, want %d", got, ok, id)
		}
	}
	if got := (TopicID{0xab, 15: 1}).String(); got != "ab000000000000000000000000000001" {
		t.Errorf("got %s", got)
	}
	if s := (Source{"west", "groups"}).String() + " " + OpNone.String() + " " + Write.String() + " " + Read.String(); s != "west/groups topic write read" {
		t.Errorf("got %q", s)
	}
	r := func(a Amount) float64 {
		v, ok := a.Rate()
		if !ok {
			return -1
		}
		return v
	}
	if r(Amount{}) != -1 || r(Amount{Known: true, Total: 5}) != -1 || r(Amount{Known: true, Total: 50, Observed: 30, ObservedFor: 10 * time.Second}) != 3 ||
		r(Amount{Known: true, ObservedFor: time.Second}) != 0 {
		t.Error("a rate is what was observed over the time it was observed in; without any it is unknown, not zero")
	}
}

// TestMetricsByRule holds that a metric that is added says by its number how its values add up, so that a version
// before it can keep it.
func TestMetricsByRule(t *testing.T) {
	for m := byRule; m < 128; m++ {
		if low := m & 3; m.Counter() != (low == 1 || low == 2) || m.Moves() != (low == 2) || m.Known() && low == 3 {
			t.Errorf("%s is counter %v, moves %v", m, m.Counter(), m.Moves())
		}
	}
}

// TestBounds holds the bounds that are no constants of their types, so that a switch over all kinds need not name them.
func TestBounds(t *testing.T) {
	if FactKinds != WaysFacts+1 || EventTypes != CheckpointFailed+1 {
		t.Errorf("%d kinds of facts and %d types of events, want %d and %d", FactKinds, EventTypes, WaysFacts+1, CheckpointFailed+1)
	}
}
