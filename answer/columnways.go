package answer

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/internal/smt"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what connectors and jobs make of columns.

// connector goes through a connector, whose transformations and class say what it does.
func (w *columnWalk) connector(n lineage.Node, own []int32) {
	crossings := w.across(n, own)
	if len(crossings) == 0 {
		if !w.upstream {
			w.unknown(n, "where it takes its columns to is not known")
		} else {
			w.unknown(n, "where it takes its columns from is not known")
		}
		return
	}
	if !w.c.read[n] {
		w.unknown(n, "its transformations were not read")
		return
	}
	class := ""
	if m := w.v.movers.connectors[n]; m.fact != nil {
		class = m.fact.Class
	} else if m.was != nil {
		class = m.was.Class
	}
	steps, kind := w.c.steps[n], smt.Outside(class)
	for _, x := range crossings {
		here, far := w.here.Node.Kind == lineage.DatasetNode, x.far.Kind == lineage.DatasetNode
		switch {
		case !here && !far: // dead letters: the records as they were read
			w.moved(n, x, nil, lineage.Connect, "as it was read, where the connector can't take it on (dead letters)")
		case here == far, kind == smt.NotKnown:
			w.unknown(n, "how the class "+cmp.Or(short(class), "that is not known")+" makes columns of its records is not known")
		case here != w.upstream: // from a table to a topic downstream, or to the table's topic upstream
			w.fromTable(n, x, steps, kind)
		default:
			w.toTable(n, x, steps, kind)
		}
	}
}

// fromTable goes the way of records: from a table's column into a topic, or in a sink's case upstream from a table's
// column to the topic's.
func (w *columnWalk) fromTable(n lineage.Node, x crossing, steps []lineage.Transform, kind smt.OutsideKind) {
	const how = "by its class and its transformations"
	if w.upstream { // a source's topic, made of a table
		way := w.back(steps, x.far, func(at smt.Place) []smt.Place { return smt.FromTable(kind, at.Path) })
		w.ways(n, x, tableOf(kind, way), lineage.Connect, how)
		return
	}
	var all smt.Way
	for _, start := range smt.FromTable(kind, w.here.Path) { // a table, read by a source
		way := smt.Forward(steps, start)
		all.Places, all.Ends = append(all.Places, way.Places...), append(all.Ends, way.Ends...)
		all.Unknown = cmp.Or(all.Unknown, way.Unknown)
	}
	if len(all.Places) > 0 { // what is dropped is the other state of a change
		all.Ends = nil
	}
	w.ways(n, x, all, lineage.Connect, how)
}

// toTable goes between a sink's topic and its table.
func (w *columnWalk) toTable(n lineage.Node, x crossing, steps []lineage.Transform, kind smt.OutsideKind) {
	const how = "by its transformations and its class"
	if !w.upstream {
		w.ways(n, x, tableOf(kind, smt.Forward(steps, smt.Place{Part: w.here.Part, Path: w.here.Path})), lineage.Connect, how)
		return
	}
	here := w.here
	w.here.Part = lineage.ValuePart // where a table's column stands in a record
	way := w.back(steps, x.far, func(at smt.Place) []smt.Place { return []smt.Place{at} })
	w.here = here
	w.ways(n, x, way, lineage.Connect, how)
}

// tableOf is a way with the columns of a table at its end, in place of those of records.
func tableOf(kind smt.OutsideKind, way smt.Way) smt.Way {
	if way.Unknown != "" {
		return way
	}
	out := smt.Way{Ends: way.Ends}
	for _, p := range way.Places {
		column, ok, unknown := smt.ToTable(kind, p)
		if unknown != "" {
			out.Unknown = unknown
			return out
		}
		at := smt.Place{Path: column, Masked: p.Masked}
		if !ok {
			out.Ends = append(out.Ends, "made by the connector itself")
			continue
		}
		if !slices.Contains(out.Places, at) {
			out.Places = append(out.Places, at)
		}
	}
	return out
}

