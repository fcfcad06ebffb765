package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// ends answers ListOffsets for the end of every partition with an offset.
func (w *world) ends(end int64) (stop func()) {
	return w.refuse(kmsg.ListOffsets, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.ListOffsetsRequest)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewListOffsetsResponseTopic()
			st.Topic = rt.Topic
			for _, p := range rt.Partitions {
				if p.Timestamp != latest {
					return nil, nil, false
				}
				sp := kmsg.NewListOffsetsResponseTopicPartition()
				sp.Partition, sp.Offset = p.Partition, end
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

// lostOf returns how many records the topic is said to have lost, and what the events say.
func (w *world) lostOf() (n int64, details string) {
	const topic = "orders"
	n, _ = w.rec.sum(topic, lineage.Lost, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
	for _, e := range w.rec.events {
		if e.Type == lineage.RecordsLost && e.Topic.Name == topic {
			details += e.Detail
		}
	}
	return n, details
}

// An end that falls is lost records, with an event and a figure, and what is written again counts again. It is read
// twice before it is believed where no leader was elected.
func TestEndThatFalls(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.take(2)
	w.write("orders", 0, 9)
	w.take(1)
	stop := w.ends(4)
	w.take(1)
	if n, said := w.lostOf(); n != 0 || said != "" {
		t.Errorf("%d lost at the first look: %s", n, said)
	}
	stop()
	w.take(1) // it was a broker that had not heard
	if n, said := w.lostOf(); n != 0 || said != "" || w.appended("orders") != 9 {
		t.Errorf("%d lost, %d appended: %s", n, w.appended("orders"), said)
	}
	stop = w.ends(4)
	w.take(1)
	stop()
	stop = w.ends(6) // two are written again
	w.take(1)
	if n, said := w.lostOf(); n != 5 || !strings.HasPrefix(said, "5 records") || w.appended("orders") != 11 {
		t.Errorf("%d of 5 lost, %d of 11 appended: %s", n, w.appended("orders"), said)
	}
	stop()
}

// A new leader tells where the records of the one before end in its log: what was beyond is lost, also where so much
// was written since that the end did not fall; and also when nobody looked meanwhile.
func TestLogThatWasCutAndGrew(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, 2)
		w.topic("orders", 1)
		w.take(2)
		w.write("orders", 0, 9)
		w.take(1)
		if err := w.fake.MoveTopicPartition("orders", 0, 1-w.fake.LeaderFor("orders", 0)); err != nil {
			t.Fatal(err)
		}
		asked := 0
		w.refuse(kmsg.OffsetForLeaderEpoch, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			req := kreq.(*kmsg.OffsetForLeaderEpochRequest)
			resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
			asked++
			for _, rt := range req.Topics {
				st := kmsg.NewOffsetForLeaderEpochResponseTopic()
				st.Topic = rt.Topic
				sp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				sp.EndOffset = 4
				st.Partitions = append(st.Partitions, sp)
				resp.Topics = append(resp.Topics, st)
			}
			return resp, nil, true
		})
		w.write("orders", 0, 3)
		if restart {
			w.start(Config{})
		}
		w.take(2)
		// The fake has kept the nine, so that its end is twelve: eight since the fourth.
		if n, said := w.lostOf(); n != 5 || !strings.HasPrefix(said, "5 records") || w.appended("orders") != 17 || asked != 1 {
			t.Errorf("restarted %v: %d of 5 lost, %d of 17 appended, asked %d times: %s", restart, n, w.appended("orders"), asked, said)
		}
	}
}

// A broker whose disk was put back to an older copy, epochs and all, shows it by an end that fell without an election.
// What others of its logs grew by since may then be what is left of more: it is a lower bound.
func TestLogsThatWerePutBack(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.topic("grown", 1)
	w.take(2)
	w.write("orders", 0, 9)
	w.write("grown", 0, 3)
	w.take(1)
	bound := func() bool {
		for _, o := range w.last {
			for _, s := range o.Samples {
				if s.Subject.Topic.Name == "grown" && s.Metric == lineage.Appended {
					return s.Estimated
				}
			}
		}
		t.Fatal("nothing is told of grown")
		return false
	}
	stop := w.ends(5) // four of orders are gone; of grown it is not known how many more than two came
	w.take(1)
	if !bound() {
		t.Error("what the other log grew by is told as exact")
	}
	stop()
	w.take(int(rebornFor/tick) + 1)
	stop = w.ends(12)
	w.take(1)
	if bound() {
		t.Error("it is a bound for ever")
	}
	stop()
}

// A topic that is made again on a disk that was put back is both: what its readers read is bounded in no direction.
func TestPutBackAndReborn(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.take(1)
	var tp *topic
	for _, tp = range w.source.topics {
		tp.reborn, tp.putBack = w.round, w.round
	}
	if tp.lives(w.round) != rebornBound || !tp.isPutBack(w.round) || tp.isPutBack(w.round.Add(rebornFor)) {
		t.Errorf("%q, put back %v", tp.lives(w.round), tp.isPutBack(w.round))
	}
}
