package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// decideStates sets what moved, and drops the silent accesses whose ends are no more.
func (v *View) decideStates(ctx context.Context) error {
	doubts, err := v.doubts(ctx)
	if err != nil {
		return err
	}
	drained, err := v.drained(ctx)
	if err != nil {
		return err
	}
	rests, watched := v.restsOf(), v.watchedOf()
	if err := v.endFormerClusters(ctx); err != nil {
		return err
	}
	kept := 0
	for i := range v.accesses {
		x := &v.accesses[i]
		exist := x.exist
		if v.common == nil {
			exist = v.endsExist(x)
			x.exist = exist
		}
		switch {
		case v.held.Rows.Moved[x.row] && (!x.ownWord() || !v.topicRests(x)):
			x.state, x.inWindow, x.left = graph.Active, true, !exist
			x.cut = v.unobserved(x.row)
			if x.beside = v.beside(x.row); x.beside {
				x.state = graph.Unknown
			}
		case !exist && (x.mayHaveMoved() && !rests(x) || x.atLeastNothing()):
			x.state, x.left = graph.Unknown, true
		case !exist:
			continue
		case v.beside(x.row): // over so long a time that the store does not say in all of it that it moved
			x.state, x.beside = graph.Unknown, true
		case x.counter.metric == lineage.NoMetric && rests(x):
		case x.ownWord() && x.inWindow:
			x.state = graph.Unknown
		case x.Access.Op == lineage.Read && x.atLeastNothing() || x.uncounted() || v.unobserved(x.row) || x.amount.Pending && !drained[x.row] || doubts[x.row] || v.unseenBefore(x) || !watched(x):
			x.state = graph.Unknown
		}
		if kept < i {
			v.accesses[kept] = *x
		}
		kept++
	}
	v.accesses = v.accesses[:kept]
	return nil
}

// atLeastNothing reports whether an access moved at least nothing: it was told that what it moved does not show, as
// where a reader's offsets were set.
func (x *access) atLeastNothing() bool {
	return x.amount.Known && x.amount.Estimated && x.amount.Total == 0
}

// mayHaveMoved reports whether an access is to or from a dataset by who is no more and was seen in the window: nothing
// counts it, and where all else of a way is seen to move the data went there.
func (x *access) mayHaveMoved() bool {
	return x.Access.Dataset != (lineage.Dataset{}) && x.inWindow && !x.ownWord()
}

// ownWord reports whether only a job's own word says that it reads or writes: what Kafka itself has seen of the topic
// outranks it, and where it did not say that anything moved it may have all the same.
func (x *access) ownWord() bool {
	k := x.Access.Client.Mover.Kind
	return k == lineage.StreamJobNode || k == lineage.JobNode
}

// beside reports whether a row moved only by readings that reach beyond the window: all of it may have been outside.
func (v *View) beside(row int32) bool {
	series, beside := &v.held.Series, false
	for j, end := series.Of(row); j < end; j++ {
		if a := &series.Amount[j]; series.Metric[j].Moves() && a.Total > 0 {
			if a.Within > 0 {
				return false
			}
			beside = true
		}
	}
	return beside
}

// unobserved reports whether a row was not observed in the window, or not to its end: it is then not known whether it
// did not move, or not how much more. Totals make up for gaps, but not for one at the end: the reading that would is
// not in the window.
func (v *View) unobserved(row int32) bool {
	r := &v.held.Rows
	return r.Open[row] || r.Unobserved[row] && !r.Moved[row]
}

// doubts returns the accesses of which nobody can say at the window's end whether they moved, and that no counter
// speaks for: those to datasets, as where a connector's offsets can't be read, and readers that have not committed,
// whose progress is pending and whose lag can't be told.
func (v *View) doubts(ctx context.Context) (map[int32]bool, error) {
	var asked []int32
	series := &v.held.Series
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.counter.metric != lineage.NoMetric {
			continue
		}
		for j, end := series.Of(x.row); j < end; j++ {
			if m := series.Metric[j]; m == lineage.Pending || m == lineage.Lag && x.Access.Op == lineage.Read {
				asked = append(asked, j)
			}
		}
	}
	if asked == nil {
		return nil, nil
	}
	levels, err := v.held.Levels(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("read levels: %w", err)
	}
	out := map[int32]bool{}
	for i, l := range levels {
		row := series.Row[asked[i]]
		out[row] = out[row] || !l.OK || series.Metric[asked[i]] == lineage.Pending && l.Value == 1
	}
	return out, nil
}

// drained returns those of whom progress is pending that can't have made any since their topic did not grow in the
// window: writers, and the readers that had read all when they were last looked at, in the window.
func (v *View) drained(ctx context.Context) (map[int32]bool, error) {
	var rows, lags []int32
	out := map[int32]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if !x.amount.Pending || x.amount.Total > 0 || v.held.Rows.Unobserved[x.row] || !v.topicRests(x) {
			continue
		}
		if x.Access.Op == lineage.Write {
			out[x.row] = true
			continue
		}
		if lag, ok := v.held.Series.Find(x.row, lineage.Lag, lineage.NoEvidence); ok {
			rows, lags = append(rows, x.row), append(lags, lag)
		}
	}
	if lags == nil {
		return out, nil
	}
	levels, err := v.held.Levels(ctx, lags)
	if err != nil {
		return nil, fmt.Errorf("read levels: %w", err)
	}
	for i, l := range levels {
		out[rows[i]] = l.OK && l.Value == 0
	}
	return out, nil
}

// topicRests reports whether an access' topic was seen not to grow in the window.
func (v *View) topicRests(x *access) bool {
	if x.topic == nil {
		return false
	}
	subjects := x.topic.subjects
	return len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s incarnation) bool {
		return v.held.Rows.Moved[s.row] || v.unobserved(s.row)
	})
}

