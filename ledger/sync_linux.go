package ledger

import (
	"errors"
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
		for failed = syscall.EINTR; errors.Is(failed, syscall.EINTR); {
			failed = syscall.Fdatasync(int(fd))
		}
	})
	return errors.Join(err, failed)
}
