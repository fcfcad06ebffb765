package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

func fan(t testing.TB, readers int) *world {
	w := newWorld(t)
	for n := 1; n <= 6; n++ {
		fill := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 100)}
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, 1, readers), topicFact("west", orders)), level(self(orders), lineage.LogBytes, 20000), level(self(orders), lineage.Retained, 100))
		}
		for i := range readers {
			g := reads(orders, group(fmt.Sprintf("g%03d", i)))
			fill = append(fill, w.moved(g, lineage.GroupOffsets, 100), level(g, lineage.Lag, int64(i)), level(g, lineage.LagMillis, 10))
		}
		w.observe("west", "all", n, fill...)
	}
	return w
}

const everything = `{
  lineage(roots: ["topic:west/orders"], window: {last: "1m"}, limit: 1000) {
    nodes { id name firstSeen lastSeen cluster { name error } series(metric: RECORDS_PER_SECOND, window: {last: "1m"}) { points { value } }
      in: series(metric: RECORDS_IN_PER_SECOND, window: {last: "30s"}) { points { value } } ... on Topic { retainedBytes } }
    flows { id active records bytes lag lagSeconds evidence { kind } clients(first: 5) { group lag } clientCount firstSeen
      from { id series(metric: RECORDS_PER_SECOND, window: {last: "1m"}) { step } } to { id lastSeen }
      series(metric: RECORDS_PER_SECOND) { points { value } } lags: series(metric: LAG) { points { value } } bytes2: series(metric: BYTES_PER_SECOND) { points { value } } }
    coverage { complete }
    positions { x }
  }
}`

func TestCallsDoNotGrow(t *testing.T) {
	calls := func(readers int) (n int, of map[string]int) {
		synctest.Test(t, func(t *testing.T) {
			w := fan(t, readers)
			time.Sleep(time.Until(round(6)) + time.Second)
			h := counted(w.store)
			server := serve(served{History: h, Identity: everybody, Clusters: shopConfig, Log: quiet(), Limits: api.Limits{Complexity: 1 << 29}})
			type answer struct {
				Lineage struct{ Flows []struct{ Records string } }
			}
			got := answerOf[answer](t, server, everything, "")
			if len(got.Lineage.Flows) != readers+1 {
				t.Errorf("%d flows", len(got.Lineage.Flows))
			}
			n, of = h.total(), h.calls
		})
		return n, of
	}
	few, fewOf := calls(10)
	many, manyOf := calls(100)
	if few != many || few > 40 {
		t.Errorf("%d calls for 10 readers %v, %d for 100 %v", few, fewOf, many, manyOf)
	}
	// Three of flows; of nodes two metrics, one for all three kinds, one that unidentified writers do not have.
	if n := manyOf["Points"]; n != 8 {
		t.Errorf("Points was called %d times, want once a metric, window and kind: 8", n)
	}
}

func TestOneBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := counted(w.store)
		server := serve(served{History: h, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		ask16 := func() {
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() { ask(server, `{lineage(roots:["topic:west/orders"],window:{last:"1m"}){totalNodes}}`, "") })
			}
			wg.Wait()
		}
		ask16()
		if n := h.calls["Window"]; n != 1 {
			t.Errorf("16 at once built %d views", n)
		}
		w.observe("west", "end-offsets", 31, w.moved(self(orders), lineage.NoEvidence, 1))
		ask16()
		if n := h.calls["Window"]; n != 1 {
			t.Errorf("a round after the window made %d views", n)
		}
		w.observe("west", "members", 29)
		ask16()
		if n := h.calls["Window"]; n != 2 {
			t.Errorf("a late round made %d views, want 2", n)
		}
	})
}

func TestTooManyPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fan(t, 200)
		time.Sleep(time.Until(round(6)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		_, body := ask(h, `{lineage(roots:["topic:west/orders"],window:{last:"1d"}){flows{series(metric:LAG,step:"10s"){unit}}}}`, "")
		if !strings.Contains(string(body), `"LIMIT_EXCEEDED"`) || !strings.Contains(string(body), "ask for a longer step") {
			t.Errorf("%.500s", body)
		}
	})
}

func TestManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fan(t, 100)
		time.Sleep(time.Until(round(6)) + time.Second)
		store := counted(w.store)
		h := serve(served{History: store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		type answer struct {
			Node struct {
				Series struct{ Points []struct{ Value *float64 } }
			}
		}
		points := answerOf[answer](t, h, `{node(id:"topic:west/orders"){series(metric:RECORDS_OUT_PER_SECOND,window:{last:"1d"},step:"10s"){points{value}}}}`, "").Node.Series.Points
		if n := len(points); n != 8640 || points[0].Value != nil || points[n-1].Value == nil || *points[n-1].Value != 1000 {
			t.Errorf("%d points, the last %v", n, points[len(points)-1].Value)
		}
		if n := store.calls["Points"]; n != 4 {
			t.Errorf("%d calls, want 4 of at most 250,000 points", n)
		}
	})
}
