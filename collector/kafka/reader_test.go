package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// fakeEnds is a topic of one partition for readers.
type fakeEnds struct {
	endOffset int64
	unread    bool
	start     int64
	atJoin    int64
	markers   bool
	tail      int64 // the last offset is one, and so many may be
	gaveUp    bool  // the newest transaction was aborted
	holes     compaction
	copy      bool
	parts     int
	old       bool // what there is to read has been there for long
	young     bool // it came a second ago
	cut       bool // records that were in the log are lost
}

func (f fakeEnds) partitions() int                 { return max(f.parts, 1) }
func (f fakeEnds) end(int32) (int64, bool)         { return f.endOffset, !f.unread }
func (f fakeEnds) begin(int32) int64               { return f.start }
func (f fakeEnds) trailing(int32) (int64, int64)   { return min(1, f.tail), f.tail }
func (f fakeEnds) mayBeAborted(int32) (bool, bool) { return f.gaveUp, false }
func (f fakeEnds) compacted() compaction           { return f.holes }
func (f fakeEnds) copied() bool                    { return f.copy }
func (f fakeEnds) added(int32) bool                { return false }
func (f fakeEnds) seen() bool                      { return true }
func (f fakeEnds) wasCut() bool                    { return f.cut }
func (f fakeEnds) ended(int32, time.Time) int64    { return f.atJoin }
func (f fakeEnds) age(_ int32, o int64) (time.Duration, bool) {
	if f.old && o < f.endOffset {
		return time.Hour, false
	}
	if f.young {
		return time.Second, false
	}
	return time.Duration(f.endOffset-o) * time.Second, false
}
func (f fakeEnds) transactional() bool { return f.markers }

func value(samples []lineage.Sample, m lineage.Metric) (lineage.Sample, bool) {
	for _, s := range samples {
		if s.Metric == m {
			return s, true
		}
	}
	return lineage.Sample{}, false
}

type readerStep struct {
	offset, end int64
	epoch       int32
	live        bool
	read        int64     // total after the step
	since       time.Time // of the sample; checked when the total changed
	lag         int64
	pending     bool
	bound       string // how the detail of what was read in the step begins
}

func runReader(t *testing.T, joined time.Time, atJoin int64, steps []readerStep) *reader {
	t.Helper()
	return runReaderOf(t, joined, fakeEnds{atJoin: atJoin}, steps)
}

// runReaderOf takes a reader of a topic through steps.
func runReaderOf(t *testing.T, joined time.Time, ends fakeEnds, steps []readerStep) *reader {
	t.Helper()
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	wasLive, nobody := false, time.Time{}
	total := int64(0)
	for i, s := range steps {
		round := t0.Add(time.Duration(i) * tick)
		ends.endOffset = s.end
		if !r.observe([]commit{{0, s.offset, s.epoch}}, ends, groupState{live: s.live, wasLive: wasLive, nobody: nobody, reads: true, joined: joined}, round, round.Add(-tick)) {
			t.Fatalf("step %d: not observed", i)
		}
		if wasLive = s.live; !wasLive {
			nobody = round
		}
		samples, _ := r.tell(round, round.Add(-tick))
		if r.read.n != s.read || r.gauges.lag != s.lag || r.gauges.pending != s.pending {
			t.Errorf("step %d: read %d, lag %d, pending %v; want %d, %d, %v", i, r.read.n, r.gauges.lag, r.gauges.pending, s.read, s.lag, s.pending)
		}
		if !strings.HasPrefix(r.bound, s.bound) || s.bound == "" && r.bound != "" {
			t.Errorf("step %d: bound %q, want %q", i, r.bound, s.bound)
		}
		if sample, ok := value(samples, lineage.Records); ok && s.read != total && !sample.Since.Equal(s.since) {
			t.Errorf("step %d: since %v, want %v", i, sample.Since, s.since)
		}
		total = s.read
	}
	return r
}

func at(i int) time.Time { return t0.Add(time.Duration(i) * tick) }

