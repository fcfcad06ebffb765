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
	sortLarge(r.dated, compareEvents)
}

// applyRecord makes a record visible. What it leaves behind does not depend on the order of records. The record is
// prepared. It needs mu for writing.
func (e *engine) applyRecord(r *record) {
	if r.added = e.addRound(r); !r.added {
		return
	}
	tick, reach := r.round.tick, int64(never)
	for i := range r.samples {
		s := &r.samples[i]
		reach = min(reach, tick-int64(s.span))
		var x *subject
		ser := s.series
		if ser == nil {
			x = e.name(s.entry, tick)
			ser = x.find(s.metric, s.evidence)
		} else {
			x = ser.subject
			e.named(x, tick)
		}
		fresh := ser == nil
		if fresh {
			ser = &series{key: seriesKey{Subject: x.id, Metric: s.metric, Evidence: s.evidence}, subject: x}
			x.addSeries(ser)
			e.listSeries(ser)
			if e.settles() {
				e.ledgers.enter(ser)
			}
		}
		e.touchSeries(ser, r.src, tick, int64(s.span))
		if fresh {
			e.begin(ser, r.src, s.value)
		}
		if s.metric == lineage.Linked && ser.at(never-1) != s.value {
			e.touch(0) // a name holds for all of the past
		}
		y := sample{value: s.value, tick: tick, span: s.span, estimated: s.estimated, src: r.src.id}
		if ser.begins() { // that it is there is all that it says
			y.estimated = true
			e.sight(x, s.evidence, r.src, tick, "")
		}
		was := ser.link()
		ser.add(y, e.sources)
		if e.settles() {
			e.ledgers.stir(ser, y, was)
			if fresh {
				e.ledgers.began(ser)
			}
		}
		if s.evidence != lineage.NoEvidence {
			x.support(s.evidence).saw(r.src, tick)
		}
	}
	e.reaches(reach)
	for i := range r.sightings {
		s := &r.sightings[i]
		x := e.name(s.entry, tick)
		m := e.sight(x, s.evidence, r.src, tick, s.detail)
		if e.settles() {
			e.ledgers.note(&s.entry.access, tick, s.detail)
		}
		if s.moved {
			m.move(uint32(x.id))
		}
	}
	if e.settles() {
		e.ledgers.look(r)
	}
	for _, f := range r.facts {
		e.addFact(f, tick)
	}
	for i := range r.dated {
		e.touch(e.floor(r.dated[i].At) - 1)
	}
	e.addEvents(r.dated)
	for _, p := range r.positions {
		e.addPosition(r.src.name, p, tick)
	}
}

// sight notes that a subject was seen, and returns the marks of the tick.
func (e *engine) sight(x *subject, kind lineage.EvidenceKind, src *source, tick int64, detail string) *marks {
	m := e.sightings[tick]
	if m == nil {
		m = &marks{}
		e.sightings[tick] = m
	}
	if kind != lineage.NoEvidence {
		p := x.support(kind)
		p.saw(src, tick)
		p.sight(tick, e.sealed, detail)
		m.see(kind, uint32(x.id))
	}
	return m
}

