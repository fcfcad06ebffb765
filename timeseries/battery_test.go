package timeseries_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// maker makes stores of one implementation. again closes one and opens what it kept; it is the same store where nothing is kept.
type maker struct {
	open  func(t *testing.T, o timeseries.Options) timeseries.Store
	again func(t *testing.T, s timeseries.Store, o timeseries.Options) timeseries.Store
}

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func quiet(o timeseries.Options) timeseries.Options {
	o.Log = slog.New(slog.DiscardHandler)
	return o
}

func TestMemory(t *testing.T) {
	battery(t, maker{
		open: func(t *testing.T, o timeseries.Options) timeseries.Store {
			s := timeseries.NewMemory(quiet(o))
			t.Cleanup(func() { check(t, s.Close()) })
			return s
		},
		again: func(_ *testing.T, s timeseries.Store, _ timeseries.Options) timeseries.Store { return s },
	})
}

func TestDisk(t *testing.T) {
	t.Parallel()
	folders := map[timeseries.Store]string{}
	open := func(t *testing.T, dir string, o timeseries.Options) timeseries.Store {
		t.Helper()
		o.MinFree = 1
		s, err := timeseries.Open(dir, quiet(o))
		check(t, err)
		t.Cleanup(func() { check(t, s.Close()) })
		folders[s] = dir
		return s
	}
	battery(t, maker{
		open: func(t *testing.T, o timeseries.Options) timeseries.Store { return open(t, t.TempDir(), o) },
		again: func(t *testing.T, s timeseries.Store, o timeseries.Options) timeseries.Store {
			check(t, s.Close())
			return open(t, folders[s], o)
		},
	})
}

// battery holds what Store documents, for any implementation.
func battery(t *testing.T, m maker) {
	t.Run("model", func(t *testing.T) { testModel(t, m) })
	t.Run("order", func(t *testing.T) { testOrder(t, m) })
	t.Run("words", func(t *testing.T) { testWords(t, m) })
	t.Run("records", func(t *testing.T) { testRecords(t, m) })
	t.Run("expected", func(t *testing.T) { testExpected(t, m) })
	t.Run("retention", func(t *testing.T) { testRetention(t, m) })
	t.Run("rollup", func(t *testing.T) { testRollup(t, m) })
	t.Run("versions", func(t *testing.T) { testVersions(t, m) })
}