// job goes through a job that may say itself what it makes of which columns.
func (w *columnWalk) job(n lineage.Node, own []int32) {
	facts := w.c.jobs[jobName{n.Scope, n.Name}]
	for _, i := range own { // as it calls itself, where another source tells of it under another name
		if m := w.v.accesses[i].Access.Client.Mover; len(facts) == 0 {
			facts = w.c.jobs[jobName{m.Scope, m.Name}]
		}
	}
	if len(facts) == 0 {
		w.program(n, own)
		return
	}
	if w.upstream {
		w.madeBy(n, own, facts)
		return
	}
	said, silent := false, false
	for _, x := range w.across(n, own) {
		f := w.factTo(facts, x.far)
		if f == nil || f.Cut > 0 {
			silent = true
			w.unknown(n, "of which columns it makes those of "+x.far.ID()+" it does not say, or not of all")
		}
		if f == nil {
			continue
		}
		for i := range f.Links {
			l := &f.Links[i]
			if from, ok := w.v.lies(l.FromTopic, l.FromDataset); !ok || from != w.here.Node || !within(l.From, w.here.Path) {
				continue
			}
			said = true
			for _, to := range w.placesIn(x.far, l.To) {
				w.lead(ColumnAt{ColumnID: to}, ColumnStep{Through: n, Evidence: lineage.OpenLineage, How: l.How, Masked: l.Masked, Active: x.active})
			}
		}
	}
	if said || silent {
		w.lead(ColumnAt{ColumnID: ColumnID{n, w.here.Part, w.here.Path}, Reads: true, Assumed: !said}, ColumnStep{
			Through: n, Evidence: lineage.OpenLineage, How: "the job's own word", Assumed: !said, Active: w.activeOf(own),
		})
	}
}

// madeBy goes to what a job says that it makes a column of.
func (w *columnWalk) madeBy(n lineage.Node, own []int32, facts []*lineage.ColumnsFact) {
	f := w.factTo(facts, w.here.Node)
	said := false
	active := w.activeOf(own)
	if f != nil {
		for i := range f.Links {
			l := &f.Links[i]
			if l.To != "" && !within(l.To, w.here.Path) {
				continue
			}
			from, ok := w.v.lies(l.FromTopic, l.FromDataset)
			if !ok {
				w.unknown(n, "it is made of something that is not in this window")
				said = true
				continue
			}
			said = said || l.To != ""
			for _, at := range w.placesIn(from, l.From) {
				w.lead(ColumnAt{ColumnID: at}, ColumnStep{Through: n, Evidence: lineage.OpenLineage, How: l.How, Masked: l.Masked, Active: active})
			}
		}
	}
	if !said {
		w.unknown(n, "what it makes this column of it does not say")
	}
}

func (w *columnWalk) factTo(facts []*lineage.ColumnsFact, to lineage.Node) *lineage.ColumnsFact {
	for _, f := range facts {
		if n, ok := w.v.lies(f.ToTopic, f.ToDataset); ok && n == to {
			return f
		}
	}
	return nil
}

// placesIn are a path that a job names in a node: it does not say which part of a topic's records it means, and it is
// the key where a schema has it there alone.
func (w *columnWalk) placesIn(n lineage.Node, path string) []ColumnID {
	if n.Kind == lineage.DatasetNode {
		return []ColumnID{{n, lineage.NoPart, path}}
	}
	key, value := ColumnID{n, lineage.KeyPart, path}, ColumnID{n, lineage.ValuePart, path}
	inKey, inValue := w.c.has(&key), w.c.has(&value)
	if inKey != nil && *inKey && inValue != nil && !*inValue {
		return []ColumnID{key}
	}
	return []ColumnID{value}
}

// within reports whether a path that a job names is the one that is asked for, a part of it, or what it is a part of.
func within(named, asked string) bool {
	return named == asked || asked == "" || named == "" || hasPath(named, asked) || hasPath(asked, named)
}

func hasPath(path, parent string) bool {
	return len(path) > len(parent) && path[:len(parent)] == parent && path[len(parent)] == '.'
}

func short(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
