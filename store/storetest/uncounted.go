package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// compareUncounted asks for a window without what counters advanced, with its lookback and without one, and holds it
// against the answer with it: all but the amounts is the same, and they are said when the answer is asked for them.
func compareUncounted(t *testing.T, s store.Reader, all *Asked) {
	t.Helper()
	ask := store.Ask{Window: all.Resolved.Window, Accesses: true, Lookback: Forever, Facts: AllFacts, Coverage: true}
	sameUncounted(t, s, ask, all)
	ask.Lookback = 0
	here, err := askOf(t, s, ask)
	check(t, err)
	sameUncounted(t, s, ask, here)

	// A rank hangs on amounts, and is counted all the same.
	ask.Most, ask.Uncounted = store.Most{Metric: lineage.Records, First: 2}, true
	got, err := askOf(t, s, ask)
	check(t, err)
	compareRank(t, got, here, ask.Most)
}

func sameUncounted(t *testing.T, s store.Reader, ask store.Ask, all *Asked) {
	t.Helper()
	w := ask.Window
	ask.Uncounted = true
	got, err := askOf(t, s, ask)
	check(t, err)
	if len(got.Series.Amount) > 0 {
		t.Errorf("uncounted, %v has amounts", w)
	}
	is, want := *got.Window, *all.Window
	is.Details, want.Details = nil, nil
	want.Series.Amount = is.Series.Amount
	if len(is.Links) != len(want.Links) { // which are in no order
		t.Errorf("uncounted, %v has %d links, want %d", w, len(is.Links), len(want.Links))
	}
	is.Links, want.Links = nil, nil
	if !equal(is.Rows, want.Rows) {
		t.Errorf("uncounted, the rows of %v are\n%+v, want\n%+v", w, is.Rows, want.Rows)
	}
	if !equal(is, want) {
		t.Errorf("uncounted, %v is\n%+v, want\n%+v", w, is, want)
	}
	var series []int32
	var told []lineage.Amount
	for i, m := range all.Series.Metric {
		if m.Counter() && int(all.Series.Row[i]) < all.Rows.Topics {
			series, told = append(series, int32(i)), append(told, all.Series.Amount[i])
		}
	}
	if amounts, err := got.Amounts(context.Background(), w, series); err != nil || !slices.Equal(amounts, told) {
		t.Errorf("asked of what is uncounted in %v: %+v, %v, want %+v", w, amounts, err, told)
	}
}
