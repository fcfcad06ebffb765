package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
)

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w := newWorld(t, 1)
		w.topic("orders", 2)
		fault := sourcetest.NewFault(t, w.fake, func(req kmsg.Request) bool {
			_, ours := req.(*kmsg.ProduceRequest)
			return !ours
		})
		offset := int64(0)
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				c, err := New(Config{Name: "west", Interval: tick, Brokers: w.fake.ListenAddrs(), Hooks: []kgo.Hook{w}}, sink)
				if err != nil {
					t.Fatal(err)
				}
				w.source = c.source
				t.Cleanup(c.source.close)
				return c.source
			},
			Live: func(time.Time) {
				if fault.Is() {
					return
				}
				w.write("orders", 0, 3)
				w.commit("billing", "orders", 0, offset)
				offset++
			},
			Break: fault.Break,
			Hang:  fault.Hang,
			Spoil: func(collector.Source) { w.source.byName["orders"].histories = nil },
		}
	})
}
