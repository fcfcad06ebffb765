package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// flowEvents returns the events of flows that were told so far.
func (w *world) flowEvents(typ lineage.EventType) (out []lineage.Event) {
	for _, e := range w.rec.events {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

// run takes n rounds in each of which a record is written and read.
func (w *world) run(n int, at *int64) {
	w.t.Helper()
	for range n {
		w.write("orders", 0, 1)
		*at++
		w.commit("billing", "orders", 0, *at)
		w.take(1)
	}
}

// An application's flow that begins or ends is an event, however often lineaged and the application start anew
// meanwhile, and a gap is none.
func TestFlowsBeginAndEnd(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 3)
	read := int64(3)
	w.commit("billing", "orders", 0, 3)
	w.take(20)
	began := w.round.Add(tick)
	w.run(30, &read)
	w.start(Config{}) // lineaged starts anew
	w.writer()        // and the writer
	w.run(20, &read)
	w.round = w.round.Add(50 * tick) // lineaged is down
	w.start(Config{})
	w.run(20, &read)
	if got := w.flowEvents(lineage.FlowStarted); len(got) != 2 || !got[0].At.Equal(began) || !got[1].At.Equal(began) {
		t.Errorf("beginnings %+v, want one of the writers and one of the group at %v", got, began)
	}
	stop := w.refuse(kmsg.OffsetFetch, func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
			rg := kmsg.NewOffsetFetchResponseGroup()
			rg.Group, rg.ErrorCode = g.Group, 16
			resp.Groups = append(resp.Groups, rg)
		}
		return resp, nil, true
	})
	w.run(40, &read)
	stop()
	w.run(2, &read)
	if got := w.flowEvents(lineage.FlowStopped); len(got) != 0 {
		t.Errorf("ends of what could not be seen: %+v", got)
	}
	w.write("orders", 0, 5) // nobody reads these
	w.take(1)
	ended := w.round
	w.take(10)
	w.start(Config{})
	w.take(60) // while the reader may be at work on what is left, nobody says that it stopped
	got := map[lineage.Op]lineage.Event{}
	for _, e := range w.flowEvents(lineage.FlowStopped) {
		got[e.Access.Op] = e
	}
	if len(w.flowEvents(lineage.FlowStopped)) != 2 || !got[lineage.Write].At.Equal(ended) || !got[lineage.Read].At.Equal(ended.Add(-tick)) || got[lineage.Read].Access.Client.Group != "billing" {
		t.Errorf("ends %+v, want the writers' at %v", got, ended)
	}
	w.take(int(time.Hour/tick) / 10)
	w.run(1, &read)
	if n := len(w.flowEvents(lineage.FlowStarted)); n != 4 {
		t.Errorf("%d beginnings, want both again", n)
	}
}

// What a topic that is made under our eyes sees first has begun, and so has what one sees that was empty. What moved
// before may go on.
func TestFlowsOfANewTopicBegin(t *testing.T) {
	for what, c := range map[string]struct{ rounds, records, events int }{
		"new":   {2, 0, 2},
		"empty": {0, 0, 2},
		"old":   {0, 1, 1}, // the group is new
	} {
		w := newWorld(t, 1)
		w.take(c.rounds)
		w.topic("orders", 1)
		w.topic("__inner", 1)
		w.write("orders", 0, c.records)
		read := int64(c.records)
		w.take(1)
		w.write("__inner", 0, 1) // Kafka's own are nobody's news
		w.run(3, &read)
		if got := w.flowEvents(lineage.FlowStarted); len(got) != c.events {
			t.Errorf("%s: beginnings %+v", what, got)
		}
	}
}

// A group that was there and empty reads from when somebody joins it.
func TestFlowOfAGroupThatWakesBegins(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 5)
	w.commit("billing", "orders", 0, 3)
	w.take(2)
	consumer, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	if fetches := consumer.PollFetches(t.Context()); fetches.NumRecords() != 2 {
		t.Fatalf("%d records: %v", fetches.NumRecords(), fetches.Errors())
	}
	w.take(1)
	if err := consumer.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.take(1)
	if got := w.flowEvents(lineage.FlowStarted); len(got) != 1 || got[0].Access.Client.Group != "billing" || !got[0].At.Equal(w.round) {
		t.Errorf("beginnings %+v", got)
	}
}
