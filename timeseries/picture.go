package timeseries

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup is taken by looking at the folder alone, whether or not a process has it open, and changes nothing in it. It
// can be, because of the order in which the store writes (see docs/adr/0018-backup.md):
//
//   - files in blocks/ have their names when they are whole, and are not changed any more;
//   - a generation of the state is named after all that it names, and what the one before needed is removed after that;
//   - the log only grows, and its segments are written one after the other.
//
// So all that is in the folder while one generation is the newest, with the log up to any length, is what a kill would
// have left.

// picture is what a folder held at one instant: the newest generation of the state and the log as open files, so that
// they can be read though they are removed meanwhile, and the names of the blocks and of the files of silent subjects.
type picture struct {
	at    time.Time
	open  []pictured
	names []string // in blocks/, relative to the folder
	// single are files that have one copy where there should be two: the other was lost before.
	single []string
}

// pictured is an open file, as long as it was then.
type pictured struct {
	name string // relative to the folder
	file *os.File
	info os.FileInfo
}

func (p *picture) close() (err error) {
	for _, f := range p.open {
		err = errors.Join(err, f.file.Close())
	}
	p.open = nil
	return err
}

const (
	// pictureTries is how often a picture is tried: what makes one fail, a save of the state, comes once an hour.
	pictureTries = 200
	// pictureRest is how long a save may take from the name of its first copy to that of its second.
	pictureRest = 5 * time.Millisecond
)

// takePicture opens what a folder holds now.
func takePicture(dir string, f files) (*picture, error) {
	for try := 0; ; try++ {
		p, err := tryPicture(dir, f, try == pictureTries)
		if p != nil || err != nil {
			return p, err
		}
		if try > pictureTries {
			return nil, fmt.Errorf("%s changes faster than it can be looked at", dir)
		}
		time.Sleep(pictureRest)
	}
}

// tryPicture returns nil where the state was saved meanwhile, or is just being saved. patient: what lacks its other
// copy now has lost it.
func tryPicture(dir string, f files, patient bool) (p *picture, err error) {
	before, err := listBlocks(dir, f)
	if err != nil {
		return nil, err
	}
	p = &picture{}
	whole := false
	defer func() {
		if !whole {
			err, p = errors.Join(err, p.close()), nil
		}
	}()
	for _, name := range before.state {
		if err := p.take(dir, name, f); err != nil {
			return p, err
		}
	}
	segments, err := listSegments(dir, f)
	if err != nil {
		return p, err
	}
	for _, name := range segments { // each as long as it is, before the next is looked at: the log up to one instant
		if err := p.take(dir, name, f); err != nil {
			return p, err
		}
	}
	p.at = time.Now().UTC()
	// A name that is given while a folder is listed may be missed, but not by the next listing.
	again, err := listSegments(dir, f)
	if err != nil {
		return p, err
	}
	names, err := listBlocks(dir, f)
	if err != nil {
		return p, err
	}
	after, err := listBlocks(dir, f)
	if err != nil {
		return p, err
	}
	missed := func(name string) bool { return name < slices.Max(segments) && !slices.Contains(segments, name) }
	if names.generation != before.generation || after.generation != before.generation || len(segments) > 0 && slices.ContainsFunc(again, missed) {
		return p, nil
	}
	if p.single = names.single(); len(p.single) > 0 && !patient {
		return p, nil
	}
	p.names = names.rest
	whole = len(p.open) == len(before.state)+len(segments) || patient
	if err := p.take(dir, besideFile, f); err != nil {
		whole = false
		return p, err
	}
	return p, nil
}

// take opens a file; one that is gone already was not needed any more.
func (p *picture) take(dir, name string, f files) error {
	path := filepath.Join(dir, name)
	if err := f.before(opLook, path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	p.open = append(p.open, pictured{name, file, info})
	return nil
}

// list reads a folder's names, sorted.
func (f files) list(path string) ([]os.DirEntry, error) {
	if err := f.before(opLook, path); err != nil {
		return nil, err
	}
	return os.ReadDir(path)
}

// blockNames are the names of whole files in blocks/, relative to the folder.
type blockNames struct {
	generation int64    // the newest; -1: the state was never saved
	state      []string // the copies of the newest generation
	rest       []string // all others that are copied
}

func listBlocks(dir string, f files) (n blockNames, err error) {
	n.generation = -1
	all, err := f.list(filepath.Join(dir, "blocks"))
	if err != nil {
		return n, fmt.Errorf("read blocks: %w", err)
	}
	for _, x := range all {
		id, ok := parseName(x.Name())
		if !ok { // a draft, or not the store's
			continue
		}
		name := filepath.Join("blocks", x.Name())
		switch {
		case id.kind == rosterKind: // it is derived
		case id.kind != stateFile:
			n.rest = append(n.rest, name)
		case id.number > n.generation:
			n.generation, n.state = id.number, []string{name}
		case id.number == n.generation:
			n.state = append(n.state, name)
		}
	}
	return n, nil
}

// single returns which files lack their other copy.
func (n blockNames) single() (out []string) {
	all := slices.Concat(n.state, n.rest)
	for _, name := range all {
		base, a := strings.CutSuffix(name, ".a")
		other := base + ".b"
		if !a {
			base, b := strings.CutSuffix(name, ".b")
			if other = base + ".a"; !b {
				continue
			}
		}
		if !slices.Contains(all, other) {
			out = append(out, name)
		}
	}
	return out
}

// listSegments returns the names of the log's segments by number, relative to the folder.
func listSegments(dir string, f files) (out []string, err error) {
	all, err := f.list(filepath.Join(dir, "log")) // by name, which is by number
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	for _, x := range all {
		var number uint64
		if _, err := fmt.Sscanf(x.Name(), "%020d.log", &number); err == nil && x.Name() == segmentName(number) {
			out = append(out, filepath.Join("log", x.Name()))
		}
	}
	return out, nil
}
