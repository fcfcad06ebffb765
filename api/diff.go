package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// LineageDiff is the schema's type of that name.
type LineageDiff struct {
	Added, Removed                                       []*Flow
	Changed                                              []FlowChange
	Unknown                                              []UnknownChange
	AddedCount, RemovedCount, ChangedCount, UnknownCount int

	is            *answer.Diff
	before, after *rows
}

// Before answers before.
func (d *LineageDiff) Before() *ResolvedWindow { return shownWindow(d.is.Before.Window()) }

// After answers after.
func (d *LineageDiff) After() *ResolvedWindow { return shownWindow(d.is.After.Window()) }

// Coverage answers coverage.
func (d *LineageDiff) Coverage() *Coverage { return d.after.coverage(d.is.Scope) }

// CoverageBefore answers coverageBefore.
func (d *LineageDiff) CoverageBefore() *Coverage { return d.before.coverage(d.is.Scope) }

// FlowChange is the schema's type of that name.
type FlowChange struct {
	Flow          *Flow
	Before, After float64
	Estimated     bool
}

// UnknownChange is the schema's type of that name.
type UnknownChange struct {
	Flow    *Flow
	InAfter bool
	Reason  string
}

// diffArgs are the arguments of the root field lineageDiff.
type diffArgs struct {
	roots           []string
	before, after   WindowInput
	quiet           time.Duration
	factor          float64
	includeInternal bool
	limit           int
}

// lineageDiff answers the root field of that name.
func (a *resolver) lineageDiff(ctx context.Context, args diffArgs) (*LineageDiff, error) {
	if err := checkLimit(args.limit); err != nil {
		return nil, err
	}
	if len(args.roots) > mostRoots {
		return nil, badInput("lineageDiff: at most %d roots", mostRoots)
	}
	ask := answer.DiffAsk{Quiet: args.quiet, IncludeInternal: args.includeInternal, Factor: args.factor}
	for _, id := range args.roots {
		n, err := parseNode(id)
		if err != nil {
			return nil, err
		}
		ask.Roots = append(ask.Roots, n)
	}
	var err error
	if ask.Before, err = args.before.span(); err != nil {
		return nil, err
	}
	if ask.After, err = args.after.span(); err != nil {
		return nil, err
	}
	is, err := a.answers.Diff(ctx, ask, answer.All)
	if err != nil {
		return nil, err
	}
	return shownDiff(is, args.limit), nil
}

// shownDiff makes the rows of a difference, limit of each list.
func shownDiff(is *answer.Diff, limit int) *LineageDiff {
	d := &LineageDiff{is: is, AddedCount: len(is.Added), RemovedCount: len(is.Removed), ChangedCount: len(is.Changed), UnknownCount: len(is.Unknown)}
	added, removed := is.Added[:min(limit, len(is.Added))], is.Removed[:min(limit, len(is.Removed))]
	changed, unknown := is.Changed[:min(limit, len(is.Changed))], is.Unknown[:min(limit, len(is.Unknown))]
	inBefore, inAfter := append([]lineage.Flow{}, removed...), append([]lineage.Flow{}, added...)
	for _, c := range changed {
		inAfter = append(inAfter, c.Flow)
	}
	for _, u := range unknown {
		if u.InAfter {
			inAfter = append(inAfter, u.Flow)
		} else {
			inBefore = append(inBefore, u.Flow)
		}
	}
	d.before, d.after = newRows(is.Before, nil, inBefore), newRows(is.After, nil, inAfter)
	d.Added, d.Removed = d.after.listFlows(added), d.before.listFlows(removed)
	d.Changed = make([]FlowChange, len(changed))
	for i, c := range changed {
		d.Changed[i] = FlowChange{Flow: d.after.shownFlow(c.Flow), Before: c.Before, After: c.After, Estimated: c.Estimated}
	}
	d.Unknown = make([]UnknownChange, len(unknown))
	for i, u := range unknown {
		of := d.before
		if u.InAfter {
			of = d.after
		}
		d.Unknown[i] = UnknownChange{Flow: of.shownFlow(u.Flow), InAfter: u.InAfter, Reason: u.Why}
	}
	return d
}
