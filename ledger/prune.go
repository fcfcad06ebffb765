package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minimumFile has the ledger's minimum index: that of the first entry that is held. There is none before the first
// pruning.
const minimumFile = "minimum"

// PrunedError says that what was asked for is older than what is held.
type PrunedError struct {
	Minimum int64
	// From is where windows begin of which all is held, where it was asked for one; zero: that is not known.
	From time.Time
}

func (e *PrunedError) Error() string {
	return fmt.Sprintf("the entries before %d are not held any more (ledger.retention)", e.Minimum)
}

// readMinimum returns the minimum index of a folder; 0 where nothing was pruned.
func readMinimum(fsys fs.FS) (int64, error) {
	text, err := fs.ReadFile(fsys, minimumFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the minimum index: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(string(text), "\n"), 10, 64)
	if err != nil || n < 0 || string(text) != strconv.FormatInt(n, 10)+"\n" {
		return 0, &BadError{-1, minimumFile, fmt.Sprintf("%q is no index and a line feed", text)}
	}
	return n, nil
}

// Minimum returns the index of the first entry that is held.
func (l *Log) Minimum() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.minimum
}

// Prune removes the entries of the periods before an instant that can't be amended any more, and the hashes of these
// entries; the hashes over them stay, so that all that remains is proved as before, by the same checkpoints. What the
// first entry beyond most is in stays, and the newest period before the instant, by which the chain of the others is
// known to be whole, and what wrote down the rules that stop tags, which is done each day. What the journal has left of
// older batches goes too. It returns how many entries went.
func (l *Log) Prune(before time.Time, most int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reader()
	first, err := r.firstOf(before)
	if err != nil {
		return 0, fmt.Errorf("look for what is to be pruned: %w", err)
	}
	if first > most {
		if first, err = r.firstUpTo(most); err != nil {
			return 0, fmt.Errorf("look for what is to be pruned: %w", err)
		}
	}
	if first, err = l.ruledFirst(r, first); err != nil {
		return 0, fmt.Errorf("look for the rules that stop tags: %w", err)
	}
	was := l.minimum
	if first > was {
		// From now on nobody looks for what goes.
		if err := writeWhole(filepath.Join(l.dir, minimumFile), fmt.Appendf(nil, "%d\n", first)); err != nil {
			return 0, fmt.Errorf("write the minimum index: %w", err)
		}
		l.minimum = first
	}
	// What a killed process left of either goes now.
	return l.minimum - was, errors.Join(l.removeTiles(), l.journal.forget())
}

// firstOf returns where the batch begins of the newest period that ends before an instant and can't be amended after
// it; the minimum where there is none. It looks at a few batches, however many there are.
func (r *Reader) firstOf(before time.Time) (int64, error) {
	return r.lastWhere(func(c closed) bool { return !c.Period.End.After(before) && !c.Final.After(before) })
}

// firstUpTo returns where the newest batch of a period begins that begins at or before an index.
func (r *Reader) firstUpTo(index int64) (int64, error) {
	return r.lastWhere(func(c closed) bool { return c.First <= index })
}

// lastWhere finds the newest period of which something holds that holds of all before it, and returns where its batch
// begins.
func (r *Reader) lastWhere(holds func(closed) bool) (int64, error) {
	found := r.minimum
	for lo, hi := r.minimum, r.checkpoint.Size; lo < hi; {
		mid := lo + (hi-lo)/2
		c, ok, err := r.periodFrom(mid, hi)
		switch {
		case err != nil:
			return 0, err
		case ok && holds(c):
			found, lo = max(found, c.First), c.index+1
		default:
			hi = mid
		}
	}
	return found, nil
}

// periodFrom returns the first close entry of a period between two indexes.
func (r *Reader) periodFrom(from, to int64) (closed, bool, error) {
	for i := from; i < to; i++ {
		data, err := r.tree.entry(i)
		if err != nil {
			return closed{}, false, err
		}
		if is, ok := fieldOf(data, `,"type":"`); !ok || is != typeClose {
			continue
		}
		c, err := r.closeAt(i)
		if err != nil || c.Kind == kindPeriod {
			return closed{i, c}, err == nil, err
		}
	}
	return closed{}, false, nil
}

// removeTiles removes what lies before the minimum: of what a killed process left the rest too. The oldest go first, so
// that where one is gone all before it are.
func (l *Log) removeTiles() error {
	var doomed []string
	dirs := map[string]bool{}
	for n := l.minimum/tileWidth - 1; n >= 0; n-- {
		gone := 0
		for _, level := range []int{-1, 0} {
			path := filepath.Join(l.dir, filepath.FromSlash(tilePath(level, n, tileWidth)))
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				gone++
				continue
			}
			doomed = append(doomed, path)
			dirs[filepath.Dir(path)] = true
		}
		if gone == 2 {
			break
		}
	}
	for _, path := range slices.Backward(doomed) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what is pruned: %w", err)
		}
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
		if os.Remove(dir) == nil { // of the older ones of a thousand nothing is left
			_ = syncDir(filepath.Dir(dir))
		}
	}
	return nil
}
