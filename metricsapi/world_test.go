package metricsapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/metricsapi"
	"github.com/lineaged/lineaged/timeseries"
)

const tick = 10 * time.Second

// midnight is where the clock of a synctest bubble starts.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const west lineage.ClusterID = "mFq2n0aGRXWl3w"

// open lets everybody in, or nobody.
type open bool

func (o open) Work(*http.Request) (func(), bool) { return func() {}, bool(o) }

func (o open) Hold(*http.Request, int64) (func(), bool) { return func() {}, true }

// shop is a store with some minutes of traffic, and who answers from it. Of ten minutes the fifth was not observed.
type shop struct {
	t     *testing.T
	store timeseries.Store
	api   http.Handler
	total map[lineage.Sample]int64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, store: timeseries.NewMemory(timeseries.Options{Tick: tick}), total: map[lineage.Sample]int64{}}
	t.Cleanup(func() { _ = s.store.Close() })
	who, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	s.api = metricsapi.New(metricsapi.Options{Answers: answer.New(answer.Options{
		History: s.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
	})}).Handler(open(true))
	return s
}

func topic(name string) lineage.Topic {
	t := lineage.Topic{Cluster: west, Name: name}
	copy(t.ID[:], name)
	return t
}

func fact(t lineage.Topic) lineage.Fact {
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

func (s *shop) observe(o lineage.Observation) {
	s.t.Helper()
	if err := s.store.Append(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

// fill observes ten minutes, and sleeps until they are over.
func (s *shop) fill() {
	s.t.Helper()
	orders, payments := topic("orders"), topic("payments")
	writer := lineage.Access{Topic: orders, Op: lineage.Write, Client: lineage.Client{ClientID: "shop-1", Principal: "User:shop", Producer: lineage.KnownProducer(1)}}
	billing := lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
	sink := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "warehouse"}
	for n := 1; n <= 60; n++ {
		if n > 24 && n <= 30 {
			continue
		}
		at := midnight.Add(time.Duration(n) * tick)
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: at, Interval: tick, At: at}
		if n == 1 {
			o.Facts = []lineage.Fact{
				{Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: west, Brokers: 3, Controller: 1, Topics: 2, Groups: -1}},
				fact(orders), fact(payments),
			}
		}
		for i := range 2 {
			t := [...]lineage.Topic{orders, payments}[i]
			o.Samples = append(o.Samples,
				s.more(lineage.Access{Topic: t}, lineage.Appended, lineage.NoEvidence, int64(100-50*i)),
				lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.LogBytes, Value: int64(n) * 1000},
				lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.Retained, Value: int64(n) * 100})
		}
		o.Samples = append(o.Samples,
			s.more(writer, lineage.Records, lineage.ProducerState, 60), s.more(billing, lineage.Records, lineage.GroupOffsets, 90),
			s.more(lineage.Access{Topic: payments, Op: lineage.Read, Client: lineage.Client{Mover: sink}}, lineage.Records, lineage.Connect, 10),
			lineage.Sample{Subject: billing, Metric: lineage.Lag, Value: int64(n)})
		s.observe(o)
	}
	time.Sleep(60 * tick)
}

// ask asks, and returns the status and the body.
func (s *shop) ask(method, path, body string, header ...string) (int, string, http.Header) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, metricsapi.Prefix+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w.Header().Get("Content-Type") == "application/json" {
		checkShape(s.t, method, path, body, w.Code, b)
	}
	return w.Code, string(b), w.Header()
}

// has asks for what has to be there, and returns the data.
func (s *shop) has(method, path, body string) string {
	s.t.Helper()
	code, text, _ := s.ask(method, path, body)
	if code != http.StatusOK {
		s.t.Fatalf("%s %s is answered with %d: %s", path, body, code, text)
	}
	var is struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &is); err != nil {
		s.t.Fatal(err)
	}
	return string(is.Data)
}

// next is an observation of nothing new.
func (s *shop) next(n int) lineage.Observation {
	at := midnight.Add(time.Duration(n) * tick)
	return lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: at, Interval: tick, At: at}
}

// sleep lets the pages expire.
func (s *shop) sleep() { time.Sleep(61 * time.Minute) }
