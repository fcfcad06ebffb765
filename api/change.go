package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostDays bounds the days of a question of change, mostLost what is thought away at once, and mostListed each list
	// of an answer.
	mostDays, mostLost, mostListed = 3650, 50, 1000
	// changeSought is what a question of change costs beside its lists: a graph is searched, and built anew twice, or
	// all topics are judged.
	changeSought = 10_000
)

// changeCosts says what the fields of questions of change cost. Each of their lists multiplies all below it.
func changeCosts(c *ComplexityRoot) {
	c.Query.SafeToDelete = func(child int, _ string, _ int) int { return add(changeSought, child) }
	c.Query.WhatIf = func(child int, lose []string, _ WindowInput) int {
		cost := add(changeSought, child)
		for _, id := range lose {
			if strings.Contains(id, "#") { // a column
				cost = add(cost, columnsSought)
			}
		}
		return cost
	}
	c.Query.Retire = func(child, _ int, _ []answer.RetireKind, _, _ *string, first int, _ *string) int {
		return add(changeSought, times(first, child))
	}
	list := func(child, first int) int { return times(first, child) }
	c.DeletionAdvice.Against, c.DeletionAdvice.Untold, c.Retirable.Untold = list, list, list
	c.WhatIf.Lost, c.WhatIf.Starved, c.WhatIf.Copies, c.WhatIf.Retention, c.WhatIf.Columns = list, list, list, list, list
	c.CopyLoss.Copies = func(child int) int { return times(mostWith, child) }
	c.RetireConnection.Coverage = func(child int) int { return child/usualLimit + 1 }
	c.RetireConnection.ByKind = c.RetireConnection.Coverage
}

// firstOf checks how many of a list are asked for.
func firstOf(of string, first int) error {
	if first < 0 || first > mostListed {
		return badInput("%s: first must be 0 to %d", of, mostListed)
	}
	return nil
}

// lastDays is the time of so many days up to now.
func lastDays(of string, days int) (answer.Span, error) {
	if days < 1 || days > mostDays {
		return answer.Span{}, badInput("%s: days must be 1 to %d", of, mostDays)
	}
	return answer.Last(time.Duration(days) * 24 * time.Hour), nil
}

// DeletionAdvice is the schema's type of that name.
type DeletionAdvice struct {
	answerOf
	is   *answer.Deletion
	Days int
}

// safeToDelete answers the root field of that name.
func (a *resolver) safeToDelete(ctx context.Context, id string, days int) (*DeletionAdvice, error) {
	n, err := parseNode(id)
	if err != nil {
		return nil, err
	}
	if n.Kind != lineage.TopicNode {
		return nil, badInput("%s is not a topic", quote(id))
	}
	span, err := lastDays("safeToDelete", days)
	if err != nil {
		return nil, err
	}
	v, err := a.answers.View(ctx, span, answer.All)
	if err != nil {
		return nil, err
	}
	is, err := v.Deletion(ctx, n)
	if err != nil {
		return nil, err
	}
	nodes, flows := []lineage.Node{n}, []lineage.Flow{}
	for _, r := range is.Against {
		if r.Node != nil {
			nodes = append(nodes, *r.Node)
		}
		if r.Flow != nil {
			flows = append(flows, *r.Flow)
		}
	}
	return &DeletionAdvice{answerOf{rows: newRows(v, nodes, flows), scope: v.ClustersOf(n)}, is, days}, nil
}

// topicRow returns one of the rows that is a topic.
func (r *rows) topicRow(n lineage.Node) *Topic {
	t, _ := r.nodes[n].(*Topic)
	return t
}

// Topic answers topic.
func (d *DeletionAdvice) Topic() *Topic { return d.rows.topicRow(d.is.Topic) }

// Verdict answers verdict.
func (d *DeletionAdvice) Verdict() answer.Verdict { return d.is.Verdict() }

