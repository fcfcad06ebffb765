package kafka

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// A transactional producer dies in the midst of a transaction, which its coordinator then aborts, by its timeout or for
// the next instance: with both versions of the protocol no more is taken for markers than there are, so that what was
// produced is no less than what the end grew by without them.
func TestRealKilledProducer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "1"} {
		t.Run("transaction.version="+version, func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Start(t, kafkatest.Options{Config: map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}})
			if version == "1" {
				if _, err := c.Tool(t.Context(), "features", "downgrade", "--feature", "transaction.version=1"); err != nil {
					t.Fatal(err)
				}
			}
			killedProducers(t, c)
		})
	}
}

func killedProducers(t *testing.T, c *kafkatest.Cluster) {
	const topic = "killed"
	c.CreateTopic(t, topic, 1)
	rec := newRecorder()
	watch(t, rec, Config{Brokers: c.Brokers()})
	wait := func() {
		t.Helper()
		now := rec.roundsTaken()
		eventually(t, "two rounds", 60*time.Second, func() bool { return rec.roundsTaken() >= now+2 })
	}
	plain := c.Client(t, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	records := int64(0)
	write := func(cl *kgo.Client, n int) {
		t.Helper()
		var all []*kgo.Record
		for range n {
			all = append(all, &kgo.Record{Topic: topic, Value: []byte("x")})
		}
		if err := cl.ProduceSync(t.Context(), all...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		records += int64(n)
	}
	hold := func(when string) {
		t.Helper()
		wait()
		markers, _ := rec.sum(topic, lineage.Markers, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
		loose := rec.estimated(topic, lineage.Markers, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
		truth := c.EndOffset(t, topic) - records
		t.Logf("%s: %d of %d markers, some may be records: %v; producers %s", when, markers, truth, loose, producersOf(t, c, topic))
		if markers > truth && !loose {
			t.Errorf("%s: %d are taken for markers, and %d are: at most %d records were produced, in truth %d", when, markers, truth, records+truth-markers, records)
		}
	}
	wait()
	for i := range 6 {
		name := fmt.Sprintf("pay-%d", i/3)
		cl := c.Client(t, kgo.TransactionalID(name), kgo.TransactionTimeout(3*time.Second))
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		write(cl, 3)
		write(plain, 2)
		hold(fmt.Sprintf("%d: open", i))
		cl.Close() // as by kill -9: nothing of the transaction is ended
		if i%3 < 2 {
			eventually(t, "the abort", 60*time.Second, func() bool { return c.StableOffset(t, topic) == c.EndOffset(t, topic) })
			hold(fmt.Sprintf("%d: aborted by its timeout", i))
		} // else the next instance fences it
		if i%2 == 1 {
			write(plain, 2)
			hold(fmt.Sprintf("%d: another wrote", i))
		}
		again := c.Client(t, kgo.TransactionalID(name), kgo.TransactionTimeout(3*time.Second))
		for range 1 + i%2 {
			if err := again.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			write(again, 4)
			if err := again.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
		}
		again.Close()
		hold(fmt.Sprintf("%d: the next instance", i))
	}
}

// producersOf is what a topic's one partition tells of its transactional producers.
func producersOf(t *testing.T, c *kafkatest.Cluster, topic string) string {
	t.Helper()
	req := kmsg.NewPtrDescribeProducersRequest()
	rt := kmsg.NewDescribeProducersRequestTopic()
	rt.Topic, rt.Partitions = topic, []int32{0}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), c.Client(t))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range resp.Topics[0].Partitions[0].ActiveProducers {
		all = append(all, fmt.Sprintf("%d epoch %d sequence %d open since %d", p.ProducerID, p.ProducerEpoch, p.LastSequence, p.CurrentTxnStartOffset))
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}
