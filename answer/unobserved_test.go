package answer_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Who asks for what a view does not have is told whether it was not there, or nobody looked, and what was observed.
func TestWhatNobodyObservedMayHaveBeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for n := 1; n <= 100; n++ { // east begins later, and the middle was not observed at all
			if n > 40 && n <= 60 {
				continue
			}
			w.observe("west", "end-offsets", n, w.moved(self(topic("orders")), lineage.NoEvidence, 10))
			if n > 80 {
				w.observe("east", "end-offsets", n)
				w.observe("sinks", "connectors", n)
			}
		}
		time.Sleep(100*tick + time.Second)
		a := answer.New(answer.Options{
			History: w.store, Identity: everybody,
			Clusters: []answer.ClusterConfig{
				{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}, {Source: "north", Name: "north", Environment: "other"},
			},
			Connects: []answer.ConnectConfig{{Name: "sinks"}},
		})
		const no, unknown = answer.Missing, answer.Unobserved
		f := func(from, to int, id string, want answer.Reason, fraction float64, gaps string) {
			t.Helper()
			v, err := a.View(t.Context(), answer.Between(round(from), round(to)), answer.All)
			if err != nil {
				t.Fatal(err)
			}
			flow, err := lineage.ParseFlowID(id)
			if err == nil {
				err = v.NoFlow(flow)
			} else if n, bad := lineage.ParseNodeID(id); bad == nil {
				err = v.NoNode(n)
				if v.Has(n) || v.Unobserved(n) != (want == unknown) {
					t.Errorf("%s in (%d, %d]: has %t, unobserved %t", id, from, to, v.Has(n), v.Unobserved(n))
				}
			}
			r, ok := errors.AsType[*answer.RefusedError](err)
			if !ok || r.Observed == nil {
				t.Fatalf("%s in (%d, %d]: %v", id, from, to, err)
			}
			names := ""
			for _, g := range r.Observed.Gaps {
				names += g.Source.String() + " "
			}
			if r.Reason != want || strings.Contains(r.Sentence, "not known") != (want == unknown) || !strings.Contains(r.Sentence, id) {
				t.Errorf("%s in (%d, %d]: %d %q, want %d", id, from, to, r.Reason, r.Sentence, want)
			}
			if r.Observed.ObservedFraction != fraction || strings.TrimSpace(names) != gaps || !r.Observed.Window.Start.Equal(round(from)) {
				t.Errorf("%s in (%d, %d]: observed %v with gaps of %q, want %v and %q", id, from, to, r.Observed.ObservedFraction, names, fraction, gaps)
			}
		}
		const all = "east/end-offsets sinks/connectors west/end-offsets"
		f(-100, -90, "topic:west/orders", unknown, 0, "west/end-offsets")
		f(-100, -90, "topic:west/nothing", unknown, 0, "west/end-offsets")
		f(-100, -90, "application:shop/billing", unknown, 0, "east/end-offsets west/end-offsets")
		f(-100, -90, "dataset:postgres/shop", unknown, 0, all)
		f(-100, -90, "topic:west/orders->application:shop/billing", unknown, 0, "east/end-offsets west/end-offsets")
		f(10, 20, "topic:west/nothing", no, 1, "")
		f(10, 20, "unidentified:west/nothing", no, 1, "")
		f(10, 20, "topic:east/orders", unknown, 0, "east/end-offsets")
		f(10, 20, "streamjob:east/job", unknown, 0, "east/end-offsets")
		f(10, 20, "connector:sinks/table", unknown, 0, "sinks/connectors")
		f(10, 20, "application:shop/billing", no, 0.5, "east/end-offsets") // half of where it would be
		f(10, 20, "application:other/billing", unknown, 0, "")             // of north there never was a round
		f(10, 20, "topic:north/orders", unknown, 0, "")
		f(10, 20, "topic:nowhere/orders", no, 1./3, "east/end-offsets sinks/connectors")
		f(10, 20, "connector:elsewhere/table", no, 1./3, "east/end-offsets sinks/connectors")
		f(10, 20, "topic:west/nothing->application:shop/billing", no, 0.5, "east/end-offsets")
		f(45, 55, "topic:west/nothing", unknown, 0, "west/end-offsets")
		f(35, 45, "topic:west/nothing", no, 0.5, "west/end-offsets")
		f(85, 95, "topic:east/orders", no, 1, "")
		f(85, 95, "connector:sinks/table", no, 1, "")
		f(85, 95, "dataset:postgres/shop", no, 1, "")
		f(85, 95, "topic:north/orders", unknown, 0, "")
	})
}