// Against answers against.
func (d *DeletionAdvice) Against(first int) ([]DeletionReason, error) {
	if err := firstOf("against", first); err != nil {
		return nil, err
	}
	out := []DeletionReason{}
	for _, r := range d.is.Against[:min(first, len(d.is.Against))] {
		x := DeletionReason{Kind: r.Kind, Detail: r.Detail, LastSeen: timeOrNil(r.LastSeen), Evidence: slices.Concat([]lineage.EvidenceKind{}, r.Evidence)}
		if r.Flow != nil {
			x.Flow = d.rows.shownFlow(*r.Flow)
		}
		if r.Node != nil {
			x.Node = d.rows.nodes[*r.Node]
		}
		out = append(out, x)
	}
	return out, nil
}

// AgainstCount answers againstCount.
func (d *DeletionAdvice) AgainstCount() int { return len(d.is.Against) }

// Untold answers untold.
func (d *DeletionAdvice) Untold(first int) ([]Untold, error) { return shownUntold(d.is.Untold, first) }

func shownUntold(all []answer.Untold, first int) ([]Untold, error) {
	if err := firstOf("untold", first); err != nil {
		return nil, err
	}
	out := []Untold{}
	for _, u := range all[:min(first, len(all))] {
		out = append(out, Untold{Kind: u.Kind, Detail: u.Detail, Since: timeOrNil(u.Since)})
	}
	return out, nil
}

// UntoldCount answers untoldCount.
func (d *DeletionAdvice) UntoldCount() int { return len(d.is.Untold) }

// WatchedSince answers watchedSince.
func (d *DeletionAdvice) WatchedSince() *time.Time { return timeOrNil(d.is.WatchedSince) }

// LastWritten answers lastWritten.
func (d *DeletionAdvice) LastWritten() *time.Time { return timeOrNil(d.is.LastWritten) }

// LastRead answers lastRead.
func (d *DeletionAdvice) LastRead() *time.Time { return timeOrNil(d.is.LastRead) }

// Records answers records.
func (d *DeletionAdvice) Records() *int64 { return d.is.Records }

// Window answers window.
func (d *DeletionAdvice) Window() *ResolvedWindow { return shownWindow(d.rows.v.Window()) }

// WhatIf is the schema's type of that name.
type WhatIf struct {
	answerOf
	is *answer.WhatIf
}

