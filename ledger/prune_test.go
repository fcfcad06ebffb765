package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPrune prunes a ledger as time goes by, a part of the time killed within: what remains verifies, is proved and
// bundled as before, by the same checkpoint, and goes on.
func TestPrune(t *testing.T) {
	b := newBook(t)
	b.shop(100) // some 2,700 entries
	root := b.Newest()
	for _, hours := range []int{1, 30, 31, 70} {
		whole := b.bundle("west/orders", hour(hours+5).Start.Time, hour(hours+12).End.Time)
		before := b.Minimum()
		n, err := b.Prune(hour(hours).End.Add(amendable), b.Newest().Size)
		if err != nil || n != b.Minimum()-before || hours > 1 && n == 0 {
			t.Fatalf("of %d hours %d entries are pruned: %v", hours, n, err)
		}
		b.wantPruned(t, root)
		if again := b.bundle("west/orders", hour(hours+5).Start.Time, hour(hours+12).End.Time); !bytes.Equal(again, whole) {
			t.Errorf("after %d hours a bundle of later ones is another", hours)
		}
		if _, err := b.Reader().Bundle("topic:west/orders", hour(0).Start.Time, hour(hours+3).End.Time); !isPruned(err) {
			t.Errorf("a bundle of what was pruned: %v", err)
		}
		b.reopen()
	}
	b.append(said1(100, use("west/orders", Write, "shop", 1)))
	b.amendShop(99)
	b.wantPruned(t, root)
	if n, err := b.Prune(hour(10).End.Time, b.Newest().Size); n != 0 || err != nil {
		t.Errorf("what is pruned is pruned again: %d, %v", n, err)
	}
	at := b.Minimum()
	if n, err := b.Prune(hour(98).End.Add(amendable), at+40); err != nil || b.Minimum() > at+40 || n == 0 {
		t.Errorf("beyond what others need %d go, up to %d of %d: %v", n, b.Minimum(), at+40, err)
	}
}

func isPruned(err error) bool {
	_, ok := errors.AsType[*PrunedError](err)
	return ok
}

func (b *book) wantPruned(t *testing.T, root Checkpoint) {
	t.Helper()
	is, err := Verify(os.DirFS(b.dir), b.key.Public, root.Text)
	if err != nil || is.Minimum != b.Minimum() {
		t.Fatalf("it does not verify: %+v, %v", is, err)
	}
	for n := range b.Minimum() / tileWidth {
		for _, level := range []int{-1, 0} {
			if _, err := os.Lstat(filepath.Join(b.dir, tilePath(level, n, tileWidth))); err == nil {
				t.Fatalf("%s is still there", tilePath(level, n, tileWidth))
			}
		}
	}
	r := b.Reader()
	for i := range r.checkpoint.Size {
		if i%17 > 0 {
			continue
		}
		_, err := r.Prove(i)
		if i < b.Minimum() != isPruned(err) || i >= b.Minimum() && err != nil {
			t.Fatalf("the proof of %d, with the minimum %d: %v", i, b.Minimum(), err)
		}
	}
}

