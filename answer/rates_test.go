package answer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// slowly appends rounds of readers of several kinds: who commits seldom and is pending meanwhile, who is looked at in
// every third round, and whose readings reach over gaps and over many steps.
func (w *world) slowly(r *rand.Rand, rounds int) {
	topics := []lineage.Topic{topic("a"), topic("b"), topic("c")}
	read := map[lineage.Access]int{} // the round of the last reading
	reading := func(n int, x lineage.Access, e lineage.EvidenceKind, by int64) filling {
		f := w.moved(x, e, by)
		if r.IntN(3) > 0 {
			f = since(read[x], f)
		}
		read[x] = n
		return f
	}
	markers := int64(0)
	down := map[string]int{} // rounds that a source still sees nothing
	for n := 1; n <= rounds; n++ {
		fill := map[string][]filling{}
		if n == 1 {
			fill["end-offsets"] = append(fill["end-offsets"], facts(clusterFact(len(topics)), topicFact(topics[0]), topicFact(topics[1]), topicFact(topics[2])))
		}
		for i, x := range topics {
			if r.IntN(4) > 0 {
				if i == 1 && r.IntN(2) == 0 { // some of what the ends grow by are markers
					fill["producers"] = append(fill["producers"], func(o *lineage.Observation) {
						markers += int64(r.IntN(20))
						o.Samples = append(o.Samples, lineage.Sample{Subject: self(x), Metric: lineage.Markers, Value: markers})
					})
				}
				fill["end-offsets"] = append(fill["end-offsets"], reading(n, self(x), lineage.NoEvidence, int64(r.IntN(90))), reading(n, writes(x, producer(int64(i))), lineage.ProducerState, int64(r.IntN(90))))
			}
			if i < 2 && r.IntN(3) == 0 {
				fill["end-offsets"] = append(fill["end-offsets"], level(self(x), lineage.LogBytes, int64(r.IntN(3000))), level(self(x), lineage.Retained, int64(r.IntN(10))))
			}
			for g := range 3 {
				c := reads(x, group(fmt.Sprintf("g%d", g)))
				if g == 2 && i == 0 {
					c = reads(x, by(replicator))
				}
				switch {
				case r.IntN(4) == 0:
					fill["groups"] = append(fill["groups"], reading(n, c, lineage.GroupOffsets, int64(r.IntN(300))), level(c, lineage.Pending, int64(r.IntN(2))))
				case r.IntN(5) == 0:
					fill["groups"] = append(fill["groups"], level(c, lineage.Pending, int64(r.IntN(2))))
				}
			}
			if slow := reads(x, group("share")); n%3 == 0 && r.IntN(3) > 0 {
				fill["share-groups"] = append(fill["share-groups"], reading(n, slow, lineage.ShareOffsets, int64(r.IntN(100))))
			}
		}
		for _, source := range []string{"end-offsets", "producers", "groups", "share-groups"} {
			every := func(o *lineage.Observation) { o.At = o.At.Add(time.Duration(r.IntN(3000)) * time.Millisecond) }
			if source == "share-groups" {
				if n%3 != 0 {
					continue
				}
				every = func(o *lineage.Observation) { o.Interval = 3 * tick }
			}
			if r.IntN(25) == 0 {
				down[source] = 1 + r.IntN(6)
			}
			if down[source]--; down[source] >= 0 {
				if n%2 == 0 {
					w.observe("west", source, n, every, missing("down"))
				}
				continue
			}
			w.observe("west", source, n, append(fill[source], every)...)
		}
	}
}

var replicator = lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "east->west"}

