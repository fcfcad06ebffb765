package headers

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/lineage"
)

// traces makes the source look for traces from orders to paid.
func (w *world) traces() {
	w.records = &Records{Topics: []*regexp.Regexp{regexp.MustCompile("^(orders|paid|other)$")}, Header: "app", Every: 1_000, Traces: []Pair{{From: "orders", To: "paid"}}}
	w.start()
}

// tracer is who writes records of traces.
type tracer struct {
	*world
	cl *kgo.Client
}

// id is the id of a trace, by its number.
func id(n int) string { return fmt.Sprintf("feedfacecafebeef%016x", n) }

// at writes a record of a trace that bears a time, in milliseconds since the test's beginning.
func (w *tracer) at(topic string, trace, millis int) {
	w.Helper()
	w.says(topic, millis, "00-"+id(trace)+"-00f067aa0ba902b7-01")
}

func (w *tracer) says(topic string, millis int, values ...string) {
	w.Helper()
	r := &kgo.Record{Topic: topic, Partition: int32(millis % 2), Key: []byte("traceparent"), Value: []byte(aTrace), Timestamp: t0.Add(time.Duration(millis) * time.Millisecond)}
	for _, v := range values {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: traceparent, Value: []byte(v)})
	}
	if err := w.cl.ProduceSync(w.Context(), r).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

func newTracer(t *testing.T) *tracer {
	t.Helper()
	w := newWorld(t, "orders", "paid", "other")
	w.traces()
	return &tracer{world: w, cl: w.plain()}
}

// took is what was told of how long traces took from orders to paid.
func (w *tracer) took() (millis, traces int64) {
	a := lineage.Access{Topic: w.topic("paid"), Client: lineage.Client{Mover: lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}}}
	return w.rec.sums[key{a, lineage.TraceMillis}], w.rec.sums[key{a, lineage.Traces}]
}

func (w *tracer) wantTook(what string, millis, traces int64) {
	w.Helper()
	if m, n := w.took(); m != millis || n != traces {
		w.Errorf("%s: %d traces took %d ms, want %d and %d", what, n, m, traces, millis)
	}
}

// looks looks twice: the first of a pair is told with the next that comes, or a round later.
func (w *tracer) looks() {
	w.Helper()
	w.look()
	w.look()
}

// Of each trace the first record in each of the two topics counts, once, whichever topic is read first, and none of
// another topic; what is told are sums.
func TestTraces(t *testing.T) {
	w := newTracer(t)
	w.look()
	w.at("orders", 1, 1000)
	w.at("paid", 1, 1250)
	w.at("other", 1, 9000)
	w.at("orders", 2, 1000) // and it goes nowhere
	w.looks()
	w.wantTook("one", 250, 1)
	w.at("paid", 1, 5000) // twice
	w.at("orders", 1, 4000)
	w.at("orders", 3, 1002)
	w.at("orders", 3, 1001) // in another partition, and before
	w.at("paid", 3, 1107)
	w.at("paid", 3, 1100)
	w.looks()
	w.wantTook("another", 349, 2)
	w.at("paid", 4, 3000) // seen before where it came from
	w.look()
	w.at("orders", 4, 2000)
	w.looks()
	w.wantTook("late", 1349, 3)
	w.at("orders", 5, 3000)
	w.looks()
	w.looks()
	w.at("paid", 5, 23000)
	w.looks()
	w.wantTook("some rounds later", 21349, 4)
	w.says("orders", 1, "00-"+id(6)+"-00f067aa0ba902b7-01", "00-"+id(7)+"-00f067aa0ba902b7-01")
	w.says("paid", 2, strings.ToUpper("00-"+id(6)+"-00f067aa0ba902b7-01"))
	w.at("paid", 7, 3)
	w.looks()
	w.wantTook("of two headers the first counts, and what is none does not", 21349, 4)
	if got := w.blind(); got != "" {
		t.Errorf("blind spots: %s", got)
	}
	for _, m := range w.rec.last.Samples {
		if m.Metric == lineage.Claimed {
			t.Errorf("a trace is a name: %+v", m)
		}
	}
}

// No id of a trace is told or saved.
func TestTraceIDsStayHere(t *testing.T) {
	w := newTracer(t)
	w.look()
	for i := range 20 {
		w.at("orders", i, 1000)
		w.at("paid", i, 1100+i)
		w.look()
	}
	if _, n := w.took(); n < 18 {
		t.Fatalf("%d traces were sampled", n)
	}
	all := fmt.Sprintf("%+v %+v", w.rec, w.rec.last)
	for _, v := range w.rec.positions {
		all += string(v) + hex.EncodeToString(v)
	}
	raw, err := hex.DecodeString(id(0)[:16])
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{id(0)[:16], string(raw), "00f067aa0ba902b7", aTrace[3:35], strings.Trim(fmt.Sprintf("%d", raw), "[]")} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is told", canary)
		}
	}
}

