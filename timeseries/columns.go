package timeseries

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// The samples of a series in a block stand in a column: when, and what. Most columns of a slab are of one source, which
// looked at all of them at once, so when is written once for neighbours; and what is written as how far each value is
// from what was to be expected of it, in as many bits as that takes of late.

// packed is a column as it is written. What its slices hold is the slab's.
type packed struct {
	times []byte // as appendTimes wrote them
	again bool   // they are those of the column before
	how   uint8
	start uint8 // about how many bits the first difference takes
	bits  []byte
}

// How the values of a column are written.
const (
	valuesPlain = iota // each by itself; none is below zero
	valuesAfter        // as the difference from the one before
	valuesMean         // as the difference from what those before were of late
	valuesEqual        // once: all are the same
	// zerosApart is added where it is said first which of them are zeros, and the others are written as if these were
	// not there: a counter that falls idle does not slow down.
	zerosApart = 4
)

// slabOfColumns begins a slab of columns. One of version 2 begins with how many series it has, of which there is one at
// least.
const slabOfColumns = 0

// The bits of a column's head but its length's: whether its times are those before, how its values are written, and
// how the differences start.
const howBits, startBits = 3, 6

// packer encodes columns. Its rooms are used again for the next.
type packer struct {
	best, other bitWriter
	some        []point // that are not zero
}

// encodeSlab writes the samples of series, each of which has one at least.
func encodeSlab(slab [][]point) []byte {
	columns := make([]packed, len(slab))
	var times, values writer
	var p packer
	longest := 0
	for i, points := range slab {
		c := &columns[i]
		c.times = appendTimes(nil, points)
		if c.again = i > 0 && string(c.times) == string(columns[i-1].times); !c.again {
			times.bytes(c.times)
		}
		p.pack(c, points)
		values.b = append(values.b, c.bits...)
		longest = max(longest, len(c.bits))
	}
	lengthBits := uint(bits.Len(uint(longest)))
	var heads bitWriter
	for _, c := range columns {
		again := uint64(0)
		if c.again {
			again = 1
		}
		heads.put(again|uint64(c.how)<<1|uint64(c.start)<<(1+howBits), 1+howBits+startBits)
		heads.put(uint64(len(c.bits)), lengthBits)
	}
	var w writer
	w.byte(slabOfColumns)
	w.uint(uint64(len(columns)))
	w.byte(byte(lengthBits))
	w.bytes(heads.end())
	w.bytes(times.b)
	w.b = append(w.b, values.b...)
	return w.b
}

// pack encodes values in the way that is the shortest for them. What it returns holds until the next.
func (p *packer) pack(c *packed, points []point) {
	equal, plain := true, true
	for _, x := range points {
		equal = equal && x.value == points[0].value
		plain = plain && x.value >= 0
	}
	if equal {
		p.best.b = p.best.b[:0]
		p.best.exact(zigzag(points[0].value))
		c.how, c.start, c.bits = valuesEqual, 0, p.best.end()
		return
	}
	c.bits = nil
	for how := uint8(valuesPlain); how <= valuesMean; how++ {
		if how != valuesPlain || plain {
			p.try(c, points, points, how)
		}
	}
	p.some = p.some[:0]
	turns := 0 // to zero, and back
	for i, x := range points {
		if x.value != 0 {
			p.some = append(p.some, x)
		}
		if i > 0 && (x.value == 0) != (points[i-1].value == 0) {
			turns++
		}
	}
	if turns > 0 && turns <= 2+len(points)/8 { // else it is hardly ever the shortest
		for how := uint8(valuesPlain); how <= valuesMean; how++ {
			if how != valuesPlain || plain {
				p.try(c, points, p.some, how|zerosApart)
			}
		}
	}
}

// try encodes some of the values of a column in a way, and keeps it if it is shorter than what was tried before.
func (p *packer) try(c *packed, points, some []point, how uint8) {
	start := startOf(some, how&^zerosApart)
	p.other.b = p.other.b[:0]
	if how >= zerosApart {
		p.other.zeros(points)
	}
	p.other.values(some, how&^zerosApart, start)
	if b := p.other.end(); c.bits == nil || len(b) < len(c.bits) {
		p.best, p.other = p.other, p.best
		c.how, c.start, c.bits = how, start, b
	}
}

// usualRun is what runs of zeros, and of others, are taken to be about.
const usualRun = usual(8)

// zeros writes how many values are zero, then how many are not, and so on.
func (w *bitWriter) zeros(points []point) {
	zero := true
	for i := 0; i < len(points); zero = !zero {
		from := i
		for i < len(points) && (points[i].value == 0) == zero {
			i++
		}
		if !w.number(uint64(i-from), usualRun) {
			w.large(uint64(i - from))
		}
	}
}

