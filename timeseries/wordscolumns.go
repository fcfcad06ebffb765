package timeseries

import (
	"math"

	"github.com/lineaged/lineaged/lineage"
)

// This file writes and reads what is told of columns.

func (w *writer) strings(all []string) {
	w.uint(uint64(len(all)))
	for _, s := range all {
		w.string(s)
	}
}

func (r *reader) strings() (all []string) {
	for range r.count(1) {
		all = append(all, r.string())
	}
	return all
}

func (w *writer) dataset(d lineage.Dataset) {
	w.string(d.Namespace)
	w.string(d.Name)
}

func (r *reader) dataset() lineage.Dataset {
	return lineage.Dataset{Namespace: r.string(), Name: r.string()}
}

func (w *writer) schema(s *lineage.SchemaFact) {
	w.topic(s.Topic)
	w.dataset(s.Dataset)
	w.byte(byte(s.Part))
	w.byte(byte(s.Origin))
	w.string(s.Subject)
	w.int(int64(s.Version))
	w.int(int64(s.ID))
	w.byte(byte(s.Strategy))
	for _, text := range [...]string{s.Compatibility, s.Format, s.Record} {
		w.string(text)
	}
	w.int(int64(s.Cut))
	w.string(s.Problem)
	w.uint(uint64(len(s.Columns)))
	for _, c := range s.Columns {
		w.string(c.Path)
		w.string(c.Type)
		w.presence(c.Presence)
	}
}

func (r *reader) schema() *lineage.SchemaFact {
	s := &lineage.SchemaFact{
		Topic: r.topic(), Dataset: r.dataset(), Part: lineage.SchemaPart(r.byte()), Origin: lineage.SchemaOrigin(r.byte()), Subject: r.string(), Version: int(r.int()), ID: int(r.int()),
		Strategy: lineage.SubjectStrategy(r.byte()), Compatibility: r.string(), Format: r.string(), Record: r.string(), Cut: r.some(), Problem: r.string(),
	}
	for range r.count(3) {
		s.Columns = append(s.Columns, lineage.Column{Path: r.string(), Type: r.string(), Presence: r.presence(s.Origin)})
	}
	return s
}

// presenceNotTold is written for lineage.PresenceNotTold: where 0 stands, an older version told two presences apart.
const presenceNotTold = 3

func (w *writer) presence(p lineage.Presence) {
	if p == lineage.PresenceNotTold {
		p = presenceNotTold
	}
	w.byte(byte(p))
}

func (r *reader) presence(by lineage.SchemaOrigin) lineage.Presence {
	switch p := r.byte(); {
	case p == 0 && by != lineage.FromOpenLineage:
		return lineage.AlwaysThere
	case p == 0 || p == presenceNotTold: // of OpenLineage 0 stood for what its facet does not say
		return lineage.PresenceNotTold
	default:
		return lineage.Presence(p)
	}
}

// some is how many more there are.
func (r *reader) some() int { return int(min(max(r.int(), math.MinInt32), math.MaxInt32)) }

func (w *writer) transforms(f *lineage.TransformFact) {
	w.uint(uint64(len(f.Steps)))
	for i := range f.Steps {
		s := &f.Steps[i]
		w.string(s.Name)
		w.string(s.Class)
		w.byte(byte(s.Kind))
		w.byte(byte(s.Part))
		for _, list := range [...][]string{s.Fields, s.Keep, s.Drop} {
			w.strings(list)
		}
		w.uint(uint64(len(s.Renames)))
		for _, x := range s.Renames {
			w.string(x.From)
			w.string(x.To)
		}
		w.string(s.Word)
	}
}

func (r *reader) transforms() *lineage.TransformFact {
	f := &lineage.TransformFact{}
	for range r.count(9) {
		s := lineage.Transform{Name: r.string(), Class: r.string(), Kind: lineage.TransformKind(r.byte()), Part: lineage.SchemaPart(r.byte())}
		s.Fields, s.Keep, s.Drop = r.strings(), r.strings(), r.strings()
		for range r.count(2) {
			s.Renames = append(s.Renames, lineage.Rename{From: r.string(), To: r.string()})
		}
		s.Word = r.string()
		f.Steps = append(f.Steps, s)
	}
	return f
}

func (w *writer) columnsFact(f *lineage.ColumnsFact) {
	w.node(f.Mover)
	w.topic(f.ToTopic)
	w.dataset(f.ToDataset)
	w.int(int64(f.Cut))
	w.uint(uint64(len(f.Links)))
	for i := range f.Links {
		x := &f.Links[i]
		w.topic(x.FromTopic)
		w.dataset(x.FromDataset)
		for _, text := range [...]string{x.From, x.To, x.How} {
			w.string(text)
		}
		w.bool(x.Masked)
	}
}

func (r *reader) columnsFact() *lineage.ColumnsFact {
	f := &lineage.ColumnsFact{Mover: r.node(), ToTopic: r.topic(), ToDataset: r.dataset(), Cut: r.some()}
	for range r.count(24) { // a topic's id has 16
		f.Links = append(f.Links, lineage.ColumnLink{
			FromTopic: r.topic(), FromDataset: r.dataset(), From: r.string(), To: r.string(), How: r.string(), Masked: r.bool(),
		})
	}
	return f
}

// columns notes where a name stands that is kept: it is a column's, as others in a schema.
func (x *eraser) columns(f *lineage.Fact) {
	switch {
	case f.Schema != nil:
		x.stays("the name of a column, a record or a subject", f.Schema.Subject, f.Schema.Record)
		for i := range f.Schema.Columns {
			x.stays("the name of a column, a record or a subject", f.Schema.Columns[i].Path, f.Schema.Columns[i].Type)
		}
		x.text(&f.Schema.Problem)
	case f.Transform != nil:
		for i := range f.Transform.Steps {
			s := &f.Transform.Steps[i]
			x.stays("the name of a column, a record or a subject", s.Fields...)
			x.stays("the name of a column, a record or a subject", s.Keep...)
			x.stays("the name of a column, a record or a subject", s.Drop...)
			for _, r := range s.Renames {
				x.stays("the name of a column, a record or a subject", r.From, r.To)
			}
			x.text(&s.Word)
		}
	case f.Columns != nil:
		x.stays("the name of a connector, a replicator or a dataset", f.Columns.Mover.Name)
		for i := range f.Columns.Links {
			x.stays("the name of a column, a record or a subject", f.Columns.Links[i].From, f.Columns.Links[i].To)
		}
	}
}
