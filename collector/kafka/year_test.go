package kafka

import (
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// held counts all elements of maps and slices that can be reached from a value, but what is another package's to bound.
func held(v reflect.Value, seen map[uintptr]bool) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return 0
		}
		seen[v.Pointer()] = true
		return held(v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			switch v.Type().Field(i).Name {
			case "cl", "slowClient", "cfg", "sink", "client", "histories": // those are bounded by the partition
				continue
			}
			n += held(v.Field(i), seen)
		}
	case reflect.Map:
		n = v.Len()
		for it := v.MapRange(); it.Next(); {
			n += held(it.Value(), seen)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return 0
		}
		n = v.Len()
		for i := range v.Len() {
			n += held(v.Index(i), seen)
		}
	default: // a number or a text
	}
	return n
}

// What is kept is bounded by what is alive: each day there are other groups, topics, producer ids and
// transactional.ids, and those of the day before go.
func TestWhatIsKeptIsOfTheLiving(t *testing.T) {
	days := 40
	if os.Getenv("LINEAGED_LONG") != "" {
		days = 400
	}
	w := newWorld(t, 1)
	w.topic("orders", 2)
	day := 0
	w.refuse(kmsg.DescribeProducers, func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
		for _, rt := range req.(*kmsg.DescribeProducersRequest).Topics {
			out := kmsg.NewDescribeProducersResponseTopic()
			out.Topic = rt.Topic
			for _, p := range rt.Partitions {
				rp := kmsg.NewDescribeProducersResponseTopicPartition()
				rp.Partition = p
				plain := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
				plain.ProducerID, plain.LastSequence, plain.CoordinatorEpoch, plain.CurrentTxnStartOffset = int64(1000+day), 5, -1, -1
				txn := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
				txn.ProducerID, txn.LastSequence, txn.CoordinatorEpoch, txn.CurrentTxnStartOffset = int64(100_000+day), -1, 1, -1
				rp.ActiveProducers = append(rp.ActiveProducers, plain, txn)
				out.Partitions = append(out.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, out)
		}
		return resp, nil, true
	})
	w.refuse(kmsg.ListTransactions, func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
		for _, id := range req.(*kmsg.ListTransactionsRequest).ProducerIDFilters {
			s := kmsg.NewListTransactionsResponseTransactionState()
			s.ProducerID, s.TransactionalID = id, fmt.Sprintf("job-of-%d", id)
			resp.TransactionStates = append(resp.TransactionStates, s)
		}
		return resp, nil, true
	})
	w.take(1)
	settled := 0
	for day = 1; day <= days; day++ {
		topic, group := fmt.Sprintf("of-day-%d", day), fmt.Sprintf("run-%d", day)
		w.topic(topic, 1)
		w.write("orders", 0, 3)
		w.write(topic, 0, 2)
		w.commit(group, "orders", 0, int64(3*day))
		w.take(2)
		if _, err := w.admin.DeleteTopics(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		if _, err := w.admin.DeleteGroups(t.Context(), group); err != nil {
			t.Fatal(err)
		}
		w.take(3)
		w.round = w.round.Add(24 * time.Hour)
		w.rec = newRecorder()
		if n := held(reflect.ValueOf(w.source), map[uintptr]bool{}); day == 20 {
			settled = n
		} else if day == days && n > settled+settled/10 {
			t.Errorf("%d elements are kept after 20 days, and %d after %d", settled, n, days)
			s := w.source
			t.Logf("topics %d, retired %d, groups %d, departed %d, ids %d, unnamed %d, epochs %d, found %d, flows %d, left %d",
				len(s.topics), len(s.retired), len(s.groups), len(s.departed), len(s.txnIDs), len(s.unnamed), len(s.txnEpochs), len(s.links.found), len(s.links.flows), len(s.left))
			a := s.byName["orders"].account
			t.Logf("of orders: writers %d, transactional %d, absent %d", len(a.writers), len(a.txns), len(a.parts[0].absent))
		}
	}
	if a := w.source.byName["orders"].account; len(w.source.txnIDs) == 0 || len(a.writers) == 0 || len(a.txns) == 0 {
		t.Errorf("the test sees no producers: %d names, %d and %d writers", len(w.source.txnIDs), len(a.writers), len(a.txns))
	}
}
