package timeseries

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

var (
	testStart  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	testSource = lineage.Source{Cluster: "west", Name: "end-offsets"}
	testWriter = lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write}
	testOpts   = Options{Tick: time.Minute, MinFree: 1, Log: slog.New(slog.DiscardHandler)}
)

func testRound(n int) lineage.Observation {
	return lineage.Observation{
		Source: testSource, Round: testStart.Add(time.Duration(n) * time.Minute), Interval: time.Minute,
		Samples: []lineage.Sample{{Subject: testWriter, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n) * 10}},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openTest(t *testing.T, dir string) *Disk {
	t.Helper()
	s, err := Open(dir, testOpts)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// newest is the last round that a store holds, counted as in testRound.
func newest(s *Disk) int {
	l := s.now.Load().Newest()
	if l.IsZero() {
		return 0
	}
	return int(l.Sub(testStart) / time.Minute)
}

// written makes a folder whose log has n rounds in a frame each, and returns the segment's path.
func written(t *testing.T, n int) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(dir, testOpts)
	must(t, err)
	for i := 1; i <= n; i++ {
		must(t, s.Append(context.Background(), testRound(i)))
	}
	must(t, s.Close())
	paths, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	must(t, err)
	if len(paths) != 1 {
		t.Fatalf("%d segments, want 1", len(paths))
	}
	return dir, paths[0]
}

// frames returns where each frame of a segment begins.
func frames(t *testing.T, b []byte) (out []int) {
	t.Helper()
	for at := headerBytes; at < len(b); {
		out = append(out, at)
		payload, err := readFrame(b[at:])
		must(t, err)
		at += frameBytes + len(payload)
	}
	return out
}

// TestTornTail cuts a log off at every byte of its last frame: what is before stays, and appending goes on.
func TestTornTail(t *testing.T) {
	dir, path := written(t, 4)
	whole, err := os.ReadFile(path)
	must(t, err)
	at := frames(t, whole)
	for cut := at[3] + 1; cut < len(whole); cut += 3 {
		must(t, os.WriteFile(path, whole[:cut], 0o600))
		s, err := Open(dir, testOpts)
		must(t, err)
		if n := newest(s); n != 3 {
			t.Errorf("cut at %d: the newest round is %d, want 3", cut, n)
		}
		must(t, s.Append(context.Background(), testRound(9)))
		must(t, s.Close())
		s, err = Open(dir, testOpts)
		must(t, err)
		if n := newest(s); n != 9 {
			t.Errorf("cut at %d: the newest round is %d after appending, want 9", cut, n)
		}
		must(t, s.Close())
		must(t, os.Remove(filepath.Join(dir, "log", "00000000000000000002.log")))
	}
	// A crash may leave zeros, where the file grew before its content was written, or a segment without a header.
	must(t, os.WriteFile(path, append(append([]byte{}, whole...), make([]byte, 5000)...), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "log", "00000000000000000002.log"), nil, 0o600))
	must(t, os.Remove(filepath.Join(dir, "log", "00000000000000000002.log")))
	s := openTest(t, dir)
	if n := newest(s); n != 4 || len(s.lost) != 0 {
		t.Errorf("with zeros after it: the newest round is %d, want 4, lost %+v", n, s.lost)
	}
}

// TestDamagedLog flips every bit of a segment of three frames: it opens, what was before is there, and the log says
// where the damage is.
func TestDamagedLog(t *testing.T) {
	dir, path := written(t, 3)
	whole, err := os.ReadFile(path)
	must(t, err)
	at := frames(t, whole)
	for i := range len(whole) * 8 {
		b := append([]byte{}, whole...)
		b[i/8] ^= 1 << (i % 8)
		must(t, os.WriteFile(path, b, 0o600))
		var said bytes.Buffer
		l := &appendLog{dir: filepath.Join(dir, "log"), clock: newClock(time.Minute), log: slog.New(slog.NewTextHandler(&said, nil))}
		e := testEngine(t)
		r, err := l.replay(manifest{}, func(uint64) {}, e.replayFrame)
		must(t, err)
		hit := -1
		for n := range at {
			if i/8 >= at[n] {
				hit = n
			}
		}
		if !strings.Contains(said.String(), path) || !strings.Contains(said.String(), "damaged") || hit >= 0 && len(r.lost) == 0 {
			t.Fatalf("bit %d of byte %d: %d lost, said %q", i%8, i/8, len(r.lost), said.String())
		}
		src := e.byName[testSource]
		for n := 1; n <= 3; n++ {
			held := src != nil
			if held {
				_, held = findRound(src.head, e.floor(testRound(n).Round))
			}
			if want := hit < 0 || n-1 < hit; held != want {
				t.Fatalf("bit %d of byte %d in frame %d: round %d held is %v", i%8, i/8, hit, n, held)
			}
		}
	}
}

