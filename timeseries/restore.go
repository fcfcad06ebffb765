package timeseries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// IsBackup reports whether a folder holds a backup, or what is left of one.
func IsBackup(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, listName))
	return err == nil
}

// CheckBackup reads all of a backup, and returns an error that names the first file which is not what was written, or
// not there, or there and not of it.
func CheckBackup(ctx context.Context, dir string) (Backed, error) {
	c := &copying{from: dir, files: files{dry: true}}
	b, _, err := c.check(ctx)
	return b, err
}

// refuseCopies returns an error where a folder is a backup, or was not restored or backed up to wholly: none is to be
// opened.
func refuseCopies(dir string) error {
	if IsBackup(dir) {
		return fmt.Errorf("%s is a backup: restore it into a folder of its own (lineaged data restore)", dir)
	}
	for _, x := range [...]struct{ name, what string }{
		{unfinishedName, "restoring a backup into it was cut short; remove it and restore again"},
		{unfinishedBackup, "a backup into it was cut short, or is still being taken; if none is, remove it and back up again"},
	} {
		switch _, err := os.Lstat(filepath.Join(dir, x.name)); {
		case err == nil:
			return fmt.Errorf("%s is not whole: %s", dir, x.what)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR): // a file is refused as one
			return err
		}
	}
	return nil
}

// Restore copies a backup into a new or an empty folder, after it has read all of it as CheckBackup does. The folder
// can be opened once all is copied; what an error leaves is removed.
func Restore(ctx context.Context, from, to string) (Backed, error) {
	return restore(ctx, from, to, files{}, freeSpace)
}

func restore(ctx context.Context, from, to string, f files, space func(string) (int64, error)) (Backed, error) {
	c := &copying{from: from, files: f, space: space}
	b, l, err := c.check(ctx)
	if err != nil {
		return b, err
	}
	if err := c.begin(to); err != nil {
		return b, fmt.Errorf("restore %s: %w", from, err)
	}
	if err := c.restore(ctx, l, b.Bytes); err != nil {
		return b, fmt.Errorf("restore %s: %w", from, errors.Join(err, c.undo()))
	}
	return b, nil
}

// check reads all of the backup that is copied from.
func (c *copying) check(ctx context.Context) (b Backed, l fileList, err error) {
	text, err := os.ReadFile(filepath.Join(c.from, listName))
	if errors.Is(err, fs.ErrNotExist) {
		return b, l, fmt.Errorf("%s is no whole backup: it has no %s, which is written last", c.from, listName)
	}
	if err == nil {
		l, err = decodeList(string(text))
	}
	if err != nil {
		return b, l, fmt.Errorf("%s cannot be restored: %w", c.from, err)
	}
	b = Backed{At: l.at, Files: len(l.files)}
	of := map[string]bool{}
	for _, x := range l.files {
		of[x.name] = true
		if err := c.checkFile(ctx, x); err != nil {
			return b, l, fmt.Errorf("%s cannot be restored: %w", c.from, err)
		}
		b.Bytes += x.size
	}
	for _, folder := range backupFolders {
		names, err := os.ReadDir(filepath.Join(c.from, folder))
		if errors.Is(err, fs.ErrNotExist) && folder == backupFolders[len(backupFolders)-1] {
			continue
		}
		if err != nil {
			return b, l, fmt.Errorf("%s cannot be restored: %w", c.from, err)
		}
		for _, n := range names {
			if name := filepath.Join(folder, n.Name()); !of[name] {
				return b, l, fmt.Errorf("%s cannot be restored: %s is not of the backup", c.from, name)
			}
		}
	}
	return b, l, nil
}

func (c *copying) checkFile(ctx context.Context, x listedFile) error {
	f, err := os.Open(filepath.Join(c.from, x.name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there", x.name)
	}
	if err != nil {
		return err
	}
	got, err := c.pump(ctx, f, nil)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read %s: %w", x.name, err)
	}
	return x.is(got)
}

// restoreFile copies a file, and reads it again while it does.
func (c *copying) restoreFile(ctx context.Context, x listedFile) error {
	f, err := os.Open(filepath.Join(c.from, x.name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	got, err := c.write(ctx, x.name, f, info.ModTime())
	if err != nil {
		return err
	}
	return x.is(got)
}

// restore copies what is in a list. A file keeps the folder from being opened until all of it is there.
func (c *copying) restore(ctx context.Context, l fileList, bytes int64) error {
	if err := c.room(bytes); err != nil {
		return err
	}
	if err := c.begun(unfinishedName); err != nil {
		return err
	}
	if err := c.folders(l.besides()); err != nil {
		return err
	}
	for _, x := range l.files {
		if err := c.restoreFile(ctx, x); err != nil {
			return fmt.Errorf("copy %s: %w", x.name, err)
		}
	}
	if err := c.syncFolders(l); err != nil {
		return err
	}
	return c.ended(unfinishedName)
}
