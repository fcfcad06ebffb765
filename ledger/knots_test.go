package ledger

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/tlog"
)

// TestProofsOfTilesThatWereExpandedOnce proves entries of more tiles than are held, again and again: each proof is
// checked against the tree's root, by whichever way its hashes were made.
func TestProofsOfTilesThatWereExpandedOnce(t *testing.T) {
	const size = (keptTiles+20)*tileWidth + 77
	files := fstest.MapFS{}
	e := edge{}
	put := func(level int, n int64, hashes []tlog.Hash) {
		files[tilePath(level, n, len(hashes))] = &fstest.MapFile{Data: joinHashes(hashes)}
	}
	leaf := func(i int64) tlog.Hash { return tlog.RecordHash(binary.AppendVarint(nil, i)) }
	for i := range int64(size) {
		e.add(leaf(i), put)
	}
	for level, hashes := range e.levels {
		if len(hashes) > 0 {
			put(level, e.size>>(tileHeight*(level+1)), hashes)
		}
	}
	r, root := newTree(files, size), e.root()
	draw := rand.New(rand.NewPCG(5, 5))
	prove := func(i int64) {
		t.Helper()
		p, err := r.prove(i)
		if err == nil {
			err = tlog.CheckRecord(p, size, root, i, leaf(i))
		}
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	for i := int64(0); i < size; i += tileWidth { // each tile once
		prove(i + draw.Int64N(min(tileWidth, size-i)))
	}
	knots := 0
	for range 2000 {
		i := draw.Int64N(size)
		if x := r.knotted(i / tileWidth); x != nil && x.n == i/tileWidth {
			knots++
			r.once = -1
		}
		prove(i)
		if draw.IntN(4) == 0 {
			prove(i - i%2) // of the same tile again
		}
	}
	if knots < 100 {
		t.Errorf("%d proofs were of tiles that are not held", knots)
	}
}

// TestProofsAreTheSameAfterARestart proves entries in any order by what is held of tiles that were written, of which
// nothing is held once the ledger is opened anew, nor by who reads its folder alone.
func TestProofsAreTheSameAfterARestart(t *testing.T) {
	l := newBook(t)
	for k := range 3 {
		l.append(said1(k, thousand(k).Usage[:700]...))
	}
	proofs := map[int64][]byte{}
	r := l.Reader()
	if r.tree.knots.of(3) == nil {
		t.Error("nothing is held of a tile that was written")
	}
	for _, at := range rand.New(rand.NewPCG(3, 3)).Perm(int(r.checkpoint.Size)) {
		i := int64(at)
		entry, err := r.Entry(i)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := r.Prove(i)
		if err != nil {
			t.Fatal(err)
		}
		is, err := readProof(string(proof))
		var hashes tlog.RecordProof
		for k := 0; err == nil && k < len(is.Hashes); k++ {
			hashes = append(hashes, is.Hashes[k])
		}
		if err == nil {
			err = tlog.CheckRecord(hashes, r.checkpoint.Size, r.checkpoint.Root, i, tlog.RecordHash(entry))
		}
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		proofs[i] = proof
	}
	l.reopen()
	alone, err := OpenReader(os.DirFS(l.dir))
	if err != nil {
		t.Fatal(err)
	}
	again := []*Reader{l.Reader(), alone}
	for i, want := range proofs {
		for _, r := range again {
			if got, err := r.Prove(i); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("entry %d is proved by %q and then by %q: %v", i, want, got, err)
			}
		}
	}
}
