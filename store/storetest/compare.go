package storetest

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// model compares random histories with the model, before and after maintenance, and after restarts.
func (b *battery) model(t *testing.T) {
	const rounds = 230
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		tick := []time.Duration{time.Minute, 30 * time.Second}[seed%2]
		obs := history(r, epoch, tick, rounds)
		Wording(rand.New(rand.NewPCG(seed, 2)), obs)
		m := newModel(tick, obs)
		s := b.open(t, tick)
		for _, o := range obs {
			check(t, s.Append(t.Context(), o))
		}
		ask := func(n int) {
			t.Helper()
			for range n {
				compare(t, s, m, randomWindow(r, epoch, tick, rounds), tick*time.Duration(1+r.IntN(9)))
			}
		}
		ask(4)
		s = b.again(t, s)
		ask(2)
		for _, after := range []int{90, 140, 230, 400} {
			s.maintain(t, epoch.Add(time.Duration(after)*tick))
			ask(2)
			s = b.again(t, s)
			ask(2)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// compare asks a store and the model the same questions about one window.
func compare(t *testing.T, s store.Store, m *model, w lineage.Window, step time.Duration) {
	t.Helper()
	got := Ask(t, s, w)
	all := lineage.Window{Start: m.obs[0].Round.Add(-time.Hour), End: m.obs[len(m.obs)-1].Round}
	before := lineage.Window{Start: all.Start, End: w.End}
	for _, x := range m.all {
		a := x.Access
		row, ok := got.Row(a)
		_, seenBefore := m.marks(a, before)
		candidate := slices.ContainsFunc(seenBefore[:], func(at []time.Time) bool { return len(at) > 0 })
		if a.Op == lineage.OpNone {
			candidate = !x.first.After(w.End)
		}
		if ok != candidate {
			t.Errorf("%v is among the accesses of %v: %v, want %v", a, w, ok, candidate)
		}
		if ok {
			compareRow(t, got, m, row, all)
			compareSeries(t, got, m, row, step)
		}
	}
	compareCoverage(t, got, m)
	compareMost(t, s, got)
	compareUncounted(t, s, got)
}

func compareRow(t *testing.T, got *Asked, m *model, row int32, all lineage.Window) {
	t.Helper()
	w, r := got.Resolved.Window, &got.Rows
	a := *r.Access[row]
	moved, seen := m.marks(a, w)
	_, before := m.marks(a, lineage.Window{Start: all.Start, End: w.End})
	_, ever := m.marks(a, all)
	if want := m.byAccess[a].first; !r.FirstSeen[row].Equal(want) {
		t.Errorf("%v was first seen at %v, want %v", a, r.FirstSeen[row], want)
	}
	if want := len(moved) > 0; r.Moved[row] != want {
		t.Errorf("%v moved in %v: %v, want %v", a, w, r.Moved[row], want)
	}
	last := time.Time{}
	if n := len(moved); n > 0 {
		last = moved[n-1]
	}
	if at := got.LastMoved(a); !at.Equal(last) {
		t.Errorf("%v last moved by %v at %v, want %v", a, w.End, at, last)
	}
	if want := m.unobserved(a, w); r.Unobserved[row] != want {
		t.Errorf("%v unobserved in %v: %v, want %v", a, w, r.Unobserved[row], want)
	}
	if want := m.open(a, w.End); r.Open[row] != want {
		t.Errorf("%v open at %v: %v, want %v", a, w.End, r.Open[row], want)
	}
	evidence := got.Evidence(a)
	for k := range seen {
		kind := lineage.EvidenceKind(k)
		if want := len(seen[k]) > 0; r.Seen[row].Has(kind) != want {
			t.Errorf("%v seen by %v in %v: %v, want %v", a, kind, w, r.Seen[row].Has(kind), want)
		}
		if want := len(before[k]) > 0; r.SeenBefore[row].Has(kind) != want {
			t.Errorf("%v seen by %v until %v: %v, want %v", a, kind, w.End, r.SeenBefore[row].Has(kind), want)
		}
		if len(seen[k]) == 0 {
			continue
		}
		if len(evidence) == 0 || evidence[0].Kind != kind {
			t.Errorf("%v in %v: evidence %v, want %v", a, w, evidence, kind)
			continue
		}
		if x := evidence[0]; !x.FirstSeen.Equal(ever[k][0]) || !x.LastSeen.Equal(seen[k][len(seen[k])-1]) {
			t.Errorf("%v %v in %v: seen %v to %v, want %v to %v", a, x.Kind, w, x.FirstSeen, x.LastSeen, ever[k][0], seen[k][len(seen[k])-1])
		}
		if want := m.detail(a, kind, w.End); evidence[0].Detail != want && w.End.After(m.forgot) {
			t.Errorf("%v %v in %v: %q is said, want %q", a, kind, w, evidence[0].Detail, want)
		}
		evidence = evidence[1:]
	}
	if len(evidence) > 0 {
		t.Errorf("%v in %v: evidence that nobody gave: %v", a, w, evidence)
	}
}

func compareSeries(t *testing.T, got *Asked, m *model, row int32, step time.Duration) {
	t.Helper()
	w, a := got.Resolved.Window, *got.Rows.Access[row]
	keys := m.byAccess[a].keys
	if from, to := got.Series.Of(row); int(to-from) != len(keys) {
		t.Errorf("%v has %d series, want %v", a, to-from, keys)
	}
	for _, k := range keys {
		if _, ok := got.Find(k); !ok {
			t.Errorf("%v has no series of %v %v", a, k.Metric, k.Evidence)
			continue
		}
		want, is := m.amount(k, w), got.Amount(k)
		if is.Known != want.Known || is.Pending != want.Pending || is.Estimated != want.Estimated || !close6(is.Total, want.Total) || !close6(is.Shared, want.Shared) ||
			!close6(is.Within, want.Within) || !close6(is.Told, want.Told) || !close6(is.Observed, want.Observed) || !close6(is.ObservedFor.Seconds(), want.ObservedFor.Seconds()) {
			t.Errorf("%v %v %v in %v: amount %+v, want %+v", a, k.Metric, k.Evidence, w, is, want)
		}
		if is, want := got.Level(k), m.level(k, w.End); is != want {
			t.Errorf("%v %v at %v: level %+v, want %+v", a, k.Metric, w.End, is, want)
		}
		points, wanted := got.Points(step, k), m.series(k, w, step)
		if len(points) != len(wanted) {
			t.Errorf("%v %v in %v by %v: %d points, want %d", a, k.Metric, w, step, len(points), len(wanted))
			continue
		}
		for j, want := range wanted {
			if is := points[j]; !is.At.Equal(want.At) || is.OK != want.OK || is.Estimated != want.Estimated || !close6(is.Value, want.Value) {
				t.Errorf("%v %v in %v by %v: point %+v, want %+v", a, k.Metric, w, step, is, want)
			}
		}
	}
}

func compareCoverage(t *testing.T, asked *Asked, m *model) {
	t.Helper()
	w := asked.Resolved.Window
	for _, clusters := range [][]string{nil, {"west"}, {"east", "west"}} {
		got := asked.Coverage(clusters...)
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
