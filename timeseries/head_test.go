package timeseries

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestSubtotals changes a head in all ways that there are, in any order: what is summed up is always what the samples
// say, all that can be is, and what was handed out before stays as it was.
func TestSubtotals(t *testing.T) {
	sources := []*source{{id: 0, name: lineage.Source{Cluster: "a"}}, {id: 1, name: lineage.Source{Cluster: "b"}}}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := &series{key: seriesKey{Metric: lineage.Records}}
		random := func(tick int64) sample {
			return sample{value: int64(r.IntN(1000)), tick: tick, span: int32(1 + r.IntN(40)), estimated: r.IntN(100) == 0, src: uint16(r.IntN(50) / 49)}
		}
		tick, dropped := int64(0), int64(0)
		for range 800 {
			samples, sums := s.head, s.subtotals
			samplesWere, sumsWere := slices.Clone(samples), slices.Clone(sums)
			switch n := len(s.head); {
			case r.IntN(20) > 0 || n == 0:
				tick += int64(1 + r.IntN(3))
				s.add(random(tick), sources)
			case r.IntN(3) == 0: // late, or a second time
				s.add(random(dropped+1+r.Int64N(tick-dropped)), sources)
			case r.IntN(3) == 0: // what was settled is settled anew
				i := n - r.IntN(min(n, 50))
				var anew []sample
				for j := i; j < n && r.IntN(10) > 0; j++ {
					anew = append(anew, random(s.head[j].tick))
				}
				s.splice(i, n, anew...)
			case r.IntN(3) == 0:
				at := 1 + r.IntN(n)
				dropped = s.head[at-1].tick
				s.drop(at, sources)
			default: // a sample after a loss reaches back
				i := r.IntN(n)
				x := s.head[i]
				x.span = 100
				s.splice(i, i+1, x)
			}
			if !slices.Equal(samples, samplesWere) || !slices.Equal(sums, sumsWere) {
				t.Fatal("what was handed out has changed")
			}
			checkSubtotals(t, s)
		}
	}
}

func checkSubtotals(t *testing.T, s *series) {
	t.Helper()
	if left := len(s.head) - s.lead - len(s.subtotals)*subtotalLen; s.lead >= subtotalLen && len(s.head) >= 2*subtotalLen || left >= subtotalLen {
		t.Fatalf("%d samples: %d subtotals after the first %d", len(s.head), len(s.subtotals), s.lead)
	}
	for i, got := range s.subtotals {
		from := s.lead + i*subtotalLen
		want := subtotal{reach: never, src: s.head[from].src}
		for j := from; j < from+subtotalLen; j++ {
			x, before := s.head[j], s.base
			if j > 0 {
				before = s.head[j-1].value
			}
			want.sum += max(x.value-before, 0)
			want.reach = min(want.reach, x.tick-int64(x.span))
			want.estimated = want.estimated || x.estimated
			want.mixed = want.mixed || x.src != want.src
		}
		if got != want {
			t.Fatalf("subtotal %d of %d is %+v, want %+v", i, len(s.subtotals), got, want)
		}
	}
	for _, x := range s.head {
		if int64(x.span) > s.maxSpan {
			t.Fatalf("a span of %d is longer than the longest, %d", x.span, s.maxSpan)
		}
	}
}

// TestAmountOfSubtotals has counters that reset, reach back, change their source and are not always observed: an amount
// of any window is the same whether subtotals are used or each sample is looked at.
func TestAmountOfSubtotals(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	s := NewMemory(testOpts)
	topic := lineage.Topic{Cluster: "w", Name: "orders"}
	subject := func(i int) lineage.Access {
		return lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
	}
	const rounds = 600
	total := [3]int64{}
	since := [3]time.Time{testStart, testStart, testStart}
	for n := 1; n <= rounds; n++ {
		o := testRound(n)
		o.Samples = nil
		if n%200 > 195 { // nothing of the topic was seen
			o.Missing = []lineage.Missing{{Reason: "hidden", Share: 0.5, Topics: []lineage.Topic{topic}}}
			must(t, s.Append(t.Context(), o))
			continue
		}
		if n%140 == 99 { // not even a round
			continue
		}
		if n%110 == 20 { // another source sees its steps, and saw none of what was before; this one goes on
			must(t, s.Append(t.Context(), o))
			o.Source.Name = "other"
		}
		for i := range total {
			if i == 1 && n%110 != 20 && (n%110 == 19 || r.IntN(3) > 0) { // steps of more than a round
				continue
			}
			if total[i] += int64(1 + r.IntN(50)); i == 2 && r.IntN(60) == 0 {
				total[i] = 0
			}
			o.Samples = append(o.Samples, lineage.Sample{
				Subject: subject(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total[i], Since: since[i], Estimated: n%75 == 0,
			}, lineage.Sample{Subject: subject(i), Metric: lineage.Pending, Value: int64(i)})
			since[i] = o.Round
		}
		must(t, s.Append(t.Context(), o))
		if n == 220 { // some of it is sealed, and what is left does not begin with a subtotal
			must(t, s.Maintain(t.Context(), o.Round))
		}
	}
	used := 0
	for range 10_000 {
		a := r.IntN(rounds)
		b := a + 1 + r.IntN(rounds-a)
		v, err := s.view(context.Background(), lineage.Window{Start: testStart.Add(time.Duration(a) * time.Minute), End: testStart.Add(time.Duration(b) * time.Minute)}, nil)
		must(t, err)
		for i := range total {
			x := entryOf(s.engine, subject(i)).subject.find(lineage.Records, lineage.ProducerState)
			p, plain := s.probe(x.key, nil), s.probe(x.key, nil)
			used, plain.sums = used+len(p.sums), nil
			got, ticks, err := v.amount(p)
			must(t, err)
			want, wantTicks, err := v.amount(plain)
			must(t, err)
			if got != want || ticks != wantTicks {
				t.Fatalf("rounds %d to %d of %d: %+v over %d ticks, want %+v over %d", a, b, i, got, ticks, want, wantTicks)
			}
		}
		v.end()
	}
	if used == 0 {
		t.Error("there are no subtotals")
	}
	must(t, s.Close())
}
