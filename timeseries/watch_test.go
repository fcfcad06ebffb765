package timeseries

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestWatchersAreToldOnce tells random numbers of rounds a version to watchers of all speeds: each is told each round
// once and in order, or that it is behind, which is so only after more than are remembered; and it can go on from the
// version of now.
func TestWatchersAreToldOnce(t *testing.T) {
	t.Parallel()
	behind := 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := newWatch()
		w.start(7)
		version := store.Version(7)
		var all []store.Round
		type watcher struct {
			seldom int
			at     store.Version
			told   int // of all
			behind int
		}
		watchers := []*watcher{{seldom: 1, at: 7}, {seldom: 10, at: 7}, {seldom: 300, at: 7}, {seldom: 3000, at: 7}}
		for range 6000 {
			version += store.Version(1 + r.IntN(2))
			var more []store.Round
			for range r.IntN(5) * (1 + 200*(r.IntN(500)/499)) {
				more = append(more, store.Round{At: time.Unix(int64(len(all)+len(more)), 0), Version: version})
			}
			all = append(all, more...)
			w.tell(more)
			for _, x := range watchers {
				if r.IntN(x.seldom) > 0 {
					continue
				}
				got, _, err := w.after(x.at)
				switch left := len(all) - x.told; {
				case errors.Is(err, store.ErrBehind):
					if left <= roundsKept {
						t.Fatalf("seed %d: %d rounds are too many for a watcher", seed, left)
					}
					x.behind++
				case err != nil:
					t.Fatal(err)
				case !slices.Equal(got, all[x.told:]):
					t.Fatalf("seed %d: %d rounds are told after version %d, want %d", seed, len(got), x.at, left)
				}
				x.at, x.told = version, len(all)
			}
			if len(w.rounds) > 2*roundsKept {
				t.Fatalf("seed %d: %d rounds are remembered", seed, len(w.rounds))
			}
		}
		if watchers[0].behind > 0 || watchers[1].behind > 0 {
			t.Errorf("seed %d: those who look often were behind %d and %d times", seed, watchers[0].behind, watchers[1].behind)
		}
		behind += watchers[3].behind
		got, _, err := w.after(version - 1)
		w.close()
		w.close()
		last, _, errClosed := w.after(version - 1)
		if err != nil || errClosed != nil && len(got) > 0 || !slices.Equal(got, last) {
			t.Errorf("seed %d: before it was closed %v was to be told, %v; then %v, %v", seed, got, err, last, errClosed)
		}
		if _, _, err := w.after(version); !errors.Is(err, ErrClosed) {
			t.Errorf("seed %d: closed, and %v", seed, err)
		}
	}
	if behind == 0 {
		t.Error("nobody was ever behind")
	}
}

// TestWatchersOfAStore has watchers begin at any version, of which one is slow, while rounds come late, twice and many
// at once, and blocks are sealed: each is told what was appended since, once, in order, and that it is over.
func TestWatchersOfAStore(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 7))
	s := NewMemory(testOpts)
	type told struct {
		rounds []store.Round
		err    error
	}
	type start struct {
		held int // how many rounds were told before
		got  chan told
	}
	var starts []start
	var want []store.Round // but for their versions
	held := map[time.Time]bool{}
	for n := 1; n <= 400; n++ {
		if n%50 == 1 {
			state, err := s.State(t.Context())
			must(t, err)
			x := start{held: len(want), got: make(chan told, 1)}
			slow := n%100 == 1
			go func() {
				var out told
				for round, err := range s.Rounds(t.Context(), state.Version) {
					if err != nil {
						out.err = err
						break
					}
					if out.rounds = append(out.rounds, round); slow && len(out.rounds)%10 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
				x.got <- out
			}()
			starts = append(starts, x)
		}
		var obs []lineage.Observation
		for range 1 + r.IntN(3) {
			o := testRound(max(n-r.IntN(4), 1)) // some of them a second time
			if obs = append(obs, o); !held[o.Round] && !slices.ContainsFunc(want, func(x store.Round) bool { return x.At.Equal(o.Round) }) {
				want = append(want, store.Round{Source: testSource, At: o.Round})
			}
			held[o.Round] = true
		}
		must(t, s.Append(t.Context(), obs...))
		if n%100 == 0 {
			must(t, s.Maintain(t.Context(), testStart.Add(time.Duration(n)*time.Minute)))
		}
	}
	must(t, s.Close())
	for i, x := range starts {
		got := <-x.got
		if !errors.Is(got.err, ErrClosed) {
			t.Errorf("watcher %d ended with %v", i, got.err)
		}
		version := store.Version(0)
		for k := range got.rounds {
			if got.rounds[k].Version < version {
				t.Errorf("watcher %d: version %d after %d", i, got.rounds[k].Version, version)
			}
			version, got.rounds[k].Version = got.rounds[k].Version, 0
		}
		if !slices.Equal(got.rounds, want[x.held:]) {
			t.Errorf("watcher %d was told %d rounds, want %d", i, len(got.rounds), len(want)-x.held)
		}
	}
}