// After a restart, or where a round was refused, fewer are counted, and none twice.
func TestTracesOverRestarts(t *testing.T) {
	w := newTracer(t)
	w.look()
	w.at("orders", 1, 1000)
	w.at("paid", 1, 1200)
	w.looks()
	w.at("orders", 2, 1000)
	w.look()
	w.start()
	w.at("paid", 2, 1500) // where it began is forgotten
	w.at("orders", 3, 1000)
	w.at("paid", 3, 1007)
	w.looks()
	w.wantTook("over a restart", 207, 2)
	w.at("orders", 4, 1000)
	w.at("paid", 4, 1100)
	w.rec.refuses = true
	w.look()
	w.rec.refuses = false
	w.looks()
	w.wantTook("refused, and read again", 307, 3)
	w.rec.positions[tracesKey][0]++ // it can't be read: it is told from nothing on, and counts on
	w.start()
	w.look()
	w.at("orders", 5, 1000)
	w.at("paid", 5, 9000)
	w.looks()
	w.at("orders", 6, 1000)
	w.at("paid", 6, 1001)
	w.looks()
	w.wantTook("a lost position", 8308, 5)
}

// Whatever is killed or refused, no trace is counted twice.
func TestTracesKilledAtAnyPoint(t *testing.T) {
	w := newTracer(t)
	w.budget = 2_000
	w.start()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	w.look()
	n := 0
	for range 25 {
		for range r.IntN(6) {
			n++
			topics := []string{"orders", "paid"}
			times := map[string]int{"orders": 1000, "paid": 1100}
			if r.IntN(2) == 0 {
				slices.Reverse(topics)
			}
			for _, topic := range topics {
				w.at(topic, n, times[topic])
				if r.IntN(4) == 0 {
					w.look()
				}
			}
		}
		switch r.IntN(4) {
		case 0:
			w.start()
		case 1:
			w.rec.refuses = true
			w.look()
			w.rec.refuses = false
		case 2:
			w.source.books = nil
		}
		w.look()
	}
	for range 4 {
		w.look()
	}
	if millis, traces := w.took(); traces > int64(n) || millis != 100*traces {
		t.Errorf("%d traces took %d ms, of %d", traces, millis, n)
	}
}

// Time that runs backwards, or for more than a day, is left out and said; where that is often nothing is told.
func TestClocksThatDiffer(t *testing.T) {
	w := newTracer(t)
	w.look()
	for i := range 60 {
		w.at("orders", i, 1000)
		if i == 30 {
			w.at("paid", i, 900)
		} else {
			w.at("paid", i, 1010)
		}
	}
	w.looks()
	w.wantTook("one runs backwards", 590, 59)
	if got := w.blind(); !strings.Contains(got, "orders to paid") || !strings.Contains(got, "seem to run backwards and are left out") {
		t.Errorf("blind spots: %s", got)
	}
	for i := range 30 {
		w.at("orders", 100+i, 1000)
		w.at("paid", 100+i, 1000+25*3600*1000*(i%2)+10)
		w.at("orders", 200+i, 1000)
		w.at("paid", 200+i, 500)
	}
	w.looks()
	w.wantTook("many do", 590, 59)
	if got := w.blind(); !strings.Contains(got, "no mean is told: orders to paid") {
		t.Errorf("blind spots: %s", got)
	}
}

// A time that was handed on says nothing of how long it took.
func TestTimesThatAreHandedOn(t *testing.T) {
	w := newTracer(t)
	w.look()
	for i := range 30 {
		w.at("orders", i, 1000+i)
		w.at("paid", i, 1000+i)
	}
	w.looks()
	w.wantTook("handed on", 0, 0)
	if got := w.blind(); !strings.Contains(got, "Kafka Streams hands it on: orders to paid → set message.timestamp.type=LogAppendTime") {
		t.Errorf("blind spots: %s", got)
	}
}

