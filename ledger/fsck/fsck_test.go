package fsck_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/lineaged/lineaged/ledger"
)

// check is what Tessera says of a folder.
func check(ctx context.Context, dir, public string) error {
	v, err := note.NewVerifier(public)
	if err != nil {
		return err
	}
	leaves := func(bundle []byte) ([][]byte, error) {
		var entries api.EntryBundle
		if err := entries.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		var out [][]byte
		for _, e := range entries.Entries {
			out = append(out, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return out, nil
	}
	return fsck.New(v.Name(), v, client.FileFetcher{Root: dir}, leaves, fsck.Opts{N: 2}).Check(ctx)
}

// TestFsck fills a ledger beyond 65,536 entries, where its tiles have a third level, and has it checked on the way.
func TestFsck(t *testing.T) {
	dir := t.TempDir()
	key, err := ledger.OpenKey(filepath.Join(dir, "key"), true)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "ledger")
	log, err := ledger.Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for k, topics := range []int{0, 1, 3, 200, 250, 251, 252, 500, 64_000, 3000, 7} {
		end := start.Add(time.Hour)
		batch := ledger.Batch{Period: ledger.Period{Start: ledger.At(start), End: ledger.At(end)}, Closed: end, Final: end, Program: "test"}
		for i := range topics {
			batch.Usage = append(batch.Usage, ledger.Usage{Topic: fmt.Sprintf("topic:west/%06d", i), Operation: ledger.Read, Node: "application:prod/a"})
		}
		if _, err := log.Append(batch); err != nil {
			t.Fatal(err)
		}
		if err := log.Publish(); err != nil {
			t.Fatal(err)
		}
		if err := check(t.Context(), dir, key.Public); err != nil {
			t.Fatalf("batch %d, %d entries: %v", k, log.Newest().Size, err)
		}
		start = end
	}
	if log.Newest().Size < 1<<16 {
		t.Fatalf("there are %d entries only", log.Newest().Size)
	}
	for _, path := range []string{"tile/0/000", "tile/1/000", "tile/entries/007"} {
		path = filepath.Join(dir, filepath.FromSlash(path))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := check(t.Context(), dir, key.Public); err == nil {
			t.Errorf("%s was changed, and nobody says so", path)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
