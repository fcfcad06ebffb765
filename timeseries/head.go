package timeseries

import (
	"encoding/binary"
	"slices"
	"sort"
)

// sample is one reading in an open block.
type sample struct {
	value     int64
	tick      int64
	span      int32 // ticks from Since to the round, at least 1
	estimated bool
	src       uint16
}

// head is the samples of a series in open blocks, by tick; of what is derived several may be of one. They are kept
// encoded, in packs, the newest of which is open. A copy of a head stays as it is: what it points to is never changed
// in place, only added to behind its end.
type head struct {
	newest  sample // zero: there is none
	maxSpan int64  // of the samples, in ticks
	open    pack
	packs   []pack // by tick, each full or cut off
}

// packLen is how many samples a pack has at most. A query decodes as many at either end of its window.
const packLen = 64

// pack is samples that follow one another, and what they say together, as an indexEntry does of a sealed block. Each is
// encoded as what it differs in from the one before:
//
//	uint: twice what the value grew by, where source, span and estimated stay and the tick grows by the span; else
//	u8: 1 | 2: the value fell | 4: the tick follows | 8: what else follows
//	uint by how much | uint by how much the tick grew, else by the span | uint span, uint 2 × source + estimated
type pack struct {
	code      []byte
	last      int64 // tick
	sum       int64 // what a counter advanced
	reach     int64 // the earliest Since, a tick
	maxSpan   int32
	src       uint16
	n         uint8
	mixed     bool  // sources: src is only one of several
	estimated bool  // of a part at least
	before    int64 // the value before the first sample
	first     int64 // tick
}

const (
	fellFlag = 2
	tickFlag = 4
	restFlag = 8
)

// several reports whether a sample is of another source than one.
func (h *head) several(than uint16) bool {
	for i := range len(h.packs) + 1 {
		if p := h.pack(i); p.n > 0 && (p.mixed || p.src != than) {
			return true
		}
	}
	return false
}

func (h *head) any() bool { return h.open.n > 0 || len(h.packs) > 0 }

// firstTick returns the tick of the oldest sample, of which there must be one.
func (h *head) firstTick() int64 {
	if len(h.packs) > 0 {
		return h.packs[0].first
	}
	return h.open.first
}

// pack returns the i-th pack, the open one after all others.
func (h *head) pack(i int) *pack {
	if i < len(h.packs) {
		return &h.packs[i]
	}
	return &h.open
}

// packAfter returns the first pack that has a sample after a tick, the open one where none has.
func (h *head) packAfter(tick int64) int {
	return sort.Search(len(h.packs), func(i int) bool { return h.packs[i].last > tick })
}

// upTo returns how many samples there are up to a tick, and a few more at most.
func (h *head) upTo(tick int64) (n int) {
	for i := range len(h.packs) + 1 {
		p := h.pack(i)
		if p.n == 0 || p.first > tick {
			break
		}
		n += int(p.n)
	}
	return n
}

// push adds a sample behind all others. base is the value before the first.
func (h *head) push(x sample, base int64) {
	p := &h.open
	if p.n == packLen {
		if n := len(h.packs); n == cap(h.packs) { // append by itself would make room for as many again
			h.packs = append(make([]pack, 0, n+n/4+1), h.packs...)
		}
		h.packs = append(h.packs, p.closed())
		*p = pack{code: make([]byte, 0, len(p.code))} // the next is about as long
	}
	before := base
	if h.newest.tick > 0 {
		before = h.newest.value
	}
	p.push(x, before, h.newest)
	h.newest = x
	h.maxSpan = max(h.maxSpan, int64(x.span))
}

