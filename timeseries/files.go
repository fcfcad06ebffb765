package timeseries

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The operations on files that a test can make fail or count.
const (
	opMkdir    = "mkdir"
	opCreate   = "create"
	opWrite    = "write"
	opSync     = "sync"
	opSyncDir  = "syncdir"
	opRename   = "rename"
	opRemove   = "remove"
	opTruncate = "truncate"
	opLook     = "look" // a backup does at the folder that it is of
)

// files is all that this package changes in the file system. hook, nil but in tests, is called before each operation;
// its error is the operation's.
type files struct {
	hook func(op, path string) error
	fast bool // nothing is synced: for tests of what is long, in which no power fails
	dry  bool // nothing is changed, and all that was to be is taken to be done; files cannot be made then
}

func (f files) before(op, path string) error {
	if f.hook == nil {
		return nil
	}
	return f.hook(op, path)
}

// folder makes a folder that is not there yet, and makes its name durable.
func (f files) folder(path string) error {
	if f.dry {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := f.folder(parent); err != nil {
			return err
		}
	}
	err := f.before(opMkdir, path)
	if err == nil {
		err = os.Mkdir(path, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return noSpace(err)
	}
	return f.syncDir(parent)
}

// create makes a file; flag is os.O_EXCL where it must not be there yet, os.O_TRUNC where it may.
func (f files) create(path string, flag int) (*os.File, error) {
	if err := f.before(opCreate, path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
}

func (f files) write(file *os.File, b []byte) error {
	if err := f.before(opWrite, file.Name()); err != nil {
		return err
	}
	_, err := file.Write(b)
	return err
}

func (f files) sync(file *os.File) error {
	if err := f.before(opSync, file.Name()); err != nil || f.fast {
		return err
	}
	return file.Sync()
}

// syncDir makes the names in a folder durable.
func (f files) syncDir(path string) error {
	if f.dry {
		return nil
	}
	if err := f.before(opSyncDir, path); err != nil || f.fast {
		return err
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f files) rename(from, to string) error {
	if f.dry {
		return nil
	}
	if err := f.before(opRename, to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// remove removes a file; one that is gone already is no error.
func (f files) remove(path string) error {
	if f.dry {
		return nil
	}
	if err := f.before(opRemove, path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// truncate cuts a file off, and makes that durable.
func (f files) truncate(path string, size int64) error {
	if f.dry {
		return nil
	}
	if err := f.before(opTruncate, path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err = file.Truncate(size); err == nil {
		err = f.sync(file)
	}
	return errors.Join(err, file.Close())
}

// setAside moves a file into the folder of the quarantine. A name that is taken there gets a number.
func setAside(f files, dir, path string) error {
	if err := f.folder(dir); err != nil {
		return fmt.Errorf("quarantine %s: %w", path, err)
	}
	to := filepath.Join(dir, filepath.Base(path))
	for n := 1; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = filepath.Join(dir, fmt.Sprintf("%s.%d", filepath.Base(path), n))
	}
	if err := f.rename(path, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("quarantine %s: %w", path, err)
	}
	return errors.Join(f.syncDir(dir), f.syncDir(filepath.Dir(path)))
}

// draftSuffix ends the names of files that are not whole yet. What a crash left of them is removed.
const draftSuffix = ".draft"

// noSpace makes the system's "no space left" one of ours.
func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}
