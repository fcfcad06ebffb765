package copybook

import (
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/varint"
)

// Encode returns what a book needs to go on after a restart: varints as in encoding/binary, times in Unix milliseconds,
// 0 for none.
//
//	v count  v told (-1 never)  uv estimated  v lost  uv estimated  v skipped  uv estimated
//	v began  v moved  v idle  uv transactions are written
//	uv partitions { v partition  v offset of the last record copied  v offset up to which all is decided
//	  v end of the copy up to which its records are counted (-1 not known)
//	  v offsets that were gone and may yet show as lost  uv the end of the copy is exact }*
//	v records that are in doubt
//
// What was written before has nothing of the last.
func (b *Book) Encode() []byte {
	var e varint.Encoder
	n := b.copied.n
	for _, x := range b.ready {
		n += x.n
	}
	e.Int(n)
	e.Int(b.copied.told)
	e.Bool(b.copied.estimated)
	for _, t := range [...]total{b.lost, b.skipped} {
		e.Int(t.n)
		e.Bool(t.estimated)
	}
	for _, t := range [...]time.Time{b.began, b.moved, b.idle} {
		e.Time(t)
	}
	e.Bool(b.marked)
	e.Uint(uint64(len(b.parts)))
	for _, number := range slices.Sorted(maps.Keys(b.parts)) {
		p := b.parts[number]
		open, took := p.open()
		for _, v := range [...]int64{int64(number), p.offset, p.done - open, max(p.upTo-took, -1), p.hidden} {
			e.Int(v)
		}
		e.Bool(p.sure)
	}
	e.Int(b.doubted.n)
	return e
}

// Decode takes what Encode wrote into a new book. round is the newest round that was stored.
func (b *Book) Decode(value []byte, round time.Time) error {
	d := varint.Decoder{Left: value}
	b.copied = total{n: d.Int(), told: d.Int(), estimated: d.Bool()}
	for _, t := range [...]*total{&b.lost, &b.skipped} {
		t.n, t.estimated = d.Int(), d.Bool()
		t.told = t.n // with the round that holds this
	}
	b.began, b.moved, b.idle, b.known = d.Time(), d.Time(), d.Time(), round
	b.marked = d.Bool()
	for range d.Count() {
		number := int32(d.Int())
		b.parts[number] = &part{state: state{offset: d.Int(), done: d.Int(), upTo: d.Int(), hidden: d.Int(), sure: d.Bool()}}
	}
	if len(d.Left) > 0 {
		b.doubted.n = d.Int()
		b.doubted.told = b.doubted.n
	}
	return d.Done()
}
