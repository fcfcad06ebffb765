package storetest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Forever is a lookback over all that a test ever appends.
const Forever = 1000 * 24 * time.Hour

// AllFacts are all kinds of facts.
var AllFacts = func() (all []lineage.FactKind) {
	for k := lineage.ClusterFacts; k < lineage.FactKinds; k++ {
		all = append(all, k)
	}
	return all
}()

// Key names a series.
type Key struct {
	Access   lineage.Access
	Metric   lineage.Metric
	Evidence lineage.EvidenceKind
}

// Asked is an answer of a window, asked by access. Its methods fail the test where the store returns an error.
type Asked struct {
	*store.Window
	t    testing.TB
	rows map[lineage.Access]int32
}

// Ask asks for all of a window, with a lookback over all time.
func Ask(t testing.TB, s store.Reader, w lineage.Window) *Asked {
	t.Helper()
	a, err := ask(t, s, w)
	check(t, err)
	return a
}

func ask(t testing.TB, s store.Reader, w lineage.Window) (*Asked, error) {
	return askOf(t, s, store.Ask{Window: w, Accesses: true, Lookback: Forever, Facts: AllFacts, Coverage: true})
}

func askOf(t testing.TB, s store.Reader, ask store.Ask) (*Asked, error) {
	t.Helper()
	got, err := s.Window(context.Background(), ask)
	if err != nil {
		return nil, err
	}
	a := &Asked{Window: got, t: t, rows: map[lineage.Access]int32{}}
	for i, x := range got.Rows.Access {
		if _, twice := a.rows[*x]; twice {
			t.Errorf("%v has two rows", *x)
		}
		a.rows[*x] = int32(i)
	}
	return a, nil
}

// Row returns the row of an access; ok is false when it has none.
func (a *Asked) Row(x lineage.Access) (row int32, ok bool) {
	row, ok = a.rows[x]
	return row, ok
}

// Find returns a series; ok is false when the answer does not have it.
func (a *Asked) Find(k Key) (series int32, ok bool) {
	row, ok := a.rows[k.Access]
	if !ok {
		return 0, false
	}
	return a.Series.Find(row, k.Metric, k.Evidence)
}

// Moved reports whether an access moved in the window.
func (a *Asked) Moved(x lineage.Access) bool {
	row, ok := a.rows[x]
	return ok && a.Rows.Moved[row]
}

// Amount returns what a counter advanced in the window; the zero Amount where there is no such series.
func (a *Asked) Amount(k Key) lineage.Amount {
	a.t.Helper()
	i, ok := a.Find(k)
	if !ok {
		return lineage.Amount{}
	}
	got, err := a.Amounts(context.Background(), a.Resolved.Window, []int32{i})
	check(a.t, err)
	if row := a.Series.Row[i]; int(row) < a.Rows.Topics && k.Metric.Counter() && a.Series.Amount[i] != got[0] {
		a.t.Errorf("%v %s %s in %v: the answer has %+v, asked for it is %+v", k.Access, k.Metric, k.Evidence, a.Resolved.Window, a.Series.Amount[i], got[0])
	}
	return got[0]
}

// Level returns a gauge at the window's end.
func (a *Asked) Level(k Key) lineage.Level {
	a.t.Helper()
	i, ok := a.Find(k)
	if !ok {
		return lineage.Level{}
	}
	got, err := a.Levels(context.Background(), []int32{i})
	check(a.t, err)
	return got[0]
}

// Points returns a series by step; nil where there is none.
func (a *Asked) Points(step time.Duration, k Key) []lineage.Point {
	a.t.Helper()
	i, ok := a.Find(k)
	if !ok {
		return nil
	}
	got, err := a.Details.Points(context.Background(), step, []int32{i})
	check(a.t, err)
	return got[0]
}

// Evidence returns what supported an access in the window.
func (a *Asked) Evidence(x lineage.Access) []lineage.Evidence {
	a.t.Helper()
	row, ok := a.rows[x]
	if !ok {
		return nil
	}
	got, err := a.Details.Evidence(context.Background(), a.Resolved.Window, []int32{row})
	check(a.t, err)
	return got[0]
}

