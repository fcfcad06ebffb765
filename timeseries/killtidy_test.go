package timeseries

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestKillAtEachStepOfTidying copies the folder before each operation on a file, while a day is sealed and rolled up,
// what is beyond retention is dropped and who is silent is put away: each copy opens without a word of loss, answers as
// before or as after, holds all positions and records, and takes the next rounds.
func TestKillAtEachStepOfTidying(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := richFolder(t)
	s, err := Open(dir, richOptions())
	must(t, err)
	var some []lineage.Observation
	last := richRounds
	for range 150 {
		last++
		some = append(some, richRound(last))
	}
	must(t, s.Append(ctx, some...))
	must(t, s.Close())

	each, n := 29, 0
	if os.Getenv("LINEAGED_LONG") != "" {
		each = 1
	}
	var copies, ops []string
	o := richOptions()
	o.hook = func(op, path string) error {
		if n++; n%each == 0 || op == opRename && strings.Contains(path, "state-") || op == opRemove && n%6 == 0 {
			copies, ops = append(copies, copied(t, dir)), append(ops, op+" "+filepath.Base(path))
		}
		return nil
	}
	s, err = Open(dir, o)
	must(t, err)
	before := richAnswers(t, s)
	dead, floor := len(s.dead), s.tiers[rawTier].floor
	for range 2 { // what is not named any more goes the next time
		must(t, s.Maintain(ctx, richAt(last)))
	}
	after := richAnswers(t, s)
	if len(s.dead) <= dead || s.tiers[rawTier].floor <= floor {
		t.Errorf("nobody was put away, or nothing dropped: %d files, floor %d", len(s.dead), s.tiers[rawTier].floor)
	}
	positions, err := s.Positions(ctx, testSource)
	must(t, err)
	must(t, s.Close())
	if len(copies) < 15 {
		t.Errorf("%d copies of %d operations", len(copies), n)
	}
	for i, c := range copies {
		s, err := Open(c, richOptions())
		if err != nil {
			t.Fatalf("before %s: %v", ops[i], err)
		}
		if h := s.Health(); len(h) > 0 || len(s.lost) > 0 {
			t.Errorf("before %s: %q, lost %v", ops[i], h, s.lost)
		}
		for k, got := range richAnswers(t, s) {
			if !reflect.DeepEqual(got.Amounts, before[k].Amounts) && !reflect.DeepEqual(got.Amounts, after[k].Amounts) ||
				!reflect.DeepEqual(got.Seen, before[k].Seen) && !reflect.DeepEqual(got.Seen, after[k].Seen) ||
				!reflect.DeepEqual(got.Events, after[k].Events) || !reflect.DeepEqual(got.Facts, after[k].Facts) {
				t.Errorf("before %s: window %d is answered by %+v, and not by %+v", ops[i], k, got, after[k])
			}
		}
		if got, err := s.Positions(ctx, testSource); err != nil || !reflect.DeepEqual(got, positions) {
			t.Errorf("before %s: positions %q, %v, want %q", ops[i], got, err, positions)
		}
		if v, b, err := s.Record(ctx, store.IdentityRecord); err != nil || v == 0 || len(b) == 0 {
			t.Errorf("before %s: record %d is %q, %v", ops[i], v, b, err)
		}
		must(t, s.Append(ctx, richRound(last+1)))
		must(t, s.Maintain(ctx, richAt(last+1)))
		must(t, s.Close())
		if r, err := Check(c); err != nil || len(r.Findings)+len(r.Lost)+len(r.Quarantine) > 0 {
			t.Errorf("before %s, then check: %+v, %v", ops[i], r, err)
		}
	}
}
