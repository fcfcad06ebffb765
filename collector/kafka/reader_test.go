package kafka

import (
	"testing"
	"time"

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
}

func (f fakeEnds) end(int32) (int64, bool) { return f.endOffset, !f.unread }
func (f fakeEnds) age(_ int32, o int64) (time.Duration, bool) {
	return time.Duration(f.endOffset-o) * time.Second, false
}

func (f fakeEnds) transactional() bool { return f.markers }
func (f fakeEnds) origin(_ int32, offset int64, _ time.Time) (int64, bool) {
	if offset < f.atJoin {
		return f.start, false
	}
	return f.atJoin, f.atJoin <= f.start
}

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
}

func runReader(t *testing.T, joined time.Time, atJoin int64, steps []readerStep) *reader {
	t.Helper()
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	wasLive := false
	total := int64(0)
	for i, s := range steps {
		round := t0.Add(time.Duration(i) * tick)
		if !r.observe([]commit{{0, s.offset, s.epoch}}, fakeEnds{endOffset: s.end, atJoin: atJoin}, groupState{live: s.live, wasLive: wasLive, joined: joined}, round) {
			t.Fatalf("step %d: not observed", i)
		}
		wasLive = s.live
		samples := r.tell(round, round.Add(-tick))
		if r.read.n != s.read || r.gauges.lag != s.lag || r.gauges.pending != s.pending {
			t.Errorf("step %d: read %d, lag %d, pending %v; want %d, %d, %v", i, r.read.n, r.gauges.lag, r.gauges.pending, s.read, s.lag, s.pending)
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
		{offset: 100, end: 100, live: true},                                                 // what was before us is nobody's
		{offset: 100, end: 150, live: true, lag: 50, pending: true},                         // something to read
		{offset: 100, end: 200, live: true, lag: 100, pending: true},                        //
		{offset: 190, end: 250, live: true, read: 90, since: at(0), lag: 60, pending: true}, // spread since there was nothing to read
		{offset: 250, end: 250, live: true, read: 150},                                      // since the round before: Since is zero
		{offset: 250, end: 250, live: true, read: 150},                                      // idle, not pending
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

func TestReaderResets(t *testing.T) {
	runReader(t, time.Time{}, 0, []readerStep{
		{offset: 100, end: 500, live: true, lag: 400},
		{offset: 40, end: 500, lag: 460},   // set back
		{offset: 500, end: 500, epoch: -1}, // set forward by an administrator
		{offset: 500, end: 600, live: true, lag: 100, pending: true},
		{offset: 600, end: 600, live: true, read: 100, since: at(2)},
		{offset: -1, end: 600, live: true, read: 100},  // the group's offsets were deleted
		{offset: 600, end: 600, live: true, read: 100}, // and committed again
	})
}

func TestReaderOfANewGroup(t *testing.T) {
	// The log was empty when the group appeared: exact from zero.
	r := runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: -1, end: 10, live: true},
		{offset: 30, end: 30, live: true, read: 30},
	})
	if r.read.estimated {
		t.Error("estimated although the log was empty at the join")
	}
	// It has committed less than the end was: it began at the start, which is an assumption.
	runReader(t, t0.Add(-tick), 1000, []readerStep{
		{offset: -1, end: 1000, live: true},
		{offset: 400, end: 1000, live: true, read: 400, lag: 600, pending: true},
	})
	// It stands at the end that it found: it need not have read anything.
	runReader(t, t0.Add(-tick), 1000, []readerStep{
		{offset: 1000, end: 1000, live: true},
		{offset: 1200, end: 1200, live: true, read: 200},
	})
}

// MirrorMaker 2 syncs the offsets of another cluster's groups into groups that nobody is in: that is no reading, not at first and not later.
func TestReaderOfSyncedOffsets(t *testing.T) {
	runReader(t, t0.Add(-tick), 0, []readerStep{
		{offset: 100, end: 500, epoch: -1, lag: 400},
		{offset: 500, end: 500, epoch: -1},
		{offset: 500, end: 600, live: true, lag: 100, pending: true},
		{offset: 600, end: 600, live: true, read: 100, since: at(1)}, // somebody reads here
	})
}

func TestOriginOfAFirstCommit(t *testing.T) {
	type point struct {
		round int
		end   int64
	}
	for _, c := range []struct {
		name          string
		ends          []point
		start         int64
		joined, round int
		offset        int64
		want          int64
		certain       bool
	}{
		{"the log was empty", []point{{0, 0}, {5, 90}}, 0, 2, 5, 70, 0, true},
		{"it began where the log ended", []point{{0, 50}, {5, 90}}, 0, 2, 5, 70, 50, false},
		{"it began at the start", []point{{0, 50}, {5, 90}}, 7, 2, 5, 30, 7, false},
		{"it had committed nothing at the oldest end that is known", []point{{4, 50}, {5, 90}}, 0, 2, 5, 70, 50, false},
		{"nobody looked before", []point{{5, 90}}, 0, 2, 5, 70, 70, false},
	} {
		tp := &topic{account: newAccount(lineage.Topic{Name: "orders"}), histories: make([]pastend.History, 1), starts: []int64{c.start}}
		for _, p := range c.ends {
			tp.histories[0].Add(at(p.round), p.end)
		}
		if got, certain := (topicAt{tp, at(c.round)}).origin(0, c.offset, at(c.joined)); got != c.want || certain != c.certain {
			t.Errorf("%s: it began at %d (certain: %v), want %d (%v)", c.name, got, certain, c.want, c.certain)
		}
	}
}

func TestReaderNeedsTheEnds(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	if r.observe([]commit{{0, 5, 0}}, fakeEnds{unread: true}, groupState{live: true}, t0) {
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
		{offset: 200, end: 900, live: true, read: 100, since: at(0), lag: 700, pending: true},
	})
}

// Commits that were deleted do not make the next one a first one of a group that has just joined.
func TestReaderTakesTheCommitAfterALossAsItsBase(t *testing.T) {
	runReader(t, t0.Add(-tick), 1000, []readerStep{
		{offset: -1, end: 1000, live: true},
		{offset: 2000, end: 2000, live: true, read: 1000},
		{offset: -1, end: 2000, live: true, read: 1000},
		{offset: 2010, end: 2010, live: true, read: 1000},
		{offset: 2030, end: 2030, live: true, read: 1020},
	})
}

func TestReaderOfTransactionsIsEstimated(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	r.observe([]commit{{0, 10, 0}}, fakeEnds{endOffset: 10, markers: true}, groupState{live: true}, t0)
	r.observe([]commit{{0, 30, 0}}, fakeEnds{endOffset: 30, markers: true}, groupState{live: true}, at(1))
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
		lag := end + late[i%len(late)] - 500 // the group stands at 500
		r.observe([]commit{r.shareProgress(tp, 0, 480, lag)}, topicAt{tp, round}, groupState{}, round)
	}
	if r.read.n != 0 {
		t.Errorf("a share group without members read %d", r.read.n)
	}
	if c := r.shareProgress(tp, 0, 100, end-100); c.offset != 100 {
		t.Errorf("after its start was set back it stands at %d, want 100", c.offset)
	}
}
