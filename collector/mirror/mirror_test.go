package mirror

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := kafkatest.CloseShared(); err != nil {
		slog.Error("stop the shared clusters", "error", err)
	}
	if err := goleak.Find(); code == 0 && err != nil {
		slog.Error("goroutines are left", "error", err)
		code = 1
	}
	os.Exit(code)
}

const tick = 5 * time.Second

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// recorder is a sink that keeps the newest of everything.
type recorder struct {
	mu        sync.Mutex // guards all below
	rounds    int
	samples   map[lineage.Access]map[lineage.Metric]lineage.Sample
	told      map[lineage.Access][]lineage.Sample // all Records samples
	facts     map[lineage.FactKey]lineage.Fact
	blind     []lineage.BlindSpot
	blindTold int
	positions map[string][]byte
	events    []lineage.Event
	fail      error
}

func newRecorder() *recorder {
	return &recorder{
		samples: map[lineage.Access]map[lineage.Metric]lineage.Sample{}, told: map[lineage.Access][]lineage.Sample{},
		facts: map[lineage.FactKey]lineage.Fact{}, positions: map[string][]byte{},
	}
}

func (r *recorder) Append(_ context.Context, obs ...lineage.Observation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.rounds++
	for _, o := range obs {
		r.events = append(r.events, o.Events...)
		for _, s := range o.Samples {
			put(r.samples, s.Subject)[s.Metric] = s
			if s.Metric == lineage.Records {
				r.told[s.Subject] = append(r.told[s.Subject], s)
			}
		}
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.BlindSpotFacts {
				r.blind = f.BlindSpots
				r.blindTold++
			} else {
				r.facts[f.Key] = f
			}
		}
		for _, p := range o.Positions {
			if r.positions[p.Key] = p.Value; p.Value == nil {
				delete(r.positions, p.Key)
			}
		}
	}
	return nil
}

func (r *recorder) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.positions), nil
}

// world is a kfake cluster that is a target, "east", and a source whose rounds the test takes by hand. West, where it
// copies from, is on the board only.
type world struct {
	t      *testing.T
	fake   *kfake.Cluster
	admin  *kadm.Client
	client *kgo.Client
	board  *collector.Board
	source *source
	rec    *recorder
	round  time.Time
	last   lineage.Observation
	west   []string
	ends   map[string][]int64 // of topics on west and, after "east/", on east
	marked map[string]bool    // topics with transactions
	syncs  *Syncs
	alias  map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &world{
		t: t, fake: fake, client: client, admin: kadm.NewClient(client), board: &collector.Board{}, rec: newRecorder(), round: t0,
		ends: map[string][]int64{}, syncs: &Syncs{},
	}
	w.start()
	return w
}

// start makes the source, or makes it anew from what the recorder holds.
func (w *world) start() {
	w.t.Helper()
	c, err := New(Config{
		Name: "east", Interval: tick, Board: w.board, Aliases: w.alias, Syncs: w.syncs,
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(opts, kgo.SeedBrokers(w.fake.ListenAddrs()...))...)
		},
	}, w.rec)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.source.Restore(w.t.Context(), w.rec); err != nil {
		w.t.Fatal(err)
	}
	w.source = c.source
	w.t.Cleanup(c.source.close)
}

// look tells the board of both clusters, as their own sources would.
func (w *world) look() {
	w.t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all; asked by itself, since the client keeps what it knows for a while
	resp, err := req.RequestWith(w.t.Context(), w.client)
	if err != nil {
		w.t.Fatal(err)
	}
	var topics []string
	for _, rt := range resp.Topics {
		topics = append(topics, *rt.Topic)
	}
	slices.Sort(topics)
	w.board.SetCluster(collector.Watched{Source: "east", ID: "E", Bootstrap: []string{"e1:9092"}, Topics: topics})
	if w.west != nil {
		slices.Sort(w.west)
		w.board.SetCluster(collector.Watched{Source: "west", ID: "W", Bootstrap: []string{"w1:9092"}, Topics: w.west})
	}
	w.board.SetEnds("W", w.round, func(topic string) collector.Ends {
		return collector.Ends{Offsets: w.ends[topic], Transactional: w.marked[topic]}
	})
	w.board.SetEnds("E", w.round, func(topic string) collector.Ends { return collector.Ends{Offsets: w.ends["east/"+topic]} })
}

// take takes n rounds. A world with a pulse has a heartbeat in each.
func (w *world) take(n int, pulse ...string) {
	w.t.Helper()
	for range n {
		w.round = w.round.Add(tick)
		for _, p := range pulse {
			from, to, _ := strings.Cut(p, "->")
			w.beat(from, to, w.round)
		}
		w.look()
		ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Second)
		obs := w.source.Observe(ctx, w.round)
		cancel()
		if len(obs) != 1 {
			w.t.Fatalf("%d observations", len(obs))
		}
		w.last = obs[0]
		if err := w.rec.Append(w.t.Context(), obs...); err != nil && w.rec.fail == nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) topic(partitions int32, names ...string) {
	w.t.Helper()
	for _, name := range names {
		if _, err := w.admin.CreateTopic(w.t.Context(), partitions, 1, nil, name); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) put(topic, key, value string) {
	w.t.Helper()
	r := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value), Timestamp: w.round}
	if strings.HasPrefix(topic, "mm2-offsets.") {
		r.Partition = int32(len(key) % 25)
	}
	if value == "" {
		r.Value = nil
	}
	if err := w.client.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// The records as MirrorMaker 2 writes them.

func str(s string) string { return string(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) + s }
func i32(v int32) string  { return string(binary.BigEndian.AppendUint32(nil, uint32(v))) }
func i64(v int64) string  { return string(binary.BigEndian.AppendUint64(nil, uint64(v))) }

func (w *world) beat(from, to string, at time.Time) {
	w.t.Helper()
	w.put("heartbeats", str(from)+str(to), "\x00\x00"+i64(at.UnixMilli()))
}

func (w *world) sync(topic, of string, upstream int64) {
	w.t.Helper()
	w.put(topic, str(of)+i32(0), i64(upstream)+i64(upstream))
}

func (w *world) checkpoint(topic, group, of string) {
	w.t.Helper()
	w.put(topic, str(group)+str(of)+i32(0), "\x00\x00"+i64(1)+i64(1)+str(""))
}

const canary = "canary-5ecret"

func (w *world) config(policy string) {
	w.t.Helper()
	w.put("mm2-configs.west.internal", "connector-MirrorSourceConnector", `{"properties":{"connector.class":"org.apache.kafka.connect.mirror.MirrorSourceConnector",
		"name":"MirrorSourceConnector","source.cluster.alias":"west","target.cluster.alias":"east","source.cluster.bootstrap.servers":"w1:9092","topics":"orders|lines",
		"source.cluster.sasl.jaas.config":"org.apache.kafka.common.security.plain.PlainLoginModule required username=\"mm2\" password=\"`+canary+`\";"`+policy+`}}`)
	w.put("mm2-configs.west.internal", "task-MirrorSourceConnector-0", `{"properties":{"task.class":"x","source.admin.sasl.jaas.config":"`+canary+`"}}`)
	w.put("mm2-configs.west.internal", "commit-MirrorSourceConnector", `{"tasks":1}`)
}

