package timeseries

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The list of a backup: what is in it, as text.
const (
	listName  = "BACKUP"
	listFirst = "lineaged backup 1"
	// listBesides is the first line of a backup that has what is not the store's, of which the first version knew
	// nothing.
	listBesides = "lineaged backup 2"
	// unfinishedName is there while a folder is being restored, unfinishedBackup while one is being backed up to: until
	// all of it is there.
	unfinishedName   = "RESTORING"
	unfinishedBackup = "BACKING-UP"
)

// listed is what a list says of a file.
type listed struct {
	size int64
	sum  [sha256.Size]byte
}

type listedFile struct {
	name string
	listed
}

// is returns an error that says in what a file is another than is listed.
func (x listedFile) is(got listed) error {
	switch {
	case got.size != x.size:
		return fmt.Errorf("%s has %d bytes of %d", x.name, got.size, x.size)
	case got != x.listed:
		return fmt.Errorf("%s is not what was written: its checksum does not match", x.name)
	}
	return nil
}

type fileList struct {
	at    time.Time
	files []listedFile
}

// besides reports whether there is what is not the store's.
func (l fileList) besides() bool {
	return slices.ContainsFunc(l.files, func(x listedFile) bool { return x.name == besideFile })
}

func (l fileList) encode() []byte {
	var b strings.Builder
	first := listFirst
	if l.besides() {
		first = listBesides
	}
	fmt.Fprintf(&b, "%s\ntaken %s\n", first, l.at.Format(time.RFC3339Nano))
	slices.SortFunc(l.files, func(x, y listedFile) int { return strings.Compare(x.name, y.name) })
	for _, x := range l.files {
		fmt.Fprintf(&b, "%x %d %s\n", x.sum, x.size, filepath.ToSlash(x.name))
	}
	fmt.Fprintf(&b, "%x end\n", sha256.Sum256([]byte(b.String())))
	return []byte(b.String())
}

// decodeList is the inverse of encode.
func decodeList(text string) (l fileList, err error) {
	first, _, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(first, "lineaged backup ") && first != listFirst && first != listBesides {
		return l, fmt.Errorf("it is of another lineaged: %q, and this one reads %q and %q", first, listFirst, listBesides)
	}
	broken := func(what string) error { return fmt.Errorf("its list %s is damaged: %s", listName, what) }
	at := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	if want := fmt.Sprintf("%x end\n", sha256.Sum256([]byte(text[:at]))); text[at:] != want {
		return l, broken("its checksum does not match")
	}
	lines := strings.Split(strings.TrimSuffix(text[:at], "\n"), "\n")
	if len(lines) < 2 || first != listFirst && first != listBesides {
		return l, broken("it does not begin as one")
	}
	if l.at, err = time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[1], "taken ")); err != nil {
		return l, broken("it does not say when it was taken")
	}
	for _, line := range lines[2:] {
		var x listedFile
		var sum string
		if _, err := fmt.Sscanf(line, "%64s %d %s", &sum, &x.size, &x.name); err != nil {
			return l, broken(fmt.Sprintf("%q", line))
		}
		b, err := hex.DecodeString(sum)
		if folder := filepath.Dir(x.name); err != nil || len(b) != len(x.sum) || x.size < 0 || x.name != filepath.Clean(x.name) || !slices.Contains(backupFolders, folder) {
			return l, broken(fmt.Sprintf("%q", line))
		}
		copy(x.sum[:], b)
		l.files = append(l.files, x)
	}
	if l.besides() != (first == listBesides) {
		return l, broken("its version is not that of what is in it")
	}
	return l, nil
}

// begun makes the folder that is copied to, and in it, before anything else, the file that keeps it from being opened,
// and keeps others from copying into it. Whoever finds another's there, or all of a copy, leaves the folder to that
// one.
func (c *copying) begun(name string) error {
	if err := c.files.folder(c.to); err != nil {
		return err
	}
	f, err := c.files.create(filepath.Join(c.to, name), os.O_EXCL)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is not empty: another copies into it", c.to)
	}
	if err != nil {
		return noSpace(err)
	}
	c.marked = true
	if err := errors.Join(c.files.sync(f), f.Close(), c.files.syncDir(c.to)); err != nil {
		return noSpace(err)
	}
	names, err := os.ReadDir(c.to)
	if err == nil && len(names) > 1 { // it came since the folder was found to be empty
		c.marked = false
		err = errors.Join(fmt.Errorf("%s is not empty any more: another copies into it", c.to), c.files.remove(filepath.Join(c.to, name)))
	}
	return err
}

// ended removes what begun made, once all is durable.
func (c *copying) ended(name string) error {
	if err := c.files.remove(filepath.Join(c.to, name)); err != nil {
		return err
	}
	return c.files.syncDir(c.to)
}

// writeList makes a backup whole.
func (c *copying) writeList(l fileList) error {
	path := filepath.Join(c.to, listName)
	f, err := c.files.create(path+draftSuffix, os.O_TRUNC)
	if err != nil {
		return noSpace(err)
	}
	if err = c.files.write(f, l.encode()); err == nil {
		err = c.files.sync(f)
	}
	if err = errors.Join(noSpace(err), f.Close()); err != nil {
		return err
	}
	if err := c.files.rename(path+draftSuffix, path); err != nil {
		return noSpace(err)
	}
	return c.files.syncDir(c.to)
}
