package timeseries

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// operations records what is done to files, and can make it fail.
type operations struct {
	mu   sync.Mutex // guards all that follows
	all  []string   // op and name
	fail func(op, path string) error
}

func (o *operations) hook(op, path string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, op+" "+filepath.Base(path))
	if o.fail != nil {
		return o.fail(op, path)
	}
	return nil
}

// find returns where the first operation with a prefix is, from a place on; -1: nowhere.
func (o *operations) find(from int, prefix string) int {
	if i := slices.IndexFunc(o.all[from:], func(s string) bool { return strings.HasPrefix(s, prefix) }); i >= 0 {
		return from + i
	}
	return -1
}

// TestNamesAreSynced opens a folder that is not there: each folder that is made is made durable in its parent, and each
// file in its folder, before a round is acknowledged.
func TestNamesAreSynced(t *testing.T) {
	var ops operations
	o := testOpts
	o.hook = ops.hook
	parent := t.TempDir()
	s, err := Open(filepath.Join(parent, "some", "data"), o)
	must(t, err)
	must(t, s.Append(context.Background(), testRound(1)))
	must(t, s.Close())
	for _, want := range [][2]string{
		{"mkdir some", "syncdir " + filepath.Base(parent)},
		{"mkdir data", "syncdir some"},
		{"mkdir log", "syncdir data"},
		{"mkdir blocks", "syncdir data"},
		{"create 00000000000000000001.log", "syncdir log"},
	} {
		i := ops.find(0, want[0])
		if i < 0 || ops.find(i, want[1]) < 0 {
			t.Errorf("%s is not followed by %s: %q", want[0], want[1], ops.all)
		}
	}
}

// TestNothingGoesBeforeWhatReplacesIt has blocks, states and log segments removed only after a state that does not name
// them was made durable.
func TestNothingGoesBeforeWhatReplacesIt(t *testing.T) {
	ctx := context.Background()
	ops := &operations{}
	o := testOpts
	o.hook = ops.hook
	o.Retention = Retention{Raw: 3 * time.Hour, Minute: 48 * time.Hour, Hour: 2000 * time.Hour}
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	for n := 1; n <= 1500; n++ {
		must(t, s.Append(ctx, testRound(n)))
		if n%60 == 30 {
			must(t, s.Maintain(ctx, testStart.Add(time.Duration(n)*time.Minute)))
		}
	}
	must(t, s.Close())
	removed := 0
	for i, op := range ops.all {
		name, ok := strings.CutPrefix(op, "remove ")
		if !ok || strings.HasSuffix(name, draftSuffix) {
			continue
		}
		removed++
		// A state is made durable by the sync of the folder after its second copy got its name; of it the first removal
		// after it is the state before.
		at := -1
		for j := range i {
			if strings.HasPrefix(ops.all[j], "rename state-") && ops.all[j+1] == "syncdir blocks" {
				at = j
			}
		}
		if at < 0 {
			t.Fatalf("%s before any state was saved", op)
		}
	}
	if removed < 50 {
		t.Errorf("%d removals: too few were seen", removed)
	}
	// A state that cannot be saved leaves everything where it is, also the blocks that it would have dropped.
	ops.fail = func(op, path string) error {
		if op == opWrite && strings.Contains(path, "state-") {
			return syscall.EIO
		}
		return nil
	}
	s, err = Open(dir, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	before, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	must(t, err)
	for range 3 {
		if err := s.Maintain(ctx, testStart.Add(1800*time.Minute)); !errors.Is(err, syscall.EIO) {
			t.Fatalf("maintain: %v, want EIO", err)
		}
		if h := s.Health(); len(h) != 1 || !strings.Contains(h[0], "input/output error") {
			t.Errorf("health %q", h)
		}
	}
	for _, path := range before {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s is gone though no state was saved: %v", path, err)
		}
	}
	ops.fail = nil
	must(t, s.Maintain(ctx, testStart.Add(1800*time.Minute)))
	must(t, s.Maintain(ctx, testStart.Add(1801*time.Minute)))
	if h := s.Health(); len(h) != 0 {
		t.Errorf("health %q when it writes again", h)
	}
}

