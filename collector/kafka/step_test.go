package kafka

import (
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestJudge goes through the kinds of steps one by one: what was read, and whether that is said to be a bound.
func TestJudge(t *testing.T) {
	steady := habit{epochs: true, most: 100, pause: 5 * time.Second}
	brief := habit{epochs: true, most: 100, brief: true}
	live := groupState{live: true, wasLive: true, found: t0}
	nobody := groupState{found: t0}
	old, young := time.Hour, time.Second
	for _, c := range []struct {
		name    string
		step    step
		ctx     stepContext
		read    int64
		skipped int64
		bound   string
		event   string
	}{
		{"a member goes on", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady}, 50, 0, "", ""},
		{"a member seeks over records of the last tick but one", step{from: 100, to: 1000, base: 100, epoch: true, age: 15 * time.Second, ageKnown: true, waiting: 900}, stepContext{groupState: live, habit: steady}, 900, 0, boundJump, ""},
		{"a burst is read as it comes", step{from: 100, to: 1000, base: 100, epoch: true, age: young, ageKnown: true, waiting: 900}, stepContext{groupState: live, habit: steady}, 900, 0, "", ""},
		{"a member catches up as ever", step{from: 100, to: 400, base: 100, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady, pause: 5 * time.Second}, 300, 0, "", ""},
		{"a member seeks forward", step{from: 100, to: 1000, base: 100, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady, pause: 5 * time.Second}, 900, 0, boundJump, ""},
		{"a member moves on after a long pause", step{from: 100, to: 200, base: 100, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady, pause: time.Minute}, 100, 0, boundJump, ""},
		{"reset and started within a tick", step{from: 100, to: 1005, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: groupState{live: true, found: t0}, habit: steady}, 905, 0, boundRestarted, ""},
		{"reset to the end", step{from: 100, to: 1000, base: 100, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: steady}, 0, 900, boundBrief, "set forward"},
		{"set beyond the end", step{from: 100, to: 1000, base: 100, set: true, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: steady}, 0, 900, boundBrief, "set beyond the end"},
		{"set beyond the end, of who never bore an epoch", step{from: 100, to: 1000, base: 100, set: true, age: old, ageKnown: true}, stepContext{groupState: nobody}, 0, 900, boundBrief, "set beyond the end"},
		{"a member goes on from beyond the end", step{from: 1500, to: 1510, base: 1500, epoch: true, beyond: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady}, 10, 0, boundBeyond, ""},
		{"set further beyond the end", step{from: 1500, to: 1500, base: 1500, set: true, beyond: true}, stepContext{groupState: nobody, habit: steady}, 0, 0, boundBrief, "set beyond the end"},
		{"a first commit that is set beyond the end", step{from: noCommit, to: 1000, was: -1, then: 1000, set: true}, stepContext{groupState: nobody}, 0, 0, boundBrief, "set beyond the end"},
		{"reset to the end in the tick in which the member left", step{from: 100, to: 1000, base: 100, age: old, ageKnown: true}, stepContext{groupState: groupState{wasLive: true, found: t0}, habit: steady}, 900, 0, boundLeft, "set forward"},
		{"reset to the start in the tick in which the member left", step{from: 100, to: 0, base: 100}, stepContext{groupState: groupState{wasLive: true, found: t0}, habit: steady}, 0, 0, boundLeftBack, "set back"},
		{"reset to the end and started, in the tick in which the member left", step{from: 100, to: 150, base: 100, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady}, 50, 0, boundPlain, ""},
		{"reset to the end by a tool that says an epoch", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: nobody, habit: steady}, 50, 0, boundAlone, ""},
		{"reset to the start", step{from: 100, to: 0, base: 100}, stepContext{groupState: nobody, habit: steady}, 0, 0, boundBrief, "set back"},
		{"reset to the end of who comes and goes between two looks", step{from: 100, to: 1000, base: 100, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: brief}, 0, 900, boundBrief, "set forward"},
		{"a reader without epochs and members reads again", step{from: 100, to: 60, base: 100}, stepContext{groupState: nobody}, 0, 0, boundWent, "went back"},
		{"reset to the end in a time in which nobody looked", step{from: 100, to: 1000, base: 100, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: steady, unseen: time.Hour}, 0, 900, boundBrief, "set forward"},
		{"reset to the start of who comes and goes between two looks", step{from: 100, to: 0, base: 100}, stepContext{groupState: nobody, habit: brief}, 0, 0, boundBrief, "set back"},
		{"the same, of one whose commits bear no epochs", step{from: 100, to: 0, base: 100}, stepContext{groupState: nobody, habit: habit{plain: true, alone: 1, brief: true}}, 0, 0, boundWent, "went back"},
		{"who never bore an epoch, and was no member", step{from: 100, to: 400, base: 100, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: habit{plain: true, alone: 1, most: 300, pause: time.Hour}}, 300, 0, boundAlone, ""},
		{"the same again and again", step{from: 100, to: 400, base: 100, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: habit{plain: true, alone: believedAfter, most: 300, pause: time.Hour}}, 300, 0, boundAlone, ""},
		{"the same, whose commits bear epochs", step{from: 100, to: 400, base: 100, epoch: true, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: habit{epochs: true, alone: believedAfter, most: 300, pause: time.Hour}}, 300, 0, "", ""},
		{"the same, that reads all that waited: it may have been set to there", step{from: 100, to: 400, base: 100, epoch: true, leapt: true, age: old, ageKnown: true}, stepContext{groupState: nobody, habit: habit{epochs: true, alone: believedAfter, most: 300, pause: time.Hour}}, 300, 0, boundAlone, ""},
		{"a short job whose commits bear epochs, again and again", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: nobody, habit: habit{epochs: true, most: 100, pause: 5 * time.Second, alone: believedAfter}}, 50, 0, "", ""},
		{"MirrorMaker 2 syncs", step{from: 100, to: 150, base: 100}, stepContext{groupState: nobody, copied: true}, 0, 0, "", ""},
		{"MirrorMaker 2 syncs at first", step{from: noCommit, to: 150, was: -1, then: -1}, stepContext{groupState: nobody, copied: true}, 0, 0, "", ""},
		{"a member reads a copy", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, copied: true, habit: steady}, 50, 0, "", ""},
		{"the start passed it in the step", step{from: 100, to: 1000, base: 100, start: 950, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady}, 450, 0, boundOvertaken, ""},
		{"the start passed it before", step{from: 100, to: 1000, base: 950, start: 950, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady}, 900, 0, boundGone, ""},
		{"the start passed it before and in the step", step{from: 100, to: 1000, base: 600, start: 950, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady}, 900, 0, boundGone, ""},
		{"a compacted log", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady, compacted: isCompacted}, 50, 0, boundCompacted, ""},
		{"a log that may be compacted", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady, compacted: maybeCompacted}, 50, 0, boundMaybe, ""},
		{"a log that may have been put back", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: groupState{live: true, wasLive: true, putBack: true}, habit: steady, markers: true}, 50, 0, boundPutBack, ""},
		{"a topic that was made again a moment ago", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: groupState{live: true, wasLive: true, found: t0, reborn: true}, habit: steady}, 50, 0, boundReborn, ""},
		{"the same, with markers", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: groupState{live: true, wasLive: true, found: t0, reborn: true}, habit: steady, markers: true}, 50, 0, boundRemade, ""},
		{"markers", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady, markers: true}, 50, 0, boundMarkers, ""},
		{"a member that commits no offset of the log, as a time", step{from: 100, to: 1000, base: 100, epoch: true, set: true}, stepContext{groupState: live, habit: steady}, 0, 900, boundAhead, "set beyond the end"},
		{"reset to the end in the tick in which the member left, whose commits bear no epoch", step{from: 100, to: 1000, base: 100, age: young, ageKnown: true}, stepContext{groupState: groupState{wasLive: true, found: t0}, habit: habit{plain: true, most: 900}}, 900, 0, boundParted, ""},
		{"the same, back", step{from: 600, to: 10, base: 600, end: 900}, stepContext{groupState: groupState{wasLive: true, found: t0}, habit: habit{plain: true, most: 900}}, 0, 0, boundPartBack, "went back"},
		{"a first commit after the member left", step{from: noCommit, to: 100, was: -1, then: 0}, stepContext{groupState: groupState{wasLive: true, found: t0}}, 100, 0, boundParted, ""},
		{"the same, that is its own", step{from: noCommit, to: 100, was: -1, then: 0, epoch: true, age: young, ageKnown: true}, stepContext{groupState: groupState{wasLive: true, found: t0}}, 100, 0, "", ""},
		{"gone while it had not committed", step{from: 100, to: 150, base: 600, start: 600, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live, habit: steady}, 50, 0, boundGone, ""},
		{"others are in the group, and what had waited is passed", step{from: 100, to: 400, base: 100, epoch: true, leapt: true, age: old, ageKnown: true}, stepContext{groupState: groupState{live: true, wasLive: true, found: t0, others: true}, habit: steady}, 300, 0, boundOthers, ""},
		{"others are in the group, and it goes on behind", step{from: 100, to: 400, base: 100, epoch: true, age: old, ageKnown: true}, stepContext{groupState: groupState{live: true, wasLive: true, found: t0, others: true}, habit: steady}, 300, 0, "", ""},
		{"a share group", step{from: 100, to: 150, base: 100, epoch: true}, stepContext{groupState: nobody, share: true}, 50, 0, boundShare, ""},
		{"the log was truncated", step{from: 1000, to: 800, base: 600, fell: true, epoch: true}, stepContext{groupState: live, habit: steady}, 200, 0, boundFell, ""},
		{"and the reader goes beyond", step{from: 1000, to: 1100, base: 600, fell: true, epoch: true}, stepContext{groupState: live, habit: steady}, 500, 0, boundFell, ""},
		{"a member seeks back and reads again", step{from: 1000, to: 300, base: 1000, end: 1200, epoch: true}, stepContext{groupState: live, habit: steady}, 500, 0, boundBack, "went back"},
		{"a member seeks back from where records were gone that it may have read", step{from: 100, to: 50, base: 600, start: 20, end: 700, epoch: true}, stepContext{groupState: live, habit: habit{epochs: true, most: 10}}, 630, 0, boundBack, "went back"},
		{"a commit comes late, or a little is read again", step{from: 1000, to: 990, base: 1000, epoch: true}, stepContext{groupState: live, habit: steady}, 0, 0, boundAgain, ""},
		{"nobody looked for an hour", step{from: 100, to: 150, base: 100, epoch: true, age: young, ageKnown: true}, stepContext{groupState: live, habit: steady, unseen: time.Hour}, 50, 0, boundUnseen, ""},
		{"it was there before anybody looked", step{from: noCommit, to: 150, was: -1, then: 100}, stepContext{groupState: groupState{live: true}}, 0, 0, "", ""},
		{"a new group is seen to wait at an empty log", step{from: noCommit, to: 150, was: -1, then: 0, age: young, ageKnown: true}, stepContext{groupState: live}, 150, 0, "", ""},
		{"a group takes up a topic that was empty when it came", step{from: noCommit, to: 1050, was: -1, then: 0, epoch: true, age: old, ageKnown: true}, stepContext{groupState: live}, 1050, 0, boundBegan, ""},
		{"the same, and the first of it came two ticks ago", step{from: noCommit, to: 360, was: -1, then: 0, epoch: true, age: 18 * time.Second, ageKnown: true}, stepContext{groupState: live}, 360, 0, boundBegan, ""},
		{"a partition that was added while it was there", step{from: noCommit, to: 360, was: -1, then: 0, epoch: true, added: true, age: young, ageKnown: true}, stepContext{groupState: live}, 360, 0, boundBegan, ""},
		{"the same, and since when there is something to read is not known", step{from: noCommit, to: 1050, was: -1, then: 0, epoch: true}, stepContext{groupState: live}, 1050, 0, boundBegan, ""},
		{"a new group of which only the end is seen", step{from: noCommit, to: 150, was: -1, then: 0, epoch: true}, stepContext{groupState: nobody}, 150, 0, boundOnce, ""},
		{"a new group without epochs", step{from: noCommit, to: 150, was: -1, then: 150}, stepContext{groupState: nobody}, 150, 0, boundBegan, ""},
		{"a new group at the start", step{from: noCommit, to: 40, start: 40, was: -1, then: 150}, stepContext{groupState: nobody}, 0, 0, "", ""},
		{"its offsets were deleted, and it goes on", step{from: lostCommit, to: 150, was: 140, then: 0, epoch: true}, stepContext{groupState: live}, 10, 0, boundLost, ""},
	} {
		c.ctx.tick, c.ctx.since = 10*time.Second, 10*time.Second
		v := judge(c.step, c.ctx)
		if v.read != c.read || v.skipped != c.skipped || v.bound != c.bound || (c.event == "") != (v.event == "") || !strings.Contains(v.event, c.event) {
			t.Errorf("%s: got %+v, want %d read, %d skipped, bound %q, event %q", c.name, v, c.read, c.skipped, c.bound, c.event)
		}
		says := func(which string) bool { return strings.HasPrefix(v.bound, which) }
		if v.bound != "" && v.bound != boundLeft && !says("at most") && !says("at least") && !says("neither at most nor at least") {
			t.Errorf("%s: the bound %q does not say which", c.name, v.bound)
		}
	}
}

