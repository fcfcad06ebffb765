package logs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// identify finds out which of the files that are named are those that are known, and opens them. An error says that
// nothing can be read now.
func (x *files) identify(ctx context.Context, all []found) error {
	byInode := map[inode][]*file{} // a number may have been given anew
	for _, f := range x.known {
		f.named, f.bad = false, nil
		byInode[f.at] = append(byInode[f.at], f)
	}
	var rest []found
	for _, n := range all {
		is, err := x.recognize(ctx, byInode[n.at], n)
		if err != nil {
			return err
		}
		if !is {
			rest = append(rest, n)
		}
	}
	for _, f := range x.known {
		if f.named || f.f == nil || f.packed {
			continue
		}
		// No path leads to it; it may have been cut off before it was renamed or removed.
		info, err := x.disk.stat(ctx, f.f)
		if err == nil {
			var same bool
			if same, err = x.holds(ctx, f, f.f, info.Size()); err == nil && !same {
				f.close()
				f.at = inode{}
			}
		}
		if errors.Is(err, errHung) {
			return err
		}
	}
	// Plain files first: what a compressed one continues may still be there as it was.
	slices.SortStableFunc(rest, func(a, b found) int { return cmp.Compare(packedName(a.path), packedName(b.path)) })
	for _, n := range rest {
		if err := x.meet(ctx, n); errors.Is(err, errHung) {
			return err
		}
	}
	for _, f := range x.known {
		if !f.named && f.f == nil && !f.done && f.lost.IsZero() {
			if err := x.lookBeside(ctx, f); errors.Is(err, errHung) {
				return err
			}
		}
	}
	return nil
}

// recognize reports whether a file is one of those that are known under its inode.
func (x *files) recognize(ctx context.Context, candidates []*file, n found) (bool, error) {
	for _, f := range candidates {
		same, err := x.same(ctx, f, n)
		switch {
		case errors.Is(err, errHung):
			return false, err
		case err != nil:
			f.bad, f.named = err, true
			return true, nil //nolint:nilerr // it is said of this file
		case same:
			f.named = true
			if f.path != n.path {
				f.path, f.dirty = n.path, true
			}
			return true, nil
		}
		f.close() // cut off, or another one with its number
		f.at = inode{}
	}
	return false, nil
}

func packedName(path string) int {
	if strings.HasSuffix(path, ".gz") {
		return 1
	}
	return 0
}

// same reports whether a file is what it was when it was read last, and opens it if need be.
func (x *files) same(ctx context.Context, f *file, n found) (bool, error) {
	if f.packed != (packedName(n.path) == 1) {
		return false, nil
	}
	if f.packed && f.done {
		return f.size == n.info.Size(), nil
	}
	if f.f == nil {
		opened, at, err := x.disk.open(ctx, n.path)
		if err != nil {
			return false, err
		}
		if at != f.at { // it was renamed in this moment
			_ = opened.Close()
			return true, nil
		}
		f.f = opened
	}
	if f.packed {
		return true, nil
	}
	return x.holds(ctx, f, f.f, n.info.Size())
}

// holds reports whether a plain file of a size begins as a known one, and has the same bytes before its position.
func (x *files) holds(ctx context.Context, f *file, r io.ReaderAt, size int64) (bool, error) {
	if size < f.offset {
		return false, nil
	}
	if f.head.n > 0 {
		b, err := x.disk.readAt(ctx, r, f.head.n, 0)
		if err != nil || !f.head.begins(b) {
			return false, err
		}
	}
	if f.tail.n > 0 {
		b, err := x.disk.readAt(ctx, r, f.tail.n, f.offset-int64(f.tail.n))
		if err != nil || !f.tail.begins(b) {
			return false, err
		}
	}
	return true, nil
}

// meet takes in a file that is not known by its inode: it continues a known one, is a copy of one, or is new.
func (x *files) meet(ctx context.Context, n found) error {
	opened, at, err := x.disk.open(ctx, n.path)
	switch {
	case errors.Is(err, errHung):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return nil // gone since
	case err != nil:
		x.failed[n.path] = err
		return nil //nolint:nilerr // it is said of this file
	}
	f := &file{path: n.path, at: n.at, packed: packedName(n.path) == 1, named: true, f: opened, dirty: true}
	if at != n.at { // renamed in this moment; the next round knows
		f.close()
		return nil
	}
	head, err := x.headOf(ctx, f)
	if err == nil && len(head) == 0 || errors.Is(err, io.ErrUnexpectedEOF) && time.Since(n.info.ModTime()) < time.Minute {
		f.close() // it is only being made, maybe as a copy
		return nil
	}
	if err != nil {
		if f.close(); errors.Is(err, errHung) {
			return err
		}
		x.failed[n.path] = err
		return nil
	}
	for _, old := range x.known {
		if !old.head.begins(head) {
			if half, err := x.beginsAs(ctx, old, f, head); err != nil || half {
				f.close()
				return err
			}
			continue
		}
		kept, err := x.continues(ctx, old, f, n)
		if err != nil || kept {
			return err
		}
	}
	x.begin(f, n)
	f.head = printOf(head)
	x.ids++
	f.id = x.ids
	x.known = append(x.known, f)
	if err := x.withinLine(ctx, f); err != nil {
		return err
	}
	return x.learnZone(ctx, f, n)
}

