package mirror

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
)

// fetched counts how often a topic is fetched from.
func (w *world) fetched(topic string) *int {
	n := 0
	w.fetches(func(_ int, req *kmsg.FetchRequest, _ *kmsg.FetchResponse) bool {
		for _, rt := range req.Topics {
			if rt.Topic == topic || w.source.tail.topics[topic] != nil && rt.TopicID == w.source.tail.topics[topic].id {
				n++
			}
		}
		return false
	})
	return &n
}

// Anybody's own topic called heartbeats is not read, and MirrorMaker 2's is.
func TestHeartbeatsOfOthersAreNotRead(t *testing.T) {
	f := func(read bool, prove func(w *world)) {
		t.Helper()
		w := newWorld(t)
		w.topic(1, "heartbeats", "orders")
		w.west = []string{"heartbeats", "orders"}
		prove(w)
		for i := range 5 {
			w.put("heartbeats", "sensor", fmt.Sprint(i))
		}
		n := w.fetched("heartbeats")
		w.take(3)
		if (*n > 0) != read {
			t.Errorf("%d fetches of heartbeats, want them read: %v", *n, read)
		}
	}
	f(false, func(*world) {})
	f(true, func(w *world) { w.topic(1, "west.heartbeats") })
	f(true, func(w *world) { w.topic(1, "west.checkpoints.internal") })
	f(true, func(w *world) { w.topic(1, "mm2-configs.west.internal") })
	f(true, func(w *world) { w.west = append(w.west, "mm2-offset-syncs.east.internal") })
	f(true, func(w *world) { w.west = append(w.west, "mm2-offset-syncs.e.internal") }) // whoever that is
	f(false, func(w *world) {
		w.west = append(w.west, "mm2-offset-syncs.north.internal")
		w.source.cfg.Board.SetCluster(collector.Watched{Source: "north", ID: "N"})
	})
	f(true, func(w *world) { w.source.cfg.Aliases = map[string]string{"w": "west"} })
}

// A topic that MirrorMaker 2 could have made and whose records are none of its is left alone soon.
func TestHeartbeatsThatAreNoneAreLeft(t *testing.T) {
	w := newWorld(t)
	w.topic(1, "heartbeats", "orders", "eu.heartbeats")
	n := w.fetched("heartbeats")
	w.put("heartbeats", "sensor", "")
	w.take(2)
	before := *n
	for range strangers {
		w.put("heartbeats", "sensor", "")
	}
	w.take(2)
	if *n == before {
		t.Error("one record of another kind ends the reading")
	}
	before = *n
	w.take(10)
	if *n != before {
		t.Errorf("%d fetches of a topic that holds no heartbeats", *n-before)
	}
}
