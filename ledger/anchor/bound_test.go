package anchor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBound holds that the record stays within its bound: old days are thinned out first, then the oldest go, and the
// newest line of each anchor never does.
func TestBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchored")
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	write := func(hours int) {
		var out []byte
		for k := range hours {
			names := []string{"a", "b"}
			if k == 0 {
				names = append(names, "gone")
			}
			for _, name := range names {
				text, err := json.Marshal(line{Anchor: name, At: now.Add(time.Duration(k-hours) * time.Hour), Size: int64(k), Checkpoint: strings.Repeat("x", 100)})
				if err != nil {
					t.Fatal(err)
				}
				out = append(append(out, text...), '\n')
			}
		}
		if err := os.WriteFile(path, append(out, "{cut"...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (size int64, of map[string][]line) {
		of = map[string][]line{}
		if err := readRecord(path, func(l line) { of[l.Anchor] = append(of[l.Anchor], l) }); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size(), of
	}
	const most = 400_000
	write(90 * 24)
	if err := bound(path, most, now); err != nil {
		t.Fatal(err)
	}
	size, of := read()
	// 31 days of hours, and the others by day
	if want := 31*24 + 59; size > most || len(of["a"]) < want-2 || len(of["a"]) > want+2 || len(of["gone"]) != 1 || of["a"][len(of["a"])-1].Size != 90*24-1 {
		t.Errorf("%d bytes; %d lines, want %d", size, len(of["a"]), want)
	}
	write(90 * 24)
	if err := bound(path, 50_000, now); err != nil {
		t.Fatal(err)
	}
	size, of = read()
	if size > 50_000 || len(of["a"]) < 50 || len(of["gone"]) != 1 || of["b"][len(of["b"])-1].Size != 90*24-1 {
		t.Errorf("%d bytes; %d lines", size, len(of["a"]))
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := bound(path, most, now); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a record within its bound is written anew: %v", err)
	}
	if err := bound(filepath.Join(t.TempDir(), "none"), most, now); !os.IsNotExist(err) {
		t.Error(err)
	}
}
