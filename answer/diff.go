package answer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what changed from one window to another: which flows came and went, and whose rates are others. What
// was not observed has neither come nor gone, see docs/adr/0016-paths-in-time.md.

// DiffAsk says what is compared.
type DiffAsk struct {
	Before, After Span
	// Quiet is how long a flow has to be silent at the end of a window to be taken for not there; less than the window:
	// all of the window. At most lookback.
	Quiet time.Duration
	// Roots: only what lies upstream or downstream of them, in either window; none: all.
	Roots           []lineage.Node
	IncludeInternal bool
	// Factor is how many times a rate has to be the other to count as changed, more than 1.
	Factor float64
}

// Diff is what changed. Its lists begin with what moved most.
type Diff struct {
	Before, After *View
	// Added and Removed are flows of After and of Before that the other window surely has not.
	Added, Removed []lineage.Flow
	Changed        []FlowChange
	// Unknown are flows of one window of which it is not known whether the other has them.
	Unknown []UnknownChange
	// Scope names the clusters of the roots' surroundings; empty: all.
	Scope []lineage.ClusterID
}

// FlowChange is a flow whose rate changed, in records a second.
type FlowChange struct {
	Flow          lineage.Flow
	Before, After float64
	Estimated     bool // one of the two is no measurement
}

// UnknownChange is a flow that one window has, and of which it is not known whether the other has it.
type UnknownChange struct {
	Flow    lineage.Flow
	InAfter bool // it is in the later one
	Why     string
}

// presence is whether a flow is in a window.
type presence uint8

const (
	isAbsent  presence = iota // surely not
	isPerhaps                 // not known
	isNearby                  // a reading that reaches beyond the window moved: it may have been outside of it
	isPresent                 // surely
)

// differ compares two windows. whole are those in which a flow has to be silent, which are longer where Quiet is.
type differ struct {
	ask           DiffAsk
	before, after *View
	whole         [2]*View
	out           *Diff
	weights       map[lineage.Flow]float64
	// missing are the flows that one of the two has no trace of, by whether that is the later one.
	missing [2][]lost
}

// lost is a flow that one window has and the other knows nothing of.
type lost struct {
	flow lineage.Flow
	here presence
}

// Diff compares two windows, through one lens and by the same names.
func (a *Answers) Diff(ctx context.Context, ask DiffAsk, lens Lens) (*Diff, error) {
	if !(ask.Factor > 1) || math.IsInf(ask.Factor, 0) {
		return nil, senseless("lineageDiff: factor must be more than 1")
	}
	if ask.Quiet < 0 || ask.Quiet > lookback {
		return nil, senseless("lineageDiff: quiet must be 0s to %s", spelled(lookback))
	}
	d := differ{ask: ask, weights: map[lineage.Flow]float64{}}
	if err := d.look(ctx, a, lens); err != nil {
		return nil, err
	}
	d.out = &Diff{Before: d.before, After: d.after}
	in, err := d.part()
	if err != nil {
		return nil, err
	}
	if err := d.compare(ctx, in); err != nil {
		return nil, err
	}
	if err := d.judgeMissing(ctx); err != nil {
		return nil, err
	}
	d.sort()
	return d.out, nil
}

// look gets the views. They are of one version of the rules: a name that changed is no change.
func (d *differ) look(ctx context.Context, a *Answers, lens Lens) error {
	const tries = 3 // the rules change seldom
	for try := range tries {
		at := ctx
		if try > 0 { // what these questions shared is of the rules before
			at = Together(ctx)
		}
		if err := d.lookOnce(at, a, lens); err != nil {
			return err
		}
		if same := d.before.identity; d.after.identity == same && d.whole[0].identity == same && d.whole[1].identity == same {
			return nil
		}
	}
	return fmt.Errorf("compare two windows: the rules changed %d times while they were read", tries)
}

func (d *differ) lookOnce(ctx context.Context, a *Answers, lens Lens) (err error) {
	if d.before, err = a.View(ctx, d.ask.Before, lens); err != nil {
		return err
	}
	if d.after, err = a.View(ctx, d.ask.After, lens); err != nil {
		return err
	}
	for i, v := range [...]*View{d.before, d.after} {
		d.whole[i] = v
		if from := v.win.End.Add(-d.ask.Quiet); from.Before(v.win.Start) {
			if d.whole[i], err = a.View(ctx, Between(from, v.win.End), lens); err != nil {
				return err
			}
		}
	}
	return nil
}

