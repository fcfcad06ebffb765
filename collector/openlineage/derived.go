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

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file keeps what datasets say of themselves, by events of no job. See docs/adr/0062-columns-and-datasets.md.

const (
	// mostDerived is of how many datasets that is kept; beyond, the oldest is forgotten.
	mostDerived = 5000
	// mostFrom is of how many datasets it is said that one is made of.
	mostFrom      = 3
	derivedPrefix = "derived/"
	// underivedKey is the position that is there once some were forgotten.
	underivedKey = "derived"
)

// derived is what the newest event of a dataset says that it is made of. One that says nothing any more is kept too: an
// older event may come later.
type derived struct {
	runevent.Derived
	at    time.Time
	runs  []*run // what the jobs that it names are declared to write
	dirty bool
}

// weight is how much of it is kept, in names, as of a run.
func (d *derived) weight() int {
	if d == nil {
		return 0
	}
	return 1 + len(d.From) + len(d.Jobs)
}

func (d *derived) words() string { return fmt.Sprintf("%q %q", d.From, d.Jobs) }

// newDerived has the jobs that a dataset names declared to write it; told is when that was told last.
func newDerived(is runevent.Derived, at, told time.Time) *derived {
	d := &derived{Derived: is, at: at}
	for _, n := range is.Jobs {
		r := newRun(runKey{job: n})
		r.seen, r.first, r.told, r.byDataset = at, at, told, true
		r.fresh, r.dirty = told.IsZero(), told.IsZero()
		r.edges[edge{lineage.Write, is.Dataset}] = at
		d.runs = append(d.runs, r)
	}
	return d
}

// takeDerived takes in what datasets say: the newest event of each stands, of two of one instant the greater. Where
// there is no room, what says no more than before is taken all the same.
func (s *source) takeDerived(e *runevent.Event, arrived time.Time) {
	at := e.Time
	if at.After(arrived) {
		at = arrived
	}
	at = at.Truncate(time.Millisecond) // as it is kept
	for _, is := range e.Derived {
		d := newDerived(is, at, time.Time{})
		was := s.derived[is.Dataset]
		if was != nil && (was.at.After(at) || was.at.Equal(at) && was.words() >= d.words()) {
			continue
		}
		if s.edges > maxEdges && d.weight() > was.weight() {
			s.refused.add(tooManyEdges, arrived)
			continue
		}
		s.edges += d.weight() - was.weight()
		d.dirty = true
		s.derived[is.Dataset] = d
	}
	for len(s.derived) > mostDerived {
		oldest := slices.MinFunc(slices.Collect(maps.Values(s.derived)), func(a, b *derived) int {
			return cmp.Or(a.at.Compare(b.at), a.Dataset.Compare(b.Dataset))
		})
		delete(s.derived, oldest.Dataset)
		s.edges -= oldest.weight()
		s.gone = append(s.gone, derivedKey(oldest.Dataset))
		s.forgetsDerived()
	}
}

// forgetsDerived notes that what some dataset says of itself is forgotten: nothing takes that back.
func (s *source) forgetsDerived() {
	s.underived, s.underivedNew = true, s.underivedNew || !s.underived
}

// declared are what jobs write by the word of datasets, in a fixed order.
func (s *source) declared() (out []*run) {
	for _, n := range slices.SortedFunc(maps.Keys(s.derived), runevent.Name.Compare) {
		out = append(out, s.derived[n].runs...)
	}
	return out
}

// blindDerived says which datasets name others and no job: nothing moves by that, and there is nobody to lead through.
func (s *source) blindDerived(add func(what, remedy string)) {
	id := func(n runevent.Name) string {
		return lineage.Node{Scope: n.Namespace, Kind: lineage.DatasetNode, Name: n.Name}.ID()
	}
	var all []string
	for _, d := range s.derived {
		if len(d.From) == 0 {
			continue
		}
		var from []string
		for _, n := range d.From[:min(len(d.From), mostFrom)] {
			from = append(from, id(n))
		}
		if n := len(d.From) - mostFrom; n > 0 {
			from = append(from, fmt.Sprintf("%d more", n))
		}
		all = append(all, id(d.Dataset)+" of "+strings.Join(from, " and "))
	}
	if len(all) > 0 {
		slices.Sort(all)
		add("what datasets say of themselves to be made of, by no job, as a view does: it is no flow, and nothing leads through it here: "+collector.Some(all),
			"where a job makes them, its own event; else ask for what leads to and from each")
	}
	if s.underived {
		add(fmt.Sprintf("what datasets beyond %d say of themselves: the oldest is forgotten", mostDerived), "fewer datasets")
	}
}

func derivedKey(n runevent.Name) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", n.Namespace, n.Name))
	return derivedPrefix + hex.EncodeToString(sum[:16])
}

// saveDerived saves what changed.
func (s *source) saveDerived(put func(string, varint.Encoder)) {
	if s.underivedNew {
		var e varint.Encoder
		e.Uint(positionsVersion)
		put(underivedKey, e)
		s.underivedNew = false
	}
	for _, n := range slices.SortedFunc(maps.Keys(s.derived), runevent.Name.Compare) {
		d, told := s.derived[n], time.Time{} // zero: something of it is still to be told
		for _, r := range d.runs {
			d.dirty, r.dirty = d.dirty || r.dirty, false
			told = r.told // all are told in one round
		}
		if slices.ContainsFunc(d.runs, func(r *run) bool { return r.fresh }) {
			told = time.Time{}
		}
		if !d.dirty {
			continue
		}
		d.dirty = false
		e := varint.Encoder{}
		e.Uint(positionsVersion)
		e.Time(d.at)
		e.Time(told)
		e.String(n.Namespace)
		e.String(n.Name)
		for _, list := range [...][]runevent.Name{d.From, d.Jobs} {
			e.Uint(uint64(len(list)))
			for _, x := range list {
				e.String(x.Namespace)
				e.String(x.Name)
			}
		}
		put(derivedKey(n), e)
	}
}

func decodeDerived(d *varint.Decoder) *derived {
	at, told := d.Time(), d.Time()
	name := func() runevent.Name { return runevent.Name{Namespace: d.String(), Name: d.String()} }
	is := runevent.Derived{Dataset: name()}
	for _, list := range [...]*[]runevent.Name{&is.From, &is.Jobs} {
		for range d.Count() {
			*list = append(*list, name())
		}
	}
	return newDerived(is, at, told)
}

// blindOtherwise says of which outputs two facets of one event differ.
func (s *source) blindOtherwise(add func(what, remedy string)) {
	var all []string
	for _, x := range s.said {
		if x.otherwise != "" {
			all = append(all, x.otherwise)
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		add("what outputs' columns are made of where columnLineage says otherwise than the lineage facet of the same event, whose word is taken: "+collector.Some(all), "one word of the job")
	}
}
