package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

const tick = 10 * time.Second

// midnight is where the clock of a synctest bubble starts. The worlds' rounds are counted from it.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// round returns the instant of the nth round.
func round(n int) time.Time { return midnight.Add(time.Duration(n) * tick) }

// world writes observations into a store, as collectors would, and keeps the totals of the counters.
type world struct {
	t      testing.TB
	store  timeseries.Store
	totals map[storetest.Key]int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = store.Close() })
	return &world{t: t, store: store, totals: map[storetest.Key]int64{}}
}

// observe appends one observation of a source of every tick in round n; fill adds to it.
func (w *world) observe(cluster, source string, n int, fill ...func(*lineage.Observation)) {
	w.t.Helper()
	w.observeEvery(tick, cluster, source, n, fill...)
}

func (w *world) observeEvery(every time.Duration, cluster, source string, n int, fill ...func(*lineage.Observation)) {
	w.t.Helper()
	o := lineage.Observation{Source: lineage.Source{Cluster: cluster, Name: source}, Round: round(n), Interval: every, At: round(n)}
	for _, f := range fill {
		f(&o)
	}
	if err := w.store.Append(context.Background(), o); err != nil {
		w.t.Fatal(err)
	}
}

// end ends round n of the other sources that observe west: nothing changed.
func (w *world) end(n int) {
	w.t.Helper()
	for _, source := range []string{"metadata", "end-offsets", "producers", "groups"} {
		w.observe("west", source, n)
	}
	for _, source := range []string{"start-offsets", "log-dirs", "members"} {
		w.observeEvery(6*tick, "west", source, n)
	}
}

// moved advances a counter.
func (w *world) moved(x lineage.Access, e lineage.EvidenceKind, by int64, opts ...func(*lineage.Sample)) func(*lineage.Observation) {
	metric := lineage.Records
	if x.Op == lineage.OpNone {
		metric = lineage.Appended
	}
	key := storetest.Key{Access: x, Metric: metric, Evidence: e}
	w.totals[key] += by
	s := lineage.Sample{Subject: x, Metric: metric, Evidence: e, Value: w.totals[key]}
	for _, f := range opts {
		f(&s)
	}
	return func(o *lineage.Observation) { o.Samples = append(o.Samples, s) }
}

func estimated(s *lineage.Sample) { s.Estimated = true }

func level(x lineage.Access, m lineage.Metric, value int64) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: m, Value: value})
	}
}

func sighted(x lineage.Access, e lineage.EvidenceKind, detail string) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: x, Evidence: e, Detail: detail})
	}
}

func missing(reason string) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Missing = append(o.Missing, lineage.Missing{Reason: reason, Share: 1, All: true})
	}
}

func facts(fs ...lineage.Fact) func(*lineage.Observation) {
	return func(o *lineage.Observation) { o.Facts = append(o.Facts, fs...) }
}

func event(n int, e lineage.Event) func(*lineage.Observation) {
	e.At = round(n)
	return func(o *lineage.Observation) { o.Events = append(o.Events, e) }
}

func topic(cluster lineage.ClusterID, name string, id byte) lineage.Topic {
	return lineage.Topic{Cluster: cluster, ID: lineage.TopicID{15: id}, Name: name}
}

func self(t lineage.Topic) lineage.Access { return lineage.Access{Topic: t} }

func writes(t lineage.Topic, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Write, Client: c}
}

func reads(t lineage.Topic, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Read, Client: c}
}

func producer(id int64) lineage.Client { return lineage.Client{Producer: lineage.KnownProducer(id)} }

func group(name string) lineage.Client { return lineage.Client{Group: name} }

func clusterFact(source string, id lineage.ClusterID, topics, groups int) lineage.Fact {
	return lineage.Fact{
		Key:     lineage.FactKey{Source: source, Kind: lineage.ClusterFacts},
		Cluster: &lineage.ClusterFact{ID: id, Brokers: 3, Controller: 1, Topics: topics, Groups: groups},
	}
}

func topicFact(source string, t lineage.Topic, configs ...lineage.Config) lineage.Fact {
	return lineage.Fact{
		Key:   lineage.FactKey{Source: source, Kind: lineage.TopicFacts, Name: t.Name},
		Topic: &lineage.TopicFact{Topic: t, Partitions: 6, Replication: 3, Configs: configs},
	}
}

func groupFact(name, kind, state string, members ...lineage.Member) lineage.Fact {
	return lineage.Fact{
		Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: name},
		Group: &lineage.GroupFact{
			Ref: lineage.GroupRef{Cluster: west, Group: name}, Type: kind, Protocol: "consumer", State: state, Members: members, MembersKnown: true,
		},
	}
}

