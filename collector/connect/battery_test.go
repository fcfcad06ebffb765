package connect

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
)

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w := newWorker(t)
		mirror := &fake{
			kind: "source", state: "RUNNING", tasks: []string{"RUNNING"},
			config: map[string]any{
				"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "source.cluster.alias": "east", "target.cluster.alias": "west", "topics": ".*",
			},
		}
		w.connectors["mirror"] = mirror
		w.connectors["files"] = &fake{
			kind: "source", state: "RUNNING", tasks: []string{"RUNNING"}, topics: []string{"lines"},
			config: map[string]any{"connector.class": "FileStreamSource", "file": "/lines", "topic": "lines"},
		}
		board := &collector.Board{}
		board.SetCluster(collector.Watched{Source: "west", ID: kafka, Topics: []string{"east.orders", "lines"}})
		board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Topics: []string{"orders"}})
		var hanging atomic.Bool
		offset, source := 0, (*source)(nil)
		answer := func(h http.HandlerFunc) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answer = h
		}
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				c, err := New(Config{Name: "connect-west", URLs: []string{w.URL}, Interval: tick, Board: board}, sink)
				if err != nil {
					t.Fatal(err)
				}
				source = c.source
				return c.source
			},
			Live: func(time.Time) {
				w.mu.Lock()
				defer w.mu.Unlock()
				offset += 10
				mirror.offsets = []map[string]any{{
					"partition": map[string]any{"cluster": "east", "partition": 0, "topic": "orders"}, "offset": map[string]any{"offset": offset},
				}}
			},
			Break: func(b bool) {
				answer(nil)
				if b {
					answer(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
				}
			},
			Hang: func(b bool) {
				hanging.Store(b)
				answer(nil)
				if b {
					answer(func(_ http.ResponseWriter, r *http.Request) {
						for hanging.Load() && r.Context().Err() == nil {
							time.Sleep(10 * time.Millisecond)
						}
					})
				}
			},
			Spoil: func(collector.Source) { source.known = nil },
		}
	})
}
