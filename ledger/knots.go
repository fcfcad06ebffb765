package ledger

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	knotHeight = 4
	// keptKnots are of half a KiB each, 16 hashes: those of two million entries.
	keptKnots = 8192
)

// knots are hashes halfway up full tiles of leaves, which are of no leaf after them and so never change: with them a
// hash of such a tile costs an eighth of expanding it. All readers of a ledger share them.
type knots struct {
	mu   sync.Mutex
	held cache[int64, []tlog.Hash] // by tile; guarded by mu
}

func newKnots() *knots {
	k := &knots{}
	k.held.most = keptKnots
	return k
}

// of returns those of a tile; nil: they are not held.
func (k *knots) of(n int64) []tlog.Hash {
	k.mu.Lock()
	defer k.mu.Unlock()
	is, _ := k.held.get(n)
	return is
}

// hold takes those of a tile.
func (k *knots) hold(n int64, is []tlog.Hash) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, held := k.held.get(n); !held {
		k.held.put(n, is)
	}
}

// make takes those of a full tile of leaves.
func (k *knots) make(n int64, leaves []tlog.Hash) {
	is := make([]tlog.Hash, 0, tileWidth>>knotHeight)
	for ; len(leaves) > 0; leaves = leaves[1<<knotHeight:] {
		is = append(is, subtree(leaves[:1<<knotHeight]))
	}
	k.hold(n, is)
}

// knotted is a tile of leaves of which no more is read and made than is asked for: that of a leaf's way up is one group
// of leaves, whose hash is a knot.
type knotted struct {
	n      int64
	knots  []tlog.Hash
	group  int64 // of leaves; -1: none
	leaves [1 << knotHeight]tlog.Hash
}

// knotted returns a tile of leaves that is not expanded, and was once; nil: it is to be expanded. One that is asked
// for again right away is asked for once more, most probably.
func (t *tree) knotted(n int64) *knotted {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, held := t.tiles.get(tileKey{0, n}); held || t.once == n {
		return nil
	}
	knots := t.knots.of(n)
	if knots == nil {
		return nil
	}
	t.once = n
	return &knotted{n: n, knots: knots, group: -1}
}

// hash returns the hash over 2^k leaves of a tile.
func (t *tree) hash(x *knotted, k int, at int64) (h tlog.Hash, err error) {
	if k >= knotHeight {
		return subtree(x.knots[at<<(k-knotHeight) : (at+1)<<(k-knotHeight)]), nil
	}
	if group := at >> (knotHeight - k); x.group != group {
		if err := t.readGroup(x, group); err != nil {
			return h, err
		}
	}
	at &= 1<<(knotHeight-k) - 1
	return subtree(x.leaves[at<<k : (at+1)<<k]), nil
}

// readGroup reads the leaves under a knot, and nothing else of their tile.
func (t *tree) readGroup(x *knotted, group int64) error {
	var data [len(x.leaves) * tlog.HashSize]byte
	if err := t.readPart(tilePath(0, x.n, tileWidth), data[:], group*int64(len(data))); err != nil {
		return err
	}
	for i := range x.leaves {
		x.leaves[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	x.group = group
	return nil
}

// readPart reads a part of a file.
func (t *tree) readPart(path string, into []byte, from int64) error {
	if t.dir != "" {
		return readPart(t.dir+"/"+path, into, from)
	}
	f, err := t.fsys.Open(path)
	if err != nil {
		return fmt.Errorf("read a tile: %w", err)
	}
	defer f.Close()
	if r, ok := f.(io.ReaderAt); ok {
		_, err = r.ReadAt(into, from)
	} else if _, err = io.CopyN(io.Discard, f, from); err == nil {
		_, err = io.ReadFull(f, into)
	}
	if err != nil {
		return fmt.Errorf("read %s from byte %d: %w", path, from, err)
	}
	return nil
}
