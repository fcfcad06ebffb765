package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// StretchKind says what a stretch of time that was not observed is to who reads it.
type StretchKind uint8

// The kinds of stretches.
const (
	// Lost: somebody who was to look saw nothing.
	Lost StretchKind = iota
	// Pause: for two ticks or ten seconds at most, as where a round is late.
	Pause
	// Beginning: where the data begins, until the slowest source has looked for the first time.
	Beginning
	// BeforeData: before the oldest data that is held.
	BeforeData
	// NotYet: it has not come.
	NotYet
)

const (
	// pauseTicks is how long a Pause is at most: a round that is late, and the one that waits for it.
	pauseTicks = 2
	// leastPause is the longest Pause with short ticks: the usual one, within which nobody else sees anything either.
	leastPause = 10 * time.Second
	// longestBeginning is the longest Beginning: permissions are read each five minutes, which is the slowest cadence.
	longestBeginning = 5 * time.Minute
)

// Stretch is gaps of several sources that are one to who reads them: for one reason, and of one time.
type Stretch struct {
	Window  lineage.Window
	Kind    StretchKind
	Reason  string
	Sources []lineage.Source // whose gaps they are, by name
}

// Stretches puts together the gaps of a coverage of the view: those of one reason that touch or overlap. They are by
// start.
func (v *View) Stretches(ctx context.Context, c lineage.Coverage) ([]Stretch, error) {
	var out []Stretch
	open := map[string]int{} // the last stretch of each kind and reason
	for _, g := range v.cutAtData(c.Gaps) {
		kind := v.kindOf(g)
		key := g.Reason
		if kind == BeforeData || kind == Beginning { // whatever the reason: nobody had looked yet
			key = "\x00" + string(rune('0'+kind))
		}
		i, ok := open[key]
		if !ok || g.Window.Start.After(out[i].Window.End) {
			open[key] = len(out)
			out = append(out, Stretch{Window: g.Window, Kind: kind, Reason: g.Reason, Sources: []lineage.Source{g.Source}})
			continue
		}
		s := &out[i]
		if g.Window.End.After(s.Window.End) {
			s.Window.End = g.Window.End
		}
		if !slices.Contains(s.Sources, g.Source) {
			s.Sources = append(s.Sources, g.Source)
		}
	}
	for i := range out {
		s := &out[i]
		if s.Kind == Lost && s.Window.Duration() <= v.longestPause() {
			longer, err := v.cutByEdge(ctx, s)
			if err != nil {
				return nil, err
			}
			if !longer {
				s.Kind = Pause
			}
		}
		slices.SortFunc(s.Sources, func(a, b lineage.Source) int {
			return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Name, b.Name))
		})
	}
	return out, nil
}

// longestPause is how long a Pause is at most.
func (v *View) longestPause() time.Duration { return max(pauseTicks*v.state.Tick, leastPause) }

// cutByEdge reports whether a stretch that is as short as a pause is the rest of a longer time that an edge of the
// window cuts.
func (v *View) cutByEdge(ctx context.Context, s *Stretch) (bool, error) {
	if s.Window.Start.After(v.win.Start) && s.Window.End.Before(v.win.End) {
		return false, nil
	}
	around, err := v.around.get(ctx, v.gapsAround)
	if err != nil {
		return false, err
	}
	is := map[lineage.Source]lineage.Window{}
	for _, source := range s.Sources {
		is[source] = s.Window
	}
	for range 2 { // what touches on its left may come later in the list
		for _, g := range around {
			w, asked := is[g.Source]
			if !asked || g.Window.Start.After(w.End) || g.Window.End.Before(w.Start) {
				continue
			}
			if g.Window.Start.Before(w.Start) {
				w.Start = g.Window.Start
			}
			if g.Window.End.After(w.End) {
				w.End = g.Window.End
			}
			if is[g.Source] = w; w.Duration() > v.longestPause() {
				return true, nil
			}
		}
	}
	return false, nil
}

// gapsAround reads the gaps of the window and of so much around it that a pause is told from a longer time.
func (v *View) gapsAround(ctx context.Context) ([]lineage.Gap, error) {
	more := v.longestPause() + v.state.Tick
	w := v.state.Resolve(lineage.Window{Start: v.win.Start.Add(-more), End: v.win.End.Add(more)}).Window
	until := v.until
	if newest := v.state.Newest(); until.Equal(v.win.End) && newest.After(until) {
		until = earlier(newest, w.End)
	}
	held, err := v.a.history.Window(ctx, store.Ask{Window: w, Until: until, Coverage: true})
	if err != nil {
		return nil, fmt.Errorf("read what was observed around the window: %w", err)
	}
	return slices.DeleteFunc(held.Coverage().Gaps, func(g lineage.Gap) bool { return !g.Window.Start.Before(until) }), nil
}

// kindOf says of what kind a gap is by itself; whether it is a pause is seen when it was put together with others.
func (v *View) kindOf(g lineage.Gap) StretchKind {
	since := v.HeldSince()
	switch {
	case g.Reason == notYet:
		return NotYet
	case since.IsZero() || !g.Window.End.After(since):
		return BeforeData
	case g.Window.Start.Equal(since) && g.Window.Duration() <= longestBeginning && v.win.Start.Before(since):
		return Beginning
	default:
		return Lost
	}
}

// cutAtData cuts gaps where the oldest data begins, and returns them by start.
func (v *View) cutAtData(gaps []lineage.Gap) []lineage.Gap {
	since := v.HeldSince()
	out := make([]lineage.Gap, 0, len(gaps))
	for _, g := range gaps {
		if g.Window.Start.Before(since) && g.Window.End.After(since) {
			before := g
			before.Window.End, g.Window.Start = since, since
			out = append(out, before)
		}
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b lineage.Gap) int { return a.Window.Start.Compare(b.Window.Start) })
	return out
}
