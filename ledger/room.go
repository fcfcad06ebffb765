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
	r.used, r.first, r.leaves, r.entries, r.blocks = 0, first, r.leaves[:0], r.entries[:0], r.blocks[:0]
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
// of those who write has a function of its own to do so. Pieces end where a subtree of their size does, and who writes
// a whole one hashes that. What is written is given away meanwhile, piece by piece in their order.
func (r *room) addAll(n int, writer func() func(b []byte, i int) ([]byte, error), give func(piece []byte) error) error {
	r.cut()
	if err := give(r.all[0]); err != nil {
		return err
	}
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
	g := giving{pieces: r.pieces()[piece:], give: give, written: make([]bool, count)}
	return atOnce(min(count, runtime.GOMAXPROCS(0)), func() error {
		write := writer()
		for k := int(next.Add(1)) - 1; k < count; k = int(next.Add(1)) - 1 {
			from, to := max(0, k*pieceEntries-before), min((k+1)*pieceEntries-before, n)
			p := r.all[piece+k]
			for i := from; i < to; i++ {
				var err error
				if p, r.leaves[done+i], err = entered(p, func(b []byte) ([]byte, error) { return write(b, i) }); err != nil {
					return err
				}
			}
			r.all[piece+k] = p
			cut(r.entries[done+from:done+to], p)
			if to-from == pieceEntries {
				r.blocks[(done+from-r.blocked)/pieceEntries] = subtree(r.leaves[done+from : done+to])
			}
			if err := g.take(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// giving gives pieces away in their order that are written beside others.
type giving struct {
	pieces [][]byte
	give   func(piece []byte) error

	mu      sync.Mutex
	written []bool // guarded by mu, as below
	given   int    // how many were given away
	busy    bool   // somebody gives, or it failed
}

// take takes in that a piece is written, and gives all whose turn it is. Where somebody is at it already, that one
// does.
func (g *giving) take(piece int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.written[piece] = true
	if g.busy {
		return nil
	}
	g.busy = true
	for ; g.given < len(g.pieces) && g.written[g.given]; g.given++ {
		g.mu.Unlock()
		err := g.give(g.pieces[g.given])
		g.mu.Lock()
		if err != nil {
			return err
		}
	}
	g.busy = false
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
