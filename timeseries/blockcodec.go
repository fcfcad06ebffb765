package timeseries

import (
	"fmt"
	"math"
	"slices"
)

// blockWriter writes the sections of a new block. Nothing refers to them until the manifest does.
type blockWriter struct {
	e       *engine
	b       *block
	file    fileID
	index   []indexEntry
	slab    [][]point
	words   *blockWords // of a raw block
	details *blockDetails
	reasons blockReasons // of a coarser one
}

func (e *engine) newBlock(tier int, start int64) *blockWriter {
	b := &block{tier: tier, meta: blockMeta{start: start, end: start + e.blockTicks[tier], roundMin: never, sampleMin: never}}
	return &blockWriter{e: e, b: b, file: b.file(), details: &blockDetails{}}
}

// renewed makes the next revision of a block.
func (e *engine) renewed(old *block) *blockWriter {
	w := e.newBlock(old.tier, old.meta.start)
	w.b.revision = old.revision + 1
	w.file = w.b.file()
	return w
}

// add takes the next series, in the order of keys. Counters' points hold advances. It fills in where the samples are
// and what they add up to.
func (w *blockWriter) add(x indexEntry, points []point) error {
	x.samples, x.reach = len(points), never
	if len(points) > 0 {
		x.slab, x.slot = w.b.meta.slabs, len(w.slab)
		w.slab = append(w.slab, points)
	}
	if x.key.Metric.Counter() {
		x.based, x.base, x.last = false, 0, 0
		for _, p := range points {
			x.sum += p.value
			x.reach = min(x.reach, w.b.meta.start+int64(p.tick)-p.width())
			x.estimated = x.estimated || p.estimated()
		}
		w.b.meta.sampleMin = min(w.b.meta.sampleMin, x.reach)
	}
	w.index = append(w.index, x)
	w.b.meta.series++
	if len(w.slab) == slabSeries {
		return w.flush()
	}
	return nil
}

func (w *blockWriter) flush() error {
	if len(w.slab) == 0 {
		return nil
	}
	err := w.e.putSection(w.file, slabSection, w.b.meta.slabs, encodeSlab(w.slab))
	w.b.meta.slabs++
	w.slab = w.slab[:0]
	return err
}

// finish writes the rest; the block is durable then. all is sorted by tick.
func (w *blockWriter) finish(rounds map[uint16]*sourceRounds, union *marks, all []tickMarks, events []dated) (*block, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	m := &w.b.meta
	for _, s := range rounds {
		for _, r := range s.rounds {
			m.roundMin = min(m.roundMin, r.start())
		}
	}
	m.events = len(events)
	for i, x := range events {
		if i == 0 || x.At.Before(m.eventMin) {
			m.eventMin = x.At
		}
		if i == 0 || x.At.After(m.eventMax) {
			m.eventMax = x.At
		}
	}
	width := marksTicks * w.e.stepTicks[w.b.tier]
	m.marks = int(w.e.blockTicks[w.b.tier] / width)
	if w.e.blockTicks[w.b.tier]%width != 0 {
		m.marks++
	}
	for i := range m.marks {
		from := m.start + int64(i)*width
		a, _ := slices.BinarySearchFunc(all, from+1, compareMarks)
		b, _ := slices.BinarySearchFunc(all, from+width+1, compareMarks)
		if err := w.e.putSection(w.file, marksSection, i, encodeMarks(m.start, all[a:b])); err != nil {
			return nil, err
		}
		if m.marks > 1 {
			if err := w.e.putSection(w.file, partSection, i, encodeUnion(unionOf(all[a:b]))); err != nil {
				return nil, err
			}
		}
	}
	if w.b.tier == rawTier {
		if err := w.e.putSection(w.file, wordsSection, 0, encodeWords(w.b, w.words)); err != nil {
			return nil, err
		}
	}
	if err := w.e.putSection(w.file, detailsSection, 0, encodeDetails(w.b, w.details)); err != nil {
		return nil, err
	}
	if len(w.reasons.entries) > 0 {
		if err := w.e.putSection(w.file, reasonsSection, 0, encodeReasons(w.b, &w.reasons)); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		section byte
		content []byte
	}{
		{indexSection, encodeIndex(w.b, w.index)},
		{roundsSection, encodeRounds(w.b, rounds)},
		{unionSection, encodeUnion(union)},
		{eventsSection, encodeEvents(w.b, events)},
	} {
		if err := w.e.putSection(w.file, s.section, 0, s.content); err != nil {
			return nil, err
		}
	}
	if err := w.e.vault.finish(w.file); err != nil {
		return nil, fmt.Errorf("write %s: %w", w.file, err)
	}
	return w.b, nil
}

