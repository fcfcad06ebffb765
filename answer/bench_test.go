package answer_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// spentCPU returns what the process has spent of processors, collecting garbage included: on a busy machine it says
// more than the clock.
func spentCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// crowd writes round n of 10,000 topics, each with a writer, and 5,000 groups that read four topics each.
func (w *world) crowd(n int, fill ...filling) {
	const topics, groups, each = 10_000, 5000, 4
	if n == 1 {
		fill = append(fill, facts(clusterFact(topics)))
	}
	for i := range topics {
		x := topic(fmt.Sprintf("%05d.team%02d.orders.events.v%d", i, i%37, i%3))
		if n == 1 {
			fill = append(fill, facts(topicFact(x)))
		}
		fill = append(fill, w.moved(self(x), lineage.NoEvidence, 100), w.moved(writes(x, producer(int64(i))), lineage.ProducerState, 100))
	}
	for g := range groups {
		if n == 1 {
			fill = append(fill, facts(memberFact(g, "1")))
		}
		for k := range each {
			i := (g*7 + k) % topics
			r := reads(topic(fmt.Sprintf("%05d.team%02d.orders.events.v%d", i, i%37, i%3)), group(fmt.Sprintf("svc-%02d-consumer-%05d", g%61, g)))
			fill = append(fill, w.moved(r, lineage.GroupOffsets, 90), level(r, lineage.Lag, int64(n%7)), level(r, lineage.LagMillis, int64(n%7)*100))
		}
	}
	w.observe("west", "all", n, fill...)
}

// memberFact is a group of the crowd with a member.
func memberFact(g int, id string) lineage.Fact {
	name := fmt.Sprintf("svc-%02d-consumer-%05d", g%61, g)
	return lineage.Fact{
		Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: name},
		Group: &lineage.GroupFact{
			Ref: lineage.GroupRef{Cluster: west, Group: name}, Type: "Classic", Protocol: "consumer", MembersKnown: true,
			Members: []lineage.Member{{ID: name + "-" + id, ClientID: "consumer-" + name + "-1", Host: "/10.0.0.1"}},
		},
	}
}

// conventional answers by the names that lineaged gives without rules, and keeps no view for long.
func conventional(tb testing.TB, w *world, now func() time.Time) *answer.Answers {
	tb.Helper()
	r, err := identity.New(identity.Rules{})
	if err != nil {
		tb.Fatal(err)
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return r }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Now: now,
	})
	a.Keep(1)
	return a
}

// BenchmarkCrowd asks for windows that nobody asked for before, of 10,000 topics and 5,000 groups: a past minute, and
// the newest ten minutes after each round. Both with the graph that a page shows.
func BenchmarkCrowd(b *testing.B) {
	w := newWorld(b)
	n := 61
	for i := 1; i <= n; i++ {
		w.crowd(i)
	}
	now := func() time.Time { return round(n).Add(time.Second) }
	a := conventional(b, w, now)
	ask := func(b *testing.B, in answer.Span) {
		b.Helper()
		if v := view(b, a, in, answer.All); len(v.Overview(nil, answer.Filter{}, 300).Nodes) != 300 {
			b.Fatal("not all is there")
		}
	}
	ask(b, answer.Between(round(1), round(3)))
	b.Run("past", func(b *testing.B) {
		b.ReportAllocs()
		i, spent := 0, spentCPU(b)
		for b.Loop() {
			i = (i + 1) % 50
			ask(b, answer.Between(round(2+i), round(8+i)))
		}
		b.ReportMetric(float64((spentCPU(b)-spent).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
	b.Run("newest", func(b *testing.B) {
		b.ReportAllocs()
		spent := time.Duration(0)
		for b.Loop() {
			b.StopTimer()
			n++
			w.crowd(n)
			b.StartTimer()
			before := spentCPU(b)
			ask(b, answer.Last(10*time.Minute))
			spent += spentCPU(b) - before
		}
		b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
	b.Run("changed", func(b *testing.B) { // the same, while a group's members change in each round: all are named anew
		b.ReportAllocs()
		spent := time.Duration(0)
		for b.Loop() {
			b.StopTimer()
			n++
			w.crowd(n, facts(memberFact(n%4900, fmt.Sprint(n))))
			b.StartTimer()
			before := spentCPU(b)
			ask(b, answer.Last(10*time.Minute))
			spent += spentCPU(b) - before
		}
		b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
	b.Run("store", func(b *testing.B) { // the store's part of it
		b.ReportAllocs()
		i, spent := 0, spentCPU(b)
		for b.Loop() {
			i = (i + 1) % 50
			in := lineage.Window{Start: round(2 + i), End: round(8 + i)}
			if _, err := w.store.Window(context.Background(), answer.ViewAsk(in)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((spentCPU(b)-spent).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
}
