package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// columnsSought is what a question of columns costs beside its lists: up to 1,000 columns are gone through.
	columnsSought = 5000
	// schemasRead is what it costs to read what is said of columns.
	schemasRead = 1000
)

// columnCosts says what the fields of questions of columns cost. Each of their lists multiplies all below it.
func columnCosts(c *ComplexityRoot) {
	c.Query.Schemas = func(child int, _ string, _ WindowInput) int { return add(schemasRead, child) }
	c.Query.ColumnLineage = func(child int, _ string, _ graph.Direction, _ WindowInput) int { return add(columnsSought, child) }
	list := func(child, first int) int { return times(first, child) }
	c.Schemas.Schemas, c.RecordSchema.Columns = list, list
	c.ColumnLineage.Columns, c.ColumnLineage.Steps, c.ColumnLineage.Ends, c.ColumnLineage.Unknown = list, list, list, list
}

// Schemas is the schema's type of that name.
type Schemas struct {
	answerOf
	node lineage.Node
	is   []answer.Schema
}

// RecordSchema is the schema's type of that name.
type RecordSchema struct {
	node lineage.Node
	is   answer.Schema
}

// ColumnLineage is the schema's type of that name.
type ColumnLineage struct {
	answerOf
	id answer.ColumnID
	is *answer.ColumnLineage
}