// testModel compares random histories with the model, before and after blocks are sealed, and after a restart.
func testModel(t *testing.T, mk maker) {
	const rounds = 230
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		tick := []time.Duration{time.Minute, 30 * time.Second}[seed%2]
		obs := history(r, epoch, tick, rounds)
		m := newModel(tick, obs)
		o := timeseries.Options{Tick: tick}
		s := mk.open(t, o)
		for _, o := range obs {
			check(t, s.Append(context.Background(), o))
		}
		ask := func(n int) {
			t.Helper()
			for range n {
				compare(t, s, m, randomWindow(r, epoch, tick, rounds), tick*time.Duration(1+r.IntN(9)))
			}
		}
		ask(4)
		s = mk.again(t, s, o)
		ask(2)
		for _, after := range []int{90, 140, 230, 400} {
			check(t, s.Maintain(context.Background(), epoch.Add(time.Duration(after)*tick)))
			ask(2)
			s = mk.again(t, s, o)
			ask(2)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// testOrder appends a history in random order, with repetitions, in groups and one by one: all answers are the same.
func testOrder(t *testing.T, mk maker) {
	const rounds = 150
	r := rand.New(rand.NewPCG(7, 7))
	obs := history(r, epoch, time.Minute, rounds)
	for i := range obs { // things that say different things in one round, and out of order
		key := lineage.FactKey{Source: obs[i].Source.Cluster, Kind: lineage.BlindSpotFacts, Name: "x"}
		obs[i].Facts = []lineage.Fact{{Key: key, BlindSpots: []lineage.BlindSpot{{Source: "x", What: string(rune('a' + r.IntN(3)))}}}}
		obs[i].Positions = []lineage.Position{{Key: "offset", Value: []byte(obs[i].Round.String())}}
		if i%3 == 0 {
			obs[i].Positions = append(obs[i].Positions, lineage.Position{Key: "gone"})
			obs[i].Events = []lineage.Event{{At: obs[i].Round, Type: lineage.SourceLost, Detail: obs[i].Source.Name}}
		}
	}
	var want []any
	for i := range 3 {
		if i > 0 {
			twice := append(append([]lineage.Observation{}, obs...), obs[:len(obs)/3]...)
			r.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
			obs = twice
		}
		o := timeseries.Options{Tick: time.Minute}
		s := mk.open(t, o)
		for from := 0; from < len(obs); {
			to := min(from+1+r.IntN(4), len(obs))
			check(t, s.Append(context.Background(), obs[from:to]...))
			from = to
		}
		s = mk.again(t, s, o)
		got := everything(t, s, lineage.Window{Start: epoch.Add(-time.Hour), End: epoch.Add(rounds * time.Minute)})
		if i == 0 {
			want = got
		} else if !reflect.DeepEqual(got, want) {
			differ(t, got, want)
		}
	}
}

// everything asks all there is to ask about a window. Subjects are named, not numbered: their ids depend on the order of arrival.
func everything(t *testing.T, s timeseries.Store, w lineage.Window) []any {
	t.Helper()
	ctx := context.Background()
	var all []lineage.Subject
	var ids []lineage.SubjectID
	for x := range s.Subjects() {
		all, ids = append(all, x), append(ids, x.ID)
	}
	evidence, err := s.Evidence(ctx, w, ids)
	check(t, err)
	last, err := s.LastMoved(ctx, w.End, w.Duration(), ids)
	check(t, err)
	unobserved, err := s.Unobserved(ctx, w, ids)
	check(t, err)
	keys := s.Keys(ids)
	amounts, err := s.Amounts(ctx, w, keys)
	check(t, err)
	series, err := s.Series(ctx, w, time.Minute, keys)
	check(t, err)
	levels, err := s.Levels(ctx, w.End, keys)
	check(t, err)
	byAccess := map[lineage.Access][]any{}
	byID := map[lineage.SubjectID]lineage.Access{}
	for i, x := range all {
		byID[x.ID] = x.Access
		byAccess[x.Access] = []any{x.FirstSeen, evidence[i], last[i], unobserved.Contains(uint32(x.ID))}
	}
	for i, k := range keys {
		a := byID[k.Subject]
		k.Subject = 0
		byAccess[a] = append(byAccess[a], k, amounts[i], series[i], levels[i])
	}
	out := []any{byAccess}
	coverage, err := s.Coverage(ctx, w)
	check(t, err)
	events, err := eventsOf(s, w, 0)
	check(t, err)
	out = append(out, coverage, events, s.Latest(), s.Earliest())
	for kind := lineage.ClusterFacts; kind < lineage.FactKinds; kind++ {
		for at := w.Start; at.Before(w.End); at = at.Add(w.Duration() / 50) {
			facts, err := s.Facts(ctx, at, "", kind, true)
			check(t, err)
			out = append(out, facts)
		}
	}
	for _, c := range []string{"west", "east"} {
		for _, n := range []string{"end-offsets", "groups", "log-dirs"} {
			p, err := s.Positions(ctx, lineage.Source{Cluster: c, Name: n})
			check(t, err)
			out = append(out, p)
		}
	}
	return out
}

func differ(t *testing.T, got, want []any) {
	t.Helper()
	for i := range want {
		if i >= len(got) || reflect.DeepEqual(got[i], want[i]) {
			continue
		}
		if g, ok := got[i].(map[lineage.Access][]any); ok {
			for a, w := range want[i].(map[lineage.Access][]any) {
				for j := range w {
					if len(g[a]) <= j || !reflect.DeepEqual(g[a][j], w[j]) {
						t.Errorf("%v, answer %d: %+v, want %+v", a, j, g[a], w[j])
					}
				}
			}
			continue
		}
		t.Errorf("answer %d: %+v, want %+v", i, got[i], want[i])
	}
	t.Fatal("the answers differ")
}

func eventsOf(s store.Reader, w lineage.Window, limit int, types ...lineage.EventType) ([]lineage.Event, error) {
	got, err := s.Events(context.Background(), store.EventFilter{Window: w, Types: types, Limit: limit})
	return got.List, err
}
