package logs

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what may hang: a file system of a network does for as long as it likes. Each call runs beside the source,
// which gives up at its deadline, and asks for nothing more until the call has come back.
type disk struct {
	pending chan struct{} // a call that has not come back; nil: none
	before  func()        // for tests
}

var errHung = errors.New("the file system does not answer")

// do calls f. With an error f may still be running: it must write to what nobody else uses.
func (d *disk) do(ctx context.Context, f func()) error {
	if d.pending != nil {
		select {
		case <-d.pending:
			d.pending = nil
		default:
			return errHung
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if d.before != nil {
			d.before()
		}
		f()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-done:
		return nil
	default:
		d.pending = done
		return errHung
	}
}

// found is a file that a glob names.
type found struct {
	path string
	at   inode
	info fs.FileInfo
}

// find expands globs into regular files, each once, and returns the globs that name none.
func (d *disk) find(ctx context.Context, globs []string, most int) (all []found, empty []string, more int, err error) {
	type answer struct {
		all   []found
		empty []string
		more  int
		err   error
	}
	var a answer
	err = d.do(ctx, func() {
		seen := map[inode]bool{}
		for _, glob := range globs {
			paths, err := filepath.Glob(glob)
			if err != nil {
				a.err = fmt.Errorf("%s: %w", glob, err)
				return
			}
			n := 0
			for _, path := range paths {
				info, err := os.Stat(path)
				if err != nil || !info.Mode().IsRegular() {
					continue
				}
				n++
				if x := (found{path, inodeOf(path, info), info}); !seen[x.at] {
					seen[x.at] = true
					if len(a.all) < most {
						a.all = append(a.all, x)
					} else {
						a.more++
					}
				}
			}
			if n == 0 {
				a.empty = append(a.empty, glob)
			}
		}
	})
	if err != nil {
		return nil, nil, 0, err
	}
	return a.all, a.empty, a.more, a.err
}

// open opens a file and looks at what was opened, which may not be what a glob found any more.
func (d *disk) open(ctx context.Context, path string) (f *os.File, at inode, err error) {
	type answer struct {
		f    *os.File
		info fs.FileInfo
		err  error
	}
	a := make(chan answer, 1)
	if err = d.do(ctx, func() {
		f, err := os.Open(path)
		if err != nil {
			a <- answer{err: err}
			return
		}
		info, err := f.Stat()
		a <- answer{f, info, err}
	}); err != nil {
		return nil, at, err // and should it open yet, the garbage collector closes it
	}
	got := <-a
	if got.err != nil {
		if got.f != nil {
			_ = got.f.Close()
		}
		return nil, at, got.err
	}
	return got.f, inodeOf(path, got.info), nil
}

// stat looks at an open file.
func (d *disk) stat(ctx context.Context, f *os.File) (info fs.FileInfo, err error) {
	type answer struct {
		info fs.FileInfo
		err  error
	}
	a := make(chan answer, 1)
	if err = d.do(ctx, func() {
		info, err := f.Stat()
		a <- answer{info, err}
	}); err != nil {
		return nil, err
	}
	got := <-a
	return got.info, got.err
}

// readAt reads at most n bytes; fewer, and no error, at the end.
func (d *disk) readAt(ctx context.Context, f io.ReaderAt, n int, offset int64) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	a := make(chan answer, 1)
	if err := d.do(ctx, func() {
		b := make([]byte, n)
		got, err := f.ReadAt(b, offset)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		a <- answer{b[:got], err}
	}); err != nil {
		return nil, err
	}
	got := <-a
	return got.b, got.err
}

// unpacked reads a compressed file from its beginning.
type unpacked struct {
	f  *os.File
	z  *gzip.Reader
	at int64 // in what it decompresses to
}

// unpack begins to read a compressed file.
func (d *disk) unpack(ctx context.Context, f *os.File) (*unpacked, error) {
	type answer struct {
		u   *unpacked
		err error
	}
	a := make(chan answer, 1)
	if err := d.do(ctx, func() {
		z, err := gzip.NewReader(bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 64<<10))
		a <- answer{&unpacked{f: f, z: z}, err}
	}); err != nil {
		return nil, err
	}
	got := <-a
	return got.u, got.err
}

// next reads the next n bytes; fewer at the end. The error of a file that is cut short comes with what there was.
func (d *disk) next(ctx context.Context, u *unpacked, n int) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	a := make(chan answer, 1)
	if err := d.do(ctx, func() {
		b := make([]byte, n)
		got, err := io.ReadFull(u.z, b)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && whole(u.z) {
			err = nil
		}
		a <- answer{b[:got], err}
	}); err != nil {
		return nil, err
	}
	got := <-a
	u.at += int64(len(got.b))
	return got.b, got.err
}

// whole reports whether a compressed file ended as it should: io.ReadFull spells both ends the same.
func whole(z *gzip.Reader) bool {
	_, err := z.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// print is what some bytes are known by.
type print struct {
	n   int
	sum uint64
}

var table = crc64.MakeTable(crc64.ECMA)

func printOf(b []byte) print { return print{len(b), crc64.Checksum(b, table)} }

// begins reports whether bytes begin with those of a print, which are some.
func (p print) begins(b []byte) bool {
	return p.n > 0 && len(b) >= p.n && crc64.Checksum(b[:p.n], table) == p.sum
}

// inode is a file's identity on its file system; zero where there is none.
type inode struct{ dev, ino uint64 }
