package ledger

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// A tile holds 256 hashes (C2SP tlog-tiles): eight levels of the tree.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tilePath returns where a tile lies: level -1 is that of entries. A width of 256 is a full tile's.
func tilePath(level int, n int64, width int) string {
	of := "entries"
	if level >= 0 {
		of = strconv.Itoa(level)
	}
	at := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		at = fmt.Sprintf("x%03d/%s", n%1000, at)
	}
	at = "tile/" + of + "/" + at
	if width < tileWidth {
		at += ".p/" + strconv.Itoa(width)
	}
	return at
}

// edge is the right edge of a tree: of each level the hashes of the tile that is not full.
type edge struct {
	size   int64
	levels [][]tlog.Hash
}

// add takes in a leaf, and tells of each tile that is full with it.
func (e *edge) add(leaf tlog.Hash, full func(level int, n int64, hashes []tlog.Hash)) {
	e.size++
	for level, h := 0, leaf; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, make([]tlog.Hash, 0, tileWidth))
		}
		e.levels[level] = append(e.levels[level], h)
		if len(e.levels[level]) < tileWidth {
			return
		}
		full(level, e.size>>(tileHeight*(level+1))-1, e.levels[level])
		h = subtree(e.levels[level])
		e.levels[level] = make([]tlog.Hash, 0, tileWidth)
	}
}

