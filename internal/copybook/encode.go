package copybook

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// Encode returns what a book needs to go on after a restart: varints as in encoding/binary, times in Unix milliseconds, 0 for none.
//
//	v count  v told (-1 never)  uv estimated  v lost  uv estimated  v skipped  uv estimated  v began  v moved  v idle  uv transactions are written
//	uv partitions { v partition  v offset of the last record copied  v offset up to which all is decided  v end of the copy up to which its records are counted (-1 not known)
//	  v offsets that were gone and may yet show as lost  uv the end of the copy is exact }*
func (b *Book) Encode() []byte {
	var out []byte
	flag := func(x bool) { out = binary.AppendUvarint(out, map[bool]uint64{true: 1}[x]) }
	n := b.copied.n
	for _, ready := range b.ready {
		n += ready
	}
	out = binary.AppendVarint(out, n)
	out = binary.AppendVarint(out, b.copied.told)
	flag(b.copied.estimated)
	for _, t := range [...]total{b.lost, b.skipped} {
		out = binary.AppendVarint(out, t.n)
		flag(t.estimated)
	}
	for _, t := range [...]time.Time{b.began, b.moved, b.idle} {
		ms := int64(0)
		if !t.IsZero() {
			ms = t.UnixMilli()
		}
		out = binary.AppendVarint(out, ms)
	}
	flag(b.marked)
	out = binary.AppendUvarint(out, uint64(len(b.parts)))
	for _, number := range slices.Sorted(maps.Keys(b.parts)) {
		p := b.parts[number]
		open, took := p.open()
		for _, v := range [...]int64{int64(number), p.offset, p.done - open, max(p.upTo-took, -1), p.hidden} {
			out = binary.AppendVarint(out, v)
		}
		flag(p.sure)
	}
	return out
}

// Decode takes what Encode wrote into a new book. round is the newest round that was stored.
func (b *Book) Decode(value []byte, round time.Time) error {
	bad := false
	next := func() int64 {
		v, n := binary.Varint(value)
		bad = bad || n <= 0
		value = value[max(n, 0):]
		return v
	}
	count := func() uint64 {
		v, n := binary.Uvarint(value)
		bad = bad || n <= 0
		value = value[max(n, 0):]
		return v
	}
	instant := func() time.Time {
		if ms := next(); ms != 0 {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	}
	b.copied = total{n: next(), told: next(), estimated: count() != 0}
	for _, t := range [...]*total{&b.lost, &b.skipped} {
		t.n, t.estimated = next(), count() != 0
		t.told = t.n // with the round that holds this
	}
	b.began, b.moved, b.idle, b.known = instant(), instant(), instant(), round
	b.marked = count() != 0
	all := count()
	bad = bad || all > uint64(len(value))
	for i := uint64(0); i < all && !bad; i++ {
		number := int32(next())
		b.parts[number] = &part{state: state{offset: next(), done: next(), upTo: next(), hidden: next(), sure: count() != 0}}
	}
	if bad || len(value) > 0 {
		return errors.New("position is cut short or corrupt")
	}
	return nil
}