// push adds a sample behind another one, last, whose value was before.
func (p *pack) push(x sample, before int64, last sample) {
	if p.n == 0 {
		p.before, p.first, p.src, p.reach = before, x.tick, x.src, never
		last = sample{tick: x.tick}
	}
	grown := uint64(x.value) - uint64(before)
	switch {
	case p.n > 0 && x.span == last.span && x.tick-last.tick == int64(x.span) && x.src == last.src && x.estimated == last.estimated &&
		x.value >= before && grown < 1<<63:
		if n := len(p.code); cap(p.code)-n >= binary.MaxVarintLen64 {
			// No pointer is written: that is dear while garbage is collected.
			p.code = p.code[:n+binary.PutUvarint(p.code[n:cap(p.code)], grown<<1)]
		} else {
			p.code = binary.AppendUvarint(p.code, grown<<1)
		}
	default:
		p.code = appendSample(p.code, x, before, last, p.n == 0)
	}
	p.n++
	p.last = x.tick
	p.sum += advance(before, x.value)
	p.reach = min(p.reach, x.tick-int64(x.span))
	p.maxSpan = max(p.maxSpan, x.span)
	p.mixed = p.mixed || x.src != p.src
	p.estimated = p.estimated || x.estimated
}

// closed returns a pack without room for more.
func (p *pack) closed() pack {
	x := *p
	if cap(x.code)-len(x.code) > len(x.code)/8 {
		x.code = slices.Clone(x.code)
	}
	return x
}

// appendSample encodes a sample that is not like the one before.
func appendSample(b []byte, x sample, before int64, last sample, first bool) []byte {
	flags, by := byte(1), uint64(x.value)-uint64(before)
	if x.value < before {
		flags, by = flags|fellFlag, -by
	}
	if x.tick-last.tick != int64(x.span) {
		flags |= tickFlag
	}
	if first || x.span != last.span || x.src != last.src || x.estimated != last.estimated {
		flags |= restFlag
	}
	b = binary.AppendUvarint(append(b, flags), by)
	if flags&tickFlag != 0 {
		b = binary.AppendUvarint(b, uint64(x.tick-last.tick))
	}
	if flags&restFlag != 0 {
		rest := uint64(x.src) << 1
		if x.estimated {
			rest |= 1
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(x.span)), rest)
	}
	return b
}

// step is next, in line for nearly all samples that there are.
func (x *sample) step(code []byte) []byte {
	if u := code[0]; u&0x81 == 0 {
		x.value += int64(u >> 1)
		x.tick += int64(x.span)
		return code[1:]
	} else if u&1 == 0 && code[1] < 0x80 {
		x.value += int64(u&0x7f>>1) + int64(code[1])<<6
		x.tick += int64(x.span)
		return code[2:]
	}
	return x.next(code)
}

// next decodes the sample after x, which begins as what a pack begins with, and returns what is left of the code.
func (x *sample) next(code []byte) []byte {
	u, n := uint64(code[0]), 1
	if u >= 0x80 {
		u, n = binary.Uvarint(code)
	}
	code = code[n:]
	if u&1 == 0 {
		x.value += int64(u >> 1)
		x.tick += int64(x.span)
		return code
	}
	return x.differ(u, code)
}

// differ decodes what is not like the one before.
func (x *sample) differ(flags uint64, code []byte) []byte {
	uint := func() uint64 {
		y, n := binary.Uvarint(code)
		code = code[n:]
		return y
	}
	by, grown := uint(), int64(-1)
	if flags&fellFlag != 0 {
		by = -by
	}
	x.value = int64(uint64(x.value) + by)
	if flags&tickFlag != 0 {
		grown = int64(uint())
	}
	if flags&restFlag != 0 {
		x.span = int32(uint())
		rest := uint()
		x.src, x.estimated = uint16(rest>>1), rest&1 == 1
	}
	if grown < 0 {
		grown = int64(x.span)
	}
	x.tick += grown
	return code
}

// cursor walks samples by tick.
type cursor struct {
	sample       // the one that it stands at
	before int64 // the value before it

	head  *head
	pack  int // that is decoded
	code  []byte
	left  int
	prior int64 // the value that comes before the next one
	ready bool  // the next sample is decoded already
}

// after returns a cursor that stands before the first sample after a tick; before is the value there. base is the value
// before all of the head.
func (h *head) after(tick, base int64) cursor {
	c := cursor{head: h, pack: h.packAfter(tick), prior: base}
	c.load()
	if c.ready = c.skip(tick); !c.ready {
		c.before = c.prior
	}
	return c
}

