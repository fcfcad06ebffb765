package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Checked is what a ledger's folder was found to be.
type Checked struct {
	Key         string
	Fingerprint string
	Checkpoint  Checkpoint
	Journaled   int64 // entries that are acknowledged and not in tiles yet
	Periods     int64 // how many are closed
	Amendments  int64
	First, Last Period // the zero period: none is closed
}

// Verify checks a ledger's folder offline: each entry against the tree, the tree against the signed checkpoint, and the
// chain of its periods. key is the verifier key that must have signed; empty: that in the folder is trusted. earlier is
// a checkpoint that was taken away before, whose tree must be a beginning of this one; nil: none. What is wrong is a
// BadError, which names the first bad entry where that can be told.
//
// A folder that was cut back to an older checkpoint of its own can't be told from one that has not gone on: earlier
// can.
func Verify(fsys fs.FS, key string, earlier []byte) (*Checked, error) {
	v := &folderVerifier{fsys: fsys}
	if err := v.open(key, earlier); err != nil {
		return nil, err
	}
	if err := v.entries(); err != nil {
		return nil, err
	}
	if err := v.journaled(); err != nil {
		return nil, err
	}
	if v.earlier != nil && v.at == nil {
		return nil, &BadError{-1, checkpointFile, fmt.Sprintf("it is of %d entries, and there was one of %d before: entries are missing at the end", v.out.Checkpoint.Size, v.earlier.Size)}
	}
	if v.earlier != nil && *v.at != v.earlier.Root {
		return nil, &BadError{-1, checkpointFile, fmt.Sprintf("its first %d entries are not those that were signed before: it was rewritten, or it is a fork", v.earlier.Size)}
	}
	return &v.out, v.chain()
}

type folderVerifier struct {
	fsys    fs.FS
	out     Checked
	earlier *Checkpoint
	at      *tlog.Hash // the tree's root at earlier's size
	tree    *tree
	edge    edge
	above   []tile // full tiles of hashes that were made from entries, to be compared
	lastOf  []byte // the newest entry
}

type tile struct {
	level  int
	n      int64
	hashes []tlog.Hash
}

func (v *folderVerifier) open(key string, earlier []byte) error {
	v.out.Key = key
	if key == "" {
		data, err := fs.ReadFile(v.fsys, publicFile)
		if err != nil {
			return fmt.Errorf("read whose ledger it is: %w; or give --key", err)
		}
		v.out.Key = strings.TrimSuffix(string(data), "\n")
	}
	v.out.Fingerprint = Fingerprint(v.out.Key)
	text, err := fs.ReadFile(v.fsys, checkpointFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.out.Checkpoint = Checkpoint{Root: emptyRoot}
	case err != nil:
		return fmt.Errorf("read the checkpoint: %w", err)
	default:
		if v.out.Checkpoint, err = OpenCheckpoint(text, v.out.Key); err != nil {
			return &BadError{-1, checkpointFile, err.Error()}
		}
	}
	if earlier != nil {
		c, err := OpenCheckpoint(earlier, v.out.Key)
		if err != nil {
			return &BadError{-1, "the checkpoint that was taken away before", err.Error()}
		}
		v.earlier = &c
	}
	v.tree = newTree(v.fsys, v.out.Checkpoint.Size)
	v.note()
	return nil
}

// note keeps the root of the tree as large as the earlier one.
func (v *folderVerifier) note() {
	if v.earlier != nil && v.edge.size == v.earlier.Size {
		root := v.edge.root()
		v.at = &root
	}
}

// entries makes the tree from the entries, and compares it with the tiles of hashes and the checkpoint.
func (v *folderVerifier) entries() error {
	size := v.out.Checkpoint.Size
	for n := int64(0); n*tileWidth < size; n++ {
		if err := v.tileOf(n); err != nil {
			return err
		}
	}
	for level, hashes := range v.edge.levels {
		if len(hashes) > 0 {
			v.above = append(v.above, tile{level, v.edge.size >> (tileHeight * (level + 1)), hashes})
		}
	}
	if err := v.compare(); err != nil {
		return err
	}
	if v.edge.root() != v.out.Checkpoint.Root {
		return &BadError{-1, checkpointFile, fmt.Sprintf("it was not signed over these %d entries, which agree with each other: the ledger was rewritten, or it is a fork", size)}
	}
	return nil
}