// TestPruneKilled cuts pruning short between the files that go: the next does the rest.
func TestPruneKilled(t *testing.T) {
	b := newBook(t)
	b.shop(100)
	root := b.Newest()
	before := files(t, b.dir)
	if _, err := b.Prune(hour(70).End.Add(amendable), b.Newest().Size); err != nil {
		t.Fatal(err)
	}
	after := files(t, b.dir)
	minimum := b.Minimum()
	for kept := range 4 {
		some := map[string][]byte{}
		for name, data := range before {
			_, stays := after[name]
			var n int
			_, err := fmt.Sscanf(filepath.Base(name), "%03d", &n)
			if stays || strings.HasPrefix(name, "tile/") && err == nil && int64(n) >= minimum/tileWidth-int64(kept) {
				some[name] = data
			}
		}
		some[minimumFile] = after[minimumFile]
		killed := &book{tb: t, dir: folder(t, some), key: b.key}
		killed.reopen()
		if _, err := Verify(os.DirFS(killed.dir), b.key.Public, root.Text); err != nil {
			t.Error(err)
		}
		if n, err := killed.Prune(hour(70).End.Add(amendable), root.Size); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		killed.wantPruned(t, root)
		if err := killed.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPrunedAndChanged changes a pruned ledger: all of it is found.
func TestPrunedAndChanged(t *testing.T) {
	b := newBook(t)
	b.shop(100)
	if _, err := b.Prune(hour(60).End.Add(amendable), b.Newest().Size); err != nil {
		t.Fatal(err)
	}
	is := files(t, b.dir)
	f := func(name string, change func([]byte) []byte) {
		t.Helper()
		some := maps.Clone(is)
		some[name] = change(bytes.Clone(is[name]))
		if _, err := Verify(os.DirFS(folder(t, some)), b.key.Public, nil); err == nil {
			t.Errorf("%s was changed, and nobody says so", name)
		}
	}
	for name := range is {
		if strings.HasPrefix(name, "tile/") {
			f(name, func(data []byte) []byte { data[len(data)/3] ^= 1; return data })
		}
	}
	f(minimumFile, func([]byte) []byte { return []byte("x\n") })
	f(minimumFile, func([]byte) []byte { return []byte("1\n") })
	f(minimumFile, func([]byte) []byte { return []byte("999999\n") })
	f(minimumFile, func([]byte) []byte { return fmt.Appendf(nil, "%d\n", b.Minimum()+1) })
	old := files(t, b.dir)
	delete(old, minimumFile)
	if _, err := Verify(os.DirFS(folder(t, old)), b.key.Public, nil); err == nil {
		t.Error("a ledger without its beginning is verified where nothing says that it was pruned")
	}
}

// TestTenYears writes ten years of hours and prunes them day by day, at 400 days: what is on disk and what is opened
// stays that of these. In its short form the years are weeks.
func TestTenYears(t *testing.T) {
	days, kept := 60, 10
	if os.Getenv("LINEAGED_LONG") != "" {
		days, kept = 3652, 400
	}
	b := newBook(t)
	most, year := 0, 0 // files: at all, and when something had been pruned for the first time
	for k := range days * 24 {
		batch := said1(k, use("west/orders", Write, "shop", int64(k)), use("west/orders", Read, "bill", int64(k)))
		batch.Sources = nil
		b.append(batch)
		if k%24 > 0 {
			continue
		}
		if _, err := b.Prune(hour(k).Start.Add(-time.Duration(kept)*24*time.Hour), b.Newest().Size); err != nil {
			t.Fatal(err)
		}
		if k/24%(kept/2) == 0 {
			n := len(files(t, b.dir))
			if most = max(most, n); k/24 <= kept+kept/2 {
				year = max(year, n)
			}
		}
	}
	if most > year+year/10 {
		t.Errorf("%d files, and at first %d", most, year)
	}
	b.reopen()
	is, err := Verify(os.DirFS(b.dir), b.key.Public, nil)
	if err != nil || is.Periods > int64(kept*24+48) || is.Minimum == 0 {
		t.Fatalf("%+v, %v", is, err)
	}
	end := hour(days*24 - 1).End.Time
	if _, err := VerifyBundle(bytes.NewReader(b.bundle("west/orders", end.Add(-7*24*time.Hour), end)), b.key.Public); err != nil {
		t.Error(err)
	}
	t.Logf("%d entries were written, %d are held in %d files", is.Checkpoint.Size, is.Checkpoint.Size-is.Minimum, most)
}

// TestWhatIsProvableIsSaid: of a window that begins before what is held it is said from when on it can be proved, and
// that is so.
func TestWhatIsProvableIsSaid(t *testing.T) {
	b := newBook(t)
	b.shop(12)
	sealed := func(from int) Sealed {
		t.Helper()
		is, err := b.Sealed(t.Context(), "topic:west/orders", hour(from).Start.Time, hour(11).End.Time)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if is := sealed(0); !is.Provable.IsZero() {
		t.Errorf("before anything was pruned: %+v", is)
	}
	if n, err := b.Prune(hour(5).End.Add(amendable), b.Newest().Size); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	is := sealed(0)
	if is.Provable.IsZero() || is.Provable.Before(hour(0).End.Time) {
		t.Fatalf("%+v", is)
	}
	_, err := b.Reader().Bundle("topic:west/orders", hour(0).Start.Time, hour(11).End.Time)
	if pruned, ok := errors.AsType[*PrunedError](err); !ok || !pruned.From.Equal(is.Provable) {
		t.Errorf("%v, want from %s", err, is.Provable)
	}
	b.bundle("topic:west/orders", is.Provable, hour(11).End.Time)
	if _, err := b.Reader().Bundle("topic:west/orders", is.Provable.Add(-time.Millisecond), hour(11).End.Time); !isPruned(err) {
		t.Errorf("a millisecond before: %v", err)
	}
	if is := sealed(10); !is.Provable.IsZero() {
		t.Errorf("of a window that is held: %+v", is)
	}
}
