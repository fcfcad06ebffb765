package rhythm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

const tick = 10 * time.Second

var t0 = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)

// world takes rounds of one source.
type world struct {
	t         *testing.T
	cfg       Config
	tracker   *Tracker
	round     time.Time
	totals    map[lineage.Access]int64
	events    []lineage.Event
	positions map[string][]byte
	saves     int
}

func newWorld(t *testing.T, cfg Config) *world {
	cfg.Tick = tick
	return &world{t: t, cfg: cfg, tracker: New(cfg), round: t0, totals: map[lineage.Access]int64{}, positions: map[string][]byte{}}
}

// take takes a round in which accesses moved; with adds to the observation. It returns the events.
func (w *world) take(moved []lineage.Access, with ...func(*lineage.Observation)) []lineage.Event {
	w.t.Helper()
	w.round = w.round.Add(tick)
	o := &lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: w.round, Interval: tick}
	for _, a := range moved {
		w.totals[a]++
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: w.totals[a]})
	}
	for _, f := range with {
		f(o)
	}
	w.tracker.Observe([]*lineage.Observation{o})
	for _, p := range w.tracker.Positions() {
		w.saves++
		if p.Value == nil {
			delete(w.positions, p.Key)
		} else {
			w.positions[p.Key] = p.Value
		}
	}
	w.events = append(w.events, o.Events...)
	return o.Events
}

// quiet takes n rounds in which nothing moves.
func (w *world) quiet(n int) {
	w.t.Helper()
	for range n {
		w.take(nil)
	}
}

// run takes n rounds in which an access moves in each.
func (w *world) run(n int, a ...lineage.Access) {
	w.t.Helper()
	for range n {
		w.take(a)
	}
}

// restart begins anew from the positions, after rounds that nobody took.
func (w *world) restart(missed int) {
	w.t.Helper()
	w.tracker = New(w.cfg)
	w.tracker.Restore(w.positions, w.round, func(key string, err error) { w.t.Errorf("position %q: %v", key, err) })
	w.round = w.round.Add(time.Duration(missed) * tick)
}

// want compares all events so far: type, instant in seconds since the beginning, and a part of the detail.
func (w *world) want(events ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.events {
		got = append(got, fmt.Sprintf("%s %v %s", e.Type, e.At.Sub(t0), e.Detail))
	}
	ok := len(got) == len(events)
	for i := range min(len(got), len(events)) {
		at, detail, _ := strings.Cut(events[i], " | ")
		ok = ok && strings.HasPrefix(got[i], at+" ") && strings.Contains(got[i], detail)
	}
	if !ok {
		w.t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(events, "\n"))
	}
}

func reading(group string) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: "west-id", Name: "orders", ID: lineage.TopicID{1}}, Op: lineage.Read, Client: lineage.Client{Group: group}}
}

func writing(c lineage.Client) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: "west-id", Name: "orders", ID: lineage.TopicID{1}}, Op: lineage.Write, Client: c}
}

func TestSteadyFlowBeginsAndEnds(t *testing.T) {
	w, a := newWorld(t, Config{}), reading("billing")
	w.quiet(30)
	w.run(30, a) // to 600 s
	w.quiet(40)
	w.run(1, a) // 1010 s
	w.want(
		"FLOW_STARTED 5m10s | the first that moved since 2026-11-26T08:00:10Z",
		"FLOW_STOPPED 10m0s | nothing moved in the 1m0s since, and 10s was its longest pause before",
		"FLOW_STARTED 16m50s | nothing moved for 6m50s before",
	)
	if w.events[1].Access != a {
		t.Errorf("the event is about %+v", w.events[1].Access)
	}
}

// Who moves when watching begins, or soon after, was there before as far as anybody knows.
func TestWhatWasThereBeforeDidNotBegin(t *testing.T) {
	w := newWorld(t, Config{})
	w.run(1, reading("a"))
	w.quiet(3)
	w.run(30, reading("a"), reading("b"))
	w.want()

	born := newWorld(t, Config{Born: func(a lineage.Access) bool { return a.Client.Group == "new" }})
	born.run(3, reading("old"))
	born.run(3, reading("old"), reading("new"))
	born.want("FLOW_STARTED 40s | the first that moved")

	// A topic that only came into sight.
	seen := newWorld(t, Config{Since: func(lineage.Access) time.Time { return t0.Add(30 * tick) }})
	seen.quiet(29)
	seen.run(10, reading("old"))
	seen.want()
}

