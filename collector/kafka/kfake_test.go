package kafka

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// world is a kfake cluster and a source whose rounds the test takes by hand, so that no test waits for a clock.
type world struct {
	t      *testing.T
	fake   *kfake.Cluster
	admin  *kadm.Client
	client *kgo.Client
	source *source
	rec    *recorder
	round  time.Time
	mu     sync.Mutex // guards asked
	asked  map[int16]int
	last   []lineage.Observation
	passed int // readers that were passed over
}

// OnBrokerE2E counts the source's requests.
func (w *world) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, _ kgo.BrokerE2E) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[key]++
}

func newWorld(t *testing.T, brokers int) *world {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{t: t, fake: fake, rec: newRecorder(), round: t0, asked: map[int16]int{}}
	w.writer()
	w.admin = kadm.NewClient(w.client)
	w.start(Config{})
	return w
}

// writer gives the world a new producer.
func (w *world) writer() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	w.client = client
}

// start makes the source, or makes it anew from what the recorder holds.
func (w *world) start(cfg Config) {
	w.t.Helper()
	cfg.Name, cfg.Interval, cfg.Brokers, cfg.Hooks = "west", tick, w.fake.ListenAddrs(), []kgo.Hook{w}
	c, err := New(cfg, w.rec)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.source.Restore(w.t.Context(), w.rec); err != nil {
		w.t.Fatal(err)
	}
	w.source = c.source
	w.source.passing = passing(w.t, &w.passed)
	w.t.Cleanup(c.source.close)
}

// take takes n rounds.
func (w *world) take(n int) {
	w.t.Helper()
	for range n {
		w.round = w.round.Add(tick)
		ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Second)
		w.last = w.source.Observe(ctx, w.round)
		cancel()
		if err := w.rec.Append(w.t.Context(), w.last...); err != nil {
			w.t.Fatal(err)
		}
		w.rec.wantReasons(w.t)
	}
}

func (w *world) topic(name string, partitions int32) {
	w.t.Helper()
	if _, err := w.admin.CreateTopic(w.t.Context(), partitions, 1, nil, name); err != nil {
		w.t.Fatal(err)
	}
}

// write produces n records to a partition.
func (w *world) write(topic string, partition int32, n int) {
	w.t.Helper()
	for range n {
		if err := w.client.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) commit(group, topic string, partition int32, offset int64) {
	w.t.Helper()
	offs := kadm.Offsets{}
	offs.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: 0})
	if err := w.admin.CommitAllOffsets(w.t.Context(), group, offs); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) appended(topic string) int64 {
	n, _ := w.rec.sum(topic, lineage.Appended, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
	return n
}

func (w *world) events(typ lineage.EventType) (n int) {
	for _, e := range w.rec.events {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// missing returns what the last round says is missing of a source.
func (w *world) missing(source string) []lineage.Missing {
	for _, o := range w.last {
		if o.Source.Name == source {
			return o.Missing
		}
	}
	w.t.Fatalf("the last round has no observation of %q", source)
	return nil
}

// refuse answers every request of a key with an error until the returned function is called.
func (w *world) refuse(key kmsg.Key, answer func(kmsg.Request) (kmsg.Response, error, bool)) (stop func()) {
	var mu sync.Mutex
	on := true
	w.fake.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if !on {
			return nil, nil, false
		}
		return answer(req)
	})
	return func() { mu.Lock(); on = false; mu.Unlock() }
}

func TestWarmRoundStaysWithinItsRequests(t *testing.T) {
	const brokers = 3
	w := newWorld(t, brokers)
	for _, topic := range []string{"a", "b", "c", "d"} {
		w.topic(topic, 6)
	}
	for i, g := range []string{"g1", "g2", "g3", "g4", "g5"} {
		w.commit(g, "a", int32(i), 0)
	}
	w.take(2)
	for range 40 {
		w.write("a", 0, 1)
		w.mu.Lock()
		clear(w.asked)
		w.mu.Unlock()
		w.take(1)
		w.mu.Lock()
		sum := 0
		for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.ListOffsets, kmsg.DescribeProducers, kmsg.ListGroups, kmsg.OffsetFetch} {
			sum += w.asked[key.Int16()]
		}
		fetches := w.asked[kmsg.Fetch.Int16()]
		slow := 0
		for _, n := range w.asked {
			slow += n
		}
		w.mu.Unlock()
		// A round in which the start offsets are due asks for offsets twice.
		if limit := 1 + 4*brokers; sum > limit && slow == sum {
			t.Errorf("%d requests in a warm round, the limit is %d", sum, limit)
		}
		if fetches > 0 {
			t.Errorf("%d Fetch requests: no record may be read", fetches)
		}
	}
}

