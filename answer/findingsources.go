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

// unseenSteps is for how many steps before the end a source has to see nothing: the next round may make up for one, and
// of two is not told how a flow goes either.
const unseenSteps = lateRounds + 1

// blindness is what one cause keeps from being observed.
type blindness struct{ cluster, reason string }

// sources finds who does not observe at the window's end, those of one cluster and one reason together.
func (f *finder) sources(ctx context.Context) error {
	v := f.v
	if held := v.HeldSince(); held.IsZero() || !v.win.End.After(held) {
		return nil // of all that is before the data nothing was observed, which coverage says
	}
	found := map[blindness]*Finding{}
	for _, s := range v.held.Sources {
		g := v.blindAtEnd(s.Gaps)
		if g == nil {
			continue
		}
		since, err := f.blindSince(ctx, s.Source, g)
		if err != nil {
			return err
		}
		key := blindness{s.Source.Cluster, v.words(g.Reason)}
		x := found[key]
		if x == nil {
			x = &Finding{Since: since, Reason: key.reason}
			found[key] = x
		}
		if since.Before(x.Since) {
			x.Since = since
		}
		x.Sources = append(x.Sources, v.SourceName(s.Source))
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

// blindAtEnd returns the gap that reaches to the window's end, if it is no short one; nil: there is none.
func (v *View) blindAtEnd(gaps []lineage.Gap) *lineage.Gap {
	end := v.win.End
	if v.until.Before(end) { // the rest has not come
		end = v.until
	}
	from := end.Add(-unseenSteps * v.win.Step)
	if from.Before(v.win.Start) {
		from = v.win.Start
	}
	for i, g := range gaps {
		if !g.Window.End.Before(end) && !g.Window.Start.After(from) {
			return &gaps[i]
		}
	}
	return nil
}

// blindSince returns since when a source sees nothing; the zero time: for longer than is known.
func (f *finder) blindSince(ctx context.Context, s lineage.Source, g *lineage.Gap) (time.Time, error) {
	v := f.v
	if g.Window.Start.After(v.win.Start) {
		return g.Window.Start, nil
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
