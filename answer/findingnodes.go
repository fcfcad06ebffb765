package answer

import (
	"context"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// nodesThatWent finds the topics, applications and movers that are no more and were at the window's start.
func (f *finder) nodesThatWent(ctx context.Context) error {
	v := f.v
	went, where := map[lineage.Node]time.Time{}, map[lineage.Node][]lineage.ClusterID{}
	note := func(n lineage.Node, at time.Time, of ...lineage.ClusterID) {
		if at.After(v.win.Start) && !at.After(v.win.End) && at.After(went[n]) {
			went[n], where[n] = at, of
		}
	}
	gone := leaving(ctx)
	for n, t := range v.topics {
		if gone() {
			return ctx.Err()
		}
		if t.gone && t.fact == nil && !t.internal { // of a former cluster's it is not told when
			note(n, t.since)
		}
	}
	for n, c := range v.movers.connectors {
		if c.gone {
			note(n, c.since)
		}
	}
	for n, r := range v.movers.replicators {
		if r.gone {
			note(n, r.since)
		}
	}
	if err := f.groupsThatWent(ctx, went, note); err != nil {
		return err
	}
	f.steps = stepsOfWalk(f.sought + len(went))
	for n, at := range went {
		if gone() {
			return ctx.Err()
		}
		f.gone[n] = true
		x := Finding{Since: at, With: f.flowsOf(n)}
		if len(x.With) > 0 { // else it is not known what it did
			x.Starves = f.walk(walkKey{node: n, lane: anyLane})
		}
		x.Kind, x.Severity = FindingGone, Change
		if x.Starves != nil && x.Starves.some() {
			x.Severity = Risk
		}
		f.addNode(x, n, where[n]...)
	}
	return nil
}

// groupsThatWent notes the applications all of whose groups were deleted, and that do nothing else.
func (f *finder) groupsThatWent(
	ctx context.Context, went map[lineage.Node]time.Time, note func(lineage.Node, time.Time, ...lineage.ClusterID),
) error {
	v := f.v
	all := v.held.FactsOf(lineage.GroupFacts)
	whose := func(d *lineage.DatedFact) (n *lineage.Node, of lineage.ClusterID) {
		if c := v.clusters.bySource[d.Key.Source]; c != nil {
			of = c.known.ID
			n, _ = v.subjectOf(&lineage.Event{Group: lineage.GroupRef{Cluster: of, Group: d.Key.Name}})
		}
		return n, of
	}
	byGroups := map[lineage.Node]bool{} // and by nothing else
	for i := range all {
		d := &all[i]
		if !d.Gone || !d.Since.After(v.win.Start) {
			continue
		}
		n, of := whose(d)
		if n == nil || v.lens != All && !v.Has(*n) {
			continue
		}
		if !slices.ContainsFunc(v.accessesOf(*n), func(i int32) bool { return !v.accesses[i].left }) {
			byGroups[*n] = byGroups[*n] || went[*n].IsZero()
			note(*n, d.Since, of)
		}
	}
	gone := leaving(ctx)
	for i := range all { // one of several may be there that does nothing
		if len(byGroups) == 0 || gone() {
			break
		}
		if n, _ := whose(&all[i]); n != nil && !all[i].Gone && byGroups[*n] {
			delete(went, *n)
		}
	}
	return ctx.Err()
}

// flowsOf returns the flows of a node that the window knows, those of internal topics left out.
func (f *finder) flowsOf(n lineage.Node) (out []lineage.Flow) {
	seen := map[lineage.Flow]bool{} // a replicator has those of all its topics
	for _, i := range f.v.accessesOf(n) {
		x := &f.v.accesses[i]
		if is := x.flow(); !x.internal() && !seen[is] {
			seen[is] = true
			out = append(out, is)
		}
	}
	return out
}

// whatHappened finds what began in the window, and what was lost in it.
func (f *finder) whatHappened(ctx context.Context) error {
	v := f.v
	all, err := v.Events(ctx, nil, lineage.TopicCreated, lineage.FlowStarted, lineage.RecordsLost)
	if err != nil {
		return err
	}
	var begun []Event // flows
	lost := map[string]Event{}
	for _, e := range slices.Backward(all) { // the oldest first
		switch {
		case e.Type == lineage.RecordsLost && !v.aboutInternal(&e):
			if id := subjectID(&e); id != "" && lost[id].At.IsZero() {
				lost[id] = e
			}
		case e.Node != nil && e.Type == lineage.TopicCreated:
			if t := v.topics[*e.Node]; t != nil && !t.gone && !t.internal {
				f.appear(*e.Node, e.At)
			}
		case e.Flow != nil && e.Type == lineage.FlowStarted && f.firstSeen(v.of(*e.Flow)):
			begun = append(begun, e)
		}
	}
	for _, e := range begun {
		if program, _ := ends(*e.Flow); program.Kind != lineage.UnidentifiedNode && f.firstSeen(v.accessesOf(program)) {
			f.appear(program, e.At)
		}
	}
	for _, e := range begun {
		if f.appeared[e.Flow.From] || f.appeared[e.Flow.To] || f.gone[e.Flow.From] || f.gone[e.Flow.To] {
			continue
		}
		x := Finding{Since: e.At}
		x.Kind, x.Severity = FindingNew, Change
		f.addFlow(x, *e.Flow)
	}
	for _, e := range lost {
		f.addLost(&e)
	}
	return nil
}

// aboutInternal reports whether an event is about an internal topic.
func (v *View) aboutInternal(e *Event) bool {
	return e.Node != nil && v.internal(*e.Node) || e.Flow != nil && (v.internal(e.Flow.From) || v.internal(e.Flow.To))
}

func subjectID(e *Event) string {
	switch {
	case e.Flow != nil:
		return e.Flow.ID()
	case e.Node != nil:
		return e.Node.ID()
	}
	return ""
}

func (f *finder) addLost(e *Event) {
	x := Finding{Since: e.At}
	x.Kind, x.Severity = FindingLost, Harm
	if e.Flow != nil {
		if n := f.v.missed(f.v.of(*e.Flow), func(a *access) *lineage.Amount { return a.lost }); n != nil {
			x.Waiting = *n
		}
		f.addFlow(x, *e.Flow)
		return
	}
	f.addNode(x, *e.Node)
}

// appear takes in a node that was not there before.
func (f *finder) appear(n lineage.Node, at time.Time) {
	if f.appeared[n] || f.gone[n] {
		return
	}
	f.appeared[n] = true
	x := Finding{Since: at, With: f.flowsOf(n)}
	x.Kind, x.Severity = FindingNew, Change
	f.addNode(x, n)
}

// firstSeen reports whether some accesses were first seen in the window, all of them.
func (f *finder) firstSeen(accesses []int32) bool {
	return len(accesses) > 0 && !slices.ContainsFunc(accesses, func(i int32) bool {
		return f.v.accesses[i].FirstSeen.Before(f.v.win.Start)
	})
}
