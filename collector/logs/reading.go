package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lineaged/lineaged/internal/brokerlog"
)

// lines cuts what is read of a file into lines.
type lines struct {
	f    *file
	rest []byte // of a line that has begun
	b    *budget
	each func([]byte)
}

// take takes in the next bytes, and reports whether the budget goes on.
func (l *lines) take(b []byte) bool {
	l.rest = append(l.rest, b...)
	for !l.b.spent() {
		n := bytes.IndexByte(l.rest, '\n')
		if n < 0 {
			break
		}
		l.one(l.rest[:n], n+1)
	}
	if len(l.rest) > brokerlog.MaxLine && bytes.IndexByte(l.rest, '\n') < 0 {
		l.one(l.rest, len(l.rest))
		l.f.mid = true
	}
	return !l.b.spent()
}

// one takes in one line, and passes so many bytes.
func (l *lines) one(line []byte, size int) {
	l.b.spend(size)
	if !l.f.mid {
		l.each(line)
	}
	l.f.mid, l.f.offset, l.f.dirty = false, l.f.offset+int64(size), true
	l.rest = l.rest[size:]
}

// end takes in a line that will not be ended any more.
func (l *lines) end() {
	if len(l.rest) > 0 {
		l.one(l.rest, len(l.rest))
	}
}

func (x *files) when(f *file) when {
	return when{zone: x.zone, zoned: x.zoned, live: f.live}
}

// readPlain reads what is new in a plain file.
func (x *files) readPlain(ctx context.Context, f *file, b *budget, each func([]byte, when)) error {
	info, err := x.disk.stat(ctx, f.f)
	if err != nil {
		return err
	}
	size := info.Size()
	if err := x.pass(ctx, f, size); err != nil {
		return err
	}
	at := x.when(f)
	l := &lines{f: f, b: b, each: func(line []byte) { each(line, at) }}
	for pos := f.offset; ctx.Err() == nil; {
		got, readErr := x.disk.readAt(ctx, f.f, chunk, pos)
		if readErr != nil {
			err = readErr
			break
		}
		pos += int64(len(got))
		if !l.take(got) || len(got) < chunk {
			size = max(size, pos)
			break
		}
	}
	// What was renamed or removed a while ago is not written to any more.
	if !f.named && !f.lost.IsZero() && err == nil && !b.spent() {
		l.end()
	}
	f.left = size - f.offset
	f.live = f.left < brokerlog.MaxLine
	if printErr := x.prints(ctx, f); err == nil {
		err = printErr
	}
	if !f.named && !f.lost.IsZero() && f.left == 0 && err == nil {
		f.close()
	}
	return err
}

// pass leaves out what can't be read in the time, and notes how much.
func (x *files) pass(ctx context.Context, f *file, size int64) error {
	most := x.bytes * int64(mostBehind/time.Second)
	if size-f.offset <= most {
		return nil
	}
	to := size - most/4
	x.notes = append(x.notes, fmt.Sprintf("%d bytes of %s were passed and not read: more is written than is read in the time", to-f.offset, f.path))
	f.offset, f.mid, f.dirty = to, true, true
	return x.withinLine(ctx, f)
}

// prints brings a plain file's prints to where it is read now.
func (x *files) prints(ctx context.Context, f *file) error {
	if !f.dirty {
		return nil
	}
	if f.head.n < headBytes {
		b, err := x.disk.readAt(ctx, f.f, headBytes, 0)
		if err != nil {
			return err
		}
		f.head = printOf(b)
	}
	n := min(tailBytes, f.offset)
	b, err := x.disk.readAt(ctx, f.f, int(n), f.offset-n)
	if err != nil {
		return err
	}
	f.tail = printOf(b)
	return nil
}

// readPacked reads what is left of a compressed file.
func (x *files) readPacked(ctx context.Context, f *file, b *budget, each func([]byte, when)) error {
	if f.u == nil {
		u, err := x.disk.unpack(ctx, f.f)
		if err != nil {
			return x.unfinished(ctx, f, err)
		}
		for u.at < f.offset {
			got, err := x.disk.next(ctx, u, int(min(chunk, f.offset-u.at)))
			if err != nil {
				return x.unfinished(ctx, f, err)
			}
			if len(got) == 0 {
				return x.unfinished(ctx, f, io.ErrUnexpectedEOF)
			}
		}
		f.u = u
	}
	at := x.when(f)
	at.live = false
	l := &lines{f: f, b: b, rest: f.rest, each: func(line []byte) { each(line, at) }}
	f.left = 1 // or more: nobody knows
	for more := l.take(nil); more && ctx.Err() == nil; {
		got, err := x.disk.next(ctx, f.u, chunk)
		if more = l.take(got); err != nil {
			return x.unfinished(ctx, f, err)
		}
		if more && len(got) < chunk {
			l.end()
			f.done, f.left, f.dirty = true, 0, true
			f.tail = print{}
			f.close()
			return nil
		}
	}
	f.rest = l.rest
	return nil
}

// withinLine finds out whether a position from which reading begins is within a line.
func (x *files) withinLine(ctx context.Context, f *file) error {
	if !f.mid || f.f == nil {
		return nil
	}
	b, err := x.disk.readAt(ctx, f.f, 1, f.offset-1)
	f.mid = err != nil || len(b) == 0 || b[0] != '\n'
	return err
}

// unfinished says why a compressed file can't be read to its end, unless it is only being written.
func (x *files) unfinished(ctx context.Context, f *file, err error) error {
	f.u, f.rest = nil, nil
	if errors.Is(err, errHung) {
		return err
	}
	info, statErr := x.disk.stat(ctx, f.f)
	if statErr != nil {
		return statErr
	}
	if time.Since(info.ModTime()) < time.Minute {
		return nil // the next round looks again
	}
	f.done, f.dirty, f.left = true, true, 0
	f.close()
	return fmt.Errorf("the rest can't be decompressed: %w", err)
}

// farthestZone is more than any zone is from UTC: a file whose last line is further away was touched since.
const farthestZone = 15 * time.Hour

// learnZone learns by how much times without a zone are ahead, by when a plain file was written last and what its last
// line says.
func (x *files) learnZone(ctx context.Context, f *file, n found) error {
	if f.packed || f.f == nil {
		return nil
	}
	size := n.info.Size()
	from := max(0, size-chunk)
	b, err := x.disk.readAt(ctx, f.f, int(size-from), from)
	if err != nil {
		return err
	}
	var p brokerlog.Parser
	for line := range bytes.Lines(b) {
		if kind, err := p.Line(line); err != nil || kind == brokerlog.Other {
			continue
		}
		if t, zoned, ok := p.Time(); ok && !zoned {
			zone := t.Sub(n.info.ModTime()).Round(15 * time.Minute)
			if x.zoned = zone.Abs() <= farthestZone; x.zoned {
				x.zone = zone
			}
		}
	}
	return nil
}
