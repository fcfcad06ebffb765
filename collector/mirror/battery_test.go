package mirror

import (
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
		fault := sourcetest.NewFault(t, w.fake, func(req kmsg.Request) bool {
			_, read := req.(*kmsg.FetchRequest)
			return read
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
				if fault.Is() {
					return
				}
				w.look()
				w.beat("west", "east", round)
				offset += 10
				w.offset("orders", 0, offset)
			},
			Break: fault.Break,
			Hang:  fault.Hang,
			Spoil: func(collector.Source) { w.source.flows = nil },
		}
	})
}
