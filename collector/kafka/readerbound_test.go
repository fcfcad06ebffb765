package kafka

import (
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// looks is a reader that is looked at, and what was said of it last: that stands until something else is said.
type looks struct {
	t      *testing.T
	r      *reader
	ends   fakeEnds
	g      groupState
	round  time.Time
	stands string
	// of what it read, and skipped
	told, skipped lineage.Sample
}

func newLooks(t *testing.T) *looks {
	return &looks{t: t, r: newReader(lineage.Access{}, lineage.GroupOffsets), round: t0, g: groupState{live: true, wasLive: true, reads: true, found: t0.Add(-tick)}}
}

// look takes one look, so long after the one before.
func (l *looks) look(after time.Duration, committed int64) {
	l.t.Helper()
	before := l.round
	l.round = l.round.Add(after)
	l.ends.endOffset = max(l.ends.endOffset, committed)
	if !l.r.observe([]commit{{0, committed, 0}}, l.ends, l.g, l.round, later(before, l.round.Add(-tick))) {
		l.t.Fatal("not observed")
	}
	samples, sightings := l.r.tell(l.round, before)
	if s, ok := value(samples, lineage.Records); ok {
		l.told = s
	}
	for _, s := range sightings {
		if s.Detail != "" {
			l.stands = s.Detail
		}
	}
}

// restart starts lineaged again, over what it saved.
func (l *looks) restart() {
	l.t.Helper()
	r, err := decodeReader(l.r.access, l.r.encode(), l.round)
	if err != nil {
		l.t.Fatal(err)
	}
	l.r = r
}

// What makes a count a bound stands for as long as the count is in a window: who is told to stand where it stands, now
// and then and when lineaged starts again, does not become exact by that, nor "at least" while it is pending.
func TestBoundsOutliveWhatIsSaidOfStanding(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(l *looks)
	}{
		{"a restart", func(l *looks) { l.restart(); l.look(tick, 100) }},
		{"two restarts", func(l *looks) { l.restart(); l.look(tick, 100); l.restart(); l.look(tick, 100) }},
		{"six hours", func(l *looks) { l.look(sightEvery, 100); l.look(sightEvery, 100) }},
		{"six hours and a restart", func(l *looks) { l.look(sightEvery, 100); l.restart(); l.look(tick, 100) }},
		{"an exact step and a restart", func(l *looks) { l.look(tick, 130); l.restart(); l.look(tick, 130) }},
		{"a restart and an exact step", func(l *looks) { l.restart(); l.look(tick, 130); l.look(sightEvery, 130) }},
		{"its group went, and came again", func(l *looks) { l.r.part(); l.look(tick, 100) }},
	} {
		l := newLooks(t)
		l.r.habit.most, l.ends.atJoin = 100, 50
		l.look(tick, 100) // a first commit: where it began nobody knows
		if !strings.HasPrefix(l.stands, "at most") || !l.told.Estimated {
			t.Fatalf("at first %q, %+v", l.stands, l.told)
		}
		c.then(l)
		if !strings.HasPrefix(l.stands, "at most") || strings.Contains(l.stands, "at least") {
			t.Errorf("%s: %q stands, want at most", c.name, l.stands)
		}
	}
}

// A window may hold steps that are bounds in either direction: then their sum is none, whichever came last, and whether
// or not lineaged was started in between.
func TestBoundsOfBothDirections(t *testing.T) {
	for _, restart := range []bool{false, true} {
		l := newLooks(t)
		l.ends.atJoin = 50
		l.look(tick, 100) // at most
		if restart {
			l.restart()
		}
		l.look(tick, 140)
		l.look(tick, 180)
		if l.look(tick, 170); !strings.Contains(l.stands, "at least") || !strings.Contains(l.stands, "at most") {
			t.Errorf("restart %v: %q after an earlier step at most, want both", restart, l.stands)
		}
		if restart {
			l.restart()
		}
		if l.look(tick, 10); !strings.Contains(l.stands, "at least") || !strings.Contains(l.stands, "at most") {
			t.Errorf("restart %v: %q after an earlier step at least, want both", restart, l.stands)
		}
	}
}

