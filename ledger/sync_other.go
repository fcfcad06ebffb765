//go:build !linux

package ledger

import (
	"errors"
	"fmt"
	"os"
)

// syncData syncs a file.
func syncData(f *os.File) error { return f.Sync() }

// readPart reads a part of a file that is opened for it.
func readPart(path string, into []byte, from int64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a file: %w", err)
	}
	_, err = f.ReadAt(into, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read %s from byte %d: %w", path, from, err)
	}
	return nil
}
