package timeseries

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// What a section holds of many series, or of many ticks, is kept as it was written, with where each of them begins: an
// answer is about few of them, and what is encoded takes a fraction of the memory.

// slab is the samples of up to slabSeries series of a block.
type slab struct {
	columns []packed
	plain   [][]byte // those of a block of version 2
}

func (s *slab) len() int { return len(s.columns) + len(s.plain) }

func decodeSlab(_ *block, content []byte) (*slab, int, error) {
	r, s := reader{b: content}, &slab{}
	if len(content) > 0 && content[0] == slabOfColumns {
		r.byte()
		s.columns = decodeColumns(&r)
	} else {
		s.plain = decodePlainSlab(&r)
	}
	return s, len(content) + 64*s.len(), r.end()
}

// decodePlainSlab reads a slab as version 2 wrote it: numbers of variable length, one after another.
func decodePlainSlab(r *reader) [][]byte {
	out := make([][]byte, r.count(1))
	for i := range out {
		from := r.b
		r.skip(3 * r.count(3))
		if r.err != nil {
			break
		}
		out[i] = from[:len(from)-len(r.b)]
	}
	return out
}

// points decodes the samples of a series.
func (s *slab) points(b *block, i int) ([]point, error) { return s.decode(b, i, nil) }

// decode is points into the room of those of the series before it, or of none: they may be of the same times.
func (s *slab) decode(b *block, i int, before []point) ([]point, error) {
	switch {
	case s.plain == nil && before != nil && s.columns[i].again:
		return before, s.columns[i].values(before)
	case s.plain == nil:
		return s.columns[i].points(b.meta.end-b.meta.start, before)
	}
	r := reader{b: s.plain[i]}
	n := r.count(3)
	out := slices.Grow(before[:0], n)[:n]
	tick := int64(0)
	for j := range out {
		if tick += int64(r.span()); tick > b.meta.end-b.meta.start {
			r.fail("a sample lies after its block")
		}
		out[j].tick = int32(tick)
	}
	for j := range out {
		s := r.int()
		if s < -math.MaxInt32 || s > math.MaxInt32 {
			r.fail("a span is out of range")
		}
		out[j].span = int32(s)
	}
	for j := range out {
		out[j].value = r.int()
	}
	return out, r.end()
}

// skip passes over variable numbers.
func (r *reader) skip(n int) {
	if n == 0 {
		return
	}
	for i, x := range r.b {
		if x < 0x80 {
			if n--; n == 0 {
				r.b = r.b[i+1:]
				return
			}
		}
	}
	r.fail("a number is cut off")
}

// markPart is the marks of some ticks of a block.
type markPart struct {
	ticks []int64
	codes [][]byte // of the marks, by tick
}

func decodeMarkPart(b *block, content []byte) (*markPart, int, error) {
	r := reader{b: content}
	n := r.count(2)
	p := &markPart{ticks: make([]int64, n), codes: make([][]byte, n)}
	tick := b.meta.start
	for i := range p.ticks {
		step := r.tick()
		if tick += step; step == 0 || tick > b.meta.end {
			r.fail("marks lie outside their block")
		}
		from := r.b
		for range bits.OnesCount64(r.uint()) {
			r.bytes()
		}
		if r.err != nil {
			break
		}
		p.ticks[i], p.codes[i] = tick, from[:len(from)-len(r.b)]
	}
	return p, len(content) + 32*n, r.end()
}

// marks decodes the marks of the i-th tick; they are the caller's.
func (p *markPart) marks(i int) (*marks, error) {
	r := reader{b: p.codes[i]}
	m := &marks{}
	r.marks(m)
	return m, r.end()
}

// marksUnion is what many marks mark together, made at once: runs of ids are slow to add to runs, one after another.
type marksUnion struct {
	moved []*roaring.Bitmap
	seen  [maxEvidence][]*roaring.Bitmap
}

// add keeps the marks, which must not change.
func (u *marksUnion) add(m *marks) {
	if m.moved != nil {
		u.moved = append(u.moved, m.moved)
	}
	for k, b := range m.seen {
		if b != nil {
			u.seen[k] = append(u.seen[k], b)
		}
	}
}

// unionOf joins marks.
func unionOf(all []tickMarks) *marks {
	var u marksUnion
	for i := range all {
		u.add(&all[i].marks)
	}
	return u.marks()
}

// marks returns the union; it is the caller's.
func (u *marksUnion) marks() *marks {
	out := &marks{}
	join := func(all []*roaring.Bitmap) *roaring.Bitmap {
		if len(all) == 0 {
			return nil
		}
		return roaring.FastOr(all...)
	}
	out.moved = join(u.moved)
	for k, all := range u.seen {
		out.seen[k] = join(all)
	}
	return out
}

// partly returns an error of a part of a section. As in load, a block that turns out to be damaged is a gap from then
// on.
func (e *engine) partly(b *block, section byte, number int, err error) error {
	err = fmt.Errorf("read %s, section %c %d: %w", b.file(), section, number, err)
	if damaged(err) {
		e.quarantine(b, err)
	}
	return err
}
