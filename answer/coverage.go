package answer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Coverage returns what was observed of the named clusters in the view's window; none: of all. Of one that nobody
// watches nothing is: named beside others it is a gap.
func (v *View) Coverage(ids ...lineage.ClusterID) lineage.Coverage {
	return v.coverageIn(v.held, v.win.Window, ids)
}

// CoverageBack is Coverage of the lookback, which is of all of the flows, the silent ones too, and says when that is.
func (v *View) CoverageBack(ctx context.Context, ids ...lineage.ClusterID) (lineage.Coverage, lineage.Window, error) {
	in := lineage.Window{Start: v.held.Back.Start, End: v.win.End}
	held, err := v.back.get(ctx, func(ctx context.Context) (*store.Window, error) {
		held, err := v.a.history.Window(ctx, store.Ask{Window: in, Until: v.until, Coverage: true})
		if err != nil {
			return nil, fmt.Errorf("read what was observed of the lookback: %w", err)
		}
		return held, nil
	})
	if err != nil {
		return lineage.Coverage{}, in, err
	}
	return v.coverageIn(held, in, ids), in, nil
}

// coverageIn is what the sources of some clusters observed of a time, by what the store holds of it.
func (v *View) coverageIn(held *store.Window, in lineage.Window, ids []lineage.ClusterID) lineage.Coverage {
	of := v.scopeOf(ids)
	if len(ids) > 0 && len(of.sources) == 0 {
		return lineage.Coverage{}
	}
	out := v.inWords(held.Coverage(of.sources...))
	for _, id := range of.strange {
		out.Complete = false
		out.Gaps = append(out.Gaps, lineage.Gap{Source: lineage.Source{Cluster: string(id), Name: "brokers"}, Window: in, Reason: notWatched})
	}
	slices.SortStableFunc(out.Gaps, func(a, b lineage.Gap) int { return a.Window.Start.Compare(b.Window.Start) })
	out.ObservedFraction *= of.share
	return out
}

// scope is who watches some clusters.
type scope struct {
	sources []string            // the Cluster part of their lineage.Source; none: of all, or nobody does
	strange []lineage.ClusterID // whom nobody watches
	share   float64             // of the clusters that somebody does, of 1
}

// scopeOf returns who watches the named clusters; none: all.
func (v *View) scopeOf(ids []lineage.ClusterID) scope {
	out := scope{share: 1}
	for _, id := range ids {
		if !slices.ContainsFunc(v.clusters.all, func(c *Cluster) bool { return c.known.ID == id }) && !slices.Contains(out.strange, id) {
			out.strange = append(out.strange, id)
		}
		for _, c := range v.clusters.all {
			if c.known.ID == id && !slices.Contains(out.sources, c.source) {
				out.sources = append(out.sources, c.source)
			}
		}
	}
	if len(ids) > 0 {
		out.sources = append(out.sources, v.connectsOf(ids)...)
		n := len(slices.Compact(slices.Sorted(slices.Values(ids))))
		out.share = float64(n-len(out.strange)) / float64(n)
	}
	return out
}

const notWatched = "no cluster of this id is watched"

// connectsOf returns the Connect clusters that belong to the named Kafka clusters; of one that never told its own, and
// was not said to belong to another, that is not known, so it is one of them.
func (v *View) connectsOf(ids []lineage.ClusterID) []string {
	var out []string
	for name, f := range v.movers.connects {
		if slices.Contains(ids, f.Kafka) {
			out = append(out, name)
		}
	}
	for _, c := range v.a.connects {
		if v.movers.connects[c.Name] != nil {
			continue
		}
		of := v.clusters.bySource[c.Cluster]
		if of == nil || slices.Contains(ids, of.known.ID) {
			out = append(out, c.Name)
		}
	}
	return out
}

// notYet is the reason of a gap that lies in the future.
const notYet = "it has not come yet"

// untilNow returns a coverage whose gaps say of the future that it is. The store knows no clock, and takes it for a
// time in which nobody ran.
func (v *View) untilNow(c lineage.Coverage) lineage.Coverage {
	now := present(v.state, v.a.clock())
	if !v.win.End.After(now) {
		return c
	}
	var past, future []lineage.Gap
	for _, g := range c.Gaps {
		if !g.Window.End.After(now) {
			past = append(past, g)
			continue
		}
		if g.Window.Start.Before(now) {
			before := g
			before.Window.End, g.Window.Start = now, now
			past = append(past, before)
		}
		g.Reason = notYet
		future = append(future, g)
	}
	slices.SortStableFunc(future, func(a, b lineage.Gap) int { return a.Window.Start.Compare(b.Window.Start) })
	c.Gaps = append(past, future...)
	return c
}

// HeldSince returns the start of the oldest data that was held when the view was built; the zero time: there was none.
func (v *View) HeldSince() time.Time { return v.state.Earliest }