func TestRhythmIsLearned(t *testing.T) {
	for what, c := range map[string]struct{ on, off int }{
		"once a minute":                 {1, 5},
		"ten seconds of thirty":         {1, 2},
		"half a minute of each two":     {3, 8},
		"a minute of movement in three": {6, 8},
	} {
		t.Run(what, func(t *testing.T) {
			w, a := newWorld(t, Config{}), reading("job")
			w.quiet(30)
			for range 30 {
				w.run(c.on, a)
				w.quiet(c.off)
			}
			w.want("FLOW_STARTED 5m10s")
			w.quiet(200)
			if len(w.events) != 2 || w.events[1].Type != lineage.FlowStopped {
				t.Errorf("it never stopped: %v", w.events)
			}
		})
	}
	t.Run("each ten minutes", func(t *testing.T) {
		w, a := newWorld(t, Config{}), reading("job")
		w.quiet(30)
		for range 20 {
			w.run(1, a)
			w.quiet(59)
		}
		// Two rests of the same length make a rhythm.
		if n := len(w.events); n != 5 {
			t.Errorf("%d events, want a beginning, and twice an end and another beginning: %v", n, w.events)
		}
	})
	t.Run("a rest that comes once is none", func(t *testing.T) {
		w, a := newWorld(t, Config{}), reading("job")
		w.quiet(30)
		w.run(30, a)
		w.quiet(60)
		w.run(30, a)
		before := w.round
		w.quiet(12)
		if e := w.events[len(w.events)-1]; e.Type != lineage.FlowStopped || !e.At.Equal(before) {
			t.Errorf("the second end is not told: %v", w.events)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		w, a := newWorld(t, Config{}), reading("job")
		w.quiet(30)
		for range 10 {
			w.run(1, a)
			w.quiet(299) // 50 min
		}
		w.quiet(61)
		if e := w.events[len(w.events)-1]; e.Type != lineage.FlowStopped {
			t.Errorf("silent for %v and not stopped", w.round.Sub(w.tracker.began["groups"]))
		}
	})
}

func TestAGapIsNotSilence(t *testing.T) {
	missing := func(m lineage.Missing) func(*lineage.Observation) {
		return func(o *lineage.Observation) { o.Missing = append(o.Missing, m) }
	}
	a := reading("billing")
	for what, m := range map[string]lineage.Missing{
		"all":       {All: true, Share: 1},
		"its topic": {Topics: []lineage.Topic{a.Topic}},
		"its group": {Groups: []lineage.GroupRef{{Group: "billing"}}},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, Config{})
			w.run(20, a)
			for range 30 {
				w.take(nil, missing(m))
			}
			w.want()
			w.quiet(5) // soon after it can be seen again nothing is decided
			w.want()
			w.quiet(3) // it did not move all the while: what is told are totals
			w.want("FLOW_STOPPED 3m20s")
		})
		t.Run(what+" and it moved", func(t *testing.T) {
			w := newWorld(t, Config{})
			w.run(20, a)
			for range 30 {
				w.take(nil, missing(m))
			}
			w.take([]lineage.Access{a}, func(o *lineage.Observation) { o.Samples[0].Since = t0.Add(20 * tick) })
			w.quiet(20)
			w.want("FLOW_STOPPED 8m30s | between 2026-11-26T08:03:20Z and 2026-11-26T08:08:30Z, while nobody watched")
		})
	}
	t.Run("out of sight", func(t *testing.T) {
		hidden := false
		w := newWorld(t, Config{Visible: func(lineage.Access) bool { return !hidden }})
		w.run(20, a)
		hidden = true
		w.quiet(int(unseenFor/tick) + 100)
		w.want()
		if n := len(w.tracker.running["groups"]); n != 0 {
			t.Errorf("%d flows are kept that nobody sees", n)
		}
	})
}

