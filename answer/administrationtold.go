package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// AdministrationTold is when it was told who administers a cluster: that nobody did is known then alone.
type AdministrationTold struct {
	Spans []lineage.Window // by time, apart
	Some  bool             // it was told in some of the time, be it known in which
}

// Whole reports whether it was told in all of a window.
func (t *AdministrationTold) Whole(w lineage.Window) bool {
	return len(t.Spans) == 1 && !t.Spans[0].Start.After(w.Start) && !t.Spans[0].End.Before(w.End)
}

// add takes in when it was told within a part.
func (t *AdministrationTold) add(some bool, part lineage.Window, spans ...lineage.Window) {
	t.Some = t.Some || some
	for _, w := range spans {
		if w = (lineage.Window{Start: laterOf(w.Start, part.Start), End: earlier(w.End, part.End)}); w.Start.Before(w.End) {
			t.Spans = append(t.Spans, w)
		}
	}
}

// words says when in a window it was told.
func (t *AdministrationTold) words(w lineage.Window) string {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch n := len(t.Spans); {
	case n == 0:
		return "of a part of the window only"
	case n == 1 && !t.Spans[0].End.Before(w.End):
		return "since " + at(t.Spans[0].Start) + " only"
	default:
		const most = 3
		var all []string
		for _, s := range t.Spans[:min(n, most)] {
			all = append(all, at(s.Start)+" to "+at(s.End))
		}
		more := ""
		if n > most {
			more = fmt.Sprintf(" and of %d more spans", n-most)
		}
		return "of " + strings.Join(all, ", ") + more + " only"
	}
}

// tellsAdministration reports whether a source reads what tells who administers.
func tellsAdministration(source string) bool {
	return source == "log-files" || source == "log-topic" || source == "log-push" || strings.HasPrefix(source, "audit:")
}

// AdministrationTold returns when in the window it was told who administers, by the clusters' sources. Of one that is
// missing it was not told. It goes by what was observed: what is configured now may not have been then.
func (v *View) AdministrationTold(ctx context.Context) (map[string]*AdministrationTold, error) {
	expected, err := v.expectedSources(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]*AdministrationTold{}
	for i := range v.held.Sources {
		s := &v.held.Sources[i]
		if !tellsAdministration(s.Source.Name) || s.Seen == 0 {
			continue
		}
		if out[s.Source.Cluster] == nil {
			out[s.Source.Cluster] = &AdministrationTold{}
		}
		var is *lineage.DatedFact
		if n := slices.IndexFunc(expected[s.Source.Cluster], func(f lineage.DatedFact) bool { return f.Key.Name == s.Source.Name }); n >= 0 {
			is = &expected[s.Source.Cluster][n]
		}
		out[s.Source.Cluster].add(true, v.past(), v.watchedBy(s, is)...)
	}
	for _, of := range out {
		of.Spans = unionOf(of.Spans)
	}
	return out, nil
}

// past is the part of the window that is over.
func (v *View) past() lineage.Window {
	w := v.win.Window
	if !v.until.IsZero() {
		w.End = earlier(w.End, v.until)
	}
	return w
}

// watchedBy returns when a source is known to have observed all of what it is to; expected is what was told of it, or
// nil. Of time in which nobody waited for it there is no gap: where that lies it can't be told, but that nothing of it
// lies after the source was expected.
func (v *View) watchedBy(s *store.SourceCoverage, expected *lineage.DatedFact) (out []lineage.Window) {
	w := v.past()
	if expected != nil && w.Duration().Seconds() > (s.Expected+0.5)*v.state.Tick.Seconds() {
		if expected.Source == nil || expected.Source.State != lineage.SourceExpected {
			return nil
		}
		w.Start = laterOf(w.Start, expected.Since)
	}
	gaps := make([]lineage.Window, len(s.Gaps))
	for i, g := range s.Gaps {
		gaps[i] = g.Window
	}
	for _, g := range unionOf(gaps) {
		if w.Start.Before(g.Start) {
			out = append(out, lineage.Window{Start: w.Start, End: earlier(g.Start, w.End)})
		}
		w.Start = laterOf(w.Start, g.End)
	}
	if w.Start.Before(w.End) {
		out = append(out, w)
	}
	return out
}
