package timeseries

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
)

// TestBackupWhileTheStoreGoesOn takes backups of a folder in which rounds are stored, blocks sealed and rolled up, and
// what is beyond retention dropped, before each operation of the backup itself. What is restored holds all rounds up to
// one that came before the backup ended, not one of those acknowledged before it began is missing, and every answer of
// it is what the model says of just these rounds.
func TestBackupWhileTheStoreGoesOn(t *testing.T) {
	t.Parallel()
	seeds := 4
	if os.Getenv("LINEAGED_LONG") != "" {
		seeds = 60
	}
	again, sealed := 0, 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 70))
		const rounds = 320
		tick := []time.Duration{30 * time.Minute, time.Minute, 30 * time.Minute, 30 * time.Second}[seed%4]
		obs := storetest.History(r, testStart, tick, rounds)
		o := testOpts
		o.Tick, o.MinFree = tick, 1
		if tick > time.Minute { // a day of rounds is rolled up, and what it was made of is dropped
			o.Retention = Retention{Raw: 2 * time.Hour, Minute: 1000 * day, Hour: 1000 * day}
		}
		dir := filepath.Join(inMemory(t), "data")
		s, err := Open(dir, o)
		must(t, err)
		told := 0
		tell := func() { // a tick of all sources at once
			if told == len(obs) {
				return
			}
			n := told + 1
			for ; n < len(obs) && obs[n].Round.Equal(obs[told].Round); n++ {
			}
			must(t, s.Append(context.Background(), obs[told:n]...))
			if told = n; r.IntN(4) == 0 {
				must(t, s.Maintain(context.Background(), obs[told-1].Round.Add(30*time.Minute)))
			}
		}
		for told < len(obs)/3+r.IntN(len(obs)/3) {
			tell()
		}
		before, to := told, filepath.Join(inMemory(t), "backup")
		f := files{hook: func(string, string) error {
			for range r.IntN(3) {
				tell()
			}
			return nil
		}}
		b, err := backup(context.Background(), dir, to, f, freeSpace)
		must(t, err)
		if len(b.Findings) > 0 {
			t.Errorf("seed %d: found %q", seed, b.Findings)
		}
		if b.Passes > 1 {
			again++
		}
		back := filepath.Join(inMemory(t), "restored")
		_, err = Restore(context.Background(), to, back)
		must(t, err)
		restored, err := Open(back, o)
		must(t, err)
		held := heldOf(t, restored, obs)
		t.Logf("seed %d: %d passes, %d rounds held, %d before, %d after", seed, b.Passes, held, before, told)
		if held < before || held > told {
			t.Errorf("seed %d: %d rounds are held, %d were acknowledged before the backup began, %d when it ended", seed, held, before, told)
		}
		if restored.sealed > 0 {
			sealed++
		}
		storetest.Hold(t, restored, r, testStart, tick, obs[:held], 4)
		if h := restored.Health(); len(h) > 0 {
			t.Errorf("seed %d: restored, and %q", seed, h)
		}
		for ; held < told; held++ { // it goes on where the backup ended
			must(t, restored.Append(context.Background(), obs[held]))
		}
		must(t, restored.Maintain(context.Background(), obs[told-1].Round.Add(time.Hour)))
		storetest.Hold(t, restored, r, testStart, tick, obs[:told], 2)
		must(t, restored.Close())
		must(t, s.Close())
		if t.Failed() {
			t.FailNow()
		}
	}
	if again == 0 || sealed == 0 {
		t.Errorf("%d backups went through the folder more than once, %d held sealed blocks: some should", again, sealed)
	}
}

// heldOf returns how many of the observations, which were appended in their order, a store holds. They must be the
// first.
func heldOf(t *testing.T, s *Disk, obs []lineage.Observation) int {
	t.Helper()
	held := 0
	for i := range obs {
		switch is := !obs[i].Round.After(s.Newest(obs[i].Source)); {
		case is && i == held:
			held++
		case is:
			t.Fatalf("observation %d is held, and %d is not", i, held)
		}
	}
	return held
}