func TestRestart(t *testing.T) {
	a := reading("billing")
	for _, missed := range []int{0, 1, 50} {
		t.Run(fmt.Sprint(missed), func(t *testing.T) {
			w := newWorld(t, Config{})
			w.run(40, a)
			before := w.saves
			w.run(40, a)
			if w.saves > before+1 {
				t.Errorf("%d positions were saved of a flow that goes on", w.saves-before)
			}
			w.restart(missed)
			w.run(40, a)
			w.want()
			w.quiet(4)
			w.restart(0)
			w.quiet(10)
			if len(w.events) != 1 || w.events[0].Type != lineage.FlowStopped {
				t.Errorf("events %v", w.events)
			}
			w.restart(missed)
			w.quiet(100)
			if len(w.events) != 1 {
				t.Errorf("events %v", w.events)
			}
		})
	}
	t.Run("a pause that was not seen is no rhythm", func(t *testing.T) {
		w := newWorld(t, Config{})
		w.run(40, a)
		w.restart(6)
		w.quiet(1)
		w.run(40, a)
		w.quiet(7)
		w.want("FLOW_STOPPED 14m30s | and 10s was its longest pause")
	})
	t.Run("stopped meanwhile", func(t *testing.T) {
		w := newWorld(t, Config{})
		w.run(40, a)
		w.restart(60)
		w.take([]lineage.Access{a}, func(o *lineage.Observation) { o.Samples[0].Since = t0.Add(40 * tick) })
		w.quiet(20)
		w.want("FLOW_STOPPED 16m50s | between 2026-11-26T08:06:40Z and 2026-11-26T08:16:50Z, while nobody watched")
	})
	t.Run("began meanwhile", func(t *testing.T) {
		w := newWorld(t, Config{})
		w.quiet(40)
		w.restart(60)
		w.take([]lineage.Access{a}, func(o *lineage.Observation) { o.Samples[0].Since = t0.Add(40 * tick) })
		w.run(20, a)
		w.want("FLOW_STARTED 16m50s | between 2026-11-26T08:06:40Z and 2026-11-26T08:16:50Z, while nobody watched; the first that moved")
	})
}

// Connections come and go; the application is one.
func TestOneApplicationIsOneFlow(t *testing.T) {
	w := newWorld(t, Config{Application: func(id string) string { return strings.TrimRight(id, "-0123456789") }})
	w.quiet(30)
	for i := range 100 {
		w.run(1, writing(lineage.Client{Producer: lineage.KnownProducer(int64(i / 3))}), writing(lineage.Client{TransactionalID: fmt.Sprintf("enricher-%d", i%7)}))
	}
	for range 10 {
		w.run(1, writing(lineage.Client{Kind: lineage.Remainder}))
	}
	if len(w.events) != 3 || w.events[0].Type != lineage.FlowStarted || w.events[1].Type != lineage.FlowStarted || w.events[2].Type != lineage.FlowStopped || w.events[2].Access.Client.TransactionalID == "" {
		t.Errorf("events %v", w.events)
	}
}

// What waits is told of when that was seen: some of it may have come after the reader stopped.
func TestWhatIsLeftToRead(t *testing.T) {
	for lag, want := range map[int64]string{0: "nothing was left to read", 7: "7 records waited for it by 2026-11-26T08:06:00Z"} {
		w, a := newWorld(t, Config{}), reading("billing")
		w.run(30, a)
		w.take(nil, func(o *lineage.Observation) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: lag})
		})
		w.quiet(20)
		w.want("FLOW_STOPPED 5m0s | " + want)
	}
}

// A reader that lives and has not committed may be at work.
func TestWhatIsPendingHasNotStopped(t *testing.T) {
	w, a := newWorld(t, Config{}), reading("billing")
	pending := func(v int64) func(*lineage.Observation) {
		return func(o *lineage.Observation) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Pending, Value: v})
		}
	}
	w.run(30, a)
	w.take(nil, pending(1))
	w.quiet(60)
	w.want()
	w.take(nil, pending(0))
	w.want("FLOW_STOPPED 5m0s")
}

func TestWhatIsDeletedStops(t *testing.T) {
	a := reading("billing")
	w := newWorld(t, Config{})
	w.run(30, a)
	w.take(nil, func(o *lineage.Observation) {
		o.Events = append(o.Events, lineage.Event{Type: lineage.TopicDeleted, Topic: a.Topic})
	})
	w.want("TOPIC_DELETED -2562047h47m16.854775808s", "FLOW_STOPPED 5m0s | the topic was deleted")
	w = newWorld(t, Config{})
	w.run(30, a)
	w.take(nil, func(o *lineage.Observation) {
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Kind: lineage.GroupFacts, Name: "billing"}, Gone: true})
	})
	w.want("FLOW_STOPPED 5m0s | the group was deleted")
}

func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t, Config{})
	w.quiet(30)
	for i := range 60 {
		var moved []lineage.Access
		for j := range 1000 {
			moved = append(moved, reading(fmt.Sprintf("run-%d-%d", i, j)))
		}
		w.take(moved)
	}
	w.quiet(30)
	if n := len(w.tracker.resting); n > mostResting || n < mostResting/2 {
		t.Errorf("%d flows are remembered, the cap is %d", n, mostResting)
	}
	if n := len(w.positions); n > mostResting+1 {
		t.Errorf("%d positions are kept", n)
	}
	w.round = w.round.Add(restingFor)
	w.quiet(1)
	if n := len(w.tracker.resting) + len(w.positions); n > 1 {
		t.Errorf("%d are remembered after a week", n)
	}
}

