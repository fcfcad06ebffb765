package timeseries

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The kinds of records in a frame.
const (
	observationRecord = 1 // of version 2
	smallRecord       = 2
	lostRecord        = 3
	unsureRecord      = 4
	columnsRecord     = 5 // an observation whose samples stand as columns
)

// counter is a number that is read without a lock.
type counter struct{ n atomic.Int64 }

func (c *counter) add(n int64) { c.n.Add(n) }
func (c *counter) get() int64  { return c.n.Load() }

// encode writes what a commit holds. An access and a source are defined where a segment first names them, and have a
// number there from then on.
func (l *appendLog) encode(w *writer, c *commit) {
	if len(c.lost) > 0 || c.reset {
		w.byte(lostRecord)
		w.bool(c.reset)
		w.uint(uint64(len(c.lost)))
		for _, x := range c.lost {
			w.lost(x)
		}
	}
	for _, x := range c.unsure {
		w.byte(unsureRecord)
		w.unsure(x)
	}
	for _, r := range c.records {
		w.byte(columnsRecord)
		l.record(w, r)
	}
	if c.small != nil {
		w.byte(smallRecord)
		w.string(string(c.kind))
		w.uint(uint64(c.version))
		w.bytes(c.small)
	}
}

func (l *appendLog) record(w *writer, r *record) {
	s := r.src
	if s.segment != l.current.number+1 {
		s.segment, s.local = l.current.number+1, l.tables.sources
		l.tables.sources++
		w.uint(uint64(s.local))
		w.source(s.name)
	} else {
		w.uint(uint64(s.local))
	}
	w.uint(uint64(r.round.tick))
	w.uint(uint64(r.round.span))
	w.int(r.round.offset)
	t := &l.tables.said
	t.topics.expect(len(r.samples) / 2) // what is told of a topic, and of a client, is several samples mostly
	t.clients.expect(len(r.samples) / 2)
	l.samples(w, r)
	w.uint(uint64(len(r.sightings)))
	for i := range r.sightings {
		x := &r.sightings[i]
		w.reserve()
		l.entry(w, x.entry)
		w.byte(byte(x.evidence))
		w.bool(x.moved)
		w.string(x.detail)
	}
	w.uint(uint64(len(r.facts)))
	if t.facts == nil {
		t.facts = make(map[lineage.FactKey]*slot, len(r.facts))
	}
	for i := range r.facts {
		w.reserve()
		s, first := slotOf(&t.facts, r.facts[i].fact.Key)
		w.uint(uint64(s.number))
		if first {
			w.factKey(r.facts[i].fact.Key)
		}
		s.write(w, &t.differ, r.facts[i].bytes())
	}
	w.uint(uint64(len(r.events)))
	for i := range r.events {
		w.reserve()
		w.event(r.events[i])
	}
	w.missing(r.missing)
	w.uint(uint64(len(r.positions)))
	for _, p := range r.positions {
		s, first := slotOf(&t.positions, positionKey{r.src, p.Key})
		w.uint(uint64(s.number))
		if first {
			w.string(p.Key)
		}
		s.write(w, &t.differ, p.Value)
	}
}

// said is what the current segment has said of positions and facts, by which what comes later is a difference; and its
// topics and clients.
type said struct {
	names
	positions map[positionKey]*slot
	facts     map[lineage.FactKey]*slot
	differ    differ
}

type positionKey struct {
	src *source
	key string
}

func slotOf[T comparable](slots *map[T]*slot, key T) (s *slot, first bool) {
	if s = (*slots)[key]; s != nil {
		return s, false
	}
	if *slots == nil {
		*slots = map[T]*slot{}
	}
	s = &slot{number: uint32(len(*slots))}
	(*slots)[key] = s
	return s, true
}

func (l *appendLog) entry(w *writer, x *entry) {
	if x.segment == l.current.number+1 {
		w.uint(uint64(x.local))
		return
	}
	x.segment, x.local, x.logged = l.current.number+1, l.tables.accesses, 0
	l.tables.accesses++
	w.uint(uint64(x.local))
	l.tables.access(w, &x.access)
}

// replayTables is what a segment has defined so far.
type replayTables struct {
	accesses []*entry
	sources  []*source
	named
	positions []readPosition
	facts     []readFact
	series    []readSeries
	samples   []recordSample // of the frame that is being read
	numbers   []uint32       // of the series of one record
}

type readPosition struct {
	src *source
	key string
	*slot
}

type readFact struct {
	key lineage.FactKey
	*slot
}