const identity = `,"replication.policy.class":"org.apache.kafka.connect.mirror.IdentityReplicationPolicy"`

func (w *world) status(state string) {
	w.t.Helper()
	v := `{"state":"` + state + `","trace":"` + canary + `","worker_id":"127.0.0.1:0","generation":1}`
	w.put("mm2-status.west.internal", "status-connector-MirrorSourceConnector", v)
	w.put("mm2-status.west.internal", "status-task-MirrorSourceConnector-0", v)
}

func (w *world) uses(topics ...string) {
	w.t.Helper()
	for _, topic := range topics {
		w.put("mm2-status.west.internal", "status-topic-"+topic+":connector-MirrorSourceConnector",
			`{"topic":{"name":"`+topic+`","connector":"MirrorSourceConnector","task":0,"discoverTimestamp":1795380613056}}`)
	}
}

func (w *world) offset(topic string, partition int32, last int64) {
	w.t.Helper()
	w.put("mm2-offsets.west.internal", fmt.Sprintf(`["MirrorSourceConnector",{"cluster":"west","partition":%d,"topic":%q}]`, partition, topic), fmt.Sprintf(`{"offset":%d}`, last))
}

// dedicated makes the topics of a dedicated MirrorMaker 2 west → east.
func (w *world) dedicated(policy string, copies ...string) {
	w.t.Helper()
	w.topic(1, append([]string{"heartbeats", "west.heartbeats", "west.checkpoints.internal", "mm2-configs.west.internal"}, copies...)...)
	w.topic(25, "mm2-offsets.west.internal") // as Connect makes them
	w.topic(5, "mm2-status.west.internal")
	w.west = []string{"heartbeats", "orders", "lines", "mm2-offset-syncs.east.internal", "mm2-configs.east.internal"}
	w.config(policy)
	w.status("RUNNING")
	w.uses(append(copies, "west.heartbeats")...)
}

var node = lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}

// read is the replicator's reading of a topic on west.
func read(topic string) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: topic}, Op: lineage.Read, Client: lineage.Client{Mover: node}}
}

// sighted returns the sightings of the last round: true for moved.
func (w *world) sighted() map[string]bool {
	out := map[string]bool{}
	for _, s := range w.last.Sightings {
		if s.Evidence != lineage.Mirror || s.Detail == "" || s.Access.Client.Mover != node {
			w.t.Errorf("sighting %+v", s)
		}
		out[fmt.Sprintf("%s %s/%s", s.Access.Op, s.Access.Topic.Cluster, s.Access.Topic.Name)] = s.Moved
	}
	return out
}

// wantHalted checks that what the replicator is configured to do is sighted, and that it does not do it.
func (w *world) wantHalted(state string) {
	w.t.Helper()
	got := w.sighted()
	for _, want := range []string{"read W/orders", "write E/west.orders"} {
		if moved, ok := got[want]; !ok || moved {
			w.t.Errorf("at %s sighted %v, want %s, at rest", w.round.Sub(t0), got, want)
		}
	}
	for _, x := range w.last.Sightings {
		if !strings.Contains(x.Detail, "configured, and not moving: "+state+" since ") {
			w.t.Errorf("at %s the detail is %q, want %s", w.round.Sub(t0), x.Detail, state)
		}
	}
	w.wantWriters(true)
}

func (w *world) wantSighted(want map[string]bool) {
	w.t.Helper()
	if got := w.sighted(); !maps.Equal(got, want) {
		w.t.Errorf("at %s sighted %v, want %v", w.round.Sub(t0), got, want)
	}
}

func (w *world) value(topic string, m lineage.Metric) int64 {
	s, ok := w.rec.samples[read(topic)][m]
	if !ok {
		return -1
	}
	return s.Value
}

func (w *world) wantValue(topic string, m lineage.Metric, want int64) {
	w.t.Helper()
	if got := w.value(topic, m); got != want {
		w.t.Errorf("at %s the %s of %s is %d, want %d", w.round.Sub(t0), m, topic, got, want)
	}
}

func (w *world) fact() lineage.Fact {
	return w.rec.facts[lineage.FactKey{Source: "east", Kind: lineage.ReplicatorFacts, Name: "replicator:east/west-%3Eeast"}]
}

// wantWriters checks what the board has of us: topics that the replicator writes.
func (w *world) wantWriters(told bool, topics ...string) {
	w.t.Helper()
	writers := w.board.Writers("E")
	if writers.Told != told {
		w.t.Errorf("at %s writers are told: %v, want %v", w.round.Sub(t0), writers.Told, told)
	}
	if told && !writers.AsOf.Equal(w.round) {
		w.t.Errorf("writers are as of %v, want %v", writers.AsOf, w.round)
	}
	for _, topic := range topics {
		if got, sure := writers.Of(topic); !slices.Equal(got, []lineage.Node{node}) || !sure {
			w.t.Errorf("writers of %s are %v, sure %v", topic, got, sure)
		}
	}
}

func TestNothingToFindCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "orders", "west.orders")
	if w.look(); !w.board.Writers("E").Told {
		t.Error("nobody waits for the source before its first round")
	}
	w.take(2)
	w.wantWriters(false)
	if len(w.last.Missing)+len(w.last.Facts)+len(w.last.Sightings) > 0 || w.last.Source != (lineage.Source{Cluster: "east", Name: "mirror"}) || w.source.tail != nil {
		t.Errorf("observed %+v", w.last)
	}
}

// Before a cluster's own source has seen it, nothing is lost: that is said as missing, without an event.
func TestClusterThatIsNotSeenYet(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	obs := w.source.Observe(ctx, t0)
	if len(obs) != 1 || len(obs[0].Missing) != 1 || !obs[0].Missing[0].All || len(obs[0].Events) > 0 {
		t.Errorf("observed %+v", obs)
	}
	w.take(1)
	if len(w.last.Missing)+len(w.last.Events) > 0 {
		t.Errorf("observed %+v", w.last)
	}
}

// Markers of transactions are offsets of the source and no records; the copy has none.
func TestTransactionsOfTheSource(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.marked = map[string]bool{"orders": true}
	w.offset("orders", 0, 98)
	w.ends["orders"], w.ends["lines"], w.ends["east/west.orders"] = []int64{100}, []int64{0}, []int64{50}
	w.take(2, "west->east") // ends are told one round after they are asked for
	w.wantValue("orders", lineage.Lag, 0)
	w.ends["orders"], w.ends["east/west.orders"] = []int64{200}, []int64{100}
	w.offset("orders", 0, 198)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 50)
	w.wantValue("orders", lineage.Lag, 0)
	if s := w.rec.samples[read("orders")][lineage.Records]; !s.Estimated {
		t.Errorf("%+v is not estimated", s)
	}
}

