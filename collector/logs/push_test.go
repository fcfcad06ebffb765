package logs

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func fields(kv ...string) *common.AnyValue {
	list := &common.KeyValueList{}
	for i := 0; i < len(kv); i += 2 {
		list.Values = append(list.Values, &common.KeyValue{Key: kv[i], Value: text(kv[i+1])})
	}
	return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: list}}
}

// request is a request of a sender that says which cluster it is about, where that is not empty.
func request(cluster string, bodies ...*common.AnyValue) *logspb.LogsData {
	r := &logspb.ResourceLogs{Resource: &resource.Resource{}, ScopeLogs: []*logspb.ScopeLogs{{}}}
	if cluster != "" {
		r.Resource.Attributes = []*common.KeyValue{{Key: "kafka.cluster.id", Value: text(cluster)}}
	}
	for _, b := range bodies {
		r.ScopeLogs[0].LogRecords = append(r.ScopeLogs[0].LogRecords, &logspb.LogRecord{Body: b})
	}
	return &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{r}}
}

// sent is a collector that is sent its lines, and a sink that keeps what it tells.
type sent struct {
	*told
	c    *Collector
	desk *Desk
	wg   sync.WaitGroup
}

func newSent(t *testing.T) *sent {
	t.Helper()
	w := &sent{told: &told{T: t, board: board(), sink: &keeper{positions: map[string][]byte{}}, round: t0.Add(14 * time.Minute)}}
	w.restart()
	t.Cleanup(w.wg.Wait)
	return w
}

func (w *sent) restart() {
	w.Helper()
	c, err := New(Config{Name: "west", Push: true, Interval: tick, Board: w.board}, w.sink)
	if err != nil {
		w.Fatal(err)
	}
	w.c, w.src, w.desk = c, c.source, NewDesk(w.board, c)
	w.take = collector.Runner{Interval: tick}.ByHand(c.inbox, w.sink)
}

// push sends bodies, which wait for the next round then.
func (w *sent) push(bodies ...*common.AnyValue) {
	w.Helper()
	r, err := w.desk.Take("", request("", bodies...))
	if err != nil || r.Rejected > 0 {
		w.Fatalf("%v, %d rejected: %s", err, r.Rejected, r.Why)
	}
	waits := w.c.inbox.Waits()
	w.wg.Go(func() {
		if err := r.Deliver(context.Background()); err != nil {
			w.Error(err)
		}
	})
	for w.c.inbox.Waits() == waits {
		time.Sleep(time.Millisecond)
	}
}

// TestSentLines: what is sent tells what the same lines in a file tell, and told again, as after an answer that was
// lost, it tells nothing more, over a restart too.
func TestSentLines(t *testing.T) {
	w := newSent(t)
	lines := []string{producedAt("a", 100, 1), producedAt("b", 117, 2), producedAt("a", 125, 3)}
	var bodies []*common.AnyValue
	for i, l := range lines {
		if i == 1 {
			bodies = append(bodies, fields("level", "DEBUG", "message", l))
			continue
		}
		bodies = append(bodies, text(l+"\n"))
	}
	want := map[string]int64{"a": 17, "b": 8}
	for stage := range 4 {
		w.push(bodies...)
		said := w.next()
		if got := w.claimedOf(); !maps.Equal(got, want) {
			t.Errorf("sent %d times: claimed %v, want %v", stage+1, got, want)
		}
		if stage == 0 && !strings.Contains(said, "write orders: a as User:alice") {
			t.Errorf("told %s", said)
		}
		if stage == 1 {
			w.restart()
		}
	}
	if at := w.sink.obs[0].Source; at != (lineage.Source{Cluster: "west", Name: SourcePush}) {
		t.Errorf("told by %v", at)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	w := newSent(t)
	for _, x := range []struct {
		name, token string
		m           *logspb.LogsData
		rejected    int64
		why         string
	}{
		{"no line", "", request("", text(""), fields("a", "b"), &common.AnyValue{}), 3, "no line"},
		{"a line that is too long", "", request("", text(strings.Repeat("x", 2<<20))), 1, "longer than"},
		{"another cluster", "", request("X", text("x")), 1, "no cluster that is watched"},
		{"a token of another", "east", request("", text("x"), text("y")), 2, "not taken"},
		{"garbage is a line", "", request("", text("\x00{{{")), 0, ""},
		{"nothing", "", &logspb.LogsData{}, 0, ""},
	} {
		r, err := w.desk.Take(x.token, x.m)
		if err != nil || r.Rejected != x.rejected || !strings.Contains(r.Why, x.why) {
			t.Errorf("%s: %v, %d rejected: %q", x.name, err, r.Rejected, r.Why)
		}
	}
	w.board.Await("south")
	if _, err := w.desk.Take("", request("Y", text("x"))); err == nil {
		t.Error("a request of a cluster that may not have been reached yet is not to be sent again")
	}
}

func TestBatteryPush(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		var c *Collector
		b, quiet, n := board(), false, 0
		var senders sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(func() { cancel(); senders.Wait() })
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				var err error
				if c, err = New(Config{Name: "west", Push: true, Interval: tick, Board: b, Silence: tick / 2}, sink); err != nil {
					t.Fatal(err)
				}
				return c.inbox
			},
			Live: func(time.Time) {
				if quiet {
					return
				}
				n++
				r, err := NewDesk(b, c).Take("", request("", text(produced(fmt.Sprint("app-", n), "unknown", n))))
				if err != nil {
					t.Fatal(err)
				}
				waits := c.inbox.Waits()
				senders.Go(func() { _ = r.Deliver(ctx) })
				for c.inbox.Waits() == waits {
					time.Sleep(time.Millisecond)
				}
			},
			Break: func(b bool) { quiet = b },
			Hang:  func(b bool) { quiet = b },
			Spoil: func(collector.Source) { c.source.digest.strings = nil },
		}
	})
}

// What follows the newest line that was sent is not its writer's, however long it rests: the lines that tell whose it
// is may wait with the sender, while others of before come.
func TestSentLinesMayBeBehind(t *testing.T) {
	w := newSent(t)
	w.push(text(producedAt("a", 100, 1)), text(producedAt("b", 110, 2)))
	w.next()
	for range 3 {
		w.board.SetEnds("west-id", w.round.Add(tick), func(string) collector.Ends { return collector.Ends{Offsets: []int64{500}} })
		w.push(text(produced("other", "items", 1)))
		w.next()
	}
	got := w.claimedOf()
	delete(got, "other")
	if want := map[string]int64{"a": 10, "b": 0}; !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}
