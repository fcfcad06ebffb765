package answer_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// counts fills in what a total is.
func counts(x lineage.Access, m lineage.Metric, e lineage.EvidenceKind, total int64) filling {
	return func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: m, Evidence: e, Value: total})
	}
}

// untold reports whether nothing is said of how much it is, for a reason.
func untold(x answer.Tally, why answer.TallyDoubt) bool {
	_, least := x.AtLeast()
	_, most := x.AtMost()
	return !least && !most && slices.Contains(x.Doubts.List(), why)
}

// accountOf tells 20 rounds of a topic and a reader and returns the reader's account of a window within.
func accountOf(t *testing.T, reader lineage.Access, ends, reads func(n int) []filling) answer.Account {
	t.Helper()
	w := newWorld(t)
	f := topicFact(reader.Topic)
	f.Topic.Configs = []lineage.Config{}
	for n := 1; n <= 20; n++ {
		w.observe("west", "ends", n, append(ends(n), facts(clusterFact(1), f))...)
		w.observe("west", "groups", n, reads(n)...)
	}
	time.Sleep(time.Until(round(20)) + time.Second)
	b, err := view(t, answers(w.store), answer.Between(round(6), round(16)), answer.All).Balance(t.Context(), topicNode(reader.Topic.Name))
	if err != nil || len(b.Readers) != 1 {
		t.Fatalf("%d readers, %v", len(b.Readers), err)
	}
	return b.Readers[0].Account
}

// ofThousand returns the account of a reader that had read none of a topic's 1000 records, and of which more is told in
// some rounds.
func ofThousand(t *testing.T, r lineage.Access, more map[int][]filling) answer.Account {
	t.Helper()
	return accountOf(t, r, func(int) []filling {
		return []filling{counts(self(r.Topic), lineage.Appended, lineage.NoEvidence, 1000)}
	}, func(n int) []filling {
		f := []filling{sighted(r, lineage.GroupOffsets, "")}
		if n == 1 {
			f = append(f, counts(r, lineage.Records, lineage.GroupOffsets, 0), level(r, lineage.Lag, 1000), level(r, lineage.Pending, 0))
		}
		return append(f, more[n]...)
	})
}

// Nobody looks at the positions of a reader that says itself what it read: what it skipped, lost and read again is not
// zero, but not known.
func TestBalanceOfAReaderWithoutPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := topic("orders")
		r := reads(o, lineage.Client{ClientID: "tail", Principal: "User:t", Instance: "1"})
		a := accountOf(t, r, func(n int) []filling {
			return []filling{counts(self(o), lineage.Appended, lineage.NoEvidence, int64(100*n))}
		}, func(n int) []filling {
			return []filling{counts(r, lineage.Records, lineage.Telemetry, int64(3*n)), sighted(r, lineage.Telemetry, "")}
		})
		if n, ok := a.Read.Exact(); !ok || n != 30 {
			t.Errorf("read %+v", a.Read)
		}
		for name, x := range map[string]answer.Tally{"returned": a.Returned, "skipped": a.Skipped, "lost": a.Lost, "surplus": a.Surplus, "shortfall": a.Shortfall} {
			if !untold(x, answer.Uncounted) {
				t.Errorf("%s: %+v", name, x)
			}
		}
	})
}

// Who is set back to what was skipped before the window reads it for the first time: nothing of that was read again.
func TestBalanceOfASkipThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reads(topic("orders"), group("billing"))
		a := ofThousand(t, r, map[int][]filling{
			3:  {counts(r, lineage.Skipped, lineage.NoEvidence, 1000), level(r, lineage.Lag, 0)},     // set to the end
			10: {counts(r, lineage.Returned, lineage.NoEvidence, 1000), level(r, lineage.Lag, 1000)}, // and back
			12: {counts(r, lineage.Records, lineage.GroupOffsets, 1000), level(r, lineage.Lag, 0)},
		})
		least, _ := a.Surplus.AtLeast()
		if most, ok := a.Surplus.AtMost(); least != 0 || !ok || most != 1000 {
			t.Errorf("read again: %+v, want at most 1000", a.Surplus)
		}
	})
}

