package timeseries

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The saved state is all that memory holds besides open blocks: the log segments after it bring those back. It is written anew as one generation when blocks
// were sealed; the manifest says which generation and which blocks hold, in one value, so that they change together.

const (
	formatVersion = 1
	// stateSubjects is how many subjects share a section.
	stateSubjects = 4096
)

// save writes a generation of the state, and drops the log segments that it makes needless. It needs the maintain lock.
func (e *engine) save() error {
	e.commit.Lock()
	segment, err := e.journal.rotate()
	e.commit.Unlock()
	if err != nil {
		return err
	}
	e.mu.RLock()
	generation := e.generation + 1
	subjects := e.encodeSubjects()
	sections := []struct {
		section byte
		content []byte
	}{
		{sourceSection, e.encodeSources()},
		{factSection, e.encodeFacts()},
		{restSection, e.encodeRest()},
	}
	manifest := e.encodeManifest(generation, len(subjects))
	sealed := e.sealed
	e.mu.RUnlock()

	prefix := statePrefix(generation)
	for i, s := range subjects {
		if err := e.putSection(prefix, subjectSection, i, s); err != nil {
			return err
		}
	}
	for _, s := range sections {
		if err := e.putSection(prefix, s.section, 0, s.content); err != nil {
			return err
		}
	}
	// Blocks and state first, then what refers to them, then what they replace.
	if err := e.kv.sync(); err != nil {
		return err
	}
	if err := e.kv.write([]pair{{[]byte{manifestKey}, e.codec.seal(manifest)}}); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := e.kv.sync(); err != nil {
		return err
	}
	before := e.generation
	e.generation = generation
	e.commit.Lock()
	err = e.journal.drop(segment, sealed)
	e.commit.Unlock()
	if err != nil {
		return err
	}
	return e.deleteAll(statePrefix(before))
}

func (e *engine) encodeManifest(generation uint64, parts int) []byte {
	var w writer
	w.uint(uint64(e.step))
	w.uint(generation)
	w.uint(uint64(parts))
	w.uint(uint64(e.sealed))
	for _, t := range e.tiers {
		w.uint(uint64(t.sealed))
		w.uint(uint64(t.floor))
		w.uint(uint64(len(t.blocks)))
		for _, b := range t.blocks {
			m := b.meta
			w.uint(uint64(m.start))
			w.tickOrNever(m.roundMin)
			w.tickOrNever(m.sampleMin)
			for _, n := range [...]int{m.series, m.slabs, m.marks, m.events} {
				w.uint(uint64(n))
			}
			w.instant(m.eventMin)
			w.instant(m.eventMax)
		}
	}
	return w.b
}

// tickOrNever writes a tick that may be below zero, or never.
func (w *writer) tickOrNever(t int64) {
	w.bool(t != never)
	if t != never {
		w.int(t)
	}
}

func (r *reader) tickOrNever() int64 {
	if r.bool() {
		return r.int()
	}
	return never
}

// manifest is what decodeManifest reads.
type manifest struct {
	tick       time.Duration
	generation uint64
	parts      int
	sealed     int64
	tiers      [tiers]tier
}

func decodeManifest(content []byte) (manifest, error) {
	r := reader{b: content}
	m := manifest{tick: time.Duration(r.tick()), generation: r.uint(), parts: int(r.span()), sealed: r.tick()}
	if _, err := (Options{Tick: m.tick}).withDefaults(); r.err == nil && (err != nil || m.tick == 0) {
		r.fail("the tick cannot be")
	}
	if r.err != nil {
		return m, r.err
	}
	c := newClock(m.tick)
	for i := range m.tiers {
		t := &m.tiers[i]
		t.sealed, t.floor = r.tick(), r.tick()
		for range r.count(10) {
			b := &block{tier: i}
			b.meta.start = r.tick()
			b.meta.end = b.meta.start + c.blockTicks[i]
			b.meta.roundMin, b.meta.sampleMin = r.tickOrNever(), r.tickOrNever()
			for _, n := range [...]*int{&b.meta.series, &b.meta.slabs, &b.meta.marks, &b.meta.events} {
				*n = int(r.span())
			}
			b.meta.eventMin, b.meta.eventMax = r.instant(), r.instant()
			t.blocks = append(t.blocks, b)
		}
	}
	return m, r.end()
}

func (e *engine) encodeSubjects() [][]byte {
	var out [][]byte
	var batch []*subject
	flush := func() {
		var w writer
		var n names
		w.uint(uint64(len(batch)))
		for _, s := range batch {
			w.subject(s, &n)
		}
		out = append(out, w.b)
		batch = batch[:0]
	}
	for _, s := range e.subjects {
		if s != nil {
			if batch = append(batch, s); len(batch) == stateSubjects {
				flush()
			}
		}
	}
	if len(batch) > 0 {
		flush()
	}
	return out
}