// What is not followed for want of room has not begun when there is some.
func TestWhatIsNotFollowedDidNotBegin(t *testing.T) {
	w := newWorld(t, Config{Most: 2})
	w.run(10, reading("a"), reading("b"))
	for n := range 10 {
		w.run(1, reading("a"), reading("b"), reading("c"), reading("d"), reading("d"))
		if got := w.tracker.NotFollowed("groups", w.round); got != 2 {
			t.Errorf("round %d: %d are not followed", n, got)
		}
	}
	w.run(20, reading("b")) // to 400 s
	if got := w.tracker.NotFollowed("groups", w.round); got != 0 {
		t.Errorf("%d are not followed", got)
	}
	w.run(1, reading("b"), reading("c"))
	w.want("FLOW_STOPPED 3m20s")
	w.run(int(mostPause/tick), reading("b"))
	w.run(1, reading("b"), reading("d"))
	w.want("FLOW_STOPPED 3m20s", "FLOW_STOPPED 6m50s", "FLOW_STARTED 1h7m0s | the first that moved since 2026-11-26T08:03:20Z, when watching began")
}

// Whatever moves and can be seen, beginnings and ends of a flow alternate, and an end is where it last moved.
func TestBeginningsAndEndsAlternate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		w, a := newWorld(t, Config{}), reading("billing")
		w.quiet(30)
		rate, last := r.Float64(), time.Time{}
		for range 3000 {
			switch x := r.IntN(200); x {
			case 0:
				rate = r.Float64() * r.Float64() * r.Float64()
			case 1:
				w.restart(r.IntN(30))
			}
			if r.Float64() < rate {
				w.take([]lineage.Access{a})
				last = w.round
			} else {
				for _, e := range w.take(nil) {
					if e.Type != lineage.FlowStopped || last.Sub(e.At) > 3*tick || e.At.Sub(last) > 3*tick {
						t.Fatalf("%s at %v, it moved last at %v", e.Type, e.At, last)
					}
				}
			}
		}
		for i, e := range w.events {
			if want := []lineage.EventType{lineage.FlowStarted, lineage.FlowStopped}[i%2]; e.Type != want {
				t.Fatalf("event %d is %s", i, e.Type)
			}
		}
	}
}

func TestPositionsComeBack(t *testing.T) {
	w := newWorld(t, Config{})
	a := lineage.Access{Topic: lineage.Topic{Cluster: "west/id", Name: "\xffa/b", ID: lineage.TopicID{9}}, Op: lineage.Write, Client: lineage.Client{
		Kind: lineage.Remainder, ClientID: "c", Group: "g", Member: "m", TransactionalID: "t", Principal: "p", Host: "h", Producer: 7, Software: "s/1", Instance: "i",
		Mover: lineage.Node{Scope: "s", Kind: lineage.ConnectorNode, Name: "n"},
	}, Dataset: lineage.Dataset{Namespace: "ns", Name: "d"}}
	w.run(3, a)
	f := w.tracker.running["groups"][w.tracker.key("groups", &a)]
	d := varint.Decoder{Left: f.encode()}
	d.Uint()
	back := decodeFlow(&d)
	back.seen, back.lookAt, back.dirty = f.seen, f.lookAt, f.dirty
	if err := d.Done(); err != nil || *back != *f {
		t.Errorf("%+v becomes %+v, %v", f, back, err)
	}
	for cut := range len(f.encode()) {
		bad, again := 0, New(w.cfg)
		again.Restore(map[string][]byte{Prefix + "x": f.encode()[:cut]}, w.round, func(string, error) { bad++ })
		if gone := again.Positions(); bad != 1 || len(gone) != 1 || gone[0].Key != Prefix+"x" || gone[0].Value != nil {
			t.Fatalf("a position of %d bytes is read, or not removed: %v", cut, gone)
		}
	}
}

// BenchmarkRound is a round in which ten thousand flows move.
func BenchmarkRound(b *testing.B) {
	const flows = 10_000
	t := New(Config{Tick: tick})
	o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: t0, Interval: tick}
	for i := range flows {
		o.Samples = append(o.Samples, lineage.Sample{Subject: reading(fmt.Sprintf("group-%d", i)), Metric: lineage.Records, Value: 1})
	}
	b.ReportAllocs()
	for b.Loop() {
		o.Round = o.Round.Add(tick)
		t.Observe([]*lineage.Observation{&o})
		t.Positions()
	}
}
