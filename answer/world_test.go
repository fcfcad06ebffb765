package answer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tick = 10 * time.Second

	west lineage.ClusterID = "mFq2n0aGRXWl3w"
)

// midnight is where the clock of a synctest bubble starts. The worlds' rounds are counted from it.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// round returns the instant of the nth round.
func round(n int) time.Time { return midnight.Add(time.Duration(n) * tick) }

// world writes observations into a store, as collectors would, and keeps the totals of the counters.
type world struct {
	t      testing.TB
	store  timeseries.Store
	totals map[lineage.Sample]int64 // by what a sample is of
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = s.Close() })
	return &world{t: t, store: s, totals: map[lineage.Sample]int64{}}
}

type filling func(*lineage.Observation)

// observe appends one observation of a source of every tick in round n; fill adds to it.
func (w *world) observe(cluster, source string, n int, fill ...filling) {
	w.t.Helper()
	o := lineage.Observation{Source: lineage.Source{Cluster: cluster, Name: source}, Round: round(n), Interval: tick, At: round(n)}
	for _, f := range fill {
		f(&o)
	}
	if err := w.store.Append(context.Background(), o); err != nil {
		w.t.Fatal(err)
	}
}

// moved advances a counter.
func (w *world) moved(x lineage.Access, e lineage.EvidenceKind, by int64) filling {
	s := lineage.Sample{Subject: x, Metric: lineage.Records, Evidence: e}
	if x.Op == lineage.OpNone {
		s.Metric = lineage.Appended
	}
	w.totals[s] += by
	value := w.totals[s]
	return func(o *lineage.Observation) {
		s.Value = value
		o.Samples = append(o.Samples, s)
	}
}

func level(x lineage.Access, m lineage.Metric, value int64) filling {
	return func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: m, Value: value})
	}
}

func sighted(x lineage.Access, e lineage.EvidenceKind, detail string) filling {
	return func(o *lineage.Observation) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: x, Evidence: e, Detail: detail})
	}
}

// movedBy is a sighting of somebody who moved something, by the request log.
func movedBy(x lineage.Access) filling {
	return func(o *lineage.Observation) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: x, Evidence: lineage.RequestLog, Moved: true})
	}
}

func missing(reason string) filling {
	return func(o *lineage.Observation) {
		o.Missing = append(o.Missing, lineage.Missing{Reason: reason, Share: 1, All: true})
	}
}

func facts(fs ...lineage.Fact) filling {
	return func(o *lineage.Observation) { o.Facts = append(o.Facts, fs...) }
}

func happened(e lineage.Event) filling {
	return func(o *lineage.Observation) {
		e.At = o.Round
		o.Events = append(o.Events, e)
	}
}

func topic(name string) lineage.Topic {
	t := lineage.Topic{Cluster: west, Name: name}
	copy(t.ID[:], name)
	return t
}

func self(t lineage.Topic) lineage.Access { return lineage.Access{Topic: t} }

func writes(t lineage.Topic, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Write, Client: c}
}

func reads(t lineage.Topic, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Read, Client: c}
}

func group(name string) lineage.Client { return lineage.Client{Group: name} }

func producer(id int64) lineage.Client { return lineage.Client{Producer: lineage.KnownProducer(id)} }

func clusterFact(topics int) lineage.Fact {
	return lineage.Fact{
		Key:     lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts},
		Cluster: &lineage.ClusterFact{ID: west, Brokers: 3, Controller: 1, Topics: topics, Groups: -1},
	}
}

func topicFact(t lineage.Topic) lineage.Fact {
	return lineage.Fact{
		Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: t.Name},
		Topic: &lineage.TopicFact{Topic: t, Partitions: 6, Replication: 3},
	}
}

func topicNode(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: name}
}

func application(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: name}
}

// people is an identity for tests: a group is its application's name; nobody else has one.
type people struct{ version int }

func (people) Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	return identity.NewKnowledge(of)
}

func (people) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	switch {
	case a.Client.Mover.Kind != lineage.NoKind:
		return a.Client.Mover, "it says so"
	case known.Application != "":
		return lineage.Node{Scope: c.Name, Kind: lineage.StreamJobNode, Name: known.Application}, known.By
	case a.Client.Group != "":
		return lineage.Node{Scope: c.Environment, Kind: lineage.ApplicationNode, Name: a.Client.Group}, "group id"
	default:
		return lineage.Node{Scope: c.Name, Kind: lineage.UnidentifiedNode, Name: a.Topic.Name}, "nothing names it"
	}
}

