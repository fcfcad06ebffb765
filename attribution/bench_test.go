package attribution_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// BenchmarkRound appends a round in which 10,000 topics grew by records that nobody accounts for, a tenth of which a
// connector writes that tells so in the same round; with and without settling whose they are.
func BenchmarkRound(b *testing.B) {
	const topics, step = 10_000, 10 * time.Second
	for _, settle := range []bool{false, true} {
		b.Run(fmt.Sprintf("settle=%v", settle), func(b *testing.B) {
			o := timeseries.Options{Tick: step}
			if settle {
				o.Settle = attribution.Settle
			}
			s, n := timeseries.NewMemory(o), int64(0)
			b.ReportAllocs()
			for b.Loop() {
				n++
				round := t0.Add(time.Duration(n) * step)
				kafka := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "producers"}, Round: round, Interval: step, At: round}
				connect := lineage.Observation{Source: lineage.Source{Cluster: "connect", Name: "connectors"}, Round: round, Interval: step, At: round}
				for i := range topics {
					topic := lineage.Topic{Cluster: "W", Name: fmt.Sprint("topic", i), ID: lineage.TopicID{byte(i), byte(i >> 8)}}
					kafka.Samples = append(kafka.Samples, lineage.Sample{Subject: lineage.Access{Topic: topic}, Metric: lineage.Left, Value: 7 * n})
					if i%10 == 0 && n == 1 {
						topic.ID = lineage.TopicID{}
						connect.Samples = append(connect.Samples, lineage.Sample{
							Subject: lineage.Access{Topic: topic, Op: lineage.Write, Client: mover(topic.Name)}, Metric: lineage.Runs, Value: 1,
						})
					}
				}
				for _, x := range []lineage.Observation{kafka, connect} {
					if err := s.Append(b.Context(), x); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
