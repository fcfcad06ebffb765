package ledger

import (
	"bytes"
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
	// Torn is how many bytes of the journal, at most, are of a batch that is not whole: a process writes it now, or was
	// killed or lost power while it wrote, or it was changed. That can't be told apart.
	Torn        int64
	Periods     int64 // how many are closed
	Amendments  int64
	First, Last Period // the zero period: none is closed
	Minimum     int64  // entries before it are not held any more
}

// Verify checks a ledger's folder offline: each entry against the tree, the tree against the signed checkpoint, the
// chain of its periods, and that the directories name what is there. key is the verifier key that must have signed;
// empty: that in the folder is trusted. earlier is a checkpoint that was taken away before, whose tree must be a
// beginning of this one; nil: none. What is wrong is a BadError, which names the first bad entry where that can be
// told.
//
// A folder that was cut back to an older state of its own can't be told from one that has not gone on: earlier can.
func Verify(fsys fs.FS, key string, earlier []byte) (*Checked, error) {
	v := &folderVerifier{fsys: fsys}
	for _, step := range []func() error{
		func() error { return v.open(key, earlier) }, v.entries, v.journaled, v.whole, v.since,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, c := range v.batches.chain {
		if c.Kind == kindAmendment {
			v.out.Amendments++
			continue
		}
		if v.out.Last = c.Period; v.out.Periods == 0 {
			v.out.First = c.Period
		}
		v.out.Periods++
	}
	return &v.out, nil
}

type folderVerifier struct {
	fsys    fs.FS
	out     Checked
	signed  []byte // the checkpoint as it was read
	earlier *Checkpoint
	at      *tlog.Hash // the tree's root at earlier's size
	tree    *tree
	edge    edge
	above   []tile // full tiles of hashes that were made from entries, to be compared
	batches follower
}

type tile struct {
	level  int
	n      int64
	hashes []tlog.Hash
}

func (v *folderVerifier) open(key string, earlier []byte) error {
	v.out.Key = key
	own, err := fs.ReadFile(v.fsys, publicFile)
	if key == "" {
		if err != nil {
			return fmt.Errorf("read whose ledger it is: %w; or give --key", err)
		}
		var ok bool
		if v.out.Key, ok = strings.CutSuffix(string(own), "\n"); !ok || !canonicalKey(v.out.Key) {
			return &BadError{-1, publicFile, "it is no verifier key and a line feed"}
		}
	}
	v.out.Fingerprint = Fingerprint(v.out.Key)
	nothing := err
	v.signed, err = fs.ReadFile(v.fsys, checkpointFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && nothing != nil:
		return fmt.Errorf("there is no ledger: %w", err)
	case errors.Is(err, fs.ErrNotExist): // it was made, and no period is closed yet
		v.out.Checkpoint = Checkpoint{Root: emptyRoot}
	case err != nil:
		return fmt.Errorf("read the checkpoint: %w", err)
	default:
		if v.out.Checkpoint, err = OpenCheckpoint(v.signed, v.out.Key); err != nil {
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
	return v.begin()
}

// begin takes what was pruned as the hashes over it say it was: that these are what was signed shows at the end.
func (v *folderVerifier) begin() (err error) {
	if v.out.Minimum, err = readMinimum(v.fsys); err != nil {
		return err
	}
	at := v.out.Minimum / tileWidth * tileWidth
	if v.out.Minimum > v.out.Checkpoint.Size {
		return &BadError{-1, minimumFile, fmt.Sprintf("it is %d, and the checkpoint is of %d entries", v.out.Minimum, v.out.Checkpoint.Size)}
	}
	if v.earlier != nil && v.earlier.Size < at {
		return fmt.Errorf("of the checkpoint of %d entries that was taken away before it can't be told: %w", v.earlier.Size, &PrunedError{Minimum: v.out.Minimum})
	}
	if v.edge, err = edgeOf(newTree(v.fsys, at)); err != nil {
		return &BadError{0, "the hashes over what was pruned", err.Error()}
	}
	v.batches.first = v.out.Minimum
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
	for n := v.out.Minimum / tileWidth; n*tileWidth < size; n++ {
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
	data, is, err := v.tree.readTile(-1, n, width)
	if err != nil {
		return &BadError{n * tileWidth, where, err.Error()}
	}
	hashes, hashErr := v.tree.hashes(0, n)
	all, rest, err := splitEntries(data, is)
	for i, entry := range all[:min(width, len(all))] {
		h := tlog.RecordHash(entry)
		if hashErr == nil && h != hashes[i] {
			return &BadError{n*tileWidth + int64(i), where, "it is not the one that was signed" + what(entry)}
		}
		if err := v.take(entry, h, where, func(level int, n int64, full []tlog.Hash) {
			v.above = append(v.above, tile{level, n, full})
		}); err != nil {
			return err
		}
	}
	if err != nil {
		return &BadError{n*tileWidth + int64(len(all)), where, err.Error()}
	}
	if hashErr != nil {
		return &BadError{n * tileWidth, tilePath(0, n, width), hashErr.Error()}
	}
	if len(rest) > 0 {
		return &BadError{n*tileWidth + int64(len(all)), where, fmt.Sprintf("%d bytes follow its last entry", len(rest))}
	}
	return v.compare()
}

// take takes in the next entry.
func (v *folderVerifier) take(entry []byte, h tlog.Hash, where string, full func(int, int64, []tlog.Hash)) error {
	i := v.edge.size
	v.edge.add(h, full)
	v.note()
	if i < v.out.Minimum { // of a batch that was pruned, and in one tile with what is held
		return nil
	}
	if err := v.batches.take(i, entry); err != nil {
		return &BadError{i, where, err.Error()}
	}
	return nil
}

// what says in a few words what an entry claims to be.
func what(entry []byte) string {
	is, err := typeOf(entry)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; it says that it is of type %q", is)
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
	all, torn := readJournal(data)
	v.out.Torn = tornOf(torn)
	for _, b := range all {
		c, err := OpenCheckpoint(b.checkpoint.Text, v.out.Key)
		if err != nil {
			return &BadError{-1, journalFile, err.Error()}
		}
		if c.Size <= v.edge.size {
			continue
		}
		for _, entry := range b.entries {
			if err := v.take(entry, tlog.RecordHash(entry), journalFile, func(int, int64, []tlog.Hash) {}); err != nil {
				return err
			}
		}
		if v.edge.size != c.Size || v.edge.root() != c.Root {
			return &BadError{-1, journalFile, fmt.Sprintf("the checkpoint of %d entries is not of the entries before and in it", c.Size)}
		}
		v.out.Journaled += int64(len(b.entries))
		v.out.Checkpoint = c
	}
	return nil
}

// whole checks that the newest entry ends a batch, and that there are no entries that no checkpoint covers.
func (v *folderVerifier) whole() error {
	if n := len(v.batches.chain); v.edge.size > 0 && (n == 0 || v.batches.chain[n-1].index != v.edge.size-1) {
		return &BadError{v.edge.size - 1, "the chain of periods", "the ledger's last entry does not close a batch"}
	}
	at := newTree(v.fsys, v.edge.size).beyond()
	if at == "" {
		return nil
	}
	if now, err := fs.ReadFile(v.fsys, checkpointFile); err == nil && !bytes.Equal(now, v.signed) {
		return nil // a process has it open, and went on meanwhile
	}
	return &BadError{v.edge.size, at, fmt.Sprintf("the newest checkpoint is of %d entries, and there are more: an older one was put back, or the newest is lost", v.edge.size)}
}

// since checks that the tree goes on from the earlier checkpoint.
func (v *folderVerifier) since() error {
	switch {
	case v.earlier == nil:
		return nil
	case v.at == nil:
		return &BadError{-1, checkpointFile, fmt.Sprintf("it is of %d entries, and there was one of %d before: entries are missing at the end", v.edge.size, v.earlier.Size)}
	case *v.at != v.earlier.Root:
		return &BadError{-1, checkpointFile, fmt.Sprintf("its first %d entries are not those that were signed before: it was rewritten, or it is a fork", v.earlier.Size)}
	}
	return nil
}