func TestReaderSpreadsStepsAndPends(t *testing.T) {
	runReader(t, time.Time{}, 0, []readerStep{
		// what was before us is nobody's
		{offset: 100, end: 100, live: true},
		// something to read
		{offset: 100, end: 150, live: true, lag: 50, pending: true},
		{offset: 100, end: 200, live: true, lag: 100, pending: true}, //
		// the first step, over old records; spread since there was nothing to read
		{offset: 190, end: 250, live: true, read: 90, since: at(0), lag: 60, pending: true, bound: "at most"},
		// since the round before: Since is zero
		{offset: 250, end: 250, live: true, read: 150},
		// idle, not pending
		{offset: 250, end: 250, live: true, read: 150},
	})
}

func TestReaderStuckIsNotPendingForEver(t *testing.T) {
	var steps []readerStep
	for i := range 70 {
		round := time.Duration(i) * tick
		steps = append(steps, readerStep{offset: 100, end: 100 + int64(i), live: true, lag: int64(i), pending: i > 0 && round <= spreadLimit})
	}
	runReader(t, time.Time{}, 0, steps)
}

// A reader that commits each five minutes reads meanwhile: after two such steps it is pending until the next one, which
// is spread over all of the time. One that was stuck once is as before.
func TestReaderThatCommitsSeldom(t *testing.T) {
	const every = 150
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	g := groupState{live: true, wasLive: true, reads: true, found: at(-1)}
	for i := range 4*every + 1 {
		committed := int64(i - i%every)
		r.observe([]commit{{0, committed, 0}}, fakeEnds{endOffset: int64(i), old: true}, g, at(i), at(i-1))
		r.tell(at(i), at(i-1))
		if i > 2*every && i%every != 0 && !r.gauges.pending {
			t.Fatalf("%s after a commit it is not taken to be at work", time.Duration(i%every)*tick)
		}
		if i > every && i%every == 0 && !r.from.Equal(at(i-every)) {
			t.Errorf("what it committed at %v is said to be read since %v, want %v", at(i), r.from, at(i-every))
		}
	}
	for i := 4*every + 1; i < 5*every; i++ { // each tick
		r.observe([]commit{{0, int64(i), 0}}, fakeEnds{endOffset: int64(i + 5)}, g, at(i), at(i-1))
		r.tell(at(i), at(i-1))
	}
	for i := 5 * every; i < 6*every; i++ {
		r.observe([]commit{{0, 5*every - 1, 0}}, fakeEnds{endOffset: int64(i + 5)}, g, at(i), at(i-1))
	}
	if r.gauges.pending {
		t.Error("a reader that commits each tick and is stuck for five minutes is taken to be at work")
	}
}

// What members read they read since somebody was there: a step over what has waited for long is not spread over the
// time in which nobody was in the group.
func TestReaderReadsWhileSomebodyIsThere(t *testing.T) {
	runReaderOf(t, time.Time{}, fakeEnds{old: true}, []readerStep{
		{offset: 100, end: 100, live: true},
		{offset: 150, end: 150, live: true, read: 50, bound: boundJump},
		{offset: 150, end: 250, read: 50, lag: 100},
		{offset: 150, end: 350, read: 50, lag: 200},
		{offset: 150, end: 450, read: 50, lag: 300},
		// it comes and reads within a tick, and in the next one commits as it goes
		{offset: 300, end: 550, live: true, read: 200, lag: 250, pending: true, bound: boundRestarted},
		{offset: 300, end: 550, live: true, read: 200, lag: 250, pending: true},
		{offset: 350, end: 550, read: 250, since: at(5), lag: 200},
		// it comes and has to wait for a tick before it commits
		{offset: 350, end: 550, read: 250, lag: 200},
		{offset: 350, end: 550, live: true, read: 250, lag: 200, pending: true},
		{offset: 550, end: 550, live: true, read: 450, since: at(8)},
	})
}

