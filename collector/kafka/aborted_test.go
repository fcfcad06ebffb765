package kafka

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// written are producers that brokers show at rest, by topic: kfake shows those of open transactions alone.
type written map[string][]kmsg.DescribeProducersResponseTopicPartitionActiveProducer

// told is a producer at rest. marked: a marker has come, so that it is transactional.
func told(id int64, last int32, marked bool) kmsg.DescribeProducersResponseTopicPartitionActiveProducer {
	p := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
	p.ProducerID, p.LastSequence, p.CoordinatorEpoch, p.CurrentTxnStartOffset = id, last, -1, -1
	if marked {
		p.CoordinatorEpoch = 0
	}
	return p
}

// show makes the brokers show producers, and of those whose newest transaction was aborted that it was.
func (w *world) show(producers written, aborted *[]int64) {
	w.refuse(kmsg.DescribeProducers, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.DescribeProducersRequest)
		resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewDescribeProducersResponseTopic()
			st.Topic = rt.Topic
			for _, p := range rt.Partitions {
				sp := kmsg.NewDescribeProducersResponseTopicPartition()
				sp.Partition, sp.ActiveProducers = p, producers[rt.Topic]
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	w.refuse(kmsg.ListTransactions, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.ListTransactionsRequest)
		resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
		for _, id := range req.ProducerIDFilters {
			state := "CompleteCommit"
			if slices.Contains(*aborted, id) {
				state = "CompleteAbort"
			}
			if len(req.StateFilters) == 0 || slices.Contains(req.StateFilters, state) {
				s := kmsg.NewListTransactionsResponseTransactionState()
				s.ProducerID, s.TransactionalID, s.TransactionState = id, "pay", state
				resp.TransactionStates = append(resp.TransactionStates, s)
			}
		}
		return resp, nil, true
	})
}

// A reader that commits where its last record was stands before the marker behind it, and before what was aborted: the
// one is no lag, of the other nobody tells whether it is. Neither is forgotten over a restart.
func TestLagBeforeWhatIsNotRead(t *testing.T) {
	w := newWorld(t, 1)
	for _, topic := range []string{"pay", "old", "both"} {
		w.topic(topic, 1)
	}
	producers, aborted := written{}, []int64{}
	w.show(producers, &aborted)
	step := func(topic string, records, offset int, now ...kmsg.DescribeProducersResponseTopicPartitionActiveProducer) {
		t.Helper()
		w.write(topic, 0, records)
		producers[topic] = now
		w.commit("g", topic, 0, int64(offset))
	}
	lag := func(when, topic string, want int64) {
		t.Helper()
		if r := w.source.groups["g"].readers[w.source.byName[topic].topic.ID]; r.gauges.lag != want {
			t.Errorf("%s: lag %d on %s, want %d", when, r.gauges.lag, topic, want)
		}
	}
	step("old", 5, 4, told(1, 3, true))
	step("both", 6, 5, told(1, 3, true), told(9, 0, false)) // an idempotent producer's record may be the last
	w.take(1)
	step("pay", 6, 5, told(1, 4, true))
	w.take(2)
	for range 2 {
		lag("committed", "pay", 0)
		lag("before the first round", "old", 0)
		w.start(Config{})
		w.take(2)
	}
	if r := w.source.groups["g"].readers[w.source.byName["both"].topic.ID]; r.gauges.lag == 0 {
		t.Error("what may be a record that waits behind a transaction is no lag")
	}
	aborted = append(aborted, 1)
	step("pay", 8, 5, told(1, 11, true)) // seven records that are aborted, and a marker
	w.take(3)
	for range 2 {
		lag("aborted", "pay", lineage.Unknown)
		w.start(Config{})
		w.take(2)
	}
	aborted = nil
	step("pay", 4, 15, told(1, 14, true))
	w.take(2)
	lag("behind what was aborted", "pay", 2)
	step("pay", 0, 17, told(1, 14, true))
	w.take(1)
	lag("all is read", "pay", 0)
}

// How a transaction ended is asked once, and only where something waits.
func TestAbortsAreAskedForOnce(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("pay", 1)
	producers, aborted := written{}, []int64{}
	w.show(producers, &aborted)
	asked := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.asked[kmsg.ListTransactions.Int16()] }
	w.take(1)
	w.write("pay", 0, 10)
	producers["pay"] = []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{told(1, 8, true)}
	w.commit("g", "pay", 0, 10)
	w.take(3)
	named := asked()
	w.commit("g", "pay", 0, 3)
	w.take(5)
	if n := asked() - named; n != 1 {
		t.Errorf("asked %d times how a transaction ended for which something waits, want 1", n)
	}
}
