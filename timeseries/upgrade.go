package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// oldestVersion is the oldest format that Upgrade makes one of now of. Version 1 was never promised to anybody.
const oldestVersion = 2

// formatStep makes of what a file of one format version holds what it holds in the next. What is damaged in it stays
// so: the step leaves it to whoever reads the file then. name is relative to the folder.
type formatStep func(name string, was []byte) (now []byte, err error)

// formatSteps are where a change of format goes: formatSteps[v] leads from version v to v + 1. Whoever raises
// formatVersion adds one here, and the folder of the version that was to testdata; TestKeptFolders asks for both. Files
// are upgraded one by one and in any order, and a folder that is half done is upgraded further: so a step needs no file
// but its own.
var formatSteps = map[uint16]formatStep{}

// Upgrade makes a data folder of an older format, which no process has open, one of the format of now, file by file,
// and returns which files it made anew. One that was cut short goes on where it was. Files of damaged headers are left,
// and dealt with by opening the folder.
func Upgrade(dir string) (done []string, err error) {
	return upgrade(dir, oldestVersion, formatSteps, files{})
}

func upgrade(dir string, oldest uint16, by map[uint16]formatStep, f files) (done []string, err error) {
	if err := errors.Join(refuseCopies(dir), isDataFolder(dir)); err != nil {
		return nil, err
	}
	all, err := versionsOf(dir)
	if err != nil {
		return nil, err
	}
	for _, x := range all { // before anything is changed
		for v := x.version; !x.reads(v); v++ {
			if v < oldest || v >= formatVersion || by[v] == nil {
				return nil, wrongVersion(x)
			}
		}
	}
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlockFolder(lock)) }()
	for _, x := range all {
		if x.reads(x.version) {
			continue
		}
		if err := upgradeFile(dir, x, by, f); err != nil {
			return done, fmt.Errorf("upgrade %s: %w", x.name, err)
		}
		done = append(done, x.name)
	}
	return done, nil
}

func upgradeFile(dir string, x versioned, by map[uint16]formatStep, f files) error {
	path := filepath.Join(dir, x.name)
	b, err := readAround(path)
	if err != nil {
		return err
	}
	for v := x.version; !x.reads(v); v++ {
		if b, err = by[v](x.name, b); err != nil {
			return fmt.Errorf("from version %d: %w", v, err)
		}
		if now := binary.LittleEndian.Uint16(b[8:]); now != v+1 {
			return fmt.Errorf("from version %d: it became one of version %d", v, now)
		}
	}
	draft, err := f.create(path+draftSuffix, os.O_TRUNC)
	if err != nil {
		return noSpace(err)
	}
	if err = f.write(draft, b); err == nil {
		err = f.sync(draft)
	}
	if err = errors.Join(noSpace(err), draft.Close()); err != nil {
		return errors.Join(err, f.remove(draft.Name()))
	}
	if err := f.rename(draft.Name(), path); err != nil {
		return noSpace(err)
	}
	return f.syncDir(filepath.Dir(path))
}

// versioned is a file that says its version; the name is relative to the folder.
type versioned struct {
	name    string
	version uint16
	newest  uint16 // in which this program reads what the file says it is
}

// reads reports whether this program reads the file in a version. Segments of the log and blocks have a version more
// than other files, and are read in both.
func (x versioned) reads(v uint16) bool { return v == formatVersion || v == x.newest }

// versionsOf returns the files of a folder whose headers can be read. An error is when one may not be.
func versionsOf(dir string) (out []versioned, err error) {
	for _, part := range [...]struct{ folder, magic string }{{"blocks", shelfMagic}, {"log", logMagic}} {
		names, err := os.ReadDir(filepath.Join(dir, part.folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, n := range names {
			name := filepath.Join(part.folder, n.Name())
			x, ok, err := versionOf(filepath.Join(dir, name), part.magic)
			if err != nil {
				return nil, err
			}
			if ok {
				x.name = name
				out = append(out, x)
			}
		}
	}
	return out, nil
}
