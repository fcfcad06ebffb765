package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Published returns the newest checkpoint that is published: that of what Reader reads.
func (l *Log) Published() Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published
}

// Public returns the verifier key; empty where the reader is of a folder that nobody writes.
func (r *Reader) Public() string {
	if r.key == nil {
		return ""
	}
	return r.key.Public
}

// Consistency returns the proof (RFC 6962) that the tree of the first entries, size of them, is a beginning of this
// one. It is checked: what others can't verify by it is of another tree. A folder that can't prove it is ErrDamaged.
func (r *Reader) Consistency(size int64) ([]tlog.Hash, error) {
	hashes, _, err := r.consistency(size)
	return hashes, err
}

// Begins reports whether a checkpoint's tree is a beginning of this one. A folder that can't tell is ErrDamaged.
func (r *Reader) Begins(c Checkpoint) (bool, error) {
	if c.Size > r.checkpoint.Size {
		return false, nil
	}
	_, root, err := r.consistency(c.Size)
	return root == c.Root, err
}

// consistency returns the proof, and the root of the earlier tree.
func (r *Reader) consistency(size int64) (hashes []tlog.Hash, root tlog.Hash, err error) {
	is := r.checkpoint
	switch {
	case size < 0 || size > is.Size:
		return nil, root, fmt.Errorf("there is no tree of %d entries: the ledger has %d", size, is.Size)
	case size == 0:
		return nil, emptyRoot, nil
	case size == is.Size:
		return nil, is.Root, nil
	}
	proof, err := tlog.ProveTree(is.Size, size, r.tree)
	if err == nil {
		root, err = tlog.TreeHash(size, r.tree)
	}
	if err == nil {
		err = tlog.CheckTree(proof, is.Size, is.Root, size, root)
	}
	if err != nil && size < r.minimum {
		return nil, root, &PrunedError{Minimum: r.minimum}
	}
	if err != nil {
		return nil, root, fmt.Errorf("%w: what it had after %d entries can't be proved: %w", ErrDamaged, size, err)
	}
	return proof, root, nil
}
