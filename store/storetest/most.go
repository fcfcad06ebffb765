package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// compareMost asks for ranks of a window, and holds them against the answer of all accesses.
func compareMost(t *testing.T, s store.Reader, all *Asked) {
	t.Helper()
	for _, m := range []lineage.Metric{lineage.Records, lineage.Skipped, lineage.Lag} {
		for _, n := range []int{1, 3, 1000} {
			most := store.Most{Metric: m, First: n}
			got, err := askMost(t, s, all.Resolved.Window, most)
			check(t, err)
			compareRank(t, got, all, most)
		}
	}
}

func askMost(t testing.TB, s store.Reader, w lineage.Window, most store.Most) (*Asked, error) {
	t.Helper()
	return askOf(t, s, store.Ask{Window: w, Accesses: true, Lookback: Forever, Facts: AllFacts, Coverage: true, Most: most})
}

// ranked returns the accesses that a rank is of, in the order of the rows of all.
func ranked(all *Asked, most store.Most) (out []lineage.Access) {
	var series []int32
	for i, a := range all.Series.Amount {
		if int(all.Series.Row[i]) < all.Rows.Topics && all.Series.Metric[i] == most.Metric && a.Total > 0 {
			series = append(series, int32(i))
		}
	}
	slices.SortStableFunc(series, func(i, j int32) int { return cmp.Compare(all.Series.Amount[j].Total, all.Series.Amount[i].Total) })
	series = series[:min(len(series), most.First)]
	slices.Sort(series)
	var last int32 = -1
	for _, i := range series {
		if row := all.Series.Row[i]; row != last {
			last, out = row, append(out, *all.Rows.Access[row])
		}
	}
	return out
}

// compareRank holds the answer of a rank against that of all: it has the rows of the first, each as there.
func compareRank(t *testing.T, got, all *Asked, most store.Most) {
	t.Helper()
	w, want := all.Resolved.Window, ranked(all, most)
	is := make([]lineage.Access, 0, len(want))
	for _, a := range got.Rows.Access {
		is = append(is, *a)
	}
	if !slices.Equal(is, want) || got.Rows.Topics != len(is) {
		t.Errorf("the %d accesses with most %s in %v, %d of them no topics: %v, want %v", most.First, most.Metric, w, got.Rows.Topics, is, want)
		return
	}
	if got.Version != all.Version || got.Resolved != all.Resolved || got.Back != all.Back || !equal(got.Facts, all.Facts) || !equal(got.Coverage(), all.Coverage()) ||
		len(got.Links) != len(all.Links) {
		t.Errorf("a rank of %v is of another window, or has other facts, links or coverage, than all accesses", w)
	}
	for i, a := range want {
		i := int32(i)
		row, _ := all.Row(a)
		r, o := &got.Rows, &all.Rows
		if !equal([]any{r.FirstSeen[i], r.Moved[i], r.Seen[i], r.SeenBefore[i], r.Unobserved[i], r.Open[i]},
			[]any{o.FirstSeen[row], o.Moved[row], o.Seen[row], o.SeenBefore[row], o.Unobserved[row], o.Open[row]}) {
			t.Errorf("%v in %v is another in a rank than among all", a, w)
		}
		from, to := got.Series.Of(i)
		f, e := all.Series.Of(row)
		if !slices.Equal(got.Series.Metric[from:to], all.Series.Metric[f:e]) || !slices.Equal(got.Series.Evidence[from:to], all.Series.Evidence[f:e]) ||
			!slices.Equal(got.Series.Amount[from:to], all.Series.Amount[f:e]) {
			t.Errorf("%v in %v has other series in a rank than among all", a, w)
		}
		for j := from; j < to; j++ {
			if got.Series.Row[j] != i {
				t.Errorf("series %d of a rank is of row %d, want %d", j, got.Series.Row[j], i)
			}
			if m := got.Series.Metric[j]; m.Counter() { // asked of the answer, as of any
				x, err := got.Amounts(context.Background(), w, []int32{j})
				check(t, err)
				if x[0] != got.Series.Amount[j] {
					t.Errorf("%v %s in %v: asked of a rank %+v, want %+v", a, m, w, x[0], got.Series.Amount[j])
				}
			}
		}
	}
}
