package kafka

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// garbled is an answer that says something else.
type garbled struct {
	kmsg.Response
	body []byte
}

func (g garbled) AppendTo(dst []byte) []byte { return append(dst, g.body...) }

// A broker that answers what is no answer is missing for that round, costs no memory for what it says that there is,
// and leaves the books as they were.
func TestAnswersThatAreNone(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	beyond := func(version int16, id lineage.TopicID, partition int32) []byte {
		m := kmsg.MetadataResponse{Version: version, ClusterID: new("kfake"), Topics: []kmsg.MetadataResponseTopic{{
			Topic: new("orders"), TopicID: id, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}, {Partition: partition}},
		}}}
		return m.AppendTo(nil)
	}
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.commit("billing", "orders", 0, 0)
	w.take(2)
	id := w.source.byName["orders"].topic.ID
	written := 0
	none, gaps := wire.ErrAnswer.Error(), "left out others before them"
	for _, x := range []struct {
		key    kmsg.Key
		source string
		body   func(version int16) []byte
		why    string
	}{
		{kmsg.Metadata, sourceMetadata, func(int16) []byte { return append([]byte{0, 0, 0, 0}, huge...) }, none},
		{kmsg.Metadata, sourceMetadata, func(int16) []byte { return nil }, none},
		{kmsg.Metadata, sourceMetadata, func(v int16) []byte { return beyond(v, id, 1<<18) }, gaps},
		{kmsg.Metadata, sourceMetadata, func(v int16) []byte { return beyond(v, id, -1) }, gaps},
		{kmsg.ListOffsets, sourceEnds, func(int16) []byte { return append([]byte{0, 0, 0, 0}, huge...) }, none},
		{kmsg.ListOffsets, sourceEnds, func(int16) []byte { return append([]byte{0, 0, 0, 0, 2, 7}, "orders"...) }, none},
		{kmsg.OffsetFetch, sourceGroups, func(int16) []byte {
			return append([]byte{0, 0, 0, 0, 2, 8, 'b', 'i', 'l', 'l', 'i', 'n', 'g'}, huge...)
		}, none},
	} {
		w.write("orders", 0, 3)
		written += 3
		stop := w.refuse(x.key, func(req kmsg.Request) (kmsg.Response, error, bool) {
			return garbled{req.ResponseKind(), x.body(req.GetVersion())}, nil, true
		})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w.take(1)
		runtime.ReadMemStats(&after)
		stop()
		why := w.missing(x.source)
		if len(why) == 0 || !strings.Contains(why[0].Reason, x.why) {
			t.Errorf("%s: missing %+v", x.key.Name(), why)
		}
		// A round takes some tens of kilobytes, and another test beside it what it takes.
		if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
			t.Errorf("%s: the round took %d bytes", x.key.Name(), took)
		}
		w.take(1)
		if n := w.appended("orders"); n != int64(written) || len(w.missing(x.source)) > 0 {
			t.Errorf("%s: %d of %d records after it, missing %+v", x.key.Name(), n, written, w.missing(x.source))
		}
	}
}

// A broker that moved is asked where it is now, from the next round on, although the answer that tells so goes past the
// client; and as long as none moves nobody asks for brokers.
func TestBrokersThatMove(t *testing.T) {
	w := newWorld(t, 2)
	w.topic("orders", 4)
	w.take(3)
	if n := w.takeCounting(kmsg.Metadata); n != 1 {
		t.Errorf("%d questions for metadata in a warm round", n)
	}
	for range 2 {
		gone := w.fake.LeaderFor("orders", 0)
		if err := w.fake.RemoveNode(gone); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.fake.AddNode(gone, 0); err != nil { // at another address
			t.Fatal(err)
		}
		for p := range int32(4) {
			if err := w.fake.MoveTopicPartition("orders", p, gone); err != nil {
				t.Fatal(err)
			}
		}
		w.take(2)
		w.write("orders", 0, 5)
		if n := w.takeCounting(kmsg.Metadata); n > 2 {
			t.Errorf("%d questions for metadata", n)
		}
		if m := w.missing(sourceEnds); len(m) > 0 {
			t.Errorf("missing %+v", m)
		}
	}
	if n := w.appended("orders"); n != 10 {
		t.Errorf("%d of 10 records", n)
	}
}

