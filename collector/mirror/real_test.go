package mirror

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

const realTick = 2 * time.Second

// realWorld is two real clusters, watched as cmd/lineaged watches them.
type realWorld struct {
	t          *testing.T
	west, east *kafkatest.Cluster
	sinks      map[string]*recorder
	asked      meter
	stop       func()
}

// meter counts the requests and bytes of the mirror source on east.
type meter struct {
	mu         sync.Mutex // guards the rest
	n, in, out int
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (r *meter) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	r.in += e.BytesRead
	r.out += e.BytesWritten
}

func (r *meter) get() (n, in, out int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n, r.in, r.out
}

func newRealWorld(t *testing.T) *realWorld {
	t.Helper()
	w := &realWorld{t: t, sinks: map[string]*recorder{}}
	w.west = kafkatest.Shared(t, kafkatest.Options{})
	// Other options make another cluster.
	w.east = kafkatest.Shared(t, kafkatest.Options{Config: map[string]string{"num.partitions": "1"}})
	for _, name := range []string{"west", "east", "mirror of west", "mirror of east"} {
		w.sinks[name] = newRecorder()
	}
	return w
}

// watch starts the sources of both clusters. They go on from what the sinks hold.
func (w *realWorld) watch(aliases map[string]string) {
	w.t.Helper()
	board, syncs := &collector.Board{}, &Syncs{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for name, cluster := range map[string]*kafkatest.Cluster{"west": w.west, "east": w.east} {
		k, err := kafka.New(kafka.Config{Name: name, Brokers: cluster.Brokers(), Interval: realTick, Board: board}, w.sinks[name])
		if err != nil {
			w.t.Fatal(err)
		}
		opts := cluster.ClientOpts(kafkatest.Admin)
		if name == "east" {
			opts = append(opts, kgo.WithHooks(&w.asked))
		}
		m, err := New(Config{Name: name, Interval: realTick, Board: board, Syncs: syncs, Aliases: aliases, Client: func(more ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(opts, more...)...)
		}}, w.sinks["mirror of "+name])
		if err != nil {
			w.t.Fatal(err)
		}
		wg.Go(func() { _ = k.Run(ctx) })
		wg.Go(func() { _ = m.Run(ctx) })
	}
	w.stop = func() {
		cancel()
		wg.Wait()
	}
	w.t.Cleanup(func() { w.stop() })
}

// newest returns the newest sample of an access as the mirror of east told it.
func (w *realWorld) newest(a lineage.Access, m lineage.Metric) (lineage.Sample, bool) {
	r := w.sinks["mirror of east"]
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.samples[a][m]
	return s, ok
}

// eliminated returns what the source of east leaves of a topic to the only one that is seen to write it.
func (w *realWorld) eliminated(a lineage.Access) (n int64) {
	if s, _ := w.newest(a, lineage.Runs); s.Value != 1 {
		return 0
	}
	r := w.sinks["east"]
	r.mu.Lock()
	defer r.mu.Unlock()
	for subject, samples := range r.samples {
		if subject.Topic.Name == a.Topic.Name && subject.Op == lineage.OpNone {
			n += samples[lineage.Left].Value
		}
	}
	return n
}

// rounds is how many rounds the mirror of east has told.
func (w *realWorld) rounds() int {
	r := w.sinks["mirror of east"]
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rounds
}

// checkBudget measures what five steady rounds take: one fetch each, and what was written meanwhile.
func (w *realWorld) checkBudget() {
	w.t.Helper()
	next := func(round int) (n, in, out int) {
		eventually(w.t, "a round ends", 5*time.Second+5*realTick, func() bool { return w.rounds() >= round })
		return w.asked.get()
	}
	first := w.rounds() + 1
	n, in, out := next(first)
	n2, in2, out2 := next(first + 5)
	n, in, out = n2-n, in2-in, out2-out
	w.t.Logf("five rounds took %d requests, %d bytes in, %d bytes out", n, in, out)
	// One more than there are rounds may fall into the time it takes to look, and the leaders are asked for now and
	// then.
	if n < 1 || n > 7 || in > 5*4096 || out > 5*1024 {
		w.t.Errorf("five rounds took %d requests, %d bytes in, %d bytes out", n, in, out)
	}
}

// state is what the replicator is said to be in, empty when there is none.
func (w *realWorld) state(name string) string {
	if f := w.replicator(name); f != nil {
		return f.State
	}
	return ""
}

func (w *realWorld) blind() []lineage.BlindSpot {
	r := w.sinks["mirror of east"]
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blind
}

func (w *realWorld) facts(sink string) []lineage.Fact {
	r := w.sinks[sink]
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.facts))
}

func (w *realWorld) replicator(name string) *lineage.ReplicatorFact {
	r := w.sinks["mirror of east"]
	r.mu.Lock()
	defer r.mu.Unlock()
	id := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: name}.ID()
	return r.facts[lineage.FactKey{Source: "east", Kind: lineage.ReplicatorFacts, Name: id}].Replicator
}