func TestDedicatedDefaultPolicy(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders", "west.lines")
	w.offset("orders", 0, 99)
	w.ends["orders"], w.ends["lines"] = []int64{100, 0}, []int64{0}
	w.take(1, "west->east")
	w.wantSighted(map[string]bool{
		"read W/orders": false, "read W/lines": false, "write E/west.orders": false, "write E/west.lines": false, "read W/heartbeats": false, "write E/west.heartbeats": false,
	})
	w.wantWriters(true, "west.orders", "west.lines")
	w.wantValue("orders", lineage.Records, 0)
	if got, _ := w.board.Writers("E").Of("west.others"); len(got) > 0 {
		t.Errorf("%v writes what its configuration does not name", got)
	}
	want := lineage.ReplicatorFact{
		Node: node, SourceAlias: "west", TargetAlias: "east", Source: "W", Target: "E",
		Policy: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy", Separator: ".", State: "RUNNING",
	}
	if f := w.fact(); f.Replicator == nil || *f.Replicator != want {
		t.Errorf("fact is %+v", f.Replicator)
	}
	if len(w.rec.blind) > 0 {
		t.Errorf("blind spots %v", w.rec.blind)
	}

	w.ends["orders"], w.ends["lines"] = []int64{149, 1}, []int64{40}
	w.ends["east/west.orders"], w.ends["east/west.lines"] = []int64{149, 1}, []int64{40}
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Lag, lineage.Unknown) // one partition has something to copy, and no offset yet
	w.wantValue("orders", lineage.Pending, 1)
	w.wantValue("lines", lineage.Pending, 1) // something to copy, and no commit yet
	idle := w.round.Add(-tick)

	w.take(3, "west->east")
	w.offset("orders", 0, 138)
	w.offset("orders", 1, 0) // another partition begins
	w.offset("lines", 0, 39)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 40)
	w.wantValue("orders", lineage.Lag, 10)
	w.wantValue("lines", lineage.Records, 40)
	w.wantValue("lines", lineage.Lag, 0)
	w.wantValue("lines", lineage.Pending, 0)
	if s := w.rec.samples[read("orders")][lineage.Records]; s.Evidence != lineage.Mirror || !s.Estimated || s.Since.After(idle) || s.Since.Before(t0) {
		t.Errorf("sample %+v, want since %v at the latest", s, idle)
	}
	if got := w.sighted(); !got["read W/orders"] || !got["write E/west.lines"] || got["read W/heartbeats"] {
		t.Errorf("moved: %v", got)
	}
	moved := w.round
	w.take(11, "west->east")
	w.offset("orders", 0, 148)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 50)
	if s := w.rec.samples[read("orders")][lineage.Records]; !s.Since.Equal(moved.Add(-tick)) {
		t.Errorf("since %v, want the round before the commit before, %v", s.Since, moved.Add(-tick))
	}
}

func TestDedicatedIdentityPolicy(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "other")
	w.dedicated(identity, "orders", "lines")
	w.take(1, "west->east")
	w.offset("orders", 0, 9)
	w.ends["orders"], w.ends["east/orders"] = []int64{10}, []int64{10}
	w.take(1, "west->east")
	w.wantSighted(map[string]bool{
		"read W/orders": true, "write E/orders": true, "read W/lines": false, "write E/lines": false, "read W/heartbeats": false, "write E/west.heartbeats": false,
	})
	w.wantValue("orders", lineage.Records, 10)
	if f := w.fact().Replicator; f == nil || f.Separator != "" || !strings.HasSuffix(f.Policy, "IdentityReplicationPolicy") {
		t.Errorf("fact is %+v", f)
	}
}

func TestUnknownPolicy(t *testing.T) {
	w := newWorld(t)
	w.dedicated(`,"replication.policy.class":"com.example.Policy"`, "ORDERS")
	w.offset("orders", 0, 9)
	w.take(1, "west->east")
	w.wantSighted(map[string]bool{"read W/orders": false, "write E/ORDERS": false, "write E/west.heartbeats": false})
	if len(w.rec.blind) != 1 || !strings.Contains(w.rec.blind[0].What, "com.example.Policy") {
		t.Errorf("blind spots %v", w.rec.blind)
	}
}

func TestStopsWhenHeartbeatsStop(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.take(3, "west->east")
	w.take(6) // 30 s without
	if s := w.fact().Replicator.State; s != "RUNNING" {
		t.Errorf("stopped too early: %s", s)
	}
	w.take(1)
	w.wantHalted("UNASSIGNED")
	if got, _ := w.board.Writers("E").Of("west.orders"); len(got) > 0 {
		t.Errorf("%v writes though it is stopped", got)
	}
	if f := w.fact(); f.Gone || f.Replicator.State != "UNASSIGNED" {
		t.Errorf("fact %+v", f.Replicator)
	}
	w.take(1, "west->east")
	if len(w.last.Sightings) == 0 || w.fact().Replicator.State != "RUNNING" {
		t.Error("it does not live again")
	}
	// Stopped long ago, and seen for the first time: its own clock decides.
	v := newWorld(t)
	v.dedicated("", "west.orders")
	v.beat("west", "east", t0.Add(-time.Hour))
	v.take(2)
	v.wantHalted("UNASSIGNED")
	if got := v.last.Sightings[0].Detail; !strings.Contains(got, " at the latest") {
		t.Errorf("detail %q", got)
	}
}

func TestCopiesAreNamedBeforeTheyBegin(t *testing.T) {
	w := newWorld(t)
	w.dedicated("")
	w.take(1, "west->east")
	w.wantWriters(true, "west.orders", "west.lines") // which are not there yet
	w.wantSighted(map[string]bool{"read W/heartbeats": false, "write E/west.heartbeats": false})
}

// A filter that lineaged does not know may let nothing pass, so only copies that are there have a writer.
func TestCopiesOfAnUnknownFilterAreNotNamedBefore(t *testing.T) {
	w := newWorld(t)
	w.dedicated(`,"topic.filter.class":"org.example.Filter"`, "west.orders")
	w.take(1, "west->east")
	w.wantWriters(true, "west.orders")
	if got, _ := w.board.Writers("E").Of("west.lines"); len(got) > 0 {
		t.Errorf("%v write a topic that may never be", got)
	}
}

// When the first reading of a MirrorMaker 2 that came later fails there may be writers: what they wrote is not given to
// anyone meanwhile.
func TestWritersAreExpectedUntilAllIsRead(t *testing.T) {
	w := newWorld(t)
	w.take(1) // and there is none
	w.wantWriters(false)
	w.dedicated("", "west.orders")
	var down atomic.Bool // the fake runs on goroutines of its own
	down.Store(true)
	w.fake.Control(func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		if down.Load() && kreq.Key() == 1 {
			return nil, errors.New("closed"), true
		}
		return nil, nil, false
	})
	w.take(1, "west->east")
	if got := w.board.Writers("E"); !got.Told || !got.AsOf.IsZero() {
		t.Errorf("writers are %+v, want them expected", got)
	}
	down.Store(false)
	w.take(2, "west->east")
	w.wantWriters(true, "west.orders")
}

func TestPausedAndFailedDoNotRun(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.take(1, "west->east")
	w.status("FAILED")
	w.take(1, "west->east")
	w.wantHalted("FAILED")
	w.status("RUNNING")
	w.put("mm2-configs.west.internal", "target-state-MirrorSourceConnector", `{"state":"PAUSED","state.v2":"STOPPED"}`)
	w.take(1, "west->east")
	w.wantHalted("STOPPED")
	if s := w.fact().Replicator.State; s != "STOPPED" {
		t.Errorf("state %s", s)
	}
}