// zeros reads what zeros wrote of n values, and returns the runs and how many are not zero.
func (r *bitReader) zeros(n int) (runs []int, some int, err error) {
	for left := n; left > 0; {
		x, _ := r.number(usualRun)
		if x > uint64(left) || x == 0 && len(runs) > 0 {
			return nil, 0, fmt.Errorf("%w: runs of zeros do not end where they should", errCorrupt)
		}
		if left -= int(x); len(runs)%2 == 1 {
			some += int(x)
		}
		runs = append(runs, int(x))
	}
	return runs, some, nil
}

// spreadValues puts values that stand at the beginning where they belong, with zeros between.
func spreadValues(out []point, runs []int, some int) {
	i := len(out)
	for k, n := range slices.Backward(runs) {
		for range n {
			if i--; k%2 == 1 {
				some--
				out[i].value = out[some].value
			} else {
				out[i].value = 0
			}
		}
	}
}

// forecast is what the next value of a column is held against.
type forecast struct {
	how  uint8
	n    uint
	mean int64 // 16 times what values were of late, or the one before
}

// far returns how far a value is from what was expected.
func (e *forecast) far(x int64) uint64 {
	switch e.how {
	case valuesPlain:
		return uint64(x)
	case valuesAfter:
		return zigzag(x - e.mean)
	default:
		return zigzag(x - (e.mean+8)>>4)
	}
}

// value returns the value that is so far from what was expected.
func (e *forecast) value(far uint64) int64 {
	switch e.how {
	case valuesPlain:
		return int64(far)
	case valuesAfter:
		return e.mean + unzigzag(far)
	default:
		return (e.mean+8)>>4 + unzigzag(far)
	}
}

// saw takes in a value. The mean is over eight values about, and less at first. Of values too large for it it is
// anything, and the same for who writes and who reads.
func (e *forecast) saw(x int64) {
	if e.how == valuesAfter {
		e.mean = x
		return
	}
	e.n++
	e.mean += (x<<4 - e.mean) >> min(uint(bits.Len(e.n))-1, 3)
}

// distance is how large the differences of a column are of late, times eight.
type distance uint64

func distanceFrom(start uint8) distance { return 12 << start }

func (d distance) usual() usual { return usual(d >> 3) }

func (d *distance) saw(far uint64) { *d += distance(min(far, math.MaxUint64>>4)) - *d>>3 }

// startOf returns what the differences but the first, which is from nothing, are about: how many bits less one.
func startOf(points []point, how uint8) uint8 {
	e, sum := forecast{how: how}, uint64(0)
	for i, x := range points {
		if i > 0 || how == valuesPlain {
			sum += min(e.far(x.value), math.MaxUint64>>32)
		}
		e.saw(x.value)
	}
	return uint8(usual(sum / uint64(len(points))).low())
}

// values writes values. The first is written at large where the others are differences.
func (w *bitWriter) values(points []point, how, start uint8) {
	e, d := forecast{how: how}, distanceFrom(start)
	for i, x := range points {
		far := e.far(x.value)
		switch {
		case i == 0 && how != valuesPlain:
			w.exact(far)
		default:
			if !w.number(far, d.usual()) {
				w.large(far)
			}
			d.saw(far)
		}
		e.saw(x.value)
	}
}

// values reads what values wrote.
func (c *packed) values(out []point) error {
	r := newBitReader(c.bits)
	if c.how == valuesEqual {
		x := unzigzag(r.exact())
		for i := range out {
			out[i].value = x
		}
		return r.end()
	}
	how, all := c.how&^zerosApart, out
	var runs []int
	if c.how >= zerosApart {
		found, some, err := r.zeros(len(out))
		if err != nil {
			return err
		}
		runs, out = found, out[:some]
	}
	e, d := forecast{how: how}, distanceFrom(c.start)
	for i := range out {
		var far uint64
		if i == 0 && how != valuesPlain {
			far = r.exact()
		} else {
			far, _ = r.number(d.usual())
			d.saw(far)
		}
		out[i].value = e.value(far)
		e.saw(out[i].value)
	}
	if c.how >= zerosApart {
		spreadValues(all, runs, len(out))
	}
	return r.end()
}

// appendTimes writes how many samples a column has, and of each the tick less the one before and the span.
func appendTimes(b []byte, points []point) []byte {
	w := writer{b: b}
	unit, gapBits := gapsInBits(points)
	var runs writer
	runs.runs(len(points), func(i int) uint64 { return gap(points, i) })
	switch {
	case unit > 0 && len(gapBits) < len(runs.b):
		w.uint(uint64(len(points))<<1 | 1)
		w.uint(unit)
		w.uint(uint64(points[0].tick))
		w.bytes(gapBits)
	default:
		w.uint(uint64(len(points)) << 1)
		w.b = append(w.b, runs.b...)
	}
	w.runs(len(points), func(i int) uint64 { return zigzag(int64(points[i].span)) })
	return w.b
}

// gap returns how far a sample's tick is from the one before, the first from the block's start.
func gap(points []point, i int) uint64 {
	if i == 0 {
		return uint64(points[0].tick)
	}
	return uint64(points[i].tick - points[i-1].tick)
}