func (w *writer) subject(s *subject, n *names) {
	w.uint(uint64(s.id))
	n.access(w, &s.entry.access)
	w.uint(uint64(s.first))
	w.uint(uint64(s.last))
	w.uint(uint64(len(s.series)))
	for _, x := range s.series {
		w.byte(byte(x.key.Metric))
		w.byte(byte(x.key.Evidence))
		w.bool(x.sealed)
		if x.sealed {
			w.int(x.base)
			w.uint(uint64(x.src.id))
		}
	}
	w.uint(uint64(len(s.supports)))
	for _, p := range s.supports {
		w.byte(byte(p.kind))
		w.uint(uint64(p.src.id))
		w.uint(uint64(p.srcTick))
		w.uint(uint64(p.detailTick))
		w.string(p.detail)
		w.tickOrNever(p.sighted)
		w.tickOrNever(p.sealed)
	}
}

// decodeSubjects reads a section of subjects; sources are those that the state names.
func decodeSubjects(content []byte, sources []*source) ([]*subject, error) {
	r := reader{b: content}
	sourceOf := func() *source {
		if n := r.uint(); n < uint64(len(sources)) {
			return sources[n]
		}
		r.fail("a source that is not there")
		return nil
	}
	var out []*subject
	var n named
	for range r.count(10) {
		id := r.uint()
		if id == 0 || id > math.MaxUint32 {
			r.fail("a subject is out of range")
		}
		s := &subject{id: lineage.SubjectID(id), entry: &entry{access: n.access(&r)}, first: r.tick(), last: r.tick()}
		s.entry.subject = s
		for range r.count(3) {
			x := &series{subject: s, key: lineage.SeriesKey{Subject: s.id, Metric: r.metric(), Evidence: r.evidence()}, sealed: r.bool()}
			if x.sealed {
				x.base, x.src = r.int(), sourceOf()
			}
			s.addSeries(x)
		}
		for range r.count(7) {
			p := &support{kind: r.evidence(), src: sourceOf(), srcTick: r.tick(), detailTick: r.tick(), detail: r.string()}
			p.sighted, p.sealed = r.tickOrNever(), r.tickOrNever()
			s.supports = append(s.supports, p)
		}
		if r.err != nil {
			break
		}
		out = append(out, s)
	}
	return out, r.end()
}

func (e *engine) encodeSources() []byte {
	var w writer
	w.uint(uint64(len(e.sources)))
	for _, s := range e.sources {
		w.source(s.name)
		w.uint(uint64(s.before.tick))
		w.int(s.before.offset)
		w.uint(uint64(s.newest.tick))
		w.int(s.newest.offset)
		w.uint(uint64(s.newest.span))
		if s.newest.miss == nil {
			w.uint(0)
		} else {
			w.missing(s.newest.miss.list)
		}
	}
	return w.b
}

func decodeSources(content []byte) ([]*source, error) {
	r := reader{b: content}
	out := make([]*source, r.count(8))
	for i := range out {
		s := &source{id: uint16(i), name: r.source(), before: anchor{r.tick(), r.int()}}
		s.newest = round{anchor: anchor{r.tick(), r.int()}, span: r.span()}
		if list := r.missing(); len(list) > 0 {
			s.newest.miss = newMissing(list, encodeMissing(list))
		}
		if i > math.MaxUint16 {
			r.fail("too many sources")
		}
		if r.err != nil {
			return nil, r.err
		}
		out[i] = s
	}
	return out, r.end()
}

// encodeRest writes the small things: the next subject's id, the newest rounds, the small records, the positions.
func (e *engine) encodeRest() []byte {
	var w writer
	w.uint(uint64(len(e.subjects)))
	w.uint(uint64(len(e.latest)))
	for c, t := range e.latest {
		w.string(c)
		w.uint(uint64(t))
	}
	w.uint(uint64(len(e.smalls)))
	for kind, all := range e.smalls {
		w.string(string(kind))
		w.uint(uint64(len(all)))
		for _, x := range all {
			w.bytes(x)
		}
	}
	w.uint(uint64(len(e.positions)))
	for s, keys := range e.positions {
		w.source(s)
		w.uint(uint64(len(keys)))
		for k, p := range keys {
			w.string(k)
			w.uint(uint64(p.tick))
			w.bool(p.value != nil)
			if p.value != nil {
				w.bytes(p.value)
			}
		}
	}
	return w.b
}

// rest is what decodeRest reads.
type rest struct {
	ids       int
	latest    map[string]int64
	smalls    map[store.RecordKind][][]byte
	positions map[lineage.Source]map[string]position
}

