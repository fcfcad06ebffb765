package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// Kafka's own producer writes to orders, three kinds of groups read: lineaged must show exactly these flows, their
// rates, and at rest their counts and lag to the record.
func TestFlowsOfARealCluster(t *testing.T) {
	t.Parallel()
	const (
		perSecond = 200
		topic     = "topic:west/orders"
		writer    = "unidentified:west/orders"
		classic   = "application:west/billing"
		modern    = "application:west/billing-848"
		share     = "application:west/billing-share"
	)
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "orders", 3)
	s := watch(t, c, "west", 2*time.Second)
	s.knows(t, topic)
	begin := time.Now()

	c.ShareFromBeginning(t, "billing-share")
	readers := map[string]*kafkatest.Consumer{
		classic: c.ConsoleConsumer(t, "billing", "classic", "orders"),
		modern:  c.ConsoleConsumer(t, "billing-848", "consumer", "orders"),
		share:   c.ShareConsumer(t, "billing-share", "orders"),
	}
	// A broker does not know where a group without a commit begins: what it read before lineaged saw it is a guess. So
	// the groups are seen first.
	c.WaitMembers(t, "billing", "billing-848", "billing-share")
	s.waitRound(t, "west", time.Now())
	producer := c.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: 110 * perSecond, PerSecond: perSecond})
	eventually(t, 60*time.Second, "all flows are there", func() error {
		a, err := s.tryLineage(t, topic, last("1m"))
		if err == nil && len(a.Flows) < 4 {
			err = fmt.Errorf("only %q", a.ids())
		}
		return err
	})
	flowing := time.Now()
	sleepUntil(t, flowing.Add(64*time.Second)) // two ticks more than the minute that is asked for

	moving := s.lineage(t, topic, last("1m"))
	want := []string{writer + "->" + topic, topic + "->" + classic, topic + "->" + modern, topic + "->" + share}
	slices.Sort(want)
	if got := moving.ids(); !slices.Equal(got, want) {
		t.Errorf("flows: got %q, want exactly %q", got, want)
	}
	if !producer.Running() {
		t.Fatal("the producer ended before it was measured")
	}
	wantHonestGaps(t, moving.Coverage)
	produce := moving.flow(t, writer, topic)
	wantNear(t, "produced per second", produce.RecordsPerSecond, perSecond, 0.01)
	for id := range readers {
		f := moving.flow(t, topic, id)
		// One commit interval (5 s) of the minute may be on either side.
		wantNear(t, id+" consumed per second", f.RecordsPerSecond, perSecond, 5.0/60)
		if f.Active == nil || !*f.Active {
			t.Errorf("%s: active is %v while it reads", id, valueOf(f.Active))
		}
	}

	sent := producer.Wait(t)
	c.WaitGroup(t, "billing", "orders", sent)
	c.WaitGroup(t, "billing-848", "orders", sent)
	c.WaitShareGroup(t, "billing-share", "orders")
	processed := map[string]int64{}
	for id, k := range readers {
		processed[id] = k.Stop(t)
	}
	// A share group is read on a slower cadence than the tick.
	eventually(t, 90*time.Second, "all counts are complete", func() error {
		a, err := s.tryLineage(t, topic, between(begin, time.Now()))
		if err != nil {
			return err
		}
		for _, f := range a.Flows {
			if f.Records == nil || *f.Records != sent || f.Kind == "CONSUME" && (f.Lag == nil || *f.Lag != 0) {
				return fmt.Errorf("%s: records %v, lag %v, want %d and 0", f.ID, valueOf(f.Records), valueOf(f.Lag), sent)
			}
		}
		return nil
	})
	rest := s.lineage(t, topic, between(begin, time.Now()))
	if got := rest.flow(t, writer, topic).recorded(t); got != sent {
		t.Errorf("%d records produced, producer-perf reports %d", got, sent)
	}
	for id, n := range processed {
		if got := rest.flow(t, topic, id).recorded(t); got != n {
			t.Errorf("%s: %d records consumed, the tool reports %d", id, got, n)
		}
	}
	for id, kinds := range map[string][]string{
		writer + "->" + topic: {"PRODUCER_STATE"}, topic + "->" + classic: {"GROUP_MEMBERSHIP", "GROUP_OFFSETS"},
		topic + "->" + modern: {"GROUP_MEMBERSHIP", "GROUP_OFFSETS"}, topic + "->" + share: {"GROUP_MEMBERSHIP", "SHARE_OFFSETS"},
	} {
		i := slices.IndexFunc(rest.Flows, func(f flow) bool { return f.ID == id })
		if got := rest.Flows[i].evidence(); !slices.Equal(got, kinds) {
			t.Errorf("%s: evidence %q, want %q", id, got, kinds)
		}
	}
	// All writers were idempotent, so nothing is left over.
	if r := rest.flow(t, writer, topic).clientsOf("REMAINDER"); len(r) > 0 {
		t.Errorf("a remainder without a reason: %+v", r)
	}

	// Lag is exact: nobody reads these.
	more := c.ProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: 123})
	eventually(t, 30*time.Second, "lag as the tool reports it", func() error {
		var tool int64
		for _, o := range c.ConsumerGroupOffsets(t, "billing") {
			tool += o.Lag
		}
		f := s.lineage(t, topic, between(begin, time.Now())).flow(t, topic, classic)
		if tool != more || f.Lag == nil || *f.Lag != tool {
			return fmt.Errorf("lag %v, the tool reports %d, unread are %d", valueOf(f.Lag), tool, more)
		}
		return nil
	})
	if n := s.lawsOfWindows(t, begin, 20); n < 20 {
		t.Errorf("the laws of windows are held of %d flows: they look at nothing", n)
	}
}