// addRound returns false when the round is held already.
func (e *engine) addRound(r *record) bool {
	src := r.src
	i, held := findRound(src.head, r.round.tick)
	if held || r.round.tick <= e.sealed {
		return false
	}
	e.touchRound(r, i)
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

// name returns the subject of an entry that a source named in a round, new if need be.
func (e *engine) name(x *entry, tick int64) *subject {
	s := e.subject(x, tick)
	e.named(s, tick)
	return s
}

// named notes that a source named a subject in a round.
func (e *engine) named(s *subject, tick int64) {
	if tick < s.first && s.listed { // links hold for all windows
		e.touch(0)
	}
	s.first, s.last = min(s.first, tick), max(s.last, tick)
}

// subject returns the subject of an entry of which something is told or derived, new if need be.
func (e *engine) subject(x *entry, tick int64) *subject {
	s := x.subject
	if s == nil {
		s = &subject{entry: x, id: e.subjects.give(), first: never, last: tick}
		x.subject = s
		e.subjects.put(s)
		e.list(s)
	}
	s.last = max(s.last, tick)
	return s
}

// list files a new subject under those that every window lists.
func (e *engine) list(s *subject) {
	a := &s.entry.access
	switch {
	case a.Op == lineage.OpNone:
		e.topics = append(e.topics, s)
	case s.linked():
		s.listed = true
		e.links = append(e.links, s)
		e.touch(0)
	}
}

// listSeries files a series that is new of a subject that is filed.
func (e *engine) listSeries(x *series) {
	if s := x.subject; x.key.Metric == lineage.Linked && !s.listed {
		s.listed = true
		e.links = append(e.links, s)
	}
}

// linked reports whether a subject's client was seen to bear several identities.
func (s *subject) linked() bool {
	return s.entry.access.MovesOffsets() || slices.ContainsFunc(s.series, func(x *series) bool { return x.key.Metric == lineage.Linked })
}

// linksOf returns the links that a subject is now.
func (e *engine) linksOf(s *subject) (out []lineage.Link) {
	a := &s.entry.access
	l := lineage.Link{Cluster: a.Topic.Cluster, Client: a.Client, Since: e.at(e.firstSeen(s))}
	if a.MovesOffsets() {
		l.Evidence = lineage.Transaction
		out = append(out, l)
	}
	for _, x := range s.series {
		if x.key.Metric == lineage.Linked && x.at(never-1) == 1 {
			l.Evidence, l.Detail = x.key.Evidence, ""
			for _, p := range s.supports {
				if p.kind == x.key.Evidence {
					l.Detail = p.detail
				}
			}
			out = append(out, l)
		}
	}
	return out
}

// listAll files all subjects anew, and who was told of.
func (e *engine) listAll() {
	e.topics, e.links = nil, nil
	for key := range e.facts {
		if key.Kind == lineage.ClusterFacts {
			e.told[key.Source] = true
		}
	}
	for s := range e.subjects.all() {
		e.list(s)
	}
}

// touchRound notes what a round changes besides what it holds: the time since the round before it is now observed, or a
// gap. at is its place among the open ones.
func (e *engine) touchRound(r *record, at int) {
	src, before := r.src, r.src.before.tick
	if at > 0 {
		before = src.head[at-1].tick
	}
	e.touch(min(before, r.round.start()))
	latest := e.newest()
	if r.round.tick <= latest {
		return
	}
	for _, s := range e.sources { // those that are from now on taken to be switched off, see coveredSources
		if n := s.newest; n.tick > 0 && latest <= n.tick+2*int64(n.span) && r.round.tick > n.tick+2*int64(n.span) {
			e.touch(n.tick)
		}
	}
}

// newest returns the newest round of all. It needs mu.
func (e *engine) newest() (tick int64) {
	for _, t := range e.latest {
		tick = max(tick, t)
	}
	return tick
}

// touchSeries notes what a sample changes before it is added.
func (e *engine) touchSeries(s *series, src *source, tick, span int64) {
	e.touch(tick - span)
	if last := s.source(e.sources); last == nil {
		e.touch(e.firstSeen(s.subject) - 1) // a subject that was there has one more
	} else if last != src {
		e.touch(0) // the newest source speaks for times in which no other wrote
	}
	if s.head.newest.tick > tick { // the next advance is over another total
		next := s.head.after(tick, 0)
		next.next()
		e.touch(next.tick - int64(next.span))
	}
}

// addPosition keeps the newest position of each key. A removed key stays as a tombstone, so that an older round that
// comes later does not bring it back.
func (e *engine) addPosition(src lineage.Source, p lineage.Position, tick int64) {
	keys := e.positions[src]
	if keys == nil {
		keys = map[string]position{}
		e.positions[src] = keys
	}
	if old, ok := keys[p.Key]; ok && old.tick > tick {
		return
	}
	keys[p.Key] = position{tick: tick, value: p.Value}
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