// headOf returns a file's first bytes, of what it decompresses to.
func (x *files) headOf(ctx context.Context, f *file) ([]byte, error) {
	if !f.packed {
		return x.disk.readAt(ctx, f.f, headBytes, 0)
	}
	u, err := x.disk.unpack(ctx, f.f)
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	head, err := x.disk.next(ctx, u, headBytes)
	if len(head) == headBytes {
		err = nil
	}
	return head, err
}

// beginsAs reports whether a file that is shorter than what a known one is told by holds the same so far: a copy that
// is being made.
func (x *files) beginsAs(ctx context.Context, old, f *file, head []byte) (bool, error) {
	if f.packed || old.packed || old.f == nil || len(head) >= old.head.n {
		return false, nil
	}
	b, err := x.disk.readAt(ctx, old.f, len(head), 0)
	return bytes.Equal(b, head), err
}

// continues takes in a file that begins as a known one. kept: it is dealt with, and not new.
func (x *files) continues(ctx context.Context, old, f *file, n found) (kept bool, err error) {
	if old.named || old.f != nil && !old.packed {
		return x.copyOf(ctx, old, f, n)
	}
	if !f.packed {
		same, err := x.holds(ctx, old, f.f, n.info.Size())
		if err != nil || !same {
			return false, err
		}
	} else if same, err := x.holdsPacked(ctx, old, f); err != nil || !same {
		return errors.Is(err, io.ErrUnexpectedEOF), ignoreEOF(err)
	}
	old.close()
	old.path, old.at, old.packed, old.f, old.u, old.named, old.dirty, old.size = f.path, f.at, f.packed, f.f, f.u, true, true, n.info.Size()
	old.done = false
	return true, nil
}

// ignoreEOF passes what only says that a compressed file is not whole yet.
func ignoreEOF(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// copyOf reports whether a file holds what a known one holds that is there itself: then it is passed until that one is
// cut off or gone. One that only begins alike is another file.
func (x *files) copyOf(ctx context.Context, old, f *file, n found) (bool, error) {
	if f.packed || old.packed { // lines with times begin alike by no chance; the rest shows when the other is gone
		f.close()
		return true, nil
	}
	size := n.info.Size()
	if size >= old.offset {
		same, err := x.holds(ctx, old, f.f, size)
		if same || err != nil {
			f.close()
		}
		return same, err
	}
	at := max(0, size-tailBytes)
	mine, err := x.disk.readAt(ctx, f.f, int(size-at), at)
	if err != nil {
		return false, err
	}
	its, err := x.disk.readAt(ctx, old.f, len(mine), at)
	if err == nil && bytes.Equal(mine, its) {
		f.close()
		return true, nil
	}
	return false, err
}

// holdsPacked reports whether what a file decompresses to has the bytes of a known one before its position, and leaves
// it there.
func (x *files) holdsPacked(ctx context.Context, old, f *file) (bool, error) {
	u, err := x.disk.unpack(ctx, f.f)
	if err != nil {
		return false, err
	}
	var tail []byte
	for u.at < old.offset {
		b, err := x.disk.next(ctx, u, int(min(chunk, old.offset-u.at)))
		if err != nil {
			return false, err
		}
		if len(b) == 0 {
			return false, nil
		}
		tail = append(tail, b...)
		tail = tail[max(0, len(tail)-tailBytes):]
	}
	f.u = u
	return old.tail.n == 0 || old.tail.begins(tail[len(tail)-min(len(tail), old.tail.n):]), nil
}

// begin says where a new file is read from.
func (x *files) begin(f *file, n found) {
	size := n.info.Size()
	switch {
	case f.packed && (x.first || x.unsure): // older than what is followed
		f.done, f.size = true, size
		f.close()
	case x.unsure: // as far as anybody knows it was read
		f.offset, f.mid = size, size > 0
	case x.first && size > x.back:
		f.offset, f.mid = size-x.back, true
	}
	if f.packed {
		f.size = size
	}
	f.live = !x.first && !x.unsure && !f.packed
}

// lookBeside looks for a file that no glob names any more under the names that it may have been given: what it was
// called, and more.
func (x *files) lookBeside(ctx context.Context, f *file) error {
	beside, _, _, err := x.disk.find(ctx, []string{globOf(f.path) + "*"}, mostFiles)
	if err != nil {
		return err
	}
	taken := map[inode]bool{}
	for _, other := range x.known {
		if other != f && (other.named || other.f != nil) {
			taken[other.at] = true
		}
	}
	for _, n := range beside {
		if taken[n.at] || n.path == f.path && n.at != f.at {
			continue
		}
		opened, at, err := x.disk.open(ctx, n.path)
		if errors.Is(err, errHung) {
			return err
		}
		if err != nil || at != n.at {
			continue
		}
		candidate := &file{path: n.path, at: n.at, packed: packedName(n.path) == 1, f: opened}
		head, err := x.headOf(ctx, candidate)
		if err == nil && f.head.begins(head) {
			kept, err := x.continues(ctx, f, candidate, n)
			if kept || errors.Is(err, errHung) {
				f.named = false // no glob names it: it has a rest, and then it is done
				return err
			}
		}
		candidate.close()
	}
	return nil
}

// globOf makes a glob that names one path.
func globOf(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