// A group that committed before anybody looked is a reader from the first look: there, with its lag, at rest.
func TestReaderThatStoppedBeforeItWasSeen(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	r.observe([]commit{{0, 100, 0}}, fakeEnds{endOffset: 400, old: true}, groupState{}, t0, at(-1))
	samples, sightings := r.tell(t0, at(-1))
	if len(sightings) != 1 || sightings[0].Evidence != lineage.GroupOffsets || sightings[0].Moved || sightings[0].Detail == "" {
		t.Errorf("sightings %+v, want one that it stands there", sightings)
	}
	if s, ok := value(samples, lineage.Lag); !ok || s.Value != 300 {
		t.Errorf("lag %+v, want 300", s)
	}
	if s, ok := value(samples, lineage.Live); !ok || s.Value != 0 {
		t.Errorf("live %+v, want 0", s)
	}
	r.observe([]commit{{0, 100, 0}}, fakeEnds{endOffset: 400, old: true}, groupState{found: t0}, at(1), t0)
	if _, again := r.tell(at(1), t0); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
}

// What waits in a partition without a commit is no zero: it is unknown, or all of it where the reader was seen to begin
// at the start, be somebody there or not: who left does not stand nearer to the end.
func TestLagOfPartitionsWithoutACommit(t *testing.T) {
	for _, c := range []struct {
		name    string
		started bool
		state   groupState
		want    int64
	}{
		{"a live reader", false, groupState{live: true, wasLive: true, reads: true}, lineage.Unknown},
		{"one that began at the start", true, groupState{live: true, wasLive: true, reads: true}, 50 + 100 + 100},
		{"one whose members have other topics", false, groupState{live: true, wasLive: true}, lineage.Unknown},
		{"one that nobody is in", false, groupState{}, lineage.Unknown},
		{"one that began at the start and left", true, groupState{wasLive: true}, 50 + 100 + 100},
	} {
		r := newReader(lineage.Access{}, lineage.GroupOffsets)
		r.habit.started = c.started
		r.observe([]commit{{0, 50, 0}}, fakeEnds{endOffset: 100, parts: 3}, c.state, t0, at(-1))
		if r.gauges.lag != c.want {
			t.Errorf("%s: lag %d, want %d", c.name, r.gauges.lag, c.want)
		}
	}
}

