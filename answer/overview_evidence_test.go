package answer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestOverviewByEvidence holds, in random worlds, that what an overview shows of some kinds of evidence are the flows
// of the whole that have one of them, and their ends; that its counts are of these, and that groups of them move what
// they do.
func TestOverviewByEvidence(t *testing.T) {
	kinds := []lineage.EvidenceKind{lineage.GroupOffsets, lineage.ProducerState, lineage.RequestLog, lineage.GroupMembership}
	parts := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 29))
		seen := map[lineage.Access]bool{}
		for range 12 {
			x := topic(fmt.Sprintf("shop%d.t%d", r.IntN(2), r.IntN(4)))
			switch c := group(fmt.Sprintf("app-%d", r.IntN(5))); r.IntN(3) {
			case 0:
				seen[writes(x, c)] = true
			case 1:
				seen[writes(x, producer(int64(100+r.IntN(3))))] = true
			default:
				seen[reads(x, c)] = true
			}
		}
		var all []lineage.Access
		for x := range seen {
			all = append(all, x)
		}
		slices.SortFunc(all, func(a, b lineage.Access) int { return slices.Compare([]byte(fmt.Sprint(a)), []byte(fmt.Sprint(b))) })
		s := newPlay(t, all...)
		for _, x := range all {
			for n := 1; n <= 10; n++ {
				s.moves[x][n] = r.IntN(4) == 0
			}
			if r.IntN(3) == 0 { // a second source tells of some too
				e := kinds[2+r.IntN(2)]
				s.observe("west", fmt.Sprint("second-", len(s.totals), x.Topic.Name, x.Client), 5+r.IntN(5), sighted(x, e, ""))
			}
		}
		s.run(10)
		v := view(t, answers(s.store), between(r.IntN(5), 10), answer.All)
		only := answer.Filter{Evidence: kinds[:1+r.IntN(len(kinds))]}
		if r.IntN(2) == 0 {
			only.Evidence = []lineage.EvidenceKind{kinds[r.IntN(len(kinds))]}
		}
		for _, silent := range []bool{false, true} {
			parts += byEvidence(t, v, only, silent)
		}
	}
	if parts < 20 {
		t.Errorf("only %d answers were a part of the whole", parts)
	}
}

// byEvidence compares one answer with what it must be, and returns 1 where that is neither all nor nothing.
func byEvidence(t *testing.T, v *answer.View, only answer.Filter, silent bool) int {
	t.Helper()
	ask := func(only answer.Filter, limit int) *answer.Walk {
		if !silent {
			return v.Overview(nil, only, limit)
		}
		w, err := v.OverviewWithSilent(t.Context(), nil, only, limit)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	whole, got := ask(answer.Filter{}, 0), ask(only, 0)
	rows := v.Rows(nil, whole.Flows())
	var want []string
	ends := map[lineage.Node]bool{}
	for _, f := range whole.Flows() {
		if slices.ContainsFunc(evidenceOf(t, rows.Flow(f)), func(e answer.Evidence) bool { return slices.Contains(only.Evidence, e.Kind) }) {
			want = append(want, f.ID())
			ends[f.From], ends[f.To] = true, true
		}
	}
	var ids []string
	for _, f := range got.Flows() {
		ids = append(ids, f.ID())
	}
	slices.Sort(want)
	slices.Sort(ids)
	if !slices.Equal(ids, want) || len(got.Nodes) != len(ends) || got.TotalNodes != len(ends) || got.Truncated || len(got.Hidden) > 0 {
		t.Fatalf("by %v, silent %t:\n got %v, %d nodes of %d\nwant %v, %d nodes", only.Evidence, silent, ids, len(got.Nodes), got.TotalNodes, want, len(ends))
	}
	if cut := ask(only, 2); cut.TotalNodes != len(ends) || cut.Truncated != (len(ends) > 2) {
		t.Fatalf("by %v, at most 2: %d of %d, cut %t", only.Evidence, len(cut.Nodes), cut.TotalNodes, cut.Truncated)
	}
	if !silent {
		g, w, err := v.Grouped(t.Context(), answer.GroupByCluster, nil, only, 0)
		if err != nil {
			t.Fatal(err)
		}
		is, sum := sumsOf(v, got.Flows()), sumsOf(g, w.Flows())
		for _, kind := range []lineage.FlowKind{lineage.Produce, lineage.Consume} {
			if sum.records[kind] != is.records[kind] || math.Abs(sum.perSecond[kind]-is.perSecond[kind]) > 1e-6 {
				t.Fatalf("by %v: groups move %v, their members %v", only.Evidence, sum.records, is.records)
			}
		}
	}
	if len(ids) > 0 && len(ids) < len(whole.Edges) {
		return 1
	}
	return 0
}