// A step that counts nothing by itself and was not told waits for the next: which that is a bound for too.
func TestOwedBoundOverARestart(t *testing.T) {
	l := newLooks(t)
	l.r.habit.most = 10
	l.ends.start, l.ends.endOffset = 50, 50
	l.look(tick, 50)
	l.look(tick, 60)
	l.ends.start = 55
	l.look(tick, 55) // by less than it moves
	l.r.owed, l.r.read.estimated, l.r.said = boundBack, true, saidBounds{}
	l.stands = ""
	l.restart()
	if l.look(tick, 58); !l.told.Estimated || !strings.HasPrefix(l.stands, "at most") {
		t.Errorf("%q stands of %+v, want at most", l.stands, l.told)
	}
}

// A reader that commits each ten minutes is at work for as long after a restart as before, and what it reads meanwhile
// is in no count yet.
func TestPatienceOverARestart(t *testing.T) {
	l := newLooks(t)
	l.ends = fakeEnds{endOffset: 10_000, old: true}
	l.look(tick, 100)
	l.look(tick, 200)
	l.r.habit.pauses = [2]time.Duration{10 * time.Minute, 11 * time.Minute}
	if l.look(5*time.Minute, 200); !l.r.gauges.pending {
		t.Fatal("it is at rest before the restart")
	}
	l.restart()
	if l.look(tick, 200); !l.r.gauges.pending {
		t.Error("after a restart it is at rest, and what it reads is taken for counted")
	}
}

// Offsets that were set beyond the end of a topic that once lost records are no records lost after a restart.
func TestSetBeyondTheEndOverARestart(t *testing.T) {
	l := newLooks(t)
	l.look(tick, 100)
	l.r.parts[0].beyond, l.r.parts[0].committed, l.r.touched = true, 500, true
	l.ends.cut = true
	l.restart()
	before := l.round
	l.round = l.round.Add(tick)
	l.r.observe([]commit{{0, 500, 0}}, l.ends, l.g, l.round, before)
	if len(l.r.events) > 0 || l.r.parts[0].fell >= 0 {
		t.Errorf("%+v, fell %d: want nothing to have happened", l.r.events, l.r.parts[0].fell)
	}
}

// Offsets that are set beyond the end say no more of who read before than those that are set anywhere else, from the
// first of the two looks on that tell them.
func TestSetBeyondTheEndAndReadWithinATick(t *testing.T) {
	for _, epoch := range []int32{0, -1} { // as the reader's own commits bear
		l := newLooks(t)
		l.ends = fakeEnds{endOffset: 1000, old: true}
		look := func(offset int64, epoch int32) {
			t.Helper()
			before := l.round
			l.round = l.round.Add(tick)
			l.r.observe([]commit{{0, offset, epoch}}, l.ends, l.g, l.round, before)
			samples, _ := l.r.tell(l.round, before)
			if s, ok := value(samples, lineage.Skipped); ok {
				l.skipped = s
			}
		}
		look(100, epoch)
		look(200, epoch)
		l.g = groupState{found: t0.Add(-tick)}
		look(200, epoch)
		if l.r.bound != "" {
			t.Fatalf("%q before anything was set", l.r.bound)
		}
		look(5000, -1)
		if !strings.HasPrefix(l.r.bound, "at least") {
			t.Errorf("epoch %d: what it read is told by %q where offsets may have been set", epoch, l.r.bound)
		}
		look(5000, -1)
		if l.r.bound != boundBrief || l.skipped.Value != 800 || !l.skipped.Estimated {
			t.Errorf("epoch %d: %q, %+v skipped: want at least what was read before, and 800 skipped at most", epoch, l.r.bound, l.skipped)
		}
	}
}