func TestOneFailingBrokerLeavesTheRest(t *testing.T) {
	w := newWorld(t, 3)
	w.topic("a", 3)
	w.topic("b", 1)
	sick := w.fake.LeaderFor("a", 0)
	if err := w.fake.MoveTopicPartition("a", 1, (sick+1)%3); err != nil { // so that a part of the topic can be seen
		t.Fatal(err)
	}
	w.take(2)
	w.write("a", 0, 5)
	stop := w.refuse(kmsg.ListOffsets, func(kmsg.Request) (kmsg.Response, error, bool) {
		if w.fake.CurrentNode() == sick {
			return nil, errors.New("connection lost"), true
		}
		return nil, nil, false
	})
	w.take(3)
	if m := w.missing(sourceEnds); len(m) == 0 || m[0].All && w.fake.LeaderFor("b", 0) != sick {
		t.Errorf("missing %+v", m)
	}
	if n := w.appended("a"); n != 0 {
		t.Errorf("appended %d told, although the partition that moved was not seen", n)
	}
	w.write("a", 1, 7)
	w.take(1)
	a := func(x lineage.Access) bool { return x.Op == lineage.OpNone }
	if n := w.appended("a"); n != 7 || !w.rec.estimated("a", lineage.Appended, a) {
		t.Errorf("appended %d told of the 7 that were seen, estimated %v", n, w.rec.estimated("a", lineage.Appended, a))
	}
	if n, _ := w.rec.sum("a", lineage.Records, func(x lineage.Access) bool { return x.Op == lineage.Write }); n != 7 {
		t.Errorf("%d told of the 7 of its writers that were seen", n)
	}
	if m := w.missing(sourceEnds); len(m) == 0 || m[0].All && w.fake.LeaderFor("b", 0) != sick || m[0].Share >= 1 {
		t.Errorf("missing %+v", m)
	}
	stop()
	w.take(1)
	if m := w.missing(sourceEnds); len(m) != 0 {
		t.Errorf("still missing %+v", m)
	}
	if n := w.appended("a"); n != 12 {
		t.Errorf("appended %d after the gap, want 12", n)
	}
	for a, m := range w.rec.totals {
		if s, ok := m[lineage.Appended]; ok && a.Topic.Name == "a" && !s.Since.Equal(t0.Add(2*tick)) {
			t.Errorf("since %v, want the last round before the gap", s.Since)
		}
	}
}

func TestRecreatedTopic(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 2)
	w.take(2)
	w.write("orders", 0, 40)
	w.take(1)
	if _, err := w.admin.DeleteTopic(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	w.topic("orders", 2)
	w.writer() // a producer refuses a topic id that changed
	w.write("orders", 1, 3)
	w.take(2)
	if n := w.events(lineage.TopicRecreated); n != 1 {
		t.Errorf("%d events of a re-created topic, want 1", n)
	}
	var totals []int64
	for a, m := range w.rec.totals {
		if a.Topic.Name == "orders" && a.Op == lineage.OpNone {
			totals = append(totals, m[lineage.Appended].Value)
		}
	}
	slices.Sort(totals)
	if !slices.Equal(totals, []int64{3, 40}) {
		t.Errorf("totals %v, want 40 of the first topic and 3 of the second", totals)
	}
	if _, err := w.admin.DeleteTopic(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	w.take(3)
	if n := w.events(lineage.TopicDeleted); n != 1 {
		t.Errorf("%d events of a deleted topic, want 1", n)
	}
}

func TestDeniedProducerStateIsABlindSpotNotALoop(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.refuse(kmsg.DescribeProducers, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.DescribeProducersRequest)
		resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewDescribeProducersResponseTopic()
			st.Topic = rt.Topic
			for _, p := range rt.Partitions {
				sp := kmsg.NewDescribeProducersResponseTopicPartition()
				sp.Partition, sp.ErrorCode = p, kerr.TopicAuthorizationFailed.Code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	for range 10 {
		w.write("orders", 0, 2)
		w.take(1)
	}
	w.mu.Lock()
	asked := w.asked[kmsg.DescribeProducers.Int16()]
	w.mu.Unlock()
	if asked > 2 {
		t.Errorf("asked %d times for what is denied", asked)
	}
	n, _ := w.rec.sum("orders", lineage.Records, func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder })
	if n != 18 { // what was there at the first round is nobody's
		t.Errorf("remainder %d, want 18", n)
	}
	if m := w.missing(sourceBooks); len(m) != 0 {
		t.Errorf("missing %+v; what is not permitted is a blind spot", m)
	}
	if !slices.ContainsFunc(w.rec.blind[sourceBooks], func(b lineage.BlindSpot) bool {
		return strings.Contains(b.Remedy, "READ") && strings.Contains(b.What, "orders")
	}) {
		t.Errorf("blind spots %+v", w.rec.blind[sourceBooks])
	}
}

func TestGroupsOffsetsNeverJump(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 100)
	w.commit("g", "orders", 0, 60)
	read := func() int64 {
		n, _ := w.rec.sum("orders", lineage.Records, func(a lineage.Access) bool { return a.Client.Group == "g" })
		return n
	}
	lag := func() int64 {
		n, _ := w.rec.sum("orders", lineage.Lag, func(a lineage.Access) bool { return a.Client.Group == "g" })
		return n
	}
	w.take(2)
	if read() != 0 || lag() != 40 {
		t.Errorf("read %d, lag %d; want 0 and 40", read(), lag())
	}
	w.commit("g", "orders", 0, 80)
	w.take(1)
	if read() != 20 || lag() != 20 {
		t.Errorf("read %d, lag %d; want 20 and 20", read(), lag())
	}
	w.commit("g", "orders", 0, 10)
	w.take(1)
	// at most: 10 records lie before where it went back to, and the 20 up to the end it may have read before that
	if read() != 50 || lag() != 90 {
		t.Errorf("after a step back: read %d, lag %d; want 50 and 90", read(), lag())
	}
	if _, err := w.admin.DeleteGroup(t.Context(), "g"); err != nil {
		t.Fatal(err)
	}
	w.take(1)
	w.commit("g", "orders", 0, 100)
	w.take(2)
	if read() != 150 || lag() != 0 { // at most: all that is there
		t.Errorf("after the group was made again: read %d, lag %d; want 150 and 0", read(), lag())
	}
}

