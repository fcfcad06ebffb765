package answer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// going is one reader in a world in which its topic grows by a hundred records each tick.
type going struct {
	*world
	topic  lineage.Topic
	reader lineage.Access
	lag    int64 // records
	late   int64 // milliseconds; 0: as long as the topic took to grow by the lag
}

func newGoing(t testing.TB) *going {
	t.Helper()
	o := topic("orders")
	return &going{world: newWorld(t), topic: o, reader: reads(o, group("billing"))}
}

func (g *going) flow() lineage.Flow {
	return lineage.Flow{From: topicNode("orders"), To: application("billing")}
}

// round lets the topic grow, and the reader read; how late it is is how long the topic took to grow by what it lags.
func (g *going) round(n int, grown, read int64, fill ...filling) {
	if n == 1 {
		fill = append(fill, facts(clusterFact(1), topicFact(g.topic)))
	}
	g.lag += grown - read
	late := g.late
	if late == 0 {
		late = g.lag * 100
	}
	g.observe("west", "all", n, append(fill, g.moved(self(g.topic), lineage.NoEvidence, grown), g.moved(g.reader, lineage.GroupOffsets, read),
		level(g.reader, lineage.Lag, g.lag), level(g.reader, lineage.LagMillis, late))...)
}

// stateAt asks for the state at the end of a window, and says it as text: MOVING, STOPPED 30.
func stateAt(t testing.TB, a *answer.Answers, f lineage.Flow, from, to int) string {
	t.Helper()
	v := view(t, a, answer.Between(round(from), round(to)), answer.All)
	s, err := v.Rows(nil, []lineage.Flow{f}).Flow(f).State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := map[answer.FlowState]string{
		answer.NoState: "not known", answer.Moving: "MOVING", answer.CatchingUp: "CATCHING_UP", answer.FallingBehind: "FALLING_BEHIND",
		answer.Paused: "PAUSED", answer.Idle: "IDLE", answer.Stalled: "STALLED", answer.Stopped: "STOPPED",
	}[s.Is]
	if !s.Since.IsZero() {
		said += fmt.Sprint(" ", int(s.Since.Sub(midnight)/tick))
	}
	return said
}