// part returns whether a flow belongs to what was asked for.
func (d *differ) part() (func(lineage.Flow) bool, error) {
	if len(d.ask.Roots) == 0 {
		return func(lineage.Flow) bool { return true }, nil
	}
	for _, n := range d.ask.Roots {
		if !d.before.Has(n) && !d.after.Has(n) {
			return nil, d.after.NoNode(n)
		}
	}
	var up, down []*graph.Closure
	found := map[lineage.ClusterID]bool{}
	for _, v := range d.whole {
		s := v.graphWith(d.key(), d.ask.Roots)
		up = append(up, s.Closure(d.ask.Roots, graph.Upstream))
		down = append(down, s.Closure(d.ask.Roots, graph.Downstream))
		for _, c := range [...]*graph.Closure{up[len(up)-1], down[len(down)-1]} {
			for n := range c.Nodes() {
				for _, id := range v.ClustersOf(n) {
					if !found[id] {
						found[id] = true
						d.out.Scope = append(d.out.Scope, id)
					}
				}
			}
		}
	}
	slices.Sort(d.out.Scope)
	return func(f lineage.Flow) bool {
		return slices.ContainsFunc(down, func(c *graph.Closure) bool { return c.Has(f.From) }) ||
			slices.ContainsFunc(up, func(c *graph.Closure) bool { return c.Has(f.To) })
	}, nil
}

// key is the part of the graphs that is compared: also what did not move, of which that is known.
func (d *differ) key() filterKey {
	return filterKey{inactive: true, internal: d.ask.IncludeInternal}
}

// compare goes through all flows of both windows.
func (d *differ) compare(ctx context.Context, in func(lineage.Flow) bool) error {
	gone := leaving(ctx)
	for p := range graph.Join(d.whole[0].graphWith(d.key(), d.ask.Roots), d.whole[1].graphWith(d.key(), d.ask.Roots)) {
		if gone() {
			return ctx.Err()
		}
		if !in(p.Flow) {
			continue
		}
		before, after := d.whole[0].presenceOf(p.A), d.whole[1].presenceOf(p.B)
		for _, e := range [...]*graph.Edge{p.A, p.B} {
			if e != nil {
				d.weights[p.Flow] = max(d.weights[p.Flow], e.Weight)
			}
		}
		switch {
		case before == isPresent && after == isPresent:
			d.rates(p.Flow)
		case before == isNearby && after == isNearby:
			d.tell(p.Flow, true, after, before)
		case before >= isNearby && p.B == nil:
			d.missing[1] = append(d.missing[1], lost{p.Flow, before})
		case after >= isNearby && p.A == nil:
			d.missing[0] = append(d.missing[0], lost{p.Flow, after})
		case before > after && before >= isNearby:
			d.tell(p.Flow, false, before, after)
		case after > before && after >= isNearby:
			d.tell(p.Flow, true, after, before)
		}
	}
	return nil
}

// presenceOf says whether a flow is in the view's window; nil: the view has no trace of it.
func (v *View) presenceOf(e *graph.Edge) presence {
	if e == nil || e.State == graph.Inactive {
		return isAbsent
	}
	if e.State == graph.Active {
		return isPresent
	}
	for _, i := range e.Accesses {
		if v.accesses[i].beside {
			return isNearby
		}
	}
	return isPerhaps
}

// tell files a flow that is in one window and not, or perhaps, in the other.
func (d *differ) tell(f lineage.Flow, inAfter bool, here, there presence) {
	other := d.whole[1]
	if inAfter {
		other = d.whole[0]
	}
	why := ""
	switch {
	case there == isPerhaps:
		why = "whether it moved in the other window is not known"
	case here == isNearby || there == isNearby:
		why = "it was counted over a time that reaches beyond a window, and may have moved outside of it"
	case other.writtenByNobody(f):
		why = "nothing names some who wrote the topic in the other window: it may have been among them"
	}
	switch {
	case why != "":
		d.out.Unknown = append(d.out.Unknown, UnknownChange{Flow: f, InAfter: inAfter, Why: why})
	case inAfter:
		d.out.Added = append(d.out.Added, f)
	default:
		d.out.Removed = append(d.out.Removed, f)
	}
}

