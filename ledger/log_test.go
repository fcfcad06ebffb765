package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// entriesIn are the entries of a folder by its own reader.
func entriesIn(tb testing.TB, l *Log) (all []string) {
	tb.Helper()
	r := l.Reader()
	for i := range r.Checkpoint().Size {
		e, err := r.Entry(i)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(e))
	}
	return all
}

func TestAppendAndReopen(t *testing.T) {
	b := newBook(t)
	if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
		t.Fatalf("an empty ledger: %v", err)
	}
	b.shop(14) // over 256 entries
	before, size := entriesIn(t, b.Log), b.Newest().Size
	if size < 300 {
		t.Fatalf("there are %d entries only", size)
	}
	for range 2 {
		b.reopen()
		if got := entriesIn(t, b.Log); !slices.Equal(got, before) || b.Newest().Size != size {
			t.Fatalf("%d entries are %d after it was opened again", len(before), len(got))
		}
	}
	b.append(said1(14))
	is, err := Verify(os.DirFS(b.dir), b.key.Public, b.Newest().Text)
	if err != nil {
		t.Fatal(err)
	}
	if is.Periods != 15 || is.Amendments != 4 || is.First != hour(0) || is.Last != hour(14) || is.Torn != 0 || is.Journaled != 0 {
		t.Errorf("%+v", is)
	}
}

// tilesOf are the tiles that a folder of so many entries has, and no others.
func tilesOf(size int64) (want []string) {
	for level := -1; level < 0 || size>>(tileHeight*level) > 0; level++ {
		for n := int64(0); widthOf(size, max(0, level), n) > 0; n++ {
			want = append(want, tilePath(level, n, widthOf(size, max(0, level), n)))
		}
	}
	slices.Sort(want)
	return want
}

func TestSweep(t *testing.T) {
	b := newBook(t)
	for k := range 30 {
		var usage []Usage
		for i := range []int{1, 30, 252, 200}[k%4] {
			usage = append(usage, use(fmt.Sprintf("west/t%d", i), Read, "a", 1))
		}
		b.append(said1(k, usage...))
		var is []string
		for name := range files(t, b.dir) {
			if strings.HasPrefix(name, "tile/") {
				is = append(is, name)
			}
		}
		slices.Sort(is)
		if want := tilesOf(b.Newest().Size); !slices.Equal(is, want) {
			t.Fatalf("at %d entries there are %v, not %v", b.Newest().Size, is, want)
		}
	}
}

// TestReaderGoesOn holds that who reads at a checkpoint reads on when later ones are published.
func TestReaderGoesOn(t *testing.T) {
	b := newBook(t)
	b.append(said1(0, use("west/orders", Write, "shop", 1)))
	r := b.Reader()
	for k := 1; k < 40; k++ {
		b.append(said1(k, use("west/orders", Write, "shop", 1)))
		old := &Reader{tree: newTree(os.DirFS(b.dir), r.checkpoint.Size), checkpoint: r.checkpoint, key: r.key}
		if _, err := old.Prove(0); err != nil {
			t.Fatalf("after %d more: %v", k, err)
		}
		if _, err := old.Entry(r.checkpoint.Size - 1); err != nil {
			t.Fatalf("after %d more: %v", k, err)
		}
	}
}