// Where the log's start passed a reader, what is gone is lost and no lag; it is told once, and what is read afterwards
// is a bound.
func TestReaderThatTheLogOvertakes(t *testing.T) {
	r := newReader(lineage.Access{Client: lineage.Client{Group: "slow"}}, lineage.GroupOffsets)
	guessed := false // the newest count of what was lost
	look := func(n int, offset, start int64) []lineage.Event {
		g := groupState{live: true, wasLive: true}
		if n > 0 {
			g.found = t0
		}
		r.observe([]commit{{0, offset, 0}}, fakeEnds{endOffset: 1000, start: start, old: true}, g, at(n), at(n-1))
		samples, _ := r.tell(at(n), at(n-1))
		if s, ok := value(samples, lineage.Lost); ok {
			guessed = s.Estimated
		}
		return r.tellEvents(at(n))
	}
	look(0, 100, 0)
	if e := look(1, 100, 950); len(e) != 1 || e[0].Type != lineage.RecordsLost || !strings.Contains(e[0].Detail, "850") {
		t.Errorf("events %+v, want that 850 records are lost", e)
	}
	if r.gauges.lag != 50 || r.lost.n != 850 || !guessed {
		t.Errorf("lag %d, lost %+v; want 50 and 850 at most, since it may have read some and not committed", r.gauges.lag, r.lost)
	}
	if e := look(2, 100, 960); len(e) != 0 {
		t.Errorf("told again: %+v", e)
	}
	look(3, 1000, 960)
	if r.read.n != 900 || r.bound != boundGone || r.lost.n != 860 {
		t.Errorf("read %+v, %q, lost %+v; want at most 900 and 860", r.read, r.bound, r.lost)
	}
	// Overtaken in the very step.
	r = newReader(lineage.Access{}, lineage.GroupOffsets)
	look(0, 100, 0)
	look(1, 1000, 950)
	if r.read.n != 900 || r.bound != boundOvertaken || r.lost.n != 850 || !guessed {
		// how much it reads is not known yet
		t.Errorf("read %+v, %q, lost %+v; want at most 900 and about 850", r.read, r.bound, r.lost)
	}
	// What a reader never moved in a tick it did not read of what was gone.
	r = newReader(lineage.Access{}, lineage.GroupOffsets)
	r.habit.most = 20
	look(0, 100, 0)
	look(1, 1000, 950)
	if r.read.n != 50+jump*20 || r.bound != boundOvertaken {
		t.Errorf("read %+v, %q; want at most %d", r.read, r.bound, 50+jump*20)
	}
}

