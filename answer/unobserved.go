package answer

import (
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells what does not exist from what nobody was there to see.

// NoNode is the refusal of who asks for a node that the view does not have. Where nothing was observed of where it
// would be it does not say that there is none.
func (v *View) NoNode(n lineage.Node) error { return v.unknown("node "+n.ID(), "", n) }

// NoFlow is NoNode for flows.
func (v *View) NoFlow(f lineage.Flow) error {
	return v.unknown("flow "+f.ID(), " in this window or the seven days before its end", f.From, f.To)
}

func (v *View) unknown(what, when string, where ...lineage.Node) error {
	observed := &Observed{Window: v.win, Coverage: v.coverageOf(where...), HeldSince: v.HeldSince()}
	if observed.ObservedFraction > 0 {
		return &RefusedError{Missing, fmt.Sprintf("no %s%s", what, when), observed}
	}
	return &RefusedError{Unobserved, fmt.Sprintf("whether there was a %s is not known: nothing was observed in this window", what), observed}
}

// Unobserved reports whether nothing was observed in the window of where a node that the view does not have would be:
// then it is not known whether it was there.
func (v *View) Unobserved(n lineage.Node) bool {
	return !v.Has(n) && v.coverageOf(n).ObservedFraction == 0
}

// coverageOf returns what was observed of the clusters that nodes name.
func (v *View) coverageOf(nodes ...lineage.Node) lineage.Coverage {
	var sources []string
	for _, n := range nodes {
		of := v.watchersOf(n)
		if len(of) == 0 {
			return v.Coverage() // it may be anywhere
		}
		sources = append(sources, of...)
	}
	return v.inWords(v.held.Coverage(sources...))
}

// watchersOf returns the Cluster part of the sources that would see a node, by the names that it bears; none: any
// might.
func (v *View) watchersOf(n lineage.Node) (sources []string) {
	if n.Kind == lineage.ConnectorNode {
		if v.movers.connects[n.Scope] != nil || slices.ContainsFunc(v.a.connects, func(c ConnectConfig) bool { return c.Name == n.Scope }) {
			sources = append(sources, n.Scope)
		}
		return sources
	}
	if n.Kind == lineage.DatasetNode {
		return nil
	}
	for _, c := range v.clusters.all {
		name := c.known.Name
		if n.Kind == lineage.ApplicationNode {
			name = c.known.Environment
		}
		if name == n.Scope && c.source != "" {
			sources = append(sources, c.source)
		}
	}
	return sources
}