// whatIf answers the root field of that name.
func (a *resolver) whatIf(ctx context.Context, ids []string, window WindowInput) (*WhatIf, error) {
	if len(ids) == 0 || len(ids) > mostLost {
		return nil, badInput("whatIf: lose 1 to %d", mostLost)
	}
	lose := make([]answer.Lose, len(ids))
	for i, id := range ids {
		var err error
		if lose[i], err = answer.ParseLose(id); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	is, err := v.WhatIf(ctx, lose)
	if err != nil {
		return nil, err
	}
	// Rows are of what is shown at most.
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, x := range is.Lost[:min(mostListed, len(is.Lost))] {
		nodes = append(nodes, x.Node)
	}
	for _, x := range is.Starved[:min(mostListed, len(is.Starved))] {
		nodes, flows = append(nodes, x.Node), append(flows, x.Through)
	}
	for _, x := range is.Copies[:min(mostListed, len(is.Copies))] {
		nodes = append(append(nodes, x.Topic), x.Copies[:min(mostWith, len(x.Copies))]...)
	}
	for _, x := range is.Retention[:min(mostListed, len(is.Retention))] {
		flows = append(flows, x.Flow)
	}
	for _, x := range is.Columns {
		nodes = append(nodes, nodesOfColumns(x.ColumnLineage)...)
	}
	return &WhatIf{answerOf{rows: newRows(v, nodes, flows), scope: is.Scope}, is}, nil
}

// Lost answers lost.
func (w *WhatIf) Lost(first int) ([]Loss, error) {
	if err := firstOf("lost", first); err != nil {
		return nil, err
	}
	out := []Loss{}
	for _, x := range w.is.Lost[:min(first, len(w.is.Lost))] {
		out = append(out, Loss{Node: w.rows.nodes[x.Node], Why: x.Why, With: textOrNil(x.With), Partitions: numberOrNil(x.Partitions)})
	}
	return out, nil
}

func numberOrNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// LostCount answers lostCount.
func (w *WhatIf) LostCount() int { return len(w.is.Lost) }

// at returns when something happens so many seconds after the loss; nil: that is not known, or beyond all dates.
func (w *WhatIf) at(after *float64) *time.Time {
	const century = 100 * 366 * 24 * 3600
	if after == nil || *after > century {
		return nil
	}
	return new(w.is.End.Add(time.Duration(*after * float64(time.Second))))
}

// Starved answers starved.
func (w *WhatIf) Starved(first int) ([]Starving, error) {
	if err := firstOf("starved", first); err != nil {
		return nil, err
	}
	out := []Starving{}
	for i := range w.is.Starved[:min(first, len(w.is.Starved))] {
		s := &w.is.Starved[i]
		x := Starving{Node: w.rows.nodes[s.Node], Wholly: s.Wholly, Hops: s.Hops, Through: w.rows.shownFlow(s.Through), Waiting: s.Waiting, AtLeastSeconds: s.AtLeast}
		if s.Exact {
			x.AfterSeconds, x.At = &s.AtLeast, w.at(&s.AtLeast)
		}
		out = append(out, x)
	}
	return out, nil
}

// StarvedCount answers starvedCount.
func (w *WhatIf) StarvedCount() int { return len(w.is.Starved) }

// Copies answers copies.
func (w *WhatIf) Copies(first int) ([]CopyLoss, error) {
	if err := firstOf("copies", first); err != nil {
		return nil, err
	}
	out := []CopyLoss{}
	for _, c := range w.is.Copies[:min(first, len(w.is.Copies))] {
		out = append(out, CopyLoss{
			Topic: w.rows.topicRow(c.Topic), Only: c.Only, Why: textOrNil(c.Why), Copies: w.rows.list(c.Copies[:min(mostWith, len(c.Copies))]),
			NotCopied: c.NotCopied, Records: c.Records, Bytes: c.Bytes, Partitions: numberOrNil(c.Partitions),
		})
	}
	return out, nil
}

// CopiesCount answers copiesCount.
func (w *WhatIf) CopiesCount() int { return len(w.is.Copies) }

// OnlyCopies answers onlyCopies.
func (w *WhatIf) OnlyCopies() (n int) {
	for i := range w.is.Copies {
		if only := w.is.Copies[i].Only; only != nil && *only {
			n++
		}
	}
	return n
}

// CopiesUnknown answers copiesUnknown.
func (w *WhatIf) CopiesUnknown() (n int) {
	for i := range w.is.Copies {
		if w.is.Copies[i].Only == nil {
			n++
		}
	}
	return n
}

// Retention answers retention.
func (w *WhatIf) Retention(first int) ([]RetentionRisk, error) {
	if err := firstOf("retention", first); err != nil {
		return nil, err
	}
	out := []RetentionRisk{}
	for _, r := range w.is.Retention[:min(first, len(w.is.Retention))] {
		x := RetentionRisk{Flow: w.rows.shownFlow(r.Flow), Reader: ReaderLossLost, Waiting: r.Waiting, AfterSeconds: r.After, At: w.at(r.After), By: r.By, RecordsPerSecond: r.Rate, Why: r.Why}
		if r.Blocked {
			x.Reader = ReaderLossBlocked
		}
		out = append(out, x)
	}
	return out, nil
}

// RetentionCount answers retentionCount.
func (w *WhatIf) RetentionCount() int { return len(w.is.Retention) }

// Columns answers columns.
func (w *WhatIf) Columns(first int) ([]*ColumnLineage, error) {
	if err := firstOf("columns", first); err != nil {
		return nil, err
	}
	out := []*ColumnLineage{}
	for _, x := range w.is.Columns[:min(first, len(w.is.Columns))] {
		out = append(out, &ColumnLineage{answerOf{rows: w.rows, scope: x.Scope}, x.ColumnID, x.ColumnLineage})
	}
	return out, nil
}

// ColumnCount answers columnCount.
func (w *WhatIf) ColumnCount() int { return len(w.is.Columns) }

// Untold answers untold.
func (w *WhatIf) Untold() []string { return listed(w.is.Untold) }

// Window answers window.
func (w *WhatIf) Window() *ResolvedWindow { return shownWindow(w.rows.v.Window()) }

// RetireConnection is the schema's type of that name.
type RetireConnection struct {
	answerOf
	Edges      []RetireEdge
	PageInfo   *PageInfo
	TotalCount int
	ByKind     []RetireCount
	Days       int
}

// Window answers window.
func (c *RetireConnection) Window() *ResolvedWindow { return shownWindow(c.rows.v.Window()) }

// Retirable is the schema's type of that name.
type Retirable struct {
	rows *rows
	is   *answer.Retirable
}

// Kind answers kind.
func (r *Retirable) Kind() answer.RetireKind { return r.is.Kind }

// Verdict answers verdict.
func (r *Retirable) Verdict() answer.Verdict { return r.is.Verdict }

// Node answers node.
func (r *Retirable) Node() Node { return r.rows.nodes[r.is.Node] }

// Group answers group.
func (r *Retirable) Group() *string { return textOrNil(r.is.Group) }

// Cluster answers cluster.
func (r *Retirable) Cluster() *Cluster {
	if r.is.Cluster == "" {
		return nil
	}
	return &Cluster{r.rows.v.Cluster(r.is.Cluster)}
}

// Owner answers owner.
func (r *Retirable) Owner() *string { return textOrNil(r.is.Owner) }

// Since answers since.
func (r *Retirable) Since() *time.Time { return timeOrNil(r.is.Since) }

// WatchedSince answers watchedSince.
func (r *Retirable) WatchedSince() *time.Time { return timeOrNil(r.is.WatchedSince) }

// Evidence answers evidence.
func (r *Retirable) Evidence() string { return r.is.Evidence }

// Untold answers untold.
func (r *Retirable) Untold(first int) ([]Untold, error) { return shownUntold(r.is.Untold, first) }

// UntoldCount answers untoldCount.
func (r *Retirable) UntoldCount() int { return len(r.is.Untold) }

// retirePlace is an answer.RetirePlace in a cursor.
type retirePlace struct {
	Kind    answer.RetireKind `json:"k"`
	Verdict answer.Verdict    `json:"v"`
	ID      string            `json:"i"`
}

// retireArgs are the arguments of the root field retire.
type retireArgs struct {
	days  int
	ask   answer.RetireAsk
	first int
	after *string
}

// retire answers the root field of that name.
func (a *resolver) retire(ctx context.Context, args retireArgs) (*RetireConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("retire: first must be 0 to %d", mostPerPage)
	}
	var after *retirePlace
	if args.after != nil {
		after = &retirePlace{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
	}
	span, err := lastDays("retire", args.days)
	if err != nil {
		return nil, err
	}
	v, err := a.answers.View(ctx, span, answer.All)
	if err != nil {
		return nil, err
	}
	all, err := v.Retire(ctx, args.ask)
	if err != nil {
		return nil, err
	}
	start, end := pageOf(all.List, after, args.first, func(x answer.Retirable, after retirePlace) int { return x.Compare(answer.RetirePlace(after)) })
	var nodes []lineage.Node
	for _, x := range all.List[start:end] {
		nodes = append(nodes, x.Node)
	}
	r := newRows(v, nodes, nil)
	c := &RetireConnection{answerOf: answerOf{rows: r, scope: all.Scope}, TotalCount: len(all.List), Days: args.days, Edges: []RetireEdge{}}
	for i := range all.List[start:end] {
		x := &all.List[start+i]
		c.Edges = append(c.Edges, RetireEdge{Cursor: cursor(retirePlace(x.RetirePlace)), Node: &Retirable{r, x}})
	}
	for _, n := range all.ByKind {
		c.ByKind = append(c.ByKind, RetireCount(n))
	}
	c.PageInfo = &PageInfo{HasNextPage: end < len(all.List), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	return c, nil
}