// subtree returns the hash over 2^k hashes.
func subtree(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return nodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

// nodeHash is tlog.NodeHash, which makes a hash of its own to go on with and takes twice as long.
func nodeHash(left, right tlog.Hash) tlog.Hash {
	var b [1 + 2*tlog.HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+tlog.HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// leafHash is tlog.RecordHash, which makes a hash of its own for each.
func leafHash(entry []byte) tlog.Hash {
	var room [2048]byte
	b := append(append(room[:0], 0), entry...)
	return sha256.Sum256(b)
}

// root returns the hash of the tree.
func (e *edge) root() tlog.Hash {
	p := e.peaks()
	return p.root()
}

func (e *edge) peaks() peaks {
	p := peaks{size: e.size}
	for _, rest := range slices.Backward(e.levels) {
		for len(rest) > 0 {
			n := 1 << (bits.Len(uint(len(rest))) - 1)
			p.hashes = append(p.hashes, subtree(rest[:n]))
			rest = rest[n:]
		}
	}
	return p
}

// peaks are what is needed of a tree to go on with it, and for its hash: the hashes over its perfect subtrees, the
// largest first, as many as its size has ones.
type peaks struct {
	size   int64
	hashes []tlog.Hash
}

func (p *peaks) clone() peaks { return peaks{p.size, slices.Clone(p.hashes)} }

// add takes in the hash over the next 2^height leaves, where they are a subtree; 0: a leaf.
func (p *peaks) add(height int, h tlog.Hash) {
	p.size += 1 << height
	for ; p.size>>height&1 == 0; height++ {
		last := len(p.hashes) - 1
		h, p.hashes = nodeHash(p.hashes[last], h), p.hashes[:last]
	}
	p.hashes = append(p.hashes, h)
}

// root returns the hash of the tree (RFC 6962): its perfect subtrees folded from the right.
func (p *peaks) root() tlog.Hash {
	if len(p.hashes) == 0 {
		return emptyRoot
	}
	last := len(p.hashes) - 1
	h := p.hashes[last]
	for _, left := range slices.Backward(p.hashes[:last]) {
		h = nodeHash(left, h)
	}
	return h
}

// emptyRoot is the hash of a tree without leaves: that of no bytes.
var emptyRoot = func() tlog.Hash {
	h, err := tlog.TreeHash(0, tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, nil }))
	if err != nil {
		panic(err) // it reads nothing that could fail
	}
	return h
}()

// tree reads a ledger's tiles up to a size. What it reads is checked by who uses it.
type tree struct {
	fsys  fs.FS
	dir   string // where fsys is, if that is a folder; empty: that is not known
	size  int64
	knots *knots

	mu      sync.Mutex
	tiles   cache[tileKey, *expanded] // guarded by mu
	entries cache[int64, [][]byte]    // guarded by mu
	once    int64                     // the tile that was read by its knots last; guarded by mu
	rests   map[int64]tlog.Hash       // of the right edge, by the first leaf; guarded by mu
}

type tileKey struct {
	level int
	n     int64
}

// expanded is a tile with the hashes between its own and that over all of it.
type expanded [tileHeight + 1][]tlog.Hash

const keptTiles = 64 // of 16 KiB: some paths from leaves to the root

func newTree(fsys fs.FS, size int64) *tree {
	t := &tree{fsys: fsys, size: size, knots: newKnots(), once: -1}
	t.tiles.most, t.entries.most = keptTiles, keptTiles
	return t
}

// widthOf returns how many of a tile's hashes are in the tree.
func widthOf(size int64, level int, n int64) int {
	count := size
	if level > 0 {
		count >>= tileHeight * level
	}
	return int(max(0, min(tileWidth, count-n*tileWidth)))
}

// readTile returns a tile's bytes and how wide it is: where the partial one is gone, a longer one begins with it. One
// that is found may be gone again before it is read, since it is swept once the next is there.
func (t *tree) readTile(level int, n int64, width int) (data []byte, is int, err error) {
	for is = width; ; {
		data, err = fs.ReadFile(t.fsys, tilePath(level, n, is))
		if err == nil {
			return data, is, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || is == tileWidth {
			return nil, is, fmt.Errorf("read a tile: %w", err)
		}
		is = t.longer(level, n, is)
	}
}

// longer returns how wide the shortest tile is that begins with one that is not there; tileWidth where none is seen.
func (t *tree) longer(level int, n int64, width int) int {
	is := tileWidth
	for _, w := range t.partials(level, n) {
		if w > width {
			is = min(is, w)
		}
	}
	return is
}

// partials returns the widths of the partial tiles that are there.
func (t *tree) partials(level int, n int64) (widths []int) {
	all, err := fs.ReadDir(t.fsys, path.Dir(tilePath(level, n, 1)))
	if err != nil {
		return nil // where there is none there is no folder of them
	}
	for _, f := range all {
		if w, err := strconv.Atoi(f.Name()); err == nil && w > 0 && w < tileWidth && strconv.Itoa(w) == f.Name() {
			widths = append(widths, w)
		}
	}
	return widths
}

// beyond names a tile of entries that a tree of this size has none of; empty: there is none.
func (t *tree) beyond() string {
	n, width := t.size/tileWidth, widthOf(t.size, 0, t.size/tileWidth)
	for _, w := range t.partials(-1, n) {
		if w > width {
			return tilePath(-1, n, w)
		}
	}
	if _, err := fs.Stat(t.fsys, tilePath(-1, n, tileWidth)); err == nil {
		return tilePath(-1, n, tileWidth)
	}
	return ""
}

// hashes returns the hashes of a tile.
func (t *tree) hashes(level int, n int64) ([]tlog.Hash, error) {
	width := widthOf(t.size, level, n)
	data, is, err := t.readTile(level, n, width)
	if err != nil {
		return nil, err
	}
	if len(data) != is*tlog.HashSize {
		return nil, fmt.Errorf("%s has %d bytes and not %d", tilePath(level, n, is), len(data), is*tlog.HashSize)
	}
	out := make([]tlog.Hash, width)
	for i := range out {
		copy(out[i][:], data[i*tlog.HashSize:])
	}
	return out, nil
}

// expand returns a tile with what lies above its hashes.
func (t *tree) expand(level int, n int64) (*expanded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := tileKey{level, n}
	if x, ok := t.tiles.get(key); ok {
		return x, nil
	}
	hashes, err := t.hashes(level, n)
	if err != nil {
		return nil, err
	}
	x := &expanded{hashes}
	for k := range tileHeight {
		below := x[k]
		above := make([]tlog.Hash, len(below)/2)
		for i := range above {
			above[i] = nodeHash(below[2*i], below[2*i+1])
		}
		x[k+1] = above
	}
	t.tiles.put(key, x)
	if level == 0 && len(hashes) == tileWidth {
		t.knots.hold(n, x[knotHeight])
	}
	return x, nil
}

// perfect returns the hash over 2^level leaves, the n-th such. leaves is what was read of a tile of leaves by the call
// before, for the same way up.
func (t *tree) perfect(level int, n int64, leaves **knotted) (h tlog.Hash, err error) {
	k := level % tileHeight
	tile, at := (n<<k)/tileWidth, n%(tileWidth>>k)
	if level < tileHeight {
		if *leaves == nil || (*leaves).n != tile {
			*leaves = cmp.Or(t.knotted(tile), *leaves)
		}
		if *leaves != nil && (*leaves).n == tile {
			return t.hash(*leaves, k, at)
		}
	}
	x, err := t.expand(level/tileHeight, tile)
	if err != nil {
		return h, err
	}
	if at >= int64(len(x[k])) {
		return h, fmt.Errorf("hash %d of level %d is not in a tree of %d entries", n, level, t.size)
	}
	return x[k][at], nil
}

// ReadHashes returns hashes by their index in tlog's order of storage.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var leaves *knotted
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if out[i], err = t.perfect(level, n, &leaves); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rest returns the hash over the leaves from one on, where the tree's largest perfect subtrees end, to the last.
func (t *tree) rest(from int64) (h tlog.Hash, err error) {
	t.mu.Lock()
	h, ok := t.rests[from]
	t.mu.Unlock()
	if ok {
		return h, nil
	}
	level := bits.Len64(uint64(t.size-from)) - 1
	var leaves *knotted
	if h, err = t.perfect(level, from>>level, &leaves); err != nil {
		return h, err
	}
	if next := from + 1<<level; next < t.size {
		right, err := t.rest(next)
		if err != nil {
			return h, err
		}
		h = nodeHash(h, right)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rests == nil {
		t.rests = map[int64]tlog.Hash{}
	}
	t.rests[from] = h
	return h, nil
}

// prove returns the inclusion proof of a leaf (RFC 6962), as tlog.ProveRecord does, which adds up anew what is the same
// for all leaves and takes twice as long.
func (t *tree) prove(i int64) ([]tlog.Hash, error) {
	path := make([]tlog.Hash, 0, 2*bits.Len64(uint64(t.size))) // from the root on
	var leaves *knotted
	for from, to := int64(0), t.size; to-from > 1; {
		level := bits.Len64(uint64(to-from-1)) - 1
		half := from + 1<<level
		var h tlog.Hash
		var err error
		switch {
		case i >= half:
			h, err = t.perfect(level, from>>level, &leaves)
			from = half
		case to == t.size:
			h, err = t.rest(half)
			to = half
		default:
			h, err = t.perfect(level, half>>level, &leaves)
			to = half
		}
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	slices.Reverse(path)
	return path, nil
}

// entry returns an entry. It is shared and must not be changed.
func (t *tree) entry(i int64) ([]byte, error) {
	if i < 0 || i >= t.size {
		return nil, fmt.Errorf("there is no entry %d: the ledger has %d", i, t.size)
	}
	all, err := t.bundle(i / tileWidth)
	if err != nil {
		return nil, err
	}
	return all[i%tileWidth], nil
}

// bundle returns the entries of a tile.
func (t *tree) bundle(n int64) ([][]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if all, ok := t.entries.get(n); ok {
		return all, nil
	}
	width := widthOf(t.size, 0, n)
	data, _, err := t.readTile(-1, n, width)
	if err != nil {
		return nil, err
	}
	all, _, err := splitEntries(data, width)
	if len(all) < width {
		return nil, fmt.Errorf("%s: %w", tilePath(-1, n, width), err)
	}
	t.entries.put(n, all)
	return all, nil
}

// splitEntries reads as many entries as it is told to, or those before what is cut with the reason.
func splitEntries(data []byte, most int) (all [][]byte, rest []byte, err error) {
	for len(all) < most {
		if len(data) < 2 {
			return all, data, fmt.Errorf("it ends after %d of %d entries", len(all), most)
		}
		n := int(data[0])<<8 | int(data[1])
		if len(data) < 2+n {
			return all, data, fmt.Errorf("entry %d of %d is cut", len(all), most)
		}
		all, data = append(all, data[2:2+n:2+n]), data[2+n:]
	}
	return all, data, nil
}

func appendEntry(b, entry []byte) []byte {
	return append(append(b, byte(len(entry)>>8), byte(len(entry))), entry...)
}
