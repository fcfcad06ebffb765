package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// TestTheFileOfEverythingIsThePage holds that, of everything, the file has the flows and nodes that the page's answer
// of the same window has, with the silent and without, whole and cut, and says of each flow in the same words how it
// goes: billing stopped long before the window, and thousands of records wait for it.
func TestTheFileOfEverythingIsThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, begun := stoppedReader(t)
		window := [2]string{begun.Add(70 * time.Second).UTC().Format(time.RFC3339), begun.Add(120 * time.Second).UTC().Format(time.RFC3339)}
		for _, silent := range []bool{true, false} {
			for _, limit := range []int{300, 2} {
				page, file := &everything{}, &everything{}
				query := fmt.Sprintf(`{"query":"{ flows(window: {start: \"%s\", end: \"%s\"}, includeInactive: %t, limit: %d) { truncated totalNodes nodes { id } flows { id active state stateSince } } }"}`,
					window[0], window[1], silent, limit)
				fetched(t, h, http.MethodPost, "/graphql", query, &struct {
					Data struct{ Flows *everything }
				}{struct{ Flows *everything }{page}})
				fetched(t, h, http.MethodGet, fmt.Sprintf("%s?format=json&start=%s&end=%s&includeInactive=%t&limit=%d", lineageExport, window[0], window[1], silent, limit), "",
					&struct {
						*everything
						Cut *everything
					}{file, file})
				if got, want := textOf(t, file), textOf(t, page); got != want {
					t.Errorf("with the silent: %t, limit %d: the file has\n%s\nand the page\n%s", silent, limit, got, want)
				}
				const stopped = "topic:west/orders->application:west/billing"
				at := slices.IndexFunc(page.Flows, func(f goes) bool { return f.ID == stopped })
				if has := at >= 0; has != silent || has && (page.Flows[at].State == nil || page.Flows[at].Active == nil) {
					t.Errorf("with the silent: %t, limit %d: of %s the page has %s", silent, limit, stopped, textOf(t, page))
				}
			}
		}
	})
}

// everything is what the page and its file are compared by.
type everything struct {
	Truncated  bool
	TotalNodes int
	Nodes      []struct{ ID string }
	Flows      []goes
}

type goes struct {
	ID                string
	Active            *bool
	State, StateSince *string
}

func textOf(t *testing.T, x any) string {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stoppedReader serves two minutes of a cluster: ops reads all of metrics; billing read orders for 30 seconds.
func stoppedReader(t *testing.T) (h http.Handler, begun time.Time) {
	t.Helper()
	cfg, asked, store, begun := stoppedWorld(t)
	return api.New(apiOptions(cfg, store, asked, &book{}, slog.New(slog.DiscardHandler))), begun
}

// stoppedWorld is what stoppedReader serves.
func stoppedWorld(t *testing.T) (cfg config.Config, asked *answer.Answers, store timeseries.Store, begun time.Time) {
	t.Helper()
	store = timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
	t.Cleanup(func() { _ = store.Close() })
	begun = time.Now()
	topic := func(name string, id byte) lineage.Topic {
		return lineage.Topic{Cluster: "mFq2n0aGRXWl3w", ID: lineage.TopicID{15: id}, Name: name}
	}
	orders, metrics := topic("orders", 1), topic("metrics", 2)
	reads := func(of lineage.Topic, group string) lineage.Access {
		return lineage.Access{Topic: of, Op: lineage.Read, Client: lineage.Client{Group: group}}
	}
	for n := int64(1); n <= 12; n++ {
		at := begun.Add(time.Duration(n) * 10 * time.Second)
		read := 1000 * min(n, 3)
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: at, Interval: 10 * time.Second, At: at, Samples: []lineage.Sample{
			{Subject: lineage.Access{Topic: orders}, Metric: lineage.Appended, Value: 1000 * n},
			{Subject: lineage.Access{Topic: metrics}, Metric: lineage.Appended, Value: 10 * n},
			{Subject: reads(orders, "billing"), Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: read},
			{Subject: reads(orders, "billing"), Metric: lineage.Lag, Value: 1000*n - read},
			{Subject: reads(metrics, "ops"), Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: 10 * n},
			{Subject: reads(metrics, "ops"), Metric: lineage.Lag, Value: 0},
		}}
		if n == 1 {
			o.Facts = []lineage.Fact{{
				Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: orders.Cluster, Brokers: 1},
			}}
			for _, x := range []lineage.Topic{orders, metrics} {
				o.Facts = append(o.Facts, lineage.Fact{
					Key: lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: x.Name}, Topic: &lineage.TopicFact{Topic: x, Partitions: 1, Replication: 1},
				})
			}
		}
		if err := store.Append(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2*time.Minute + time.Second)
	log := slog.New(slog.DiscardHandler)
	cfg = config.Config{Clusters: []config.Cluster{{Name: "west", Environment: "west"}}}
	who, err := newRules(t.Context(), cfg, store, log)
	if err != nil {
		t.Fatal(err)
	}
	clock := collector.NewClock(10*time.Second, nil, nil, begun, log)
	return cfg, answers(cfg, store, who, &declarations{}, &edits{}, &past{}, clock), store, begun
}

// fetched reads JSON that a handler answers.
func fetched(t *testing.T, h http.Handler, method, target, body string, into any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"errors"`) {
		t.Fatalf("%s %s: HTTP %d, %v: %.1000s", method, target, w.Code, err, w.Body)
	}
}
