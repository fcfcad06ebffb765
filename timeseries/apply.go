package timeseries

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// prepare does what applying a record needs and does not need the engine for, so that nobody waits for it.
func (r *record) prepare() {
	r.dated = make([]dated, len(r.events))
	for i, ev := range r.events {
		ev.At = ev.At.Round(0).UTC() // as after a restart
		r.dated[i] = dated{Event: ev, tick: r.round.tick}
	}
	slices.SortFunc(r.dated, compareEvents)
}

// applyRecord makes a record visible. What it leaves behind does not depend on the order of records. The record is
// prepared. It needs mu for writing.
func (e *engine) applyRecord(r *record) {
	if !e.addRound(r) {
		return
	}
	tick := r.round.tick
	for i := range r.samples {
		s := &r.samples[i]
		x := e.subject(s.entry, tick)
		ser := x.find(s.metric, s.evidence)
		if ser == nil {
			ser = &series{key: lineage.SeriesKey{Subject: x.id, Metric: s.metric, Evidence: s.evidence}, subject: x}
			x.series = append(x.series, ser)
		}
		ser.add(sample{value: s.value, tick: tick, span: s.span, estimated: s.estimated, src: r.src.id}, e.sources)
		if s.evidence != lineage.NoEvidence {
			x.support(s.evidence).saw(r.src, tick)
		}
	}
	for i := range r.sightings {
		s := &r.sightings[i]
		x := e.subject(s.entry, tick)
		p := x.support(s.evidence)
		p.saw(r.src, tick)
		p.sight(tick, s.detail)
		m := e.sightings[tick]
		if m == nil {
			m = &marks{}
			e.sightings[tick] = m
		}
		m.see(s.evidence, uint32(x.id))
		if s.moved {
			m.move(uint32(x.id))
		}
	}
	for _, f := range r.facts {
		e.addFact(f, tick)
	}
	e.addEvents(r.dated)
	for _, p := range r.positions {
		e.addPosition(r.src.name, p, tick)
	}
}

// addRound returns false when the round is held already.
func (e *engine) addRound(r *record) bool {
	src := r.src
	i, held := findRound(src.head, r.round.tick)
	if held || r.round.tick <= e.sealed {
		return false
	}
	r.round.miss = e.miss(r.missing)
	if i == len(src.head) {
		src.head = append(src.head, r.round)
	} else {
		src.head = slices.Insert(slices.Clone(src.head), i, r.round)
	}
	if r.round.tick > src.newest.tick {
		src.newest = r.round
	}
	e.latest[src.name.Cluster] = max(e.latest[src.name.Cluster], r.round.tick)
	return true
}

// subject returns the subject of an entry, new if need be.
func (e *engine) subject(x *entry, tick int64) *subject {
	s := x.subject
	if s == nil {
		s = &subject{entry: x, id: lineage.SubjectID(len(e.subjects)), first: tick, last: tick}
		x.subject = s
		e.subjects = append(e.subjects, s)
		e.live++
	}
	s.first, s.last = min(s.first, tick), max(s.last, tick)
	return s
}

// addPosition keeps the newest position of each key. A removed key stays as a tombstone, so that an older round that comes later does not bring it back.
func (e *engine) addPosition(src lineage.Source, p lineage.Position, tick int64) {
	keys := e.positions[src]
	if keys == nil {
		keys = map[string]position{}
		e.positions[src] = keys
	}
	if old, ok := keys[p.Key]; ok && old.tick > tick {
		return
	}
	keys[p.Key] = position{tick: tick, value: slices.Clone(p.Value)}
}

func (m *marks) move(id uint32) {
	if m.moved == nil {
		m.moved = roaring.New()
	}
	m.moved.Add(id)
}

func (m *marks) see(k lineage.EvidenceKind, id uint32) {
	if m.seen[k] == nil {
		m.seen[k] = roaring.New()
	}
	m.seen[k].Add(id)
}

// or adds all that o marks.
func (m *marks) or(o *marks) {
	m.moved = orInto(m.moved, o.moved)
	for k, b := range o.seen {
		m.seen[k] = orInto(m.seen[k], b)
	}
}

// orInto returns a | b, in a where there is one. b is never kept.
func orInto(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch {
	case b == nil:
	case a == nil:
		a = b.Clone()
	default:
		a.Or(b)
	}
	return a
}
