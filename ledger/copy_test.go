package ledger

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestCopy copies a ledger that is written to all the while: each copy verifies, is a beginning of it, and goes on.
func TestCopy(t *testing.T) {
	b := newBook(t)
	b.shop(20)
	if _, err := b.Prune(hour(12).End.Add(amendable), b.Newest().Size); err != nil || b.Minimum() < tileWidth {
		t.Fatalf("%d, %v", b.Minimum(), err)
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	const beside = 25 // periods that are closed while one copy is made
	periods := make(chan struct{}, beside)
	defer close(periods)
	writing.Go(func() {
		k := 20
		for range periods {
			b.append(said1(k, use("west/orders", Write, "shop", int64(k)), use("west/orders", Read, "bill", int64(k))))
			k++
		}
	})
	at := int64(0)
	for range 20 {
		for range beside - len(periods) {
			periods <- struct{}{}
		}
		to := filepath.Join(tempDir(t), "copy")
		is, err := Copy(t.Context(), b.dir, to)
		if err != nil || is.Checkpoint.Size < at || is.Minimum != b.Minimum() {
			t.Fatalf("%+v, %v", is, err)
		}
		at = is.Checkpoint.Size
		if ok, err := b.Reader().Begins(is.Checkpoint); !ok || err != nil {
			t.Errorf("the copy is no beginning: %v, %v", ok, err)
		}
		again := &book{tb: t, dir: to, key: b.key}
		again.reopen()
		if person := again.account(18).Statements[0].Clients[0].Principal; !strings.HasPrefix(*person, "User:") {
			t.Errorf("a commitment of the copy is not opened: %s", *person)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if at <= 400 {
		t.Errorf("nothing was written meanwhile: %d entries", at)
	}
}

func TestCopyOfWhatIsWrong(t *testing.T) {
	b := newBook(t)
	if is, err := Copy(t.Context(), b.dir, filepath.Join(tempDir(t), "copy")); err != nil || is.Checkpoint.Size != 0 {
		t.Errorf("an empty ledger: %+v, %v", is, err)
	}
	b.shop(20)
	f := func(name string, change func([]byte) []byte) {
		t.Helper()
		of := files(t, b.dir)
		of[name] = change(of[name])
		to := filepath.Join(tempDir(t), "copy")
		if _, err := Copy(t.Context(), folder(t, of), to); err == nil {
			t.Errorf("%s was changed, and it is copied", name)
		}
		if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a copy that failed leaves something: %v", err)
		}
	}
	flip := func(data []byte) []byte { data = bytes.Clone(data); data[len(data)/2] ^= 1; return data }
	f("tile/entries/000", flip)
	f("tile/0/000", flip)
	f(checkpointFile, flip)
	f(minimumFile, func([]byte) []byte { return []byte("x\n") })
	if _, err := Copy(t.Context(), b.dir, b.dir); err == nil {
		t.Error("a folder that is there is copied into")
	}
	if _, err := Copy(t.Context(), t.TempDir(), filepath.Join(tempDir(t), "copy")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no ledger: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Copy(ctx, b.dir, filepath.Join(tempDir(t), "copy")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