// skip moves to the first sample of the pack after a tick; it returns false when there is none.
func (c *cursor) skip(tick int64) bool {
	x, code, left, prior := c.sample, c.code, c.left, c.prior
	for left > 0 {
		before := prior
		code = x.step(code)
		left--
		prior = x.value
		if x.tick > tick {
			c.sample, c.code, c.left, c.prior, c.before = x, code, left, prior, before
			return true
		}
	}
	c.sample, c.code, c.left, c.prior = x, code, left, prior
	return false
}

// load begins with a pack. The samples before it were walked, or it is the first that is.
func (c *cursor) load() {
	p := c.head.pack(c.pack)
	c.code, c.left, c.sample = p.code, int(p.n), sample{value: p.before, tick: p.first}
	if c.pack > 0 {
		c.prior = p.before
	}
}

// next moves to the next sample; it returns false when there is none.
func (c *cursor) next() bool {
	if c.ready {
		c.ready = false
		return true
	}
	for c.left == 0 {
		if c.pack >= len(c.head.packs) {
			return false
		}
		c.pack++
		c.load()
	}
	c.before = c.prior
	c.code = c.sample.next(c.code)
	c.left--
	c.prior = c.value
	return true
}

// steps walks the advances that touch (lo, hi], until visit returns false. base is the value before all of the head.
func (h *head) steps(base, lo, hi int64, visit func(step) (more bool)) {
	if h.newest.tick <= lo {
		return
	}
	for c := h.after(lo, base); c.next(); {
		if c.tick-h.maxSpan >= hi || !c.visit(hi, visit) {
			return
		}
	}
}

// packSteps is steps of a single pack.
func (h *head) packSteps(i int, base, lo, hi int64, visit func(step) (more bool)) {
	c := cursor{head: h, pack: i, prior: base}
	c.load()
	for more := c.skip(lo); more; more = c.left > 0 && c.next() {
		if c.tick-h.maxSpan >= hi || !c.visit(hi, visit) {
			return
		}
	}
}

// within returns what a counter advanced in (lo, hi]; ok is false where an advance lies in it in part, or a part of
// all is estimated.
func (p *pack) within(lo, hi int64) (sum int64, ok bool) {
	if p.estimated {
		return 0, false
	}
	x, code, before := sample{value: p.before, tick: p.first}, p.code, p.before
	for range p.n {
		code = x.step(code)
		by, from := advance(before, x.value), x.tick-int64(x.span)
		before = x.value
		switch {
		case x.tick <= lo:
		case x.tick-int64(p.maxSpan) >= hi:
			return sum, true
		case from >= hi:
		case from < lo || x.tick > hi:
			return 0, false
		default:
			sum += by
		}
	}
	return sum, true
}

// visit calls visit with the advance of the sample that the cursor stands at, if that begins before hi.
func (c *cursor) visit(hi int64, visit func(step) (more bool)) (more bool) {
	from := c.tick - int64(c.span)
	return from >= hi || visit(step{from: from, tick: c.tick, delta: advance(c.before, c.value), estimated: c.estimated, src: c.src})
}

// valueAt returns the value of the newest sample at or before a tick; ok is false where there is none.
func (h *head) valueAt(tick int64) (value int64, ok bool) {
	switch {
	case !h.any() || tick < h.firstTick():
		return 0, false
	case tick >= h.newest.tick:
		return h.newest.value, true
	}
	c := h.after(tick, 0)
	return c.before, true
}

// back visits the samples from the newest on, until visit returns false.
func (h *head) back(visit func(sample) (more bool)) {
	var room [packLen]sample
	for i := len(h.packs); i >= 0; i-- {
		for _, x := range slices.Backward(h.pack(i).decode(room[:0])) {
			if !visit(x) {
				return
			}
		}
	}
}

// decode appends the samples.
func (p *pack) decode(out []sample) []sample {
	x, code := sample{value: p.before, tick: p.first}, p.code
	for range p.n {
		code = x.next(code)
		out = append(out, x)
	}
	return out
}