// begin starts the block's file.
func (w *blockWriter) begin() error {
	if err := w.e.vault.begin(w.file); err != nil {
		return fmt.Errorf("write %s: %w", w.file, err)
	}
	return nil
}

// sections are those that a block must have.
func (b *block) sections() []sectionID {
	m := &b.meta
	out := []sectionID{{indexSection, 0}, {roundsSection, 0}, {unionSection, 0}, {eventsSection, 0}}
	if b.tier == rawTier {
		out = append(out, sectionID{wordsSection, 0})
	}
	for i := range m.slabs {
		out = append(out, sectionID{slabSection, i})
	}
	for i := range m.marks {
		out = append(out, sectionID{marksSection, i})
	}
	return out
}

func compareMarks(m tickMarks, tick int64) int { return int(min(max(m.tick-tick, -1), 1)) }

func encodeIndex(b *block, index []indexEntry) []byte {
	var w writer
	w.uint(uint64(len(index)))
	subject := subjectID(0)
	for _, x := range index {
		w.uint(uint64(x.key.Subject - subject))
		subject = x.key.Subject
		w.byte(byte(x.key.Metric))
		w.byte(byte(x.key.Evidence))
		w.uint(uint64(x.src))
		w.uint(uint64(x.samples))
		switch {
		case !x.key.Metric.Counter():
			w.bool(x.based)
			w.int(x.base)
			w.int(x.last)
		case x.samples > 0:
			w.int(x.sum)
			w.uint(uint64(b.meta.end - x.reach))
			w.bool(x.estimated)
		}
	}
	return w.b
}

func decodeIndex(b *block, content []byte) ([]indexEntry, int, error) {
	r := reader{b: content}
	out := make([]indexEntry, r.count(5))
	subject, slot := uint64(0), 0
	for i := range out {
		subject += r.uint()
		if subject > math.MaxUint32 {
			r.fail("a subject is out of range")
		}
		x := indexEntry{key: seriesKey{Subject: subjectID(subject), Metric: r.metric(), Evidence: r.evidence()}, reach: never}
		src, samples := r.uint(), r.span()
		if src > math.MaxUint16 {
			r.fail("a source is out of range")
		}
		x.src, x.samples = uint16(src), int(samples)
		switch {
		case !x.key.Metric.Counter():
			x.based, x.base, x.last = r.bool(), r.int(), r.int()
		case x.samples > 0:
			x.sum, x.reach, x.estimated = r.int(), b.meta.end-r.tick(), r.bool()
		}
		if x.samples > 0 {
			x.slab, x.slot = slot/slabSeries, slot%slabSeries
			slot++
		}
		if r.err != nil {
			break
		}
		if i > 0 && compareKeys(out[i-1].key, x.key) >= 0 {
			r.fail("the series are not in order")
		}
		out[i] = x
	}
	return out, len(out) * 80, r.end()
}

