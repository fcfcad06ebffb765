package anchor

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var midnight = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// book is a ledger under test.
type book struct {
	tb   testing.TB
	home string
	hour int
	*ledger.Log
}

func newBook(tb testing.TB) *book {
	tb.Helper()
	b := &book{tb: tb, home: tb.TempDir()}
	b.open()
	tb.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *book) dir() string { return filepath.Join(b.home, "ledger") }

func (b *book) open() {
	b.tb.Helper()
	key, err := ledger.OpenKey(filepath.Join(b.home, "key"), true)
	if err == nil {
		b.Log, err = ledger.Open(b.dir(), key)
	}
	if err != nil {
		b.tb.Fatal(err)
	}
}

// close closes hours, of each of which the same is said unless others is another.
func (b *book) closeHours(n int, program string) {
	b.tb.Helper()
	for range n {
		start := midnight.Add(time.Duration(b.hour) * time.Hour)
		p := ledger.Period{Start: ledger.At(start), End: ledger.At(start.Add(time.Hour))}
		_, err := b.Append(ledger.Batch{
			Period: p, Closed: p.End.Add(2 * time.Minute), Final: p.End.Add(48 * time.Hour), Program: program,
			Coverage: []ledger.Coverage{{Cluster: "west", Complete: true, Observed: 1e6}},
		})
		if err == nil {
			err = b.Publish()
		}
		if err != nil {
			b.tb.Fatal(err)
		}
		b.hour++
	}
}

// backup copies the folder, as somebody does who will put it back.
func (b *book) backup() (putBack func()) {
	b.tb.Helper()
	at, hour := b.tb.TempDir(), b.hour
	if err := os.CopyFS(at, os.DirFS(b.dir())); err != nil {
		b.tb.Fatal(err)
	}
	return func() {
		b.tb.Helper()
		_ = b.Close()
		if err := os.RemoveAll(b.dir()); err != nil {
			b.tb.Fatal(err)
		}
		if err := os.CopyFS(b.dir(), os.DirFS(at)); err != nil {
			b.tb.Fatal(err)
		}
		b.hour = hour
		b.open()
	}
}

// heard is a log that can be read.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// keep runs a keeper, quicker than it is otherwise, until the returned function is called.
func (b *book) keep(anchors ...Anchor) (k *Keeper, said *heard, stop func()) {
	b.tb.Helper()
	said = &heard{}
	k = New(Options{Log: b.Log, Anchors: anchors, Record: filepath.Join(b.dir(), "anchored"), Now: time.Now, Logger: slog.New(slog.NewTextHandler(said, nil))})
	k.look, k.pause = 10*time.Millisecond, 10*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.tb.Error(err)
		}
	})
	b.tb.Cleanup(stop)
	k.Await(ctx)
	return k, said, stop
}

// eventually waits until something holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatal("it does not come to it that", what)
		}
	}
}

// held returns the size that an anchor acknowledged; negative: it is not known.
func (k *Keeper) held(name string) (size int64) {
	size = -1
	k.Figures(func(anchor string, h Held) {
		if anchor == name {
			size = h.Checkpoint.Size
		}
	})
	return size
}