func (w *realWorld) produce(topic string, n int) {
	w.t.Helper()
	client := w.west.Client(w.t)
	var records []*kgo.Record
	for range n {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte("x")})
	}
	if err := client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestRealDefaultPolicy(t *testing.T) {
	w := newRealWorld(t)
	w.west.CreateTopic(t, "orders", 3)
	w.west.CreateTopic(t, "lines", 1)
	w.produce("orders", 1000)
	w.watch(nil)
	mover := lineage.Client{Mover: lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}}
	orders := lineage.Access{Topic: lineage.Topic{Cluster: lineage.ClusterID(w.west.ID), Name: "orders"}, Op: lineage.Read, Client: mover}
	records := func() int64 {
		s, _ := w.newest(orders, lineage.Records)
		return s.Value
	}
	start := func() *kafkatest.Mirror {
		return kafkatest.StartMirror(t, w.west, w.east, kafkatest.MirrorOptions{SourceAlias: "west", TargetAlias: "east", Properties: map[string]string{"west->east.topics": "orders|lines"}})
	}
	m := start()
	eventually(t, "the replicator is found", 2*time.Minute, func() bool { return w.replicator("west->east") != nil })
	w.produce("orders", 500)
	eventually(t, "1500 records are counted", 90*time.Second, func() bool { return records() >= 1500 })
	time.Sleep(3 * realTick)
	if got := records(); got != 1500 {
		t.Errorf("%d records, want 1500", got)
	}
	if s, ok := w.newest(orders, lineage.Lag); !ok || s.Value != 0 {
		t.Errorf("lag %+v", s)
	}
	f := w.replicator("west->east")
	if f.State != "RUNNING" || f.Separator != "." || f.Source != lineage.ClusterID(w.west.ID) || f.Target != lineage.ClusterID(w.east.ID) {
		t.Errorf("fact %+v", f)
	}
	// The direction that is off has connectors and heartbeats too, on west.
	for _, f := range w.facts("mirror of west") {
		if f.Replicator != nil {
			t.Errorf("the direction that is off is a replicator: %+v", f.Replicator)
		}
	}
	// The cluster's own source leaves the copy's records to the one that is known to write it.
	written := lineage.Access{Topic: lineage.Topic{Cluster: lineage.ClusterID(w.east.ID), Name: "west.orders"}, Op: lineage.Write, Client: mover}
	defer func() { t.Logf("the replicator has %d of the copy's records", w.eliminated(written)) }()
	// What was copied before anybody knew who copies stays nobody's.
	eventually(t, "the replicator takes the copy's remainder", time.Minute, func() bool { return w.eliminated(written) >= 500 })
	copied := w.east.EndOffset(t, "west.orders")
	if copied != 1500 {
		t.Errorf("the copy holds %d", copied)
	}
	w.checkBudget()

	// A stop, a restart of lineaged meanwhile, and on.
	m.Stop(t)
	w.produce("orders", 200)
	eventually(t, "the replicator is seen to be stopped", 90*time.Second, func() bool { return w.state("west->east") == "UNASSIGNED" })
	w.stop()
	w.watch(nil)
	time.Sleep(3 * realTick)
	if got := records(); got != 1500 {
		t.Errorf("%d records after a restart, want 1500", got)
	}
	m = start()
	eventually(t, "1700 records are counted", 90*time.Second, func() bool { return records() >= 1700 })
	time.Sleep(2 * realTick)
	if got := records(); got != 1700 {
		t.Errorf("%d records, want 1700", got)
	}
	if got := w.state("west->east"); got != "RUNNING" {
		t.Errorf("state %q", got)
	}
	if blind := w.blind(); len(blind) > 0 {
		t.Errorf("blind spots %v", blind)
	}
	w.loseWhileDown(m, start, lineage.Access{Topic: lineage.Topic{Cluster: lineage.ClusterID(w.west.ID), Name: "lines"}, Op: lineage.Read, Client: mover})
}

// loseWhileDown stops MirrorMaker 2, lets somebody delete 800 of the records that it has not copied, and lets it go on:
// these are lost and not copied.
func (w *realWorld) loseWhileDown(m *kafkatest.Mirror, start func() *kafkatest.Mirror, lines lineage.Access) {
	t := w.t
	value := func(m lineage.Metric) int64 { s, _ := w.newest(lines, m); return s.Value }
	w.produce("lines", 200)
	eventually(t, "200 lines are counted", 90*time.Second, func() bool { return value(lineage.Records) >= 200 })
	m.Stop(t)
	w.produce("lines", 1300)
	var to kadm.Offsets
	to.AddOffset("lines", 0, 1000, -1)
	if _, err := w.west.Admin(t).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	start()
	eventually(t, "the replicator goes on", 2*time.Minute, func() bool { return w.east.EndOffset(t, "west.lines") >= 700 })
	eventually(t, "700 lines are counted and 800 lost", 2*time.Minute, func() bool { return value(lineage.Records)+value(lineage.Lost) >= 1500 })
	time.Sleep(3 * realTick)
	if n, lost, lag := value(lineage.Records), value(lineage.Lost), value(lineage.Lag); n != 700 || lost != 800 || lag != 0 {
		t.Errorf("%d lines are counted and %d lost, the lag is %d; want 700, 800 and 0", n, lost, lag)
	}
}

func TestRealIdentityPolicy(t *testing.T) {
	w := newRealWorld(t)
	w.west.CreateTopic(t, "same", 2)
	w.produce("same", 300)
	w.watch(map[string]string{"w2": "west", "e2": "east"})
	kafkatest.StartMirror(t, w.west, w.east, kafkatest.MirrorOptions{SourceAlias: "w2", TargetAlias: "e2", Properties: map[string]string{
		"w2->e2.topics": "same", "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
	}})
	mover := lineage.Client{Mover: lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "w2->e2"}}
	read := lineage.Access{Topic: lineage.Topic{Cluster: lineage.ClusterID(w.west.ID), Name: "same"}, Op: lineage.Read, Client: mover}
	eventually(t, "300 records are counted", 2*time.Minute, func() bool { s, _ := w.newest(read, lineage.Records); return s.Value >= 300 })
	if s, _ := w.newest(read, lineage.Records); s.Value != 300 {
		t.Errorf("%d records, want 300", s.Value)
	}
	if f := w.replicator("w2->e2"); f == nil || !strings.HasSuffix(f.Policy, "IdentityReplicationPolicy") || f.Separator != "" {
		t.Errorf("fact %+v", f)
	}
}