// That nobody was in a group says nothing of what was read before, where its commits were not read in that round.
func TestReaderThatReadBeforeNobodyWasThere(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	see := func(n int, offset, end int64, g groupState) {
		t.Helper()
		g.reads = true
		if !r.observe([]commit{{0, offset, -1}}, fakeEnds{old: true, endOffset: end}, g, at(n), at(n-1)) {
			t.Fatalf("round %d: not observed", n)
		}
		r.tell(at(n), at(n-1))
	}
	see(0, 100, 100, groupState{live: true})
	see(1, 100, 500, groupState{live: true, wasLive: true})
	// It reads and goes, nobody is there in the third round, and the offsets of the second and of that are not read.
	see(4, 400, 500, groupState{live: true, nobody: at(3)})
	if want := at(0); !r.from.Equal(want) {
		t.Errorf("what was read is told to have been read since %v, want %v", r.from, want)
	}
}

// What a group reads of a topic on which it had committed nothing is not of the time in which nobody was in it, as far
// as its commits were read then.
func TestReaderOfAnotherTopicThanBefore(t *testing.T) {
	for name, whole := range map[string]int{"its commits were read": 9, "they were not": 8} {
		r := newReader(lineage.Access{}, lineage.GroupOffsets)
		g := groupState{live: true, reads: true, found: at(0), nobody: at(9), whole: at(whole)}
		if !r.observe([]commit{{0, 400, -1}}, fakeEnds{old: true, endOffset: 500}, g, at(10), at(9)) {
			t.Fatal("not observed")
		}
		if bounded := r.from.Equal(at(9)); bounded != (whole == 9) {
			t.Errorf("%s: what was read is told to have been read since %v", name, r.from)
		}
	}
}

// That nobody was in a group in the newest stored round is known over a restart, of one that had members is not.
func TestRestoredGroupWithoutMembers(t *testing.T) {
	for state, want := range map[string]time.Time{"Empty": t0, "Stable": {}} {
		s := newSource(Config{Name: "west", Interval: tick})
		g := group{ref: lineage.GroupRef{Group: "billing"}, typ: "Classic", state: state}
		if err := s.restoreGroup("billing", g.encode(), t0); err != nil {
			t.Fatal(err)
		}
		told := s.tell.Take(at(3))
		take := &take{source: s, round: at(3), before: at(2), told: told}
		take.listed1(told.Observe(sourceGroups, tick), take.listing(1, &kmsg.ListGroupsResponseGroup{Group: "billing", GroupState: "Stable", GroupType: "Classic"}))
		if got := take.stateOf(s.groups["billing"], &topic{account: newAccount(lineage.Topic{Name: "orders"})}).nobody; !got.Equal(want) {
			t.Errorf("a group that was %s had nobody in it last in %v, want %v", state, got, want)
		}
	}
}

func TestReaderResets(t *testing.T) {
	r := runReader(t, time.Time{}, 0, []readerStep{
		{offset: 100, end: 500, live: true, lag: 400},
		{offset: 130, end: 500, live: true, lag: 370, read: 30, pending: true, bound: boundJump},
		// set back in the tick in which it left; it may have read on before
		{offset: 40, end: 500, lag: 460, epoch: -1, read: 30, since: at(1), bound: boundLeftBack},
		// set forward by an administrator: the reader's own commits bear epochs, and it may have come and gone before
		{offset: 500, end: 500, epoch: -1, read: 30, bound: boundBrief},
		{offset: 500, end: 600, live: true, lag: 100, pending: true, read: 30}, // it was there when somebody came
		{offset: 600, end: 600, live: true, read: 130, since: at(3)},           //
		// the group's offsets were deleted: what it lags by nobody knows
		{offset: -1, end: 600, live: true, read: 130, lag: -1, pending: true},
		{offset: 600, end: 600, live: true, read: 130}, // and committed again
		{offset: 40, end: 600, live: true, read: 170, lag: 560, bound: "at most: it went back", pending: true},
	})
	if r.skipped.n != 460 {
		t.Errorf("skipped %+v, want 460", r.skipped)
	}
}