func gone(source string, kind lineage.FactKind, name string) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: source, Kind: kind, Name: name}, Gone: true}
}

func blindSpot(source, name, what, remedy string) lineage.Fact {
	return lineage.Fact{
		Key:        lineage.FactKey{Source: source, Kind: lineage.BlindSpotFacts, Name: name},
		BlindSpots: []lineage.BlindSpot{{Source: name, What: what, Remedy: remedy}},
	}
}

// people is an identity for tests: a group is its application's name, so is a client id without its number; nobody else
// has one.
type people struct{}

func everybody() answer.Identity { return people{} }

func (people) Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	return identity.NewKnowledge(of)
}

func (people) Resolve(c lineage.Cluster, a lineage.Access, _ lineage.Known) (lineage.Node, string) {
	switch {
	case a.Client.Group != "":
		return lineage.Node{Scope: c.Environment, Kind: lineage.ApplicationNode, Name: a.Client.Group}, "group id"
	case a.Client.TransactionalID != "":
		return lineage.Node{Scope: c.Environment, Kind: lineage.ApplicationNode, Name: a.Client.TransactionalID}, "transactional id"
	default:
		return lineage.Node{Scope: c.Name, Kind: lineage.UnidentifiedNode, Name: a.Topic.Name}, "nothing names it"
	}
}

func (people) Alike([]lineage.Usage) []lineage.Alike { return nil }

func (people) Declaring(_ lineage.Cluster, topic string, n lineage.Node) string {
	return topic + " is " + n.ID()
}

func (p people) Says(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	out := map[lineage.Slot]lineage.Ruled{}
	owner, tags := p.Describe(n)
	if owner != "" {
		out[lineage.Slot{Field: lineage.OwnerField}] = lineage.Ruled{Texts: []string{owner}, Rule: "rule 1 of nodes"}
	}
	if tags != nil {
		out[lineage.Slot{Field: lineage.TagsField}] = lineage.Ruled{Texts: tags, Rule: "rule 1 of nodes"}
	}
	return out
}

func (people) Describe(n lineage.Node) (string, []string) {
	switch n.Name {
	case "orders", "billing":
		return "team-shop", []string{"tier-1"}
	case "customers":
		return "team-crm", []string{"pii"}
	}
	return "", nil
}

// history counts the calls that reach the store.
type history struct {
	timeseries.Store
	calls map[string]int
	mu    chan struct{} // holds one token; guards calls
}

func counted(s timeseries.Store) *history {
	h := &history{Store: s, calls: map[string]int{}, mu: make(chan struct{}, 1)}
	h.mu <- struct{}{}
	return h
}

func (h *history) count(method string) {
	<-h.mu
	h.calls[method]++
	h.mu <- struct{}{}
}

func (h *history) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	h.count("Window")
	w, err := h.Store.Window(ctx, ask)
	if err != nil {
		return nil, err
	}
	seen := *w
	seen.Details = details{w.Details, h}
	return &seen, nil
}

func (h *history) Events(ctx context.Context, f store.EventFilter) (store.Events, error) {
	h.count("Events")
	return h.Store.Events(ctx, f)
}

// details counts what is asked of a window.
type details struct {
	store.Details
	h *history
}

func (d details) Points(ctx context.Context, step time.Duration, series []int32) ([][]lineage.Point, error) {
	d.h.count("Points")
	return d.Details.Points(ctx, step, series)
}

func (d details) Evidence(ctx context.Context, in lineage.Window, rows []int32) ([][]lineage.Evidence, error) {
	d.h.count("Evidence")
	return d.Details.Evidence(ctx, in, rows)
}

func (d details) Levels(ctx context.Context, series []int32) ([]lineage.Level, error) {
	d.h.count("Levels")
	return d.Details.Levels(ctx, series)
}

func (d details) Amounts(ctx context.Context, in lineage.Window, series []int32) ([]lineage.Amount, error) {
	d.h.count("Amounts")
	return d.Details.Amounts(ctx, in, series)
}

func (d details) LastMoved(ctx context.Context, in lineage.Window, rows []int32) ([]time.Time, error) {
	d.h.count("LastMoved")
	return d.Details.LastMoved(ctx, in, rows)
}

func (h *history) total() (n int) {
	<-h.mu
	for _, c := range h.calls {
		n += c
	}
	h.mu <- struct{}{}
	return n
}

// The shop: what most transcripts are about.
const (
	west lineage.ClusterID = "mFq2n0aGRXWl3w"
	east lineage.ClusterID = "eA5t0000000000"
)

var (
	orders    = topic(west, "orders", 1)
	payments  = topic(west, "payments", 2)
	customers = topic(west, "customers", 3)
	unused    = topic(west, "unused", 4)
	offsets   = topic(west, "__consumer_offsets", 5)
	returns   = topic(west, "returns", 6) // deleted in round 20
	returns2  = topic(west, "returns", 7) // created again in round 24
	refunds   = topic(west, "refunds", 8) // deleted in round 26
)

