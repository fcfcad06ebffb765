package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
)

// TestRoomIsUsedAgain appends batches of many lengths, whose entries are written over each other in memory: what is in
// tiles must be what was said, the entries of a tile that was not full among it, and a batch must not be lost whose
// tiles could not be written at first.
func TestRoomIsUsedAgain(t *testing.T) {
	l := newBook(t)
	lengths := []int{300, 3, 1000, 1, 129, 0, 64, 640}
	for k, n := range lengths {
		batch := said1(k)
		for i := range n {
			batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/t%d.%04d", k, (i*7)%n), Write, fmt.Sprint("shop-", k), int64(i)))
		}
		if _, err := l.Append(batch); err != nil { // publishes the one before, where that failed
			t.Fatal(err)
		}
		if k%3 == 1 {
			continue
		}
		if err := l.Publish(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Publish(); err != nil {
		t.Fatal(err)
	}
	is, err := Verify(os.DirFS(l.dir), l.key.Public, nil)
	if err != nil || is.Periods != int64(len(lengths)) {
		t.Fatalf("%+v: %v", is, err)
	}
	r := l.Reader()
	for k, n := range lengths {
		if got := statementsOf(t, r, k); got != n {
			t.Errorf("of %d uses of hour %d the ledger has %d", n, k, got)
		}
	}
}

// statementsOf counts what a ledger says of hour k, and holds that it is of that hour.
func statementsOf(t *testing.T, r *Reader, k int) int {
	t.Helper()
	n := 0
	err := r.Within(t.Context(), hour(k).Start.Time, hour(k).End.Time, Only{Keep: func(*Usage) bool { return true }}, func(a *Account) error {
		for _, s := range a.Statements {
			if n++; s.Period != hour(k) || s.Node != fmt.Sprint("application:prod/shop-", k) {
				return fmt.Errorf("hour %d has %+v", k, s.Usage)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRoomIsAsIfOneWrote writes entries beside others to rooms that begin anywhere, and holds what is given away, the
// entries, their leaves and the tree against what one gets who writes one after the other.
func TestRoomIsAsIfOneWrote(t *testing.T) {
	var r room // used again each time
	for _, c := range []struct{ first, before, n int }{{0, 0, 1}, {0, 4, 1000}, {0, 64, 128}, {60, 4, 64}, {63, 0, 65}, {63, 1, 64}, {200, 3, 7}, {300, 70, 333}} {
		entry := func(i int) []byte { return fmt.Appendf(nil, "entry %d of %v", i, c) }
		var one, many peaks
		for i := range c.first {
			one.add(0, leafHash(entry(-i)))
		}
		many = one.clone()
		var want, given []byte
		r.begin(int64(c.first))
		for i := range c.before {
			if err := r.add(entry(i)); err != nil {
				t.Fatal(err)
			}
		}
		writer := func() func([]byte, int) ([]byte, error) {
			return func(b []byte, i int) ([]byte, error) { return append(b, entry(c.before+i)...), nil }
		}
		if err := r.addAll(c.n, writer, func(piece []byte) error { given = append(given, piece...); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range c.before + c.n {
			want = appendEntry(want, entry(i))
			one.add(0, leafHash(entry(i)))
			if !bytes.Equal(r.entries[i], entry(i)) || r.leaves[i] != leafHash(entry(i)) {
				t.Fatalf("%v: entry %d is %q", c, i, r.entries[i])
			}
		}
		if r.grow(&many); many.size != one.size || many.root() != one.root() || len(r.entries) != c.before+c.n {
			t.Errorf("%v: it grows to %d entries, %s, not %d, %s", c, many.size, many.root(), one.size, one.root())
		}
		if !bytes.Equal(given, want) || !bytes.Equal(bytes.Join(r.pieces(), nil), want) {
			t.Errorf("%v: %d bytes are given away, not %d in their order", c, len(given), len(want))
		}
	}
}

// TestRoomIsNotGivenOn: where a piece can't be given away, none after it is.
func TestRoomIsNotGivenOn(t *testing.T) {
	full := errors.New("the disk is full")
	writer := func() func([]byte, int) ([]byte, error) {
		return func(b []byte, _ int) ([]byte, error) { return append(b, 'x'), nil }
	}
	for last := range 5 {
		var r room
		r.begin(0)
		given := 0
		err := r.addAll(1000, writer, func([]byte) error {
			if given++; given > last {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) || given != last+1 {
			t.Errorf("after %d pieces %d are given away: %v", last, given, err)
		}
	}
}

// TestUsesAreWrittenWithoutMemoryForEach holds what an hour's close asks for: some for each topic's row, none for each
// use.
func TestUsesAreWrittenWithoutMemoryForEach(t *testing.T) {
	l := newBook(t)
	all := thousand(0).Usage
	l.append(said1(0, all...))
	asks := func(k, n int) float64 {
		batch := said1(k, all[:n]...)
		return testing.AllocsPerRun(3, func() {
			if _, err := l.assemble(&batch); err != nil {
				t.Fatal(err)
			}
		})
	}
	_ = asks(1, 1000) // it has room from here on
	few, many := asks(1, 200), asks(1, 1000)
	if many > few+200 {
		t.Errorf("200 uses ask for memory %.0f times, and 1,000 for %.0f", few, many)
	}
}