func TestWithoutHeartbeatsTheGroupTells(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.take(1) // heartbeats are off, and there is no worker group
	w.wantHalted("UNASSIGNED")
	if s := w.fact().Replicator.State; s != "UNASSIGNED" {
		t.Errorf("state %s", s)
	}
	w.work()
	w.take(int(groupCadence / tick))
	if len(w.last.Sightings) == 0 {
		t.Error("it has a worker and does not run")
	}
}

func TestReverseHerderIsNoReplicator(t *testing.T) {
	w := newWorld(t)
	// What a dedicated west → east leaves on its source, looked at as a target: here "east" plays it.
	w.topic(1, "heartbeats", "mm2-configs.west.internal", "mm2-status.west.internal", "mm2-offset-syncs.west.internal", "orders")
	w.topic(25, "mm2-offsets.west.internal")
	w.west = []string{"east.orders", "orders", "heartbeats", "east.heartbeats", "east.checkpoints.internal", "mm2-configs.east.internal"}
	w.put("mm2-configs.west.internal", "session-key", `{"key":"`+canary+`"}`)
	for _, name := range []string{"MirrorSourceConnector", "MirrorCheckpointConnector", "MirrorHeartbeatConnector"} {
		w.put("mm2-configs.west.internal", "connector-"+name, `{"properties":{"connector.class":"org.apache.kafka.connect.mirror.`+name+`","name":"`+name+`",
			"source.cluster.alias":"west","target.cluster.alias":"east","source.cluster.bootstrap.servers":"w1:9092","topics":"orders|lines","enabled":"false"}}`)
		w.put("mm2-status.west.internal", "status-connector-"+name, `{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:0","generation":1}`)
	}
	w.put("mm2-status.west.internal", "status-task-MirrorHeartbeatConnector-0", `{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:0","generation":2}`)
	w.put("mm2-offsets.west.internal", `["MirrorHeartbeatConnector",{"sourceClusterAlias":"west","targetClusterAlias":"east"}]`, `{"offset":0}`)
	w.sync("mm2-offset-syncs.west.internal", "orders", 5)
	w.take(3, "west->east")
	if len(w.rec.facts) > 0 || len(w.last.Sightings) > 0 || len(w.rec.blind) > 0 {
		t.Errorf("facts %v, sightings %v, blind %v", w.rec.facts, w.last.Sightings, w.rec.blind)
	}
	w.wantWriters(false)
}

func TestOnAConnectThatNobodyConfigured(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "heartbeats", "west_heartbeats", "west.checkpoints.internal", "west_orders", "west_mine", "connect-offsets")
	w.west = []string{"heartbeats", "orders", "mm2-offset-syncs.east.internal"}
	w.take(1, "west->east")
	w.ends["east/west_orders"] = []int64{5}
	w.take(1, "west->east")
	w.wantSighted(map[string]bool{"read W/orders": false, "write E/west_orders": false, "read W/heartbeats": false, "write E/west_heartbeats": false})
	w.wantWriters(true, "west_orders")
	w.ends["east/west_orders"] = []int64{6}
	w.take(1, "west->east")
	if got := w.sighted(); !got["read W/orders"] || !got["write E/west_orders"] || got["read W/heartbeats"] {
		t.Errorf("moved: %v", got)
	}
	if len(w.rec.told) > 0 {
		t.Errorf("counted what nothing counts: %v", w.rec.told)
	}
	if f := w.fact().Replicator; f == nil || f.Separator != "_" || f.State != "" || f.Source != "W" {
		t.Errorf("fact %+v", f)
	}
	if len(w.rec.blind) != 1 || !strings.Contains(w.rec.blind[0].Remedy, "connect") {
		t.Errorf("blind spots %v", w.rec.blind)
	}
}

func TestIdentityByOffsetSyncsOfTheSource(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "heartbeats", "west.heartbeats", "west.checkpoints.internal", "orders", "mine")
	w.west = []string{"heartbeats", "orders", "mine", "mm2-offset-syncs.east.internal"}
	w.take(1, "west->east")
	if len(w.rec.blind) != 1 || !strings.Contains(w.rec.blind[0].What, "does not show") {
		t.Errorf("blind spots %v", w.rec.blind)
	}
	if !w.syncs.isWanted("W", "east") {
		t.Fatal("the source on west is not asked for offset syncs")
	}
	w.syncs.tell("W", "east", map[string]uint64{"orders": 1})
	w.take(1, "west->east")
	w.wantSighted(map[string]bool{"read W/orders": false, "write E/orders": false, "read W/heartbeats": false, "write E/west.heartbeats": false})
	w.syncs.tell("W", "east", map[string]uint64{"orders": 2})
	w.take(1, "west->east")
	if !w.sighted()["write E/orders"] {
		t.Error("a new offset sync is no movement")
	}
	// Without them, checkpoints tell the topics that have groups.
	w.syncs.tell("W", "east", nil)
	w.checkpoint("west.checkpoints.internal", "g", "mine")
	w.take(1, "west->east")
	if _, ok := w.sighted()["write E/mine"]; !ok {
		t.Errorf("sighted %v", w.sighted())
	}
}

func TestOffsetSyncsAreToldToOtherClusters(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "mm2-offset-syncs.north.internal", "orders")
	w.sync("mm2-offset-syncs.north.internal", "orders", 5)
	w.take(1)
	if w.source.tail != nil {
		t.Error("read what nobody wants")
	}
	if got := w.syncs.counted("E", "north"); got != nil {
		t.Errorf("told %v", got)
	}
	w.take(1)
	w.sync("mm2-offset-syncs.north.internal", "orders", 9)
	w.take(1)
	if got := w.syncs.counted("E", "north"); !maps.Equal(got, map[string]uint64{"orders": 2}) {
		t.Errorf("told %v", got)
	}
	w.take(wantedFor + 1)
	if w.syncs.isWanted("E", "north") || len(w.syncs.counts) > 0 || len(w.source.tail.topics) > 0 {
		t.Error("goes on reading what nobody asked for since")
	}
	w.wantWriters(false)
}

func TestDeclaredAlias(t *testing.T) {
	w := newWorld(t)
	w.alias = map[string]string{"w": "west", "e": "east"}
	w.start()
	w.topic(1, "w.orders", "w.mine")
	w.west = []string{"orders"}
	w.ends["east/w.orders"] = []int64{5}
	w.take(3)
	if len(w.last.Sightings) > 0 {
		t.Error("runs though nothing moves")
	}
	w.ends["east/w.orders"] = []int64{6}
	w.take(1)
	if len(w.last.Sightings) != 2 || !w.last.Sightings[0].Moved || w.last.Sightings[0].Access.Client.Mover.Name != "w->e" || w.source.tail != nil {
		t.Errorf("sightings %+v", w.last.Sightings)
	}
}

func TestSourceThatIsNotWatched(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.west = nil
	w.offset("orders", 0, 9)
	w.take(2, "west->east")
	w.wantSighted(map[string]bool{"write E/west.orders": false, "write E/west.heartbeats": false})
	if len(w.rec.blind) != 1 || !strings.Contains(w.rec.blind[0].What, "is not watched") {
		t.Errorf("blind spots %v", w.rec.blind)
	}
	for a, samples := range w.rec.samples {
		for m := range samples {
			if m != lineage.Runs {
				t.Errorf("%s of %v", m, a)
			}
		}
	}
	// It comes later: what was copied before is not counted.
	w.west = []string{"orders", "heartbeats"}
	w.take(2, "west->east")
	w.wantValue("orders", lineage.Records, 0)
	w.offset("orders", 0, 19)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	if len(w.rec.blind) != 0 {
		t.Errorf("blind spots %v", w.rec.blind)
	}
}

