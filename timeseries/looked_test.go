package timeseries

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestPointsAfterOthers asks for series by step after others asked for theirs, of the same window and of another, by
// the same step and another, before and after a round came late: what the questions before left does not show.
func TestPointsAfterOthers(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	all := climbers(3)
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * testOpts.Tick) }
	points := func(from, to int, by time.Duration) [][]lineage.Point {
		w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at(from), End: at(to)}, Accesses: true, Lookback: time.Hour})
		must(t, err)
		got, err := w.Points(t.Context(), by, []int32{0, 1, 2})
		must(t, err)
		return got
	}
	kept := 0
	for _, n := range []int{1, 2, 3, 5, 6, 9, 4, 10, 8, 7} { // 4, 7 and 8 come late
		climb(t, s, all, n)
		for _, x := range []struct {
			from, to int
			by       time.Duration
		}{{0, 10, testOpts.Tick}, {0, 10, testOpts.Tick}, {0, 10, 2 * testOpts.Tick}, {2, 8, testOpts.Tick}, {0, 10, testOpts.Tick}} {
			if l := s.looked.Load(); l != nil && l.version == s.version && l.hi == s.floor(at(x.to)) && l.lo == s.floor(at(x.from)) {
				kept++
			}
			got := points(x.from, x.to, x.by)
			s.looked.Store(nil)
			want := points(x.from, x.to, x.by)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("after round %d, %+v: %v, want %v", n, x, got, want)
			}
		}
	}
	if kept < 20 {
		t.Errorf("only %d questions found what those before left", kept)
	}
}

// TestPointsAtOnce has many ask for series of two windows while rounds come: nobody gets what another has in hand.
func TestPointsAtOnce(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	all := climbers(8)
	for n := 1; n <= 40; n++ {
		climb(t, s, all, n)
	}
	w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(40 * testOpts.Tick)}, Accesses: true})
	must(t, err)
	var askers sync.WaitGroup
	for i := range int32(8) {
		askers.Go(func() {
			for range 50 {
				got, err := w.Points(context.Background(), testOpts.Tick, []int32{i})
				if err != nil {
					t.Error(err)
					return
				}
				for j, p := range got[0][1:] {
					if want := float64(i+1) / testOpts.Tick.Seconds(); !p.OK || p.Value != want {
						t.Errorf("series %d, step %d: %+v, want %v", i, j+1, p, want)
						return
					}
				}
			}
		})
	}
	for n := 41; n <= 80; n++ {
		climb(t, s, all, n)
	}
	askers.Wait()
}