func decodeRest(content []byte) (rest, error) {
	r := reader{b: content}
	ids := r.uint()
	if ids == 0 || ids > math.MaxUint32 {
		r.fail("the number of subjects is out of range")
	}
	out := rest{
		ids: int(ids), latest: map[string]int64{}, smalls: map[store.RecordKind][][]byte{}, positions: map[lineage.Source]map[string]position{},
	}
	for range r.count(2) {
		c := r.string()
		out.latest[c] = r.tick()
	}
	for range r.count(2) {
		kind := store.RecordKind(r.string())
		for range r.count(1) {
			out.smalls[kind] = append(out.smalls[kind], append([]byte{}, r.bytes()...))
		}
	}
	for range r.count(3) {
		s := r.source()
		keys := map[string]position{}
		for range r.count(3) {
			k := r.string()
			p := position{tick: r.tick()}
			if r.bool() {
				p.value = append([]byte{}, r.bytes()...)
			}
			keys[k] = p
		}
		out.positions[s] = keys
	}
	return out, r.end()
}

// load brings back the saved state. It is called before anything else has the engine.
func (e *engine) load() error {
	v, err := e.kv.get([]byte{formatKey})
	switch {
	case errors.Is(err, errAbsent):
		return e.kv.write([]pair{{[]byte{formatKey}, []byte{formatVersion}}})
	case err != nil:
		return fmt.Errorf("read format version: %w", err)
	case len(v) != 1 || v[0] > formatVersion:
		return fmt.Errorf("the data has format version %v, this program reads up to %d: use the program that wrote it, or a newer one", v, formatVersion)
	}
	sealed, err := e.kv.get([]byte{manifestKey})
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err == nil {
		sealed, err = e.codec.open(sealed)
	}
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	m, err := decodeManifest(sealed)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if m.tick != e.step {
		return fmt.Errorf("the data has a tick of %s, not %s: use that interval, or another data folder", m.tick, e.step)
	}
	e.generation, e.sealed, e.tiers = m.generation, m.sealed, m.tiers
	for _, t := range m.tiers {
		e.refuse = max(e.refuse, t.sealed)
	}
	return e.loadState(m)
}

func (e *engine) loadState(m manifest) error {
	prefix := statePrefix(m.generation)
	section := func(kind byte, number int, decode func([]byte) error) error {
		content, err := e.section(prefix, kind, number)
		if err == nil {
			err = decode(content)
		}
		if err != nil {
			return fmt.Errorf("read state %d, section %c %d: %w", m.generation, kind, number, err)
		}
		return nil
	}
	err := section(sourceSection, 0, func(b []byte) (err error) {
		e.sources, err = decodeSources(b)
		for _, s := range e.sources {
			e.byName[s.name] = s
		}
		return err
	})
	if err != nil {
		return err
	}
	err = section(restSection, 0, func(b []byte) error {
		x, err := decodeRest(b)
		if err == nil {
			e.subjects = make([]*subject, x.ids)
			e.latest, e.smalls, e.positions = x.latest, x.smalls, x.positions
		}
		return err
	})
	if err != nil {
		return err
	}
	err = section(factSection, 0, func(b []byte) (err error) {
		e.facts, err = decodeFacts(b)
		return err
	})
	if err != nil {
		return err
	}
	for i := range m.parts {
		err := section(subjectSection, i, func(b []byte) error {
			all, err := decodeSubjects(b, e.sources)
			if err != nil {
				return err
			}
			for _, s := range all {
				if int(s.id) >= len(e.subjects) || e.subjects[s.id] != nil {
					return fmt.Errorf("%w: subject %d is out of range or occurs twice", errCorrupt, s.id)
				}
				e.subjects[s.id] = s
				e.entries[s.entry.access] = s.entry
				e.live++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes what a crash left of blocks and states that the manifest does not name.
func (e *engine) sweep() error {
	known := map[string]bool{string(statePrefix(e.generation)): true}
	for t := range e.tiers {
		for _, b := range e.tiers[t].blocks {
			known[string(blockPrefix(t, b.meta.start))] = true
		}
	}
	var batch []pair
	for _, kind := range [...]struct {
		prefix byte
		length int
	}{{blockKey, 10}, {stateKey, 9}} {
		keys, err := e.kv.keys([]byte{kind.prefix})
		if err != nil {
			return fmt.Errorf("list keys: %w", err)
		}
		for _, k := range keys {
			if len(k) < kind.length || !known[string(k[:kind.length])] {
				batch = append(batch, pair{key: k})
			}
		}
	}
	if err := e.kv.write(batch); err != nil {
		return fmt.Errorf("delete leftovers: %w", err)
	}
	return nil
}