// The brokers' times are compared with brokers' and the producers' with producers'.
func TestTimesOfDifferentClocks(t *testing.T) {
	f := func(from, to sight, want took, why failure) {
		t.Helper()
		x := newTraces([]Pair{{From: "a", To: "b"}})
		p := x.pairs[0]
		p.compare(&trace{seen: []seen{{topic: 1, fresh: true, sight: to}, {topic: 0, sight: from}}})
		if p.fresh != want || want.traces == 0 && p.failed[why] != 1 {
			t.Errorf("%+v to %+v: %+v, %v", from, to, p.fresh, p.failed)
		}
	}
	day := longestTrace.Milliseconds()
	f(sight{1000, false}, sight{1500, false}, took{500, 1}, 0)
	f(sight{1000, true}, sight{1500, true}, took{500, 1}, 0)
	f(sight{1000, true}, sight{1000, true}, took{0, 1}, 0)
	f(sight{0, false}, sight{day, false}, took{day, 1}, 0)
	f(sight{0, false}, sight{day + 1, false}, took{}, backwards)
	f(sight{1000, false}, sight{1500, true}, took{}, mixed)
	f(sight{1000, true}, sight{1500, false}, took{}, mixed)
	f(sight{1000, false}, sight{1000, false}, took{}, handedOn)
	f(sight{1000, true}, sight{999, true}, took{}, backwards)
}

// Where more come than are remembered both topics sample the same part of them, and what is remembered is bounded.
func TestManyTraces(t *testing.T) {
	x := newTraces([]Pair{{From: "a", To: "b"}})
	x.most = 1_000
	sights := func(millis int64, from, to int) map[traceID]sight {
		out := map[traceID]sight{}
		for i := from; i < to; i++ {
			var id traceID
			copy(id[:], fmt.Sprintf("%016d", i))
			out[id] = sight{millis: millis}
		}
		return out
	}
	o := &lineage.Observation{Round: t0}
	for i := range 20 {
		x.take("a", sights(1000, 500*i, 500*(i+1)))
		x.tell(o, nil)
		if n := len(x.young) + len(x.old); n > x.most {
			t.Fatalf("%d traces are remembered", n)
		}
	}
	remembers := int64(len(x.young))
	if remembers < 300 {
		t.Fatalf("%d traces are remembered", remembers)
	}
	x.take("b", sights(1200, 0, 10_000))
	x.tell(o, nil)
	if got := x.pairs[0].fresh; got.traces < remembers/2 || got.millis != 200*got.traces {
		t.Errorf("%+v of %d", got, remembers)
	}
	for range 30 { // they are forgotten, and all are sampled again where few come
		o.Round = o.Round.Add(remembered / 2)
		x.tell(o, nil)
	}
	if n := len(x.young) + len(x.old); n > 0 || x.least != 0 {
		t.Errorf("%d traces are remembered, and sampled from %d on", n, x.least)
	}
}

// A pair of which a topic is not read is a blind spot, and no traces are looked for where none are asked for.
func TestPairsThatAreNotRead(t *testing.T) {
	w := newTracer(t)
	w.topics = "paid"
	w.start()
	w.look()
	w.at("orders", 1, 1000)
	w.at("paid", 1, 1100)
	w.looks()
	w.wantTook("half of it", 0, 0)
	if got := w.blind(); !strings.Contains(got, "not read: orders to paid") {
		t.Errorf("blind spots: %s", got)
	}
	w.topics = ".*"
	w.start()
	w.look()
	w.at("orders", 2, 1000)
	w.at("paid", 2, 1100)
	w.looks()
	w.wantTook("all of it", 100, 1)
	w.records.Traces = nil
	w.start()
	w.look()
	if _, left := w.rec.positions[tracesKey]; left {
		t.Error("the position of traces is left")
	}
	w.at("orders", 3, 1000)
	w.at("paid", 3, 1100)
	w.looks()
	w.wantTook("none is asked for", 100, 1)
}

// What was seen in a topic that is behind is not compared before it is told: it is read again after a restart.
func TestTracesOfTopicsThatAreBehind(t *testing.T) {
	w := newTracer(t)
	w.look()
	w.at("orders", 1, 1000)
	w.at("paid", 1, 1100)
	w.looks()
	w.budget = 600
	w.at("orders", 2, 1000)
	w.at("paid", 2, 1100)
	for i := range 60 { // of another trace, in the other partition too
		w.at("orders", 1000, i)
		w.at("paid", 1000, i+5)
	}
	w.start()
	for range 3 {
		w.look()
		if w.missing("orders") == "" || w.missing("paid") == "" {
			t.Fatal("the budget pays for all of it: it says nothing")
		}
		w.wantTook("while it is behind", 100, 1)
	}
	w.budget = 1 << 20
	w.start()
	w.looks()
	w.wantTook("when all was read", 205, 3)
}