// Offsets that were set while somebody may have come, read and gone: of what was passed some may have been read.
func TestBalanceOfASkipInWhichSomebodyMayHaveRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reads(topic("orders"), group("billing"))
		a := ofThousand(t, r, map[int][]filling{
			10: {counts(r, lineage.Records, lineage.GroupOffsets, 100), counts(r, lineage.Doubted, lineage.NoEvidence, 100), level(r, lineage.Lag, 900)},
			12: {estimated(counts(r, lineage.Skipped, lineage.NoEvidence, 600)), level(r, lineage.Lag, 300)},
		})
		least, _ := a.Skipped.AtLeast()
		if most, ok := a.Skipped.AtMost(); least != 0 || ok && most < 600 {
			t.Errorf("skipped %+v, want none of it to be sure", a.Skipped)
		}
		if most, ok := a.Read.AtMost(); ok {
			t.Errorf("read at most %d, of %+v: want more to be possible", most, a.Read)
		}
	})
}

// The marker behind the last record is no lag, but one of the offsets that come: an account in which nothing is wrong
// may seem to be off by them.
func TestBalanceBehindAMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := topic("orders")
		r := reads(o, group("billing"))
		a := accountOf(t, r, func(n int) []filling {
			end, markers := int64(11), int64(1)
			if n >= 10 {
				end, markers = 22, 2
			}
			return []filling{counts(self(o), lineage.Appended, lineage.NoEvidence, end), counts(self(o), lineage.Markers, lineage.NoEvidence, markers)}
		}, func(n int) []filling { // who has read 10 and stops there
			lag := int64(0)
			if n >= 10 {
				lag = 12
			}
			return []filling{sighted(r, lineage.GroupOffsets, ""), counts(r, lineage.Records, lineage.GroupOffsets, 10), level(r, lineage.Lag, lag), level(r, lineage.Pending, 0)}
		})
		if a.AddsUp != nil && !*a.AddsUp || !untold(a.Shortfall, answer.Transactions) {
			t.Errorf("adds up: %v, short %+v", a.AddsUp, a.Shortfall)
		}
	})
}

// A commit that fell back and went on may have been counted again in part: what was read is no less than what it is
// without that, and nobody knows how much more.
func TestBalanceOfCommitsThatFall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reads(topic("orders"), group("billing"))
		a := ofThousand(t, r, map[int][]filling{
			10: {counts(r, lineage.Returned, lineage.NoEvidence, 50), level(r, lineage.Lag, 800)},
			12: {level(r, lineage.Lag, 760), estimated(counts(r, lineage.Records, lineage.GroupOffsets, 290))},
		})
		least, _ := a.Read.AtLeast()
		if _, bound := a.Read.AtMost(); least != 240 || bound {
			t.Errorf("read: %+v, want at least 240", a.Read)
		}
	})
}

// Markers of which it is not known in which of two steps they came are taken from what was produced in both, and not in
// one of them.
func TestMarkersOfTwoSteps(t *testing.T) {
	w := newWorld(t)
	x := topic("orders")
	for n := 1; n <= 4; n++ {
		fill := []filling{facts(clusterFact(1), topicFact(x)), counts(self(x), lineage.Appended, lineage.NoEvidence, int64(10*n))}
		if n == 3 {
			fill = append(fill, func(o *lineage.Observation) {
				o.Samples = append(o.Samples, lineage.Sample{Subject: self(x), Metric: lineage.Markers, Value: 2, Since: round(1)})
			})
		}
		w.observe("west", "producers", n, fill...)
	}
	for at, want := range map[[2]int]int64{{1, 3}: 18, {1, 4}: 28, {1, 2}: 10, {2, 3}: 10, {2, 4}: 20} {
		b, err := view(t, answers(w.store), between(at[0], at[1]), answer.All).Balance(t.Context(), topicNode("orders"))
		if err != nil {
			t.Fatal(err)
		}
		if most, _ := b.Produced.AtMost(); most != want {
			t.Errorf("rounds %v: at most %d were produced, want %d", at, most, want)
		}
	}
}