// TestAtOnce reads, proves and erases while batches are appended and published.
func TestAtOnce(t *testing.T) {
	b := newBook(t)
	b.append(said1(0, use("west/orders", Write, "shop", 1)))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r := b.Reader()
				if _, err := VerifyBundle(bytes.NewReader(bundleOf(t, r)), b.key.Public); err != nil {
					t.Error(err)
				}
				if _, err := b.Erase("10.1.2.7"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for k := 1; k < 60; k++ {
		b.append(said1(k, use("west/orders", Write, "shop", 7), use("west/orders", Read, "bill", int64(k))))
	}
	close(done)
	wg.Wait()
	checkFolder(t, b)
}

func bundleOf(t *testing.T, r *Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	found, err := r.Bundle("topic:west/orders", midnight, hour(2).End.Time)
	if err == nil {
		_, err = found.WriteTo(&out)
	}
	if err != nil {
		t.Error(err)
	}
	return out.Bytes()
}

func TestTwoBatchesWait(t *testing.T) {
	b := newBook(t)
	b.shop(2)
	published := files(t, b.dir)
	published[journalFile] = nil
	for k := 2; k < 4; k++ {
		if _, err := b.Append(said1(k, use("west/orders", Write, "shop", 5))); err != nil {
			t.Fatal(err)
		}
		now := files(t, b.dir)
		published[journalFile] = append(published[journalFile], framesOf(t, now[journalFile])...)
		published[peopleFile] = now[peopleFile]
		if err := b.Publish(); err != nil {
			t.Fatal(err)
		}
	}
	want := entriesIn(t, b.Log)
	published[journalFile] = append(published[journalFile], make([]byte, frameHead)...)
	published[journalFile] = append(published[journalFile], files(t, b.dir)[journalFile]...) // what means nothing
	dir := folder(t, published)
	f := func(journaled int64) {
		t.Helper()
		is, err := Verify(os.DirFS(dir), "", nil)
		if err != nil || is.Periods != 4 || is.Checkpoint.Size != int64(len(want)) || is.Journaled != journaled {
			t.Fatalf("%+v, %v", is, err)
		}
	}
	f(10)
	l, err := Open(dir, b.key)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := entriesIn(t, l); !slices.Equal(got, want) {
		t.Fatalf("there are %d entries, not %d", len(got), len(want))
	}
	f(0)
}

// framesOf returns what of a journal is before its end mark.
func framesOf(t testing.TB, journal []byte) []byte {
	t.Helper()
	all, torn := readJournal(journal)
	if len(all) == 0 || len(torn) > 0 {
		t.Fatalf("the journal has %d batches, and %d bytes after them", len(all), len(torn))
	}
	rest := journal
	for range all {
		_, rest, _ = cutFrame(rest)
	}
	return bytes.Clone(journal[:len(journal)-len(rest)])
}

// TestJournalIsWrittenOver: batches that are shorter and longer than those before, published and not, are in a journal
// that is no longer than the longest of them, and what is left of those before means nothing.
func TestJournalIsWrittenOver(t *testing.T) {
	b := newBook(t)
	var longest int
	draw := rand.New(rand.NewPCG(1, 2))
	for k := range 40 {
		batch := said1(k)
		for i := range draw.IntN(30) {
			batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/k%d", i), Write, "shop", int64(i)))
		}
		if _, err := b.Append(batch); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, len(framesOf(t, files(t, b.dir)[journalFile]))+frameHead)
		switch draw.IntN(3) {
		case 0: // it is killed
			b.reopen()
		case 1:
			if err := b.Publish(); err != nil {
				t.Fatal(err)
			}
		default: // the next batch publishes it
		}
		if is, err := Verify(os.DirFS(b.dir), "", nil); err != nil || is.Periods != int64(k+1) || is.Torn != 0 {
			t.Fatalf("%+v, %v", is, err)
		}
	}
	if got := len(files(t, b.dir)[journalFile]); got != longest {
		t.Errorf("the journal has %d bytes, and its longest batch %d", got, longest)
	}
	if err := b.Publish(); err != nil {
		t.Fatal(err)
	}
	if all, torn := readJournal(files(t, b.dir)[journalFile]); len(all)+len(torn) > 0 {
		t.Errorf("what is published is in the journal: %d batches, %d bytes", len(all), len(torn))
	}
}

