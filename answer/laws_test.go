package answer_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// anything appends rounds of a few topics, writers, groups with members, and sources that fail, as chance has it.
func (w *world) anything(r *rand.Rand, rounds int) {
	topics := []lineage.Topic{topic("a"), topic("b"), topic("__internal"), topic("d")}
	for n := 1; n <= rounds; n++ {
		var ends, groups []filling
		if n == 1 {
			ends = append(ends, facts(clusterFact(len(topics)), topicFact(topics[0]), topicFact(topics[1]), topicFact(topics[2])))
		}
		for i, x := range topics {
			ends = append(ends, w.moved(self(x), lineage.NoEvidence, int64(r.IntN(9))))
			if r.IntN(3) > 0 {
				ends = append(ends, w.moved(writes(x, producer(int64(r.IntN(3)))), lineage.ProducerState, int64(r.IntN(5))))
			}
			if r.IntN(4) == 0 {
				ends = append(ends, estimated(w.moved(writes(x, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, int64(r.IntN(3)))))
			}
			if r.IntN(2) == 0 {
				ends = append(ends, level(self(x), lineage.LogBytes, int64(r.IntN(1000))), level(self(x), lineage.Retained, int64(r.IntN(10))))
			}
			for g := range 3 {
				c := group(fmt.Sprintf("g%d", g))
				if (i+g)%2 == 0 || r.IntN(3) == 0 {
					continue
				}
				read := w.moved(reads(x, c), lineage.GroupOffsets, int64(r.IntN(4)))
				if r.IntN(8) == 0 {
					read = estimated(read)
				}
				groups = append(groups, read, level(reads(x, c), lineage.Pending, int64(r.IntN(8)/7)), level(reads(x, c), lineage.Live, int64(r.IntN(2))))
				if lag := int64(r.IntN(50)); r.IntN(6) > 0 {
					groups = append(groups, level(reads(x, c), lineage.Lag, lag), level(reads(x, c), lineage.LagMillis, lag*100), level(reads(x, c), lineage.LagAtLeast, int64(r.IntN(2))))
				} else {
					groups = append(groups, level(reads(x, c), lineage.Lag, lineage.Unknown), level(reads(x, c), lineage.LagMillis, []int64{lineage.Unknown, 100}[r.IntN(2)]))
				}
				c.Member, c.ClientID = fmt.Sprintf("m%d", r.IntN(2)), "client"
				groups = append(groups, sighted(reads(x, c), lineage.GroupMembership, ""))
				if r.IntN(10) == 0 {
					groups = append(groups, level(reads(x, group(c.Group)), lineage.Skipped, int64(n)), level(reads(x, group(c.Group)), lineage.Lost, int64(n/2)))
				}
			}
		}
		if r.IntN(9) == 0 {
			groups = []filling{missing("broker 2 does not answer")}
		}
		if r.IntN(12) > 0 {
			w.observe("west", "end-offsets", n, ends...)
		}
		if r.IntN(12) > 0 {
			w.observe("west", "groups", n, groups...)
		}
	}
}

// TestLaws holds what is true of every answer, whatever happened, on histories made by chance.
func TestLaws(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			w := newWorld(t)
			const rounds = 30
			w.anything(r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(w.store)
			for range 6 {
				from := r.IntN(rounds - 1)
				v := view(t, a, answer.Between(round(from), round(from+1+r.IntN(rounds-from))), answer.All)
				lawsOfFlows(t, v)
				lawsOfNodes(t, v)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

func lawsOfFlows(t *testing.T, v *answer.View) {
	t.Helper()
	ctx := t.Context()
	all := v.Walk(graph.Query{Roots: nodesOf(t, v), Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true})
	rows := v.Rows(all.Nodes, all.Flows())
	for _, is := range all.Flows() {
		f := rows.Flow(is)
		active, n := f.Active(), f.Records()
		switch {
		case active == nil && n != nil && *n == 0:
			t.Errorf("%s: whether it moved is not known, and it is said to have moved nothing", is.ID())
		case active != nil && !*active && n != nil && *n != 0:
			t.Errorf("%s: it did not move, and moved %d", is.ID(), *n)
		case n != nil && *n < 0:
			t.Errorf("%s: it moved %d", is.ID(), *n)
		}
		es, err := f.Evidence(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(es) == 0 {
			t.Errorf("%s: nobody says how it is known", is.ID())
		}
		if f.Estimated() && !slices.ContainsFunc(es, func(e answer.Evidence) bool { return e.Detail != "" }) {
			t.Errorf("%s: it is estimated, and nobody says why", is.ID())
		}
		first, last, err := f.Seen(ctx)
		if err != nil || first.After(last) || last.After(v.Window().End) {
			t.Errorf("%s: seen from %v to %v, %v", is.ID(), first, last, err)
		}
		moved, err := f.LastMoved(ctx)
		if err != nil || moved.After(v.Window().End) || active != nil && *active && !moved.After(v.Window().Start) {
			t.Errorf("%s: active in %v, and moved last at %v, %v", is.ID(), v.Window(), moved, err)
		}
		exact, err1 := f.LagSeconds(ctx)
		bound, err2 := f.LagAtLeastSeconds(ctx)
		lag, err3 := f.Lag(ctx)
		if err := cmp.Or(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if exact != nil && bound != nil || lag == nil && (exact != nil || bound != nil) || is.To.Kind == lineage.TopicNode && lag != nil {
			t.Errorf("%s: lags by %v, %v s or at least %v s", is.ID(), lag, exact, bound)
		}
		clients, err := f.Clients(ctx, 1000)
		if err != nil || len(clients) != f.ClientCount() || len(clients) == 0 {
			t.Errorf("%s: %d clients, and %d are counted: %v", is.ID(), len(clients), f.ClientCount(), err)
		}
		if n := len(clients); n > 0 {
			if few, err := f.Clients(ctx, n-1); err != nil || len(few) != n-1 {
				t.Errorf("%s: %d of %d clients, %v", is.ID(), len(few), n-1, err)
			}
		}
	}
}

func lawsOfNodes(t *testing.T, v *answer.View) {
	t.Helper()
	ctx := t.Context()
	whole := v.Overview(nil, answer.Filter{IncludeInternal: true}, 1000)
	for _, n := range whole.Nodes {
		if !v.Has(n) || !slices.Contains(nodesOf(t, v), n) {
			t.Errorf("%s is drawn, and not found", n.ID())
		}
	}
	for _, limit := range []int{1, 2, 4} {
		if cut := v.Overview(nil, answer.Filter{IncludeInternal: true}, limit); cut.TotalNodes != whole.TotalNodes || len(cut.Nodes) > limit || cut.Truncated != (limit < whole.TotalNodes) {
			t.Errorf("of %d nodes, at most %d: %d of %d, cut: %v", whole.TotalNodes, limit, len(cut.Nodes), cut.TotalNodes, cut.Truncated)
		}
	}
	for _, n := range nodesOf(t, v) {
		if n.Kind != lineage.TopicNode {
			continue
		}
		writers, readers := v.Usage(n)
		rows := v.Rows(nil, slices.Concat(writers, readers))
		for _, flows := range [][]lineage.Flow{writers, readers} {
			rank := func(f lineage.Flow) int {
				switch active := rows.Flow(f).Active(); {
				case active == nil:
					return 1
				case *active:
					return 0
				default:
					return 2
				}
			}
			if !slices.IsSortedFunc(flows, func(a, b lineage.Flow) int { return cmp.Compare(rank(a), rank(b)) }) {
				t.Errorf("%s: who moved does not come first: %v", n.ID(), flows)
			}
		}
		// What a topic's readers read together is what comes out of it.
		sum, known := 0.0, false
		for _, f := range readers {
			if x := rows.Flow(f).RecordsPerSecond(); x != nil {
				sum, known = sum+*x, true
			}
		}
		top, _, err := v.Top(ctx, answer.RecordsOut, lineage.TopicNode)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range top {
			if x.Node == n && known && math.Abs(x.Value-sum) > 1e-9*max(1, sum) && !unknownAmong(rows, readers) {
				t.Errorf("%s: %v records a second come out of it, its readers read %v", n.ID(), x.Value, sum)
			}
		}
	}
	for _, by := range []answer.Order{answer.ByName, answer.ByRate, answer.ByLag, answer.ByLastMoved} {
		all, err := v.Search(ctx, answer.Search{OrderBy: by, IncludeInternal: true})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(all, func(a, b answer.Placed) int { return a.Compare(b.Place) }) || by != answer.ByName &&
			!slices.IsSortedFunc(all, func(a, b answer.Placed) int { return -cmp.Compare(a.Value, b.Value) }) {
			t.Errorf("order %d: %v", by, all)
		}
	}
}

// unknownAmong reports whether of one of the flows it is not known whether it moved: it then has no rate, and may have
// a part in a sum.
func unknownAmong(rows *answer.Rows, flows []lineage.Flow) bool {
	return slices.ContainsFunc(flows, func(f lineage.Flow) bool { return rows.Flow(f).Active() == nil })
}

func nodesOf(t *testing.T, v *answer.View) (out []lineage.Node) {
	t.Helper()
	all, err := v.Search(t.Context(), answer.Search{IncludeInternal: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		out = append(out, p.Node)
	}
	return out
}