// A commit that lies beyond the end is not caught up: the log was truncated under it.
func TestReaderBeyondATruncatedLog(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	look := func(n int, offset, end int64) {
		g := groupState{live: true, wasLive: true}
		if n > 0 {
			g.found = t0
		}
		r.observe([]commit{{0, offset, 0}}, fakeEnds{endOffset: end, cut: n > 1}, g, at(n), at(n-1))
		r.tell(at(n), at(n-1))
	}
	look(0, 1000, 1000)
	look(1, 1005, 1003) // the end was read before the commit was made
	if r.gauges.lag != 0 {
		t.Errorf("lag %d of a commit that is ahead of the end", r.gauges.lag)
	}
	look(2, 1005, 600)
	if r.gauges.lag != lineage.Unknown || len(r.events) != 1 {
		t.Errorf("lag %d, events %+v of a commit beyond the end", r.gauges.lag, r.events)
	}
	look(3, 700, 800)
	if r.read.n != 5+100 || r.bound != boundFell || r.gauges.lag != 100 {
		t.Errorf("read %+v, %q, lag %d; want 105, a bound, and 100", r.read, r.bound, r.gauges.lag)
	}
}

// The marker behind a partition's last record is no lag, and of what may all be markers nobody knows whether it is.
func TestMarkerIsNoLag(t *testing.T) {
	for _, c := range []struct{ committed, tail, lag int64 }{{99, 0, 1}, {99, 1, 0}, {98, 1, 1}, {98, 2, lineage.Unknown}, {99, 2, 0}, {97, 2, 2}, {100, 2, 0}} {
		r := newReader(lineage.Access{}, lineage.GroupOffsets)
		r.observe([]commit{{0, c.committed, 0}}, fakeEnds{endOffset: 100, markers: true, tail: c.tail}, groupState{}, t0, at(-1))
		if r.gauges.lag != c.lag {
			t.Errorf("lag %d of who stands at %d of 100, where %d may be markers; want %d", r.gauges.lag, c.committed, c.tail, c.lag)
		}
	}
}

