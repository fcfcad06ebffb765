package timeseries_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	if told := os.Getenv(backupEnv); told != "" {
		backupChild(told)
		return
	}
	goleak.VerifyTestMain(m)
}

var (
	epoch  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	west   = lineage.Source{Cluster: "west", Name: "end-offsets"}
	orders = lineage.Topic{Cluster: "w", ID: lineage.TopicID{1}, Name: "orders"}
	writer = lineage.Access{Topic: orders, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
	reader = lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
)

const tick = 10 * time.Second

func at(n int) time.Time { return epoch.Add(time.Duration(n) * tick) }

func ticks(a, b int) lineage.Window { return lineage.Window{Start: at(a), End: at(b)} }

// saw returns a round of a source that saw totals of one access.
func saw(src lineage.Source, n int, a lineage.Access, kind lineage.EvidenceKind, total int64) lineage.Observation {
	o := lineage.Observation{Source: src, Round: at(n), Interval: tick, At: at(n)}
	o.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Records, Evidence: kind, Value: total}}
	return o
}

func quiet(o timeseries.Options) timeseries.Options {
	o.Log = slog.New(slog.DiscardHandler)
	return o
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// maker makes stores of one implementation. again closes one and opens what it kept; it is the same store where nothing
// is kept.
type maker struct {
	faults *timeseries.Faults
	open   func(t testing.TB, o timeseries.Options) timeseries.Store
	again  func(t testing.TB, s timeseries.Store, o timeseries.Options) (timeseries.Store, error)
}

func memory() maker {
	faults := &timeseries.Faults{}
	return maker{
		faults: faults,
		open: func(t testing.TB, o timeseries.Options) timeseries.Store {
			s := timeseries.NewMemory(quiet(o))
			faults.Put(s)
			t.Cleanup(func() { check(t, s.Close()) })
			return s
		},
		again: func(_ testing.TB, s timeseries.Store, _ timeseries.Options) (timeseries.Store, error) { return s, nil },
	}
}

// folder returns an empty folder in memory where there is one: what is held against the contract need not wait for a
// disk.
func folder(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "timeseries") //nolint:usetesting // that is where memory is
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return dir
}

// disk makes stores in folders.
func disk() maker {
	folders, closed := map[timeseries.Store]string{}, map[timeseries.Store]bool{}
	faults := &timeseries.Faults{}
	open := func(t testing.TB, dir string, o timeseries.Options) (timeseries.Store, error) {
		o.MinFree = 1
		s, err := timeseries.Open(dir, quiet(faults.Files(o)))
		if err != nil {
			return nil, err
		}
		faults.Put(s)
		t.Cleanup(func() { _ = s.Close() }) // whether it could be closed is asked in again
		folders[s] = dir
		return s, nil
	}
	return maker{
		faults: faults,
		open: func(t testing.TB, o timeseries.Options) timeseries.Store {
			s, err := open(t, folder(t), o)
			check(t, err)
			return s
		},
		again: func(t testing.TB, s timeseries.Store, o timeseries.Options) (timeseries.Store, error) {
			if !closed[s] { // one that could not be closed is not open either
				closed[s] = true
				if err := s.Close(); err != nil {
					return nil, err
				}
			}
			return open(t, folders[s], o)
		},
	}
}

// subject is a store as the battery has it.
func (m maker) subject(s timeseries.Store, o timeseries.Options) storetest.Subject {
	return storetest.Subject{
		Store: s, Maintain: s.Maintain, Fault: m.faults.Ask,
		Again: func(t testing.TB) (storetest.Subject, error) {
			next, err := m.again(t, s, o)
			if err != nil {
				return storetest.Subject{}, err
			}
			return m.subject(next, o), nil
		},
	}
}

func (m maker) make(t testing.TB, tick time.Duration) storetest.Subject {
	o := timeseries.Options{Tick: tick}
	return m.subject(m.open(t, o), o)
}

func TestMemory(t *testing.T) {
	storetest.Run(t, memory().make, storetest.Cannot{Restart: true})
	t.Run("retention", func(t *testing.T) { testRetention(t, memory()) })
	t.Run("rollup", func(t *testing.T) { testRollup(t, memory()) })
}

func TestDisk(t *testing.T) {
	t.Parallel()
	m := disk()
	storetest.Run(t, m.make, storetest.Cannot{})
	t.Run("retention", func(t *testing.T) { testRetention(t, m) })
	t.Run("rollup", func(t *testing.T) { testRollup(t, m) })
}