// room returns room for the samples of a record of the frame that is being read.
func (t *replayTables) room(n int) []recordSample {
	from := len(t.samples)
	t.samples = slices.Grow(t.samples, n)[:from+n]
	return t.samples[from : from+n : from+n]
}

// decodeFrame reads the commits of a frame. What it names becomes known to the engine, nothing is applied. The samples
// are there until the next is read.
func (e *engine) decodeFrame(payload []byte, t *replayTables) ([]*commit, error) {
	r := reader{b: payload}
	if t.samples = t.samples[:0]; t.samples == nil {
		t.samples = []recordSample{}
	}
	var out []*commit
	for len(r.b) > 0 && r.err == nil {
		switch kind := r.byte(); kind {
		case observationRecord, columnsRecord:
			out = append(out, &commit{records: []*record{e.decodeRecord(&r, t, kind == columnsRecord)}})
		case lostRecord:
			c := &commit{reset: r.bool(), healed: true}
			for range r.count(6) {
				c.lost = append(c.lost, r.lost())
			}
			out = append(out, c)
		case unsureRecord:
			out = append(out, &commit{unsure: []unsure{r.unsure(true)}})
		case smallRecord:
			c := &commit{kind: store.RecordKind(r.string()), version: int(r.span())}
			c.small = append([]byte{}, r.bytes()...)
			out = append(out, c)
		default:
			r.fail(fmt.Sprintf("a record of the unknown kind %d", kind))
		}
	}
	return out, r.end()
}

func (e *engine) decodeRecord(r *reader, t *replayTables, columns bool) *record {
	out := &record{src: e.decodeSource(r, t)}
	out.round = round{anchor: anchor{tick: r.tick()}, span: r.span()}
	out.round.offset = r.int()
	if out.round.tick == 0 || out.round.span == 0 {
		r.fail("a round without a tick or an interval")
	}
	if columns {
		out.samples = e.decodeSamples(r, t, out.round)
	} else {
		e.decodePlain(r, t, out)
	}
	if r.err != nil {
		return out
	}
	out.sightings = make([]recordSighting, r.count(4))
	for i := range out.sightings {
		out.sightings[i] = recordSighting{entry: e.decodeEntry(r, t), evidence: r.evidence(), moved: r.bool(), detail: r.string()}
		if r.err != nil {
			return out
		}
	}
	for range r.count(2) {
		f := readRef(r, &t.facts, func() readFact { return readFact{r.factKey(), &slot{}} })
		if r.err != nil {
			return out
		}
		out.facts = append(out.facts, r.codedBody(f.key, f.read(r)))
	}
	for range r.count(20) {
		out.events = append(out.events, r.event())
	}
	out.missing = r.missing()
	for range r.count(2) {
		p := readRef(r, &t.positions, func() readPosition { return readPosition{out.src, r.string(), &slot{}} })
		if r.err == nil && p.src != out.src {
			r.fail("a position of another source")
		}
		if r.err != nil {
			return out
		}
		out.positions = append(out.positions, lineage.Position{Key: p.key, Value: p.read(r)})
	}
	return out
}

// decodePlain reads samples as version 2 wrote them.
func (e *engine) decodePlain(r *reader, t *replayTables, out *record) {
	out.samples = t.room(r.count(5))
	for i := range out.samples {
		x := recordSample{entry: e.decodeEntry(r, t)}
		flags := r.byte()
		x.metric, x.estimated = r.isMetric(lineage.Metric(flags>>1)), flags&1 == 1
		x.evidence, x.value = r.evidence(), r.int()
		if x.span = r.span(); x.span == 0 {
			x.span = out.round.span
		}
		if r.err != nil {
			return
		}
		out.samples[i] = x
	}
}

func (e *engine) decodeSource(r *reader, t *replayTables) *source {
	switch n := r.uint(); {
	case n < uint64(len(t.sources)):
		return t.sources[n]
	case n == uint64(len(t.sources)):
		name := r.source()
		if r.err == nil {
			s := e.intern(name)
			t.sources = append(t.sources, s)
			return s
		}
	default:
		r.fail("a source that the segment has not defined")
	}
	return nil
}

func (e *engine) decodeEntry(r *reader, t *replayTables) *entry {
	switch n := r.uint(); {
	case n < uint64(len(t.accesses)):
		return t.accesses[n]
	case n == uint64(len(t.accesses)):
		a := t.access(r)
		if r.err == nil {
			x := e.entry(&a)
			t.accesses = append(t.accesses, x)
			return x
		}
	default:
		r.fail("an access that the segment has not defined")
	}
	return nil
}