// A reader without membership lives as long as it goes on in its rhythm.
func TestReaderWithoutMembershipIsAlive(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	for i := range 5 {
		r.observe([]commit{{0, int64(100 * i), -1}}, fakeEnds{endOffset: 1000}, groupState{found: t0}, at(i), at(i-1))
		r.tell(at(i), at(i-1))
	}
	if !r.gauges.live || !r.gauges.pending || r.bound != boundAlone {
		t.Errorf("%+v, bound %q; want a live reader, whose commits look like anybody's", r.gauges, r.bound)
	}
	late := at(4).Add(time.Hour)
	r.observe([]commit{{0, 400, -1}}, fakeEnds{endOffset: 1000}, groupState{found: t0}, late, late.Add(-tick))
	if r.gauges.live || r.gauges.lag != 600 {
		t.Errorf("an hour later: %+v", r.gauges)
	}
}

// A member that goes back a little may have read what is before it again, or nothing: its last commits were lost with
// their coordinator, or one came late. What it reads beyond where it had been is at least so much, and says so.
func TestReaderThatGoesBackALittle(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	g := groupState{live: true, wasLive: true, reads: true, found: at(-2)}
	look := func(i int, committed int64) (samples []lineage.Sample, details []string) {
		r.observe([]commit{{0, committed, 0}}, fakeEnds{endOffset: 600, old: true}, g, at(i), at(i-1))
		samples, sightings := r.tell(at(i), at(i-1))
		for _, s := range sightings {
			details = append(details, s.Detail)
		}
		return slices.DeleteFunc(samples, func(s lineage.Sample) bool { return s.Metric != lineage.Records }), details
	}
	look(0, 0)
	look(1, 600)
	if samples, details := look(2, 300); len(samples) != 1 || samples[0].Value != 600 || !samples[0].Estimated || !slices.Contains(details, boundAgain+"; of steps before at most") {
		t.Errorf("it went back: %+v, %q; want nothing counted, estimated, and why", samples, details)
	}
	if _, details := look(3, 300); len(details) > 0 {
		t.Errorf("it stands still, and %q is said again", details)
	}
	if samples, details := look(4, 600); len(samples) != 1 || samples[0].Value != 600 || !samples[0].Estimated || !slices.Contains(details, boundPassed+"; of steps before at most") {
		t.Errorf("it goes on: %+v, %q; want nothing counted, estimated, and why", samples, details)
	}
	if samples, _ := look(5, 600); len(samples) > 0 {
		t.Errorf("nothing moves: %+v", samples)
	}
	look(6, 590)
	for i := 7; i < 100; i++ {
		look(i, 590)
	}
	if _, details := look(100, 600); !slices.Contains(details, boundNeither) {
		t.Errorf("back, and after a long pause forward: %q, want no bound", details)
	}
}