// How a flow goes is told of the window's end, wherever the window begins, and only where it was seen.
func TestFlowState(t *testing.T) {
	const (
		last = 120 // rounds
		old  = 400 // more than the longest pause
	)
	stopped := func(at int) filling {
		return happenedAt(at, lineage.Event{Type: lineage.FlowStopped, Access: reads(topic("orders"), group("billing"))})
	}
	nobody, there := level(reads(topic("orders"), group("billing")), lineage.Live, 0), level(reads(topic("orders"), group("billing")), lineage.Live, 1)
	for name, c := range map[string]struct {
		end  int
		play func(g *going, n int)
		want string
	}{
		"it moves": {last, func(g *going, n int) { g.round(n, 100, 100) }, "MOVING"},
		"a commit in each eleventh round": {last, func(g *going, n int) {
			if n%11 == 5 {
				g.round(n, 100, 1100)
			} else {
				g.round(n, 100, 0)
			}
		}, "MOVING"},
		"stopped in a usual window, and that is no pause of it": {last, func(g *going, n int) {
			read := int64(100)
			if n > last-20 {
				read = 0
			}
			if n == last-10 {
				g.round(n, 100, read, stopped(last-20))
			} else {
				g.round(n, 100, read)
			}
		}, fmt.Sprint("STALLED ", last-20)},
		"its end is told within two minutes": {last, func(g *going, n int) {
			if n == last {
				g.round(n, 100, 0, stopped(last-9))
			} else {
				g.round(n, 100, map[bool]int64{n <= last-9: 100}[true])
			}
		}, fmt.Sprint("STALLED ", last-9)},
		"nobody is there since a moment ago": {last, func(g *going, n int) {
			if n > last-4 {
				g.round(n, 100, 0, nobody)
			} else {
				g.round(n, 100, 100, there)
			}
		}, fmt.Sprint("STOPPED ", last-4)},
		"stopped before a usual window, and nobody is there": {last, func(g *going, n int) {
			read, who := int64(100), there
			if n > last-90 {
				read, who = 0, nobody
			}
			if n == last-80 {
				g.round(n, 100, read, who, stopped(last-90))
			} else {
				g.round(n, 100, read, who)
			}
		}, fmt.Sprint("STOPPED ", last-90)},
		"it is silent, and nobody says that it is no pause": {last, func(g *going, n int) {
			read := int64(100)
			if n > last-90 {
				read = 0
			}
			g.round(n, 100, read)
		}, fmt.Sprint("PAUSED ", last-90)},
		"it is silent for longer than any pause": {old + 10, func(g *going, n int) {
			read := int64(100)
			if n > 30 {
				read = 0
			}
			g.round(n, 100, read)
		}, "STALLED 30"},
		"it is silent and has read all": {last, func(g *going, n int) {
			if n > last-20 {
				g.round(n, 0, 0, there)
			} else {
				g.round(n, 100, 100, there)
			}
		}, fmt.Sprint("IDLE ", last-20)},
		"nobody is there, and nothing waits": {old + 10, func(g *going, n int) {
			if n > 30 {
				g.round(n, 0, 0, nobody)
			} else {
				g.round(n, 100, 100, there)
			}
		}, "STOPPED 30"},
		"somebody is there, it is silent, and what waits is not known": {old + 10, func(g *going, n int) {
			if n > 30 {
				g.observe("west", "all", n, g.moved(self(g.topic), lineage.NoEvidence, 0), g.moved(g.reader, lineage.GroupOffsets, 0),
					there, level(g.reader, lineage.Lag, lineage.Unknown))
			} else {
				g.round(n, 100, 100, there)
			}
		}, "not known"},
		"it goes on after an end": {last, func(g *going, n int) {
			read := int64(100)
			if n > 50 && n < 80 {
				read = 0
			}
			if n == 60 {
				g.round(n, 100, read, stopped(50))
			} else {
				g.round(n, 100, read)
			}
		}, "MOVING"},
		"it falls behind": {last, func(g *going, n int) { g.round(n, 100, 50) }, "FALLING_BEHIND"},
		"it fell behind from a round on": {last, func(g *going, n int) {
			read := int64(100)
			if n > last-40 {
				read = 20
			}
			g.round(n, 100, read)
		}, fmt.Sprint("FALLING_BEHIND ", last-40)},
		"it catches up": {last, func(g *going, n int) {
			g.lag = max(g.lag, 100)
			if n == 1 {
				g.lag = 20_000
			}
			g.round(n, 100, 200)
		}, "CATCHING_UP"},
		"it is behind, and stays so": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 5000
			}
			g.round(n, 100, 100)
		}, "MOVING"},
		"it grows by less than a commit interval": {last, func(g *going, n int) { g.round(n, 100, 96) }, "MOVING"},
		"it commits seldom and keeps up": {last, func(g *going, n int) {
			if n%9 == 0 {
				g.round(n, 100, 900)
			} else {
				g.round(n, 100, 0)
			}
		}, "MOVING"},
		"it has begun again, and catches up": {last, func(g *going, n int) {
			switch {
			case n > last-70 && n < last-35:
				g.round(n, 100, 0)
			case n >= last-35:
				g.round(n, 100, 150)
			default:
				g.round(n, 100, 100)
			}
		}, fmt.Sprint("CATCHING_UP ", last-36)},
		"it commits more seldom than can be looked at": {last, func(g *going, n int) {
			if n%40 == 28 {
				g.round(n, 100, g.lag+100)
			} else {
				g.round(n, 100, 0)
			}
		}, "MOVING"},
		"a bound grows because it is looked at for longer, and it catches up": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 50_000
			}
			g.late = int64(n) * 10_000
			g.round(n, 100, 400, level(g.reader, lineage.LagAtLeast, 1))
		}, "CATCHING_UP"},
		"it catches up, and how late it is nobody can tell": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 50_000
			}
			g.late = lineage.Unknown
			g.round(n, 100, 400)
		}, "CATCHING_UP"},
		"it falls behind, and how late it is nobody can tell": {last, func(g *going, n int) {
			g.late = lineage.Unknown
			g.round(n, 100, 50)
		}, "FALLING_BEHIND"},
		"how late it is nobody can tell, and it would have read all in less than a minute": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 450
			}
			g.late = lineage.Unknown
			g.round(n, 100, 100+map[bool]int64{n > last-30 && n%10 == 0: 50}[true])
		}, "MOVING"},
		"how late it is nobody can tell, and it changes by less than half a minute's reading": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 1200
			}
			g.late = lineage.Unknown
			g.round(n, 100, 100+map[bool]int64{n > last-30 && n%10 == 0: 80}[true])
		}, "MOVING"},
		"how late it is can be told only now, and it catches up": {last, func(g *going, n int) {
			if n == 1 {
				g.lag = 50_000
			}
			if g.late = lineage.Unknown; n > last-2 {
				g.late = 0
			}
			g.round(n, 100, 400)
		}, "CATCHING_UP"},
		"a gap at the end": {last, func(g *going, n int) {
			if n > last-5 {
				g.observe("west", "all", n, missing("no answer"))
				return
			}
			g.round(n, 100, 100)
		}, "not known"},
		"a round that is late": {last, func(g *going, n int) {
			if n == last {
				g.observe("west", "all", n, missing("no answer"))
				return
			}
			g.round(n, 100, 100)
		}, "MOVING"},
		"a gap at the end of a silence": {last, func(g *going, n int) {
			if n > last-5 {
				g.observe("west", "all", n, missing("no answer"))
				return
			}
			read := int64(100)
			if n > last-60 {
				read = 0
			}
			g.round(n, 100, read)
		}, "not known"},
		"what was read in a long gap": {last, func(g *going, n int) {
			switch {
			case n > last-50 && n < last-2:
				g.observe("west", "all", n, missing("no answer"))
			case n == last-2:
				f := g.moved(g.reader, lineage.GroupOffsets, 500)
				g.observe("west", "all", n, g.moved(self(g.topic), lineage.NoEvidence, 5000), func(o *lineage.Observation) {
					f(o)
					o.Samples[len(o.Samples)-1].Since = round(last - 51)
				}, level(g.reader, lineage.Lag, 4500))
			case n > last-2:
				g.round(n, 100, 0)
			default:
				g.round(n, 100, 100)
			}
		}, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGoing(t)
				for n := 1; n <= c.end; n++ {
					c.play(g, n)
				}
				time.Sleep(time.Until(round(c.end)) + time.Second)
				a := answers(g.store)
				for _, from := range []int{c.end - 1, c.end - 6, c.end - 60, 1} {
					if got := stateAt(t, a, g.flow(), from, c.end); got != c.want {
						t.Errorf("in a window of %d rounds: %s, want %s", c.end-from, got, c.want)
					}
				}
			})
		})
	}
}

