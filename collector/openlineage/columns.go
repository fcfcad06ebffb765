package openlineage

import (
	"cmp"
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

const (
	// mostDescribed is how many of either are kept from a round to the next, and half of how many are in a round.
	mostDescribed = 20_000
	// keepDescribed is for how long one is that nobody describes again: longer than a quarter, as some jobs run by it.
	keepDescribed = 100 * 24 * time.Hour
)

// described is what the newest event says of the columns of one thing. key names it.
type described struct {
	key    string
	at     time.Time // of the event
	heard  time.Time // when it came
	job    runevent.Name
	schema *runevent.Schema // either
	made   *runevent.Made
	dirty  bool // to be told, once it is known which topics are meant
}

// saidColumns is what a position keeps: of when the event is that said it, a digest of what was told, when it came, and
// of what two facets of the event say otherwise; empty: of nothing.
type saidColumns struct {
	at        time.Time
	digest    string
	heard     time.Time
	otherwise string
}

func (s saidColumns) encode() (e varint.Encoder) {
	e.Uint(columnsVersion)
	e.Time(s.at)
	e.String(s.digest)
	e.Time(s.heard)
	e.String(s.otherwise)
	return e
}

func decodeSaid(d *varint.Decoder, version uint64) *saidColumns {
	s := &saidColumns{at: d.Time(), digest: d.String()}
	if version > 1 {
		if s.heard = d.Time(); version > 2 {
			s.otherwise = d.String()
		}
		return s
	}
	s.digest, s.heard = "", s.at // it was of other words
	return s
}

// columnsPrefix begins the keys of positions, and floorKey is that of how new what was forgotten is.
const (
	columnsPrefix = "columns/"
	floorKey      = "columns"
)

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
	at, arrived = at.Truncate(time.Millisecond), arrived.Truncate(time.Millisecond) // as they are kept
	take := func(d *described) {
		old := s.columns[d.key]
		said, told := s.said[d.key]
		switch {
		case old == nil && !told && !at.After(s.floor):
			s.leftOut = later(s.leftOut, arrived)
			return
		case old == nil && len(s.columns) >= 2*s.room:
			s.refused.add("events describe more datasets than are kept", arrived)
			return
		case old == nil && said.at.After(at), old != nil && old.at.After(at):
			return
		case old != nil && old.at.Equal(at) && old.words() >= d.words():
			return
		}
		d.at, d.heard, d.job, d.dirty = at, arrived, e.Job, true
		s.columns[d.key] = d
	}
	for i := range e.Schemas {
		x := &e.Schemas[i]
		take(&described{key: columnsKey("schema", x.Dataset), schema: x})
	}
	for i := range e.Made {
		x := &e.Made[i]
		take(&described{key: columnsKey("made", e.Job, x.Output), made: x})
	}
}

func (d *described) words() string {
	if d.schema != nil {
		return fmt.Sprintf("%+v", *d.schema)
	}
	return fmt.Sprintf("%+v", *d.made)
}

// otherwise says of what facets differ; empty: they do not.
func (d *described) otherwise() string {
	if d.made == nil || len(d.made.Otherwise) == 0 {
		return ""
	}
	id := func(n runevent.Name, kind lineage.NodeKind) string {
		return lineage.Node{Scope: n.Namespace, Kind: kind, Name: n.Name}.ID()
	}
	return id(d.made.Output, lineage.DatasetNode) + " by " + id(d.job, lineage.JobNode)
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
		now := saidColumns{d.at, digestOf(&f), d.heard, d.otherwise()}
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

// forgetColumns forgets what nobody described again for long, and beyond the bound what was described the longest ago.
// The facts that were told of it hold on.
//
// What the bound costs: how new an event is whose word was forgotten is known no more, only that none is newer than the
// floor. So of what is not known an event counts that is newer than the floor, and an older one is left out, also where
// it is the first of its dataset: what it says may have been told of anew since. What is described anew after it was
// forgotten is told as at first: a fact, also where it is the one that holds, and no event, also where it has changed.
func (s *source) forgetColumns(round time.Time) {
	if round.Sub(s.leftOut) > lately {
		s.leftOut = time.Time{}
	}
	kept := make([]described, 0, len(s.said))
	keep := func(d described) {
		if round.Sub(d.heard) >= keepDescribed {
			s.forgetDescribed(d, round)
			return
		}
		kept = append(kept, d)
	}
	for key, said := range s.said {
		x := described{key: key, at: said.at, heard: said.heard}
		if d := s.columns[key]; d != nil {
			x.at, x.heard = later(x.at, d.at), later(x.heard, d.heard)
		}
		keep(x)
	}
	for key, d := range s.columns {
		if _, told := s.said[key]; !told {
			keep(*d)
		}
	}
	n := len(kept) - s.room
	if n <= 0 {
		return
	}
	slices.SortFunc(kept, func(a, b described) int {
		return cmp.Or(a.heard.Compare(b.heard), a.at.Compare(b.at), strings.Compare(a.key, b.key))
	})
	for _, d := range kept[:n] {
		s.forgetDescribed(d, round)
		s.undescribed++
	}
}

func (s *source) forgetDescribed(d described, round time.Time) {
	if _, told := s.said[d.key]; told {
		s.gone = append(s.gone, d.key)
	}
	delete(s.columns, d.key)
	delete(s.said, d.key)
	if d.at.After(round) { // a clock was wrong then
		d.at = round
	}
	s.raiseFloor(d.at)
}

func (s *source) raiseFloor(at time.Time) {
	if at.After(s.floor) {
		s.floor, s.raised = at, true
	}
}

// saveColumns keeps what was told.
func (s *source) saveColumns(put func(string, varint.Encoder)) {
	slices.Sort(s.resaid)
	for _, key := range slices.Compact(s.resaid) {
		if said, there := s.said[key]; there {
			put(key, said.encode())
		}
	}
	s.resaid = nil
	if s.raised {
		var e varint.Encoder
		e.Uint(positionsVersion)
		e.Time(s.floor)
		put(floorKey, e)
		s.raised = false
	}
}
