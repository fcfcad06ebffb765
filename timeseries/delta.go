package timeseries

import (
	"encoding/binary"
	"math/bits"
)

// This file writes a value as what it differs from the one before in: positions in the log, and versions of facts. It
// knows nothing of what the bytes mean, so it serves values of any version. It is made for numbers that change a little
// and for lists that lose and gain elements.

const (
	// minCopy is the shortest stretch worth a copy: one costs two bytes at least.
	minCopy = 4
	// nearby is how many bytes may have been replaced, or have come or gone, for the index not to be needed.
	nearby = 12
	// chunk is how many bytes the index knows a place by.
	chunk = 8
	// maxDiffering bounds what is written as a difference, and maxGrown what all differences that are read at once
	// make, so that damage cannot ask for all memory.
	maxDiffering = 16 << 20
	maxGrown     = 512 << 20
)

// differ makes differences. It keeps its index to use it again, so it serves one caller at a time.
type differ struct {
	index []int32 // places in the base plus one, by hash
	grown int     // bytes that the differences make which are read at once, as reader.grown
}

// bounded reports whether what reads a difference lets it pass.
func (d *differ) bounded(base, next []byte) bool {
	return len(base) <= maxDiffering && len(next) <= maxDiffering && d.grown+len(next) <= maxGrown
}

// delta writes what makes next out of base: next's length, then new bytes and stretches copied from base in turn. A
// copy says where it begins by how far that is from where the new bytes before it would end, had they replaced as many.
func (d *differ) delta(w *writer, base, next []byte) {
	w.uint(uint64(len(next)))
	indexed := false
	from := 0    // where the new bytes begin in next
	i, j := 0, 0 // places in next and in base that are held against each other
	for i < len(next) {
		a, b, n := closest(next[i:], base[min(j, len(base)):])
		if n == 0 && len(next)-i >= chunk && len(base) >= chunk {
			if !indexed {
				d.build(base)
				indexed = true
			}
			if at := d.find(base, next[i:]); at >= 0 {
				a, b, n = 0, at-j, match(next[i:], base[at:])
			}
		}
		if n == 0 {
			i, j = i+1, j+1
			continue
		}
		w.uint(uint64(i + a - from))
		w.b = append(w.b, next[from:i+a]...)
		w.int(int64(b - a))
		w.uint(uint64(n))
		i, j = i+a+n, j+b+n
		from = i
	}
	if from < len(next) {
		w.uint(uint64(len(next) - from))
		w.b = append(w.b, next[from:]...)
	}
}

// closest returns the nearest places from which both go on the same; n is for how long, 0 when there are none nearby.
func closest(next, base []byte) (a, b, n int) {
	for d := range 2*nearby + 1 {
		for a = max(0, d-nearby); a <= min(d, nearby); a++ {
			b = d - a
			if a+minCopy > len(next) || b+minCopy > len(base) || binary.LittleEndian.Uint32(next[a:]) != binary.LittleEndian.Uint32(base[b:]) {
				continue
			}
			return a, b, match(next[a:], base[b:])
		}
	}
	return 0, 0, 0
}

// match returns for how long both go on the same.
func match(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for n+8 <= most {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func (d *differ) build(base []byte) {
	size := 1 << bits.Len(uint(len(base)))
	if cap(d.index) < size {
		d.index = make([]int32, size)
	}
	d.index = d.index[:size]
	clear(d.index)
	for i := 0; i+chunk <= len(base); i++ {
		d.index[d.slot(base[i:])] = int32(i + 1)
	}
}

func (d *differ) slot(b []byte) uint64 {
	return binary.LittleEndian.Uint64(b) * 0x9e3779b97f4a7c15 >> (64 - bits.Len(uint(len(d.index)-1)))
}

// find returns a place in base from which it goes on as next does, for a chunk at least; -1 when none is known.
func (d *differ) find(base, next []byte) int {
	at := int(d.index[d.slot(next)]) - 1
	if at < 0 || binary.LittleEndian.Uint64(base[at:]) != binary.LittleEndian.Uint64(next) {
		return -1
	}
	return at
}

// differing reads the bytes that delta wrote and returns next, which shares nothing with base.
func (r *reader) differing(base []byte) []byte {
	d := reader{b: r.bytes(), grown: r.grown}
	next := d.apply(base)
	r.grown = d.grown
	if d.end() != nil {
		r.fail("a difference: " + d.err.Error())
		return nil
	}
	return next
}

// apply reads what delta wrote.
func (r *reader) apply(base []byte) []byte {
	size := r.uint()
	if r.grown += int(min(size, maxDiffering+1)); size > maxDiffering || r.grown > maxGrown {
		r.fail("it is too long")
		return nil
	}
	out := make([]byte, 0, min(size, uint64(len(base)+len(r.b))))
	j := int64(0)
	for uint64(len(out)) < size && r.err == nil {
		fresh := r.bytes()
		out = append(out, fresh...)
		if uint64(len(out)) >= size {
			break
		}
		shift := r.int()
		j += int64(len(fresh))
		if shift < -maxDiffering || shift > maxDiffering {
			r.fail("it copies from where nothing is")
			return nil
		}
		j += shift
		n := r.uint()
		if j < 0 || n > uint64(len(base)) || uint64(j) > uint64(len(base))-n || n == 0 {
			r.fail("it copies from where nothing is")
			return nil
		}
		out = append(out, base[j:uint64(j)+n]...)
		j += int64(n)
	}
	if r.err == nil && uint64(len(out)) != size {
		r.fail("it is longer than it says")
	}
	if r.err != nil {
		return nil
	}
	return out
}
