package openlineage

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/deadletter"
)

// topicWorld is a world whose events come from a topic. Looks are taken by hand.
type topicWorld struct {
	*world
	fake   *kfake.Cluster
	client *kgo.Client
	n      int
}

func newTopicWorld(t *testing.T) *topicWorld {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "openlineage.events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &topicWorld{world: newWorld(t), fake: fake}
	if w.client, err = w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	w.start()
	return w
}

func (w *topicWorld) dial(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RequestRetries(1), kgo.RetryTimeout(2 * time.Second)}, opts...)...)
}

func (w *topicWorld) reader() *reader { return w.c.source.readers[0] }

// start starts the source, as after a kill.
func (w *topicWorld) start() {
	w.Helper()
	if len(w.c.source.readers) > 0 {
		w.reader().close()
	}
	c, err := New(Config{
		Folder: w.folder, Interval: tick, Board: w.board, Log: slog.New(slog.DiscardHandler), Topics: []Topic{{Cluster: "west", Name: "openlineage.events", Client: w.dial}},
	}, w)
	if err != nil {
		w.Fatal(err)
	}
	c.journal.now = func() time.Time { return w.at }
	w.Cleanup(func() { c.source.readers[0].close(); _ = c.journal.close() })
	w.c, w.take = c, collector.Runner{Interval: tick, Log: slog.New(slog.DiscardHandler)}.ByHand(c.source, w)
	known, err := stored(w.Context(), w)
	if err != nil {
		w.Fatal(err)
	}
	w.reader().begin(known)
}

func (w *topicWorld) produce(value string) {
	w.Helper()
	w.n++
	if err := w.client.ProduceSync(w.Context(), &kgo.Record{Topic: "openlineage.events", Partition: int32(w.n % 2), Value: []byte(value)}).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

func (w *topicWorld) look() { w.reader().look(w.Context(), 5*time.Second) }

// Kills and refused rounds at any place: what is in the topic is told, and once.
func TestLawOfTopics(t *testing.T) {
	w := newTopicWorld(t)
	r := rand.New(rand.NewPCG(5, 6))
	events := 0
	for range 60 {
		switch r.IntN(6) {
		case 0:
			w.start()
		case 1:
			w.refuse = errors.New("the disk is full")
			w.round()
			w.refuse = nil
		case 2:
			w.round()
		case 3:
			w.produce("no event")
		case 4:
			w.look()
		default:
			events++
			w.produce(w.event(events, "COMPLETE", "", fmt.Sprintf("a/b%d", events), ""))
		}
	}
	w.look()
	w.round()
	times := map[string]int{}
	for _, o := range w.obs {
		for _, s := range o.Sightings {
			times[s.Access.Dataset.Name]++
		}
	}
	for n := range events {
		if name := fmt.Sprintf("b%d", n+1); times[name] != 1 {
			t.Errorf("of %d events, that of %s is told %d times", events, name, times[name])
		}
	}
	if events < 5 || len(w.reader().missing) > 0 {
		t.Errorf("%d events, missing %q", events, w.reader().missing)
	}
	if text := w.c.source.refused.words(); !strings.Contains(text, "of topic west/openlineage.events: ") {
		t.Errorf("records that are no events are said to be %q", text)
	}
	letters, err := deadletter.Read(w.folder, w.at)
	if err != nil || len(letters) == 0 {
		t.Fatalf("%d dead letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if l.Topic != "west/openlineage.events" || l.Byte != 2 || l.Bytes != len("no event") || l.Sum == "" {
			t.Errorf("a dead letter: %+v", l)
		}
	}
}

// A topic that can't be read is a gap in part, said with its name, and is read once it can.
func TestTopicsComeAndGo(t *testing.T) {
	w := newTopicWorld(t)
	w.fake.Control(func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("connection lost"), true })
	w.look()
	w.round()
	if o := w.obs[len(w.obs)-1]; len(o.Missing) != 1 || o.Missing[0].All || !strings.Contains(o.Missing[0].Reason, "openlineage.events of cluster west") {
		t.Errorf("missing: %+v", o.Missing)
	}
	w.produce(w.event(1, "COMPLETE", "", "a/b", ""))
	w.look()
	w.wants("it is read", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	if o := w.obs[len(w.obs)-1]; len(o.Missing) > 0 {
		t.Errorf("missing: %+v", o.Missing)
	}
}

// A dead letter is on disk for a week, whether others come or not, and not until lineaged starts again.
func TestDeadLettersLeaveTheDisk(t *testing.T) {
	w := newWorld(t)
	files := func() (names []string) {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(w.folder, "dead*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range all {
			names = append(names, filepath.Base(path))
		}
		return names
	}
	refuse := func() {
		t.Helper()
		w.c.Refused(deadletter.Letter{Why: "is nothing", Index: -1})
		if err := os.Link(filepath.Join(w.folder, "dead-letters"), filepath.Join(w.folder, "dead-letters.old")); err != nil {
			t.Fatal(err)
		}
	}
	for how, goesOn := range map[string]func(){"a round": func() { w.round() }, "a start": func() { w.start(); w.round() }} {
		refuse()
		w.at = w.at.Add(7*24*time.Hour - 2*tick)
		if goesOn(); len(files()) != 2 {
			t.Errorf("within a week %s leaves %q", how, files())
		}
		w.at = w.at.Add(2 * time.Hour)
		if goesOn(); len(files()) != 0 {
			t.Errorf("a week later %s leaves %q", how, files())
		}
	}
}
