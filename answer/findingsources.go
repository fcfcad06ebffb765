package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// unseenSteps is for how many steps before the end a source must not see its scope: the next round may make up for one,
// and of two is not told how a flow goes either.
const unseenSteps = lateRounds + 1

// blindness is what one cause keeps from being observed.
type blindness struct{ cluster, reason string }

// sources finds who does not observe at the window's end, those of one cluster and one reason together.
func (f *finder) sources(ctx context.Context) error {
	v := f.v
	if held := v.HeldSince(); held.IsZero() || !v.win.End.After(held) {
		return nil // of all that is before the data nothing was observed, which coverage says
	}
	found, of := map[blindness]*Finding{}, map[lineage.Source]*Finding{}
	for _, s := range v.held.Sources {
		from, reason := v.blindAtEnd(s.Gaps)
		if reason == "" {
			continue
		}
		since, err := f.blindSince(ctx, s.Source, from)
		if err != nil {
			return err
		}
		key := blindness{s.Source.Cluster, v.words(reason)}
		x := found[key]
		if x == nil {
			x = &Finding{Since: since, Reason: key.reason}
			found[key] = x
		}
		if since.Before(x.Since) {
			x.Since = since
		}
		x.Sources = append(x.Sources, v.SourceName(s.Source))
		of[s.Source] = x
	}
	if err := v.stillSeen(ctx, of); err != nil {
		return err
	}
	f.neverReached(found)
	for key, x := range found {
		x.Kind, x.Severity = FindingUnobserved, Risk
		slices.Sort(x.Sources)
		x.Sources = slices.Compact(x.Sources)
		var of []lineage.ClusterID
		x.Cluster, of = f.watchedBy(key.cluster)
		if f.ask.Owner == nil && (f.only != nil && x.Cluster != nil && x.Cluster.source == f.only.source || f.asks(of, "")) {
			f.add(*x, cmp.Or(key.cluster, "-")+" "+key.reason)
		}
	}
	return nil
}

// watchedBy returns the cluster that a source is of, if it is one that is watched, and all that it is about.
func (f *finder) watchedBy(source string) (*Cluster, []lineage.ClusterID) {
	v := f.v
	if c := v.clusters.bySource[source]; c != nil {
		return c, c.Scope()
	}
	var of []lineage.ClusterID
	for _, c := range v.clusters.all {
		if id := c.known.ID; id != "" && slices.Contains(v.connectsOf([]lineage.ClusterID{id}), source) {
			of = append(of, id)
		}
	}
	return nil, of
}

// neverReached adds the configured clusters of which nothing was ever told, where the window ends with the newest
// round.
func (f *finder) neverReached(found map[blindness]*Finding) {
	v := f.v
	if v.win.End.Before(v.state.Newest()) {
		return
	}
	for _, c := range v.clusters.all[:v.clusters.configured] {
		known := c.known.ID != "" || slices.ContainsFunc(v.held.Sources, func(s store.SourceCoverage) bool { return s.Source.Cluster == c.source })
		if !known {
			found[blindness{c.source, notReached}] = &Finding{Reason: notReached, Sources: []string{c.known.Name}}
		}
	}
}

// notReached is why nothing is observed of a cluster that never answered.
const notReached = "it was never reached"

// lastSteps are those in which a source has to see something.
func (v *View) lastSteps() lineage.Window {
	end := v.win.End
	if v.until.Before(end) { // the rest has not come
		end = v.until
	}
	from := end.Add(-unseenSteps * v.win.Step)
	if from.Before(v.win.Start) {
		from = v.win.Start
	}
	return lineage.Window{Start: from, End: end}
}

// blindAtEnd returns since when a source has gaps without an end, if that is no short time, and why; an empty reason:
// it sees all. What it does not see for one reason after another it does not see either.
func (v *View) blindAtEnd(gaps []lineage.Gap) (since time.Time, reason string) {
	last := v.lastSteps()
	if last.Empty() {
		return since, ""
	}
	since = last.End
	for _, g := range slices.Backward(gaps) { // the last to begin first
		if g.Window.End.Before(since) {
			continue
		}
		if since = earlier(since, g.Window.Start); !g.Window.End.Before(last.End) {
			reason = g.Reason
		}
	}
	if since.After(last.Start) {
		return since, ""
	}
	return since, reason
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stillSeen says how much sources see all the same that have a gap.
func (v *View) stillSeen(ctx context.Context, of map[lineage.Source]*Finding) error {
	if len(of) == 0 {
		return nil
	}
	held, err := v.a.history.Window(ctx, store.Ask{Window: v.lastSteps(), Until: v.until, Coverage: true})
	if err != nil {
		return fmt.Errorf("read what is still seen: %w", err)
	}
	expected, seen := map[*Finding]float64{}, map[*Finding]float64{}
	for _, s := range held.Sources {
		if x := of[s.Source]; x != nil {
			expected[x] += s.Expected
			seen[x] += s.Seen
		}
	}
	for x, n := range expected {
		if n > 0 {
			x.Observed = min(max(seen[x]/n, 0), 1)
		}
	}
	return nil
}

// blindSince returns since when a source has gaps; the zero time: for longer than is known. since is as far as the
// window tells.
func (f *finder) blindSince(ctx context.Context, s lineage.Source, since time.Time) (time.Time, error) {
	v := f.v
	if since.After(v.win.Start) {
		return since, nil
	}
	if f.lost == nil {
		in := lineage.Window{Start: v.win.End.Add(-lookback), End: v.win.End}
		got, err := v.a.history.Events(ctx, store.EventFilter{Window: in, Types: []lineage.EventType{lineage.SourceLost, lineage.SourceRecovered}})
		if err != nil {
			return time.Time{}, fmt.Errorf("read what was lost: %w", err)
		}
		f.lost = append([]lineage.Event{}, got.List...)
	}
	var last *lineage.Event
	for i := range f.lost {
		e := &f.lost[i]
		if (e.Detail == s.String() || strings.HasPrefix(e.Detail, s.String()+":")) && (last == nil || e.At.After(last.At)) {
			last = e
		}
	}
	if last == nil || last.Type == lineage.SourceRecovered {
		return time.Time{}, nil
	}
	return last.At, nil
}