// TestOneRate asks for the same window in every way in which a rate is told: of a flow, of its one client, of a series
// whose one step is the window, of the mean of a finer one, and of a node in a series, a ranking and a search.
func TestOneRate(t *testing.T) {
	compared, pending := 0, 0
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			w := newWorld(t)
			const rounds = 40
			w.slowly(r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(w.store)
			for range 8 {
				from := r.IntN(rounds - 1)
				v := view(t, a, answer.Between(round(from), round(from+1+r.IntN(rounds-from))), answer.All)
				n, p := oneRateOfFlows(t, v)
				compared, pending = compared+n+oneRateOfNodes(t, v), pending+p
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	if compared < 1000 || pending < 50 {
		t.Errorf("%d rates were compared, %d of them of what is pending", compared, pending)
	}
}

func oneRateOfFlows(t *testing.T, v *answer.View) (compared, pending int) {
	t.Helper()
	all := v.Walk(graph.Query{Roots: nodesOf(t, v), Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true})
	rows, whole := v.Rows(all.Nodes, all.Flows()), v.Window().Duration()
	for _, is := range all.Flows() {
		f := rows.Flow(is)
		inBytes, err := f.BytesPerSecond(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for m, rate := range map[answer.Metric]*float64{answer.RecordRate: f.RecordsPerSecond(), answer.ByteRate: inBytes} {
			if one := onePoint(t, func(s *time.Duration) ([]answer.Point, time.Duration, error) { return f.Series(t.Context(), m, s) }, whole); !same(rate, one) {
				t.Errorf("%v: %s: rate %s, in one step %s, active %v", v.Window(), is.ID(), spell(rate), spell(one), f.Active())
			}
			compared++
		}
		clients, err := f.Clients(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(clients) == 1 && !same(clients[0].RecordsPerSecond, f.RecordsPerSecond()) {
			t.Errorf("%v: %s: rate %s, of its one client %s", v.Window(), is.ID(), spell(f.RecordsPerSecond()), spell(clients[0].RecordsPerSecond))
		}
		fine, _, err := f.Series(t.Context(), answer.RecordRate, new(tick))
		if err != nil {
			t.Fatal(err)
		}
		least, most := math.Inf(1), math.Inf(-1)
		for _, p := range fine {
			if p.Value != nil {
				least, most = min(least, *p.Value), max(most, *p.Value)
			}
		}
		if last := fine[len(fine)-1]; last.Value == nil && f.Estimated() {
			pending++
		}
		if rate := f.RecordsPerSecond(); rate != nil && (*rate < least-1e-6 || *rate > most+1e-6) {
			t.Errorf("%v: %s: rate %s, of steps between %v and %v", v.Window(), is.ID(), spell(rate), least, most)
		}
	}
	return compared, pending
}

func oneRateOfNodes(t *testing.T, v *answer.View) (compared int) {
	t.Helper()
	nodes := nodesOf(t, v)
	rows, w := v.Rows(nodes, nil), v.Window()
	searched := map[lineage.Node]float64{}
	found, err := v.Search(t.Context(), answer.Search{OrderBy: answer.ByRate, IncludeInternal: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		searched[p.Node] = p.Value
	}
	for _, m := range []answer.Metric{answer.RecordRate, answer.RecordsIn, answer.RecordsOut, answer.ByteRate, answer.BytesIn, answer.BytesOut} {
		for _, n := range nodes {
			ranked, _, err := v.Top(t.Context(), m, n.Kind)
			if err != nil {
				t.Fatal(err)
			}
			var top *float64
			for _, x := range ranked {
				if x.Node == n {
					top = &x.Value
				}
			}
			one := onePoint(t, func(s *time.Duration) ([]answer.Point, time.Duration, error) {
				return rows.Node(n).Series(t.Context(), m, answer.Between(w.Start, w.End), s)
			}, w.Duration())
			if !same(top, one) {
				t.Errorf("%v: %s, metric %d: ranked by %s, in one step %s", w, n.ID(), m, spell(top), spell(one))
			}
			if x := searched[n]; m == answer.RecordRate && !(top == nil && x == -1 || top != nil && same(top, &x)) {
				t.Errorf("%v: %s: ranked by %s, found by %v", w, n.ID(), spell(top), x)
			}
			compared++
		}
	}
	return compared
}

// onePoint returns the value of a series in one step.
func onePoint(t *testing.T, series func(*time.Duration) ([]answer.Point, time.Duration, error), step time.Duration) *float64 {
	t.Helper()
	points, _, err := series(&step)
	if err != nil || len(points) > 1 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	if len(points) == 0 {
		return nil
	}
	return points[0].Value
}

func same(a, b *float64) bool {
	return a == nil && b == nil || a != nil && b != nil && math.Abs(*a-*b) <= 1e-9*max(1, *a)
}

func spell(x *float64) string {
	if x == nil {
		return "not known"
	}
	return fmt.Sprint(*x)
}

// TestMarkersAreNoRecords has a topic that is written in transactions of five records: what goes into it is records,
// without the markers that are known to be among what its ends grow by, in a series, a ranking and a search; what it
// appended is told as it was.
func TestMarkersAreNoRecords(t *testing.T) {
	w := newWorld(t)
	x := topic("orders")
	for n := 1; n <= 10; n++ {
		ends := []filling{w.moved(self(x), lineage.NoEvidence, 60)}
		if n == 1 {
			ends = append(ends, facts(clusterFact(1), topicFact(x)))
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n, func(o *lineage.Observation) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: self(x), Metric: lineage.Markers, Value: int64(10 * n)})
		})
	}
	v := view(t, answers(w.store), answer.Between(round(2), round(10)), answer.All)
	rows := v.Rows([]lineage.Node{topicNode("orders")}, nil)
	for _, m := range []answer.Metric{answer.RecordRate, answer.RecordsIn} {
		one := onePoint(t, func(s *time.Duration) ([]answer.Point, time.Duration, error) {
			return rows.Node(topicNode("orders")).Series(t.Context(), m, answer.Between(round(2), round(10)), s)
		}, 8*tick)
		if ranked, _, err := v.Top(t.Context(), m, lineage.TopicNode); err != nil || len(ranked) != 1 || !same(&ranked[0].Value, new(5.0)) || !same(one, new(5.0)) {
			t.Errorf("metric %d: ranked %v, in one step %s, want 5 records a second; %v", m, ranked, spell(one), err)
		}
	}
	if in, out := v.Bound(topicNode("orders"), answer.RecordsIn), v.Bound(topicNode("orders"), answer.RecordsOut); !strings.HasPrefix(in, "at most") || out != "" {
		t.Errorf("in: %q, out: %q", in, out)
	}
	found, err := v.Search(t.Context(), answer.Search{OrderBy: answer.ByRate})
	if err != nil || len(found) != 1 || found[0].Value != 5 {
		t.Errorf("found %v, %v", found, err)
	}
}

// A sum of flows of which one is an estimate is one, and says of how many.
func TestSumsOfEstimates(t *testing.T) {
	w := newWorld(t)
	exact, bound := topic("exact"), topic("bound")
	for n := 1; n <= 10; n++ {
		fill := []filling{
			w.moved(self(exact), lineage.NoEvidence, 10), w.moved(self(bound), lineage.NoEvidence, 10),
			w.moved(reads(exact, group("shop")), lineage.GroupOffsets, 10), estimated(w.moved(reads(bound, group("shop")), lineage.GroupOffsets, 10)),
		}
		if n == 1 {
			fill = append(fill, facts(clusterFact(1), topicFact(exact), topicFact(bound)))
		}
		w.observe("west", "all", n, fill...)
	}
	v := named(t, w, answer.Between(round(2), round(10)))
	shop := lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "shop"}
	for _, c := range []struct {
		node lineage.Node
		m    answer.Metric
		want string
	}{
		{shop, answer.RecordsIn, "estimated: bounds or estimates are among what it sums up, 1 of 2 flows, as their evidence explains"},
		{shop, answer.RecordRate, "estimated: bounds or estimates are among what it sums up, 1 of 2 flows, as their evidence explains"},
		{shop, answer.RecordsOut, ""},
		{shop, answer.Lag, ""},
		{topicNode("exact"), answer.RecordsOut, ""},
		{topicNode("bound"), answer.RecordsOut, "estimated: bounds or estimates are among what it sums up, 1 of 1 flows, as their evidence explains"},
		{topicNode("bound"), answer.RecordsIn, ""},
	} {
		if got := v.Bound(c.node, c.m); got != c.want {
			t.Errorf("%s, metric %d: %q, want %q", c.node.ID(), c.m, got, c.want)
		}
	}
}