// unseenBefore reports whether somebody who did not move in the window was first looked at within it, a reader or who
// moves to or from a dataset: its position says that it did once, and nothing says when.
func (v *View) unseenBefore(x *access) bool {
	return (x.Access.Op == lineage.Read || x.Access.Dataset != (lineage.Dataset{})) && v.win.Start.Before(x.FirstSeen)
}

// watchedOf returns whether all of the window speaks for an access. Where nothing counts, as what a connector moves to
// or from a dataset, a later look does not make up for a time in which nobody looked: what it is compared with may be
// of after that.
func (v *View) watchedOf() func(*access) bool {
	whole := map[string]bool{}
	return func(x *access) bool {
		if x.Access.Dataset == (lineage.Dataset{}) || x.ownWord() {
			return true
		}
		teller := v.teller(x.node)
		complete, known := whole[teller]
		if !known && teller != "" {
			complete = v.held.Coverage(teller).Complete
			whole[teller] = complete
		}
		return complete
	}
}

// uncounted reports whether somebody is only known to read or write a topic, as a mover by what it is configured to do
// or a group by its topology: whether records moved is then told elsewhere, or not at all. That somebody is there to
// read says nothing of it.
func (x *access) uncounted() bool {
	return x.Access.Dataset == (lineage.Dataset{}) && x.counter.metric == lineage.NoMetric && x.gauges == [lineage.Metrics]bool{lineage.Live: x.gauges[lineage.Live]}
}

// restsOf returns whether an uncounted access is proved to have moved nothing: another of the same flow that is counted
// and was observed speaks for it, as its group does for a sink connector, nobody wrote to its topic, or it is a mover's
// that did not run.
func (v *View) restsOf() func(*access) bool {
	counted := map[lineage.Flow]bool{} // of the flows that have an uncounted access, which are few
	for i := range v.accesses {
		if x := &v.accesses[i]; x.counter.metric == lineage.NoMetric {
			counted[x.flow()] = false
		}
	}
	for i := range v.accesses {
		x := &v.accesses[i]
		if len(counted) == 0 || x.counter.metric == lineage.NoMetric || v.unobserved(x.row) {
			continue
		}
		if _, asked := counted[x.flow()]; asked {
			counted[x.flow()] = true
		}
	}
	stopped := v.stopped()
	return func(x *access) bool {
		if counted[x.flow()] || stopped[x.node] && v.ranNot(x) {
			return true
		}
		if x.Access.Dataset != (lineage.Dataset{}) {
			return false
		}
		return x.Access.Op == lineage.Write && v.topicRests(x)
	}
}

// ranNot reports whether a mover that does not run at the window's end did not run in it either: it was not sighted, or
// it was told not to run all the time, and is sighted as what it is configured to do.
func (v *View) ranNot(x *access) bool { return !x.inWindow || v.movers.rests(x.node, v.win.Start) }

// stopped returns the movers that were told not to run at the window's end, by a source that saw all of the window.
func (v *View) stopped() map[lineage.Node]bool {
	out, whole := map[lineage.Node]bool{}, map[string]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.Access.Client.Mover.Kind == lineage.NoKind || x.counter.metric != lineage.NoMetric || !v.movers.stopped(x.node) || !v.ranNot(x) {
			continue
		}
		teller := v.teller(x.node)
		complete, known := whole[teller]
		if !known && teller != "" {
			complete = v.held.Coverage(teller).Complete
			whole[teller] = complete
		}
		out[x.node] = complete
	}
	return out
}

// strange returns the clusters of accesses that are behind no name.
func (v *View) strange() map[lineage.ClusterID]bool {
	out := map[lineage.ClusterID]bool{}
	last := lineage.ClusterID("")
	for _, x := range v.held.Rows.Access[:v.held.Rows.Topics] {
		id := x.Topic.Cluster
		if id != last && v.clusters.byID[id] == nil {
			out[id] = true
		}
		last = id
	}
	delete(out, "")
	return out
}

// endFormerClusters marks the topics of clusters that were watched within the lookback and are behind no name at the
// window's end, since others are: they are there no more.
func (v *View) endFormerClusters(ctx context.Context) error {
	strange := v.strange()
	if len(strange) == 0 {
		// as nearly always; else it may also be a cluster that never was watched, which only a mover tells of
		return nil
	}
	changes, err := v.a.history.Events(ctx, store.EventFilter{Window: v.held.Back, Types: []lineage.EventType{lineage.ClusterChanged}})
	if err != nil {
		return fmt.Errorf("read which clusters changed: %w", err)
	}
	former := map[lineage.ClusterID]bool{}
	for _, e := range changes.List {
		before := e.At.Add(-v.state.Tick)
		then, err := v.a.history.Window(ctx, store.Ask{Window: lineage.Window{Start: before, End: before}, Facts: []lineage.FactKind{lineage.ClusterFacts}})
		if err != nil {
			return fmt.Errorf("read clusters: %w", err)
		}
		for _, f := range then.Facts {
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

// endsExist reports whether both ends of an access exist at the window's end: the topic's incarnation, or any where
// only the name is known, the group, the connector. What was never described is taken to exist. A group is there while
// its positions are, also where the sink is deleted that read with it: what is written waits for whoever makes it
// again.
func (v *View) endsExist(x *access) bool {
	if t := x.topic; t != nil && (t.gone || t.fact != nil && x.Access.Topic.ID != (lineage.TopicID{}) && t.fact.Topic.ID != x.Access.Topic.ID) {
		return false
	}
	if x.Access.Client.Group == "" {
		return !v.movers.gone(x.node)
	}
	return !v.groups[lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}].Gone
}