// quiet is a round in which nothing changes, of so many topics of ten partitions, each read by one group: the answers
// as a broker sends them.
func quiet(t *testing.T, topics int) (x *take, metadata wire.MetadataWalk, ends wire.EndsWalk, commits *wire.Commits) {
	t.Helper()
	m := kmsg.MetadataResponse{Version: 12}
	e := kmsg.ListOffsetsResponse{Version: 9}
	g := kmsg.OffsetFetchResponseGroup{Group: "billing"}
	for i := range topics {
		rt := kmsg.MetadataResponseTopic{Topic: new(fmt.Sprint("shop.orders.", i)), TopicID: [16]byte{byte(i), byte(i >> 8), 1}}
		et := kmsg.ListOffsetsResponseTopic{Topic: *rt.Topic}
		gt := kmsg.OffsetFetchResponseGroupTopic{TopicID: rt.TopicID}
		for p := range int32(10) {
			rt.Partitions = append(rt.Partitions, kmsg.MetadataResponseTopicPartition{Partition: p, Leader: p % 3, LeaderEpoch: 4, Replicas: []int32{0, 1, 2}, ISR: []int32{0, 1, 2}})
			et.Partitions = append(et.Partitions, kmsg.ListOffsetsResponseTopicPartition{Partition: p, Offset: 70})
			gt.Partitions = append(gt.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{Partition: p, Offset: 70, LeaderEpoch: 4})
		}
		m.Topics, e.Topics, g.Topics = append(m.Topics, rt), append(e.Topics, et), append(g.Topics, gt)
	}
	c := kmsg.OffsetFetchResponse{Version: 10, Groups: []kmsg.OffsetFetchResponseGroup{g}}
	read := func(into kmsg.Response, from kmsg.Response) {
		into.SetVersion(from.GetVersion())
		if err := into.ReadFrom(from.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
	}
	wm, we, wc := &wire.Metadata{}, &wire.Ends{}, &wire.Commits{}
	read(wm, &m)
	read(we, &e)
	read(wc, &c)
	s := newSource(Config{Name: "west", Interval: tick})
	s.groups["billing"] = &group{ref: lineage.GroupRef{Group: "billing"}, readers: map[lineage.TopicID]*reader{}}
	return &take{source: s, ctx: t.Context(), round: t0, before: t0.Add(-tick)}, wm.Walk(), we.Walk(), wc
}

// Of a round in which nothing changes nothing is made anew for a topic, a partition or a commit.
func TestQuietRoundMakesNothing(t *testing.T) {
	const topics = 300
	x, metadata, ends, commits := quiet(t, topics)
	o := &lineage.Observation{}
	why := map[*topic]string{}
	step := map[string]func(){
		"metadata": func() { x.topicsNow(o, metadata) },
		"ends": func() {
			x.listed(ends, func(tp *topic, part int, offset int64) {
				tp.setEnd(part, offset)
				tp.past += x.past.Add(&tp.histories[part], x.round, offset)
			}, func(tp *topic, reason string) { t.Fatal(tp.topic, reason) })
		},
		"commits": func() {
			for _, tp := range x.topics {
				tp.ends = x.round
			}
			for w := commits.Walk(); w.Group(); {
				g := x.groups[string(w.Name)]
				x.links.commits[g.ref.Group] = x.links.hash(w)
				x.committed(o, g, &w, why)
			}
		},
	}
	for range 3 {
		x.round, x.before = x.round.Add(tick), x.round
		for _, name := range []string{"metadata", "ends", "commits"} {
			step[name]()
		}
	}
	if len(x.topics) != topics || len(x.groups["billing"].readers) != topics || len(why) > 0 {
		t.Fatalf("%d topics, %d readers, missing %v", len(x.topics), len(x.groups["billing"].readers), why)
	}
	o.Samples = nil
	passed := 0
	x.passing = func(*take, *group, *committedOn) { passed++ }
	for name, run := range step {
		n := testing.AllocsPerRun(5, func() {
			x.round, x.before = x.round.Add(tick), x.round
			run()
		})
		if n > 20 {
			t.Errorf("%s: %v allocations of %d topics", name, n, topics)
		}
	}
	if passed == 0 {
		t.Error("nobody is passed over")
	}
	if len(o.Samples) > 0 {
		t.Errorf("nothing changed, and %d samples are told, as %+v", len(o.Samples), o.Samples[0])
	}
}

// The past of ends keeps to its budget whatever moves, and lag in time is told as before.
func TestPastOfEndsKeepsToItsBudget(t *testing.T) {
	const partitions, bytes = 40, 8 << 10
	w := newWorld(t, 1)
	w.source.past = pastend.NewBudget(bytes)
	w.topic("orders", partitions)
	w.commit("billing", "orders", 0, 0)
	for range 60 {
		for p := range int32(partitions) {
			w.write("orders", p, 1)
		}
		w.take(1)
	}
	tp := w.source.byName["orders"]
	held := 0
	for i := range tp.histories {
		held += tp.histories[i].Bytes()
	}
	if held > bytes || held != tp.past || held < bytes/4 {
		t.Errorf("%d bytes are held of %d, %d are counted", held, bytes, tp.past)
	}
	// readings are of the clock, so that only an order can be told of them: who is further behind is longer behind
	last := time.Duration(-1)
	for offset := range slices.Values([]int64{60, 50, 40, 30, 20, 10}) {
		age, atLeast := w.source.byName["orders"].histories[0].Age(time.Now(), offset)
		if atLeast || age < last {
			t.Errorf("at %d: for %v, at least %v, after %v", offset, age, atLeast, last)
		}
		last = age
	}
}

// A topic of which the cluster names some partitions and leaves out others is missing; the others are taken in.
func TestPartitionsWithGapsAreMissing(t *testing.T) {
	odd, even := "odd", "even"
	m := &kmsg.MetadataResponse{Version: 13, Topics: []kmsg.MetadataResponseTopic{
		{Topic: &odd, TopicID: [16]byte{1}, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}, {Partition: 7}}},
		{Topic: &even, TopicID: [16]byte{2}, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}}},
	}}
	answer := &wire.Metadata{}
	answer.SetVersion(m.Version)
	if err := answer.ReadFrom(m.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	x, o := &take{source: newSource(Config{Name: "west", Interval: tick}), ctx: t.Context(), round: t0, before: t0.Add(-tick)}, &lineage.Observation{}
	x.topicsNow(o, answer.Walk())
	if x.byName[even] == nil || x.byName[odd] != nil || len(o.Missing) != 1 || len(o.Missing[0].Topics) != 1 || o.Missing[0].Topics[0].Name != odd || o.Missing[0].Share != 0.5 {
		t.Errorf("topics %v, missing %+v", x.byName, o.Missing)
	}
}