func TestRestartCountsOnce(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders", "west.lines")
	w.offset("orders", 0, 99)
	w.take(1, "west->east")
	w.offset("orders", 0, 149)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 50)
	w.start()
	w.take(2, "west->east")
	w.wantValue("orders", lineage.Records, 50)
	w.offset("orders", 0, 199)
	w.ends["east/west.lines"] = []int64{7}
	w.offset("lines", 0, 6) // began while nobody looked
	w.round = w.round.Add(10 * time.Minute)
	before := w.round.Add(-10 * time.Minute)
	w.start()
	w.take(1, "west->east")
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 100)
	w.wantValue("lines", lineage.Records, 7)
	if s := w.rec.samples[read("orders")][lineage.Records]; !s.Since.Equal(before) {
		t.Errorf("since %v, want %v: nobody looked in between", s.Since, before)
	}
	for a, samples := range w.rec.told {
		for i := 1; i < len(samples); i++ {
			if samples[i].Value < samples[i-1].Value {
				t.Errorf("%v fell from %d to %d", a, samples[i-1].Value, samples[i].Value)
			}
		}
	}
	// A failed append: the round is counted from what is stored.
	w.offset("orders", 0, 299)
	w.rec.fail = errors.New("disk full")
	w.take(1, "west->east")
	w.rec.fail = nil
	if err := w.source.Restore(t.Context(), w.rec); err != nil {
		t.Fatal(err)
	}
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 200)
}

func TestResetsAreNotCounted(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 99)
	w.take(1, "west->east")
	w.offset("orders", 0, 9) // the topic was made anew
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 0)
	w.offset("orders", 0, 19)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	w.put("mm2-offsets.west.internal", `["MirrorSourceConnector",{"cluster":"west","partition":0,"topic":"orders"}]`, "")
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
}

func TestFirstOffsetIsNotMoreThanTheCopyHolds(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.take(1, "west->east")
	w.offset("orders", 0, 1499) // the source's log begins at 1000
	w.ends["east/west.orders"] = []int64{500}
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 0) // the copy's end may have been read before it grew
	w.take(3, "west->east")
	w.wantValue("orders", lineage.Records, 500)
	if s := w.rec.samples[read("orders")][lineage.Records]; !s.Estimated {
		t.Error("a bound is said to be exact")
	}
}

func TestRecordsThatDoNotParse(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.put("mm2-offsets.west.internal", "garbage "+canary, "{")
	w.put("mm2-offsets.west.internal", `["MirrorSourceConnector",{"cluster":"west","partition":0,"topic":"orders"}]`, canary)
	w.put("mm2-configs.west.internal", "connector-other", canary)
	w.put("heartbeats", "", canary)
	w.put("mm2-status.west.internal", "status-task-x", canary)
	w.offset("orders", 0, 9)
	w.take(3, "west->east")
	w.wantValue("orders", lineage.Records, 0)
	if len(w.rec.blind) != 4 || w.rec.blindTold != 1 {
		t.Errorf("blind spots, told %d times: %v", w.rec.blindTold, w.rec.blind)
	}
	if !strings.Contains(fmt.Sprint(w.rec.blind), "mm2-offsets.west.internal do not parse as MirrorMaker 2's; there are 2") {
		t.Errorf("not counted: %v", w.rec.blind)
	}
	w.offset("orders", 0, 19)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
}

func TestNoCredentialLeaves(t *testing.T) {
	w := newWorld(t)
	var logged strings.Builder
	w.source.cfg.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.dedicated("", "west.orders")
	w.put("mm2-configs.west.internal", "connector-broken", `{"properties":{"a":"`+canary+`"`)
	w.put("mm2-offsets.west.internal", canary, canary)
	var all strings.Builder
	for range 3 {
		w.take(1, "west->east")
		fmt.Fprintf(&all, "%+v", w.last)
	}
	fmt.Fprintf(&all, "%+v %+v %q %s", w.rec.facts, w.rec.blind, w.rec.positions, &logged)
	fmt.Fprintf(&all, "%+v", w.source.words.dedicated["west"])
	if strings.Contains(all.String(), canary) {
		t.Error("a credential left the decoder")
	}
	if !strings.Contains(all.String(), "MirrorSourceConnector") {
		t.Error("the test sees nothing at all")
	}
}

func TestConfigurationThatShrinks(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders", "west.lines", "west.old")
	w.west = append(w.west, "old")
	w.offset("old", 0, 5) // topics no longer name it
	w.take(1, "west->east")
	if _, ok := w.sighted()["write E/west.old"]; ok {
		t.Error("a topic that is no longer copied is said to be")
	}
	w.put("mm2-configs.west.internal", "connector-MirrorSourceConnector", "")
	w.take(1) // and with it the heartbeats
	if f := w.fact(); w.source.words.beats[pair{"west", "east"}] == nil || f.Replicator == nil && !f.Gone {
		t.Errorf("fact %+v", f)
	}
}

func TestInternalTopicsGone(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 5)
	w.take(1, "west->east")
	names := slices.Sorted(maps.Keys(newTarget(mustCluster(t, w.board)).internal))
	if _, err := w.admin.DeleteTopics(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
	w.take(3) // brokers and the board learn of it at different times
	if f := w.fact(); !f.Gone {
		t.Errorf("fact %+v", f)
	}
	w.wantWriters(false)
	for key := range w.rec.positions {
		if key != roundKey && key != rhythm.Prefix+"began" {
			t.Errorf("position %q is left", key)
		}
	}
}

func mustCluster(t *testing.T, b *collector.Board) collector.Watched {
	t.Helper()
	w, ok := b.Cluster("east")
	if !ok {
		t.Fatal("no cluster")
	}
	return w
}

func TestBrokerLostAndBack(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 9)
	w.take(1, "west->east")
	var down atomic.Bool // the fake runs on goroutines of its own
	down.Store(true)
	w.fake.Control(func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		if down.Load() && kreq.Key() == 1 {
			return nil, errors.New("closed"), true
		}
		return nil, nil, false
	})
	w.take(1, "west->east")
	if len(w.last.Missing) != 1 || !w.last.Missing[0].All || len(w.last.Events) != 1 || w.last.Events[0].Type != lineage.SourceLost {
		t.Errorf("observed %+v", w.last)
	}
	if _, sure := w.board.Writers("E").Of("west.orders"); sure {
		t.Error("sure of a writer that could not be seen")
	}
	down.Store(false)
	w.offset("orders", 0, 19)
	w.take(2, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	w.wantWriters(true, "west.orders")
	if m := w.last.Missing; len(m) > 0 {
		t.Error("it does not come back")
	}
}