// Who may commit may commit any offset, one after the other: nothing of that was read, and no total is beyond what can
// be stored, nor falls.
func TestCommitsOfNoOffset(t *testing.T) {
	for _, live := range []bool{false, true} {
		l := newLooks(t)
		l.g.live, l.g.wasLive = live, live
		l.ends = fakeEnds{endOffset: 1000, old: true, atJoin: 500}
		totals := map[lineage.Metric]int64{}
		for i, offset := range []int64{100, math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 - 1, 5, math.MaxInt64 - 2, math.MaxInt64 - 2, 1_700_000_000_000, 1_700_000_010_000, 1_700_000_020_000, 50} {
			before := l.round
			l.round = l.round.Add(tick)
			l.r.observe([]commit{{0, offset, -1}}, l.ends, l.g, l.round, before)
			samples, _ := l.r.tell(l.round, before)
			for _, s := range samples {
				switch {
				case slices.Contains([]lineage.Metric{lineage.Records, lineage.Skipped, lineage.Lost, lineage.Doubted, lineage.Returned}, s.Metric):
					if s.Value < totals[s.Metric] {
						t.Errorf("live %v, commit %d: the total of metric %d falls from %d to %d", live, i, s.Metric, totals[s.Metric], s.Value)
					}
					totals[s.Metric] = s.Value
				case s.Metric == lineage.Lag && offset > 1000 && s.Value != lineage.Unknown:
					t.Errorf("live %v, commit %d: lag %d, of who is nowhere in the log", live, i, s.Value)
				}
			}
			if n := l.r.skipped.n; n > 3*1000 || l.r.read.n > 3*1000 {
				t.Fatalf("live %v, commit %d: %d read and %d skipped of 1000", live, i, l.r.read.n, n)
			}
			for _, e := range l.r.events {
				if e.typ == lineage.RecordsLost {
					t.Errorf("live %v, commit %d: %+v, and nothing was lost", live, i, e)
				}
			}
		}
	}
}

// Who reads without being a member at the head of a topic that is written all the time has committed more, at each
// look, than the end that was read a moment before: it is counted all the same.
func TestAloneAtTheHead(t *testing.T) {
	l := newLooks(t)
	l.g = groupState{found: t0.Add(-tick)}
	for i := range int64(20) {
		before := l.round
		l.round = l.round.Add(tick)
		l.ends = fakeEnds{endOffset: 1000 + 100*i}
		l.r.observe([]commit{{0, l.ends.endOffset + 5, -1}}, l.ends, l.g, l.round, before)
		l.r.tell(l.round, before)
	}
	if n := l.r.read.n; n < 1500 {
		t.Errorf("%d read of 1900", n)
	}
}

// A reader may come and go in the tick in which its offsets are set: what it read then is among what was passed, or
// behind it. That it was seen as a member whenever it read before proves nothing.
func TestSetAndReadWithinATick(t *testing.T) {
	l := newLooks(t)
	l.g = groupState{found: t0.Add(-tick)}
	l.ends = fakeEnds{endOffset: 1000, old: true, atJoin: 500}
	l.look(tick, 100) // its commit bears an epoch
	if !l.r.habit.brief {
		t.Fatal("it came and went between two looks, and is not known to")
	}
	l.restart()
	set := func(offset int64) {
		t.Helper()
		before := l.round
		l.round = l.round.Add(tick)
		l.r.observe([]commit{{0, offset, -1}}, l.ends, l.g, l.round, before)
		samples, _ := l.r.tell(l.round, before)
		if s, ok := value(samples, lineage.Skipped); ok {
			l.skipped = s
		}
	}
	set(710) // to 700, and ten were read
	if l.r.bound != boundBrief || l.skipped.Value != 610 || !l.skipped.Estimated {
		t.Errorf("%q, %+v skipped: want at least what was read before, and as many skipped at most", l.r.bound, l.skipped)
	}
	if set(50); l.r.bound != boundBrief { // ten were read before, or not
		t.Errorf("%q: want at least", l.r.bound)
	}
	l = newLooks(t)
	l.ends = fakeEnds{endOffset: 1000, old: true, atJoin: 500}
	l.look(tick, 100)
	l.g = groupState{found: t0}
	l.restart()
	if set(700); l.r.bound != boundBrief || l.skipped.Value != 600 || !l.skipped.Estimated {
		t.Errorf("%q, %+v skipped: want 600 at most, of one that was seen when it read before", l.r.bound, l.skipped)
	}
}