// Reasons returns why what a counter advanced in the window is an estimate; nil where there is none.
func (a *Asked) Reasons(k Key) []string {
	a.t.Helper()
	i, ok := a.Find(k)
	if !ok {
		return nil
	}
	got, err := a.Details.Reasons(context.Background(), a.Resolved.Window, []int32{i})
	check(a.t, err)
	return got[0]
}

// LastMoved returns when an access moved last in the window.
func (a *Asked) LastMoved(x lineage.Access) time.Time {
	a.t.Helper()
	row, ok := a.rows[x]
	if !ok {
		return time.Time{}
	}
	got, err := a.Details.LastMoved(context.Background(), a.Resolved.Window, []int32{row})
	check(a.t, err)
	return got[0]
}

// Newest returns the newest round of a cluster, zero before the first.
func Newest(t testing.TB, s store.Reader, cluster string) time.Time {
	t.Helper()
	state, err := s.State(context.Background())
	check(t, err)
	c, _ := state.Cluster(cluster)
	return c.Round
}

// Everything asks all there is to ask about a window: the first of the answers is by access. Two stores that hold the
// same say the same.
func Everything(t testing.TB, s store.Store, w lineage.Window) []any {
	t.Helper()
	out, err := everything(t, s, w)
	check(t, err)
	return out
}

func everything(t testing.TB, s store.Store, w lineage.Window) (out []any, err error) {
	ctx := context.Background()
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	a, err := ask(t, s, w)
	if err != nil {
		return nil, err
	}
	n, m := int32(a.Rows.Len()), int32(a.Series.Len())
	rows, series := make([]int32, n), make([]int32, m)
	for i := range rows {
		rows[i] = int32(i)
	}
	for i := range series {
		series[i] = int32(i)
	}
	evidence, e := a.Details.Evidence(ctx, w, rows)
	note(e)
	last, e := a.Details.LastMoved(ctx, w, rows)
	note(e)
	amounts, e := a.Amounts(ctx, w, series)
	note(e)
	levels, e := a.Levels(ctx, series)
	note(e)
	points, e := a.Details.Points(ctx, a.Step, series)
	note(e)
	reasons, e := a.Details.Reasons(ctx, w, series)
	note(e)
	events, e := s.Events(ctx, store.EventFilter{Window: w})
	note(e)
	if err != nil {
		return nil, err
	}
	by := map[lineage.Access][]any{}
	for i := range rows {
		r := &a.Rows
		all := []any{r.FirstSeen[i], r.Moved[i], r.Seen[i], r.SeenBefore[i], r.Unobserved[i], r.Open[i], evidence[i], last[i]}
		for j, end := a.Series.Of(int32(i)); j < end; j++ {
			all = append(all, a.Series.Metric[j], a.Series.Evidence[j], amounts[j], levels[j], points[j], reasons[j])
		}
		by[*r.Access[i]] = all
	}
	links := map[lineage.Link]bool{}
	for _, x := range a.Links {
		links[x] = true
	}
	return []any{by, a.Coverage(), events.List, a.Facts, links, a.Sources}, nil
}

// Differ fails the test and says where two answers of Everything differ.
func Differ(t testing.TB, got, want []any) {
	t.Helper()
	for i := range want {
		if i >= len(got) || equal(got[i], want[i]) {
			continue
		}
		if g, ok := got[i].(map[lineage.Access][]any); ok {
			for a, w := range want[i].(map[lineage.Access][]any) {
				for j := range w {
					if len(g[a]) <= j || !equal(g[a][j], w[j]) {
						t.Errorf("%v, answer %d: %+v, want %+v", a, j, nth(g[a], j), w[j])
					}
				}
				if len(g[a]) > len(w) {
					t.Errorf("%v has more answers: %+v", a, g[a][len(w):])
				}
			}
			for a := range g {
				if _, ok := want[i].(map[lineage.Access][]any)[a]; !ok {
					t.Errorf("%v is among the answers", a)
				}
			}
			continue
		}
		t.Errorf("answer %d: %+v, want %+v", i, got[i], want[i])
	}
	t.Fatal("the answers differ")
}

func close6(a, b float64) bool {
	return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b))
}

func nth(all []any, i int) any {
	if i < len(all) {
		return all[i]
	}
	return nil
}
