package logs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// reading is who reads a topic of lines, without what it makes of them.
type reading struct {
	*shipped
	x      *topic
	stored map[string][]byte
	lines  int
	n      int
	got    map[string]int
	result result
	// the topic changes: a round may see nothing
	unsteady bool
}

func newReading(t *testing.T) *reading {
	t.Helper()
	r := &reading{shipped: newShipped(t), stored: map[string][]byte{}, lines: 1 << 20, got: map[string]int{}}
	r.start()
	t.Cleanup(func() { r.x.close() })
	return r
}

func (r *reading) start() {
	if r.x != nil {
		r.x.close()
	}
	r.x = newTopicInput(Config{Topic: "broker-logs", Client: r.dial})
	r.restore()
}

func (r *reading) restore() {
	r.x.restore(r.stored, len(r.stored) == 0, func(key string, err error) { r.Errorf("position %s: %v", key, err) })
}

func (r *reading) more(n int) {
	r.Helper()
	var all []*kgo.Record
	for range n {
		r.n++
		all = append(all, &kgo.Record{Topic: "broker-logs", Partition: int32(r.n % 2), Value: []byte(fmt.Sprint("line ", r.n))})
	}
	if err := r.client.ProduceSync(r.Context(), all...).FirstErr(); err != nil {
		r.Fatal(err)
	}
}

func (r *reading) take(stored bool) {
	r.Helper()
	read := map[string]int{}
	r.result = r.x.read(r.Context(), t0, &budget{left: r.lines}, func(line []byte, _ when) { read[string(line)]++ })
	if r.result.err != nil && !r.unsteady {
		r.Fatal(r.result.err)
	}
	if !stored {
		r.restore()
		return
	}
	for line, n := range read {
		r.got[line] += n
	}
	r.stored[beganKey] = nil
	for _, p := range r.x.save() {
		if p.Value == nil {
			delete(r.stored, p.Key)
		} else {
			r.stored[p.Key] = slices.Clone(p.Value)
		}
	}
}

func (r *reading) whole(from int) {
	r.Helper()
	for i := from; i <= r.n; i++ {
		if n := r.got[fmt.Sprint("line ", i)]; n != 1 {
			r.Fatalf("line %d of %d was read %d times; missing: %q", i, r.n, n, r.result.missing)
		}
	}
}

// Restarts, refused rounds and small budgets: no record is lost, and none is read twice.
func TestLawOfTopic(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	r := newReading(t)
	for range 40 {
		switch rng.IntN(6) {
		case 0:
			r.start()
		case 1:
			r.more(rng.IntN(30))
			r.take(false)
		case 2:
			r.lines = 1 + rng.IntN(40)
		default:
			r.more(rng.IntN(30))
			r.take(true)
		}
	}
	r.lines = 1 << 20
	r.take(true)
	if r.whole(1); len(r.result.missing) > 0 {
		t.Errorf("missing after all is read: %q", r.result.missing)
	}
	r.lines = 5
	r.more(50)
	if r.take(true); !strings.Contains(fmt.Sprint(r.result.missing), "wait to be read") {
		t.Errorf("what waits is not said: %q", r.result.missing)
	}
}

// What retention took first is said; a topic that is made anew is read from its beginning, and so is a new partition.
func TestTopicChanges(t *testing.T) {
	r := newReading(t)
	r.more(10)
	r.take(true)
	r.more(10)
	admin := kadm.NewClient(r.client)
	var cut kadm.Offsets
	cut.Add(kadm.Offset{Topic: "broker-logs", Partition: 0, At: 8})
	if _, err := admin.DeleteRecords(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	r.take(true)
	if why := fmt.Sprint(r.result.missing); !strings.Contains(why, "3 records of partition 0 of the topic broker-logs were gone before they were read") {
		t.Errorf("retention: %s", why)
	}
	if _, err := admin.UpdatePartitions(t.Context(), 3, "broker-logs"); err != nil {
		t.Fatal(err)
	}
	r.client.ForceMetadataRefresh()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := r.client.ProduceSync(t.Context(), &kgo.Record{Topic: "broker-logs", Partition: 2, Value: []byte("new partition")}).FirstErr()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	r.until("a new partition is read", func() bool { return r.got["new partition"] == 1 })
	if _, err := admin.DeleteTopics(t.Context(), "broker-logs"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(t.Context(), 2, 1, nil, "broker-logs"); err != nil {
		t.Fatal(err)
	}
	r.client.PurgeTopicsFromClient("broker-logs")
	from := r.n + 1
	r.more(6)
	r.until("the new topic is read", func() bool { return r.got[fmt.Sprint("line ", r.n)] > 0 && r.got[fmt.Sprint("line ", r.n-1)] > 0 })
	r.whole(from)
}

// until takes rounds: the client asks for the topic's partitions every few seconds.
func (r *reading) until(what string, is func() bool) {
	r.Helper()
	r.unsteady = true
	for range 200 {
		if r.take(true); is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.Fatalf("not so after 20 s: %s; missing: %q, %v", what, r.result.missing, r.result.err)
}

// Records are lines, several of them, or JSON whose field they are.
func TestShippedForms(t *testing.T) {
	w := newShipped(t)
	sink := &keeper{positions: map[string][]byte{}}
	s := w.source(sink)
	t.Cleanup(s.input.close)
	if err := s.Restore(t.Context(), sink); err != nil {
		t.Fatal(err)
	}
	message, err := json.Marshal(produced("as json", "orders", 2))
	if err != nil {
		t.Fatal(err)
	}
	w.ship(0, produced("as text", "orders", 1))
	w.ship(1, `{"@timestamp":"2026-11-22T21:13:41Z","message":`+string(message)+`,"host":"b1"}`)
	w.ship(0, produced("first", "orders", 3)+"\n"+produced("second", "orders", 4)+"\n")
	w.ship(0, "something else")
	w.ship(0, "")
	obs := s.Observe(t.Context(), time.Now().Truncate(tick).Add(tick))
	var who []string
	for _, o := range obs {
		for _, x := range o.Sightings {
			who = append(who, fmt.Sprint(x.Access.Client.ClientID, " ", x.Moved))
		}
	}
	slices.Sort(who)
	if got := strings.Join(who, ", "); got != "as json true, as text true, first true, second true" {
		t.Errorf("%s", got)
	}
}