// A commit that falls is not always read again. Who reads goes on from where it is when the coordinator that went took
// the last commits with it, or when another member commits late what it had read before: then the next commit passes
// what was read once before. What is passed in parts below there is read again.
func TestCommitsThatFall(t *testing.T) {
	live := groupState{live: true, wasLive: true, reads: true, found: at(-2)}
	type look struct {
		committed int64
		epoch     int32
		read      int64 // in all
		bound     string
	}
	const alone, member = false, true
	for _, c := range []struct {
		name  string
		live  bool
		looks []look
	}{
		{"the last commits were lost, and it reads on", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 200, boundAgain}, {240, 0, 240, boundPassed}, {300, 0, 300, ""}}},
		{"lost twice", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 200, boundAgain}, {120, 0, 200, boundAgain}, {240, 0, 240, boundPassed}}},
		{"lost, and it commits the same again", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 200, boundAgain}, {200, 0, 200, boundPassed}, {220, 0, 220, ""}}},
		{"it reads a little again, in parts", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 200, boundAgain}, {170, 0, 220, ""}, {230, 0, 280, ""}}},
		{"it reads all again, in parts", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {300, 0, 300, ""}, {90, 0, 390, boundBack}, {190, 0, 490, ""}, {320, 0, 620, ""}}},
		{"many commits were lost", member, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {300, 0, 300, ""}, {90, 0, 390, boundBack}, {320, 0, 620, boundHad}, {400, 0, 700, ""}}},
		{"of a reader without membership", alone, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 350, boundBack}, {240, 0, 440, boundHad}, {300, 0, 500, ""}}},
		{"two readers without membership, of one group", alone, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, 0, 350, boundBack}, {160, 0, 360, ""}, {240, 0, 440, boundHad}}},
		{"set back under a reader without membership", alone, []look{{100, 0, 100, ""}, {200, 0, 200, ""}, {150, -1, 200, boundBrief}, {240, 0, 290, boundHad}, {300, 0, 350, ""}}},
	} {
		r := newReader(lineage.Access{}, lineage.GroupOffsets)
		g := groupState{found: at(-2)}
		if c.live {
			g = live
		}
		r.observe([]commit{{0, 0, 0}}, fakeEnds{endOffset: 0}, g, at(0), at(-1))
		r.tell(at(0), at(-1))
		r.habit = habit{epochs: true, most: 100, alone: believedAfter}
		end := int64(0) // the log's, which does not fall
		for i, l := range c.looks {
			end = max(end, l.committed)
			// lineaged is started again in between, each time
			again, err := decodeReader(r.access, r.encode(), at(i))
			if err != nil {
				t.Fatal(err)
			}
			r = again
			r.habit.alone = believedAfter
			r.observe([]commit{{0, l.committed, l.epoch}}, fakeEnds{endOffset: end, young: true}, g, at(i+1), at(i))
			r.tell(at(i+1), at(i))
			if r.read.n != l.read || r.bound != l.bound {
				t.Errorf("%s: after look %d %d are read, %q; want %d, %q", c.name, i, r.read.n, r.bound, l.read, l.bound)
			}
		}
	}
}