// tileOf takes in the entries of a tile, each compared with its hash.
func (v *folderVerifier) tileOf(n int64) error {
	width := widthOf(v.tree.size, 0, n)
	where := tilePath(-1, n, width)
	data, err := v.tree.readTile(-1, n, width)
	if err != nil {
		return &BadError{n * tileWidth, where, err.Error()}
	}
	hashes, hashErr := v.tree.hashes(0, n)
	all, rest, err := splitEntries(data, width)
	for i, entry := range all {
		h := tlog.RecordHash(entry)
		if hashErr == nil && h != hashes[i] {
			return &BadError{n*tileWidth + int64(i), where, "it is not the one that was signed" + what(entry)}
		}
		v.edge.add(h, func(level int, n int64, full []tlog.Hash) {
			v.above = append(v.above, tile{level, n, full})
		})
		v.note()
		v.lastOf = entry
	}
	if err != nil {
		return &BadError{n*tileWidth + int64(len(all)), where, err.Error()}
	}
	if hashErr != nil {
		return &BadError{n * tileWidth, tilePath(0, n, width), hashErr.Error()}
	}
	if len(rest) > 0 && width == tileWidth {
		return &BadError{n*tileWidth + int64(len(all)), where, fmt.Sprintf("%d bytes follow its last entry", len(rest))}
	}
	return v.compare()
}

// what says in a few words what an entry claims to be.
func what(entry []byte) string {
	is, err := typeOf(entry)
	if err != nil {
		return ""
	}
	return "; it says that it is of type " + is
}

// compare compares tiles of hashes above the lowest with those that were made.
func (v *folderVerifier) compare() error {
	for _, t := range v.above {
		is, err := v.tree.hashes(t.level, t.n)
		first := t.n << (tileHeight * (t.level + 1))
		if err != nil {
			return &BadError{first, tilePath(t.level, t.n, len(t.hashes)), err.Error()}
		}
		for i, h := range t.hashes {
			if is[i] != h {
				return &BadError{first + int64(i)<<(tileHeight*t.level), tilePath(t.level, t.n, len(t.hashes)), "the hash over the entries from here on is not that of the entries"}
			}
		}
	}
	v.above = v.above[:0]
	return nil
}

// journaled takes in what was acknowledged and is not in tiles yet.
func (v *folderVerifier) journaled() error {
	data, err := fs.ReadFile(v.fsys, journalFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the journal: %w", err)
	}
	for _, b := range readJournal(data) {
		c, err := OpenCheckpoint(b.checkpoint.Text, v.out.Key)
		if err != nil {
			return &BadError{-1, journalFile, err.Error()}
		}
		if c.Size <= v.edge.size {
			continue
		}
		for _, entry := range b.entries {
			v.edge.add(tlog.RecordHash(entry), func(int, int64, []tlog.Hash) {})
			v.note()
			v.lastOf = entry
		}
		if v.edge.size != c.Size || v.edge.root() != c.Root {
			return &BadError{-1, journalFile, fmt.Sprintf("the checkpoint of %d entries is not of the entries before and in it", c.Size)}
		}
		v.out.Journaled += int64(len(b.entries))
		v.out.Checkpoint = c
	}
	return nil
}

// chain goes through the periods, the newest first: each must begin where the one before ends.
func (v *folderVerifier) chain() error {
	if v.edge.size == 0 {
		return nil
	}
	if v.out.Journaled > 0 {
		// what is in the journal alone is not read by tiles: the chain of the rest is looked at
		v.edge.size -= v.out.Journaled
	}
	r := &Reader{tree: v.tree, checkpoint: Checkpoint{Size: v.edge.size}}
	var after *Period
	for c, err := range r.backward() {
		if err != nil {
			return &BadError{c.index, "the chain of periods", err.Error()}
		}
		if c.Kind != kindPeriod {
			v.out.Amendments++
			continue
		}
		if v.out.Periods++; after == nil {
			v.out.Last = c.Period
		} else if !c.Period.End.Equal(after.Start.Time) {
			return &BadError{c.index, "the chain of periods", "the next period does not begin where this one ends"}
		}
		v.out.First, after = c.Period, &c.Period
	}
	return nil
}
