package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// syncData syncs what is in a file and what is needed to read it: not when it was changed last, which alone would have
// the file system write its own journal.
func syncData(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = again(func() error { return syscall.Fdatasync(int(fd)) })
	})
	return errors.Join(err, failed)
}

// readPart reads a part of a file that is opened for it. It is not for files that can make one wait, so that os.File,
// which sees to these, is not needed: it takes as long again.
func readPart(path string, into []byte, from int64) error {
	fd := -1
	err := again(func() (err error) {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	for done := 0; done < len(into) && err == nil; {
		n := 0
		err = again(func() (err error) {
			n, err = syscall.Pread(fd, into[done:], from+int64(done))
			return err
		})
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		done += n
	}
	if err = errors.Join(err, syscall.Close(fd)); err != nil {
		return fmt.Errorf("read %s from byte %d: %w", path, from, err)
	}
	return nil
}

// again does something until no signal interrupts it.
func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
