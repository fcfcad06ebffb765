package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// mostFollowed bounds the tags that are followed to one node: who tags each topic with a tag of its own has no use of
// what is derived.
const mostFollowed = 200

// DerivedTag is a tag that nobody said of a node: it comes along a way from one that bears it.
type DerivedTag struct {
	Tag string
	Way []lineage.Node // from a node that bears it to the one that it is derived for, with the fewest flows
}

// Flows returns the flows of the way.
func (d *DerivedTag) Flows() []lineage.Flow {
	out := make([]lineage.Flow, 0, len(d.Way))
	for i := 1; i < len(d.Way); i++ {
		out = append(out, lineage.Flow{From: d.Way[i-1], To: d.Way[i]})
	}
	return out
}

// Derived are the tags that come to a node. That there is none is never known: Doubts says what may hide one.
type Derived struct {
	Tags   []DerivedTag // by tag
	Doubts []string     // one sentence each; nil: all was observed, and everybody upstream is named
}

// tagging is which tags people say of the nodes of a view, and which nodes do not pass them on.
type tagging struct {
	bearers map[string]map[lineage.Node]bool
	stops   map[lineage.Node][]string
}

// stopped returns what reports whether a node does not pass a tag on.
func (t *tagging) stopped(tag string) func(lineage.Node) bool {
	return func(n lineage.Node) bool {
		stops := t.stops[n]
		return len(stops) > 0 && (slices.Contains(stops, tag) || slices.Contains(stops, lineage.StopsAll))
	}
}

// tags are found once for a view: each rule looks at each node for it.
func (v *View) tags(ctx context.Context) (*tagging, error) {
	return v.tagged.get(ctx, func(ctx context.Context) (*tagging, error) {
		out, gone := &tagging{map[string]map[lineage.Node]bool{}, map[lineage.Node][]string{}}, leaving(ctx)
		for n := range v.everything() {
			if gone() {
				return nil, ctx.Err()
			}
			_, tags := v.describe(n)
			for _, t := range tags {
				if out.bearers[t] == nil {
					out.bearers[t] = map[lineage.Node]bool{}
				}
				out.bearers[t][n] = true
			}
			if stops := v.stops(n); len(stops) > 0 {
				out.stops[n] = stops
			}
		}
		return out, nil
	})
}

// stops returns the tags that a node does not pass on.
func (v *View) stops(n lineage.Node) []string {
	if e := v.edits.At(n, v.win.End); e != nil {
		if t, ok := e.Slots[stopsSlot]; ok {
			return t.Texts
		}
	}
	return v.ruled(n)[stopsSlot].Texts
}

var stopsSlot = lineage.Slot{Field: lineage.StopsField}

// spreading is the part of the graph along which tags come: all flows of the window and of the seven days before it,
// through internal topics as well, since data that rests is what it was.
var spreading = Filter{IncludeInactive: true, IncludeInternal: true}

// DerivedTags returns the tags that come to the node from upstream and that nobody says of it.
func (n Node) DerivedTags(ctx context.Context) (*Derived, error) {
	return n.rows.v.derivedTags(ctx, n.node)
}

func (v *View) derivedTags(ctx context.Context, n lineage.Node) (*Derived, error) {
	all, err := v.tags(ctx)
	if err != nil {
		return nil, err
	}
	g, gone := v.graph(spreading.key()), leaving(ctx)
	upstream := g.Closure([]lineage.Node{n}, graph.Upstream)
	unnamed, scope := 0, v.ScopeOf(upstream)
	tags := map[string]bool{}
	for m := range upstream.Nodes() {
		if gone() {
			return nil, ctx.Err()
		}
		if m.Kind == lineage.UnidentifiedNode {
			unnamed++
		}
	}
	for tag, bearers := range all.bearers {
		if bearers[n] {
			continue
		}
		for m := range bearers {
			if upstream.Has(m) {
				tags[tag] = true
				break
			}
		}
	}
	out := &Derived{}
	names := slices.Sorted(maps.Keys(tags))
	for _, tag := range names[:min(len(names), mostFollowed)] {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		bearers := all.bearers[tag]
		if way := g.SpreadTo(n, func(m lineage.Node) bool { return bearers[m] }, all.stopped(tag)); way != nil {
			out.Tags = append(out.Tags, DerivedTag{tag, way})
		}
	}
	if k := len(names) - mostFollowed; k > 0 {
		out.Doubts = append(out.Doubts, fmt.Sprintf("%d more tags upstream were not followed", k))
	}
	if unnamed > 0 {
		out.Doubts = append(out.Doubts, fmt.Sprintf("what %d writers upstream read is not known, as nothing names them", unnamed))
	}
	if !v.Coverage(scope...).Complete {
		out.Doubts = append(out.Doubts, "not all of the window was observed, and a flow may have been missed")
	}
	return out, nil
}

// derivedBearers returns the nodes to which a tag comes, in any case of its letters.
func (v *View) derivedBearers(ctx context.Context, tag string) (map[lineage.Node]bool, error) {
	all, err := v.tags(ctx)
	if err != nil {
		return nil, err
	}
	out := map[lineage.Node]bool{}
	for t, bearers := range all.bearers {
		if !strings.EqualFold(t, tag) {
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, n := range v.graph(spreading.key()).Spread(slices.Collect(maps.Keys(bearers)), all.stopped(t)).Nodes() {
			out[n] = true
		}
	}
	return out, nil
}

// spreadOf follows one tag from those that bear it, spelled exactly so, along all flows.
func (v *View) spreadOf(ctx context.Context, tag string) (*graph.Spreading, error) {
	all, err := v.tags(ctx)
	if err != nil {
		return nil, err
	}
	bearers := slices.SortedFunc(maps.Keys(all.bearers[tag]), func(a, b lineage.Node) int { return strings.Compare(a.ID(), b.ID()) })
	return v.graph(spreading.key()).Spread(bearers, all.stopped(tag)), nil
}

// unnamedWriters is how many writers whom nothing names are among those along whose flows tags come: what they read is
// not known, and a tag may come to what they write.
func (v *View) unnamedWriters() (n int) {
	for m := range v.graph(spreading.key()).Nodes() {
		if m.Kind == lineage.UnidentifiedNode {
			n++
		}
	}
	return n
}
