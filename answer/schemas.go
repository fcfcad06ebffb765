package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// This file says which columns there are at a window's end, and who says so: see
// docs/adr/0054-schemas-and-columns.md.

// Schema is what somebody says of the columns of a topic's records, or of a dataset, since when.
type Schema struct {
	lineage.DatedFact
	lineage.SchemaFact
	// Source is the registry's name, or that of the source of events.
	Source string
}

// columns are what is told of columns at the window's end.
type columns struct {
	schemas map[lineage.Node][]Schema
	steps   map[lineage.Node][]lineage.Transform // of connectors, and replicators that transform
	read    map[lineage.Node]bool                // whose transformations were told
	jobs    map[jobName][]*lineage.ColumnsFact
}

// jobName names a job whatever kind it is: one that only later says that it streams is one.
type jobName struct{ scope, name string }

var columnFacts = []lineage.FactKind{lineage.SchemaFacts, lineage.TransformFacts, lineage.ColumnsFacts}

func (v *View) readColumns(ctx context.Context) (*columns, error) {
	return v.told.get(ctx, func(ctx context.Context) (*columns, error) {
		ask := viewAsk(v.win.Window, v.until)
		ask.Accesses, ask.Coverage, ask.Facts = false, false, columnFacts
		held, err := v.a.history.Window(ctx, ask)
		if err != nil {
			return nil, fmt.Errorf("read what is told of columns: %w", err)
		}
		return v.takeColumns(held), nil
	})
}

func (v *View) takeColumns(held *store.Window) *columns {
	c := &columns{
		schemas: map[lineage.Node][]Schema{}, steps: map[lineage.Node][]lineage.Transform{}, read: map[lineage.Node]bool{}, jobs: map[jobName][]*lineage.ColumnsFact{},
	}
	for _, f := range held.FactsOf(lineage.SchemaFacts) {
		if s := f.Schema; s != nil {
			if n, ok := v.lies(s.Topic, s.Dataset); ok {
				c.schemas[n] = append(c.schemas[n], Schema{f, *s, f.Key.Source})
			}
		}
	}
	for _, all := range c.schemas {
		slices.SortFunc(all, func(a, b Schema) int {
			return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Part, b.Part), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Key.Name, b.Key.Name))
		})
	}
	for _, f := range held.FactsOf(lineage.TransformFacts) {
		n := connectorNode(f)
		if f.Transform == nil {
			continue
		}
		if m, ok := v.movers.connectors[n]; ok && m.was != nil {
			c.steps[n], c.read[n] = f.Transform.Steps, true
		}
	}
	v.takeReplicated(held, c)
	for _, f := range held.FactsOf(lineage.ColumnsFacts) {
		if s := f.Columns; s != nil {
			name := jobName{s.Mover.Scope, s.Mover.Name}
			c.jobs[name] = append(c.jobs[name], s)
		}
	}
	return c
}

// takeReplicated takes the transformations of MirrorMaker 2's connectors: what it copies they change.
func (v *View) takeReplicated(held *store.Window, c *columns) {
	part := map[lineage.Node]lineage.Node{}
	for _, f := range v.held.FactsOf(lineage.ConnectorFacts) {
		if is := f.Connector; is != nil && is.Replicator.Kind != lineage.NoKind && mm2.IsSourceConnector(is.Class) {
			part[connectorNode(f)] = v.shown(is.Replicator)
		}
	}
	for _, f := range held.FactsOf(lineage.TransformFacts) {
		if n, ok := part[connectorNode(f)]; ok && f.Transform != nil {
			c.steps[n] = append(c.steps[n], f.Transform.Steps...)
		}
	}
}

// placeOf returns the node of a topic or a dataset, if the view has it.
func (v *View) lies(t lineage.Topic, d lineage.Dataset) (n lineage.Node, ok bool) {
	switch {
	case t.Name != "":
		n = v.topicNode(t)
	case d != (lineage.Dataset{}):
		n = d.Node()
	default:
		return n, false
	}
	return n, v.Has(n)
}

// Schemas returns what is said of the columns of a topic or a dataset at the window's end, registries first. None: that
// is not known.
func (v *View) Schemas(ctx context.Context, n lineage.Node) ([]Schema, error) {
	c, err := v.readColumns(ctx)
	if err != nil {
		return nil, err
	}
	return c.schemas[n], nil
}

// has reports whether a node has a column; nil: that is not known. It is known not to have it only where all that is
// said of that part is whole.
func (c *columns) has(id *ColumnID) *bool {
	whole := false
	for i := range c.schemas[id.Node] {
		s := &c.schemas[id.Node][i]
		if s.Part != id.Part && s.Part != lineage.NoPart {
			continue
		}
		if s.Problem != "" || s.Cut > 0 {
			return nil
		}
		if id.Path == "" || slices.ContainsFunc(s.Columns, func(x lineage.Column) bool { return x.Path == id.Path }) {
			return new(true)
		}
		whole = whole || s.Part == id.Part
	}
	if !whole {
		return nil
	}
	return new(false)
}

// of returns the columns of a part of a node; ok is false where they are not known, or not all of them.
func (c *columns) of(n lineage.Node, part lineage.SchemaPart) (all []lineage.Column, ok bool) {
	for i := range c.schemas[n] {
		s := &c.schemas[n][i]
		if s.Part != part {
			continue
		}
		if s.Problem != "" || s.Cut > 0 {
			return nil, false
		}
		all, ok = append(all, s.Columns...), true
	}
	return all, ok
}

// column returns what is said of a column; nil: nothing.
func (c *columns) column(id *ColumnID) *lineage.Column {
	for i := range c.schemas[id.Node] {
		s := &c.schemas[id.Node][i]
		if s.Part != id.Part && s.Part != lineage.NoPart {
			continue
		}
		for k := range s.Columns {
			if s.Columns[k].Path == id.Path {
				return &s.Columns[k]
			}
		}
	}
	return nil
}
