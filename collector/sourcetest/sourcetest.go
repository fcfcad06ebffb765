// Package sourcetest is what every source has to pass: that it is lost and back once, that what was refused is told
// again, that a panic and a damaged position cost a gap and no more, that a deadline is kept and that no round comes
// twice.
//
// It knows nothing of what a source watches: its tests call Run with a World of their own. It refuses to look at what a
// source tells of its system; that is the source's own tests' business.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// World is a system and who watches it. All of its functions are required.
type World struct {
	Tick   time.Duration
	Before time.Time // the first round is a tick after it; a multiple of the tick
	// Source makes the source as at a start of the process; the one before is of no use any more.
	Source func(sink collector.Sink) collector.Source
	// Live lets the system live on until a round: something moves, so that there is something to keep.
	Live func(round time.Time)
	// Break makes the system answer nothing but errors, or answer again.
	Break func(broken bool)
	// Hang makes the system answer nothing at all, or answer again.
	Hang func(hanging bool)
	// Spoil makes the source panic in its next round, as a fault of its own would.
	Spoil func(collector.Source)
}

// Run runs the battery. make makes a world that nobody has looked at; what it holds is its test's to clean up.
func Run(t *testing.T, make func(t *testing.T) World) {
	for name, test := range map[string]func(*run){
		"LostAndBack": lostAndBack, "RefusedIsToldAgain": refusedIsToldAgain, "PanicIsAGap": panicIsAGap,
		"DamagedPositions": damagedPositions, "Deadline": deadline, "StoppedTellsNothing": stoppedTellsNothing,
	} {
		t.Run(name, func(t *testing.T) {
			w := make(t)
			r := &run{T: t, World: w, at: w.Before, sink: &sink{positions: map[lineage.Source]map[string][]byte{}, seen: map[string]bool{}}}
			r.start()
			test(r)
			for _, problem := range r.sink.problems {
				t.Error(problem)
			}
		})
	}
}

// run is one test of the battery under way.
type run struct {
	*testing.T
	World
	at     time.Time
	sink   *sink
	source collector.Source
	take   func(ctx context.Context, round time.Time)
}

func (r *run) start() {
	r.source = r.Source(r.sink)
	r.take = collector.Runner{Interval: r.Tick, Log: slog.New(slog.DiscardHandler)}.ByHand(r.source, r.sink)
}

// rounds takes n rounds and returns what was stored of them.
func (r *run) rounds(n int) []lineage.Observation {
	r.Helper()
	first := len(r.sink.obs)
	for range n {
		r.at = r.at.Add(r.Tick)
		r.Live(r.at)
		r.sink.round = r.at
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		r.take(ctx, r.at)
		cancel()
	}
	return r.sink.obs[first:]
}

// sink keeps what it is given, or refuses it.
type sink struct {
	positions map[lineage.Source]map[string][]byte
	obs       []lineage.Observation
	seen      map[string]bool
	round     time.Time
	refuses   bool
	problems  []string
}

func (s *sink) Append(_ context.Context, obs ...lineage.Observation) error {
	if s.refuses {
		return errors.New("no space")
	}
	for _, o := range obs {
		s.check(o)
		for _, p := range o.Positions {
			if s.positions[o.Source] == nil {
				s.positions[o.Source] = map[string][]byte{}
			}
			if p.Value == nil {
				delete(s.positions[o.Source], p.Key)
			} else {
				s.positions[o.Source][p.Key] = slices.Clone(p.Value)
			}
		}
	}
	s.obs = append(s.obs, obs...)
	return nil
}

func (s *sink) check(o lineage.Observation) {
	key := fmt.Sprintf("%s at %s", o.Source, o.Round)
	problem := func(is bool, what string) {
		if is {
			s.problems = append(s.problems, key+" "+what)
		}
	}
	problem(s.seen[key], "comes twice")
	s.seen[key] = true
	problem(!o.Round.Equal(s.round), "is not of the round that was taken")
	problem(o.Interval <= 0, "has no interval")
	for _, m := range o.Missing {
		problem(m.Reason == "", "misses something for no reason")
		problem(m.Share < 0 || m.Share > 1, "misses a share that is none")
	}
}

func (s *sink) Positions(_ context.Context, source lineage.Source) (map[string][]byte, error) {
	return maps.Clone(s.positions[source]), nil
}

// events counts events of a type by source.
func events(obs []lineage.Observation, typ lineage.EventType) map[lineage.Source]int {
	out := map[lineage.Source]int{}
	for _, o := range obs {
		for _, e := range o.Events {
			if e.Type == typ {
				out[o.Source]++
			}
		}
	}
	return out
}

func reasons(obs []lineage.Observation, all bool) (out []string) {
	for _, o := range obs {
		for _, m := range o.Missing {
			if m.All == all {
				out = append(out, m.Reason)
			}
		}
	}
	return out
}

// last returns the observations of the newest round.
func (r *run) last(obs []lineage.Observation) []lineage.Observation {
	return slices.DeleteFunc(slices.Clone(obs), func(o lineage.Observation) bool { return !o.Round.Equal(r.at) })
}

func once(r *run, what string, got map[lineage.Source]int) {
	r.Helper()
	if len(got) == 0 {
		r.Errorf("nobody %s", what)
	}
	for source, n := range got {
		if n != 1 {
			r.Errorf("%s %s %d times", source, what, n)
		}
	}
}

