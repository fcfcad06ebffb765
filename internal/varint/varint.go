// Package varint is how positions are written: unsigned and zigzag varints as in encoding/binary, strings with their
// length in front, times in Unix milliseconds with 0 for none. See docs/format/positions.md.
//
// It hides how a value is cut short or damaged: a Decoder keeps the first error and gives zeros from then on, and never
// asks for more memory than it was given bytes. It refuses to know what the values mean.
package varint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrCut is when a value is cut short, too long, or no value at all.
var ErrCut = errors.New("position is cut short or corrupt")

// Encoder appends values.
type Encoder []byte

// Uint appends an unsigned number.
func (e *Encoder) Uint(v uint64) { *e = binary.AppendUvarint(*e, v) }

// Int appends a signed number.
func (e *Encoder) Int(v int64) { *e = binary.AppendVarint(*e, v) }

// String appends a string.
func (e *Encoder) String(s string) { e.Uint(uint64(len(s))); *e = append(*e, s...) }

// Bool appends 1 or 0.
func (e *Encoder) Bool(b bool) {
	if b {
		e.Uint(1)
	} else {
		e.Uint(0)
	}
}

// Time appends an instant, to the millisecond.
func (e *Encoder) Time(t time.Time) {
	if t.IsZero() {
		e.Int(0)
	} else {
		e.Int(t.UnixMilli())
	}
}

// Decoder reads what Encoder wrote. The first error stays; values read after it are zero.
type Decoder struct {
	Left []byte // what was not read yet
	err  error
}

// Uint reads an unsigned number.
func (d *Decoder) Uint() uint64 {
	v, n := binary.Uvarint(d.Left)
	return read(d, v, n)
}

// Int reads a signed number.
func (d *Decoder) Int() int64 {
	v, n := binary.Varint(d.Left)
	return read(d, v, n)
}

func read[T uint64 | int64](d *Decoder, v T, n int) T {
	if d.err != nil || n <= 0 {
		d.Fail()
		return 0
	}
	d.Left = d.Left[n:]
	return v
}

// Count reads a number of elements that each take at least one byte, so that a damaged count can't ask for more memory
// than there are bytes.
func (d *Decoder) Count() int {
	v := d.Uint()
	if v > uint64(len(d.Left)) {
		d.Fail()
		return 0
	}
	return int(v)
}

// String reads a string.
func (d *Decoder) String() string {
	n := d.Count()
	s := string(d.Left[:n])
	d.Left = d.Left[n:]
	return s
}

// Bool reads a flag: anything but 0 is true.
func (d *Decoder) Bool() bool { return d.Uint() != 0 }

// Time reads an instant.
func (d *Decoder) Time() time.Time {
	if ms := d.Int(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// Version reads the leading version and fails for any other than ours.
func (d *Decoder) Version(ours uint64) { d.Versions(ours, ours) }

// Versions reads the leading version and fails for any but those from oldest to newest.
func (d *Decoder) Versions(oldest, newest uint64) uint64 {
	v := d.Uint()
	if d.err == nil && (v < oldest || v > newest) {
		d.err = fmt.Errorf("position has version %d, this lineaged reads up to %d", v, newest)
	}
	return v
}

// Fail says that what was read makes no sense.
func (d *Decoder) Fail() {
	if d.err == nil {
		d.err = ErrCut
	}
}

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }

// Done returns the first error, also when bytes are left over.
func (d *Decoder) Done() error {
	if len(d.Left) > 0 {
		d.Fail()
	}
	return d.err
}