func (a *resolver) schemas(ctx context.Context, node string, window WindowInput) (*Schemas, error) {
	n, err := lineage.ParseNodeID(node)
	if err != nil {
		return nil, badInput("node: %s", err)
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	if !v.Has(n) {
		return nil, v.NoNode(n)
	}
	is, err := v.Schemas(ctx, n)
	if err != nil {
		return nil, err
	}
	return &Schemas{answerOf{rows: newRows(v, []lineage.Node{n}, nil), scope: v.ClustersOf(n)}, n, is}, nil
}

// Node answers node.
func (s *Schemas) Node() Node { return s.rows.nodes[s.node] }

// Schemas answers schemas.
func (s *Schemas) Schemas(first int) ([]RecordSchema, error) {
	if err := firstOf("schemas", first); err != nil {
		return nil, err
	}
	out := []RecordSchema{}
	for _, x := range s.is[:min(first, len(s.is))] {
		out = append(out, RecordSchema{s.node, x})
	}
	return out, nil
}

// SchemaCount answers schemaCount.
func (s *Schemas) SchemaCount() int { return len(s.is) }

// Window answers window.
func (s *Schemas) Window() *ResolvedWindow { return shownWindow(s.rows.v.Window()) }

// Origin answers origin.
func (s *RecordSchema) Origin() lineage.SchemaOrigin { return s.is.Origin }

// Source answers source.
func (s *RecordSchema) Source() string { return s.is.Source }

// Part answers part.
func (s *RecordSchema) Part() *lineage.SchemaPart {
	if s.is.Part == lineage.NoPart {
		return nil
	}
	return &s.is.Part
}

// Subject answers subject.
func (s *RecordSchema) Subject() *string { return textOrNil(s.is.Subject) }

// Version answers version.
func (s *RecordSchema) Version() *int { return numberOrNil(s.is.Version) }

// ID answers id.
func (s *RecordSchema) ID() *int { return numberOrNil(s.is.ID) }

// Strategy answers strategy.
func (s *RecordSchema) Strategy() *lineage.SubjectStrategy {
	if s.is.Strategy == lineage.NoStrategy {
		return nil
	}
	return &s.is.Strategy
}

// Compatibility answers compatibility.
func (s *RecordSchema) Compatibility() *string { return textOrNil(s.is.Compatibility) }

// Format answers format.
func (s *RecordSchema) Format() *string { return textOrNil(s.is.Format) }

// Record answers record.
func (s *RecordSchema) Record() *string { return textOrNil(s.is.Record) }

// Since answers since.
func (s *RecordSchema) Since() time.Time { return s.is.Since }

// MoreColumns answers moreColumns.
func (s *RecordSchema) MoreColumns() int { return s.is.Cut }

// Problem answers problem.
func (s *RecordSchema) Problem() *string { return textOrNil(s.is.Problem) }

// ColumnCount answers columnCount.
func (s *RecordSchema) ColumnCount() *int {
	if s.is.Problem != "" {
		return nil
	}
	return new(len(s.is.Columns))
}

// Columns answers columns.
func (s *RecordSchema) Columns(first int) ([]SchemaColumn, error) {
	if err := firstOf("columns", first); err != nil || s.is.Problem != "" {
		return nil, err
	}
	out := []SchemaColumn{}
	for _, c := range s.is.Columns[:min(first, len(s.is.Columns))] {
		id := answer.ColumnID{Node: s.node, Part: s.is.Part, Path: c.Path}
		out = append(out, SchemaColumn{Field: id.ID(), Path: c.Path, Type: c.Type, Optional: optional(c.Presence)})
	}
	return out, nil
}

func optional(p lineage.Presence) *bool {
	if p != lineage.MayBeMissing && p != lineage.AlwaysThere {
		return nil
	}
	return new(p == lineage.MayBeMissing)
}

func (a *resolver) columnLineage(ctx context.Context, field string, direction graph.Direction, window WindowInput) (*ColumnLineage, error) {
	id, err := answer.ParseColumnID(field)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	is, err := v.ColumnLineage(ctx, id, direction != graph.Downstream, direction != graph.Upstream)
	if err != nil {
		return nil, err
	}
	return &ColumnLineage{answerOf{rows: newRows(v, nodesOfColumns(is), nil), scope: is.Scope}, id, is}, nil
}

// nodesOfColumns are those that an answer names.
func nodesOfColumns(is *answer.ColumnLineage) (nodes []lineage.Node) {
	for i := range is.Columns {
		nodes = append(nodes, is.Columns[i].Node)
	}
	for i := range is.Steps {
		nodes = append(nodes, is.Steps[i].Through)
	}
	for _, all := range [...][]answer.ColumnEnd{is.Ends, is.Unknown} {
		for i := range all {
			nodes = append(nodes, all[i].At)
		}
	}
	return nodes
}

// Field answers field.
func (c *ColumnLineage) Field() string { return c.id.ID() }

// ColumnCount answers columnCount.
func (c *ColumnLineage) ColumnCount() int { return len(c.is.Columns) }

// StepCount answers stepCount.
func (c *ColumnLineage) StepCount() int { return len(c.is.Steps) }

// EndCount answers endCount.
func (c *ColumnLineage) EndCount() int { return len(c.is.Ends) }

// UnknownCount answers unknownCount.
func (c *ColumnLineage) UnknownCount() int { return len(c.is.Unknown) }

// Cut answers cut.
func (c *ColumnLineage) Cut() bool { return c.is.Cut }

// Window answers window.
func (c *ColumnLineage) Window() *ResolvedWindow { return shownWindow(c.rows.v.Window()) }

// Columns answers columns.
func (c *ColumnLineage) Columns(first int) ([]ColumnAt, error) {
	if err := firstOf("columns", first); err != nil {
		return nil, err
	}
	out := []ColumnAt{}
	for _, x := range c.is.Columns[:min(first, len(c.is.Columns))] {
		at := ColumnAt{
			Field: x.ID(), Node: c.rows.nodes[x.Node], Path: x.InNode(), Hops: x.Hops, InSchema: x.There, Type: textOrNil(x.Type), Reads: x.Reads, Assumed: x.Assumed,
		}
		switch {
		case x.Hops == 0:
		case x.Upstream:
			at.Direction = new(graph.Upstream)
		default:
			at.Direction = new(graph.Downstream)
		}
		out = append(out, at)
	}
	return out, nil
}

// Steps answers steps.
func (c *ColumnLineage) Steps(first int) ([]ColumnStep, error) {
	if err := firstOf("steps", first); err != nil {
		return nil, err
	}
	out := []ColumnStep{}
	for _, x := range c.is.Steps[:min(first, len(c.is.Steps))] {
		s := ColumnStep{From: x.From.ID(), To: x.To.ID(), Through: c.rows.nodes[x.Through], How: x.How, Masked: x.Masked, Assumed: x.Assumed, Active: x.Active}
		if x.Evidence != lineage.NoEvidence {
			s.Evidence = new(x.Evidence)
		}
		out = append(out, s)
	}
	return out, nil
}

// Ends answers ends.
func (c *ColumnLineage) Ends(first int) ([]ColumnEnd, error) { return c.ends("ends", c.is.Ends, first) }

// Unknown answers unknown.
func (c *ColumnLineage) Unknown(first int) ([]ColumnEnd, error) {
	return c.ends("unknown", c.is.Unknown, first)
}

func (c *ColumnLineage) ends(of string, all []answer.ColumnEnd, first int) ([]ColumnEnd, error) {
	if err := firstOf(of, first); err != nil {
		return nil, err
	}
	out := []ColumnEnd{}
	for _, x := range all[:min(first, len(all))] {
		out = append(out, ColumnEnd{Field: x.Column.ID(), At: c.rows.nodes[x.At], Why: x.Why})
	}
	return out, nil
}
