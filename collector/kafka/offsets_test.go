package kafka

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/lineage"
)

// Each partition is asked for once, of its leader, and a round's questions are no heap of garbage: nothing is allocated
// for a topic.
func TestListRequests(t *testing.T) {
	const topics, partitions, brokers = 200, 10, 3
	s := newSource(Config{Name: "west", Interval: tick})
	for b := range int32(brokers) {
		s.brokers = append(s.brokers, b)
	}
	for i := range topics {
		tp := &topic{account: newAccount(lineage.Topic{ID: lineage.TopicID{byte(i), 1}, Name: fmt.Sprint("orders-", i)})}
		tp.widen(partitions, true)
		for p := range tp.leaders {
			tp.leaders[p] = int32((i + p*7) % brokers)
		}
		s.topics[tp.topic.ID] = tp
	}
	s.topics[lineage.TopicID{0, 1}].leaders[4] = -1
	lost := 0
	ask := func() map[int32]kmsg.Request {
		lost = 0
		return (&take{source: s}).listRequests(latest, func(_ *topic, part int) bool { return part != 9 }, func(*topic, string) { lost++ })
	}
	seen := map[string][]int32{}
	for broker, req := range ask() {
		for _, rt := range req.(*wire.ListRequest).Plain().Topics {
			for _, p := range rt.Partitions {
				seen[rt.Topic] = append(seen[rt.Topic], p.Partition)
				if p.Timestamp != latest || p.CurrentLeaderEpoch != -1 {
					t.Fatalf("%s is asked for %+v", rt.Topic, p)
				}
				for _, tp := range s.topics {
					if tp.topic.Name == rt.Topic && tp.leaders[p.Partition] != broker {
						t.Errorf("broker %d is asked for partition %d of %s, which %d leads", broker, p.Partition, rt.Topic, tp.leaders[p.Partition])
					}
				}
			}
		}
	}
	for _, tp := range s.topics {
		want := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
		if tp.leaders[4] < 0 {
			want = slices.Delete(want, 4, 5)
		}
		got := seen[tp.topic.Name]
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: asked for %v, want %v", tp.topic.Name, got, want)
		}
	}
	if lost != 1 {
		t.Errorf("%d partitions without a leader, want 1", lost)
	}
	if n := testing.AllocsPerRun(5, func() { ask() }); n > 40*brokers {
		t.Errorf("%v allocations for %d topics on %d brokers", n, topics, brokers)
	}
}