// Alike pairs all who only read with all who only write.
func (people) Alike(all []lineage.Usage) (out []lineage.Alike) {
	for _, a := range all {
		for _, b := range all {
			if a.Reads && !a.Writes && b.Writes && !b.Reads {
				out = append(out, lineage.Alike{A: a.Node, B: b.Node})
			}
		}
	}
	return out
}

func (people) Declaring(_ lineage.Cluster, topic string, n lineage.Node) string {
	return topic + " is " + n.ID()
}

func (people) Describe(lineage.Node) (string, []string) { return "", nil }

func (people) Says(lineage.Node) map[lineage.Slot]lineage.Ruled { return nil }

func everybody() answer.Identity { return people{} }

// history counts the views that are built of a store, and lets a test do something while one is.
type history struct {
	store.Reader
	during func(context.Context) error // nil: nothing

	mu          sync.Mutex // guards the fields below
	builds      int
	now, atOnce int // being built
}

func (h *history) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	if !ask.Accesses {
		return h.Reader.Window(ctx, ask)
	}
	h.mu.Lock()
	h.builds++
	h.now++
	h.atOnce = max(h.atOnce, h.now)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now--
	}()
	if h.during != nil {
		if err := h.during(ctx); err != nil {
			return nil, err
		}
	}
	return h.Reader.Window(ctx, ask)
}

func (h *history) built() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.builds
}

func answers(r store.Reader) *answer.Answers {
	return answer.New(answer.Options{History: r, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
}

// view asks for a window.
func view(t testing.TB, a *answer.Answers, in answer.Span, lens answer.Lens) *answer.View {
	t.Helper()
	v, err := a.View(context.Background(), in, lens)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// steady is a topic with a writer and some readers, over some rounds.
func (w *world) steady(from, to, readers int) {
	x := topic("orders")
	for n := from; n <= to; n++ {
		fill := []filling{w.moved(self(x), lineage.NoEvidence, 100), w.moved(writes(x, producer(1)), lineage.ProducerState, 100)}
		if n == 1 {
			fill = append(fill, facts(clusterFact(1), topicFact(x)))
		}
		for i := range readers {
			r := reads(x, group(fmt.Sprintf("reader-%d", i)))
			fill = append(fill, w.moved(r, lineage.GroupOffsets, 100), level(r, lineage.Lag, int64(i)))
		}
		w.observe("west", "all", n, fill...)
	}
}

// happenedAt is an event that stands at another round than that which tells it.
func happenedAt(n int, e lineage.Event) filling {
	e.At = round(n)
	return func(o *lineage.Observation) { o.Events = append(o.Events, e) }
}

// estimated says that a sample is no measurement.
func estimated(f filling) filling {
	return func(o *lineage.Observation) {
		f(o)
		o.Samples[len(o.Samples)-1].Estimated = true
	}
}

// by is a mover as a client.
func by(n lineage.Node) lineage.Client { return lineage.Client{Mover: n} }

// nameOnly is a topic as a source knows it that was told its name alone.
func nameOnly(t lineage.Topic) lineage.Topic { return lineage.Topic{Cluster: t.Cluster, Name: t.Name} }

// outside is an access of a mover to a dataset.
func outside(op lineage.Op, n lineage.Node, d lineage.Dataset) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: west}, Op: op, Client: by(n), Dataset: d}
}

func table(name string) lineage.Node {
	return lineage.Dataset{Namespace: "postgres://db:5432", Name: name}.Node()
}

func connectorFact(n lineage.Node, kind, state string) lineage.Fact {
	f := &lineage.ConnectorFact{Kafka: west, Class: "com.acme." + n.Name, Type: kind, State: state, Tasks: []lineage.Task{{ID: 0, State: state, Worker: "worker:8083"}}}
	if kind == "sink" {
		f.Group = "connect-" + n.Name
	}
	return lineage.Fact{Key: lineage.FactKey{Source: n.Scope, Kind: lineage.ConnectorFacts, Name: n.Name}, Connector: f}
}

// named asks for a window in which everyone is named as lineaged does without rules.
func named(t testing.TB, w *world, in answer.Span, connects ...string) *answer.View {
	t.Helper()
	r, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return namedBy(t, w, r, in, connects...)
}

func namedBy(t testing.TB, w *world, who answer.Identity, in answer.Span, connects ...string) *answer.View {
	t.Helper()
	o := answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}}
	for _, c := range connects {
		o.Connects = append(o.Connects, answer.ConnectConfig{Name: c})
	}
	return view(t, answer.New(o), in, answer.All)
}

func evidenceOf(t testing.TB, f answer.Flow) []answer.Evidence {
	t.Helper()
	es, err := f.Evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return es
}
