package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// writer and reader of the positions' encoding (docs/format/positions.md): unsigned and zigzag varints as in encoding/binary, strings with their length in front.

type encoder []byte

func (e *encoder) uint(v uint64)   { *e = binary.AppendUvarint(*e, v) }
func (e *encoder) int(v int64)     { *e = binary.AppendVarint(*e, v) }
func (e *encoder) string(s string) { e.uint(uint64(len(s))); *e = append(*e, s...) }
func (e *encoder) bool(b bool) {
	if b {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

// time is in Unix milliseconds, 0 for the zero time.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.int(0)
	} else {
		e.int(t.UnixMilli())
	}
}

// inOrder walks a map by key: what is encoded of the same books is the same, so that a store that keeps differences finds few.
func inOrder[K cmp.Ordered, V any](m map[K]V) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

var errCut = errors.New("position is cut short or corrupt")

// decoder reads what encoder wrote. The first error stays; values read after it are zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	return read(d, v, n)
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	return read(d, v, n)
}

func read[T uint64 | int64](d *decoder, v T, n int) T {
	if d.err != nil || n <= 0 {
		d.err = errCut
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of elements that each take at least one byte, so that a corrupt count can't ask for more memory than the position has bytes.
func (d *decoder) count() int {
	v := d.uint()
	if v > uint64(len(d.b)) {
		d.err = errCut
		return 0
	}
	return int(v)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) time() time.Time {
	if ms := d.int(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// version reads the leading version and fails for any other than ours.
func (d *decoder) version() {
	if v := d.uint(); d.err == nil && v != positionsVersion {
		d.err = fmt.Errorf("position has version %d, this lineaged reads %d", v, positionsVersion)
	}
}

// done returns the first error, also when bytes are left over.
func (d *decoder) done() error {
	if d.err == nil && len(d.b) > 0 {
		return errCut
	}
	return d.err
}