func TestReaderOfANewGroup(t *testing.T) {
	// The log was empty when the group appeared, and until a moment ago: exact from zero.
	r := runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: -1, end: 5, live: true, lag: -1},
		{offset: 9, end: 9, live: true, read: 9, since: at(-1)},
	})
	if r.read.estimated {
		t.Error("estimated although the log was empty at the join")
	}
	// There was something to read for long, and nobody committed: members that take the topic up later, or a partition
	// over, begin at its end where they have no commit and are told so.
	runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: -1, end: 10, live: true, lag: -1},
		{offset: -1, end: 1000, live: true, lag: -1},
		{offset: 1050, end: 1050, live: true, read: 1050, since: at(-1), bound: boundBegan},
	})
	// It has committed less than the end was: it began at the start, which is an assumption.
	runReader(t, t0.Add(-tick), 1000, []readerStep{
		{offset: -1, end: 1000, live: true, lag: -1},
		{offset: 400, end: 1000, live: true, read: 400, since: at(-1), lag: 600, pending: true, bound: boundBegan},
	})
	// It stands at the end that it found: it has read all, or nothing, as who begins at the end.
	r = runReader(t, t0.Add(-tick), 1000, []readerStep{
		{offset: 1000, end: 1000, live: true, bound: boundStands},
		{offset: 1001, end: 1001, live: true, read: 1},
		{offset: 1003, end: 1003, live: true, read: 3},
	})
	if !r.moved.Equal(at(2)) {
		t.Errorf("it moved in %v", r.moved)
	}
	// Nobody reads ten billion records in a tick.
	runReader(t, t0.Add(-tick), 1e10, []readerStep{
		{offset: 1e10 + 5, end: 1e10 + 5, live: true, read: 5, bound: boundAtEnd},
	})
	// A job that comes, reads all and goes within a tick.
	runReader(t, t0.Add(-tick), 50, []readerStep{
		{offset: 50, end: 50, epoch: -1, read: 50, bound: boundBegan},
	})
	r = runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: 50, end: 50, read: 50, bound: boundOnce},
	})
	if len(r.events) != 0 {
		t.Errorf("events %+v of a job whose commits bear epochs", r.events)
	}
}

// What is said of a reader that was not seen to move is taken back in the round in which it is; and that it did not
// move is not said of one that an earlier run may have seen move.
func TestWordsOfAReaderThatBeginsToMove(t *testing.T) {
	type step struct {
		after  time.Duration
		offset int64
		want   string
	}
	said := func(r *reader, steps ...step) {
		t.Helper()
		round := t0
		for i, s := range steps {
			before := round
			round = round.Add(s.after)
			if !r.observe([]commit{{0, s.offset, 1}}, fakeEnds{endOffset: s.offset}, groupState{live: true, wasLive: true, reads: true}, round, before) {
				t.Fatal("not observed")
			}
			detail := ""
			if _, sightings := r.tell(round, before); len(sightings) > 0 {
				detail = sightings[0].Detail
			}
			if detail != s.want {
				t.Errorf("step %d: %q is said, want %q", i, detail, s.want)
			}
		}
	}
	fresh := func() *reader { return newReader(lineage.Access{}, lineage.GroupOffsets) }
	said(fresh(), step{tick, 100, wordsPlaced}, step{tick, 100, ""}, step{sightEvery, 100, wordsUnmoved}, step{tick, 101, wordsStands}, step{tick, 102, ""},
		step{sightEvery, 102, wordsStands})
	said(fresh(), step{tick, 100, wordsPlaced}, step{tick, 101, wordsStands}, step{tick, 102, ""})
	r := fresh()
	said(r, step{tick, 100, wordsPlaced})
	r, err := decodeReader(lineage.Access{}, r.encode(), t0.Add(tick))
	if err != nil {
		t.Fatal(err)
	}
	said(r, step{2 * tick, 100, wordsPlaced}, step{sightEvery, 100, wordsPlaced}, step{tick, 101, wordsStands}, step{tick, 102, ""})
}

// MirrorMaker 2 syncs the offsets of another cluster's groups into groups that nobody is in: that is no reading, not at
// first and not later.
func TestReaderOfSyncedOffsets(t *testing.T) {
	r := runReaderOf(t, t0.Add(-tick), fakeEnds{copy: true}, []readerStep{
		{offset: 100, end: 500, epoch: -1, lag: 400},
		{offset: 500, end: 500, epoch: -1},
		{offset: 500, end: 600, live: true, lag: 100, pending: true},
		// somebody reads here
		{offset: 600, end: 600, live: true, read: 100, since: at(1), bound: "at most: it passed more"},
	})
	if len(r.events) != 0 {
		t.Errorf("events %+v of a sync", r.events)
	}
}

