package timeseries

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
)

// handOver is what two sources saw of the same reader and writer: now one tells of them, now the other, now both, each
// with gaps of its own.
func handOver(r *rand.Rand, rounds int) (out []lineage.Observation) {
	topic := lineage.Topic{Cluster: "w", Name: "orders"}
	write := lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
	read := lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
	sources := [2]lineage.Source{{Cluster: "west", Name: "one"}, {Cluster: "west", Name: "other"}}
	var total, down [2]int64
	for n := 1; n <= rounds; n++ {
		total[0] += r.Int64N(50)
		if total[1] += r.Int64N(20); r.IntN(40) == 0 {
			total[1] = 0
		}
		for i, source := range sources {
			if down[i]--; down[i] > 0 {
				continue
			}
			if r.IntN(50) == 0 {
				down[i] = 1 + r.Int64N(100)
			}
			o := testRound(n)
			o.Source, o.Samples, o.At = source, nil, o.Round.Add(time.Duration(r.IntN(900))*time.Millisecond)
			switch r.IntN(30) {
			case 0:
				o.Missing = []lineage.Missing{{Reason: "no answer", Share: 0.5, Topics: []lineage.Topic{topic}}}
			case 1:
				o.Missing = []lineage.Missing{{Reason: "nobody answered", Share: 1, All: true}}
			default:
				if (n/37+i)%2 == 0 && r.IntN(20) > 0 || r.IntN(3) > 0 { // the other's turn
					break
				}
				o.Samples = []lineage.Sample{
					{Subject: write, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total[0], Estimated: r.IntN(30) == 0},
					{Subject: read, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total[1]},
					{Subject: read, Metric: lineage.Pending, Value: r.Int64N(2)},
					{Subject: lineage.Access{Topic: topic}, Metric: lineage.LogBytes, Value: r.Int64N(100)},
				}
				if r.IntN(4) == 0 {
					o.Samples[0].Since = o.Round.Add(-time.Duration(1+r.IntN(90)) * time.Minute)
				}
			}
			out = append(out, o)
		}
	}
	return out
}

// TestTwoSourcesOfOneSeries has two sources tell of the same: what is answered of open blocks is what is answered of
// them once they are sealed, and after a restart.
func TestTwoSourcesOfOneSeries(t *testing.T) {
	t.Parallel()
	const rounds = 300
	seeds, unobserved := uint64(8), 0
	if raced {
		seeds = 2
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 12))
		obs := handOver(r, rounds)
		open, dir := NewMemory(testOpts), inMemory(t)
		s, err := Open(dir, testOpts)
		must(t, err)
		must(t, open.Append(t.Context(), obs...))
		for i := range obs {
			must(t, s.Append(t.Context(), obs[i]))
			if r.IntN(100) == 0 {
				must(t, s.Maintain(t.Context(), obs[i].Round))
			}
		}
		last := testStart.Add(rounds * time.Minute)
		must(t, s.Maintain(t.Context(), last))
		for again := range 3 {
			for range 20 {
				from := r.IntN(rounds)
				w := lineage.Window{Start: testStart.Add(time.Duration(from) * time.Minute), End: testStart.Add(time.Duration(from+1+r.IntN(rounds-from)) * time.Minute)}
				got, want := storetest.Everything(t, s, w), storetest.Everything(t, open, w)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("seed %d, %v, look %d, sealed up to %s", seed, w, again, s.at(s.sealed))
					storetest.Differ(t, got, want)
				}
				for _, row := range want[0].(map[lineage.Access][]any) {
					if row[4].(bool) {
						unobserved++
					}
				}
			}
			switch again {
			case 0:
				must(t, s.Close())
				s, err = Open(dir, testOpts)
				must(t, err)
			case 1:
				must(t, s.Maintain(t.Context(), last.Add(3*time.Hour)))
			}
		}
		if s.firstInHead() != never {
			t.Errorf("seed %d: something is open still", seed)
		}
		must(t, s.Close())
		must(t, open.Close())
	}
	if unobserved < 2*int(seeds) {
		t.Errorf("%d rows were not observed: too few", unobserved)
	}
}