func TestRestartGoesOnCounting(t *testing.T) {
	w := newWorld(t, 2)
	w.topic("orders", 2)
	w.take(2)
	w.write("orders", 0, 10)
	w.take(1)
	w.write("orders", 1, 5)
	w.round = w.round.Add(10 * tick) // nobody watches
	w.start(Config{})
	w.take(1)
	if n := w.appended("orders"); n != 15 {
		t.Errorf("appended %d, want 15", n)
	}
	if n := w.events(lineage.TopicCreated); n != 0 {
		t.Errorf("%d events of a created topic after a restart", n)
	}
	if w.rec.fail = errors.New("disk full"); w.rec.Append(t.Context()) == nil {
		t.Fatal("the sink does not fail")
	}
}

func TestTopicsOutsideTheConfigurationAreNotWatched(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.topic("secret", 1)
	w.start(Config{Exclude: []*regexp.Regexp{regexp.MustCompile("^secret$")}})
	w.take(2)
	for a := range w.rec.totals {
		if a.Topic.Name == "secret" {
			t.Error("an excluded topic was observed")
		}
	}
	if len(w.rec.blind[sourceMetadata]) == 0 {
		t.Error("no blind spot says that topics are excluded")
	}
}

func TestUnreachableClusterIsMissingWithItsReason(t *testing.T) {
	w := newWorld(t, 1)
	w.take(1)
	w.fake.Close()
	w.take(1)
	for _, source := range []string{sourceMetadata, sourceEnds, sourceBooks, sourceGroups} {
		if m := w.missing(source); len(m) != 1 || !m[0].All || m[0].Reason == "" {
			t.Errorf("%s: missing %+v", source, m)
		}
	}
	if w.events(lineage.SourceLost) != 4 {
		t.Errorf("%d events of a lost source, want 4", w.events(lineage.SourceLost))
	}
	w.take(1)
	if w.events(lineage.SourceLost) != 4 {
		t.Error("a lost source is said again and again")
	}
}

// After an outage of any length a coordinator loads for some seconds and lists nothing: its groups are not gone, and
// what they read meanwhile counts.
func TestLoadingCoordinatorLosesNoGroup(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 100)
	w.commit("g", "orders", 0, 60)
	w.take(2)
	stopOutage := w.refuse(kmsg.Metadata, func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("connection lost"), true })
	w.take(int(2*groupGoneAfter/tick) + 1)
	if m := w.missing(sourceGroups); len(m) == 0 || !m[0].All {
		t.Errorf("in the outage: missing %+v", m)
	}
	stopOutage()
	stopLoading := w.refuse(kmsg.ListGroups, func(req kmsg.Request) (kmsg.Response, error, bool) { return req.ResponseKind(), nil, true })
	w.take(2)
	if m := w.missing(sourceGroups); len(m) == 0 {
		t.Error("while the coordinator loads nothing is missing")
	}
	stopLoading()
	w.commit("g", "orders", 0, 90)
	w.take(1)
	if n, _ := w.rec.sum("orders", lineage.Records, func(a lineage.Access) bool { return a.Client.Group == "g" }); n != 30 {
		t.Errorf("%d records read, want 30", n)
	}
	if n := w.events(lineage.GroupLeft); n != 0 {
		t.Errorf("%d events say that the group left", n)
	}
}