func TestReaderNeedsTheEnds(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	if r.observe([]commit{{0, 5, 0}}, fakeEnds{unread: true}, groupState{live: true}, t0, at(-1)) {
		t.Error("observed without an end")
	}
	if len(r.parts) != 0 {
		t.Error("booked without an end")
	}
}

// What a reader did before it was first seen is nobody's: no step is spread over the time before.
func TestReaderClaimsNothingBeforeItWasSeen(t *testing.T) {
	runReader(t, time.Time{}, 0, []readerStep{
		{offset: 100, end: 900, live: true, lag: 800},
		{offset: 100, end: 900, live: true, lag: 800},
		{offset: 200, end: 900, live: true, read: 100, since: at(0), lag: 700, pending: true, bound: boundJump},
	})
}

// Commits that were deleted do not make the next one a first one: a member that goes on goes on where it was.
func TestReaderGoesOnAfterALoss(t *testing.T) {
	runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: -1, end: 0, live: true},
		{offset: 2000, end: 2000, live: true, read: 2000, bound: boundBegan}, // what was written long ago
		{offset: -1, end: 2000, live: true, read: 2000, lag: -1, pending: true},
		{offset: 2010, end: 2010, live: true, read: 2010, since: at(1), bound: boundLost},
		{offset: 2030, end: 2030, live: true, read: 2030},
		{offset: -1, end: 2030, read: 2030, lag: -1}, // and one that begins anew begins anywhere
		{offset: 40, end: 2030, read: 2070, lag: 1990, live: true, pending: true, bound: boundBegan},
	})
}

func TestReaderOfTransactionsIsEstimated(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	r.observe([]commit{{0, 10, 0}}, fakeEnds{endOffset: 10, markers: true}, groupState{live: true}, t0, at(-1))
	r.observe([]commit{{0, 30, 0}}, fakeEnds{endOffset: 30, markers: true}, groupState{live: true, wasLive: true}, at(1), t0)
	if r.read.n != 20 || !r.read.estimated {
		t.Errorf("%+v, want 20, estimated: markers are offsets that nobody reads", r.read)
	}
}

// A share group that stands still stands still, although its lag is measured after the end was.
func TestShareProgressDoesNotJitter(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.ShareOffsets)
	tp := &topic{account: newAccount(lineage.Topic{Name: "orders"})}
	tp.open(1, true)
	tp.leaders, tp.histories, tp.starts = []int32{1}, make([]pastend.History, 1), []int64{0}
	end, late := int64(1000), []int64{20, 5, 180, 0, 90, 40}
	for i := range 20 {
		end += 200
		tp.begin()
		tp.setEnd(0, end)
		round := at(i)
		tp.histories[0].Add(round, end)
		lag := end + late[i%len(late)] - 500 // the group stands at 500
		r.observe([]commit{r.shareProgress(topicAt{tp, round, false}, 0, 480, lag, true, tick)}, topicAt{tp, round, false}, groupState{}, round, round.Add(-tick))
	}
	if r.read.n != 0 {
		t.Errorf("a share group without members read %d", r.read.n)
	}
	// It comes, reads all, and goes between two looks: the start offset does not tell, the lag does.
	r.observe([]commit{r.shareProgress(topicAt{tp, at(20), false}, 0, 480, 0, false, tick)}, topicAt{tp, at(20), false}, groupState{}, at(20), at(19))
	if r.read.n != 4500 || r.bound != boundShare {
		t.Errorf("it read %d, %q; want at most 4500", r.read.n, r.bound)
	}
	if c := r.shareProgress(topicAt{tp, at(20), false}, 0, 100, end-100, false, tick); c.offset != 100 {
		t.Errorf("after its start was set back it stands at %d, want 100", c.offset)
	}
}
