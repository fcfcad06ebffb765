package ledger

import (
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
