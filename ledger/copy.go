package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// copyTries is how often a copy is begun anew where what is copied was pruned meanwhile.
const copyTries = 3

// Copy copies a ledger into a new folder, whether or not a process has it open: as of its newest published checkpoint,
// all that this covers and nothing else, so that the copy verifies. It is verified before Copy returns. What an error
// leaves is removed. The record of the anchors is copied, and what commitments stand for; the key is not.
func Copy(ctx context.Context, from, to string) (c *Checked, err error) {
	if _, err := os.Lstat(to); err == nil {
		return nil, fmt.Errorf("copy the ledger: %s is there already", to)
	}
	for try := 1; ; try++ {
		if c, err = copyOnce(ctx, from, to); err == nil {
			return c, nil
		}
		if undo := os.RemoveAll(to); undo != nil {
			return nil, errors.Join(err, undo)
		}
		if !errors.Is(err, fs.ErrNotExist) || try == copyTries {
			return nil, fmt.Errorf("copy the ledger: %w", err)
		}
	}
}

func copyOnce(ctx context.Context, from, to string) (*Checked, error) {
	fsys := os.DirFS(from)
	public, err := fs.ReadFile(fsys, publicFile)
	if err != nil {
		return nil, fmt.Errorf("read whose it is: %w", err)
	}
	// The checkpoint first, and then what it covers: what comes after is another's.
	text, err := fs.ReadFile(fsys, checkpointFile)
	empty := errors.Is(err, fs.ErrNotExist)
	if err != nil && !empty {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	minimum, err := readMinimum(fsys)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	all := map[string][]byte{publicFile: public}
	if minimum > 0 {
		all[minimumFile] = fmt.Appendf(nil, "%d\n", minimum)
	}
	if !empty {
		c, err := OpenCheckpoint(text, strings.TrimSuffix(string(public), "\n"))
		if err != nil {
			return nil, err
		}
		if err := copyTiles(ctx, newTree(fsys, c.Size), minimum, to); err != nil {
			return nil, err
		}
		all[checkpointFile] = text
	}
	// What commitments stand for was written before the entries that have them.
	for _, name := range []string{peopleFile, breakersFile, notedFile, anchoredFile} {
		data, err := fs.ReadFile(fsys, name)
		if err == nil {
			all[name] = data
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	for name, data := range all {
		if err := writeWhole(filepath.Join(to, name), data); err != nil {
			return nil, err
		}
	}
	return Verify(os.DirFS(to), "", nil)
}

// anchoredFile has what was anchored when. It is ledger/anchor's, and no part of the tree.
const anchoredFile = "anchored"

// copyTiles copies the tiles of a tree from a minimum on, each as wide as it is there.
func copyTiles(ctx context.Context, t *tree, minimum int64, to string) error {
	dirs := map[string]bool{}
	for level := -1; level < 0 || t.size>>(tileHeight*level) > 0; level++ {
		n := int64(0)
		if level <= 0 {
			n = minimum / tileWidth
		}
		for ; ; n++ {
			width := widthOf(t.size, max(0, level), n)
			if width == 0 {
				break
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			data, err := t.cut(level, n, width)
			if err != nil {
				return err
			}
			path := filepath.Join(to, filepath.FromSlash(tilePath(level, n, width)))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return fmt.Errorf("make a folder: %w", err)
			}
			if err := writeSynced(path, data); err != nil {
				return err
			}
			for dir := filepath.Dir(path); len(dir) >= len(to); dir = filepath.Dir(dir) {
				dirs[dir] = true
			}
		}
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// cut returns a tile's bytes, of one that is longer meanwhile its beginning.
func (t *tree) cut(level int, n int64, width int) ([]byte, error) {
	data, is, err := t.readTile(level, n, width)
	if err != nil || is == width {
		return data, err
	}
	if level >= 0 {
		if len(data) < width*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(level, n, is), len(data))
		}
		return data[:width*tlog.HashSize], nil
	}
	_, rest, err := splitEntries(data, width)
	return data[:len(data)-len(rest)], err
}