// TestDamagedBlock flips bits in the values of sealed blocks: each is an error that says where, and from then on a gap
// that says quarantined. None is another answer.
func TestDamagedBlock(t *testing.T) {
	ctx := context.Background()
	o, err := testOpts.withDefaults()
	must(t, err)
	vault := newMemoryVault()
	e := newEngine(o, noJournal{}, vault)
	defer func() { must(t, e.Close()) }()
	for n := 1; n <= 60; n++ {
		must(t, e.Append(ctx, testRound(n)))
	}
	must(t, e.Maintain(ctx, testStart.Add(150*time.Minute)))
	blocks := e.tiers[rawTier].blocks
	if len(blocks) != 1 {
		t.Fatal("nothing was sealed")
	}
	file := blockFile(rawTier, blocks[0].meta.start)
	w := lineage.Window{Start: testStart.Add(10 * time.Minute), End: testStart.Add(50 * time.Minute)}
	ask := func() error {
		e.cache = newCache(cacheBytes)
		_, err1 := e.amounts(ctx, w, []seriesKey{e.subjects.of(1).series[0].key})
		_, err2 := e.marksOf(ctx, w)
		_, err3 := e.marksOf(ctx, lineage.Window{Start: testStart, End: testStart.Add(time.Hour)})
		var err4, err5 error
		for _, b := range e.tiers[rawTier].blocks { // read when evidence comes late, and where a detail is of later
			_, err4 = e.blockWords(b)
			_, err5 = e.blockDetails(b)
		}
		return errors.Join(err1, err2, err3, err4, err5)
	}
	must(t, ask())
	sections := maps.Clone(vault.values[file])
	for s, value := range sections {
		if s.kind == eventsSection { // not read: the manifest says that there are none
			continue
		}
		for i := 0; i < len(value)*8; i += 5 {
			b := append([]byte{}, value...)
			b[i/8] ^= 1 << (i % 8)
			vault.values[file] = maps.Clone(sections)
			vault.values[file][s] = b
			e.tiers[rawTier].blocks, e.lost = blocks, nil
			if err := ask(); err == nil || !strings.Contains(err.Error(), "block of tier 0") {
				t.Fatalf("bit %d of section %c: %v, want an error that says where", i, s.kind, err)
			}
			must(t, ask())
			got, err := e.Window(ctx, store.Ask{Window: w, Coverage: true})
			must(t, err)
			c := got.Coverage()
			if len(c.Gaps) != 1 || !strings.HasPrefix(c.Gaps[0].Reason, "quarantined") || c.ObservedFraction != 0 {
				t.Fatalf("bit %d of section %c: %+v, want a gap that says quarantined", i, s.kind, c)
			}
		}
	}
}

// TestFailedWrite has a write end half way: the frame is taken back, nothing is visible, and the next append works.
func TestFailedWrite(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openTest(t, dir)
	l := s.journal.(*appendLog)
	must(t, s.Append(ctx, testRound(1)))
	for i, failure := range []error{syscall.ENOSPC, syscall.EIO} {
		l.files.hook = func(op, path string) error {
			if op != opWrite || !strings.HasSuffix(path, ".log") {
				return nil
			}
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, append(b, "half a frame"...), 0o600))
			return failure
		}
		err := s.Append(ctx, testRound(2+i))
		if !errors.Is(err, failure) || errors.Is(err, ErrNoSpace) != errors.Is(failure, syscall.ENOSPC) {
			t.Errorf("append: %v, want %v", err, failure)
		}
		if _, err := s.PutRecord(ctx, store.IdentityRecord, []byte("x")); !errors.Is(err, failure) {
			// here it is a new segment's header that cannot be written
			t.Errorf("put a record: %v, want %v", err, failure)
		}
		if v, _, err := s.Record(ctx, store.IdentityRecord); v != 0 || err != nil || newest(s) != 1 {
			t.Errorf("after a failed write: identity %d, round %d, %v", v, newest(s), err)
		}
		if h := s.Health(); len(h) != 1 || !strings.Contains(h[0], []string{"full", "input/output"}[i]) {
			t.Errorf("health %q", h)
		}
	}
	l.files.hook = nil
	must(t, s.Append(ctx, testRound(4)))
	if h := s.Health(); len(h) != 0 {
		t.Errorf("health %q when it writes again", h)
	}
	check := func() {
		t.Helper()
		got, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(4 * time.Minute)}, Coverage: true})
		must(t, err)
		c := got.Coverage()
		if len(c.Gaps) != 2 || c.Gaps[0].Reason != "not stored: the disk was full" || c.Gaps[1].Reason != "not stored: the disk failed" {
			t.Errorf("gaps %+v, want each refused round with its reason", c.Gaps)
		}
	}
	check()
	must(t, s.Close())
	s = openTest(t, dir)
	if n := newest(s); n != 4 {
		t.Errorf("the newest round is %d, want 4", n)
	}
	check()
	held, err := s.holds(testSource, s.floor(testRound(2).Round))
	must(t, err)
	if held {
		t.Error("a round that was refused came back")
	}
}

