package export

import (
	"fmt"
	"strconv"
	"strings"
)

// This file says in lines of text what a document is of, for the forms that have no fields for it.

// head is what a picture is of, what was observed of that, and what is not shown.
func (p *picture) head() []string {
	s := &p.Scope
	lines := []string{fmt.Sprintf("%s, version %d", p.Format, p.Version)}
	switch {
	case len(s.Roots) == 0:
		lines = append(lines, "of: everything that moved; inactive flows: "+included(s.IncludeInactive)+", internal topics: "+included(s.IncludeInternal))
	default:
		of := "all"
		if len(s.Evidence) > 0 {
			of = strings.Join(s.Evidence, ", ")
		}
		lines = append(
			lines, "roots: "+strings.Join(s.Roots, " "),
			fmt.Sprintf("direction: %s, depth: %d, evidence: %s, inactive flows: %s, internal topics: %s",
				s.Direction, s.Depth, of, included(s.IncludeInactive), included(s.IncludeInternal)),
		)
	}
	lines = append(lines, p.Window.line())
	lines = append(lines, p.Coverage.lines(len(p.Coverage.Gaps), len(p.Coverage.BlindSpots))...)
	return append(lines, p.Cut.lines(len(p.Nodes), len(p.Cut.Hidden))...)
}

func included(is bool) string {
	if is {
		return "included"
	}
	return "left out"
}

func (w window) line() string {
	return "window: " + instant(w.Start) + " to " + instant(w.End) + ", step " + w.Step
}

// summary says in a few words what was observed.
func (c *coverage) summary() string {
	switch {
	case c.Complete:
		return "complete, all observed"
	case c.ObservedFraction == 0:
		return "nothing was observed"
	default:
		return fmt.Sprintf("not complete, %s observed, %s", percent(c.ObservedFraction), plural(c.GapCount, "gap"))
	}
}

// lines has so many gaps and blind spots at most, and says how many more there are.
func (c *coverage) lines(gaps, spots int) []string {
	out := []string{"coverage: " + c.summary()}
	for _, g := range c.Gaps[:min(gaps, len(c.Gaps))] {
		out = append(out, "gap: "+instant(g.Start)+" to "+instant(g.End)+", "+visible(g.Source)+": "+visible(g.Reason))
	}
	if more := c.GapCount - min(gaps, len(c.Gaps)); more > 0 {
		out = append(out, "gaps: "+strconv.Itoa(more)+" more")
	}
	for _, b := range c.BlindSpots[:min(spots, len(c.BlindSpots))] {
		line := "blind spot: " + visible(b.Source) + ": " + visible(b.What)
		if b.Remedy != "" {
			line += "; remedy: " + visible(b.Remedy)
		}
		out = append(out, line)
	}
	if more := len(c.BlindSpots) - spots; more > 0 {
		out = append(out, "blind spots: "+strconv.Itoa(more)+" more")
	}
	return out
}

// lines has so many hidden neighbours at most, and says how many more there are.
func (c *cut) lines(shown, most int) (out []string) {
	if c.Truncated {
		out = append(out, fmt.Sprintf("cut: the limit shows %d of %s, the most important ones", shown, plural(c.TotalNodes, "node")))
	} else {
		out = append(out, "cut: no node was cut by the limit")
	}
	for _, h := range c.Hidden[:min(most, len(c.Hidden))] {
		out = append(out, fmt.Sprintf("not shown: of %s %d upstream, %d downstream", h.Node, h.Upstream, h.Downstream))
	}
	if more := len(c.Hidden) - most; more > 0 {
		out = append(out, "not shown: neighbours of "+plural(more, "node"))
	}
	for _, id := range c.Unobserved {
		out = append(out, "not known: whether "+id+" was there, since nothing was observed where it would be")
	}
	return out
}