// One of version 4 does not say what was told of it: what stands is left to stand, since it may be a bound's.
func TestReadersBookOfVersion4(t *testing.T) {
	kept, err := hex.DecodeString("04020e0e010000000000000a0a000c0c0000000080d8c0cdc0680001e0bebecdc068000000000006c0a90701180101010100")
	if err != nil {
		t.Fatal(err)
	}
	r, err := decodeReader(lineage.Access{}, kept, t0)
	if err != nil {
		t.Fatal(err)
	}
	if r.read.n != 7 || !r.read.estimated || r.doubted.n != 5 || !r.moved.Equal(t0) || !r.stale || !r.known.Equal(t0.Add(-9*tick)) || len(r.parts) != 1 || r.parts[0].committed != 12 || r.parts[0].beyond {
		t.Errorf("%+v", r)
	}
	if again, err := decodeReader(lineage.Access{}, r.encode(), t0); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v, written again", again, err)
	}
	r.observe([]commit{{0, 12, 0}}, fakeEnds{endOffset: 12}, groupState{found: t0}, t0.Add(tick), t0)
	if _, sightings := r.tell(t0.Add(tick), t0); len(sightings) != 1 || sightings[0].Detail != "" {
		t.Errorf("%+v, want it seen, and nothing said that may take a bound back", sightings)
	}
}

// A total that a program before this one saved may be beyond what is added up to now: it stays, and does not fall.
func TestATotalBeyondTheBoundStays(t *testing.T) {
	was := total{n: math.MaxInt64 - 100}
	for range 3 {
		was.add(150, false)
	}
	if was.n != math.MaxInt64-100 {
		t.Errorf("the total came to %d", was.n)
	}
	most := total{n: mostTotal - 1}
	most.add(math.MaxInt64, false)
	if most.n != mostTotal {
		t.Errorf("the total came to %d, want %d", most.n, int64(mostTotal))
	}
}

// What retention takes before it is committed may have been read by who was there, also by one that is no member, and
// before the first commit: it is lost at most.
func TestWhatWasGoneMayHaveBeenRead(t *testing.T) {
	for name, c := range map[string]struct {
		live  bool
		alone int
		first bool
		exact bool
	}{
		"a member":                          {live: true},
		"one that is no member":             {alone: believedAfter},
		"nobody":                            {exact: true},
		"a member, with its first commit":   {live: true, first: true},
		"nobody, of whom there is a commit": {first: true, exact: true},
	} {
		l := newLooks(t)
		l.g = groupState{live: c.live, wasLive: c.live, found: t0.Add(-tick)}
		l.r.habit.alone = c.alone
		look := func(offset, start int64) {
			before := l.round
			l.round = l.round.Add(tick)
			l.ends = fakeEnds{start: start, endOffset: 1000}
			l.r.observe([]commit{{0, offset, 3}}, l.ends, l.g, l.round, before)
		}
		if !c.first {
			look(500, 0)
			l.r.tell(l.round, l.round.Add(-tick))
			l.r.habit.alone = c.alone
		}
		look(500, 900)
		if l.r.lost.n != 400 || l.r.lost.estimated == c.exact {
			t.Errorf("%s: lost %+v, want 400, exact: %t", name, l.r.lost, c.exact)
		}
	}
}