// A reading that is taken after the window's end and reaches back over it may be of before or of after the end: that
// the flow rests then is not said, nor that it moves.
func TestStateBeforeALaterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGoing(t)
		for n := 1; n <= 120; n++ {
			f := g.moved(g.reader, lineage.GroupOffsets, map[bool]int64{n <= 20: 10, n == 100: 500}[true])
			g.observe("west", "all", n, g.moved(self(g.topic), lineage.NoEvidence, 10), func(o *lineage.Observation) {
				f(o)
				if n == 100 {
					o.Samples[len(o.Samples)-1].Since = round(30)
				}
				if n == 1 {
					facts(clusterFact(1), topicFact(g.topic))(o)
				}
			}, level(g.reader, lineage.Lag, 5))
		}
		time.Sleep(time.Until(round(120)) + time.Second)
		a := answers(g.store)
		for _, w := range [][2]int{{79, 80}, {20, 80}, {1, 80}, {1, 60}, {59, 60}} {
			if got := stateAt(t, a, g.flow(), w[0], w[1]); got != "not known" {
				t.Errorf("rounds %d to %d: %s", w[0], w[1], got)
			}
		}
		if got := stateAt(t, a, g.flow(), 99, 101); got != "MOVING" {
			t.Errorf("just after its commit: %s", got)
		}
	})
}