func TestMayNotRead(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 9)
	denied := w.deny("")
	w.take(3, "west->east")
	w.wantWriters(false) // nobody waits for what can't be known
	if len(w.rec.blind) != 1 || !strings.Contains(w.rec.blind[0].Remedy, "READ") || w.rec.blindTold != 1 || len(w.last.Missing) > 0 {
		t.Errorf("blind spots, told %d times: %v, missing %v", w.rec.blindTold, w.rec.blind, w.last.Missing)
	}
	denied.Store(false)
	w.take(1, "west->east")
	w.wantWriters(true, "west.orders")
	if len(w.rec.blind) > 0 {
		t.Errorf("blind spots %v", w.rec.blind)
	}
}

func TestReadsALongTopicInRounds(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	var records []*kgo.Record
	big := strings.Repeat("x", 200)
	for i := range 60_000 {
		records = append(records, &kgo.Record{
			Topic: "mm2-offsets.west.internal", Key: fmt.Appendf(nil, `["MirrorSourceConnector",{"cluster":"west","partition":0,"topic":"orders"}]`),
			Value: fmt.Appendf(nil, `{"offset":%d,"x":%q}`, i, big),
		})
	}
	if err := w.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.take(1, "west->east")
	if len(w.last.Missing) != 1 || !strings.Contains(w.last.Missing[0].Reason, "still reading") {
		t.Fatalf("observed %+v", w.last)
	}
	if writers := w.board.Writers("E"); !writers.Told || !writers.AsOf.IsZero() {
		t.Error("told writers before all was read")
	}
	if w.source.tail.spent.bytes > roundBytes+requestBytes {
		t.Errorf("read %d bytes in a round", w.source.tail.spent.bytes)
	}
	for range 20 {
		if w.take(1, "west->east"); len(w.last.Missing) == 0 {
			break
		}
	}
	w.wantValue("orders", lineage.Records, 0)
	w.offset("orders", 0, 60_009)
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	if w.source.tail.spent.requests != 1 {
		t.Errorf("a steady round takes %d requests", w.source.tail.spent.requests)
	}
	t.Logf("a steady round of a flow with 32 internal partitions: %+v", w.source.tail.spent)
}

func TestStateOfADedicatedConnector(t *testing.T) {
	for _, c := range []struct {
		state, wanted string
		tasks         map[int]string
		want          string
		running       bool
	}{
		{"RUNNING", "", map[int]string{0: "RUNNING", 1: "FAILED"}, "RUNNING", true},
		{"RUNNING", "", map[int]string{0: "FAILED"}, "FAILED", false},
		{"FAILED", "", map[int]string{0: "RUNNING"}, "RUNNING", true}, // tasks go on
		{"RUNNING", "STOPPED", map[int]string{0: "RUNNING"}, "STOPPED", false},
		{"PAUSED", "", map[int]string{0: "RUNNING"}, "PAUSED", false},
		{"RUNNING", "", nil, "RUNNING", false},
	} {
		d := &dedicated{states: map[string]string{"mm": c.state}, wanted: map[string]string{"mm": c.wanted}, tasks: map[string]map[int]string{"mm": c.tasks}}
		if state, running := d.state("mm"); state != c.want || running != c.running {
			t.Errorf("%+v: %s, %v", c, state, running)
		}
	}
}

// fetches lets answer stand in for the fake's answer to the nth Fetch request, from 1; nil leaves it to the fake.
func (w *world) fetches(answer func(n int, req *kmsg.FetchRequest, resp *kmsg.FetchResponse) bool) {
	n := 0
	w.fake.Control(func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		req, ok := kreq.(*kmsg.FetchRequest)
		if !ok {
			return nil, nil, false
		}
		n++
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		return resp, nil, answer(n, req, resp)
	})
}

// each fills an answer with one partition for each that was asked for.
func each(req *kmsg.FetchRequest, resp *kmsg.FetchResponse, fill func(topic string, p *kmsg.FetchResponseTopicPartition)) {
	for _, rt := range req.Topics {
		out := kmsg.NewFetchResponseTopic()
		out.Topic, out.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.HighWatermark, p.LastStableOffset = rp.Partition, rp.FetchOffset, rp.FetchOffset
			fill(rt.Topic, &p)
			out.Partitions = append(out.Partitions, p)
		}
		resp.Topics = append(resp.Topics, out)
	}
}

// longConfigs makes a topic of configurations that takes several requests to read; the connector's own is last.
func (w *world) longConfigs() {
	w.t.Helper()
	w.topic(1, "heartbeats", "mm2-configs.west.internal")
	for range 12 {
		w.put("mm2-configs.west.internal", "other", strings.Repeat("x", 200<<10))
	}
	w.config("")
}

// A broker over whose quota we are answers without partitions. That says nothing of what it holds.
func TestThrottledAnswerSkipsNothing(t *testing.T) {
	w := newWorld(t)
	w.longConfigs()
	asked := 0
	w.fetches(func(n int, _ *kmsg.FetchRequest, resp *kmsg.FetchResponse) bool {
		asked = n
		if n == 3 {
			resp.ThrottleMillis = 10
		}
		return n == 2 || n == 3
	})
	for i := range 2 {
		w.take(1, "west->east")
		if asked != 2+i || len(w.last.Missing) != 1 || !strings.Contains(w.last.Missing[0].Reason, "still reading") {
			t.Errorf("asked %d times, observed %+v", asked, w.last)
		}
	}
	w.take(1, "west->east")
	if len(w.source.words.of("west").configs) != 1 {
		t.Error("the configuration behind a throttled answer was skipped")
	}
}

// What is compacted away at the end of a topic is never sent.
func TestCompactedEndIsReached(t *testing.T) {
	w := newWorld(t)
	w.longConfigs()
	w.fetches(func(n int, req *kmsg.FetchRequest, resp *kmsg.FetchResponse) bool {
		if n != 2 {
			return false
		}
		each(req, resp, func(_ string, p *kmsg.FetchResponseTopicPartition) { p.HighWatermark, p.LastStableOffset = 13, 13 })
		return true
	})
	if w.take(1, "west->east"); len(w.last.Missing) > 0 {
		t.Errorf("observed %+v", w.last)
	}
}

// With exactly-once, offsets are written in transactions. What is aborted was not copied.
func TestAbortedOffsetsAreNotCounted(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 9)
	w.take(1, "west->east")
	client, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.TransactionalID("mm2"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	outside := w.client
	for _, c := range []struct {
		last   int64
		commit kgo.TransactionEndTry
		want   int64
	}{{49, kgo.TryAbort, 0}, {19, kgo.TryCommit, 10}, {29, kgo.TryAbort, 10}} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		w.client = client
		w.offset("orders", 0, c.last)
		w.client = outside
		w.take(1, "west->east")
		if len(w.last.Missing) > 0 {
			t.Errorf("an open transaction is waited for: %v", w.last.Missing)
		}
		if err := client.EndTransaction(t.Context(), c.commit); err != nil {
			t.Fatal(err)
		}
		w.take(1, "west->east")
		w.wantValue("orders", lineage.Records, c.want)
	}
}

// deny forbids to read topics with a prefix, until false is stored.
func (w *world) deny(prefix string) *atomic.Bool {
	w.t.Helper()
	return w.refuse(prefix, kerr.TopicAuthorizationFailed)
}

