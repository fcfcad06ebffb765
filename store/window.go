package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Ask says which window is asked for, and which parts of the answer.
type Ask struct {
	// Window should be such as State.Resolve returns; others are answered by the ticks in them.
	Window lineage.Window
	// Accesses asks for the accesses, and Lookback how far before the window's end those that were seen earlier belong
	// to it; the window itself when it is longer.
	Accesses bool
	Lookback time.Duration
	// Most asks for those accesses only that are first in a rank; the zero value: for all.
	Most Most
	// Uncounted leaves out what counters advanced, for who asks who there was or who moved, and not how much: no sample
	// is read for it. Series.Amount is empty then, and all else as ever; Details.Amounts says it still. A rank is
	// counted all the same.
	Uncounted bool
	// Until is when the newest round can have come. What of the window is later has not been missed. Zero: the window's
	// end.
	Until time.Time
	// Facts are the kinds asked for.
	Facts []lineage.FactKind
	// Coverage asks for what was observed.
	Coverage bool
}

// Most asks which series of accesses a counter advanced most in the window, by Amount.Total. The rows are their
// accesses alone, in the order that they have among all, each as in an answer of all and with all its series; no
// topics.
type Most struct {
	Metric lineage.Metric
	// First is how many series are ranked at most: those that advanced, and of those that advanced as much as the last
	// the ones that come first among the series of all. 0: the answer has all accesses.
	First int
}

// Window is what a store holds of a window: columns that all who ask may share, and Details for what only some need.
// Parts that were not asked for are empty.
type Window struct {
	lineage.Resolved
	// Version is that of the window when it was answered (see State.VersionOf).
	Version Version
	// Back is the lookback: it starts no later than the window and ends no earlier, widened to the step that it is held
	// in.
	Back lineage.Window

	Rows   Rows
	Series Series
	// Links are the clients that were seen to bear several identities (lineage.Linked, as it was last told, and writes
	// whose client names both a group and a transactional.id), whenever that was: whose an id is holds for the time
	// before it was found out too. They are in no order.
	Links []lineage.Link
	// Facts hold at the window's end, the gone ones among them, by kind, source and name; of groups those that went
	// after the lookback began.
	Facts []lineage.DatedFact
	// Sources are those that were expected to observe in the window, by name.
	Sources []SourceCoverage
	// BlindSpots are those in force at the window's end, by source and name.
	BlindSpots []lineage.DatedFact

	// Details is nil unless accesses were asked for.
	Details
}

// Rows are columns by access: first those that any evidence supported in the lookback, then the topics themselves
// (OpNone) that were first seen by the window's end. Each part is in the order in which the store got to know them, or
// another that is the same in every answer.
type Rows struct {
	// Access may be the same pointer in several answers.
	Access    []*lineage.Access
	FirstSeen []time.Time
	// Topics is the first row of a topic.
	Topics int
	// Moved: a counter that moves records advanced in the window, or a sighting said so.
	Moved []bool
	// Seen and SeenBefore are the kinds of evidence that supported the access in the window and in the lookback.
	Seen, SeenBefore []Kinds
	// Unobserved: no source that writes a series of it observed a tick of the window; "did not move" is then not known.
	// Of a topic whose growth is told (lineage.Appended) it is the source of that, here and of Open.
	Unobserved []bool
	// Open: no source that writes a series of it saw the window's last tick (Ask.Until, when that is earlier), and its
	// next reading is not merely not due yet: what it did until then may still show, or never will.
	Open []bool
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.Access) }

// Series are columns by series of the rows, whether or not they have data in the window: by row, metric and evidence.
type Series struct {
	Row      []int32
	Metric   []lineage.Metric
	Evidence []lineage.EvidenceKind
	// First says where the series of a row begin; it has one more entry than there are rows.
	First []int32
	// Amount is what the counters of accesses advanced in the window. Of topics it is asked for (Details.Amounts),
	// since few questions need it; theirs and those of gauges are zero. Empty where it was not asked for
	// (Ask.Uncounted).
	Amount []lineage.Amount
}

// Len returns the number of series.
func (s *Series) Len() int { return len(s.Row) }

// Of returns the range of a row's series.
func (s *Series) Of(row int32) (from, to int32) { return s.First[row], s.First[row+1] }

// Find returns a row's series of a metric and kind of evidence; ok is false when there is none.
func (s *Series) Find(row int32, m lineage.Metric, k lineage.EvidenceKind) (series int32, ok bool) {
	for i, end := s.Of(row); i < end; i++ {
		if s.Metric[i] == m && s.Evidence[i] == k {
			return i, true
		}
	}
	return 0, false
}