// Whatever happens, a state is the same wherever the window begins, a flow that is said to move moved a moment ago, and
// one that is said to rest moved last when it says.
func TestFlowStateLaws(t *testing.T) {
	const rounds = 240
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 25))
			g := newGoing(t)
			runs, dark := true, 0
			moved := map[int]bool{}
			seen := map[int]bool{}
			for n := 1; n <= rounds; n++ {
				if r.IntN(25) == 0 {
					runs = !runs
				}
				if r.IntN(30) == 0 {
					dark = 1 + r.IntN(12)
				}
				if dark--; dark >= 0 && n > 1 {
					g.observe("west", "all", n, missing("no answer"))
					continue
				}
				read := int64(0)
				if runs && r.IntN(3) > 0 {
					read = int64(r.IntN(200))
				}
				moved[n], seen[n] = read > 0, true
				g.round(n, int64(r.IntN(200)), min(read, max(g.lag, 0)))
				moved[n] = moved[n] && g.totals[lineage.Sample{Subject: g.reader, Metric: lineage.Records, Evidence: lineage.GroupOffsets}] > 0
			}
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(g.store)
			for range 30 {
				end := 20 + r.IntN(rounds-20)
				want := stateAt(t, a, g.flow(), end-1, end)
				for range 3 {
					from := r.IntN(end - 1)
					if got := stateAt(t, a, g.flow(), from, end); got != want {
						t.Errorf("seed %d, rounds %d to %d: %s, and of the last of them %s", seed, from, end, got, want)
					}
				}
				if !seen[end] && !seen[end-1] && !seen[end-2] && want != "not known" {
					t.Errorf("seed %d, round %d: %s, and nobody looked", seed, end, want)
				}
			}
		})
	}
}

// The overview of what moved leaves out who is silent; with the silent, who stopped is there, and a backlog weighs as
// much as what moves.
func TestOverviewWithSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGoing(t)
		busy, idle := topic("busy"), topic("idle")
		for n := 1; n <= 120; n++ {
			read := map[bool]int64{n <= 30: 100}[true]
			fill := []filling{g.moved(reads(busy, group("quick")), lineage.GroupOffsets, 40)}
			if n == 1 {
				fill = append(fill, facts(topicFact(busy), topicFact(idle)), g.moved(reads(idle, group("quick")), lineage.GroupOffsets, 1))
			}
			g.round(n, 100, read, fill...)
		}
		time.Sleep(time.Until(round(120)) + time.Second)
		v := view(t, answers(g.store), answer.Last(10*time.Minute), answer.All)
		has := func(w *answer.Walk, n lineage.Node) bool { return slices.Contains(w.Nodes, n) }
		if w := v.Overview(nil, answer.Filter{}, 300); has(w, application("billing")) {
			t.Errorf("of what moved: %v", w.Nodes)
		}
		for limit, nodes := range map[int][]lineage.Node{
			300: {application("billing"), topicNode("orders"), application("quick"), topicNode("busy"), topicNode("idle")},
			2:   {application("billing"), topicNode("orders")},
		} {
			w, err := v.OverviewWithSilent(t.Context(), nil, answer.Filter{}, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				if !has(w, n) {
					t.Errorf("limit %d: without %s: %v", limit, n.ID(), w.Nodes)
				}
			}
		}
	})
}

