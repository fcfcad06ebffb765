package openlineage

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// describes is an event of a dataset that tells of one column.
func describes(at time.Time, dataset, column string) string {
	return `{"eventTime":"` + at.Format(time.RFC3339Nano) + `","producer":"p","schemaURL":"s","dataset":{"namespace":"pg","name":"` + dataset + `","facets":{"schema":{"fields":[{"name":"` + column + `","type":"int"}]}}}}`
}

// again starts the source anew, which keeps two things that are described.
func (w *world) again() {
	w.start()
	w.c.source.room = 2
}

// saidPositions is of how many things it is stored what was said of their columns.
func (w *world) saidPositions() (n int) {
	for key := range w.positions {
		if strings.HasPrefix(key, columnsPrefix) {
			n++
		}
	}
	return n
}

// spotted tells whether a blind spot of the newest fact that has some says so.
func (w *world) spotted(what string) bool {
	var spots []lineage.BlindSpot
	for _, o := range w.obs {
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.BlindSpotFacts {
				spots = f.BlindSpots
			}
		}
	}
	return slices.ContainsFunc(spots, func(s lineage.BlindSpot) bool { return strings.Contains(s.What, what) })
}

// tells sends events, takes a round, and compares what it tells of columns.
func (w *world) tells(what string, events []string, want ...string) {
	w.Helper()
	n := len(w.obs)
	w.send(events...)
	w.round()
	if got := w.columnsTold(n); !slices.Equal(got, want) {
		w.Errorf("%s: told %q, want %q", what, got, want)
	}
}

// TestColumnsAreForgotten: beyond the bound what was told the longest ago is forgotten. It is told again by what is
// newer than all that was forgotten, and by nothing else.
func TestColumnsAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.again()
	for i, name := range []string{"a", "b", "c"} {
		w.tells("at first", []string{describes(w.at, name, "x")}, "/ pg "+name+": x int")
		if n := w.saidPositions(); n != min(i+1, 2) {
			t.Errorf("of %d things %d are stored", i+1, n)
		}
	}
	if !w.spotted("beyond 2") {
		t.Error("nothing says that things not remember")
	}
	w.again()
	w.tells("an old event of what was forgotten, and of what nobody told of", []string{describes(t0.Add(-time.Second), "a", "old"), describes(t0.Add(-time.Second), "d", "old")})
	if !w.spotted("not remember") {
		t.Error("nothing says that an event was left out")
	}
	w.tells("old events of what is known, and a newer one", []string{describes(t0, "b", "old"), describes(w.at, "c", "y"), describes(t0, "c", "old")},
		"/ pg c: y int", "event  a job describes the dataset pg c with other columns than before: 1 of them")
	w.tells("what was forgotten, anew", []string{describes(w.at, "a", "x")}, "/ pg a: x int")
	w.at = w.at.Add(25 * time.Hour)
	w.tells("a day later", nil)
	if w.spotted("not remember") {
		t.Error("it is said for longer than a day that an event was left out")
	}
}

// TestColumnsAreForgottenInTime: what nobody told of for long has no position, and is not told anew by what is older.
func TestColumnsAreForgottenInTime(t *testing.T) {
	w := newWorld(t)
	w.tells("at first", []string{describes(w.at, "a", "x")}, "/ pg a: x int")
	w.at = w.at.Add(keepDescribed - 3*tick)
	w.tells("almost", []string{describes(w.at, "b", "x")}, "/ pg b: x int")
	if n := w.saidPositions(); n != 2 {
		t.Errorf("%d are stored before the time is over", n)
	}
	w.tells("after it", nil)
	if n := w.saidPositions(); n != 1 {
		t.Errorf("%d are stored after the time", n)
	}
	w.start()
	w.tells("an old one", []string{describes(t0, "a", "old")})
	w.tells("a newer one, whenever it comes", []string{describes(t0.Add(time.Second), "a", "y")}, "/ pg a: y int")
}

// TestDamagedColumns: what was told of something whose position is damaged is not told anew by what is older.
func TestDamagedColumns(t *testing.T) {
	w := newWorld(t)
	w.tells("at first", []string{describes(w.at, "a", "x")}, "/ pg a: x int")
	for key, value := range w.positions {
		if strings.HasPrefix(key, columnsPrefix) {
			w.positions[key] = value[:len(value)-1]
		}
	}
	w.start()
	w.tells("an old one", []string{describes(t0.Add(-time.Second), "a", "old")})
	w.start()
	w.tells("another", []string{describes(t0.Add(-time.Second), "a", "old")})
	w.tells("a newer one", []string{describes(w.at, "a", "y")}, "/ pg a: y int")
}

// TestColumnsOfAnOlderVersion: a position of version 1 keeps the order of events; its digest is another's.
func TestColumnsOfAnOlderVersion(t *testing.T) {
	w := newWorld(t)
	w.tells("at first", []string{describes(w.at, "a", "x")}, "/ pg a: x int")
	for key := range w.positions {
		if strings.HasPrefix(key, columnsPrefix) {
			var e varint.Encoder
			e.Uint(1)
			e.Time(t0)
			e.String("of another kind")
			e.Uint(uint64(crc32.ChecksumIEEE(e)))
			w.positions[key] = e
		}
	}
	w.start()
	w.tells("an old one", []string{describes(t0.Add(-time.Second), "a", "old")})
	w.tells("a newer one", []string{describes(w.at, "a", "y")}, "/ pg a: y int")
}

// TestForgettingKeepsTheNewest: whatever comes in whatever order, and whatever is forgotten over restarts, nothing
// older follows what was told of a dataset.
func TestForgettingKeepsTheNewest(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		w.again()
		for range 60 {
			for range 1 + r.IntN(4) {
				age := r.IntN(100)
				w.send(describes(w.at.Add(-time.Duration(age)*time.Second), fmt.Sprint("t", r.IntN(5)), fmt.Sprint("at", w.at.Add(-time.Duration(age)*time.Second).Unix())))
			}
			w.round()
			if n := w.saidPositions(); n > 2 {
				t.Fatalf("seed %d: %d are stored", seed, n)
			}
			if r.IntN(4) == 0 {
				w.again()
			}
		}
		newest, told := map[string]string{}, 0
		for _, o := range w.obs {
			for _, f := range o.Facts {
				if s := f.Schema; s != nil {
					column := s.Columns[0].Path // as many digits each
					if told++; column < newest[s.Dataset.Name] {
						t.Errorf("seed %d: %s is told after %s", seed, column, newest[s.Dataset.Name])
					}
					newest[s.Dataset.Name] = column
				}
			}
		}
		if told < 50 {
			t.Errorf("seed %d: only %d were told", seed, told)
		}
	}
}