// writtenByNobody reports whether a flow's topic is, or may be, written by somebody whom nothing names.
func (v *View) writtenByNobody(f lineage.Flow) bool {
	if f.To.Kind != lineage.TopicNode || f.From.Kind == lineage.UnidentifiedNode {
		return false
	}
	nobody := lineage.Flow{From: lineage.Node{Scope: f.To.Scope, Kind: lineage.UnidentifiedNode, Name: f.To.Name}, To: f.To}
	return slices.ContainsFunc(v.of(nobody), func(i int32) bool { return v.accesses[i].state != graph.Inactive })
}

// rates compares what a flow moved a second in the windows themselves. One that rests in one of them, as between two
// runs, has no other rate for that.
func (d *differ) rates(f lineage.Flow) {
	a, b := d.before.records(d.before.of(f)), d.after.records(d.after.of(f))
	if a.perSecond == nil || b.perSecond == nil || *a.perSecond <= 0 || *b.perSecond <= 0 {
		return
	}
	if ratio := *b.perSecond / *a.perSecond; ratio < d.ask.Factor && 1/ratio < d.ask.Factor {
		return
	}
	d.out.Changed = append(d.out.Changed, FlowChange{Flow: f, Before: *a.perSecond, After: *b.perSecond, Estimated: a.estimated || b.estimated || d.before.atLeast(f) != "" || d.after.atLeast(f) != ""})
}

// judgeMissing files the flows that one of the windows has no trace of: they are not in it if those who see them now
// saw it to its end. What they do not see in between shows in their next reading where they count; where they were
// only sighted it does not, and those have to have seen all of it.
func (d *differ) judgeMissing(ctx context.Context) error {
	for k, flows := range d.missing {
		here, there := d.whole[1-k], d.whole[k]
		var rows []int32
		var of []lineage.Flow
		var counted []bool
		for _, l := range flows {
			for _, i := range here.of(l.flow) {
				x := &here.accesses[i]
				rows, of, counted = append(rows, x.row), append(of, l.flow), append(counted, x.counter.metric != lineage.NoMetric)
			}
		}
		if len(rows) == 0 {
			continue
		}
		found, err := here.held.Evidence(ctx, here.win.Window, rows)
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		blind := map[lineage.Flow]string{}
		sees := map[lineage.Flow]bool{}
		for i, es := range found {
			for _, e := range es {
				sees[of[i]] = true
				if why := there.overlooked(e.Source, counted[i]); why != "" {
					blind[of[i]] = why
				}
			}
		}
		inAfter := k == 0
		for _, l := range flows {
			if why := blind[l.flow]; why != "" || !sees[l.flow] {
				why = cmp.Or(here.words(why), "whether it moved in the other window is not known")
				d.out.Unknown = append(d.out.Unknown, UnknownChange{Flow: l.flow, InAfter: inAfter, Why: why})
				continue
			}
			d.tell(l.flow, inAfter, l.here, isAbsent)
		}
	}
	return nil
}

// overlooked says why a source may not have seen who moved in the window; empty: it did. Totals make up for gaps, but
// not for one at the end.
func (v *View) overlooked(s lineage.Source, totals bool) string {
	for _, c := range v.held.Sources {
		if c.Source != s {
			continue
		}
		if c.Seen == 0 && c.Expected > 0 {
			return fmt.Sprintf("the other window was not observed by %s", v.SourceName(s))
		}
		for _, g := range c.Gaps {
			switch {
			case !g.Window.End.Before(v.win.End):
				return fmt.Sprintf("the other window was not observed to its end by %s: %s", v.SourceName(s), g.Reason)
			case !totals:
				return fmt.Sprintf("a part of the other window was not observed by %s, which does not count: %s", v.SourceName(s), g.Reason)
			}
		}
		return ""
	}
	return fmt.Sprintf("the other window was not observed by %s", v.SourceName(s))
}

// sort puts what moved most first.
func (d *differ) sort() {
	less := func(a, b lineage.Flow) int {
		return cmp.Or(-cmp.Compare(d.weights[a], d.weights[b]), strings.Compare(a.ID(), b.ID()))
	}
	slices.SortFunc(d.out.Added, less)
	slices.SortFunc(d.out.Removed, less)
	slices.SortFunc(d.out.Unknown, func(a, b UnknownChange) int { return less(a.Flow, b.Flow) })
	ratio := func(c FlowChange) float64 { return math.Abs(math.Log(c.After / c.Before)) }
	slices.SortFunc(d.out.Changed, func(a, b FlowChange) int {
		return cmp.Or(-cmp.Compare(ratio(a), ratio(b)), strings.Compare(a.Flow.ID(), b.Flow.ID()))
	})
}
