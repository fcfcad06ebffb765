package storetest

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Operations has random things happen to some stores at once: they are told of rounds, in order, late and twice, in
// groups and one by one; they tidy up, and drop what is beyond retention; each is opened again now and then, or goes
// one of its Ways. All of them refuse the same and answer the same, whatever is asked, and where ticks are still held
// of a window, what the model says of it.
//
// told is what the stores hold already, rest what they are told now, from start on; both by round, one tick apart. The
// ways that were gone are counted by name. It returns the stores as they are in the end.
func Operations(t *testing.T, r *rand.Rand, start time.Time, tick time.Duration, told, rest []lineage.Observation, stores ...Subject) (ways map[string]int, out []Subject) {
	t.Helper()
	w := &operations{r: r, start: start, tick: tick, told: slices.Clone(told), rest: rest, stores: stores, ways: map[string]int{}}
	for len(w.rest)+len(w.late) > 0 && !t.Failed() {
		switch r.IntN(12) {
		case 0, 1, 2, 3, 4, 5:
			w.tell(t)
		case 6:
			w.tellLate(t)
		case 7:
			w.tellAgain(t)
		case 8:
			w.tidy(t)
		case 9:
			w.move(t)
		case 10:
			w.ask(t)
		case 11:
			w.record(t)
		}
	}
	for range 4 {
		w.ask(t)
	}
	t.Logf("%d observations, %d refused, %d windows of which %d as the model has it, ways %v", len(w.told), w.refused, w.asked, w.modelled, w.ways)
	if w.refused == 0 || w.modelled == 0 || w.modelled == w.asked {
		t.Error("this shows little")
	}
	return w.ways, w.stores
}

type operations struct {
	r           *rand.Rand
	start       time.Time
	tick        time.Duration
	told        []lineage.Observation // and taken
	rest, late  []lineage.Observation
	stores      []Subject
	now         time.Time // that they tidied up by last
	newest      time.Time
	ways        map[string]int
	refused     int
	asked       int
	modelled    int
	lastRecords int
}

// each does something to all stores, which must all come to the same.
func (w *operations) each(t *testing.T, what string, do func(Subject) error) error {
	t.Helper()
	var first error
	for i, s := range w.stores {
		err := do(s)
		if err != nil && !errors.Is(err, store.ErrTooOld) {
			t.Fatalf("%s, store %d: %v", what, i, err)
		}
		if i == 0 {
			first = err
		} else if (err == nil) != (first == nil) {
			t.Fatalf("%s: store %d says %v, the first %v", what, i, err, first)
		}
	}
	return first
}

// append tells all stores, and notes what they took.
func (w *operations) append(t *testing.T, obs ...lineage.Observation) {
	t.Helper()
	err := w.each(t, "append", func(s Subject) error { return s.Append(t.Context(), obs...) })
	switch {
	case err == nil:
		w.told = append(w.told, obs...)
	case len(obs) == 1:
		w.refused++
	default: // all or none
		for i := range obs {
			w.append(t, obs[i])
		}
	}
	for i := range obs {
		if obs[i].Round.After(w.newest) {
			w.newest = obs[i].Round
		}
	}
}

// tell tells of the next rounds. One observation in twelve stays behind.
func (w *operations) tell(t *testing.T) {
	for range 1 + w.r.IntN(12) {
		n := min(1+w.r.IntN(9), len(w.rest))
		var now []lineage.Observation
		for _, o := range w.rest[:n] {
			if w.r.IntN(12) == 0 {
				w.late = append(w.late, o)
			} else {
				now = append(now, o)
			}
		}
		if w.rest = w.rest[n:]; len(now) > 0 {
			w.append(t, now...)
		}
	}
}

// tellLate tells of what stayed behind, in any order.
func (w *operations) tellLate(t *testing.T) {
	for range min(1+w.r.IntN(20), len(w.late)) {
		i := w.r.IntN(len(w.late))
		w.append(t, w.late[i])
		w.late = slices.Delete(w.late, i, i+1)
	}
}