func TestOpenRefuses(t *testing.T) {
	b := newBook(t)
	b.shop(12)
	whole := files(t, b.dir)
	other := newBook(t)
	other.shop(12)
	foreign := files(t, other.dir)
	f := func(what string, key *Key, damaged bool, change func(map[string][]byte)) {
		t.Helper()
		state := clone(whole)
		change(state)
		dir := folder(t, state)
		l, err := Open(dir, key)
		if err == nil {
			_ = l.Close()
			t.Errorf("%s: it is opened", what)
			return
		}
		if errors.Is(err, ErrDamaged) != damaged {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(filepath.Join(dir, publicFile)); state[publicFile] == nil && err == nil {
			t.Errorf("%s: the folder was claimed", what)
		}
	}
	level0 := tilePath(0, 1, widthOf(b.Newest().Size, 0, 1))
	f("another key", other.key, false, func(map[string][]byte) {})
	f("another key, and whose it is is lost", other.key, false, func(s map[string][]byte) { delete(s, publicFile) })
	f("another's checkpoint", b.key, false, func(s map[string][]byte) { s[checkpointFile] = foreign[checkpointFile] })
	f("no checkpoint", b.key, true, func(s map[string][]byte) { delete(s, checkpointFile) })
	f("a damaged tile", b.key, true, func(s map[string][]byte) { s[level0] = flipped(s[level0], 5) })
	f("a cut tile", b.key, true, func(s map[string][]byte) { s[level0] = s[level0][:100] })
	f("a lost tile", b.key, true, func(s map[string][]byte) { delete(s, level0) })
	f("damaged entries", b.key, true, func(s map[string][]byte) {
		name := tilePath(-1, 1, widthOf(b.Newest().Size, 0, 1))
		s[name] = s[name][:len(s[name])-9]
	})
	f("another's journal", b.key, true, func(s map[string][]byte) {
		if _, err := other.Append(said1(12)); err != nil {
			t.Fatal(err)
		}
		s[journalFile] = files(t, other.dir)[journalFile]
	})
}

func flipped(data []byte, at int) []byte {
	out := bytes.Clone(data)
	out[at] ^= 1
	return out
}

// TestOlderFolder: the whole folder as it was earlier opens, since nothing in it says that there was more; who holds a
// later checkpoint finds it out. Where its newest tiles are left, it is found by itself.
func TestOlderFolder(t *testing.T) {
	b := newBook(t)
	b.shop(3)
	older := files(t, b.dir)
	b.append(said1(3, use("west/orders", Write, "shop", 9)))
	later := b.Newest().Text
	dir := folder(t, older)
	if _, err := Verify(os.DirFS(dir), "", nil); err != nil {
		t.Errorf("an older folder: %v", err)
	}
	if _, err := Verify(os.DirFS(dir), "", later); err == nil {
		t.Error("an older folder is not found by a later checkpoint")
	}
	l, err := Open(dir, b.key)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(said1(3, use("west/orders", Write, "shop", 1))); err != nil { // another hour
		t.Fatal(err)
	}
	if err := l.Publish(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(os.DirFS(dir), "", nil); err != nil {
		t.Errorf("a fork by itself: %v", err)
	}
	if _, err := Verify(os.DirFS(dir), "", later); err == nil {
		t.Error("a fork is not found by a checkpoint of the other side")
	}
	mixed := files(t, b.dir)
	mixed[checkpointFile] = older[checkpointFile]
	dir = folder(t, mixed)
	if _, err := Open(dir, b.key); !errors.Is(err, ErrDamaged) {
		t.Errorf("an older checkpoint over newer tiles is opened: %v", err)
	}
	if _, err := Verify(os.DirFS(dir), "", nil); err == nil {
		t.Error("an older checkpoint over newer tiles verifies")
	}
}

func TestTilesChangeWhileOpen(t *testing.T) {
	b := newBook(t)
	b.shop(2)
	path := filepath.Join(b.dir, filepath.FromSlash(tilePath(0, 0, int(b.Newest().Size))))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, flipped(data, 40), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(said1(2)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(); !errors.Is(err, ErrDamaged) {
		t.Errorf("tiles that are not the signed ones are published: %v", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(); err != nil {
		t.Errorf("the tiles are mended: %v", err)
	}
}

const fullDiskChild = "LINEAGED_LEDGER_FULL_DISK"

// TestFullDisk runs a process that may not write files beyond a length, so that a frame is written in part.
func TestFullDisk(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fullDiskChild+"="+tempDir(t))
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "ok\n" {
		t.Fatalf("%v: %s", err, out)
	}
}

func runFullDisk() {
	if err := fullDisk(os.Getenv(fullDiskChild)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func fullDisk(dir string) error {
	key, err := OpenKey(filepath.Join(dir, "ledger.key"), true)
	if err != nil {
		return err
	}
	l, err := Open(filepath.Join(dir, "ledger"), key)
	if err != nil {
		return err
	}
	defer l.Close()
	large := said1(0)
	for i := range 40 {
		large.Usage = append(large.Usage, use(fmt.Sprintf("west/t%d", i), Read, "a", 1))
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	most := limit
	most.Cur = 9000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &most); err != nil {
		return err
	}
	if _, err := l.Append(large); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("a frame beyond the limit: %w", err)
	}
	if s, err := os.Stat(filepath.Join(dir, "ledger", journalFile)); err != nil || s.Size() != 0 {
		return fmt.Errorf("the journal has %d bytes: %w", s.Size(), err)
	}
	if _, err := l.Append(said1(0, use("west/orders", Write, "shop", 1))); err != nil {
		return fmt.Errorf("a frame within the limit: %w", err)
	}
	if err := l.Publish(); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	is, err := Verify(os.DirFS(filepath.Join(dir, "ledger")), "", nil)
	if err != nil || is.Periods != 1 {
		return fmt.Errorf("%+v: %w", is, err)
	}
	return nil
}

func TestJournalTooLongEntry(t *testing.T) {
	b := newBook(t)
	var r room
	r.begin(0)
	long := make([]byte, MostEntry+1)
	if err := r.add(long); err == nil || len(r.leaves) > 0 || len(r.pieces()[0]) > 0 {
		t.Error("an entry of 65,536 bytes is appended")
	}
	writer := func() func([]byte, int) ([]byte, error) {
		return func(b []byte, _ int) ([]byte, error) { return append(b, long...), nil }
	}
	if err := r.addAll(200, writer, func([]byte) error { return nil }); err == nil {
		t.Error("entries of 65,536 bytes are appended")
	}
	if b.Newest().Size != 0 || b.Newest().Root != emptyRoot {
		t.Errorf("%+v", b.Newest())
	}
}