// A book that the version before wrote is read, without where it had gone back from.
func TestReadersBookOfVersion1(t *testing.T) {
	kept, err := hex.DecodeString("01020e0e00000000000000e0d9b5cdc06880d8c0cdc068e0bbbfcdc0680001000100c801a09c01021801010103010112")
	if err != nil {
		t.Fatal(err)
	}
	r, err := decodeReader(lineage.Access{}, kept, t0)
	if err != nil {
		t.Fatal(err)
	}
	if r.read.n != 7 || len(r.parts) != 2 || r.parts[0].committed != 12 || r.parts[1].committed != lostCommit || r.parts[0].high != -1 || r.parts[0].again {
		t.Errorf("%+v", r)
	}
	if again, err := decodeReader(lineage.Access{}, r.encode(), t0); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v, written again", again, err)
	}
}

// And one of version 2, without what is in doubt.
func TestReadersBookOfVersion2(t *testing.T) {
	kept, err := hex.DecodeString("02020e0e00000000000000e0d9b5cdc06880d8c0cdc068e0bbbfcdc0680001000100c801a09c010218010101" + "0100" + "03010112" + "1201")
	if err != nil {
		t.Fatal(err)
	}
	r, err := decodeReader(lineage.Access{}, kept, t0)
	if err != nil {
		t.Fatal(err)
	}
	if r.read.n != 7 || len(r.parts) != 2 || r.parts[0].high != -1 || r.parts[1].high != 9 || !r.parts[1].again || r.doubted.n != 0 || r.shows != (readerShows{}) {
		t.Errorf("%+v", r)
	}
	r.doubted, r.returned, r.shows.ahead = total{n: 5, told: 5}, total{n: 6, told: 4}, true
	if again, err := decodeReader(lineage.Access{}, r.encode(), t0); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v, written again", again, err)
	}
}

// And one of version 3, which is of the newest round.
func TestReadersBookOfVersion3(t *testing.T) {
	kept, err := hex.DecodeString("03020e0e000000000000000a0a000c0800000080d8c0cdc06880d8c0cdc068000000000000000001180101010100")
	if err != nil {
		t.Fatal(err)
	}
	r, err := decodeReader(lineage.Access{}, kept, t0)
	if err != nil {
		t.Fatal(err)
	}
	if r.read.n != 7 || r.doubted.n != 5 || r.returned.n != 6 || !r.moved.Equal(t0) || !r.known.Equal(t0) || r.stale || len(r.parts) != 1 || r.parts[0].committed != 12 {
		t.Errorf("%+v", r)
	}
	r.stale, r.known = true, t0.Add(-9*tick)
	if again, err := decodeReader(lineage.Access{}, r.encode(), t0); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v, written again", again, err)
	}
}

// Members that have nothing of a topic do not read it, though their group did once: nobody is there, but for a while
// after the last commit, since what members have is looked at more seldom.
func TestMembersOfAnotherTopicDoNotRead(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	look := func(n int, offset int64, reads bool) {
		r.observe([]commit{{0, offset, 0}}, fakeEnds{endOffset: 100}, groupState{live: true, wasLive: true, reads: reads, found: t0}, at(n), at(n-1))
	}
	look(0, 50, true)
	look(1, 60, false)
	for _, c := range []struct {
		round int
		reads bool
		want  bool
	}{{1, false, true}, {2, false, true}, {1 + int(spreadLimit/tick), false, true}, {2 + int(spreadLimit/tick), false, false}, {3 + int(spreadLimit/tick), true, true}} {
		if c.round > 1 {
			look(c.round, 60, c.reads)
		}
		if r.gauges.live != c.want || r.gauges.pending && !c.want {
			t.Errorf("round %d, members have the topic %v: somebody reads it: %v, pending %v; want %v", c.round, c.reads, r.gauges.live, r.gauges.pending, c.want)
		}
	}
}