// tellAgain repeats what was told, or says something else of the same rounds: what is held stays.
func (w *operations) tellAgain(t *testing.T) {
	for range min(8, len(w.told)) {
		o := w.told[w.r.IntN(len(w.told))]
		if w.r.IntN(2) == 0 {
			o.Samples, o.Sightings, o.Missing, o.At = nil, nil, nil, o.Round
		}
		_ = w.each(t, "append again", func(s Subject) error { return s.Append(t.Context(), o) })
	}
}

// tidy has the stores tidy up, mostly as of about the newest round.
func (w *operations) tidy(t *testing.T) {
	if w.newest.IsZero() {
		return
	}
	now := w.newest.Add(time.Duration(w.r.IntN(180)) * time.Minute)
	if w.r.IntN(12) == 0 {
		now = now.Add(time.Duration(w.r.IntN(40)) * time.Hour)
	}
	if now.After(w.now) {
		w.now = now
	}
	_ = w.each(t, "maintain", func(s Subject) error { s.maintain(t, w.now); return nil })
}

// move opens a store again, by one of its ways.
func (w *operations) move(t *testing.T) {
	for i, s := range w.stores {
		if s.Again == nil {
			continue
		}
		names := append(slices.Sorted(maps.Keys(s.Ways)), "again")
		name := names[w.r.IntN(len(names))]
		way := s.Ways[name]
		if name == "again" {
			way = s.Again
		}
		next, err := way(t)
		if err != nil {
			t.Fatalf("store %d, %s: %v", i, name, err)
		}
		w.stores[i] = next
		w.ways[name]++
	}
}

// record keeps a small record, at times the same as before.
func (w *operations) record(t *testing.T) {
	w.lastRecords += w.r.IntN(2)
	var first int
	_ = w.each(t, "put a record", func(s Subject) error {
		v, err := s.PutRecord(t.Context(), store.IdentityRecord, []byte{byte(w.lastRecords)})
		if first = max(first, v); v != first {
			t.Errorf("the record has version %d, and %d elsewhere", v, first)
		}
		return err
	})
}

// ask asks all stores about a window.
func (w *operations) ask(t *testing.T) {
	t.Helper()
	if len(w.told) == 0 {
		return
	}
	state, err := w.stores[0].State(t.Context())
	check(t, err)
	win := randomWindow(w.r, w.start, w.tick, int(w.newest.Sub(w.start)/w.tick)+1)
	resolved := state.Resolve(win)
	w.asked++
	all := func(s Subject) []any {
		out := w.all(t, s, resolved.Window)
		if slices.ContainsFunc(w.stores, func(s Subject) bool { return !resolved.End.After(s.Forgot) }) {
			strip(out, func(e *lineage.Evidence) { e.Detail = "" })
		}
		return out
	}
	want := all(w.stores[0])
	for i := 1; i < len(w.stores); i++ {
		if got := all(w.stores[i]); !equal(got, want) {
			t.Errorf("store %d, %v", i, resolved)
			Differ(t, got, want)
		}
	}
	if coarse := state.Tiers[len(state.Tiers)-1]; resolved.Step == w.tick && !coarse.From.After(w.start) {
		w.modelled++
		s, m := w.stores[w.r.IntN(len(w.stores))], newModel(w.tick, w.told)
		m.forgot = s.Forgot
		compare(t, s, m, resolved.Window, w.tick*time.Duration(1+w.r.IntN(9)))
	}
}

// all is everything that a store says.
func (w *operations) all(t *testing.T, s Subject, win lineage.Window) []any {
	t.Helper()
	out := Everything(t, s, win)
	state, err := s.State(t.Context())
	check(t, err)
	out = append(out, state.Tick, state.Earliest, state.Tiers, state.Clusters)
	sources := map[lineage.Source]bool{}
	for i := range w.told {
		sources[w.told[i].Source] = true
	}
	positions := map[lineage.Source]map[string][]byte{}
	for src := range sources {
		positions[src], err = s.Positions(t.Context(), src)
		check(t, err)
	}
	version, record, err := s.Record(t.Context(), store.IdentityRecord)
	check(t, err)
	return append(out, positions, version, record)
}
