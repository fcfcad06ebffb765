//go:build long

package acceptance

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// starved is a node that has nothing more after a loss, and when.
type starved struct {
	Node           struct{ ID string }
	Wholly         *bool
	Waiting        *string
	AfterSeconds   *float64
	AtLeastSeconds float64
}

// hurt is what a loss is said to do.
type hurt struct {
	Starved []starved
	Copies  []struct {
		Topic struct{ ID string }
		Only  *bool
	}
	Window   struct{ End time.Time }
	Coverage struct{ Complete bool }
}

func (h hurt) ids() (out []string) {
	for _, s := range h.Starved {
		out = append(out, s.Node.ID)
	}
	slices.Sort(out)
	return out
}

// whatIf asks what is hurt if something is lost now.
func (s *server) whatIf(t testing.TB, lose string) (h hurt) {
	t.Helper()
	var d struct{ WhatIf *hurt }
	s.mustAsk(t, `query($l: [ID!]!, $w: Window!) { whatIf(lose: $l, window: $w) { starved(first: 1000) { node { id } wholly waiting afterSeconds atLeastSeconds } copies { topic { id } only } window { end } coverage { complete } } }`,
		map[string]any{"l": []string{lose}, "w": last("15s")}, &d)
	return *d.WhatIf
}

// verdict asks whether a topic may be deleted.
func (s *server) verdict(t testing.TB, topic string) (is string, against, untold []string) {
	t.Helper()
	var d struct {
		SafeToDelete struct {
			Verdict         string
			Against, Untold []struct{ Kind string }
		}
	}
	s.mustAsk(t, `query($t: ID!) { safeToDelete(topic: $t, days: 1) { verdict against { kind } untold { kind } } }`, map[string]any{"t": topic}, &d)
	for _, r := range d.SafeToDelete.Against {
		against = append(against, r.Kind)
	}
	for _, u := range d.SafeToDelete.Untold {
		untold = append(untold, u.Kind)
	}
	return d.SafeToDelete.Verdict, against, untold
}

// sips reads a topic at so many records a second, and commits each time. It returns when it read something last.
func sips(t *testing.T, c *kafkatest.Cluster, group, topic string, perSecond int) (lastRead func() time.Time) {
	t.Helper()
	client := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	ctx, cancel := context.WithCancel(context.Background())
	done, at := make(chan struct{}), make(chan time.Time, 1)
	at <- time.Time{}
	go func() {
		defer close(done)
		for tick := time.NewTicker(200 * time.Millisecond); ctx.Err() == nil; {
			got := client.PollRecords(ctx, perSecond/5)
			if got.NumRecords() > 0 {
				<-at
				at <- time.Now()
				_ = client.CommitRecords(ctx, got.Records()...) // the next one says it again
			}
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-done; client.Close() })
	return func() time.Time { x := <-at; at <- x; return x }
}

