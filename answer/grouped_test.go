package answer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// owning is people who know owners: by the last digit of a name.
type owning struct{ people }

func (owning) Describe(n lineage.Node) (string, []string) {
	if i := strings.LastIndexAny(n.Name, "012"); i >= 0 {
		return "team-" + n.Name[i:i+1], nil
	}
	return "", nil
}

// sums are what flows add up to, by kind.
type sums struct {
	records   map[lineage.FlowKind]int64
	perSecond map[lineage.FlowKind]float64
	estimated bool
}

func sumsOf(v *answer.View, flows []lineage.Flow) sums {
	s := sums{map[lineage.FlowKind]int64{}, map[lineage.FlowKind]float64{}, false}
	rows := v.Rows(nil, flows)
	for _, x := range flows {
		f := rows.Flow(x)
		if n := f.Records(); n != nil {
			s.records[f.Kind()] += *n
		}
		if r := f.RecordsPerSecond(); r != nil {
			s.perSecond[f.Kind()] += *r
		}
		s.estimated = s.estimated || f.Estimated()
	}
	return s
}

// TestGroupsAddUp holds, in random worlds, that groups together move what their members do, each counted once.
func TestGroupsAddUp(t *testing.T) {
	several := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 18))
		var all []lineage.Access
		for p := range 6 {
			for range 1 + r.IntN(5) {
				x := topic(fmt.Sprintf("shop%d.t%d", r.IntN(2), r.IntN(5)))
				c := group(fmt.Sprintf("app-%d", p))
				switch r.IntN(4) {
				case 0:
					all = append(all, writes(x, c))
				case 1:
					all = append(all, writes(x, producer(int64(100+p))))
				default:
					all = append(all, reads(x, c))
				}
			}
		}
		seen := map[lineage.Access]bool{}
		once := all[:0]
		for _, x := range all {
			if !seen[x] {
				seen[x] = true
				once = append(once, x)
			}
		}
		s := newPlay(t, once...)
		for _, x := range once {
			for n := 1; n <= 20; n++ {
				s.moves[x][n] = r.IntN(3) == 0
			}
		}
		for n := 2; n < 20; n++ {
			s.dark[n] = seed%2 == 0 && r.IntN(6) == 0
		}
		s.run(20)
		// A member that is counted beside its group counts once, with it.
		m := reads(once[0].Topic, lineage.Client{Group: "app-0", Member: "m-1"})
		s.observe("west", "members", 20, s.moved(m, lineage.GroupOffsets, 7))
		a := answer.New(answer.Options{History: s.store, Identity: func() answer.Identity { return owning{} }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
		v := view(t, a, between(0, 20), answer.All)
		whole := v.Overview(nil, answer.Filter{}, 0)
		want := sumsOf(v, whole.Flows())
		for _, by := range []answer.GroupBy{answer.GroupByCluster, answer.GroupByOwner, answer.GroupByPrefix} {
			g, w, err := v.Grouped(context.Background(), by, nil, answer.Filter{}, 0)
			if err != nil {
				t.Fatal(err)
			}
			got := sumsOf(g, w.Flows())
			for _, kind := range []lineage.FlowKind{lineage.Produce, lineage.Consume} {
				if got.records[kind] != want.records[kind] || math.Abs(got.perSecond[kind]-want.perSecond[kind]) > 1e-6 {
					t.Fatalf("seed %d by %d: groups move %v (%v a second), their members %v (%v)", seed, by, got.records, got.perSecond, want.records, want.perSecond)
				}
			}
			if want.estimated && !got.estimated {
				t.Fatalf("seed %d by %d: estimated %v, of the members %v", seed, by, got.estimated, want.estimated)
			}
			members := 0
			rows := g.Rows(w.Nodes, nil)
			for _, n := range w.Nodes {
				if n.Kind != lineage.GroupNode {
					t.Fatalf("%s is no group", n.ID())
				}
				members += len(rows.Node(n).Members())
			}
			if members != len(whole.Nodes) {
				t.Fatalf("seed %d by %d: %d members of %d nodes", seed, by, members, len(whole.Nodes))
			}
			if len(w.Edges) > 2 {
				several++
			}
		}
	}
	if several < 50 {
		t.Errorf("only %d answers had several flows", several)
	}
}

