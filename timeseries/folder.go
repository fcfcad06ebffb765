//go:build unix

package timeseries

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockFolder takes the lock that keeps a second process out. The system releases it when the process ends, however it
// ends.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another process has it open")
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// unlockFolder gives the lock back. Closing the file alone does not, for as long as a process that is just being
// started has a copy of it.
func unlockFolder(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

// defaultMinFree is 512 MiB, and a twentieth of a file system that is smaller than ten GiB: what a save needs at once
// is much less.
func defaultMinFree(dir string) int64 {
	const most = 512 << 20
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return most
	}
	return min(most, int64(s.Blocks)/20*int64(s.Bsize)) //nolint:unconvert // their types differ from system to system
}

// freeSpace returns the bytes that an ordinary user may still write.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // their types differ from system to system
}
