package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// mostGaps bounds gaps(first:).
const mostGaps = 1000

// Coverage is the schema's type of that name.
type Coverage struct {
	cov      lineage.Coverage
	clusters *clusters
}

// Complete answers complete.
func (c *Coverage) Complete() bool { return c.cov.Complete }

// ObservedFraction answers observedFraction.
func (c *Coverage) ObservedFraction() float64 { return c.cov.ObservedFraction }

// GapCount answers gapCount.
func (c *Coverage) GapCount() int { return len(c.cov.Gaps) }

// Gaps answers gaps.
func (c *Coverage) Gaps(first int) ([]Gap, error) {
	if first < 0 || first > mostGaps {
		return nil, badInput("gaps: first must be 0 to %d", mostGaps)
	}
	out := make([]Gap, 0, min(first, len(c.cov.Gaps)))
	for _, g := range c.cov.Gaps[:min(first, len(c.cov.Gaps))] {
		out = append(out, Gap{Source: c.clusters.sourceName(g.Source), Start: g.Window.Start, End: g.Window.End, Reason: g.Reason})
	}
	return out, nil
}

// BlindSpots answers blindSpots.
func (c *Coverage) BlindSpots() []BlindSpot {
	out := make([]BlindSpot, 0, len(c.cov.BlindSpots))
	for _, b := range c.cov.BlindSpots {
		out = append(out, BlindSpot{Source: b.Source, What: b.What, Remedy: b.Remedy})
	}
	return out
}

// coverage reads what was observed of the named clusters in the view's window; none: of all.
func (v *view) coverage(ctx context.Context, ids ...lineage.ClusterID) (*Coverage, error) {
	var sources []string
	for _, id := range ids {
		for _, c := range v.clusters.all {
			if c.known.ID == id && !slices.Contains(sources, c.source) {
				sources = append(sources, c.source)
			}
		}
	}
	if len(ids) > 0 {
		sources = append(sources, v.connectsOf(ids)...)
	}
	slices.Sort(sources)
	cov, err := v.a.history.Coverage(ctx, v.win.Window, sources...)
	if err != nil {
		return nil, fmt.Errorf("read coverage: %w", err)
	}
	return &Coverage{cov, v.clusters}, nil
}

func (a *answerer) coverage(ctx context.Context, window WindowInput) (*Coverage, error) {
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	return v.coverage(ctx)
}

// connectsOf returns the Connect clusters that belong to the named Kafka clusters; of one that never told its own, and was not said to belong to another, that is
// not known, so it is one of them.
func (v *view) connectsOf(ids []lineage.ClusterID) []string {
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
