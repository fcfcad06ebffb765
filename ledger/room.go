package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"
)

// room is what the entries of one batch are written to, in pieces that follow each other: as they stand in tiles and in
// the journal, each after its length. Its memory is used again for the batch after, since the garbage collector runs
// in the midst of an hour's close that asks for any, and takes longer than all else.
type room struct {
	all     [][]byte // the pieces that are used, and memory of those that were
	used    int
	first   int64       // index of the first entry
	leaves  []tlog.Hash // of the entries
	entries [][]byte    // in the pieces that are whole
	blocks  []tlog.Hash // over the leaves of whole pieces that were written beside others
	blocked int         // where the first of these begins
	given   int         // how many pieces were given away
}

const (
	// pieceHeight is of the subtree that a piece's leaves are which is written beside others: low, so that none who
	// writes waits long for another.
	pieceHeight  = 6
	pieceEntries = 1 << pieceHeight
	// mostRoomKept is how much memory is kept for the next batch: that of some ten thousand uses.
	mostRoomKept = 16 << 20
)

// begin empties the room, for entries from an index on. What it held must not be used any more.
func (r *room) begin(first int64) {
	r.used, r.given, r.first, r.leaves, r.entries, r.blocks = 0, 0, first, r.leaves[:0], r.entries[:0], r.blocks[:0]
	r.open()
}

// open begins another piece.
func (r *room) open() {
	if r.used == len(r.all) {
		r.all = append(r.all, nil)
	}
	r.all[r.used] = r.all[r.used][:0]
	r.used++
}

// pieces returns what was written.
func (r *room) pieces() [][]byte { return r.all[:r.used] }

// add writes an entry to the newest piece.
func (r *room) add(entry []byte) error {
	piece, leaf, err := entered(r.all[r.used-1], func(b []byte) ([]byte, error) { return append(b, entry...), nil })
	if err != nil {
		return err
	}
	r.all[r.used-1], r.leaves = piece, append(r.leaves, leaf)
	return nil
}

// addAll writes the rest of a batch, so many entries, to pieces of their own, on as many processors as there are. Each
// of those who write has a function of its own to do so. Pieces end where a subtree of their size does, and who writes a
// whole one hashes that. What is written is given away meanwhile, piece by piece in their order.
func (r *room) addAll(n int, writer func() func(b []byte, i int) ([]byte, error), give func(piece []byte) error) error {
	r.cut()
	piece, done := r.used, len(r.leaves)
	before := int((r.first + int64(done)) % pieceEntries) // entries that are of the first piece's subtree
	count := (before + n + pieceEntries - 1) / pieceEntries
	for range count {
		r.open()
	}
	r.leaves, r.entries = slices.Grow(r.leaves, n)[:done+n], slices.Grow(r.entries, n)[:done+n]
	r.blocked = done + (pieceEntries-before)%pieceEntries
	r.blocks = slices.Grow(r.blocks, count)[:max(0, done+n-r.blocked)/pieceEntries]
	var next atomic.Int64
	g := giving{ready: make([]bool, count), from: piece}
	return atOnce(min(count, runtime.GOMAXPROCS(0)), func() error {
		write := writer()
		for k := int(next.Add(1)) - 1; k < count; k = int(next.Add(1)) - 1 {
			from, to := max(0, k*pieceEntries-before), min((k+1)*pieceEntries-before, n)
			var err error
			for i := from; i < to; i++ {
				if r.all[piece+k], r.leaves[done+i], err = entered(r.all[piece+k], func(b []byte) ([]byte, error) { return write(b, i) }); err != nil {
					return err
				}
			}
			cut(r.entries[done+from:done+to], r.all[piece+k])
			if to-from == pieceEntries {
				r.blocks[(done+from-r.blocked)/pieceEntries] = subtree(r.leaves[done+from : done+to])
			}
			if err := g.give(r, k, give); err != nil {
				return err
			}
		}
		return nil
	})
}

// giving is how pieces are given away that are written beside others.
type giving struct {
	from  int // the first of these pieces
	mu    sync.Mutex
	ready []bool // guarded by mu, as below
	busy  bool   // somebody gives
}

// give gives all pieces whose turn it is, one of which is written now. Where somebody is at it already, that one does.
func (g *giving) give(r *room, written int, give func(piece []byte) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ready[written] = true
	if g.busy {
		return nil
	}
	g.busy = true
	for r.given < g.from+len(g.ready) && (r.given < g.from || g.ready[r.given-g.from]) {
		piece := r.all[r.given]
		r.given++
		g.mu.Unlock()
		err := give(piece)
		g.mu.Lock()
		if err != nil {
			return err // and nobody gives more
		}
	}
	g.busy = false
	return nil
}

// giveRest gives away what was not.
func (r *room) giveRest(give func(piece []byte) error) error {
	for ; r.given < r.used; r.given++ {
		if err := give(r.all[r.given]); err != nil {
			return err
		}
	}
	return nil
}

// grow takes all entries into a tree that ends where they begin.
func (r *room) grow(p *peaks) {
	for i := 0; i < len(r.leaves); {
		if k := i - r.blocked; k >= 0 && k/pieceEntries < len(r.blocks) {
			p.add(pieceHeight, r.blocks[k/pieceEntries])
			i += pieceEntries
			continue
		}
		p.add(0, r.leaves[i])
		i++
	}
}

// atOnce does something so many times at once.
func atOnce(n int, do func() error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for k := range n {
		part := func() { errs[k] = do() }
		if k == n-1 {
			part()
			break
		}
		all.Go(part)
	}
	all.Wait()
	return errors.Join(errs...)
}

// entered writes an entry after its length, and hashes it while it is near. Where that fails the piece is as it was.
func entered(piece []byte, entry func(b []byte) ([]byte, error)) ([]byte, tlog.Hash, error) {
	from := len(piece)
	const head = 2
	b, err := entry(append(piece, 0, 0))
	if err != nil {
		return piece, tlog.Hash{}, err
	}
	n := len(b) - from - head
	if n > MostEntry {
		return piece, tlog.Hash{}, fmt.Errorf("an entry has %d bytes, at most %d", n, MostEntry)
	}
	leaf := tlog.Hash(sha256.Sum256(b[from+1:])) // the 0 before it is what a leaf's hash begins with (RFC 6962)
	binary.BigEndian.PutUint16(b[from:], uint16(n))
	return b, leaf, nil
}

// cut finds the entries in the first piece, once all of it is written.
func (r *room) cut() {
	r.entries = slices.Grow(r.entries[:0], len(r.leaves))[:len(r.leaves)]
	cut(r.entries, r.all[0])
}

// cut finds the entries in a piece.
func cut(entries [][]byte, piece []byte) {
	for i := range entries {
		n := 2 + int(binary.BigEndian.Uint16(piece))
		entries[i], piece = piece[2:n:n], piece[n:]
	}
}

// leave lets go of its memory where that is large.
func (r *room) leave() {
	size := 0
	for _, p := range r.all {
		size += cap(p)
	}
	if size > mostRoomKept {
		*r = room{}
	}
}
