package timeseries

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The saved state is all that memory holds besides open blocks: the log segments after it bring those back. It is
// written anew as one generation when blocks were sealed; its manifest says which blocks and which log segments there
// must be. A generation is one file in two copies: what is not whole in one is read in the other.

const (
	// stateSubjects is how many subjects share a section.
	stateSubjects = 4096
	// Flags of a series.
	sealedFlag  = 1
	derivedFlag = 2
)

// save writes a generation of the state, and then, and only then, drops what it makes needless: the generation before,
// and log segments. Blocks that it does not name any more are deleted by the next Maintain. It needs the maintain lock.
func (e *engine) save() error {
	e.commit.Lock()
	segment, err := e.journal.rotate()
	live := e.journal.live(segment, e.sealed) // which only Maintain changes
	e.commit.Unlock()
	if err != nil {
		return err
	}
	type part struct {
		kind    byte
		number  int
		content []byte
	}
	e.mu.RLock()
	generation, sealed, doomed := e.generation+1, e.sealed, len(e.doomed)
	subjects := e.encodeSubjects()
	manifest := e.encodeManifest(generation, len(subjects), segment, live)
	parts := []part{
		{manifestPart, 0, manifest},
		{sourceSection, 0, e.encodeSources()},
		{factSection, 0, e.encodeFacts()},
		{restSection, 0, e.encodeRest()},
		{lostSection, 0, encodeLost(e.lost, e.unsure)},
		{awaySection, 0, encodeAway(e.unsure)},
		{lateSection, 0, e.encodeLate()},
	}
	e.mu.RUnlock()
	for i, s := range subjects {
		parts = append(parts, part{subjectSection, i, s})
	}

	file := stateOf(generation)
	if err := e.vault.begin(file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	for _, p := range parts {
		if err := e.putSection(file, p.kind, p.number, p.content); err != nil {
			return err
		}
	}
	if err := e.vault.finish(file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	e.mu.Lock()
	before := e.generation
	e.generation = generation
	e.buriable, e.doomed = append(e.buriable, e.doomed[:doomed]...), slices.Clone(e.doomed[doomed:])
	e.mu.Unlock()
	// The generation before needs the segments that are dropped: so it goes first.
	if err := e.vault.drop(stateOf(before)); err != nil {
		return fmt.Errorf("drop %s: %w", stateOf(before), err)
	}
	e.commit.Lock()
	defer e.commit.Unlock()
	return e.journal.saved(generation, segment, sealed)
}

func (e *engine) encodeSubjects() [][]byte { return encodeParts(e.subjects.all()) }

// encodeParts writes subjects in sections.
func encodeParts(all iter.Seq[*subject]) [][]byte {
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
	for s := range all {
		if batch = append(batch, s); len(batch) == stateSubjects {
			flush()
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
	first := s.first
	if first == never {
		first = 0
	}
	w.uint(uint64(first))
	w.uint(uint64(s.last))
	w.uint(uint64(len(s.series)))
	for _, x := range s.series {
		w.byte(byte(x.key.Metric))
		w.byte(byte(x.key.Evidence))
		flags := byte(0)
		if x.sealed {
			flags |= sealedFlag
		}
		if x.derived {
			flags |= derivedFlag
		}
		w.byte(flags)
		if x.sealed {
			w.int(x.base)
			w.uint(uint64(x.src.id))
			if x.key.Metric == lineage.Linked {
				w.uint(uint64(x.since))
			}
		}
	}
	w.uint(uint64(len(s.supports)))
	for _, p := range s.supports {
		w.byte(byte(p.kind))
		w.uint(uint64(p.src.id))
		w.uint(uint64(p.srcTick))
		detail := p.saved()
		w.uint(uint64(detail.At))
		w.string(detail.Text)
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
		s := &subject{id: subjectID(id), entry: &entry{access: n.access(&r)}, first: r.tick(), last: r.tick()}
		s.entry.subject = s
		for range r.count(3) {
			x := &series{subject: s, key: seriesKey{Subject: s.id, Metric: r.metric(), Evidence: r.evidence()}}
			flags := r.byte()
			if x.sealed, x.derived = flags&sealedFlag != 0, flags&derivedFlag != 0; flags > sealedFlag|derivedFlag {
				r.fail("a series has flags that nobody knows")
			}
			if x.sealed {
				x.base, x.src = r.int(), sourceOf()
				if x.key.Metric == lineage.Linked {
					x.since = r.tick()
				}
			}
			s.addSeries(x)
		}
		for range r.count(7) {
			p := support{kind: r.evidence(), src: sourceOf(), srcTick: r.tick(), detailTick: r.tick(), detail: r.string()}
			p.sighted, p.sealed, p.since = r.tickOrNever(), r.tickOrNever(), p.detailTick
			s.addSupport(p)
		}
		if s.first == 0 || !s.told() { // it was written otherwise once
			s.first = never
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
	w.uint(uint64(e.subjects.next))
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
	ids       subjectID // the next
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
		ids: subjectID(ids), latest: map[string]int64{}, smalls: map[store.RecordKind][][]byte{}, positions: map[lineage.Source]map[string]position{},
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

// load brings back the newest saved state that can be read. It is called before anything else has the engine. found is
// false when there is none.
func (e *engine) load() (m manifest, found bool, err error) {
	files := e.vault.list()
	for _, f := range slices.Backward(files) {
		if f.kind != stateFile {
			continue
		}
		if m, err = e.loadGeneration(f); err == nil {
			return m, true, nil
		}
		if !damaged(err) {
			return m, false, err
		}
		e.forget()
		e.log.Error("a saved state of the store cannot be read, in neither of its copies", "error", err)
		e.setAside(f)
		e.broken = true
	}
	return manifest{}, false, nil
}

// damaged reports whether an error says that bytes are not what was written, or gone.
func damaged(err error) bool { return errors.Is(err, errCorrupt) || errors.Is(err, errAbsent) }

// forget makes memory as empty as it was, after a state that turned out to be damaged.
func (e *engine) forget() {
	e.generation, e.sealed, e.refuse, e.tiers = 0, 0, 0, [tiers]tier{}
	e.dead, e.unsure, e.unreadable, e.rosters = nil, nil, nil, nil
	e.sources, e.subjects, e.smalls, e.lost = nil, newSubjects(1), map[store.RecordKind][][]byte{}, nil
	e.byName, e.entries = map[lineage.Source]*source{}, newEntries()
	e.facts, e.latest, e.positions = map[lineage.FactKey]*factLine{}, map[string]int64{}, map[lineage.Source]map[string]position{}
	e.ledgers = newLedgers()
}

func (e *engine) loadGeneration(file fileID) (manifest, error) {
	content, err := e.section(file, manifestPart, 0)
	if err != nil {
		return manifest{}, err
	}
	m, err := decodeManifest(content)
	switch {
	case err != nil:
		return m, fmt.Errorf("read manifest: %w", err)
	case m.tick != e.step:
		return m, fmt.Errorf("the data has a tick of %s, not %s: use that interval, or another data folder", m.tick, e.step)
	case stateOf(m.generation) != file:
		return m, fmt.Errorf("%w: %s says that it is generation %d", errCorrupt, file, m.generation)
	}
	e.generation, e.sealed, e.tiers = m.generation, m.sealed, m.tiers
	for _, t := range m.tiers {
		e.refuse = max(e.refuse, t.sealed)
	}
	if err := e.loadState(m); err != nil {
		return m, err
	}
	e.index()
	return m, nil
}

func (e *engine) loadState(m manifest) error {
	for _, part := range []struct {
		kind   byte
		decode func([]byte) error
	}{
		{sourceSection, e.loadSources},
		{restSection, e.loadRest},
		{lostSection, func(b []byte) (err error) {
			e.lost, e.unsure, err = decodeLost(b)
			return err
		}},
		{factSection, func(b []byte) (err error) {
			e.facts, err = decodeFacts(b)
			return err
		}},
	} {
		if err := e.loadSection(m, part.kind, 0, part.decode); err != nil {
			return err
		}
	}
	if err := e.loadAway(m); err != nil {
		return err
	}
	for i := range m.parts {
		if err := e.loadSection(m, subjectSection, i, e.loadSubjects); err != nil {
			return err
		}
	}
	err := e.loadSection(m, lateSection, 0, func(b []byte) (err error) {
		e.ledgers.resume, err = decodeLate(b)
		return err
	})
	if err != nil {
		return err
	}
	return e.loadDead(m.dead)
}

// loadSection hands a section of the saved state to who reads it.
func (e *engine) loadSection(m manifest, kind byte, number int, decode func([]byte) error) error {
	file := stateOf(m.generation)
	content, err := e.section(file, kind, number)
	if err != nil {
		return err
	}
	if err = decode(content); err != nil {
		return fmt.Errorf("read %s, section %c %d: %w", file, kind, number, err)
	}
	return nil
}

func (e *engine) loadSources(content []byte) (err error) {
	e.sources, err = decodeSources(content)
	for _, s := range e.sources {
		e.byName[s.name] = s
	}
	return err
}

func (e *engine) loadRest(content []byte) error {
	x, err := decodeRest(content)
	if err == nil {
		e.subjects = newSubjects(x.ids)
		e.latest, e.smalls, e.positions = x.latest, x.smalls, x.positions
	}
	return err
}

// loadAway reads who is beyond retention; a state of before has them among what is lost.
func (e *engine) loadAway(m manifest) error {
	if err := e.vault.has(stateOf(m.generation), []sectionID{{awaySection, 0}}); errors.Is(err, errAbsent) {
		return nil
	} else if err != nil {
		return err
	}
	return e.loadSection(m, awaySection, 0, func(b []byte) (err error) {
		e.unsure, err = decodeAway(b)
		return err
	})
}

func (e *engine) loadSubjects(content []byte) error {
	all, err := decodeSubjects(content, e.sources)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.id >= e.subjects.next || e.subjects.of(s.id) != nil {
			return fmt.Errorf("%w: subject %d is out of range or occurs twice", errCorrupt, s.id)
		}
		e.subjects.put(s)
		e.entries.put(s.entry)
	}
	return nil
}