// What nobody accounts for since nobody looked at the mover that may have written it is no writer that stopped. A
// writer without a name that was seen to write has stopped.
func TestStateOfWhatNobodyLookedAt(t *testing.T) {
	const end = 500 // rounds
	for name, c := range map[string]struct {
		detail string
		others []lineage.Access // that nobody names either
		to     int              // the window's end
		want   string
	}{
		"nobody looked at its mover":                   {lineage.UnseenWriters + "connector sinks/cdc", nil, end, "not known"},
		"nobody looked at its mover, and it is silent": {"at most: others' are among these; " + lineage.UnseenWriters + "connector sinks/cdc", nil, 100, "not known"},
		"while nobody looks it moves":                  {lineage.UnseenWriters + "connector sinks/cdc", nil, 45, "MOVING"},
		"nobody could have written it but a stranger":  {"", nil, end, "STOPPED 45"},
		"strangers are known to be there, too":         {lineage.UnseenWriters + "connector sinks/cdc", []lineage.Access{writes(topic("orders"), producer(7))}, end, "STOPPED 45"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				orders := topic("orders")
				rest := writes(orders, lineage.Client{Kind: lineage.Remainder})
				for n := 1; n <= end; n++ {
					gap := n > 40 && n <= 45
					grown := map[bool]int64{gap: 50}[true]
					fill := []filling{w.moved(self(orders), lineage.NoEvidence, grown), w.moved(rest, lineage.EndOffsets, grown)}
					if gap {
						fill = append(fill, sighted(rest, lineage.EndOffsets, c.detail))
						w.observe("sinks", "connectors", n, missing("no answer"))
					} else {
						w.observe("sinks", "connectors", n)
					}
					for _, x := range c.others {
						fill = append(fill, w.moved(x, lineage.ProducerState, grown))
					}
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(orders)))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(end)) + time.Second)
				f := lineage.Flow{From: lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}, To: topicNode("orders")}
				for _, from := range []int{c.to - 1, c.to - 60, 1} {
					if got := stateAt(t, answers(w.store), f, max(from, 1), c.to); got != c.want {
						t.Errorf("rounds %d to %d: %s, want %s", max(from, 1), c.to, got, c.want)
					}
				}
			})
		})
	}
}

// Where the ten minutes before an end begin before what is held by ticks, what moved after the end is none of the
// state.
func TestStateWhereThePastIsHeldCoarsely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGoing(t)
		s := timeseries.NewMemory(timeseries.Options{
			Tick: tick, Retention: timeseries.Retention{Raw: 90 * time.Minute, Minute: 3 * time.Hour, Hour: 10 * time.Hour},
		})
		t.Cleanup(func() { _ = s.Close() })
		g.store = s
		const day = 8640 // rounds; a day is what is held by minutes at a time
		for n := 1; n <= day+720; n++ {
			if n > 1 && n < day-720 {
				continue
			}
			time.Sleep(time.Until(round(n)))
			g.lag = 50
			g.round(n, 10, map[bool]int64{n%30 == 5: 10}[true])
		}
		time.Sleep(tick / 2)
		if err := s.Maintain(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		state, err := s.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if state.Tiers[0].From.Equal(state.Tiers[1].From) {
			t.Fatalf("nothing is held coarsely: %v", state.Tiers)
		}
		a := answers(s)
		floor := int(state.Tiers[0].From.Sub(midnight) / tick)
		for end := floor + 1; end <= floor+120; end++ {
			last := end - (end-5)%30
			want := fmt.Sprint("PAUSED ", last)
			if end-last <= 12 {
				want = "MOVING"
			}
			got := stateAt(t, a, g.flow(), end-1, end)
			if short := end < floor+13 && end%6 != 0; short {
				want = "not known" // no silence can be seen in so short a time
			}
			if got != want {
				t.Errorf("%d ticks after what is held by ticks begins: %s, want %s", end-floor, got, want)
			}
		}
	})
}
