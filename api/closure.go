package api

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// mostIDs bounds ids(first:) of a closure.
const mostIDs = 10_000

// Closure is the schema's type of that name.
type Closure struct {
	v          *answer.View
	is         *graph.Closure
	Unobserved []string // ids of roots of which it is not known whether they were there
}

// Total answers total.
func (c *Closure) Total() int { return c.is.Len() }

// ByKind answers byKind.
func (c *Closure) ByKind() []KindCount {
	kinds := c.is.Kinds()
	out := make([]KindCount, 0, len(kinds))
	for k, n := range kinds {
		out = append(out, KindCount{Kind: k, Count: n})
	}
	slices.SortFunc(out, func(a, b KindCount) int { return int(a.Kind) - int(b.Kind) })
	return out
}

// Ids answers ids.
func (c *Closure) Ids(first int, after *string) ([]string, error) {
	if first < 0 || first > mostIDs {
		return nil, badInput("ids: first must be 0 to %d", mostIDs)
	}
	var last *lineage.Node
	if after != nil {
		n, err := parseNode(*after)
		if err != nil {
			return nil, err
		}
		last = &n
	}
	return idsOf(c.is.Page(last, first)), nil
}

// Window answers window.
func (c *Closure) Window() *ResolvedWindow { return shownWindow(c.v.Window()) }

// Coverage answers coverage.
func (c *Closure) Coverage() *Coverage {
	if len(c.Unobserved) > 0 { // they may be where nobody watches
		all := coverageOf(c.v)
		all.cov.Complete = false
		return all
	}
	return coverageOf(c.v, c.v.ScopeOf(c.is)...)
}

// closureArgs are the arguments of the root field closure.
type closureArgs struct {
	roots           []string
	direction       graph.Direction
	window          WindowInput
	evidence        []lineage.EvidenceKind
	includeInactive bool
	includeInternal bool
}

// closure answers the root field of that name.
func (a *resolver) closure(ctx context.Context, args closureArgs) (*Closure, error) {
	roots, err := parseRoots("closure", args.roots)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	known, unobserved, err := rootsIn(v, roots)
	if err != nil {
		return nil, err
	}
	only := answer.Filter{Evidence: args.evidence, IncludeInactive: args.includeInactive, IncludeInternal: args.includeInternal}
	return &Closure{v: v, is: v.Closure(known, args.direction, only), Unobserved: idsOf(unobserved)}, nil
}
