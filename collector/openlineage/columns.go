package openlineage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file keeps what events say of columns: of each dataset, and of each output of a job, what the newest event said.

// mostDescribed is how many of either are kept.
const mostDescribed = 20_000

// described is what the newest event says of the columns of one thing. key names it.
type described struct {
	key    string
	at     time.Time // of the event
	job    runevent.Name
	schema *runevent.Schema // either
	made   *runevent.Made
	dirty  bool // to be told, once it is known which topics are meant
}

// saidColumns is what a position keeps: when it was said, and a digest of what was told.
type saidColumns struct {
	at     time.Time
	digest string
}

func (s saidColumns) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.Time(s.at)
	e.String(s.digest)
	return e
}

// columnsPrefix begins the keys of positions.
const columnsPrefix = "columns/"

func columnsKey(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return columnsPrefix + hex.EncodeToString(sum[:16])
}

// takeColumns takes in what an event says of columns. Whatever the order of events, the newest stands; of two of one
// instant one that does not hang on the order.
func (s *source) takeColumns(e *runevent.Event, arrived time.Time) {
	at := e.Time
	if at.After(arrived) {
		at = arrived
	}
	at = at.Truncate(time.Millisecond) // as it is kept
	take := func(d *described) {
		old, said := s.columns[d.key], s.said[d.key]
		switch {
		case old == nil && len(s.columns) >= mostDescribed:
			s.refused.add("events describe more datasets than are kept", arrived)
			return
		case old == nil && said.at.After(at), old != nil && old.at.After(at):
			return
		case old != nil && old.at.Equal(at) && old.words() >= d.words():
			return
		}
		s.columns[d.key] = d
	}
	for i := range e.Schemas {
		x := &e.Schemas[i]
		take(&described{key: columnsKey("schema", x.Dataset), at: at, job: e.Job, schema: x, dirty: true})
	}
	for i := range e.Made {
		x := &e.Made[i]
		take(&described{key: columnsKey("made", e.Job, x.Output), at: at, job: e.Job, made: x, dirty: true})
	}
}

func (d *described) words() string {
	if d.schema != nil {
		return fmt.Sprintf("%+v", *d.schema)
	}
	return fmt.Sprintf("%+v", *d.made)
}

// tellColumns tells what is new of columns.
func (s *source) tellColumns(o *lineage.Observation) {
	for _, key := range slices.Sorted(maps.Keys(s.columns)) {
		d := s.columns[key]
		if !d.dirty {
			continue
		}
		f, known := s.columnFact(d)
		if !known {
			continue // it may be a topic of a cluster that was not reached yet
		}
		d.dirty = false
		said := s.said[key]
		now := saidColumns{d.at, digestOf(&f)}
		if said.digest != now.digest {
			o.Facts = append(o.Facts, f)
			if said.digest != "" && f.Schema != nil {
				s.tellChanged(o, f.Schema)
			}
		}
		if said != now {
			s.said[key] = now
			s.resaid = append(s.resaid, key)
		}
	}
}

func digestOf(f *lineage.Fact) string {
	text := fmt.Sprintf("%+v", f.Columns)
	if f.Schema != nil {
		text = fmt.Sprintf("%+v", *f.Schema)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (s *source) tellChanged(o *lineage.Observation, f *lineage.SchemaFact) {
	what := "the dataset " + f.Dataset.Namespace + " " + f.Dataset.Name
	if f.Topic.Name != "" {
		what = "the topic"
	}
	o.Events = append(o.Events, lineage.Event{
		At: o.Round, Type: lineage.SchemaChanged, Topic: f.Topic, Detail: fmt.Sprintf("a job describes %s with other columns than before: %d of them", what, len(f.Columns)+f.Cut),
	})
}

// place is what a dataset of an event is; known is false while it may be a topic of a cluster that was not reached yet.
func (s *source) place(n, by runevent.Name) (t lineage.Topic, d lineage.Dataset, known bool) {
	a, known := s.access(&job{name: by}, edge{dataset: n})
	return lineage.Topic{Cluster: a.Topic.Cluster, Name: a.Topic.Name}, a.Dataset, known
}

func (s *source) columnFact(d *described) (f lineage.Fact, known bool) {
	f.Key = lineage.FactKey{Source: Name, Kind: lineage.SchemaFacts, Name: strings.TrimPrefix(d.key, columnsPrefix)}
	if x := d.schema; x != nil {
		is := &lineage.SchemaFact{Origin: lineage.FromOpenLineage, Cut: x.Cut}
		if is.Topic, is.Dataset, known = s.place(x.Dataset, d.job); !known {
			return f, false
		}
		seen := map[string]bool{}
		for _, c := range x.Columns {
			path := ""
			for _, name := range c.Names {
				path = lineage.JoinPath(path, name)
			}
			if !seen[path] {
				seen[path] = true
				is.Columns = append(is.Columns, lineage.Column{Path: path, Type: c.Type})
			}
		}
		f.Schema = is
		return f, true
	}
	x := d.made
	f.Key.Kind = lineage.ColumnsFacts
	is := &lineage.ColumnsFact{Mover: lineage.Node{Scope: d.job.Namespace, Kind: lineage.JobNode, Name: d.job.Name}, Cut: x.Cut}
	if is.ToTopic, is.ToDataset, known = s.place(x.Output, d.job); !known {
		return f, false
	}
	for _, l := range x.Links {
		link := lineage.ColumnLink{From: l.From, To: l.To, How: l.How, Masked: l.Masked}
		if link.FromTopic, link.FromDataset, known = s.place(l.Input, d.job); !known {
			return f, false
		}
		is.Links = append(is.Links, link)
	}
	f.Columns = is
	return f, true
}

// saveColumns keeps what was told.
func (s *source) saveColumns(put func(string, varint.Encoder)) {
	slices.Sort(s.resaid)
	for _, key := range slices.Compact(s.resaid) {
		put(key, s.said[key].encode())
	}
	s.resaid = nil
}
