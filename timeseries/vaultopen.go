package timeseries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// open reads the directories of all files. What is damaged and costs nothing is said in the log; a file without a
// section that can be read is there, and empty.
func (v *diskVault) open() error {
	v.whole, v.drafts, v.hurt = map[fileID]*shelved{}, map[fileID]*draft{}, map[fileID]bool{}
	names, err := os.ReadDir(v.dir)
	if err != nil {
		return fmt.Errorf("read blocks: %w", err)
	}
	var drafts []string
	for _, n := range names {
		path := filepath.Join(v.dir, n.Name())
		if strings.HasSuffix(n.Name(), draftSuffix) {
			drafts = append(drafts, path)
			continue
		}
		id, ok := parseName(n.Name())
		if !ok {
			v.log.Warn("a file in the data folder is not the store's, and is left alone", "path", path)
			continue
		}
		c, err := v.openCopy(path, id)
		if err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		v.keep(id, c)
	}
	for _, path := range drafts {
		if err := v.leftover(path); err != nil {
			return fmt.Errorf("tidy up what a crash left: %w", err)
		}
	}
	for id, f := range v.whole {
		if len(f.copies) < len(v.paths(id)) {
			v.log.Warn("a file of the store has a copy less than it should", "file", id.String(), "there", f.copies[0].path)
		}
	}
	return nil
}

// leftover deals with a draft that a crash left: it is removed, but where the file has its other copy already. All
// copies were synced before the first was named, so that this one is named too.
func (v *diskVault) leftover(path string) error {
	name := strings.TrimSuffix(path, draftSuffix)
	id, ok := parseName(filepath.Base(name))
	f := v.whole[id]
	if !ok || f == nil || len(f.copies) == len(v.paths(id)) || !v.isWhole(path, id) {
		v.leftovers = append(v.leftovers, "a file that was being written: "+path)
		return v.files.remove(path)
	}
	v.leftovers = append(v.leftovers, "a copy that had no name yet: "+path)
	if err := v.files.rename(path, name); err != nil {
		return err
	}
	if v.files.dry {
		name = path
	}
	c, err := v.openCopy(name, id)
	if err == nil {
		v.keep(id, c)
	}
	return err
}

// isWhole reports whether a draft of a file has all that the directory of a copy says.
func (v *diskVault) isWhole(path string, id fileID) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	all, damage, err := directory(f, info.Size(), id, v.tick)
	return err == nil && damage == nil && len(all) == len(v.whole[id].sections())
}

// keep needs mu, or to be alone.
func (v *diskVault) keep(id fileID, c shelvedCopy) {
	if v.whole[id] == nil {
		v.whole[id] = &shelved{}
	}
	v.whole[id].copies = append(v.whole[id].copies, c)
}

func (v *diskVault) openCopy(path string, id fileID) (shelvedCopy, error) {
	c := shelvedCopy{path: path}
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	info, err := f.Stat()
	if err != nil {
		return c, errors.Join(err, f.Close())
	}
	c.size = info.Size()
	all, damage, err := directory(f, c.size, id, v.tick)
	if err := errors.Join(err, f.Close()); err != nil {
		if !errors.Is(err, errCorrupt) {
			return c, err
		}
		damage = errors.Join(damage, err)
	}
	if damage != nil {
		v.hurt[id] = true
		v.log.Error("a file of the store is damaged", "path", path, "sections", len(all), "error", damage)
	}
	c.index = extentsOf(all)
	return c, nil
}