// TestLowSpaceEnds has room come back: the data opens for writing by itself.
func TestLowSpaceEnds(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir, testOpts)
	must(t, err)
	for n := 1; n <= 100; n++ {
		must(t, s.Append(ctx, testRound(n)))
	}
	must(t, s.Close())
	o := testOpts
	o.MinFree = 1 << 62
	s, err = Open(dir, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if err := s.Append(ctx, testRound(101)); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("append without room: %v", err)
	}
	s.journal.(*appendLog).minFree = 1
	must(t, s.Append(ctx, testRound(101)))
	must(t, s.Maintain(ctx, testStart.Add(161*time.Minute)))
	if s.sealed == 0 {
		t.Error("nothing was sealed after there was room again")
	}
}

// TestSegments has a log go when what it holds is sealed, and not before.
func TestSegments(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openTest(t, dir)
	count := func() int {
		paths, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
		must(t, err)
		return len(paths)
	}
	for n := 1; n <= 130; n++ {
		must(t, s.Append(ctx, testRound(n)))
	}
	before := count()
	if before < 8 {
		t.Errorf("%d segments for 130 minutes, want one for about 15", before)
	}
	_, err := s.PutRecord(ctx, store.IdentityRecord, []byte("rules"))
	must(t, err)
	must(t, s.Maintain(ctx, testStart.Add(190*time.Minute)))
	if s.sealed != s.floor(testStart)+60 || count() != before-3 {
		t.Errorf("sealed up to %d, %d segments of %d are left", s.sealed-s.floor(testStart), count(), before)
	}
	must(t, s.Maintain(ctx, testStart.Add(260*time.Minute)))
	must(t, s.Maintain(ctx, testStart.Add(360*time.Minute)))
	if n := count(); n > 1 {
		t.Errorf("%d segments are left when all is sealed", n)
	}
	must(t, s.Close())
	s = openTest(t, dir)
	if v, record, err := s.Record(ctx, store.IdentityRecord); v != 1 || string(record) != "rules" || err != nil {
		t.Errorf("identity %d %q %v", v, record, err)
	}
	if newest(s) != 130 {
		t.Errorf("the newest round is %d", newest(s))
	}
}

// TestOtherFormats has folders of the format before, and of one to come, refused by name.
func TestOtherFormats(t *testing.T) {
	dir, path := written(t, 1)
	b, err := os.ReadFile(path)
	must(t, err)
	b[8]++
	binary.LittleEndian.PutUint32(b[headerBytes-4:], crc32.Checksum(b[:headerBytes-4], castagnoli))
	must(t, os.WriteFile(path, b, 0o600))
	if _, err := Open(dir, testOpts); err == nil || !strings.Contains(err.Error(), fmt.Sprint("of format version ", logVersion+1)) {
		t.Errorf("a newer format: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "blocks", "MANIFEST"), nil, 0o600))
	if _, err := Open(dir, testOpts); err == nil || !strings.Contains(err.Error(), "of format version 1") {
		t.Errorf("the format before: %v", err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Tick: 7 * time.Second}, {Tick: 7 * time.Minute}, {Retention: Retention{Raw: 2, Minute: 1, Hour: 3}}, {Tick: time.Microsecond}} {
		if _, err := Open(t.TempDir(), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
