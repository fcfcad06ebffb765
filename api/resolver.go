package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/usage"
)

// resolver is the root of the generated executor. It presents what package answer says: deciding is not its own.
type resolver struct {
	answers *answer.Answers
	stored  func(context.Context) (*Storage, error) // nil: nobody tells
	spelled func() *ClusterSpellings                // nil: nobody tells
	ledger  func() *Ledger                          // nil: there is none
	catalog Catalog                                 // nil: nothing is edited
	log     *slog.Logger
}

// view returns what the history says of the window that a client asks for, or of the last ten minutes where it names
// none.
func (a *resolver) view(ctx context.Context, in *WindowInput) (*answer.View, error) {
	if in == nil {
		return a.answers.View(ctx, answer.Span{}, answer.All)
	}
	span, err := in.span()
	if err != nil {
		return nil, err
	}
	return a.answers.View(ctx, span, answer.All)
}

// Query returns the root fields.
func (a *resolver) Query() QueryResolver { return &query{a} }

type query struct{ a *resolver }

// Clusters answers clusters.
func (q *query) Clusters(ctx context.Context) ([]Cluster, error) { return q.a.clusters(ctx) }

// Node answers node.
func (q *query) Node(ctx context.Context, id string, window *WindowInput) (Node, error) {
	return q.a.node(ctx, id, window)
}

// Flow answers flow.
func (q *query) Flow(ctx context.Context, id string, window WindowInput) (*Flow, error) {
	return q.a.flow(ctx, id, window)
}

// LastLives answers lastLives.
func (q *query) LastLives(ctx context.Context, ids []string, window WindowInput) (*LastLives, error) {
	return q.a.lastLives(ctx, ids, window)
}

// Nodes answers nodes.
func (q *query) Nodes(
	ctx context.Context, text *string, kinds []lineage.NodeKind, cluster, owner, tag *string, derived bool, states []*answer.FlowState, includeInternal bool,
	window *WindowInput, orderBy *answer.Order, first int, after *string,
) (*NodeConnection, error) {
	return q.a.nodes(ctx, nodesArgs{text, kinds, cluster, owner, tag, derived, states, includeInternal, window, orderBy, first, after})
}

// Lineage answers lineage.
func (q *query) Lineage(
	ctx context.Context, roots []string, direction graph.Direction, depth int, window WindowInput, evidence []lineage.EvidenceKind,
	includeInactive, includeInternal bool, limit, fold int, unfold []string, expand []ExpandInput,
) (*Lineage, error) {
	return q.a.lineage(ctx, lineageArgs{roots, direction, depth, window, evidence, includeInactive, includeInternal, limit, foldArgs{fold, unfold, expand}})
}

// Closure answers closure.
func (q *query) Closure(
	ctx context.Context, roots []string, direction graph.Direction, window WindowInput, evidence []lineage.EvidenceKind, includeInactive, includeInternal bool,
) (*Closure, error) {
	return q.a.closure(ctx, closureArgs{roots, direction, window, evidence, includeInactive, includeInternal})
}

// Impact answers impact.
func (q *query) Impact(
	ctx context.Context, root string, window WindowInput, evidence []lineage.EvidenceKind, includeInactive, includeInternal bool, first int, after *string,
) (*Impact, error) {
	only := answer.Filter{Evidence: evidence, IncludeInactive: includeInactive, IncludeInternal: includeInternal}
	return q.a.impact(ctx, impactArgs{root, window, only, first, after})
}

// Flows answers flows.
func (q *query) Flows(
	ctx context.Context, cluster *string, window WindowInput, groupBy answer.GroupBy, evidence []lineage.EvidenceKind,
	includeInternal, includeInactive bool, limit, fold int, unfold []string, expand []ExpandInput,
) (*Lineage, error) {
	only := answer.Filter{Evidence: evidence, IncludeInternal: includeInternal, IncludeInactive: includeInactive}
	return q.a.overview(ctx, overviewArgs{cluster, window, groupBy, only, limit, foldArgs{fold, unfold, expand}})
}

// Paths answers paths.
func (q *query) Paths(ctx context.Context, from, to string, window WindowInput, includeInternal bool, first int) (*Paths, error) {
	return q.a.paths(ctx, from, to, window, includeInternal, first)
}

// LineageDiff answers lineageDiff.
func (q *query) LineageDiff(
	ctx context.Context, roots []string, before, after WindowInput, quiet time.Duration, factor float64, includeInternal bool, limit int,
) (*LineageDiff, error) {
	return q.a.lineageDiff(ctx, diffArgs{roots, before, after, quiet, factor, includeInternal, limit})
}

// Top answers top.
func (q *query) Top(ctx context.Context, metric answer.Metric, by lineage.NodeKind, window WindowInput, first int) (*Ranking, error) {
	return q.a.top(ctx, metric, by, window, first)
}

// Timeline answers timeline.
func (q *query) Timeline(ctx context.Context, window WindowInput, roots []string, cluster *string, buckets int) (*Timeline, error) {
	return q.a.timeline(ctx, timelineArgs{window, roots, cluster, buckets})
}

// TopicUsage answers topicUsage.
func (q *query) TopicUsage(ctx context.Context, topic string, window WindowInput) (*TopicUsage, error) {
	return q.a.topicUsage(ctx, topic, window)
}

