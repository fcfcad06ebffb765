package anchor

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

var slogNone = slog.New(slog.DiscardHandler)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx, cancel
}

func TestAFileHasTheNewestCheckpoint(t *testing.T) {
	b := newBook(t)
	path := filepath.Join(t.TempDir(), "checkpoint")
	k, said, _ := b.keep(NewFile(path))
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a checkpoint of an empty ledger")
	}
	for range 3 {
		b.closeHours(1, "test")
		eventually(t, "the file has it", func() bool { return k.held("file:"+path) == b.Published().Size })
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != string(b.Published().Text) {
			t.Errorf("the file has %s", text)
		}
	}
	if said.String() != "" || k.Fork() != nil {
		t.Error(said, k.Fork())
	}
}

func TestAFolderThatWasPutBackIsFoundByTheFile(t *testing.T) {
	for _, more := range []int{0, 1, 2, 5} {
		b := newBook(t)
		path := filepath.Join(t.TempDir(), "checkpoint")
		b.closeHours(2, "test")
		putBack := b.backup()
		k, _, stop := b.keep(NewFile(path))
		b.closeHours(2, "test")
		eventually(t, "the file has it", func() bool { return k.held("file:"+path) == b.Published().Size })
		stop()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		putBack()
		b.closeHours(more, "other")
		k, _, stop = b.keep(NewFile(path))
		if k.Fork() == nil || k.held("file:"+path) != -1 {
			t.Errorf("%d hours after it was put back: fork %v, and %d is held", more, k.Fork(), k.held("file:"+path))
		}
		stop()
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("the file is now %s, %v", after, err)
		}
	}
}

func TestTheRecordItselfIsOfOneHistory(t *testing.T) {
	b := newBook(t)
	path := filepath.Join(t.TempDir(), "checkpoint")
	b.closeHours(2, "test")
	putBack := b.backup()
	k, _, stop := b.keep(NewFile(path))
	b.closeHours(2, "test")
	eventually(t, "the file has it", func() bool { return k.held("file:"+path) == b.Published().Size })
	stop()
	record, err := os.ReadFile(k.Record)
	if err != nil {
		t.Fatal(err)
	}
	putBack()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.Record, append(record, `{"anchor":"cut`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, _, _ = b.keep(NewFile(path)); k.Fork() == nil {
		t.Error("what was anchored is more than the ledger has, and that is no fork")
	}
}

func TestAFileOfSomethingElseStays(t *testing.T) {
	b := newBook(t)
	other := newBook(t)
	other.closeHours(3, "test")
	b.closeHours(1, "test")
	for name, text := range map[string]string{"a word": "mine\n", "another ledger": string(other.Published().Text), "long": strings.Repeat("x", mostCheckpoint+1)} {
		path := filepath.Join(t.TempDir(), "checkpoint")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k, said, stop := b.keep(NewFile(path))
		stop()
		if is, err := os.ReadFile(path); err != nil || string(is) != text || k.Fork() != nil || k.held("file:"+path) != -1 || !strings.Contains(said.String(), "can't be told") {
			t.Errorf("%s: %.100s, %v, fork %v, %s", name, is, err, k.Fork(), said)
		}
	}
	none := filepath.Join(t.TempDir(), "none", "checkpoint")
	if k, said, _ := b.keep(NewFile(none)); k.Fork() != nil || !strings.Contains(said.String(), "no such file") {
		t.Error(k.Fork(), said)
	}
}

// A named pipe that nobody writes to is as a share whose server is gone.
func TestAShareThatHangsIsNotWaitedFor(t *testing.T) {
	b := newBook(t)
	b.closeHours(1, "test")
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("there are no pipes here:", err)
	}
	f := NewFile(path)
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if _, err := f.Tell(ctx, b.Reader()); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Error(err)
		}
		cancel()
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	f.busy <- struct{}{} // the one that hung has ended
}

func TestDamageIsNoFork(t *testing.T) {
	b := newBook(t)
	path := filepath.Join(t.TempDir(), "checkpoint")
	b.closeHours(1, "test")
	k, _, stop := b.keep(NewFile(path))
	eventually(t, "the file has it", func() bool { return k.held("file:"+path) == b.Published().Size })
	stop()
	b.closeHours(120, "test") // so that full tiles are read no more
	tile := filepath.Join(b.dir(), "tile", "0", "000")
	data, err := os.ReadFile(tile)
	if err != nil {
		t.Fatal(err)
	}
	data[5] ^= 1
	if err := os.WriteFile(tile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	k, said, _ := b.keep(NewFile(path))
	if k.Fork() != nil || !strings.Contains(said.String(), ledger.ErrDamaged.Error()) {
		t.Error(k.Fork(), said)
	}
}
