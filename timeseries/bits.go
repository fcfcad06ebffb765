package timeseries

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// bitWriter writes numbers of as many bits as they need, the lowest first.
type bitWriter struct {
	b   []byte
	acc uint64
	n   uint // bits in acc, less than 8 between calls
}

// put writes the lowest bits of a number, 56 at most; all above them must be zero.
func (w *bitWriter) put(x uint64, width uint) {
	w.acc |= x << w.n
	w.n += width
	whole := w.n / 8
	w.b = binary.LittleEndian.AppendUint64(w.b, w.acc)[:len(w.b)+int(whole)]
	w.acc >>= whole * 8 // by 64 there is nothing left
	w.n %= 8
}

// end writes what is left, and zeros up to the byte's end.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.b = append(w.b, byte(w.acc))
		w.acc, w.n = 0, 0
	}
	return w.b
}

// bitReader reads what bitWriter wrote. Past the end there are zeros, and left is below zero.
type bitReader struct {
	b    []byte
	acc  uint64
	n    uint // bits in acc, as far as they are there
	left int  // bits that were not read
}

func newBitReader(b []byte) bitReader { return bitReader{b: b, left: 8 * len(b)} }

// fill has 56 bits at least in acc.
func (r *bitReader) fill() {
	if len(r.b) >= 8 {
		r.acc |= binary.LittleEndian.Uint64(r.b) << r.n
		r.b = r.b[(63-r.n)/8:]
		r.n |= 56
		return
	}
	for r.n <= 56 && len(r.b) > 0 {
		r.acc |= uint64(r.b[0]) << r.n
		r.b, r.n = r.b[1:], r.n+8
	}
}

// take reads a number of 56 bits at most.
func (r *bitReader) take(width uint) uint64 {
	if r.n < width {
		r.fill()
	}
	x := r.acc & (1<<width - 1)
	r.skip(width)
	return x
}

func (r *bitReader) skip(width uint) {
	r.acc >>= width
	r.n -= min(width, r.n)
	r.left -= int(width)
}

// Numbers are written by how large those before were: what the number is by two to the power k, as so many ones and a
// zero, and then its k lowest bits. One that is far larger is written as mostOnes ones, how many bits it has less one
// in 6, and these.
const (
	mostOnes = 16
	mostLow  = 38
)

// usual is how large the numbers of one series are of late; zero before the first.
type usual uint64

func (u usual) low() uint { return min(uint(max(bits.Len64(uint64(u)), 1)-1), mostLow) }

func (u *usual) saw(x uint64) {
	if *u == 0 {
		*u = usual(x)
		return
	}
	*u += usual(x/4) - *u/4
}

// number writes a number; ok is false where it is to be written at large.
func (w *bitWriter) number(x uint64, u usual) (ok bool) {
	low := u.low()
	ones := x >> low
	if ones >= mostOnes {
		return false
	}
	w.put(1<<ones-1|(x&(1<<low-1))<<(ones+1), uint(ones)+1+low)
	return true
}

// large writes a number at large.
func (w *bitWriter) large(x uint64) {
	w.put(1<<mostOnes-1, mostOnes)
	w.exact(x)
}

// exact writes how many bits a number has less one in 6, and these.
func (w *bitWriter) exact(x uint64) {
	width := uint(max(bits.Len64(x), 1))
	w.put(uint64(width-1), 6)
	w.put(x&(1<<32-1), min(width, 32))
	if width > 32 {
		w.put(x>>32, width-32)
	}
}

// number reads a number, and whether it was written at large.
func (r *bitReader) number(u usual) (x uint64, large bool) {
	if r.n < 56 {
		r.fill()
	}
	ones := uint(bits.TrailingZeros64(^r.acc))
	if ones < mostOnes {
		r.skip(ones + 1)
		low := u.low()
		return uint64(ones)<<low | r.take(low), false
	}
	r.skip(mostOnes)
	return r.exact(), true
}

// exact reads a number.
func (r *bitReader) exact() (x uint64) {
	width := uint(r.take(6)) + 1
	x = r.take(min(width, 32))
	if width > 32 {
		x |= r.take(width-32) << 32
	}
	return x
}

// end returns an error where less, or more than what fills the last byte, was read than there is.
func (r *bitReader) end() error {
	if r.left < 0 || r.left >= 8 {
		return fmt.Errorf("%w: bits are cut off, or go on", errCorrupt)
	}
	return nil
}
