//go:build linux && !arm

package ledger

import (
	"os"
	"syscall"
)

// startSync has the disk begin with a part of a file, of which syncData is to be called nevertheless: that says what
// failed.
func startSync(f *os.File, from, n int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.SyncFileRange(int(fd), from, n, write) })
	}
}
