package ledger

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// TestJournalKeepsNothing: what was pruned, and who was erased, is not in what the journal has behind its end; what it
// has that is in no tiles stays.
func TestJournalKeepsNothing(t *testing.T) {
	b := newBook(t)
	large := said1(0)
	for i := range 200 {
		large.Usage = append(large.Usage, use(fmt.Sprintf("west/t%03d", i), Write, "secret", 1))
	}
	b.append(large)
	for k := 1; k < 12; k++ {
		b.append(said1(k, use("west/orders", Write, "shop", 1)))
	}
	journal := func() []byte { return files(t, b.dir)[journalFile] }
	if !bytes.Contains(journal(), []byte("secret")) {
		t.Fatal("the journal is not written over in place: this test shows nothing")
	}
	if _, err := b.Append(said1(12, use("west/orders", Write, "waits", 1))); err != nil {
		t.Fatal(err)
	}
	before := files(t, b.dir)
	forgotten := func(what, dir string) {
		t.Helper()
		data := files(t, dir)[journalFile]
		if bytes.Contains(data, []byte("secret")) || !bytes.Contains(data, []byte("waits")) {
			t.Errorf("%s: the journal keeps %d bytes, with what went or without what waits", what, len(data))
		}
		l, err := Open(dir, b.key)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer l.Close()
		if l.Newest().Size != b.Newest().Size {
			t.Errorf("%s: %d entries, not %d", what, l.Newest().Size, b.Newest().Size)
		}
		if _, err := Verify(os.DirFS(dir), b.key.Public, nil); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n, err := b.Prune(hour(5).End.Add(amendable), b.Newest().Size); err != nil || n == 0 {
		t.Fatalf("%d, %v", n, err)
	}
	forgotten("pruned", folder(t, files(t, b.dir)))
	// Killed before the journal was cut: the next pruning does it, though it finds nothing to prune.
	state := files(t, b.dir)
	state[journalFile] = before[journalFile]
	killed := &book{tb: t, dir: folder(t, state), key: b.key}
	killed.reopen()
	if n, err := killed.Prune(hour(5).End.Add(amendable), b.Newest().Size); err != nil || n != 0 {
		t.Fatalf("%d, %v", n, err)
	}
	if data := files(t, killed.dir)[journalFile]; bytes.Contains(data, []byte("secret")) {
		t.Errorf("after a kill the journal keeps %d bytes", len(data))
	}
	if err := killed.Close(); err != nil {
		t.Error(err)
	}
	erased := folder(t, before)
	nobody := func(string) bool { return false }
	none := func([]byte) bool { return false }
	if _, err := Forget(erased, nobody, none, true); err != nil || !bytes.Equal(files(t, erased)[journalFile], before[journalFile]) {
		t.Errorf("asked what would be, it is changed: %v", err)
	}
	if _, err := Forget(erased, nobody, none, false); err != nil {
		t.Fatal(err)
	}
	forgotten("erased", erased)
	if err := b.Publish(); err != nil {
		t.Fatal(err)
	}
	if _, err := Forget(b.dir, nobody, none, false); err != nil || len(journal()) > 0 {
		t.Errorf("all is published, and the journal has %d bytes: %v", len(journal()), err)
	}
	b.append(said1(13, use("west/orders", Write, "shop", 1))) // what is cut is written on
	if _, err := Verify(os.DirFS(b.dir), b.key.Public, nil); err != nil {
		t.Error(err)
	}
}

// TestTornIsOneBatch: where a batch is not whole, what is left of older and longer ones behind it is not counted.
func TestTornIsOneBatch(t *testing.T) {
	b := newBook(t)
	large := said1(0)
	for i := range 200 {
		large.Usage = append(large.Usage, use(fmt.Sprintf("west/t%03d", i), Write, "shop", 1))
	}
	b.append(large)
	if _, err := b.Append(said1(1, use("west/orders", Write, "shop", 1))); err != nil {
		t.Fatal(err)
	}
	data := files(t, b.dir)[journalFile]
	frame := len(framesOf(t, data))
	data[frame/2] ^= 1
	if err := os.WriteFile(filepath.Join(b.dir, journalFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
	is, err := Verify(os.DirFS(b.dir), "", nil)
	if err != nil || is.Torn != int64(frame) || len(data) < 2*frame {
		t.Errorf("%d of %d bytes are of a batch of %d that is not whole: %v", is.Torn, len(data), frame, err)
	}
}

// TestJournalKeepsNothingThatFailed: of a batch that was written ahead and could not be acknowledged nothing is kept,
// and it can be appended after that.
func TestJournalKeepsNothingThatFailed(t *testing.T) {
	b := newBook(t)
	b.append(said1(0, use("west/orders", Write, "shop", 1)))
	people := filepath.Join(b.dir, peopleFile)
	if err := os.Rename(people, people+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(people, 0o700); err != nil { // so that no commitment can be written down
		t.Fatal(err)
	}
	batch := said1(1)
	for i := range 300 {
		batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/t%03d", i), Write, "secret", 1))
	}
	before := b.Newest()
	if _, err := b.Append(batch); err == nil || b.Newest().Size != before.Size {
		t.Fatalf("what its commitments stand for was not written: %d entries, %v", b.Newest().Size, err)
	}
	if data := files(t, b.dir)[journalFile]; len(data) > 0 {
		t.Errorf("the journal keeps %d bytes", len(data))
	}
	if err := os.Remove(people); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(people+".away", people); err != nil {
		t.Fatal(err)
	}
	b.append(batch)
	b.reopen()
	if _, err := Verify(os.DirFS(b.dir), b.key.Public, nil); err != nil || b.Newest().Size <= before.Size+300 {
		t.Errorf("%d entries: %v", b.Newest().Size, err)
	}
}

// TestCheckpointsAreAsLongAsAwaited: room is left in a frame for its checkpoint before that is signed.
func TestCheckpointsAreAsLongAsAwaited(t *testing.T) {
	b := newBook(t)
	for _, was := range []int64{0, 9, 999} {
		for _, size := range []int64{1, 9, 10, 99, 100, 1000, 123_456_789} {
			var err error
			if b.newest, err = sign(b.key, was, emptyRoot); err != nil {
				t.Fatal(err)
			}
			c, err := sign(b.key, size, b.newest.Root)
			if err != nil {
				t.Fatal(err)
			}
			if b.beginFrame(size); b.journal.text != len(c.Text) {
				t.Errorf("after %d entries that of %d has %d bytes, not %d", was, size, len(c.Text), b.journal.text)
			}
		}
	}
	b.beginFrame(1000)
	c, err := sign(b.key, 10, emptyRoot)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.journal.write(c); err == nil {
		t.Error("one that is shorter is written")
	}
}

func TestJoinSums(t *testing.T) {
	data := make([]byte, 70_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	for _, n := range []int{0, 1, 2, 3, 7, 8, 255, 256, 4097, 65_535, 69_999, 70_000} {
		for _, at := range []int{0, 1, 9, n / 2, n} {
			at = min(at, n)
			got := joinSums(crc32.Checksum(data[:at], castagnoli), crc32.Checksum(data[at:n], castagnoli), int64(n-at))
			if want := crc32.Checksum(data[:n], castagnoli); got != want {
				t.Errorf("%d bytes and %d have the checksum %08x, not %08x", at, n-at, got, want)
			}
		}
	}
}
