package timeseries

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestNothingChangesWithoutAVersion lives through weeks in which all is sealed, rolled up, put away and dropped, and
// asks of windows of all ages each few hours: what is answered under the same version is the same.
func TestNothingChangesWithoutAVersion(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := richOptions()
	o.Retention = Retention{Raw: day, Minute: 3 * day, Hour: 6 * day}
	s := NewMemory(o)
	defer func() { must(t, s.Close()) }()
	const days = 22
	var asks []store.Ask
	for d := 0; d < days; d += 3 {
		for _, w := range []lineage.Window{
			{Start: richAt(144 * d), End: richAt(144 * (d + 1))}, {Start: richAt(144*d + 12), End: richAt(144*d + 18)}, {Start: testStart, End: richAt(144 * (d + 1))},
		} {
			asks = append(asks, store.Ask{
				Window: w, Accesses: true, Coverage: true, Lookback: time.Duration(d%2) * day,
				Facts: []lineage.FactKind{lineage.GroupFacts, lineage.TopicFacts, lineage.SourceFacts},
			})
		}
	}
	type told struct {
		version store.Version
		step    time.Duration // who asks resolves the window first, and knows a coarser step for another answer
		what    string
		when    int
	}
	last := make([]told, len(asks))
	kept, changed := 0, 0
	var some []lineage.Observation
	for n := 1; n <= days*144; n++ {
		x := richRound(n)
		if n%500 > 480 { // a gap
			continue
		}
		if n%144 == 7 { // another source, which tells of itself
			x.Facts = append(x.Facts, lineage.Fact{
				Key: lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: "end-offsets"}, Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: richTick},
			})
		}
		if some = append(some, x); n%9 > 0 {
			continue
		}
		must(t, s.Append(ctx, some...))
		some = nil
		if n%18 == 0 {
			must(t, s.Maintain(ctx, richAt(n)))
		}
		for i, ask := range asks {
			if ask.Window.Start.After(richAt(n)) || n%45 > 0 && i%5 > 0 {
				continue
			}
			got, err := s.Window(ctx, ask)
			must(t, err)
			now := told{got.Version, got.Step, windowText(got), n}
			if was := last[i]; was.version == now.version && was.step == now.step {
				if kept++; was.what != now.what {
					t.Fatalf("window %d, version %d: in round %d\n%s\nand in round %d\n%s", i, now.version, was.when, was.what, n, now.what)
				}
			} else {
				changed++
			}
			last[i] = now
		}
	}
	if len(s.dead) == 0 || s.tiers[hourTier].floor == 0 {
		t.Errorf("nothing was put away, or dropped: %d files, floor %d", len(s.dead), s.tiers[hourTier].floor)
	}
	if t.Logf("%d answers had the version of the one before, %d another", kept, changed); kept < changed/10 {
		t.Error("hardly any version was kept: this shows nothing")
	}
}

// windowText is an answer as text, but for its version.
func windowText(w *store.Window) string {
	out := fmt.Sprintf("%v %v\n", w.Window, w.Step)
	for i := range w.Rows.Len() {
		r := &w.Rows
		out += fmt.Sprintf("%+v first %s moved %t seen %v before %v unobserved %t open %t\n",
			*r.Access[i], r.FirstSeen[i], r.Moved[i], r.Seen[i], r.SeenBefore[i], r.Unobserved[i], r.Open[i])
		from, to := w.Series.Of(int32(i))
		for j := from; j < to; j++ {
			out += fmt.Sprintf("  %s %v %+v\n", w.Series.Metric[j], w.Series.Evidence[j], w.Series.Amount[j])
		}
	}
	for _, f := range w.Facts {
		out += fmt.Sprintf("%+v since %s gone %t before %t\n", f.Key, f.Since, f.Gone, f.Before != nil)
	}
	return out + fmt.Sprintf("%+v\n%v", w.Sources, w.Links)
}
