package mirror

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
)

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w := newWorld(t)
		w.dedicated("", "west.orders")
		var broken, hanging atomic.Bool
		released := make(chan struct{})
		t.Cleanup(func() { close(released) })
		w.fake.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
			w.fake.KeepControl()
			if _, read := req.(*kmsg.FetchRequest); !read {
				return nil, nil, false
			}
			if hanging.Load() {
				w.fake.SleepControl(func() {
					for hanging.Load() {
						select {
						case <-released:
							return
						case <-time.After(10 * time.Millisecond):
						}
					}
				})
			}
			if broken.Load() {
				return nil, errors.New("connection lost"), true
			}
			return nil, nil, false
		})
		offset := int64(0)
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				if w.source != nil {
					w.source.close()
				}
				c, err := New(Config{Name: "east", Interval: tick, Board: w.board, Syncs: w.syncs, Client: w.source.cfg.Client}, sink)
				if err != nil {
					t.Fatal(err)
				}
				w.source = c.source
				t.Cleanup(c.source.close)
				return c.source
			},
			Live: func(round time.Time) {
				w.round = round
				if broken.Load() || hanging.Load() {
					return
				}
				w.look()
				w.beat("west", "east", round)
				offset += 10
				w.offset("orders", 0, offset)
			},
			Break: func(b bool) { broken.Store(b) },
			Hang:  func(b bool) { hanging.Store(b) },
			Spoil: func(collector.Source) { w.source.flows = nil },
		}
	})
}