// In an outage the slow sources say so too, each from when it is due on, and are read again when it is over.
func TestSlowSourcesTellOfAnOutage(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.take(1)
	stop := w.refuse(kmsg.Metadata, func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("connection lost"), true })
	told := map[string]int{}
	const rounds = 13
	for range rounds {
		w.take(1)
		for _, o := range w.last {
			if len(o.Missing) == 0 || !o.Missing[0].All || o.Missing[0].Reason == "" {
				t.Errorf("%s at %s: missing %+v", o.Source, o.Round, o.Missing)
			}
			told[o.Source.Name]++
		}
	}
	for _, c := range w.source.slowCadences() {
		if want := max(rounds+1-int(c.Every/tick), 0); told[c.Part] != want {
			t.Errorf("%s told %d times in %s, want %d", c.Part, told[c.Part], rounds*tick, want)
		}
	}
	stop()
	w.take(1)
	for _, c := range w.source.slowCadences() {
		if rounds*tick >= c.Every && len(w.missing(c.Part)) > 0 {
			t.Errorf("%s after the outage: missing %+v", c.Part, w.missing(c.Part))
		}
	}
}

// On a topic that was born under our eyes a commit can be ahead of the end, which was read some milliseconds before:
// that is no loss of the group's offsets. A first commit beyond the end was made on the topic's predecessor of the same
// name.
func TestCommitAheadOfTheEnd(t *testing.T) {
	look := committing(&group{ref: lineage.GroupRef{Group: "g"}, state: "Stable", joined: t0.Add(-tick)}, t0)
	for _, c := range []struct{ end, committed, read int64 }{
		{0, 900, 0}, // of the predecessor
		{100, 100, 100},
		{200, 205, 205}, // ahead
		{300, 300, 300},
	} {
		if n := look(c.end, c.committed); n != c.read {
			t.Errorf("end %d, committed %d: read %d, want %d", c.end, c.committed, n, c.read)
		}
	}
}

// A group that was there before anybody looked, and had committed nothing by then, has read at most what its first
// commit says; if it had, what comes since is all that is known.
func TestFirstCommitOfAGroupThatWasThere(t *testing.T) {
	for _, c := range []struct{ end, found, later, read int64 }{{0, -1, 70, 70}, {50, -1, 70, 70}, {50, 40, 70, 30}} {
		look := committing(&group{ref: lineage.GroupRef{Group: "g"}, state: "Stable"}, time.Time{})
		look(c.end, c.found)
		look(c.end, c.found)
		if n := look(100, c.later); n != c.read {
			t.Errorf("found at %d of %d, then at %d: read %d, want %d", c.found, c.end, c.later, n, c.read)
		}
	}
}

// committing returns a function that takes a round in which the only partition of a topic ends at end and the group has
// committed an offset, and returns what the group has read by then.
func committing(g *group, born time.Time) func(end, committed int64) int64 {
	s := newSource(Config{Name: "west", Interval: tick})
	tp := &topic{account: newAccount(lineage.Topic{ID: lineage.TopicID{1}, Name: "orders"}), born: born}
	tp.open(1, !born.IsZero())
	tp.leaders, tp.histories, tp.starts = []int32{1}, make([]pastend.History, 1), []int64{0}
	s.topics[tp.topic.ID], s.byName["orders"] = tp, tp
	g.readers = map[lineage.TopicID]*reader{}
	round := time.Now().UTC()
	if !born.IsZero() {
		round = born
	}
	return func(end, committed int64) int64 {
		round = round.Add(tick)
		take := &take{source: s, round: round, before: round.Add(-tick), told: s.tell.Take(round)}
		tp.begin()
		tp.setEnd(0, end)
		tp.histories[0].Add(round, end)
		rg := kmsg.NewOffsetFetchResponseGroup()
		rt := kmsg.NewOffsetFetchResponseGroupTopic()
		rt.TopicID = tp.topic.ID
		p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		p.Offset = committed
		rt.Partitions = append(rt.Partitions, p)
		rg.Topics = append(rg.Topics, rt)
		w := walked(rg)
		take.committed(take.observe(sourceGroups, tick), g, &w, map[*topic]string{})
		return g.readers[tp.topic.ID].read.n
	}
}

// walked returns a walk that stands at a group, as it is in a broker's answer.
func walked(g kmsg.OffsetFetchResponseGroup) wire.CommitsWalk {
	c := &wire.Commits{}
	c.Version = 10
	for i := range g.Topics {
		if g.Topics[i].Topic != "" {
			c.Version = 8 // names and no ids
		}
	}
	resp := kmsg.OffsetFetchResponse{Version: c.Version, Groups: []kmsg.OffsetFetchResponseGroup{g}}
	if err := c.ReadFrom(resp.AppendTo(nil)); err != nil {
		panic(err)
	}
	w := c.Walk()
	w.Group()
	return w
}
