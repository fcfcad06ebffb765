package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// decideStates sets what moved, and drops the silent accesses whose ends are no more.
func (v *View) decideStates(ctx context.Context) error {
	moved, err := v.a.history.Moved(ctx, v.win.Window)
	if err != nil {
		return fmt.Errorf("read what moved: %w", err)
	}
	unobserved, err := v.unobserved(ctx, moved)
	if err != nil {
		return err
	}
	doubts, err := v.doubts(ctx)
	if err != nil {
		return err
	}
	rests, err := v.restsOf(ctx, moved, unobserved)
	if err != nil {
		return err
	}
	if err := v.endFormerClusters(ctx); err != nil {
		return err
	}
	kept := v.accesses[:0]
	for _, x := range v.accesses {
		exist := v.endsExist(&x)
		switch {
		case moved.Contains(uint32(x.ID)):
			x.state, x.inWindow, x.left = graph.Active, true, !exist
			x.cut = unobserved.Contains(uint32(x.ID))
		case !exist:
			continue
		case x.counter.Metric == lineage.NoMetric && rests(&x):
		case x.uncounted() || unobserved.Contains(uint32(x.ID)) || x.amount.Pending || doubts[x.ID] || v.unseenBefore(&x):
			x.state = graph.Unknown
		}
		kept = append(kept, x)
	}
	v.accesses = kept
	return nil
}

// unobserved returns who was not observed in the window, or not to its end: of them it is not known whether they did not move, or not how much more.
func (v *View) unobserved(ctx context.Context, moved *roaring.Bitmap) (*roaring.Bitmap, error) {
	var silent, all []lineage.SubjectID
	for i := range v.accesses {
		x := &v.accesses[i]
		all = append(all, x.ID)
		if moved.Contains(uint32(x.ID)) {
			continue
		}
		silent = append(silent, x.ID)
		if x.uncounted() {
			for _, s := range v.topic(x.Access.Topic).subjects {
				silent, all = append(silent, s.ID), append(all, s.ID)
			}
		}
	}
	out, err := v.a.history.Unobserved(ctx, v.win.Window, silent)
	if err != nil {
		return nil, fmt.Errorf("read what was not observed: %w", err)
	}
	// Totals make up for gaps, but not for one at the end: the reading that would is not in the window.
	// What of a window is still to come was not missed.
	end := v.win.End
	if now := v.a.now(); end.After(now) {
		end = now
	}
	late, err := v.a.history.Open(ctx, end, all)
	if err != nil {
		return nil, fmt.Errorf("read what was not observed: %w", err)
	}
	out.Or(late)
	return out, nil
}

// doubts returns the accesses of which nobody can say at the window's end whether they moved, and that no counter speaks for: those to datasets, as where a connector's offsets can't be read, and readers
// that have not committed, whose progress is pending and whose lag can't be told.
func (v *View) doubts(ctx context.Context) (map[lineage.SubjectID]bool, error) {
	var keys []lineage.SeriesKey
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.counter.Metric != lineage.NoMetric {
			continue
		}
		if x.gauges[lineage.Pending] {
			keys = append(keys, lineage.SeriesKey{Subject: x.ID, Metric: lineage.Pending})
		}
		if x.Access.Op == lineage.Read && x.gauges[lineage.Lag] {
			keys = append(keys, lineage.SeriesKey{Subject: x.ID, Metric: lineage.Lag})
		}
	}
	if keys == nil {
		return nil, nil
	}
	levels, err := v.a.history.Levels(ctx, v.win.End, keys)
	if err != nil {
		return nil, fmt.Errorf("read levels: %w", err)
	}
	out := map[lineage.SubjectID]bool{}
	for i, l := range levels {
		k := keys[i]
		out[k.Subject] = out[k.Subject] || !l.OK || k.Metric == lineage.Pending && l.Value == 1
	}
	return out, nil
}

// unseenBefore reports whether a reader that did not move in the window was first looked at within it: its position says that it did read once, and nothing says when.
func (v *View) unseenBefore(x *access) bool {
	return x.Access.Op == lineage.Read && x.Access.Dataset == (lineage.Dataset{}) && v.win.Start.Before(x.FirstSeen)
}