// A flow between groups of which one has no count is at least what the others moved, and says so.
func TestGroupsOfTheUncounted(t *testing.T) {
	a := topic("a")
	s := newPlay(t, reads(a, group("app-0")))
	s.moves[s.accesses[0]][5] = true
	s.run(9)
	s.observe("west", "all", 10, movedBy(reads(a, group("app-1"))))
	s.last = 10
	s.run(20)
	v := view(t, answers(s.store), between(0, 20), answer.All)
	for _, by := range []answer.GroupBy{answer.GroupByPrefix, answer.GroupByCluster} {
		g, w, err := v.Grouped(context.Background(), by, nil, answer.Filter{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		flows := w.Flows()
		if len(flows) != 1 {
			t.Fatalf("got %v", flows)
		}
		f := g.Rows(nil, flows).Flow(flows[0])
		if n := f.Records(); n == nil || *n != 10 || !f.Estimated() {
			t.Errorf("got %v, estimated %v", n, f.Estimated())
		}
		if es := evidenceOf(t, f); len(es) == 0 || !strings.Contains(es[0].Detail, "at least: of 1 of the flows") {
			t.Errorf("got %+v", es)
		}
	}
}

// Who gives up gets no groups.
func TestGroupsEnd(t *testing.T) {
	var all []lineage.Access
	for i := range 600 {
		all = append(all, reads(topic("a"), group(fmt.Sprint("app-", i))))
	}
	s := newPlay(t, all...)
	s.run(2)
	v := view(t, answers(s.store), between(0, 2), answer.All)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := v.Grouped(ctx, answer.GroupByOwner, nil, answer.Filter{}, 0); err == nil {
		t.Error("an answer for nobody")
	}
}

// TestGroupedByProduct has a product that two topics are an output of, one that another is, and a topic that both name.
func TestGroupedByProduct(t *testing.T) {
	contract := func(id string, topics ...string) lineage.DeclaredContract {
		c := lineage.DeclaredContract{ID: id, Servers: atWest}
		for _, x := range topics {
			c.Topics = append(c.Topics, exactly(x))
		}
		return c
	}
	output := func(name string, contracts ...string) lineage.DeclaredProduct {
		p := lineage.DeclaredProduct{ID: name, Name: name}
		for _, c := range contracts {
			p.Ports = append(p.Ports, lineage.DeclaredPort{Name: c, Contract: c})
		}
		return p
	}
	d := &lineage.Declarations{Contracts: []lineage.DeclaredContract{contract("orders", "orders"), contract("payments", "payments")}}
	groups := func(products ...lineage.DeclaredProduct) map[string][]string {
		d.Products = products
		v := declaredView(t, declaredWorld(t, nil), identity.Rules{}, d, answer.All)
		g, w, err := v.Grouped(t.Context(), answer.GroupByProduct, nil, answer.Filter{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]string{}
		for _, n := range w.Nodes {
			for _, m := range g.Rows([]lineage.Node{n}, nil).Node(n).Members() {
				out[m.ID()] = append(out[m.ID()], n.Name)
			}
		}
		return out
	}
	check := func(got map[string][]string, want map[string]string) {
		t.Helper()
		for id, in := range want {
			if len(got[id]) != 1 || got[id][0] != in {
				t.Errorf("%s is in %v, want %s, of %v", id, got[id], in, got)
			}
		}
	}
	check(groups(), map[string]string{"topic:west/orders": "(no product)"})
	check(groups(output("Shop", "orders")), map[string]string{"topic:west/orders": "Shop", "application:shop/checkout": "Shop", "application:shop/billing": "(no product)", "topic:west/payments": "(no product)"})
	check(groups(output("Shop", "orders"), output("Money", "orders", "payments")), map[string]string{"topic:west/orders": "(several products)", "topic:west/payments": "Money"})
	d.Products = nil
	in := lineage.DeclaredProduct{ID: "in", Ports: []lineage.DeclaredPort{{Name: "x", Input: true, Contract: "orders"}}}
	check(groups(in), map[string]string{"topic:west/orders": "(no product)"})
}
