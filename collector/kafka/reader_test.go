package kafka

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// fakeEnds is a topic of one partition for readers.
type fakeEnds struct {
	endOffset int64
	unread    bool
	start     int64
	atJoin    int64
}

func (f fakeEnds) end(int32) (int64, bool) { return f.endOffset, !f.unread }
func (f fakeEnds) age(_ int32, o int64) (time.Duration, bool) {
	return time.Duration(f.endOffset-o) * time.Second, false
}

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

func TestReaderNeedsTheEnds(t *testing.T) {
	r := newReader(lineage.Access{}, lineage.GroupOffsets)
	if r.observe([]commit{{0, 5, 0}}, fakeEnds{unread: true}, groupState{live: true}, t0) {
		t.Error("observed without an end")
	}
	if len(r.parts) != 0 {
		t.Error("booked without an end")
	}
}
