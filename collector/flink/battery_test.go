package flink

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
		m := newJobManager(t)
		board := &collector.Board{}
		board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: []string{"clicks", "fl.orders", "payments"}})
		var hanging atomic.Bool
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				c, err := New(Config{Name: "flink-west", URLs: []string{m.URL}, Interval: tick, Board: board}, sink)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.source.client.Close)
				return c.source
			},
			Live: func(time.Time) { m.advance(leastJob, 1) },
			Break: func(b bool) {
				m.instead(nil)
				if b {
					m.instead(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
				}
			},
			Hang: func(b bool) {
				hanging.Store(b)
				m.instead(nil)
				if b {
					m.instead(func(_ http.ResponseWriter, r *http.Request) {
						for hanging.Load() && r.Context().Err() == nil {
							time.Sleep(10 * time.Millisecond)
						}
					})
				}
			},
			Spoil: func(s collector.Source) { s.(*source).runs = nil },
		}
	})
}
