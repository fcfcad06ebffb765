// Package wire asks a broker for what each round reads of all partitions, Metadata, ListOffsets and OffsetFetch, and
// reads the answers where they lie: a walk over an answer makes nothing of what it passes.
//
// It hides the versions of these messages: what a broker answers in an older one is brought into one that is walked. No
// length and no count in an answer is believed: an answer is walked through once when it comes, and one that is cut
// short, or names partitions beyond those that it lists, is refused whole; so a walk can't fail, and what an answer
// takes of memory is its own bytes. It refuses to say what an answer means.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrAnswer is when an answer is none of its kind.
var ErrAnswer = errors.New("the answer is cut short or corrupt")

// reader reads what messages are made of. Once something is not there it is bad, and gives zeros from then on.
type reader struct {
	left []byte
	bad  bool
}

// take returns the next n bytes, nil where there are fewer.
func (r *reader) take(n int) []byte {
	if uint(n) > uint(len(r.left)) {
		r.fail()
		return nil
	}
	b := r.left[:n:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) fail() { r.left, r.bad = nil, true }

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// uvarint reads an unsigned number of up to 32 bits.
func (r *reader) uvarint() uint32 {
	if len(r.left) > 0 && r.left[0] < 0x80 {
		v := r.left[0]
		r.left = r.left[1:]
		return uint32(v)
	}
	v, n := binary.Uvarint(r.left)
	if n <= 0 || n > 5 || v > math.MaxUint32 {
		r.fail()
		return 0
	}
	r.left = r.left[n:]
	return uint32(v)
}

// count reads how many elements follow, none for an array that is null. Each takes at least size bytes.
func (r *reader) count(size int) int {
	n := int(r.uvarint())
	if n == 0 {
		return 0
	}
	if n--; n > len(r.left)/size {
		r.fail()
		return 0
	}
	return n
}

// text reads a string, nil for one that is null; no error is made of that here.
func (r *reader) text() []byte {
	n := int(r.uvarint())
	if n == 0 {
		return nil
	}
	return r.take(n - 1)
}

// words reads a string that may not be null.
func (r *reader) words() []byte {
	b := r.text()
	if b == nil {
		r.fail()
	}
	return b
}

// tags passes what later versions add.
func (r *reader) tags() {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		r.uvarint()
		r.take(int(r.uvarint()))
	}
}

// numbers passes an array of int32 and returns how many there are.
func (r *reader) numbers() []byte { return r.take(4 * r.count(4)) }

// done returns the error of a walk through a whole answer.
func (r *reader) done(of string) error {
	if r.bad {
		return fmt.Errorf("%s: %w", of, ErrAnswer)
	}
	return nil
}
