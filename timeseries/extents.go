package timeseries

import (
	"encoding/binary"
	"iter"
	"slices"
	"sort"
)

// extent is where a section's value lies in its file.
type extent struct {
	section sectionID
	offset  int64
	length  int
}

// extents are where the sections of a file lie, by section. They are in memory of each file that is held, some hundred
// a day of an estate for as long as it is kept, so that of most only what differs from the one before is. The zero
// value has none. They do not change.
type extents struct {
	heads []extentsHead // each extentsRun-th, and what follows it
	rest  []byte
	count int
}

// extentsRun is how many are read to find one.
const extentsRun = 32

type extentsHead struct {
	extent
	rest int // where those that follow begin
}

// extentsOf puts the sections of a file in order; of one that is there twice the last is taken.
func extentsOf(all []extent) extents {
	all = slices.Clone(all)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b extent) int { return a.section.compare(b.section) })
	all = slices.CompactFunc(all, func(a, b extent) bool { return a.section == b.section })
	x := extents{count: len(all), heads: make([]extentsHead, 0, (len(all)+extentsRun-1)/extentsRun)}
	var rest []byte
	for i, e := range all {
		if i%extentsRun == 0 {
			x.heads = append(x.heads, extentsHead{extent: e, rest: len(rest)})
			continue
		}
		before := all[i-1]
		rest = append(rest, e.section.kind)
		rest = binary.AppendVarint(rest, int64(e.section.number-before.section.number))
		rest = binary.AppendVarint(rest, e.offset-before.offset-int64(before.length))
		rest = binary.AppendVarint(rest, int64(e.length-before.length))
	}
	x.rest = slices.Clone(rest)
	return x
}

// run yields a head and those that follow it.
func (x extents) run(head int) iter.Seq[extent] {
	return func(yield func(extent) bool) {
		h := x.heads[head]
		e, rest := h.extent, x.rest[h.rest:]
		next := func() (n int64) {
			n, size := binary.Varint(rest)
			rest = rest[size:]
			return n
		}
		for i := range min(extentsRun, x.count-head*extentsRun) {
			if i > 0 {
				kind := rest[0]
				rest = rest[1:]
				number := e.section.number + int(next())
				e.offset += int64(e.length) + next()
				e.length += int(next())
				e.section = sectionID{kind, number}
			}
			if !yield(e) {
				return
			}
		}
	}
}

// all yields them by section.
func (x extents) all() iter.Seq[extent] {
	return func(yield func(extent) bool) {
		for i := range x.heads {
			for e := range x.run(i) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// of returns where a section lies; ok is false where there is none.
func (x extents) of(s sectionID) (at extent, ok bool) {
	head := sort.Search(len(x.heads), func(i int) bool { return x.heads[i].section.compare(s) > 0 }) - 1
	if head < 0 {
		return extent{}, false
	}
	for e := range x.run(head) {
		if e.section == s {
			return e, true
		}
	}
	return extent{}, false
}
