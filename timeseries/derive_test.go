package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestWhatIsDerivedAnewTouchesWhatChanged puts random samples into the place of others: what lies up to a tick stays,
// the rest is what was derived, and the answers that change are those of windows that end after the first advance that
// is another now; none, where all came out alike. What a sealed block marks is looked at again only where that changed.
func TestWhatIsDerivedAnewTouchesWhatChanged(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 41))
	e := testEngine(t)
	same := 0
	for range 4000 {
		e.ledgers, e.touched = newLedgers(), never
		e.ledgers.closed = r.Int64N(60)
		x := &ledger{dirty: never, late: never, out: map[*series]*words{}}
		s := &series{key: seriesKey{Metric: lineage.Records, Evidence: lineage.Elimination}, derived: true}
		random := func(after int64) (out []sample) {
			total := s.at(after)
			for tick := after + 1 + r.Int64N(5); tick < 80 && r.IntN(12) > 0; tick += 1 + r.Int64N(9) {
				total += r.Int64N(4)
				out = append(out, sample{value: total, tick: tick, span: int32(1 + r.Int64N(min(tick, 30))), estimated: r.IntN(8) == 0})
			}
			return out
		}
		s.head.set(random(0), s.base)
		was := s.head.since(0)
		after := r.Int64N(80)
		kept := slices.DeleteFunc(slices.Clone(was), func(y sample) bool { return y.tick > after })
		next := random(after)
		if r.IntN(2) == 0 { // only the end is another
			next = slices.Clone(was[len(kept):])
			if n := len(next); n > 0 && r.IntN(2) == 0 {
				next = next[:r.IntN(n)]
			}
		}
		want := append(slices.Clone(kept), next...)
		e.renew(x, s, after, next)
		if got := s.head.since(0); !slices.Equal(got, want) {
			t.Fatalf("after %d %v of %v became %v, want %v", after, next, was, got, want)
		}
		first, marked := int64(never), int64(never) // where what is answered is another now
		for i, y := range [...][]sample{was, want} {
			other := [...][]sample{want, was}[i]
			for k, z := range y {
				if k >= len(other) || !slices.Equal(y[:k+1], other[:k+1]) {
					first = min(first, z.tick-int64(z.span))
					marked = min(marked, e.marked(z.tick-int64(z.span), z.tick).a)
				}
			}
		}
		if slices.Equal(was, want) {
			if same++; e.touched != never || x.late != never {
				t.Fatalf("nothing became another, and answers after %d did, sealed ones after %d", e.touched, x.late)
			}
			continue
		}
		if e.touched > first {
			t.Fatalf("after %d %v became %v: answers after %d changed, and it is said of those after %d", after, was, want, first, e.touched)
		}
		if marked < e.ledgers.closed && x.late == never {
			t.Fatalf("after %d %v became %v, which marks what is sealed up to %d, and nobody looks at that", after, was, want, e.ledgers.closed)
		}
	}
	if same == 0 {
		t.Error("nothing ever stayed as it was")
	}
}

// TestWhoWaitedWaitsNoMore joins what was settled of blocks that follow one another: whoever waited at the end of one
// and is not said to wait in the next is done waiting from its first step on, and before that he waits.
func TestWhoWaitedWaitsNoMore(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 43))
	const length = 12
	sources := []*source{{id: 0}}
	waits := 0
	for range 3000 {
		var all derivations
		level := make([]int64, 1) // the model, by tick
		blocks := 1 + r.IntN(5)
		for b := range int64(blocks) {
			g := &gathering{by: []uint16{0}}
			if r.IntN(4) > 0 {
				g.first = b*length + 1 + r.Int64N(length)
			}
			var settled []lineage.Settled
			said := map[int64]int64{}
			if r.IntN(2) == 0 {
				y := lineage.Settled{Metric: lineage.Pending, Access: settledPending}
				for tick := b*length + 1 + r.Int64N(4); tick <= (b+1)*length; tick += 1 + r.Int64N(6) {
					said[tick] = r.Int64N(2)
					y.Readings = append(y.Readings, lineage.Reading{From: tick - 1, To: tick, Value: said[tick]})
				}
				settled = append(settled, y)
			}
			for tick := b*length + 1; tick <= (b+1)*length; tick++ {
				now := level[tick-1]
				if v, ok := said[tick]; ok {
					now = v
				} else if len(settled) == 0 && g.first > 0 && tick >= g.first {
					now = 0
				}
				level = append(level, now)
			}
			all.add(settled, g, sources)
		}
		if len(all) > 1 {
			t.Fatalf("%d series, want one", len(all))
		}
		for tick, want := range level {
			got := int64(0)
			for _, x := range all {
				for _, y := range x.Readings {
					if y.To <= int64(tick) {
						got = y.Value
					}
				}
			}
			if waits += int(want); got != want {
				t.Fatalf("at tick %d the level is %d, want %d: %v of %v", tick, got, want, all, level)
			}
		}
	}
	if waits == 0 {
		t.Error("nobody ever waited")
	}
}