// TestQuestionsOfChange takes some minutes, and so is of the long form alone.
//
// In a world of movers on two clusters it is asked what would be hurt, and then it is really done: a writer stops while
// records wait, a topic is deleted, a cluster is stopped. Who starved, and when, is what was said.
func TestQuestionsOfChange(t *testing.T) {
	const backlog, rate = 2000, 50
	// A topic that is deleted is not made anew by who goes on writing to it.
	w := kafkatest.Start(t, kafkatest.Options{Config: map[string]string{"auto.create.topics.enable": "false"}})
	e := kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range []string{"orders", "counts", "raw", "doomed", "idle"} {
		w.CreateTopic(t, topic, 1)
	}
	kafkatest.StartMirror(t, w, e, kafkatest.MirrorOptions{SourceAlias: "west", TargetAlias: "east", Properties: map[string]string{"west->east.topics": "counts"}})
	w.StartStreams(t, kafkatest.StreamsOptions{Application: "counter", Protocol: "classic", Input: "raw", Output: "counts"})
	config := filepath.Join(t.TempDir(), "lineaged.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "interval: 1s\nclusters: [{name: west, brokers: [%q]}, {name: east, brokers: [%q]}]\n", w.Brokers()[0], e.Brokers()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	s.knows(t, topicID("idle"))
	w.ProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: backlog, PerSecond: 100_000})
	orders := w.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: 3600 * rate, PerSecond: rate})
	w.StartProducerPerf(t, kafkatest.Perf{Topic: "raw", Records: 3600 * rate, PerSecond: rate})
	w.StartProducerPerf(t, kafkatest.Perf{Topic: "doomed", Records: 3600 * rate, PerSecond: rate})
	read, began := sips(t, w, "billing", "orders", rate), time.Now()
	w.ConsoleConsumer(t, "doomed-reader", "classic", "doomed", "auto.commit.interval.ms=500")
	s.knows(t, "topic:east/west.counts")
	e.ConsoleConsumer(t, "east-reader", "classic", "west.counts", "auto.commit.interval.ms=500")
	e.WaitMembers(t, "east-reader")

	const copied, mirror, reader = "topic:east/west.counts", "replicator:east/west-%3Eeast", "application:east/east-reader"
	downstream := []string{reader, mirror, copied}
	slices.Sort(downstream)
	eventually(t, 2*time.Minute, "the loss of counts starves its copy and who reads that", func() error {
		h := s.whatIf(t, topicID("counts"))
		if got := h.ids(); !slices.Equal(got, downstream) {
			return fmt.Errorf("starved are %v", got)
		}
		if len(h.Copies) != 1 || h.Copies[0].Only == nil || *h.Copies[0].Only {
			return fmt.Errorf("copies %+v", h.Copies)
		}
		return nil
	})

	// What is known of the topics, before anything is done.
	for topic, want := range map[string]string{"idle": "CANNOT_BE_TOLD", "orders": "UNSAFE", "counts": "UNSAFE", "doomed": "UNSAFE"} {
		eventually(t, time.Minute, "what is known of "+topic, func() error {
			is, against, untold := s.verdict(t, topicID(topic))
			if is != want || !slices.Contains(untold, "BEFORE_DATA") {
				return fmt.Errorf("%s, against %v, untold %v", is, against, untold)
			}
			return nil
		})
	}
	if _, against, _ := s.verdict(t, topicID("counts")); !slices.Contains(against, "READ") && !slices.Contains(against, "REPLICATED") || !slices.Contains(against, "WRITTEN") {
		t.Errorf("against the deletion of counts is %v", against)
	}
	// Nothing was said against the deletion of idle. It is deleted, and whatever moved goes on.
	if _, against, _ := s.verdict(t, topicID("idle")); len(against) > 0 {
		t.Errorf("against the deletion of idle is %v", against)
	}
	if got := s.whatIf(t, topicID("idle")).ids(); len(got) > 0 {
		t.Errorf("without idle these starve: %v", got)
	}
	before := s.movesAfter(t, "west", time.Now())
	w.DeleteTopic(t, "idle")
	for flow, is := range s.movesAfter(t, "west", time.Now().Add(2*time.Second)) {
		if before[flow] && !is {
			t.Errorf("after idle was deleted %s moves no more", flow)
		}
	}

	sleepUntil(t, began.Add(30*time.Second)) // the rate is then of one who reads all of the window
	// The writer stops: who reads goes on with what waits, for as long as was said.
	said := s.whatIf(t, "unidentified:west/orders")
	var billing *float64
	for _, x := range said.Starved {
		if x.Node.ID == "application:west/billing" {
			billing = x.AfterSeconds
		}
	}
	stopped := time.Now()
	orders.Stop(t)
	if billing == nil {
		t.Fatalf("when billing starves was not told: %+v", said)
	}
	end := w.EndOffset(t, "orders")
	w.WaitGroup(t, "billing", "orders", end)
	if took := read().Sub(stopped).Seconds(); math.Abs(took-*billing) > 5+*billing/5 {
		t.Errorf("billing read on for %.1f s, and %.1f were told", took, *billing)
	} else {
		t.Logf("billing read on for %.1f s, and %.1f were told", took, *billing)
	}

	// A topic is deleted: who reads it has nothing more at once, and nobody else is hurt.
	if _, against, _ := s.verdict(t, topicID("doomed")); !slices.Contains(against, "READ") || !slices.Contains(against, "WRITTEN") {
		t.Errorf("against the deletion of doomed is %v", against)
	}
	if got := s.whatIf(t, topicID("doomed")); !slices.Equal(got.ids(), []string{"application:west/doomed-reader"}) || got.Starved[0].AfterSeconds == nil || *got.Starved[0].AfterSeconds != 0 {
		t.Errorf("of doomed: %+v", got)
	}
	w.DeleteTopic(t, "doomed")
	moved := s.movesAfter(t, "west", time.Now().Add(3*time.Second))
	if moved[topicID("doomed")+"->application:west/doomed-reader"] || !moved[topicID("counts")+"->"+mirror] || !moved[copied+"->"+reader] {
		t.Errorf("after doomed was deleted these move: %v", moved)
	}

	// A cluster is stopped: all that lives on it in the other starves, and not before what was said.
	said = s.whatIf(t, "cluster:west")
	if got := said.ids(); !slices.Equal(slices.DeleteFunc(got, func(id string) bool { return id != reader && id != copied && id != mirror }), downstream) {
		t.Errorf("without west these starve: %v", said.ids())
	}
	stopped = time.Now()
	w.StopAll(t, kafkatest.Kill)
	time.Sleep(20 * time.Second)
	moved = s.movesAfter(t, "east", time.Now())
	if moved[mirror+"->"+copied] || moved[copied+"->"+reader] {
		t.Errorf("twenty seconds after west was stopped these move: %v", moved)
	}
	s.wantStarvedAsSaid(t, said, reader, stopped)
}

