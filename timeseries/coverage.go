package timeseries

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// nothingRecorded is the reason of a gap that no observation explains.
const nothingRecorded = "nothing was recorded: lineaged was not running, or did not watch this yet"

// Coverage implements Store. A source that was silent since before the window, while others went on, is taken to be switched off: it is not expected.
func (e *engine) Coverage(ctx context.Context, w lineage.Window, clusters ...string) (lineage.Coverage, error) {
	of := func(cluster string) bool { return len(clusters) == 0 || slices.Contains(clusters, cluster) }
	var spots []lineage.DatedFact
	v, err := e.view(ctx, w, func(v *view) { spots = e.factsAt(v.hi, lineage.BlindSpotFacts, false, of) })
	if err != nil {
		return lineage.Coverage{}, err
	}
	defer v.end()
	latest := int64(0)
	for _, h := range v.heads {
		latest = max(latest, h.newest.tick)
	}
	var out lineage.Coverage
	sources, expected, seen := 0, 0.0, 0.0
	for id, h := range v.heads {
		switch {
		case !of(h.name.Cluster) || h.newest.tick == 0:
			continue
		case h.newest.tick <= v.lo && latest > h.newest.tick+2*int64(h.newest.span):
			continue
		}
		t, err := v.track(uint16(id))
		if err != nil {
			return lineage.Coverage{}, err
		}
		c := sourceCoverage{track: t, name: h.name}
		c.walk()
		sources++
		expected += c.expected
		seen += c.seen
		out.Gaps = append(out.Gaps, c.gaps...)
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
	for _, f := range spots {
		out.BlindSpots = append(out.BlindSpots, f.BlindSpots...)
	}
	return out, nil
}

// sourceCoverage adds up one source's part of a window, in ticks.
type sourceCoverage struct {
	track          *track
	name           lineage.Source
	expected, seen float64
	gaps           []lineage.Gap
	open           map[string]int // the last gap of each reason
}

func (c *sourceCoverage) walk() {
	c.open = map[string]int{}
	t := c.track
	hi := t.hi
	// A source that is not overdue has no gap after its newest round. A round may take up to a tick to arrive, so it is overdue only after the instant it is due at.
	if n := t.newest; n.tick < hi && hi <= n.tick+int64(n.span) {
		hi = max(n.tick, t.lo)
	}
	c.expected = float64(hi - t.lo)
	at := t.lo
	for _, s := range t.spans {
		c.gap(at, min(s.a, hi), nothingRecorded)
		at = s.b
		best := best(s.miss)
		if best == nil {
			c.seen += float64(s.b - s.a)
			continue
		}
		c.seen += float64(s.b-s.a) * (1 - best.share)
		for _, m := range best.list {
			c.gap(s.a, s.b, m.Reason)
		}
	}
	c.gap(at, hi, nothingRecorded)
}

// best returns the least missing of the rounds that cover a tick, nil when one of them missed nothing.
func best(all []*missing) *missing {
	var out *missing
	share := math.Inf(1)
	for _, m := range all {
		if m.share < share || m.share == share && m.code < out.code {
			out, share = m, m.share
		}
	}
	return out
}

// gap notes that something was not seen in (a, b], and joins it to the gap of that reason that ends there.
func (c *sourceCoverage) gap(a, b int64, reason string) {
	if a >= b {
		return
	}
	start, end := c.track.at(a), c.track.at(b)
	if i, ok := c.open[reason]; ok && !c.gaps[i].Window.End.Before(start) {
		c.gaps[i].Window.End = end
		return
	}
	c.open[reason] = len(c.gaps)
	c.gaps = append(c.gaps, lineage.Gap{Source: c.name, Window: lineage.Window{Start: start, End: end}, Reason: reason})
}

// Unobserved implements Store.
func (e *engine) Unobserved(ctx context.Context, w lineage.Window, ids []lineage.SubjectID) (*roaring.Bitmap, error) {
	return e.unseen(ctx, e.floor(w.Start), e.floor(w.End), ids, func(lo, hi int64, r *runs, _ *lineage.Access) bool { return r.within(lo, hi) > 0 })
}

// Open implements Store.
func (e *engine) Open(ctx context.Context, at time.Time, ids []lineage.SubjectID) (*roaring.Bitmap, error) {
	tick := e.floor(at)
	return e.unseen(ctx, tick-1, tick, ids, func(_, hi int64, r *runs, a *lineage.Access) bool { return r.carried(hi, a) })
}

// unseen returns the subjects of which no source that writes a series of theirs saw what saw asks for.
func (e *engine) unseen(ctx context.Context, lo, hi int64, ids []lineage.SubjectID, saw func(lo, hi int64, r *runs, a *lineage.Access) bool) (*roaring.Bitmap, error) {
	probes := make([][]*probe, len(ids))
	v, err := e.viewTicks(ctx, lo, hi, func(*view) {
		for i, id := range ids {
			if s := e.subjectOf(id); s != nil {
				for _, x := range s.series {
					probes[i] = append(probes[i], e.probeOf(x))
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	defer v.end()
	out := roaring.New()
	for i, id := range ids {
		seen := false
		for _, p := range probes[i] {
			if err := v.parts(p, func(lo, hi int64, r *runs) { seen = seen || saw(lo, hi, r, p.access) }); err != nil {
				return nil, err
			}
			if seen {
				break
			}
		}
		if !seen {
			out.Add(uint32(id))
		}
	}
	return out, nil
}