// TestEveryFailure makes each kind of operation on files fail in turn, for good: nothing that was acknowledged is lost,
// and what is refused is said.
func TestEveryFailure(t *testing.T) {
	ctx := context.Background()
	for _, op := range []string{opCreate, opWrite, opSync, opSyncDir, opRename, opRemove, opTruncate} {
		ops := &operations{}
		o := testOpts
		o.hook = ops.hook
		dir := t.TempDir()
		s, err := Open(dir, o)
		must(t, err)
		acked := map[int]bool{}
		refused := false
		for n := 1; n <= 300; n++ {
			if n == 130 {
				ops.fail = func(did, _ string) error {
					if did == op {
						return syscall.EIO
					}
					return nil
				}
			}
			if n == 200 {
				ops.fail = nil
			}
			if err := s.Append(ctx, testRound(n)); err == nil {
				acked[n] = true
			} else if refused = true; len(s.Health()) == 0 {
				t.Errorf("%s fails: a round is refused (%v) and health says nothing", op, err)
			}
			if err := s.Maintain(ctx, testStart.Add(time.Duration(n)*time.Minute)); err != nil && len(s.Health()) == 0 {
				t.Errorf("%s fails: maintenance failed (%v) and health says nothing", op, err)
			}
		}
		must(t, s.Close())
		s = openTest(t, dir)
		got, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(300 * time.Minute)}, Coverage: true})
		must(t, err)
		c := got.Coverage()
		for _, g := range c.Gaps {
			for at := g.Window.Start; at.Before(g.Window.End); at = at.Add(time.Minute) {
				if n := int(at.Sub(testStart)/time.Minute) + 1; acked[n] {
					t.Errorf("%s failed: round %d was acknowledged and is lost", op, n)
				}
			}
			if !strings.HasPrefix(g.Reason, "not stored") {
				t.Errorf("%s failed: a gap %v says %q", op, g.Window, g.Reason)
			}
		}
		if refused != (len(c.Gaps) > 0) {
			t.Errorf("%s failed: rounds were refused is %v, gaps %+v", op, refused, c.Gaps)
		}
	}
}

// TestFolderGone removes the data folder under a running store: the next round is refused and said, also when somebody
// puts an empty folder in its place.
func TestFolderGone(t *testing.T) {
	ctx := context.Background()
	for _, again := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		s, err := Open(dir, testOpts)
		must(t, err)
		must(t, s.Append(ctx, testRound(1)))
		must(t, os.RemoveAll(dir))
		if again {
			other, err := Open(dir, testOpts)
			must(t, err)
			must(t, other.Close())
		}
		if err := s.Append(ctx, testRound(2)); !errors.Is(err, ErrGone) {
			t.Errorf("append: %v, want ErrGone", err)
		}
		if h := s.Health(); len(h) != 1 || !strings.Contains(h[0], "gone") {
			t.Errorf("health %q", h)
		}
		got, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(4 * time.Minute)}, Coverage: true})
		must(t, err)
		c := got.Coverage()
		if len(c.Gaps) == 0 || c.Gaps[0].Reason != "not stored: the data folder was gone" {
			t.Errorf("gaps %+v", c.Gaps)
		}
		must(t, s.Close())
	}
}

// TestSmallVolume keeps free what a small file system can spare, and what it is told.
func TestSmallVolume(t *testing.T) {
	s := openTest(t, t.TempDir())
	l := s.journal.(*appendLog)
	l.minFree = 3 << 20
	l.space = func() (int64, error) { return 4 << 20, nil }
	must(t, s.Append(context.Background(), testRound(1)))
	l.space = func() (int64, error) { return 2 << 20, nil }
	if err := s.Append(context.Background(), testRound(2)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("append below the watermark: %v", err)
	}
	if h := s.Health(); len(h) != 1 {
		t.Errorf("health %q", h)
	}
}