// gapsInBits writes the gaps after the first in units, less one; unit is zero where two samples have one tick, or there
// is one sample only.
func gapsInBits(points []point) (unit uint64, _ []byte) {
	for i := 1; i < len(points); i++ {
		g := gap(points, i)
		if g == 0 {
			return 0, nil
		}
		for unit != 0 {
			g, unit = unit, g%unit
		}
		unit = g
	}
	var w bitWriter
	var u usual
	for i := 1; i < len(points); i++ {
		x := gap(points, i)/unit - 1
		if !w.number(x, u) {
			w.large(x)
		}
		u.saw(x)
	}
	return unit, w.end()
}

// runs writes n numbers of 63 bits at most, each once for as many as follow one another; zeros one by one.
func (w *writer) runs(n int, at func(i int) uint64) {
	for i := 0; i < n; {
		j := i + 1
		for j < n && at(i) != 0 && at(j) == at(i) {
			j++
		}
		if j == i+1 {
			w.uint(at(i) << 1)
		} else {
			w.uint(at(i)<<1 | 1)
			w.uint(uint64(j - i - 2))
		}
		i = j
	}
}

// runs reads what runs wrote; take returns false where it has failed.
func (r *reader) runs(n int, take func(i int, x uint64, many int) (ok bool)) {
	for i := 0; i < n; {
		code, many := r.uint(), uint64(1)
		if code&1 == 1 {
			many = r.uint() + 2
		}
		if many > uint64(n-i) || many == 0 {
			r.fail("more samples than there are")
		}
		if r.err != nil || !take(i, code>>1, int(many)) {
			return
		}
		i += int(many)
	}
}

// points decodes a column of a block that has so many ticks, into the room of others.
func (c *packed) points(ticks int64, room []point) ([]point, error) {
	r := reader{b: c.times}
	code := r.uint()
	if code>>1 > uint64(len(r.b))+uint64(ticks) { // only one by one can samples be of one tick
		r.fail("a count exceeds what follows")
		return nil, r.err
	}
	out := slices.Grow(room[:0], int(code>>1))[:code>>1]
	if code&1 == 1 {
		r.gapsInBits(out, ticks)
	} else {
		tick := uint64(0)
		r.runs(len(out), func(i int, gap uint64, many int) bool {
			if many > 1 && gap == 0 || gap > uint64(ticks) {
				r.fail("ticks that repeat, or lie after their block")
				return false
			}
			for ; many > 0; many-- {
				if tick += gap; tick > uint64(ticks) {
					r.fail("a sample lies after its block")
					return false
				}
				out[i].tick = int32(tick)
				i++
			}
			return true
		})
	}
	r.runs(len(out), func(i int, x uint64, many int) bool {
		span := unzigzag(x)
		if span < -math.MaxInt32 || span > math.MaxInt32 {
			r.fail("a span is out of range")
			return false
		}
		for j := range many {
			out[i+j].span = int32(span)
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	return out, c.values(out)
}

// gapsInBits reads what gapsInBits wrote.
func (r *reader) gapsInBits(out []point, ticks int64) {
	unit, tick := r.uint(), r.uint()
	b := newBitReader(r.bytes())
	var u usual
	for i := range out {
		if i > 0 {
			x, _ := b.number(u)
			if unit == 0 || x >= uint64(ticks)/unit {
				r.fail("a sample lies after its block")
				return
			}
			u.saw(x)
			tick += (x + 1) * unit
		}
		if tick > uint64(ticks) {
			r.fail("a sample lies after its block")
			return
		}
		out[i].tick = int32(tick)
	}
	if err := b.end(); err != nil {
		r.fail("gaps are cut off, or go on")
	}
}

// decodeColumns reads a slab of columns after its first byte.
func decodeColumns(r *reader) []packed {
	n := r.count(1)
	lengthBits := uint(r.byte())
	heads := newBitReader(r.bytes())
	times := reader{b: r.bytes()}
	if r.err != nil {
		return nil
	}
	if lengthBits > 32 {
		r.fail("columns are too long")
		return nil
	}
	out := make([]packed, n)
	for i := range out {
		c := &out[i]
		head := heads.take(1 + howBits + startBits)
		c.again, c.how, c.start = head&1 == 1, uint8(head>>1&(1<<howBits-1)), uint8(head>>(1+howBits))
		if c.start > mostLow || c.how > valuesMean|zerosApart || c.again && i == 0 {
			r.fail("a column that cannot be")
		}
		if c.again && i > 0 {
			c.times = out[i-1].times
		} else {
			c.times = times.bytes()
		}
		if c.bits = r.take(heads.take(lengthBits)); r.err != nil {
			return nil
		}
	}
	if err := times.end(); err != nil || heads.end() != nil {
		r.fail("the heads of columns do not end where they should")
	}
	return out
}
