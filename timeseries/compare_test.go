package timeseries_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

func close6(a, b float64) bool {
	return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b))
}

// compare asks a store and the model the same questions about one window.
func compare(t *testing.T, s timeseries.Store, m *model, w lineage.Window, step time.Duration) {
	t.Helper()
	ctx := context.Background()
	var ids []lineage.SubjectID
	var accesses []lineage.Access
	for x := range s.Subjects() {
		ids, accesses = append(ids, x.ID), append(accesses, x.Access)
	}
	keys := s.Keys(ids)
	mkeys := make([]modelKey, len(keys))
	for i, k := range keys {
		x, ok := s.Subject(k.Subject)
		if !ok {
			t.Fatalf("Keys names subject %d, which is not there", k.Subject)
		}
		mkeys[i] = modelKey{x.Access, k.Metric, k.Evidence}
	}
	compareSeries(t, s, m, w, step, keys, mkeys)

	moved, err := s.Moved(ctx, w)
	check(t, err)
	seen, err := s.Seen(ctx, w)
	check(t, err)
	unobserved, err := s.Unobserved(ctx, w, ids)
	check(t, err)
	evidence, err := s.Evidence(ctx, w, ids)
	check(t, err)
	last, err := s.LastMoved(ctx, w.End, w.Duration(), ids)
	check(t, err)
	all := lineage.Window{Start: m.obs[0].Round.Add(-time.Hour), End: m.obs[len(m.obs)-1].Round}
	for i, id := range ids {
		a := accesses[i]
		wantMoved, wantSeen := m.marks(a, w)
		_, ever := m.marks(a, all)
		if got, want := moved.Contains(uint32(id)), len(wantMoved) > 0; got != want {
			t.Errorf("%v: %v moved in %v: %v, want %v", t.Name(), a, w, got, want)
		}
		want := time.Time{}
		if n := len(wantMoved); n > 0 {
			want = wantMoved[n-1]
		}
		if !last[i].Equal(want) {
			t.Errorf("%v last moved by %v at %v, want %v", a, w.End, last[i], want)
		}
		if got, want := unobserved.Contains(uint32(id)), m.unobserved(a, w); got != want {
			t.Errorf("%v unobserved in %v: %v, want %v", a, w, got, want)
		}
		got := evidence[i]
		for k := range wantSeen {
			if in, want := seen[k] != nil && seen[k].Contains(uint32(id)), len(wantSeen[k]) > 0; in != want {
				t.Errorf("%v seen by %v in %v: %v, want %v", a, lineage.EvidenceKind(k), w, in, want)
			}
			if len(wantSeen[k]) == 0 {
				continue
			}
			if len(got) == 0 || got[0].Kind != lineage.EvidenceKind(k) {
				t.Errorf("%v in %v: evidence %v, want %v", a, w, got, lineage.EvidenceKind(k))
				continue
			}
			if x := got[0]; !x.FirstSeen.Equal(ever[k][0]) || !x.LastSeen.Equal(wantSeen[k][len(wantSeen[k])-1]) {
				t.Errorf("%v %v in %v: seen %v to %v, want %v to %v", a, x.Kind, w, x.FirstSeen, x.LastSeen, ever[k][0], wantSeen[k][len(wantSeen[k])-1])
			}
			got = got[1:]
		}
		if len(got) > 0 {
			t.Errorf("%v in %v: evidence that nobody gave: %v", a, w, got)
		}
	}
	compareCoverage(t, s, m, w)
}

func compareSeries(t *testing.T, s timeseries.Store, m *model, w lineage.Window, step time.Duration, keys []lineage.SeriesKey, mkeys []modelKey) {
	t.Helper()
	ctx := context.Background()
	amounts, err := s.Amounts(ctx, w, keys)
	check(t, err)
	levels, err := s.Levels(ctx, w.End, keys)
	check(t, err)
	series, err := s.Series(ctx, w, step, keys)
	check(t, err)
	for i, k := range mkeys {
		want, got := m.amount(k, w), amounts[i]
		if got.Known != want.Known || got.Pending != want.Pending || got.Estimated != want.Estimated || !close6(got.Total, want.Total) || !close6(got.Shared, want.Shared) ||
			!close6(got.Observed, want.Observed) || !close6(got.ObservedFor.Seconds(), want.ObservedFor.Seconds()) {
			t.Errorf("%v %v %v in %v: amount %+v, want %+v", k.access, k.metric, k.evidence, w, got, want)
		}
		if got, want := levels[i], m.level(k, w.End); got != want {
			t.Errorf("%v %v at %v: level %+v, want %+v", k.access, k.metric, w.End, got, want)
		}
		points := m.series(k, w, step)
		if len(points) != len(series[i]) {
			t.Errorf("%v %v in %v by %v: %d points, want %d", k.access, k.metric, w, step, len(series[i]), len(points))
			continue
		}
		for j, want := range points {
			if got := series[i][j]; !got.At.Equal(want.At) || got.OK != want.OK || !close6(got.Value, want.Value) {
				t.Errorf("%v %v in %v by %v: point %+v, want %+v", k.access, k.metric, w, step, got, want)
			}
		}
	}
}

func compareCoverage(t *testing.T, s timeseries.Store, m *model, w lineage.Window) {
	t.Helper()
	for _, clusters := range [][]string{nil, {"west"}, {"east", "west"}} {
		got, err := s.Coverage(context.Background(), w, clusters...)
		check(t, err)
		fraction, gaps := m.coverage(w, clusters)
		if !close6(got.ObservedFraction, fraction) || got.Complete != (len(gaps) == 0) {
			t.Errorf("coverage of %v in %v: %v of it, complete %v; want %v, %v", clusters, w, got.ObservedFraction, got.Complete, fraction, len(gaps) == 0)
		}
		found := map[string][]time.Time{}
		var ends []lineage.Gap
		for _, g := range got.Gaps {
			for _, before := range ends {
				if before.Source == g.Source && before.Reason == g.Reason && !before.Window.End.Before(g.Window.Start) {
					t.Errorf("gaps %v and %v should be one", before, g)
				}
			}
			ends = append(ends, g)
			reason := g.Reason
			if strings.HasPrefix(reason, "nothing was recorded") {
				reason = "nothing"
			}
			found[g.Source.String()+"|"+reason] = append(found[g.Source.String()+"|"+reason], m.ticks(g.Window)...)
		}
		for k, want := range gaps {
			if !slices.EqualFunc(found[k], want, time.Time.Equal) {
				t.Errorf("gaps %s in %v: %v, want %v", k, w, found[k], want)
			}
		}
		for k := range found {
			if gaps[k] == nil {
				t.Errorf("gap %s in %v that is none", k, w)
			}
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// randomWindow returns a window of whole ticks, mostly within the history.
func randomWindow(r *rand.Rand, start time.Time, tick time.Duration, rounds int) lineage.Window {
	a, b := r.IntN(rounds+10)-5, r.IntN(rounds+10)-5
	if r.IntN(3) == 0 {
		b = a + 1 + r.IntN(8)
	}
	if a > b {
		a, b = b, a
	}
	return lineage.Window{Start: start.Add(time.Duration(a) * tick), End: start.Add(time.Duration(b+1) * tick)}
}

func ids(b *roaring.Bitmap) []uint32 {
	if b == nil {
		return nil
	}
	return b.ToArray()
}
