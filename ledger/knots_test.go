package ledger

import (
	"encoding/binary"
	"math/rand/v2"
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