// refuse answers with an error for topics with a prefix, until false is stored.
func (w *world) refuse(prefix string, why *kerr.Error) *atomic.Bool {
	w.t.Helper()
	topics, err := w.admin.ListTopics(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	denies := map[[16]byte]bool{} // newer requests have no names
	for name, topic := range topics {
		denies[topic.ID] = strings.HasPrefix(name, prefix)
	}
	denied := &atomic.Bool{} // the fake runs on goroutines of its own
	denied.Store(true)
	w.fake.Control(func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		req, ok := kreq.(*kmsg.FetchRequest)
		if !ok || !denied.Load() {
			return nil, nil, false
		}
		may, not := *req, *req
		may.Topics, not.Topics = nil, nil
		for _, rt := range req.Topics {
			if denies[rt.TopicID] {
				not.Topics = append(not.Topics, rt)
			} else {
				may.Topics = append(may.Topics, rt)
			}
		}
		if len(not.Topics) == 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		each(&not, resp, func(_ string, p *kmsg.FetchResponseTopicPartition) { p.ErrorCode = why.Code })
		if len(may.Topics) > 0 {
			w.fake.SleepControl(func() {
				rest, err := may.RequestWith(context.Background(), w.client)
				if err != nil {
					w.t.Error(err)
					return
				}
				resp.Topics = append(resp.Topics, rest.Topics...)
			})
		}
		return resp, nil, true
	})
	return denied
}

// history makes a dedicated MirrorMaker 2 that has copied a million records long before the next round.
func (w *world) history() {
	w.t.Helper()
	w.dedicated("", "west.orders", "west.lines")
	w.offset("orders", 0, 999_999)
	w.ends["orders"], w.ends["east/west.orders"] = []int64{1_000_000}, []int64{1_000_000}
	w.round = w.round.Add(time.Hour)
}

// wantOnlyNew checks that what was copied before is not counted, and what is copied now is.
func (w *world) wantOnlyNew() {
	w.t.Helper()
	w.take(3, "west->east")
	w.wantValue("orders", lineage.Records, 0)
	w.offset("orders", 0, 1_000_009)
	w.ends["orders"], w.ends["east/west.orders"] = []int64{1_000_010}, []int64{1_000_010}
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	w.ends["orders"], w.ends["east/west.orders"] = []int64{1_000_010, 5}, []int64{1_000_010, 5}
	w.offset("orders", 1, 4) // a partition that is new is counted from its beginning
	w.take(1, "west->east")
	w.wantValue("orders", lineage.Records, 15)
}

// What was copied before its offsets could be read is not new when they can.
func TestRightToReadThatIsGrantedLater(t *testing.T) {
	for _, hidden := range []string{"", "mm2-", "mm2-offsets."} {
		w := newWorld(t)
		w.history()
		denied := w.deny(hidden)
		w.take(30, "west->east")
		if len(w.rec.blind) == 0 || len(w.last.Missing) > 0 || (w.fact().Replicator != nil) != (hidden != "") {
			t.Errorf("without the right to read %q*: fact %+v, blind spots %v, missing %v", hidden, w.fact().Replicator, w.rec.blind, w.last.Missing)
		}
		denied.Store(false)
		w.wantOnlyNew()
	}
}

func (w *world) copyOnly(topics string) {
	w.t.Helper()
	w.put("mm2-configs.west.internal", "connector-MirrorSourceConnector", `{"properties":{"connector.class":"org.apache.kafka.connect.mirror.MirrorSourceConnector",
		"name":"MirrorSourceConnector","source.cluster.alias":"west","target.cluster.alias":"east","source.cluster.bootstrap.servers":"w1:9092","topics":"`+topics+`"}}`)
}

// A topic that is copied again goes on where its copying stopped, whether lineaged saw it stop or not.
func TestTopicThatIsCopiedAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, before := range []int{0, 3} {
			w := newWorld(t)
			w.history()
			w.take(before, "west->east")
			w.copyOnly("lines")
			w.take(30, "west->east")
			if _, ok := w.sighted()["write E/west.orders"]; ok {
				t.Error("a topic that is not copied is sighted")
			}
			if restart {
				w.start()
			}
			w.copyOnly("orders|lines")
			w.wantOnlyNew()
		}
	}
}

// A replicator that is removed and comes back finds its offsets where they were.
func TestReplicatorThatComesBack(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.take(3, "west->east")
	w.put("mm2-configs.west.internal", "connector-MirrorSourceConnector", "")
	w.take(30)
	w.copyOnly("orders|lines")
	w.wantOnlyNew()
}

// What MirrorMaker 2 copied between its start and the first look at it is counted, and exactly.
func TestReplicatorThatBegins(t *testing.T) {
	w := newWorld(t)
	w.take(1)
	w.dedicated("", "west.orders")
	w.offset("orders", 0, 9)
	w.ends["orders"], w.ends["east/west.orders"] = []int64{10}, []int64{10}
	w.take(2, "west->east")
	w.wantValue("orders", lineage.Records, 10)
	if s := w.rec.samples[read("orders")][lineage.Records]; s.Estimated {
		t.Error("what was seen from the beginning is estimated")
	}
}

