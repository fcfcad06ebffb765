package ledger

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
)

func TestTilePath(t *testing.T) {
	f := func(level int, n int64, width int, want string) {
		t.Helper()
		if got := tilePath(level, n, width); got != want {
			t.Errorf("%d, %d, %d is %s, not %s", level, n, width, got, want)
		}
	}
	f(0, 1234067, 256, "tile/0/x001/x234/067") // C2SP's
	f(1, 273, 112, "tile/1/273.p/112")
	f(-1, 0, 256, "tile/entries/000")
	f(-1, 999, 255, "tile/entries/999.p/255")
	f(5, 1000, 1, "tile/5/x001/000.p/1")
	f(63, 1_000_000_000, 256, "tile/63/x001/x000/x000/000")
}

// reference is the tree of tlog's own code.
type reference struct {
	hashes []tlog.Hash // in the order of its storage
	size   int64
}

func (r *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = r.hashes[at]
	}
	return out, nil
}

func (r *reference) add(tb testing.TB, leaf tlog.Hash) {
	tb.Helper()
	more, err := tlog.StoredHashesForRecordHash(r.size, leaf, r)
	if err != nil {
		tb.Fatal(err)
	}
	r.hashes, r.size = append(r.hashes, more...), r.size+1
}

// TestTreeIsTlogs holds roots, tiles and proofs against tlog's own for each size to 1,100 and some around 65,536.
func TestTreeIsTlogs(t *testing.T) {
	var e edge
	var p peaks
	var ref reference
	full := fstest.MapFS{}
	const most = 65536 + 300
	for i := range int64(most) {
		leaf := tlog.RecordHash(fmt.Append(nil, "entry ", i))
		ref.add(t, leaf)
		e.add(leaf, func(level int, n int64, hashes []tlog.Hash) {
			full[tilePath(level, n, tileWidth)] = &fstest.MapFile{Data: joinHashes(hashes)}
		})
		p.add(0, leaf)
		size := i + 1
		if size > 1100 && (size < 65530 || size > 65540) && size != most && size != 65536-256 {
			continue
		}
		want, err := tlog.TreeHash(size, &ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.root(); got != want {
			t.Fatalf("the root of %d entries is %s, not %s", size, got, want)
		}
		if got, read := p.root(), e.peaks(); got != want || !slices.Equal(read.hashes, p.hashes) || read.size != p.size {
			t.Fatalf("the root of the peaks of %d entries is %s, not %s, or they are not those of the tree's edge", size, got, want)
		}
		tr := newTree(withPartials(full, &e), size)
		again, err := edgeOf(tr)
		if err != nil || again.root() != want {
			t.Fatalf("the root of the tiles of %d entries is %s, not %s: %v", size, again.root(), want, err)
		}
		some := []int64{0, size - 1, size / 2, size / 3, max(0, size-256), max(0, size-257), size &^ 255 % size}
		for _, n := range some {
			checkProof(t, tr, &ref, size, n, want)
		}
		checkGrowth(t, tr, &ref, size, want)
	}
}

// withPartials adds the tiles of a tree's right edge to the full ones.
func withPartials(full fstest.MapFS, e *edge) fs.FS {
	out := make(fstest.MapFS, len(full)+3)
	maps.Copy(out, full)
	for level, hashes := range e.levels {
		if len(hashes) > 0 {
			out[tilePath(level, e.size>>(tileHeight*(level+1)), len(hashes))] = &fstest.MapFile{Data: joinHashes(hashes)}
		}
	}
	return out
}

func checkProof(t *testing.T, tr *tree, ref *reference, size, n int64, root tlog.Hash) {
	t.Helper()
	got, err := tr.prove(n)
	if err != nil {
		t.Fatalf("entry %d of %d: %v", n, size, err)
	}
	want, err := tlog.ProveRecord(size, n, ref)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("the proof of entry %d of %d is %s, not %s: %v", n, size, got, want, err)
	}
	p := proof.TLogProof{Index: uint64(n), Checkpoint: []byte("signed\n")}
	for _, h := range want {
		p.Hashes = append(p.Hashes, h)
	}
	if text := marshalProof(n, got, p.Checkpoint); !bytes.Equal(text, p.Marshal()) {
		t.Fatalf("the proof of entry %d of %d is written as %q", n, size, text)
	}
	if err := tlog.CheckRecord(got, size, root, n, tlog.RecordHash(fmt.Append(nil, "entry ", n))); err != nil {
		t.Fatalf("entry %d of %d: %v", n, size, err)
	}
}

func checkGrowth(t *testing.T, tr *tree, ref *reference, size int64, root tlog.Hash) {
	t.Helper()
	for _, before := range []int64{1, size / 2, size} {
		if before == 0 {
			continue
		}
		p, err := tlog.ProveTree(size, before, tr)
		if err != nil {
			t.Fatal(err)
		}
		old, err := tlog.TreeHash(before, ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(p, size, root, before, old); err != nil {
			t.Fatalf("from %d to %d: %v", before, size, err)
		}
	}
}

// TestPeaksOfSubtrees holds that subtrees can be taken in at once, on trees of many sizes.
func TestPeaksOfSubtrees(t *testing.T) {
	leaves := make([]tlog.Hash, 700)
	for i := range leaves {
		leaves[i] = tlog.RecordHash(fmt.Append(nil, "entry ", i))
	}
	for from := 0; from <= 256; from += 64 {
		var before peaks
		for _, leaf := range leaves[:from] {
			before.add(0, leaf)
		}
		kept := before.clone()
		one, many := before.clone(), before.clone()
		for at := from; at+64 <= len(leaves); at += 64 {
			many.add(6, subtree(leaves[at:at+64]))
			for _, leaf := range leaves[at : at+64] {
				one.add(0, leaf)
			}
			if one.root() != many.root() || one.size != many.size {
				t.Fatalf("from %d to %d: %s, not %s", from, one.size, many.root(), one.root())
			}
		}
		if !slices.Equal(before.hashes, kept.hashes) || before.size != int64(from) {
			t.Errorf("the tree of %d entries has changed", from)
		}
	}
}

func TestEmptyTree(t *testing.T) {
	var e edge
	var p peaks
	if p.root() != e.root() {
		t.Errorf("the root of no peaks is %s", p.root())
	}
	if e.root().String() != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" { // SHA-256 of nothing
		t.Errorf("the root of nothing is %s", e.root())
	}
}

// TestLongerTiles holds that a reader of an older checkpoint reads on where the tiles of its own are swept.
func TestLongerTiles(t *testing.T) {
	hashes := make([]tlog.Hash, 9)
	for i := range hashes {
		hashes[i] = tlog.RecordHash([]byte{byte(i)})
	}
	f := func(want bool, there ...string) {
		t.Helper()
		fsys := fstest.MapFS{}
		for _, path := range there {
			fsys[path] = &fstest.MapFile{Data: joinHashes(hashes)}
		}
		got, err := newTree(fsys, 5).hashes(0, 0)
		if (err == nil) != want || want && !slices.Equal(got, hashes[:5]) {
			t.Errorf("%v: %v, %v", there, got, err)
		}
	}
	f(true, "tile/0/000.p/9")
	f(true, "tile/0/000.p/9", "tile/0/000.p/3", "tile/0/000.p/x", "tile/0/000.p/09")
	f(false, "tile/0/000") // 9 hashes are no full tile
	f(false, "tile/0/000.p/3")
	f(false, "tile/0/000.p/8") // it has 9
	f(false)
}