// Kinds is a set of kinds of evidence.
type Kinds uint64

// KindsOf returns the set of some kinds.
func KindsOf(kinds ...lineage.EvidenceKind) (set Kinds) {
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Has reports whether a kind is in the set.
func (s Kinds) Has(k lineage.EvidenceKind) bool { return s&(1<<k) != 0 }

// Details are asked of an answer what only some questions need. Rows and series are its indices; answers are parallel
// to what was asked. They are of the answer's version or of a later one.
type Details interface {
	// Amounts returns what counters advanced in any window; a gauge's has Known false.
	Amounts(ctx context.Context, in lineage.Window, series []int32) ([]lineage.Amount, error)
	// Levels returns gauges at the window's end, carried forward from their last change while their source goes on
	// observing, and not OK after a lineage.Unknown. A counter's is not OK.
	Levels(ctx context.Context, series []int32) ([]lineage.Level, error)
	// Points returns series over the window by step, a multiple of the window's step: ⌈window/step⌉ points each. What
	// of a counter's step is still pending (see lineage.Pending) is as if it was not observed. Of each step is told
	// whether what a counter advanced in it is an estimate.
	Points(ctx context.Context, step time.Duration, series []int32) ([][]lineage.Point, error)
	// Evidence returns the kinds that supported accesses in any window, sorted, with FirstSeen over all time held and
	// LastSeen the last round in the window. Detail is the last that was told by the window's end, and not what was
	// told after it; of two in one round the lesser. It is empty where that is not known.
	Evidence(ctx context.Context, in lineage.Window, rows []int32) ([][]lineage.Evidence, error)
	// Reasons returns why what counters advanced in any window is an estimate: what stood as the detail of their kind
	// of evidence in the round of each step that is one and has a part in the window. Of those with the same bounds
	// (lineage.BoundsOf) it is the last alone, by time; an empty one is of steps of which nothing stood, or it is not
	// known what.
	Reasons(ctx context.Context, in lineage.Window, series []int32) ([][]string, error)
	// LastMoved returns the last round of any window in which accesses moved; zero when there is none.
	LastMoved(ctx context.Context, in lineage.Window, rows []int32) ([]time.Time, error)
}

// FactsOf returns the facts of a kind, by source and name.
func (w *Window) FactsOf(kind lineage.FactKind) []lineage.DatedFact {
	of := func(f lineage.DatedFact, kind lineage.FactKind) int { return cmp.Compare(f.Key.Kind, kind) }
	from, _ := slices.BinarySearchFunc(w.Facts, kind, of)
	to, _ := slices.BinarySearchFunc(w.Facts, kind+1, of)
	return w.Facts[from:to]
}

// SourceCoverage is what one source observed of a window.
type SourceCoverage struct {
	Source lineage.Source
	// Expected is how many ticks of the window it was to observe, from the window's start also before its first
	// observation; a slow source's since its last observation do not count while the next is not due. Seen is how many
	// it did, by share.
	Expected, Seen float64
	// Gaps are by start.
	Gaps []lineage.Gap
}

// Coverage adds up what the sources of some clusters (Source.Cluster; none: all) observed.
func (w *Window) Coverage(clusters ...string) lineage.Coverage {
	of := func(cluster string) bool { return len(clusters) == 0 || slices.Contains(clusters, cluster) }
	var out lineage.Coverage
	sources := 0
	var expected, seen float64
	for _, s := range w.Sources {
		if !of(s.Source.Cluster) {
			continue
		}
		sources++
		expected += s.Expected
		seen += s.Seen
		out.Gaps = append(out.Gaps, s.Gaps...)
	}
	slices.SortFunc(out.Gaps, func(a, b lineage.Gap) int {
		return cmp.Or(a.Window.Start.Compare(b.Window.Start), strings.Compare(a.Source.Cluster, b.Source.Cluster),
			strings.Compare(a.Source.Name, b.Source.Name), strings.Compare(a.Reason, b.Reason))
	})
	out.Complete = len(out.Gaps) == 0 && sources > 0
	switch {
	case expected > 0:
		out.ObservedFraction = min(max(seen/expected, 0), 1)
	case out.Complete: // nothing was due in the window
		out.ObservedFraction = 1
	}
	for _, f := range w.BlindSpots {
		if of(f.Key.Source) {
			out.BlindSpots = append(out.BlindSpots, f.BlindSpots...)
		}
	}
	return out
}