// since returns the samples after a tick.
func (h *head) since(tick int64) (out []sample) {
	for c := h.after(tick, 0); c.next(); {
		out = append(out, c.sample)
	}
	return out
}

// truncate takes away what comes after a tick.
func (h *head) truncate(tick, base int64) {
	if h.newest.tick <= tick {
		return
	}
	i := h.packAfter(tick)
	p := *h.pack(i)
	h.packs, h.open = slices.Clip(h.packs[:i]), pack{}
	h.newest = sample{}
	if i > 0 {
		before := h.packs[i-1].decode(make([]sample, 0, packLen))
		h.newest = before[len(before)-1]
	}
	for _, x := range p.decode(make([]sample, 0, packLen)) {
		if x.tick <= tick {
			h.push(x, base)
		}
	}
	h.widen()
}

// widen finds the longest span anew.
func (h *head) widen() {
	h.maxSpan = 0
	for i := range len(h.packs) + 1 {
		h.maxSpan = max(h.maxSpan, int64(h.pack(i).maxSpan))
	}
}

// drop takes away what comes up to a tick, and returns the last of that; ok is false where nothing does.
func (h *head) drop(tick int64) (last sample, ok bool) {
	if !h.any() || h.firstTick() > tick {
		return sample{}, false
	}
	i := h.packAfter(tick)
	var room [packLen]sample
	all := h.pack(i).decode(room[:0])
	n := sort.Search(len(all), func(j int) bool { return all[j].tick > tick })
	switch {
	case n > 0:
		last = all[n-1]
	default: // a whole pack comes before
		before := h.packs[i-1].decode(make([]sample, 0, packLen))
		last = before[len(before)-1]
	}
	if n > 0 {
		var p pack
		x := last
		for _, y := range all[n:] {
			p.push(y, x.value, x)
			x = y
		}
		if i < len(h.packs) {
			h.packs = append([]pack{p.closed()}, h.packs[i+1:]...)
		} else {
			h.packs, h.open = nil, p
		}
	} else {
		h.packs = slices.Clone(h.packs[i:])
	}
	if !h.any() {
		*h = head{}
	}
	h.widen()
	return last, true
}

// grow adds to all values.
func (h *head) grow(by int64) {
	if !h.any() {
		return
	}
	h.packs = slices.Clone(h.packs)
	for i := range h.packs {
		h.packs[i].before += by
	}
	h.open.before += by
	h.newest.value += by
}

// add puts a sample in its place. Of two samples of one round (two sources, or a source that repeats itself) the
// greater value stands, then the lesser source.
func (s *series) add(x sample, sources []*source) {
	if x.tick > s.head.newest.tick {
		s.head.push(x, s.base)
		return
	}
	later := s.head.since(x.tick - 1)
	if later[0].tick == x.tick {
		if !x.outranks(later[0], sources) {
			return
		}
		later = later[1:]
	}
	s.head.truncate(x.tick-1, s.base)
	s.head.push(x, s.base)
	for _, y := range later {
		s.head.push(y, s.base)
	}
}

// set has a head hold some samples, and no others.
func (h *head) set(all []sample, base int64) {
	*h = head{}
	for _, x := range all {
		h.push(x, base)
	}
}

func (x sample) outranks(y sample, sources []*source) bool {
	switch {
	case x.value != y.value:
		return x.value > y.value
	case x.src != y.src:
		return less(sources[x.src].name, sources[y.src].name)
	case x.span != y.span:
		return x.span > y.span
	default:
		return x.estimated && !y.estimated
	}
}

// drop takes the samples up to a tick away, the last of which is the base from now on.
func (s *series) drop(until int64, sources []*source) {
	if last, ok := s.head.drop(until); ok {
		s.base, s.sealed, s.src = last.value, true, sources[last.src]
	}
}

// advance is what a counter went up by between two totals; a lower total is a reset and advances nothing.
func advance(before, after int64) int64 {
	if after < before {
		return 0
	}
	return after - before
}
