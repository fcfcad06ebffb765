package acceptance

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// Two idempotent producers and one that is not write to one topic: the first two are told apart by their producer ids,
// the third is what is left over.
func TestProducersOfOneTopic(t *testing.T) {
	t.Parallel()
	const (
		topic  = "topic:west/payments"
		writer = "unidentified:west/payments"
	)
	rates := []float64{50, 120} // of the idempotent ones, ascending
	const plainRate = 80.0

	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "payments", 3)
	s := watch(t, c, "west", 2*time.Second)
	s.knows(t, topic)
	begin := time.Now()

	const seconds = 80
	var producers []*kafkatest.Producer
	for _, r := range rates {
		producers = append(producers, c.StartProducerPerf(t, kafkatest.Perf{
			Topic: "payments", Records: int(r * seconds), PerSecond: int(r), Props: []string{"enable.idempotence=true"},
		}))
	}
	producers = append(producers, c.StartProducerPerf(t, kafkatest.Perf{
		Topic: "payments", Records: plainRate * seconds, PerSecond: plainRate, Props: []string{"enable.idempotence=false"},
	}))
	eventually(t, 60*time.Second, "all producers are seen", func() error {
		a, err := s.tryLineage(t, topic, last("1m"))
		if err != nil {
			return err
		}
		for _, f := range a.Flows {
			if len(f.clientsOf("CONNECTION")) == 2 && len(f.clientsOf("REMAINDER")) == 1 {
				return nil
			}
		}
		return fmt.Errorf("flows: %+v", a.Flows)
	})
	sleepUntil(t, time.Now().Add(64*time.Second))

	f := s.lineage(t, topic, last("1m")).flow(t, writer, topic)
	for _, p := range producers {
		if !p.Running() {
			t.Fatal("a producer ended before it was measured")
		}
	}
	connections := f.clientsOf("CONNECTION")
	if len(connections) != len(rates) {
		t.Fatalf("%d producer ids, want %d: %+v", len(connections), len(rates), connections)
	}
	slices.SortFunc(connections, func(a, b client) int {
		return cmp.Compare(orZero(a.RecordsPerSecond), orZero(b.RecordsPerSecond))
	})
	for i, k := range connections {
		if k.ProducerID == nil {
			t.Errorf("a connection without a producer id: %+v", k)
		}
		wantNear(t, fmt.Sprintf("idempotent producer %d", i+1), k.RecordsPerSecond, rates[i], 0.01)
	}
	remainder := f.clientsOf("REMAINDER")
	if len(remainder) != 1 {
		t.Fatalf("remainder: %+v, want one", remainder)
	}
	wantNear(t, "the producer without idempotence", remainder[0].RecordsPerSecond, plainRate, 0.01)

	var sent int64
	for _, p := range producers {
		sent += p.Wait(t)
	}
	if end := c.EndOffset(t, "payments"); end != sent {
		t.Fatalf("the topic ends at %d, the producers report %d", end, sent)
	}
	eventually(t, 20*time.Second, "advance = all accesses + remainder", func() error {
		f := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic)
		if f.Records == nil || *f.Records != sent {
			return fmt.Errorf("records %v, want %d", valueOf(f.Records), sent)
		}
		return nil
	})
	if got, want := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic).evidence(),
		[]string{"END_OFFSETS", "PRODUCER_STATE"}; !slices.Equal(got, want) {
		t.Errorf("evidence %q, want %q", got, want)
	}
}

func orZero(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// A transactional producer has no producer state between its transactions: its records are a remainder that says that
// it is estimated, since markers are offsets.
func TestTransactionalProducerIsEstimated(t *testing.T) {
	t.Parallel()
	const topic = "topic:west/transfers"
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "transfers", 1)
	s := watch(t, c, "west", time.Second)
	s.knows(t, topic)
	begin := time.Now()
	sent := c.ProducerPerf(t, kafkatest.Perf{Topic: "transfers", Records: 1000, PerSecond: 200, TransactionalID: "transfers-tx-1"})
	end := c.EndOffset(t, "transfers")
	if end <= sent {
		t.Fatalf("the topic ends at %d after %d records: no markers, so nothing to test", end, sent)
	}
	eventually(t, 20*time.Second, "the records are counted", func() error {
		a, err := s.tryLineage(t, topic, between(begin, time.Now()))
		if err != nil {
			return err
		}
		if len(a.Flows) == 0 {
			return fmt.Errorf("no flows")
		}
		for _, f := range a.Flows {
			if f.Records == nil || *f.Records < sent || *f.Records > end || !f.Estimated {
				return fmt.Errorf("%s: records %v, estimated %v; want %d to %d, estimated", f.ID, valueOf(f.Records), f.Estimated, sent, end)
			}
		}
		return nil
	})
}
