package answer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// questions are what can be asked of a view, by what is asked: each writes its answer as text.
func questions(t *testing.T, v *answer.View, in answer.Span) map[string]func() string {
	t.Helper()
	ctx, out := t.Context(), map[string]func() string{}
	ask := func(what string, f func() (any, error)) {
		out[what] = func() string {
			x, err := f()
			return text(t, []any{x, fmt.Sprint(err)})
		}
	}
	nodes := nodesOf(t, v)
	flows := v.Walk(graph.Query{Roots: nodes, Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true}).Flows()
	slices.SortFunc(flows, func(a, b lineage.Flow) int { return cmpText(a.ID(), b.ID()) })
	for m := answer.RecordRate; m <= answer.RetainedBytes; m++ {
		for kind := lineage.TopicNode; kind <= lineage.DatasetNode; kind++ {
			ask(fmt.Sprint("top ", m, kind), func() (any, error) {
				top, unknown, err := v.Top(ctx, m, kind)
				return []any{top, unknown}, err
			})
		}
		for _, n := range nodes {
			is := v.Rows(nodes, flows).Node(n)
			ask(fmt.Sprint("bound ", m, n.ID()), func() (any, error) { return is.Bound(ctx, m, in) })
			ask(fmt.Sprint("series ", m, n.ID()), func() (any, error) {
				points, _, err := is.Series(ctx, m, in, nil)
				return points, err
			})
		}
	}
	for by := answer.ByMatch; by <= answer.ByLastMoved; by++ {
		ask(fmt.Sprint("search by ", by), func() (any, error) { return v.Search(ctx, answer.Search{IncludeInternal: true, OrderBy: by}) })
	}
	for _, f := range flows {
		is := v.Rows(nodes, flows).Flow(f)
		ask("flow "+f.ID(), func() (any, error) {
			clients, err := is.Clients(ctx, 1000)
			lag, _ := is.Lag(ctx)
			behind, _ := is.LagSeconds(ctx)
			least, _ := is.LagAtLeastSeconds(ctx)
			moved, _ := is.LastMoved(ctx)
			bytes, _ := is.Bytes(ctx)
			live, _ := is.Live(ctx)
			evidence, _ := is.Evidence(ctx)
			return []any{is.Active(), is.Records(), is.RecordsPerSecond(), is.Estimated(), is.Skipped(), is.Lost(), clients, lag, behind, least, moved, bytes, live, evidence}, err
		})
	}
	for _, n := range nodes {
		ask("node "+n.ID(), func() (any, error) {
			is := v.Rows(nodes, flows).Node(n)
			first, last, err := is.Seen(ctx)
			lost, _ := is.Lost(ctx)
			writers, readers := v.Usage(n)
			var groups []any
			for _, g := range is.Groups() {
				lag, _ := g.Lag(ctx)
				live, _ := g.Live(ctx)
				moved, _ := g.LastMoved(ctx)
				groups = append(groups, []any{g.Ref, lag, live, moved})
			}
			return []any{first, last, lost, writers, readers, groups, is.NamedBy(), v.ClustersOf(n)}, err
		})
		ask("candidates "+n.ID(), func() (any, error) { return v.Candidates(ctx, n) })
	}
	ask("joins", func() (any, error) { return v.Joins(100), nil })
	ask("coverage", func() (any, error) { return v.Coverage(), nil })
	ask("events", func() (any, error) { return v.Events(ctx, nil) })
	return out
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestAskedInAnyOrder asks a view all that can be asked, in any order, then again, and each question of a view that was
// asked nothing before: all say the same, so that no answer hangs on what else was asked.
func TestAskedInAnyOrder(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 17))
			w := newWorld(t)
			const rounds = 20
			w.anything(r, rounds)
			for n := 1; n <= rounds; n++ { // what goes into b is a bound, but for what the headers settle
				marker := func(e lineage.EvidenceKind, by int64) filling {
					return func(o *lineage.Observation) {
						o.Samples = append(o.Samples, lineage.Sample{Subject: self(topic("b")), Metric: lineage.Markers, Evidence: e, Value: int64(n) * by})
					}
				}
				w.observe("west", "markers", n, marker(lineage.NoEvidence, 1), marker(lineage.BatchHeader, 2))
			}
			time.Sleep(time.Until(round(rounds)) + time.Second)
			in := answer.Between(round(2+r.IntN(3)), round(rounds-r.IntN(5)))
			asked := func() map[string]func() string { return questions(t, view(t, answers(w.store), in, answer.All), in) }
			all, said := asked(), map[string]string{}
			names := slices.Sorted(maps.Keys(all))
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			for _, name := range names {
				said[name] = all[name]()
			}
			for _, name := range names {
				if got := all[name](); got != said[name] {
					t.Errorf("seed %d: asked again, %s: %.600s\n%.600s", seed, name, said[name], got)
				}
				if got := asked()[name](); got != said[name] {
					t.Errorf("seed %d: asked alone, %s: %.600s\n%.600s", seed, name, got, said[name])
				}
			}
		})
	}
}
