package attribution_test

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// linkedWorld is a topic that a producer id writes in bursts, somebody without idempotence at once, and whose writer,
// app, tells by telemetry what it wrote.
func linkedWorld(t *testing.T, s store.Writer, rounds int, also func(n int, o *lineage.Observation)) {
	t.Helper()
	app := lineage.Client{ClientID: "app-1", Instance: "I1"}
	wrote, left, claimed := int64(0), int64(0), int64(0)
	for n := 1; n <= rounds; n++ {
		k := lineage.Observation{Source: lineage.Source{Cluster: "W", Name: "producers"}, Round: at(n), Interval: tick, At: at(n)}
		o := lineage.Observation{Source: lineage.Source{Cluster: "W", Name: "telemetry"}, Round: at(n), Interval: tick, At: at(n)}
		if n%7 < 3 {
			claimed += wrote - claimed // what it wrote in the round before
			wrote += 20
		}
		left += 4
		k.Samples = append(k.Samples,
			lineage.Sample{Subject: lineage.Access{Topic: orders}, Metric: lineage.Appended, Value: wrote + left},
			lineage.Sample{Subject: lineage.Access{Topic: orders}, Metric: lineage.Left, Value: left},
			lineage.Sample{Subject: writes(lineage.Client{Producer: lineage.KnownProducer(7)}), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: wrote})
		o.Samples = append(o.Samples, lineage.Sample{Subject: writes(app), Metric: lineage.Claimed, Evidence: lineage.Telemetry, Value: claimed})
		if also != nil {
			also(n, &o)
		}
		if err := s.Append(context.Background(), k, o); err != nil {
			t.Fatal(err)
		}
	}
}

// debited returns what was counted of app's own claims in a window, and the links of producer 7.
func debited(t *testing.T, s store.Reader, from, to int) (n float64, links []lineage.Link) {
	t.Helper()
	w, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: at(from), End: at(to)}, Accesses: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.Series.Len() {
		if a := w.Rows.Access[w.Series.Row[i]]; a.Client.ClientID == "app-1" && w.Series.Metric[i] == lineage.Records {
			n += w.Series.Amount[i].Total
		}
	}
	for _, l := range w.Links {
		if l.Client.Producer == lineage.KnownProducer(7) {
			links = append(links, l)
		}
	}
	return n, links
}

// TestAStoreConcludes: what a store holds of a producer id and of a client's own count makes a link, and the client is
// debited nothing of what others wrote.
func TestAStoreConcludes(t *testing.T) {
	s := timeseries.NewMemory(timeseries.Options{Tick: tick, Settle: attribution.Settle})
	defer s.Close()
	linkedWorld(t, s, 50, nil)
	n, links := debited(t, s, 0, 50)
	if n != 0 || len(links) != 1 || links[0].Client.ClientID != "app-1" || links[0].Evidence != lineage.Elimination || links[0].Detail == "" {
		t.Errorf("app is debited %v, and the links are %+v", n, links)
	}
}

// TestALinkOfNoTopic: a broker's line says whose a producer id is, of no topic, hours after it wrote. Two clients push
// what looks like its count, so that nothing is concluded without it.
func TestALinkOfNoTopic(t *testing.T) {
	s := timeseries.NewMemory(timeseries.Options{Tick: tick, Settle: attribution.Settle})
	defer s.Close()
	twin := func(n int, o *lineage.Observation) {
		x := o.Samples[0]
		x.Subject.Client = lineage.Client{ClientID: "twin-1", Instance: "I2"}
		o.Samples = append(o.Samples, x)
		if n == 280 {
			c := lineage.Client{Producer: lineage.KnownProducer(7), ClientID: "app-1"}
			o.Samples = append(o.Samples, lineage.Sample{
				Subject: lineage.Access{Topic: lineage.Topic{Cluster: orders.Cluster}, Op: lineage.Write, Client: c}, Metric: lineage.Linked, Evidence: lineage.RequestLog, Value: 1,
			})
		}
	}
	before := 0.0
	linkedWorld(t, s, 300, func(n int, o *lineage.Observation) {
		if twin(n, o); n == 279 {
			before, _ = debited(t, s, 10, 50)
			if err := s.Maintain(context.Background(), at(n).Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	})
	if before == 0 {
		t.Error("before the link app's claims are debited nothing")
	}
	for range 3 {
		if err := s.Maintain(context.Background(), at(300).Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range [...][2]int{{10, 50}, {250, 300}} {
		if n, links := debited(t, s, w[0], w[1]); n != 0 || len(links) != 1 || links[0].Evidence != lineage.RequestLog {
			t.Errorf("of %v: app is debited %v once more, and the links are %+v", w, n, links)
		}
	}
}