var settledPending = lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: settledMover("a")}

// TestSettlingBeginsBetweenSteps gives a topic random steps: settling begins at the latest tick, no later than it is
// asked to, over which no step of its block reaches.
func TestSettlingBeginsBetweenSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 44))
	e := testEngine(t)
	moved := 0
	for range 3000 {
		x := &ledger{}
		for _, m := range [...]lineage.Metric{lineage.Left, lineage.Mixed, lineage.Claimed} {
			s := &series{key: seriesKey{Metric: m}}
			for tick := 1 + r.Int64N(9); tick < 200; tick += 1 + r.Int64N(15) {
				s.head.push(sample{tick: tick, span: int32(1 + r.Int64N(min(tick, 40)))}, 0)
			}
			x.told = append(x.told, s)
		}
		free := func(at int64) bool {
			for _, s := range x.told {
				for _, y := range s.head.since(0) {
					from := y.tick - int64(y.span)
					if s.key.Metric != lineage.Claimed && from < at && at < y.tick && from >= e.block(rawTier, y.tick) {
						return false
					}
				}
			}
			return true
		}
		after := r.Int64N(200)
		want := after
		for !free(want) {
			want--
		}
		if want < after {
			moved++
		}
		if got := e.settleFrom(x, after); got != want {
			t.Fatalf("asked to begin after %d it begins after %d, want %d", after, got, want)
		}
	}
	if moved == 0 {
		t.Error("no step was ever in the way")
	}
}

// TestEachSampleRestsOnItsOwnSource has one source tell of a topic in one hour and another in the next, all at once:
// what is derived of each hour rests on who told of it, as it does once the hour is sealed.
func TestEachSampleRestsOnItsOwnSource(t *testing.T) {
	t.Parallel()
	o := lateOptions()
	o.Settle = func(l *lineage.Ledger) (out []lineage.Settled, open int64) {
		for _, x := range l.Told {
			if len(x.Readings) > 0 {
				out = append(out, lineage.Settled{Access: settledPending, Metric: lineage.Records, Evidence: lineage.Elimination, By: x.By, Readings: slices.Clone(x.Readings)})
			}
		}
		return out, 0
	}
	s := NewMemory(o)
	defer func() { must(t, s.Close()) }()
	var all []lineage.Observation
	for n := 1; n <= 24; n++ {
		name, metric := "one", lineage.Left
		if n > 12 {
			name, metric = "two", lineage.Mixed
		}
		all = append(all, lineage.Observation{
			Source: lineage.Source{Cluster: "west", Name: name}, Round: lateAt(n), Interval: lateTick, At: lateAt(n),
			Samples: []lineage.Sample{{Subject: lineage.Access{Topic: settledTopic}, Metric: metric, Value: int64(n)}},
		})
	}
	must(t, s.Append(t.Context(), all...))
	x := entryOf(s.engine, settledPending).subject.find(lineage.Records, lineage.Elimination)
	hour, samples := s.block(rawTier, s.floor(lateAt(13))), x.head.since(0)
	for _, y := range samples {
		want := "one"
		if y.tick > hour {
			want = "two"
		}
		if got := s.sources[y.src].name.Name; got != want {
			t.Errorf("what was derived of tick %d rests on source %s, want %s", y.tick-hour, got, want)
		}
	}
	if len(samples) != 24 {
		t.Errorf("%d samples, want 24", len(samples))
	}
}