// movesAfter returns which flows move in the seven seconds from an instant on.
func (s *server) movesAfter(t testing.TB, cluster string, from time.Time) map[string]bool {
	t.Helper()
	s.waitRound(t, cluster, from.Add(8*time.Second))
	return s.movedFlows(t, between(from, from.Add(7*time.Second)))
}

// wantStarvedAsSaid compares when a node moved last with when it was said to starve at the soonest, and, where that was
// told, when it would. A round, a commit and the copying between the clusters take some seconds.
func (s *server) wantStarvedAsSaid(t testing.TB, said hurt, id string, stopped time.Time) {
	t.Helper()
	const slack = 6.0
	var is struct {
		Node struct{ LastMoved *time.Time }
	}
	s.mustAsk(t, `query($id: ID!, $w: Window!) { node(id: $id, window: $w) { lastMoved } }`, map[string]any{"id": id, "w": last("1m")}, &is)
	i := slices.IndexFunc(said.Starved, func(x starved) bool { return x.Node.ID == id })
	if i < 0 || is.Node.LastMoved == nil {
		t.Fatalf("%s: %+v of %+v", id, is, said)
	}
	told, took := said.Starved[i], is.Node.LastMoved.Sub(stopped).Seconds()
	if took < told.AtLeastSeconds-slack || told.AfterSeconds != nil && math.Abs(took-*told.AfterSeconds) > slack+*told.AfterSeconds/5 {
		t.Errorf("%s moved last %.1f s after the loss; told were at least %.1f, and %v", id, took, told.AtLeastSeconds, told.AfterSeconds)
	}
	t.Logf("%s moved last %.1f s after the loss; told were at least %.1f", id, took, told.AtLeastSeconds)
}

// movedFlows returns which flows moved in a window.
func (s *server) movedFlows(t testing.TB, window map[string]any) map[string]bool {
	t.Helper()
	got, err := s.moved(t, window)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, f := range got.Flows {
		out[f.ID] = f.Active != nil && *f.Active
	}
	return out
}
