package timeseries

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestFirstSealCutShort has the store stop after its first block was sealed and before any state was saved: the block
// is a crash's leftover, since the log holds all of it, and nothing is lost.
func TestFirstSealCutShort(t *testing.T) {
	ctx := context.Background()
	o := testOpts
	o.hook = func(op, path string) error {
		if op == opWrite && strings.Contains(path, "state-") {
			return syscall.EIO
		}
		return nil
	}
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	for n := 1; n <= 200; n++ {
		x := testRound(n)
		x.Positions = []lineage.Position{{Key: "p", Value: []byte("v")}}
		must(t, s.Append(ctx, x))
	}
	if err := s.Maintain(ctx, testStart.Add(200*time.Minute)); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	must(t, s.Close())
	o.hook = nil
	s, err = Open(dir, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if h := s.Health(); len(h) > 0 {
		t.Errorf("health %q", h)
	}
	p, err := s.Positions(ctx, testRound(1).Source)
	must(t, err)
	if string(p["p"]) != "v" {
		t.Errorf("positions %q", p)
	}
}
