package timeseries_test

import (
	"archive/zip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// In operations a tick is half an hour, so that months pass in few rounds, and minutes are as exact as ticks.
const (
	operationsTick = 30 * time.Minute
	// operationsKept is how many ticks of the history are in testdata/history-2.zip.
	operationsKept = 200
)

var operationsOptions = quiet(timeseries.Options{
	Tick: operationsTick, MinFree: 1, Retention: timeseries.Retention{Raw: 6 * time.Hour, Minute: 5 * 24 * time.Hour, Hour: 16 * 24 * time.Hour},
})

// operationsHistory is what happens in some ticks. That of seed 0 is in testdata: it stays as it is.
func operationsHistory(seed uint64, rounds int) []lineage.Observation {
	r := rand.New(rand.NewPCG(seed, 80))
	obs := storetest.History(r, epoch, operationsTick, rounds)
	storetest.Telling(r, obs)
	return obs
}

// tellKept tells a store of the first ticks of a history, and tidies it up in between. It returns how many observations
// that was.
func tellKept(t *testing.T, s timeseries.Store, obs []lineage.Observation) (n int) {
	t.Helper()
	for tick := 1; tick <= operationsKept; tick++ {
		now := epoch.Add(time.Duration(tick) * operationsTick)
		from := n
		for ; n < len(obs) && !obs[n].Round.After(now); n++ {
		}
		check(t, s.Append(t.Context(), obs[from:n]...))
		if tick%7 == 0 {
			check(t, s.Maintain(t.Context(), now))
		}
	}
	return n
}

// operationsDisk is a store in a folder, with all the ways by which people and kills bring it elsewhere. Up to an
// instant an older version wrote it.
func operationsDisk(t testing.TB, dir string, forgot time.Time) (storetest.Subject, error) {
	s, err := timeseries.Open(dir, operationsOptions)
	if err != nil {
		return storetest.Subject{}, err
	}
	t.Cleanup(func() { check(t, s.Close()) })
	closed := func() {
		check(t, s.Close())
		if h := s.Health(); len(h) > 0 {
			t.Errorf("health %q", h)
		}
	}
	next := func(t testing.TB, to string) (storetest.Subject, error) {
		if to != dir {
			check(t, os.RemoveAll(dir))
		}
		return operationsDisk(t, to, forgot)
	}
	return storetest.Subject{
		Store: s, Maintain: s.Maintain, Forgot: forgot,
		Again: func(t testing.TB) (storetest.Subject, error) {
			closed()
			return next(t, dir)
		},
		Ways: map[string]func(testing.TB) (storetest.Subject, error){
			"killed": func(t testing.TB) (storetest.Subject, error) {
				to := folder(t)
				check(t, os.CopyFS(to, os.DirFS(dir)))
				closed()
				return next(t, to)
			},
			"upgraded": func(t testing.TB) (storetest.Subject, error) {
				closed()
				_, err := timeseries.Upgrade(dir)
				check(t, err)
				return next(t, dir)
			},
			"restored": func(t testing.TB) (storetest.Subject, error) {
				backup, to := filepath.Join(folder(t), "backup"), filepath.Join(folder(t), "data")
				b, err := timeseries.Backup(t.Context(), dir, backup)
				if check(t, err); len(b.Findings) > 0 {
					t.Errorf("backing up found %q", b.Findings)
				}
				closed()
				_, err = timeseries.Restore(t.Context(), backup, to)
				check(t, err)
				check(t, os.RemoveAll(backup))
				return next(t, to)
			},
			"repaired": func(t testing.TB) (storetest.Subject, error) {
				closed()
				r, err := timeseries.Repair(dir)
				if check(t, err); len(r.Findings)+len(r.Lost)+len(r.Quarantine) > 0 {
					t.Errorf("repairing found %+v", r)
				}
				return next(t, dir)
			},
		},
	}, nil
}

// TestOperations does random things to a store in memory and to one in a folder, which is opened again by all ways that
// there are; the first of them begins as the folder that the format before left in testdata.
func TestOperations(t *testing.T) {
	t.Parallel()
	seeds := []uint64{0, 1, 21} // the last looks into a time of which no block is left
	if long() {
		seeds = seeds[:0]
		for seed := range uint64(60) {
			seeds = append(seeds, seed)
		}
	}
	ways := map[string]int{}
	for _, seed := range seeds {
		rounds := 700
		if seed > 1 {
			rounds = 1500
		}
		obs, told, dir, forgot := operationsHistory(seed, rounds), 0, folder(t), time.Time{}
		memory := timeseries.NewMemory(operationsOptions)
		if seed == 0 {
			told = tellKept(t, memory, obs)
			dir = keptHistory(t)
			_, err := timeseries.Upgrade(dir)
			check(t, err)
			forgot = epoch.Add(operationsKept * operationsTick)
		}
		storetest.Wording(rand.New(rand.NewPCG(seed, 82)), obs[told:])
		disk, err := operationsDisk(t, dir, forgot)
		check(t, err)
		gone, _ := storetest.Operations(t, rand.New(rand.NewPCG(seed, 81)), epoch, operationsTick, obs[:told], obs[told:],
			storetest.Subject{Store: memory, Maintain: memory.Maintain}, disk)
		for name, n := range gone {
			ways[name] += n
		}
		state, err := memory.State(t.Context())
		if check(t, err); !state.Tiers[1].From.After(epoch) {
			t.Errorf("seed %d: nothing was dropped but ticks", seed)
		}
		check(t, memory.Close())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if len(ways) < 5 {
		t.Errorf("only the ways %v were gone", ways)
	}
}

// keptHistory returns the folder that the format before wrote of the first history.
func keptHistory(t *testing.T) string {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("testdata", "history-2.zip"))
	check(t, err)
	dir := folder(t)
	check(t, os.CopyFS(dir, z))
	check(t, z.Close())
	return dir
}
