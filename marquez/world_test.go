package marquez_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/marquez"
	"github.com/lineaged/lineaged/openlineage"
	"github.com/lineaged/lineaged/timeseries"
)

const tick = 10 * time.Second

// midnight is where the clock of a synctest bubble starts.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	west lineage.ClusterID = "mFq2n0aGRXWl3w"
	// odd is what a list must bear: Marquez's own are unreadable after less.
	odd = "b1:9092,b2:9092/ü \"x\"\u202e%2F"
	// nsWest is the namespace of the cluster's topics in a path.
	nsWest = "kafka%3A%2F%2Fb1%3A9092"
)

// open lets everybody in, or nobody.
type open bool

func (o open) Work(*http.Request) (func(), bool) { return func() {}, bool(o) }

func (o open) Hold(*http.Request, int64) (func(), bool) { return func() {}, true }

// shop is a store with some minutes of traffic, and who answers from it. Of twenty minutes the fifth was not observed,
// and payments are there from the fifteenth.
type shop struct {
	t       *testing.T
	store   timeseries.Store
	answers *answer.Answers
	names   *openlineage.Target
	api     http.Handler
	total   map[lineage.Sample]int64
}

// in tests on a shop.
func in(t *testing.T, f func(t *testing.T, s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.fill()
		f(t, s)
	})
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, store: timeseries.NewMemory(timeseries.Options{Tick: tick}), total: map[lineage.Sample]int64{}}
	t.Cleanup(func() { _ = s.store.Close() })
	who, err := identity.New(identity.Rules{Topics: []identity.TopicRule{{Match: regexp.MustCompile("^orders$"), Tags: []string{"pii"}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.names, err = openlineage.NewTarget(openlineage.Marquez, []openlineage.Cluster{{Name: "west", Brokers: []string{"b1:9092"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.answers = answer.New(answer.Options{
		History: s.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
	})
	s.api = marquez.New(marquez.Options{Answers: s.answers, Names: s.names}).Handler(open(true))
	return s
}

func topic(name string) lineage.Topic {
	t := lineage.Topic{Cluster: west, Name: name}
	copy(t.ID[:], name)
	return t
}

func topicFact(t lineage.Topic) lineage.Fact {
	return lineage.Fact{
		Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: t.Name},
		Topic: &lineage.TopicFact{Topic: t, Partitions: 6, Replication: 3},
	}
}

// more is a sample of a counter that has advanced.
func (s *shop) more(of lineage.Access, m lineage.Metric, e lineage.EvidenceKind, by int64) lineage.Sample {
	x := lineage.Sample{Subject: of, Metric: m, Evidence: e}
	s.total[x] += by
	key := x
	x.Value = s.total[key]
	return x
}

// load is a batch job from a table to orders, which told of two runs; odd is another's name.
var (
	load   = lineage.Node{Scope: "airflow", Kind: lineage.JobNode, Name: "load"}
	oddJob = lineage.Node{Scope: odd, Kind: lineage.JobNode, Name: odd}
	table  = lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.carts"}
)

func toldFacts() []lineage.Fact {
	orders := lineage.Node{Scope: string(west), Kind: lineage.TopicNode, Name: "orders"}
	at := midnight.Add(2 * time.Minute)
	runs := &lineage.RunsFact{
		Job: load, Integration: "AIRFLOW", Description: "brings carts", Ends: []lineage.Node{table.Node(), orders},
		Runs: []lineage.Run{
			{ID: "00ea1626-47c5-49fe-b509-79f77f33e9ff", State: lineage.RunGoesOn, First: at, Started: true, Reads: []int{0}, Writes: []int{1}},
			{ID: "9c66b278-db60-4da4-a9df-d3deeb7064e0", State: lineage.RunFailed, First: midnight, Started: true, Ended: midnight.Add(time.Minute), Reads: []int{0}},
			{ID: "silent", State: lineage.RunSilent, First: midnight},
		},
	}
	return []lineage.Fact{
		{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.RunFacts, Name: load.ID()}, Runs: runs},
		{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.ColumnsFacts, Name: load.ID() + "orders"}, Columns: &lineage.ColumnsFact{
			Mover: load, ToTopic: lineage.Topic{Cluster: west, Name: "orders"}, Links: []lineage.ColumnLink{
				{FromDataset: table, From: "contact", To: "email", How: "DIRECT/TRANSFORMATION", Masked: true}, {FromDataset: table, From: "id", To: "id", How: "DIRECT/IDENTITY"},
			},
		}},
		{Key: lineage.FactKey{Source: "west-registry", Kind: lineage.SchemaFacts, Name: "orders-value"}, Schema: &lineage.SchemaFact{
			Topic: lineage.Topic{Cluster: west, Name: "orders"}, Part: lineage.ValuePart, Origin: lineage.FromRegistry, Subject: "orders-value", Version: 3, Format: "AVRO",
			Columns: []lineage.Column{{Path: "id", Type: "long", Presence: lineage.AlwaysThere}, {Path: "email", Type: "string", Presence: lineage.MayBeMissing}},
		}},
	}
}

func (s *shop) observe(o lineage.Observation) {
	s.t.Helper()
	if err := s.store.Append(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

// fill observes twenty minutes, and sleeps until they are over.
func (s *shop) fill() {
	s.t.Helper()
	orders, payments := topic("orders"), topic("payments")
	by := func(op lineage.Op, t lineage.Topic, d lineage.Dataset, mover lineage.Node) lineage.Access {
		return lineage.Access{Topic: t, Dataset: d, Op: op, Client: lineage.Client{Mover: mover}}
	}
	for n := 1; n <= 120; n++ {
		if n > 24 && n <= 30 {
			continue
		}
		at := midnight.Add(time.Duration(n) * tick)
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: at, Interval: tick, At: at}
		said := lineage.Observation{Source: lineage.Source{Cluster: "openlineage", Name: "events"}, Round: at, Interval: tick, At: at}
		if n == 1 {
			said.Facts = toldFacts()
			o.Facts = []lineage.Fact{
				{Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: west, Brokers: 3, Controller: 1, Topics: 2, Groups: -1}},
				topicFact(orders),
			}
		}
		if n == 90 {
			o.Facts = append(o.Facts, topicFact(payments))
		}
		o.Samples = append(o.Samples,
			s.more(lineage.Access{Topic: orders}, lineage.Appended, lineage.NoEvidence, 100),
			s.more(lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}, lineage.Records, lineage.GroupOffsets, 90))
		if n >= 90 {
			o.Samples = append(o.Samples,
				s.more(lineage.Access{Topic: payments}, lineage.Appended, lineage.NoEvidence, 10),
				s.more(lineage.Access{Topic: payments, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}, lineage.Records, lineage.GroupOffsets, 10))
		}
		for _, x := range []lineage.Access{
			by(lineage.Read, lineage.Topic{}, table, load), by(lineage.Write, orders, lineage.Dataset{}, load),
			by(lineage.Read, lineage.Topic{}, lineage.Dataset{Namespace: odd, Name: odd}, oddJob),
		} {
			said.Sightings = append(said.Sightings, lineage.Sighting{Access: x, Evidence: lineage.OpenLineage, Moved: true, Detail: "the job's own word"})
		}
		s.observe(o)
		s.observe(said)
	}
	time.Sleep(120 * tick)
}

// ask asks, and returns the status and the body.
func (s *shop) ask(path string) (int, map[string]any) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, marquez.Prefix+path, http.NoBody)
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		s.t.Fatalf("%s is answered with no JSON: %s", path, w.Body)
	}
	return w.Code, body
}

// has asks for what has to be there.
func (s *shop) has(path string) map[string]any {
	s.t.Helper()
	code, body := s.ask(path)
	if code != http.StatusOK {
		s.t.Fatalf("%s is answered with %d: %v", path, code, body)
	}
	return body
}

// recorded is a body that a real Marquez answered with.
func recorded(t *testing.T, name string) any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var is struct{ Body any }
	if err := json.Unmarshal(b, &is); err != nil {
		t.Fatal(err)
	}
	return is.Body
}