// shop is the first rounds of a small shop, thirty of which are told here:
//   - two producers write 100 and 50 records/s to orders; billing (one member) reads them and writes payments in
//     transactions,
//   - analytics reads orders half as fast and falls behind; audit read payments until round 10 and is silent since, and
//     ended is gone,
//   - a writer without idempotence writes customers; its counts are estimated,
//   - in rounds 13 to 15 the groups were not observed.
func shop(t testing.TB, rounds int) *world {
	w := newWorld(t)
	billing := lineage.Member{ID: "m-1", ClientID: "billing-1", Host: "/10.0.0.7"}
	for n := 1; n <= rounds; n++ {
		ends := []func(*lineage.Observation){
			w.moved(self(orders), lineage.NoEvidence, 1500), w.moved(self(payments), lineage.NoEvidence, 1500),
			w.moved(self(customers), lineage.NoEvidence, 100), w.moved(self(offsets), lineage.NoEvidence, 10),
			w.moved(writes(customers, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, 100, estimated),
			w.moved(writes(offsets, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, 10),
			w.moved(writes(payments, lineage.Client{TransactionalID: "billing", Producer: lineage.KnownProducer(2001)}), lineage.Transaction, 1500, estimated),
		}
		if n == 1 {
			ends = append(ends, facts(clusterFact("west", west, 6, 4),
				topicFact("west", orders, lineage.Config{Name: "cleanup.policy", Value: "delete"}), topicFact("west", payments),
				topicFact("west", customers), topicFact("west", unused), topicFact("west", offsets), topicFact("west", returns), topicFact("west", refunds)))
		}
		ends = append(ends, w.recreations(n)...)
		w.observe("west", "end-offsets", n, ends...)

		w.observe("west", "producers", n,
			w.moved(writes(orders, producer(1001)), lineage.ProducerState, 1000), w.moved(writes(orders, producer(1002)), lineage.ProducerState, 500))

		if n >= 13 && n <= 15 {
			w.observe("west", "groups", n, missing("broker 2 does not answer"))
		} else {
			w.observe("west", "groups", n, w.groups(n, billing)...)
		}
		if n%6 == 1 {
			w.observeEvery(6*tick, "west", "start-offsets", n,
				level(self(orders), lineage.Retained, int64(n)*1500), level(self(payments), lineage.Retained, int64(n)*1500))
			w.observeEvery(6*tick, "west", "log-dirs", n, level(self(orders), lineage.LogBytes, int64(n)*1500*200), level(self(payments), lineage.LogBytes, int64(n)*1500*80))
			w.observeEvery(6*tick, "west", "members", n, sighted(
				reads(orders, lineage.Client{Group: "billing", Member: billing.ID, ClientID: billing.ClientID, Host: billing.Host}), lineage.GroupMembership, ""))
		}
	}
	return w
}

// recreations are the lives of returns and refunds.
func (w *world) recreations(n int) []func(*lineage.Observation) {
	remainder := lineage.Client{Kind: lineage.Remainder}
	var out []func(*lineage.Observation)
	switch {
	case n < 20:
		out = append(out, w.moved(self(returns), lineage.NoEvidence, 30), w.moved(writes(returns, remainder), lineage.EndOffsets, 30))
	case n == 20:
		out = append(out, facts(gone("west", lineage.TopicFacts, "returns")), event(n, lineage.Event{Type: lineage.TopicDeleted, Topic: returns, Detail: "topic returns was deleted"}))
	case n == 24:
		out = append(out, facts(topicFact("west", returns2)), event(n, lineage.Event{Type: lineage.TopicRecreated, Topic: returns2, Detail: "topic returns was created again"}))
	case n > 24:
		out = append(out, w.moved(self(returns2), lineage.NoEvidence, 20), w.moved(writes(returns2, remainder), lineage.EndOffsets, 20))
	}
	if n < 26 {
		out = append(out, w.moved(writes(refunds, remainder), lineage.EndOffsets, 5))
	}
	if n == 26 {
		out = append(out, facts(gone("west", lineage.TopicFacts, "refunds")), event(n, lineage.Event{Type: lineage.TopicDeleted, Topic: refunds, Detail: "topic refunds was deleted"}))
	}
	return out
}

// groups are the readers of the shop in one round.
func (w *world) groups(n int, billing lineage.Member) []func(*lineage.Observation) {
	rounds, since := int64(1), func(*lineage.Sample) {}
	if n == 16 { // what they read while they were not observed
		rounds, since = 4, func(s *lineage.Sample) { s.Since = round(12) }
	}
	out := []func(*lineage.Observation){
		w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 1500*rounds, since),
		level(reads(orders, group("billing")), lineage.Lag, 40), level(reads(orders, group("billing")), lineage.LagMillis, 260),
		level(reads(orders, group("billing")), lineage.LagAtLeast, 0),
		w.moved(reads(orders, group("analytics")), lineage.GroupOffsets, 750*rounds, since),
		level(reads(orders, group("analytics")), lineage.Lag, int64(n)*750), level(reads(orders, group("analytics")), lineage.LagMillis, int64(n)*5000),
		level(reads(orders, group("analytics")), lineage.LagAtLeast, 1),
	}
	if n <= 10 {
		out = append(out, w.moved(reads(payments, group("audit")), lineage.GroupOffsets, 200), w.moved(reads(payments, group("ended")), lineage.GroupOffsets, 10))
	}
	switch n {
	case 1:
		out = append(out, facts(groupFact("billing", "Consumer", "Stable", billing), groupFact("analytics", "Classic", "Stable"),
			groupFact("audit", "Classic", "Empty"), groupFact("ended", "Classic", "Empty"),
			blindSpot("west", "groups", "readers without a group", "switch on the authorizer log")))
		out = append(out, event(n, lineage.Event{Type: lineage.GroupJoined, Group: lineage.GroupRef{Cluster: west, Group: "billing"}, Detail: "billing-1 joined billing"}))
	case 12:
		out = append(out, event(n, lineage.Event{Type: lineage.FlowStopped, Access: reads(payments, group("audit")), Detail: "audit stopped reading payments"}))
		out = append(out, facts(gone("west", lineage.GroupFacts, "ended")))
	}
	return slices.Clip(out)
}

// twoClusters is one environment over two clusters: copy reads orders in west and writes them in east. A third was
// never reached; east has lost its brokers in the last rounds.
func twoClusters(t testing.TB) *world {
	w := newWorld(t)
	copied := topic(east, "orders", 9)
	for n := 1; n <= 12; n++ {
		var first, firstEast, firstGroups []func(*lineage.Observation)
		if n == 1 {
			first = append(first, facts(clusterFact("west", west, 1, 1), topicFact("west", orders)))
			firstEast = append(firstEast, facts(clusterFact("east", east, 1, -1), topicFact("east", copied)))
			firstGroups = append(firstGroups, facts(groupFact("copy", "Consumer", "Stable")))
		}
		w.observe("west", "end-offsets", n, append(first, w.moved(self(orders), lineage.NoEvidence, 100),
			w.moved(writes(orders, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, 100))...)
		w.observe("west", "groups", n, append(firstGroups, w.moved(reads(orders, group("copy")), lineage.GroupOffsets, 100))...)
		if n > 10 {
			w.observe("east", "end-offsets", n, missing("no broker of east answers: connection refused"))
			continue
		}
		w.observe("east", "end-offsets", n, append(firstEast, w.moved(self(copied), lineage.NoEvidence, 100),
			w.moved(writes(copied, lineage.Client{TransactionalID: "copy"}), lineage.Transaction, 100, estimated))...)
	}
	w.observe("127.0.0.1:39092", "metadata", 12, missing("127.0.0.1:39092: connection refused"))
	return w
}

// served is a server and what it answers from.
type served struct {
	Declared  *lineage.Declarations
	History   answer.History
	Rounds    store.Watcher
	Identity  func() answer.Identity
	Clusters  []answer.ClusterConfig
	Connects  []answer.ConnectConfig
	UI        http.Handler
	Hosts     []string
	Log       *slog.Logger
	Version   string
	Revision  string
	Limits    api.Limits
	Metrics   api.Metrics
	Now       func() time.Time
	Sizes     func() api.Sizes
	Storage   func(context.Context) (*api.Storage, error)
	Spellings func() *api.ClusterSpellings
	Trouble   func() []string
	Stopping  func() bool
	Exports   map[string]api.Exporter

	NoIntrospection bool
}

func serve(s served) *api.Server {
	return api.New(api.Options{
		Answers: answer.New(answer.Options{History: s.History, Rounds: s.Rounds, Identity: s.Identity, Declared: func() *lineage.Declarations { return s.Declared }, Clusters: s.Clusters, Connects: s.Connects, Now: s.Now}),
		UI:      s.UI, Hosts: s.Hosts, Log: s.Log, Version: s.Version, Revision: s.Revision, Limits: s.Limits, Metrics: s.Metrics, Sizes: s.Sizes, Storage: s.Storage, Spellings: s.Spellings, Trouble: s.Trouble,
		Stopping: s.Stopping, NoIntrospection: s.NoIntrospection, Exports: s.Exports,
	})
}