func lostAndBack(r *run) {
	if got := r.rounds(3); len(reasons(got, true)) > 0 || len(events(got, lineage.SourceLost)) > 0 {
		r.Fatalf("missing before anything was lost: %q", reasons(got, true))
	}
	r.Break(true)
	got := r.rounds(4)
	lost := events(got, lineage.SourceLost)
	once(r, "is lost", lost)
	if n := len(reasons(got, true)); n < 4 {
		r.Errorf("%d gaps in 4 rounds that saw nothing", n)
	}
	r.Break(false)
	got = r.rounds(4)
	back := events(got, lineage.SourceRecovered)
	once(r, "is back", back)
	if !maps.Equal(lost, back) {
		r.Errorf("lost: %v, back: %v", lost, back)
	}
	if gaps := reasons(r.last(got), true); len(gaps) > 0 {
		r.Errorf("missing after all is back: %q", gaps)
	}
}

func refusedIsToldAgain(r *run) {
	r.rounds(2)
	r.Break(true)
	r.sink.refuses = true
	r.rounds(2)
	r.sink.refuses = false
	lost := events(r.rounds(3), lineage.SourceLost)
	once(r, "is lost, after a round that was refused,", lost)
	r.Break(false)
	r.sink.refuses = true
	r.rounds(2)
	r.sink.refuses = false
	back := events(r.rounds(3), lineage.SourceRecovered)
	once(r, "is back, after a round that was refused,", back)
	if !maps.Equal(lost, back) {
		r.Errorf("lost: %v, back: %v", lost, back)
	}
	before := facts(r.sink.obs)
	r.sink.obs = nil
	r.sink.positions = map[lineage.Source]map[string][]byte{}
	r.start()
	r.sink.refuses = true
	r.rounds(1)
	r.sink.refuses = false
	r.rounds(3)
	if after := facts(r.sink.obs); !maps.Equal(before, after) {
		r.Errorf("facts that a refused first round told, and are not told again: %v, told: %v", before, after)
	}
}

// facts are the keys of the facts that were told.
func facts(obs []lineage.Observation) map[lineage.FactKey]bool {
	out := map[lineage.FactKey]bool{}
	for _, o := range obs {
		for _, f := range o.Facts {
			if f.Key.Kind != lineage.SourceFacts {
				out[f.Key] = true
			}
		}
	}
	return out
}

func panicIsAGap(r *run) {
	r.rounds(2)
	r.Spoil(r.source)
	got := r.rounds(1)
	if why := strings.Join(reasons(got, true), "; "); !strings.Contains(why, "lineaged itself failed") {
		r.Errorf("a panic is missing for %q", why)
	}
	lost := events(got, lineage.SourceLost)
	once(r, "is lost by a panic", lost)
	got = r.rounds(3)
	if why := reasons(r.last(got), true); len(why) > 0 {
		r.Errorf("missing after a panic is over: %q", why)
	}
	if back := events(got, lineage.SourceRecovered); !maps.Equal(lost, back) {
		r.Errorf("lost by a panic: %v, back: %v", lost, back)
	}
}

// damagedPositions damages one position after another: its part begins anew, and says so once.
func damagedPositions(r *run) {
	r.rounds(3)
	rng := rand.New(rand.NewPCG(1, 2))
	damages := []func(b []byte) []byte{
		func(b []byte) []byte { return b[:len(b)/2] },
		func([]byte) []byte { return []byte{} },
		func(b []byte) []byte { return append(slices.Clone(b), 0xff) },
		func(b []byte) []byte {
			b = slices.Clone(b)
			for range 3 {
				b[rng.IntN(len(b))] = byte(rng.IntN(256))
			}
			return b
		},
	}
	said, tried := 0, 0
	for source, keys := range r.sink.positions {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			for _, damage := range damages {
				value, there := r.sink.positions[source][key]
				if !there || len(value) == 0 {
					continue
				}
				tried++
				r.sink.positions[source][key] = damage(value)
				r.start()
				got := r.rounds(1)
				why := strings.Join(reasons(got, false), "; ")
				if strings.Contains(why, "could not be read") {
					said++
				}
				if all := reasons(got, true); len(all) > 0 {
					r.Fatalf("position %q damaged: nothing is seen: %q", key, all)
				}
				r.start()
				if why := strings.Join(reasons(r.rounds(2), false), "; "); strings.Contains(why, "could not be read") {
					r.Errorf("position %q, once damaged, is said again at the next start: %s", key, why)
				}
			}
		}
	}
	if tried == 0 || said < tried/3 { // some damage reads as something else that can be
		r.Errorf("%d positions were damaged, and %d said so", tried, said)
	}
}

// deadline asks a system that does not answer: the source gives up in time, and says what it could not see.
func deadline(r *run) {
	r.rounds(2)
	r.Hang(true)
	r.at = r.at.Add(r.Tick)
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	done := make(chan []lineage.Observation, 1)
	go func() { done <- r.source.Observe(ctx, r.at) }()
	select {
	case got := <-done:
		if len(reasons(got, true)) == 0 {
			r.Error("nothing is missing of a system that does not answer")
		}
	case <-time.After(20 * time.Second):
		r.Error("the deadline of one second is not kept after twenty")
		r.Hang(false)
		<-done
	}
	r.Hang(false)
}

// stoppedTellsNothing stops a source: that it did not see all then is no loss.
func stoppedTellsNothing(r *run) {
	r.rounds(2)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	r.at = r.at.Add(r.Tick)
	if got := r.source.Observe(ctx, r.at); len(reasons(got, true)) > 0 {
		r.Errorf("a stop is told as a loss: %q", reasons(got, true))
	}
}