// UsageReport answers usageReport.
func (q *query) UsageReport(
	ctx context.Context, scope UsageScopeInput, window WindowInput, groupBy answer.UsageGroupBy, source *answer.UsageSource, derived bool,
) (*UsageReport, error) {
	return q.a.usageReport(ctx, scope, window, groupBy, source, derived)
}

// ProcessingRegister answers processingRegister.
func (q *query) ProcessingRegister(ctx context.Context, tag string, window WindowInput, source *answer.UsageSource, derived bool) (*ProcessingRegister, error) {
	return q.a.processingRegister(ctx, tag, window, source, derived)
}

// Events answers events.
func (q *query) Events(
	ctx context.Context, window WindowInput, node *string, nodes []string, types []lineage.EventType, first int, after *string,
) (*EventConnection, error) {
	if node != nil {
		nodes = append([]string{*node}, nodes...)
	}
	return q.a.events(ctx, eventsArgs{window, nodes, types, first, after})
}

// Findings answers findings.
func (q *query) Findings(
	ctx context.Context, window WindowInput, cluster, owner *string, kinds []answer.FindingKind, first int, after *string,
) (*FindingConnection, error) {
	return q.a.findings(ctx, findingsArgs{window, cluster, owner, kinds, first, after})
}

// Coverage answers coverage.
func (q *query) Coverage(ctx context.Context, window WindowInput) (*Coverage, error) {
	return q.a.coverage(ctx, window)
}

// SuggestedJoins answers suggestedJoins.
func (q *query) SuggestedJoins(ctx context.Context, window *WindowInput) (*SuggestedJoins, error) {
	return q.a.suggestedJoins(ctx, window)
}

// Declarations answers declarations.
func (q *query) Declarations(
	ctx context.Context, window WindowInput, text, node *string, only *answer.DeclaredState, first int, after *string,
) (*DeclarationConnection, error) {
	return q.a.declarations(ctx, declarationsArgs{window, text, node, only, first, after})
}

// UndeclaredFlows answers undeclaredFlows.
func (q *query) UndeclaredFlows(ctx context.Context, window WindowInput, cluster *string, all bool, first int, after *string) (*UndeclaredConnection, error) {
	return q.a.undeclared(ctx, window, cluster, all, first, after)
}

// DataProducts answers dataProducts.
func (q *query) DataProducts(ctx context.Context, window WindowInput, text *string, first int, after *string) (*DataProductConnection, error) {
	return q.a.dataProducts(ctx, window, text, first, after)
}

// Candidates answers candidates.
func (q *query) Candidates(ctx context.Context, topic string, window WindowInput, first int) (*Candidates, error) {
	return q.a.candidates(ctx, topic, window, first)
}

// FlowBalance answers flowBalance.
func (q *query) FlowBalance(ctx context.Context, topic string, window WindowInput) (*FlowBalance, error) {
	return q.a.flowBalance(ctx, topic, window)
}

// PathBalance answers pathBalance.
func (q *query) PathBalance(ctx context.Context, nodes []string, window WindowInput) (*PathBalance, error) {
	return q.a.pathBalance(ctx, nodes, window)
}

// UsageBill answers usageBill.
func (q *query) UsageBill(ctx context.Context, window WindowInput, groupBy usage.Grouping, cluster *string, first int, after *string) (*UsageBill, error) {
	return q.a.usageBill(ctx, billArgs{window, groupBy, cluster, first, after})
}

// SafeToDelete answers safeToDelete.
func (q *query) SafeToDelete(ctx context.Context, topic string, days int) (*DeletionAdvice, error) {
	return q.a.safeToDelete(ctx, topic, days)
}

// WhatIf answers whatIf.
func (q *query) WhatIf(ctx context.Context, lose []string, window WindowInput) (*WhatIf, error) {
	return q.a.whatIf(ctx, lose, window)
}

// Schemas answers schemas.
func (q *query) Schemas(ctx context.Context, node string, window WindowInput) (*Schemas, error) {
	return q.a.schemas(ctx, node, window)
}

// ColumnLineage answers columnLineage.
func (q *query) ColumnLineage(ctx context.Context, field string, direction graph.Direction, window WindowInput) (*ColumnLineage, error) {
	return q.a.columnLineage(ctx, field, direction, window)
}

// Retire answers retire.
func (q *query) Retire(ctx context.Context, days int, kinds []answer.RetireKind, cluster, owner *string, first int, after *string) (*RetireConnection, error) {
	return q.a.retire(ctx, retireArgs{days, answer.RetireAsk{Kinds: kinds, Cluster: cluster, Owner: owner}, first, after})
}

// Ledger answers ledger.
func (q *query) Ledger(context.Context) (*Ledger, error) {
	if q.a.ledger == nil {
		return nil, nil //nolint:nilnil // there is none: null
	}
	return q.a.ledger(), nil
}

// Storage answers storage.
func (q *query) Storage(ctx context.Context) (*Storage, error) {
	if q.a.stored == nil {
		return nil, nil //nolint:nilnil // nobody tells: null
	}
	return q.a.stored(ctx)
}

// ClusterSpellings answers clusterSpellings.
func (q *query) ClusterSpellings(_ context.Context, untold bool) (*ClusterSpellings, error) {
	if q.a.spelled == nil {
		return nil, nil //nolint:nilnil // nobody tells: null
	}
	return q.a.spelled().ordered(untold), nil
}