func encodeRounds(b *block, all map[uint16]*sourceRounds) []byte {
	var w writer
	ids := make([]uint16, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	// Outages repeat one long list: each different one is written once, and named by its place.
	table := map[string]int{}
	var lists []*missing
	for _, id := range ids {
		for _, x := range all[id].rounds {
			if x.miss != nil {
				if _, ok := table[x.miss.code]; !ok {
					lists = append(lists, x.miss)
					table[x.miss.code] = len(lists)
				}
			}
		}
	}
	w.uint(uint64(len(lists)))
	for _, m := range lists {
		w.missing(m.list)
	}
	w.uint(uint64(len(ids)))
	for _, id := range ids {
		s := all[id]
		w.uint(uint64(id))
		w.uint(uint64(s.before.tick))
		w.int(s.before.offset)
		w.uint(uint64(len(s.rounds)))
		tick := b.meta.start
		for _, x := range s.rounds {
			w.uint(uint64(x.tick - tick))
			tick = x.tick
			w.uint(uint64(x.span))
			w.int(x.offset)
			if x.miss == nil {
				w.uint(0)
			} else {
				w.uint(uint64(table[x.miss.code]))
			}
		}
	}
	return w.b
}

func decodeRounds(b *block, content []byte) (map[uint16]*sourceRounds, int, error) {
	r := reader{b: content}
	lists := make([]*missing, r.count(1))
	cost := 0
	for i := range lists {
		before := len(r.b)
		list := r.missing()
		lists[i] = newMissing(list, encodeMissing(list))
		cost += 4 * (before - len(r.b))
	}
	out := map[uint16]*sourceRounds{}
	for range r.count(4) {
		id := r.uint()
		if id > math.MaxUint16 {
			r.fail("a source is out of range")
		}
		s := &sourceRounds{before: anchor{tick: r.tick(), offset: r.int()}}
		s.rounds = make([]round, r.count(4))
		tick := b.meta.start
		for i := range s.rounds {
			step := r.tick()
			if tick += step; step == 0 || tick > b.meta.end {
				r.fail("a round lies outside its block")
			}
			x := round{anchor: anchor{tick: tick}, span: r.span()}
			x.offset = r.int()
			if m := r.uint(); m > uint64(len(lists)) {
				r.fail("a round names a list that is not there")
			} else if m > 0 {
				x.miss = lists[m-1]
			}
			if r.err != nil {
				break
			}
			s.rounds[i] = x
		}
		if out[uint16(id)] != nil {
			r.fail("a source occurs twice")
		}
		if r.err != nil {
			break
		}
		out[uint16(id)] = s
		cost += 100 + 32*len(s.rounds)
	}
	return out, cost, r.end()
}

func (w *writer) marks(m *marks) {
	mask := uint64(0)
	if m.moved != nil && !m.moved.IsEmpty() {
		mask = 1
	}
	for k, b := range m.seen {
		if b != nil && !b.IsEmpty() {
			mask |= 1 << k
		}
	}
	w.uint(mask)
	if mask&1 != 0 {
		w.bitmap(m.moved)
	}
	for k, b := range m.seen {
		if k > 0 && mask&(1<<k) != 0 {
			w.bitmap(b)
		}
	}
}

func (r *reader) marks(m *marks) (cost int) {
	mask := r.uint()
	before := len(r.b)
	if mask&1 != 0 {
		m.moved = r.bitmap()
	}
	for k := 1; k < maxEvidence; k++ {
		if mask&(1<<k) != 0 {
			m.seen[k] = r.bitmap()
		}
	}
	return 650 + 2*(before-len(r.b))
}

func encodeUnion(m *marks) []byte {
	var w writer
	w.marks(m)
	return w.b
}

func decodeUnion(_ *block, content []byte) (*marks, int, error) {
	r := reader{b: content}
	m := &marks{}
	cost := r.marks(m)
	return m, cost, r.end()
}

func encodeMarks(start int64, all []tickMarks) []byte {
	var w writer
	w.uint(uint64(len(all)))
	tick := start
	for i := range all {
		w.uint(uint64(all[i].tick - tick))
		tick = all[i].tick
		w.marks(&all[i].marks)
	}
	return w.b
}

func decodeMarks(b *block, content []byte) ([]tickMarks, int, error) {
	r := reader{b: content}
	out := make([]tickMarks, r.count(2))
	tick, cost := b.meta.start, 0
	for i := range out {
		step := r.tick()
		if tick += step; step == 0 || tick > b.meta.end {
			r.fail("marks lie outside their block")
		}
		out[i].tick = tick
		cost += r.marks(&out[i].marks)
		if r.err != nil {
			break
		}
	}
	return out, cost, r.end()
}

func encodeEvents(b *block, events []dated) []byte {
	var w writer
	w.uint(uint64(len(events)))
	for _, x := range events {
		w.uint(uint64(x.tick - b.meta.start))
		w.event(x.Event)
	}
	return w.b
}

func decodeEvents(b *block, content []byte) ([]dated, int, error) {
	r := reader{b: content}
	out := make([]dated, r.count(20))
	for i := range out {
		out[i] = dated{tick: b.meta.start + r.tick(), Event: r.event()}
		if out[i].tick > b.meta.end {
			r.fail("an event lies after its block")
		}
		if !known(&out[i].Access) {
			r.fail(fmt.Sprintf("an event's access has operation %d", out[i].Access.Op))
		}
		if r.err != nil {
			break
		}
	}
	return out, len(out)*500 + len(content), r.end()
}
