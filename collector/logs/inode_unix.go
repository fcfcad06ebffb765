//go:build unix

package logs

import (
	"io/fs"
	"syscall"
)

func inodeOf(_ string, info fs.FileInfo) inode {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return inode{uint64(st.Dev), st.Ino} //nolint:unconvert // it is another type elsewhere
	}
	return inode{}
}