// uncounted reports whether somebody is only known to read or write a topic, as a mover by what it is configured to do or a group by its topology: whether records moved is then told elsewhere, or not at all.
// That somebody is there to read says nothing of it.
func (x *access) uncounted() bool {
	return x.Access.Dataset == (lineage.Dataset{}) && x.counter.Metric == lineage.NoMetric && x.gauges == [lineage.Metrics]bool{lineage.Live: x.gauges[lineage.Live]}
}

// restsOf returns whether an uncounted access is proved to have moved nothing: another of the same flow that is counted and was observed speaks for it, as its group does for a sink connector,
// nobody wrote to its topic, or it is a mover's that did not run.
func (v *View) restsOf(ctx context.Context, moved, unobserved *roaring.Bitmap) (func(*access) bool, error) {
	counted := map[lineage.Flow]bool{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.counter.Metric != lineage.NoMetric && !unobserved.Contains(uint32(x.ID)) {
			counted[x.flow()] = true
		}
	}
	stopped, err := v.stopped(ctx)
	if err != nil {
		return nil, err
	}
	return func(x *access) bool {
		if counted[x.flow()] || stopped[x.node] && v.ranNot(x) {
			return true
		}
		if x.Access.Dataset != (lineage.Dataset{}) {
			return false
		}
		subjects := v.topic(x.Access.Topic).subjects
		return x.Access.Op == lineage.Write && len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s lineage.Subject) bool {
			return moved.Contains(uint32(s.ID)) || unobserved.Contains(uint32(s.ID))
		})
	}, nil
}

// ranNot reports whether a mover that does not run at the window's end did not run in it either: it was not sighted, or it was told not to run all the time, and is sighted as what it is configured to do.
func (v *View) ranNot(x *access) bool { return !x.inWindow || v.movers.rests(x.node, v.win.Start) }

// stopped returns the movers that were told not to run at the window's end, by a source that saw all of the window.
func (v *View) stopped(ctx context.Context) (map[lineage.Node]bool, error) {
	out, whole := map[lineage.Node]bool{}, map[string]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.Access.Client.Mover.Kind == lineage.NoKind || x.counter.Metric != lineage.NoMetric || !v.movers.stopped(x.node) || !v.ranNot(x) {
			continue
		}
		teller := v.teller(x.node)
		complete, known := whole[teller]
		if !known && teller != "" {
			cov, err := v.a.history.Coverage(ctx, v.win.Window, teller)
			if err != nil {
				return nil, fmt.Errorf("read coverage of %q: %w", teller, err)
			}
			complete = cov.Complete
			whole[teller] = complete
		}
		out[x.node] = complete
	}
	return out, nil
}

// endFormerClusters marks the topics of clusters that were watched within the lookback and are behind no name at the window's end, since others are: they are there no more.
func (v *View) endFormerClusters(ctx context.Context) error {
	strange := map[lineage.ClusterID]bool{}
	for i := range v.accesses {
		if id := v.accesses[i].Access.Topic.Cluster; id != "" && v.clusters.byID[id] == nil {
			strange[id] = true
		}
	}
	if len(strange) == 0 { // as nearly always; else it may also be a cluster that never was watched, which only a mover tells of
		return nil
	}
	changes, err := v.a.history.Events(ctx, v.back, func(e lineage.Event) bool { return e.Type == lineage.ClusterChanged }, 0)
	if err != nil {
		return fmt.Errorf("read which clusters changed: %w", err)
	}
	former := map[lineage.ClusterID]bool{}
	for _, e := range changes {
		facts, err := v.a.history.Facts(ctx, e.At.Add(-v.a.history.Tick()), "", lineage.ClusterFacts, false)
		if err != nil {
			return fmt.Errorf("read clusters: %w", err)
		}
		for _, f := range facts {
			if f.Cluster != nil && strange[f.Cluster.ID] {
				former[f.Cluster.ID] = true
			}
		}
	}
	for _, t := range v.topics {
		t.gone = t.gone || former[t.cluster]
	}
	return nil
}

// endsExist reports whether both ends of an access exist at the window's end: the topic's incarnation, or any where only the name is known, the group, the connector. What was
// never described is taken to exist.
func (v *View) endsExist(x *access) bool {
	if t := v.topics[x.far]; t != nil && (t.gone || t.fact != nil && x.Access.Topic.ID != (lineage.TopicID{}) && t.fact.Topic.ID != x.Access.Topic.ID) {
		return false
	}
	if v.movers.gone(x.node) {
		return false
	}
	return x.Access.Client.Group == "" || !v.groups[lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}].Gone
}
