package kafka

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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

// show makes the brokers show producers, and of those whose newest transaction was aborted that it was. Whose
// transactional ids may not be described are hidden.
func (w *world) show(producers written, aborted *[]int64, hidden ...int64) {
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
			if slices.Contains(hidden, id) { // without DESCRIBE on its transactional id
				continue
			}
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
		lag("before the first round", "old", lineage.Unknown) // who wrote last nobody saw
		w.start(Config{})
		w.take(2)
	}
	if r := w.source.groups["g"].readers[w.source.byName["both"].topic.ID]; r.gauges.lag == 0 {
		t.Error("what may be a record that waits behind a transaction is no lag")
	}
	aborted = append(aborted, 1)
	step("pay", 8, 5, told(1, 11, true)) // seven records that are aborted, and a marker
	for i := range 6 {
		w.take(1)
		lag("aborted", "pay", lineage.Unknown)
		if i%2 == 1 {
			w.start(Config{})
		}
	}
	step("old", 5, 9, told(1, 7, true)) // now its last step was seen
	w.take(1)
	lag("after a step", "old", 0)
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

// of returns the lag of group g on a topic.
func (w *world) lagOn(topic string) int64 {
	return w.source.groups["g"].readers[w.source.byName[topic].topic.ID].gauges.lag
}

// How the transactions of those ended that no coordinator lists, as without the right to describe them, is not known:
// nothing that waits behind them is a lag, and what may be their marker is not either.
func TestUntoldTransactionsAreNotTakenForKept(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("pay", 1)
	w.topic("both", 1)
	producers, aborted := written{}, []int64{1}
	w.show(producers, &aborted, 1)
	w.take(1)
	w.write("pay", 0, 10)
	w.write("both", 0, 6)
	producers["pay"] = []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{told(1, 8, true)}
	producers["both"] = []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{told(1, 3, true), told(9, 0, false)}
	w.commit("g", "pay", 0, 1)
	w.commit("g", "both", 0, 5)
	for i := range 5 {
		w.take(1)
		if a, b := w.lagOn("pay"), w.lagOn("both"); a != lineage.Unknown || b != lineage.Unknown {
			t.Errorf("round %d: lag %d and %d, want none known", i, a, b)
		}
	}
	w.commit("g", "pay", 0, 9)
	w.take(1)
	if n := w.lagOn("pay"); n != 0 {
		t.Errorf("lag %d before a marker that was seen to come, want 0", n)
	}
}

// A record of a writer without idempotence behind a transaction of before the watch is a lag of one, and nobody saw
// that it is: it leaves no state.
func TestLastOffsetOfBeforeTheWatchIsNobodysMarker(t *testing.T) {
	tp := &topic{account: newAccount(lineage.Topic{Name: "orders"})}
	tp.widen(1, false)
	for n, l := range []struct{ end, sure, most int64 }{{11, 0, 1}, {11, 0, 1}, {12, 0, 0}, {18, 0, 1}} {
		last := int32(8)
		if l.end == 18 {
			last = 13
		}
		tp.begin()
		if tp.setEnd(0, l.end); tp.parts[0].moved {
			tp.setProducers(0, []producerReading{{id: 1, lastSequence: last, txnStart: -1, transactional: true}}, l.end, at(n), tick, func(int64) txnName { return txnName{"tx", "tx"} })
		}
		tp.tellBooks(at(n), at(n-1))
		if sure, most := (topicAt{tp, at(n), false}).trailing(0); sure != l.sure || most != l.most {
			t.Errorf("look %d: of the last offsets %d to %d are markers, want %d to %d", n, sure, most, l.sure, l.most)
		}
	}
}

// A book of before the kinds of producers were kept does not tell whether the last offset is a marker.
func TestLastOffsetByABookOfVersion2(t *testing.T) {
	value, err := hex.DecodeString("0204626f7468000100c096c1cdc068c096c1cdc0680c0c000000000000000000000202000001000001037061790a0a000000000112000100000c0c000c00120000000000000100020200080100010000120004010001000000000000")
	if err != nil {
		t.Fatal(err)
	}
	tp, err := decodeTopic(lineage.TopicID{}, "c", value, t0) // nine offsets; the last is the marker of producer 1
	if err != nil {
		t.Fatal(err)
	}
	if sure, most := (topicAt{tp, t0, false}).trailing(0); sure != 0 || most < 1 {
		t.Errorf("of the last offsets %d to %d are markers, want 0 to 1 at least", sure, most)
	}
}

// A broker that fails is asked again after a while, and those that answer tell of their own.
func TestWhoFailsToTellOfTransactionsRests(t *testing.T) {
	for _, c := range []struct {
		what      string
		sick      int // brokers
		code      int16
		lag, then int64
	}{
		{"one fails", 1, kerr.CoordinatorLoadInProgress.Code, 6, 6},
		{"all fail", 2, kerr.CoordinatorLoadInProgress.Code, lineage.Unknown, 6},
		{"brokers of before Kafka 3.0", 2, kerr.UnsupportedVersion.Code, lineage.Unknown, lineage.Unknown},
	} {
		w := newWorld(t, 2)
		w.topic("pay", 1)
		well := true
		w.refuse(kmsg.ListTransactions, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			resp := kreq.ResponseKind().(*kmsg.ListTransactionsResponse)
			resp.ErrorCode = c.code
			return resp, nil, !well && w.fake.CurrentNode() < int32(c.sick)
		})
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
		well = false
		w.take(5)
		if n := asked() - named; n != 2 || w.lagOn("pay") != c.lag {
			t.Errorf("%s: asked %d times, lag %d; want 2 and %d", c.what, n, w.lagOn("pay"), c.lag)
		}
		well = true
		w.take(int(endedRetry/tick) + 1)
		if w.lagOn("pay") != c.then {
			t.Errorf("%s: lag %d once they answer again, want %d", c.what, w.lagOn("pay"), c.then)
		}
	}
}

// Of a partition that very many producers may have written last nobody is asked, and it keeps no other from its turn.
func TestQuestionsOfTransactionsAreBounded(t *testing.T) {
	w := newWorld(t, 1)
	producers, aborted := written{}, []int64{}
	topics := []string{"a", "b", "c"}
	many := []int{mostEnded + 1, mostEnded, 1}
	for i, topic := range topics {
		w.topic(topic, 1)
		w.write(topic, 0, 5)
		w.commit("g", topic, 0, 1)
		for id := range many[i] {
			producers[topic] = append(producers[topic], told(int64(i*10_000+id), 3, true))
		}
	}
	var backlog []*kgo.Record
	for range 2 * mostEnded {
		backlog = append(backlog, &kgo.Record{Topic: "b"})
	}
	if err := w.client.ProduceSync(t.Context(), backlog...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.show(producers, &aborted)
	w.take(4)
	if a, b, c := w.lagOn("a"), w.lagOn("b"), w.lagOn("c"); a != lineage.Unknown || b < mostEnded || c != 4 {
		t.Errorf("lags %d, %d and %d; want none, more than %d, and 4", a, b, c, mostEnded)
	}
}