// work makes a member of the worker group.
func (w *world) work() {
	w.t.Helper()
	worker, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.ConsumerGroup("west-mm2"), kgo.ConsumeTopics("west.orders"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(worker.Close)
	for range 50 {
		ctx, cancel := context.WithTimeout(w.t.Context(), 100*time.Millisecond)
		worker.PollFetches(ctx)
		cancel()
		if id, gen := worker.GroupMetadata(); id != "" && gen >= 0 {
			break
		}
	}
}

// The last heartbeat stays when they are switched off. Then the group tells, where it may be asked.
func TestHeartbeatsThatAreSwitchedOff(t *testing.T) {
	for _, denied := range []bool{false, true} {
		w := newWorld(t)
		w.dedicated("", "west.orders")
		w.work()
		if denied {
			w.fake.Control(func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				w.fake.KeepControl()
				req, ok := kreq.(*kmsg.DescribeGroupsRequest)
				if !ok {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
				g := kmsg.NewDescribeGroupsResponseGroup()
				g.Group, g.ErrorCode = req.Groups[0], kerr.GroupAuthorizationFailed.Code
				resp.Groups = append(resp.Groups, g)
				return resp, nil, true
			})
		}
		w.take(1, "west->east")
		w.take(40)
		state := map[bool]string{false: "RUNNING", true: "UNASSIGNED"}[denied]
		if f := w.fact().Replicator; f.State != state || strings.Contains(w.last.Sightings[0].Detail, "not moving") != denied {
			t.Errorf("denied %v: state %s with %d sightings", denied, f.State, len(w.last.Sightings))
		}
	}
}

// A direction that is switched off is no replicator, whatever it has left. Switched on again it goes on from where it
// was.
func TestDirectionThatIsSwitchedOff(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.take(3, "west->east")
	w.config(`,"enabled":"false"`)
	w.put("mm2-status.west.internal", "status-task-MirrorSourceConnector-0", "")
	w.take(30, "west->east")
	if f := w.fact(); !f.Gone || len(w.last.Sightings) > 0 || len(w.rec.blind) > 0 {
		t.Errorf("fact %+v, sightings %v, blind spots %v", f, w.last.Sightings, w.rec.blind)
	}
	w.wantWriters(false)
	w.config(`,"enabled":"true"`)
	w.status("RUNNING")
	w.wantOnlyNew()
	w.wantWriters(true, "west.orders")
}

// Aliases in the configuration make no second replicator of one that tells of itself.
func TestDeclaredAliasOfAReplicatorThatTells(t *testing.T) {
	for _, dedicated := range []bool{true, false} {
		w := newWorld(t)
		w.alias = map[string]string{"west": "west"} // and the target is called otherwise than lineaged calls it
		w.start()
		if dedicated {
			w.dedicated("", "west.orders")
			w.put("mm2-configs.west.internal", "connector-MirrorSourceConnector", `{"properties":{"connector.class":"org.apache.kafka.connect.mirror.MirrorSourceConnector",
				"name":"MirrorSourceConnector","source.cluster.alias":"west","target.cluster.alias":"e","topics":"orders|lines"}}`)
		} else {
			w.topic(1, "heartbeats", "west.heartbeats", "west.orders")
			w.west = []string{"heartbeats", "orders"}
		}
		for end := range int64(3) {
			w.ends["east/west.orders"] = []int64{end}
			w.take(1, "west->e")
		}
		if got, _ := w.board.Writers("E").Of("west.orders"); len(got) != 1 || len(w.rec.facts) != 1 {
			t.Errorf("writers %v, facts %v", got, w.rec.facts)
		}
	}
}

// Of several aliases of the target, the same one is taken in each round.
func TestDeclaredAliasesOfTheTarget(t *testing.T) {
	w := newWorld(t)
	w.alias = map[string]string{"w": "west", "e": "east", "e2": "east", "e3": "east", "e4": "east"}
	w.start()
	w.topic(1, "w.orders")
	w.west = []string{"orders"}
	w.take(20)
	if len(w.rec.facts) != 1 {
		t.Errorf("facts %v", w.rec.facts)
	}
}

// A replicator that Connect tells of is left to it: its heartbeats go on while its copying is paused.
func TestOnAConnectThatIsWatched(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "heartbeats", "west.heartbeats", "west.checkpoints.internal", "west.orders")
	w.west = []string{"heartbeats", "orders"}
	w.alias = map[string]string{"west": "west"}
	w.start()
	connect := lineage.Source{Cluster: "connect-east", Name: "connectors"}
	w.board.SetReplicators(connect, []lineage.Node{node})
	w.take(3, "west->east")
	if len(w.last.Sightings)+len(w.rec.facts)+len(w.rec.blind) > 0 {
		t.Errorf("sightings %v, facts %v, blind spots %v", w.last.Sightings, w.rec.facts, w.rec.blind)
	}
	w.wantWriters(false)
	w.board.SetReplicators(connect, nil)
	w.take(1, "west->east")
	w.wantWriters(true, "west.orders")
}

// north makes the topics of a second dedicated MirrorMaker 2, from a cluster that is not watched.
func (w *world) north() {
	w.t.Helper()
	w.topic(1, "mm2-configs.north.internal", "mm2-offsets.north.internal", "mm2-status.north.internal", "north.orders")
	w.put("mm2-configs.north.internal", "connector-MirrorSourceConnector", `{"properties":{"connector.class":"MirrorSourceConnector","source.cluster.alias":"north","target.cluster.alias":"east"}}`)
	for _, key := range []string{"status-connector-MirrorSourceConnector", "status-task-MirrorSourceConnector-0"} {
		w.put("mm2-status.north.internal", key, `{"state":"RUNNING","worker_id":"127.0.0.1:0","generation":1}`)
	}
	w.put("mm2-status.north.internal", "status-topic-north.orders:connector-MirrorSourceConnector", `{"topic":{"name":"north.orders","connector":"MirrorSourceConnector","task":0}}`)
}

// What stands between lineaged and the topics of one pair hides that pair, and no other.
func TestTopicOfOnePairThatCannotBeRead(t *testing.T) {
	for _, before := range []int{0, 3} {
		w := newWorld(t)
		w.dedicated("", "west.orders")
		w.north()
		w.offset("orders", 0, 9)
		w.take(before, "west->east", "north->east")
		refused := w.refuse("mm2-status.north.", kerr.NotLeaderForPartition)
		w.take(1, "west->east", "north->east")
		w.offset("orders", 0, 19)
		w.take(1, "west->east", "north->east")
		w.wantValue("orders", lineage.Records, 10)
		w.wantWriters(true, "west.orders")
		var hidden []lineage.Topic
		if before > 0 {
			hidden = []lineage.Topic{{Cluster: "E", Name: "north.orders"}}
		}
		if m := w.last.Missing; len(m) != 1 || m[0].All || m[0].Share != 0.5 || !strings.HasPrefix(m[0].Reason, "mm2-status.north.internal: ") || !slices.Equal(m[0].Topics, hidden) || len(w.last.Events) > 0 {
			t.Errorf("missing %+v, events %v", m, w.last.Events)
		}
		if got, sure := w.board.Writers("E").Of("north.orders"); (len(got) > 0) != (before > 0) || sure != (before == 0) {
			t.Errorf("writers %v, sure %v, of a topic whose writer could not be seen", got, sure)
		}
		refused.Store(false)
		w.take(1, "west->east", "north->east")
		if got, sure := w.board.Writers("E").Of("north.orders"); len(got) != 1 || !sure || len(w.last.Missing) > 0 {
			t.Errorf("writers %v, sure %v, missing %v", got, sure, w.last.Missing)
		}
		for key, f := range w.rec.facts {
			if f.Gone {
				t.Errorf("%v is gone", key)
			}
		}
	}
}

// While the long topic of one pair is read, the others are told, and writers that may show are waited for.
func TestPairsAreToldWhileAnotherIsRead(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders")
	w.north()
	for range 40 {
		w.put("mm2-status.north.internal", "other", strings.Repeat("x", 200<<10))
	}
	w.offset("orders", 0, 9)
	w.take(1, "west->east", "north->east")
	if m := w.last.Missing; len(m) != 1 || m[0].All || !strings.Contains(m[0].Reason, "still reading mm2-status.north.internal") || len(w.last.Sightings) == 0 {
		t.Errorf("missing %+v, %d sightings", m, len(w.last.Sightings))
	}
	if got := w.board.Writers("E"); !got.Told || !got.AsOf.IsZero() {
		t.Errorf("writers are %+v, want them expected", got)
	}
	w.take(2, "west->east", "north->east")
	w.wantWriters(true, "west.orders")
	if len(w.last.Missing) > 0 {
		t.Errorf("missing %v", w.last.Missing)
	}
}

// A topic's depth is that of all its partitions together, and short ones are read whole.
func TestShare(t *testing.T) {
	f := func(lengths []int64, total, want int64) {
		t.Helper()
		if got := share(lengths, total); got != want {
			t.Errorf("%d of each of %v, want %d", got, lengths, want)
		}
	}
	f([]int64{5}, 10, 5)
	f([]int64{50}, 10, 10)
	f([]int64{0, 50, 0, 2}, 10, 8)
	f([]int64{0, 0, 10}, 10, 10)
	f([]int64{7, 7, 7}, 10, 3)
	f([]int64{1, 7, 7}, 10, 4)
}
