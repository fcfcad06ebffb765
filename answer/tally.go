package answer

import (
	"math"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// TallyDoubt is why a number is a bound, or can't be told.
type TallyDoubt uint8

// The doubts, as in the GraphQL enum TallyDoubt.
const (
	Compaction   TallyDoubt = iota // offsets of a compacted topic may hold no record
	Transactions                   // markers of transactions, and aborted records, are among the offsets
	Retention                      // records went before it had them, and how many of these it had read is not known
	Gaps                           // what was not observed
	Uncommitted                    // what moved since the last commit shows with the next one
	Straddling                     // a reading reaches over an end of the window
	Judged                         // positions moved in a way that may have been a reading, or a setting of offsets
	FirstSeen                      // nobody looked at the beginning of the window
	Unplaced                       // records wait where there is no position
	Uncounted                      // nobody counts it
	OtherWriters                   // others may have written the same topic
	Ratio                          // a program may filter, split or sum up what it reads
	Moments                        // what is compared was read at different moments
	Mismatch                       // the account does not add up
	Gone                           // the topic or who reads it is no more
	Bounded                        // its source counts a bound, and does not say which
	doubts
)

var doubtNames = [doubts]string{
	"COMPACTION", "TRANSACTIONS", "RETENTION", "GAPS", "UNCOMMITTED", "STRADDLING", "JUDGED", "FIRST_SEEN", "UNPLACED", "UNCOUNTED",
	"OTHER_WRITERS", "RATIO", "MOMENTS", "MISMATCH", "GONE", "BOUNDED",
}

var doubtWords = [doubts]string{
	"the topic is compacted, or may be, so that some offsets hold no record",
	"the topic is written in transactions, whose markers and aborted records are among the offsets",
	"records were gone before it had them, and how many of these it had read is not known",
	"a part of the window that it hangs on was not observed",
	"what moved since the last commit shows with the next one",
	"a reading reaches over an end of the window, and which part of what it shows belongs to the window is not known",
	"positions moved in a way that can be a reading or a setting of offsets",
	"it was first seen within the window",
	"records wait in partitions in which it has no position",
	"nobody counts it",
	"others may have written the topic too",
	"a program may filter, split or sum up what it reads, so that what it writes need not be as much",
	"the two ends are read at different moments",
	"what was counted does not add up",
	"the topic, or who reads it, is no more",
	"its source counts a bound, and not which one",
}

// String returns the doubt as the GraphQL enum spells it.
func (d TallyDoubt) String() string { return doubtNames[d] }

// Doubts is a set of them.
type Doubts uint32

func because(all ...TallyDoubt) (out Doubts) {
	for _, d := range all {
		out |= 1 << d
	}
	return out
}

// List returns what is in the set, in the order of the enum.
func (s Doubts) List() []TallyDoubt {
	out := []TallyDoubt{}
	for d := range doubts {
		if s&(1<<d) != 0 {
			out = append(out, d)
		}
	}
	return out
}

// Words returns the set in words; empty: there is no doubt.
func (s Doubts) Words() string {
	var all []string
	for _, d := range s.List() {
		all = append(all, doubtWords[d])
	}
	return strings.Join(all, "; ")
}

// boundless is more than can be counted: no bound above.
const boundless = math.MaxInt64

// Tally is how many records: between two bounds, both among them. Where the bounds are one it is exact, and there is no
// doubt; where it has none it can't be told.
type Tally struct {
	least, most int64 // 0 ≤ least ≤ most
	Doubts      Doubts
}

// exactly is a tally without doubt.
func exactly(n int64) Tally { return Tally{n, n, 0} }

// between is a tally of some bounds, which may be beyond what is possible. What is exact after all bears no doubt.
func between(least, most int64, why Doubts) Tally {
	t := Tally{max(least, 0), max(most, 0), why}
	if t.least == t.most {
		t.Doubts = 0
	}
	return t
}

// untold can't be told.
func untold(why ...TallyDoubt) Tally { return Tally{0, boundless, because(why...)} }

// Exact returns the number; ok is false where it is not exact.
func (t Tally) Exact() (n int64, ok bool) { return t.least, t.least == t.most }

// AtLeast returns the bound below; ok is false where there is none: where it can't be told, or none of it is known.
func (t Tally) AtLeast() (n int64, ok bool) { return t.least, t.least > 0 || t.most < boundless }

// AtMost returns the bound above; ok is false where there is none.
func (t Tally) AtMost() (n int64, ok bool) { return t.most, t.most < boundless }

// plus adds two tallies up.
func (t Tally) plus(x Tally) Tally {
	return between(added(t.least, x.least), added(t.most, x.most), t.Doubts|x.Doubts)
}

// less is what is left of a tally without another one, nothing at least.
func (t Tally) less(x Tally) Tally {
	least, most := int64(0), int64(boundless)
	if x.most < boundless {
		least = t.least - x.most
	}
	if t.most < boundless {
		most = t.most - x.least
	}
	return between(least, most, t.Doubts|x.Doubts)
}

// within returns what two tallies of the same say together; ok is false where they contradict each other.
func (t Tally) within(x Tally) (both Tally, ok bool) {
	least, most := max(t.least, x.least), min(t.most, x.most)
	if least > most {
		return Tally{}, false
	}
	return between(least, most, t.Doubts|x.Doubts), true
}

// open takes the bounds away that a doubt takes.
func (t Tally) open(below, above bool, why Doubts) Tally {
	if below {
		t.least = 0
	}
	if above {
		t.most = boundless
	}
	return between(t.least, t.most, t.Doubts|why)
}

func added(a, b int64) int64 {
	if a == boundless || b == boundless {
		return boundless
	}
	return a + b
}

// spanOf returns what a counter advanced by: what readings that straddle an end of the window advanced may belong to
// it or not.
func spanOf(a lineage.Amount) Tally {
	const tiny = 1e-6 // sums of shares are rounded
	return between(int64(math.Ceil(a.Total-a.Shared-tiny)), int64(math.Floor(a.Total+a.Shared+tiny)), because(Straddling))
}

// toldOf returns by how much a counter is higher at the window's end than at its start.
func toldOf(a lineage.Amount) Tally { return exactly(int64(math.Round(a.Told))) }
