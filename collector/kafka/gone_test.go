package kafka

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// What was known is another thing, or none, when lineaged starts again: it must go on, and say what it sees.
func TestRestartOverWhatChangedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    Config
		change func(w *world)
		check  func(t *testing.T, w *world)
	}{
		{"nothing", Config{}, func(*world) {}, func(t *testing.T, w *world) {
			if n := w.appended("old"); n != 9 {
				t.Errorf("%d appended, want the 9 of before", n)
			}
		}},
		{"topic deleted", Config{}, func(w *world) { w.remove("old") }, func(t *testing.T, w *world) {
			if n := w.events(lineage.TopicDeleted); n != 1 {
				t.Errorf("%d events of a deleted topic, want 1", n)
			}
		}},
		{"all topics deleted", Config{}, func(w *world) { w.remove("old"); w.remove("mine") }, func(t *testing.T, w *world) {
			if n := w.events(lineage.TopicDeleted); n != 2 {
				t.Errorf("%d events of deleted topics, want 2", n)
			}
		}},
		{"topic hidden by the configuration", Config{Include: []*regexp.Regexp{regexp.MustCompile("^mine$")}}, func(*world) {}, nil},
		{"all topics hidden by the configuration", Config{Exclude: []*regexp.Regexp{regexp.MustCompile(".")}}, func(*world) {}, nil},
		{"topic made again, smaller", Config{}, func(w *world) { w.remove("old"); w.topic("old", 1); w.writer(); w.write("old", 0, 2) }, func(t *testing.T, w *world) {
			if n := w.events(lineage.TopicRecreated); n != 1 {
				t.Errorf("%d events of a re-created topic, want 1", n)
			}
		}},
		{"topic made again, larger", Config{}, func(w *world) { w.remove("old"); w.topic("old", 7); w.writer(); w.write("old", 6, 2) }, nil},
		{"partitions added", Config{}, func(w *world) { w.grow("old", 2); w.writer(); w.write("old", 4, 2) }, func(t *testing.T, w *world) {
			w.write("old", 4, 3)
			w.take(1)
			if n := w.appended("old"); n != 9+2+3 {
				t.Errorf("%d appended, want 9 of before, and 5 to the partitions that were made since", n)
			}
		}},
		{"group deleted", Config{}, func(w *world) { w.removeGroup("g") }, nil},
		{"topic and group deleted", Config{}, func(w *world) { w.remove("old"); w.removeGroup("g") }, nil},
		{"records deleted", Config{}, func(w *world) { w.trim("old", 0, 4) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.topic("old", 3)
			w.topic("mine", 1)
			w.take(2)
			w.write("old", 0, 5)
			w.write("old", 2, 4)
			w.commit("g", "old", 0, 2)
			w.commit("g", "old", 2, 1)
			w.take(8)
			c.change(w)
			w.round = w.round.Add(6 * tick)
			w.start(c.cfg)
			w.take(30) // past all cadences and graces
			if c.check != nil {
				c.check(t, w)
			}
			w.start(c.cfg) // and once more, over what that run has saved
			w.take(3)
			w.topic("later", 2)
			w.take(2)
			w.write("later", 1, 3)
			w.take(2)
			if n := w.appended("later"); n != 3 && len(c.cfg.Include)+len(c.cfg.Exclude) == 0 {
				t.Errorf("%d appended to a topic that was made afterwards, want 3", n)
			}
		})
	}
}

// remove deletes a topic.
func (w *world) remove(topic string) {
	w.t.Helper()
	if _, err := w.admin.DeleteTopic(w.t.Context(), topic); err != nil {
		w.t.Fatal(err)
	}
}

// grow adds partitions to a topic.
func (w *world) grow(topic string, by int) {
	w.t.Helper()
	if resp, err := w.admin.CreatePartitions(w.t.Context(), by, topic); err != nil || resp.Error() != nil {
		w.t.Fatal(err, resp.Error())
	}
}

// removeGroup deletes a group.
func (w *world) removeGroup(group string) {
	w.t.Helper()
	if _, err := w.admin.DeleteGroup(w.t.Context(), group); err != nil {
		w.t.Fatal(err)
	}
}

// trim deletes the records of a partition before an offset.
func (w *world) trim(topic string, partition int32, before int64) {
	w.t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = partition, before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics, req.TimeoutMillis = append(req.Topics, rt), 1000
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	resp, err := req.RequestWith(ctx, w.client)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); err != nil {
		w.t.Fatal(err)
	}
}
