//go:build linux

package logs

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// BenchmarkRound reads a round of lines of 500 clients that write 100 topics, and says what it makes of them. It
// reports lines a second of one processor.
func BenchmarkRound(b *testing.B) {
	ids := map[string]lineage.TopicID{}
	for i := range 100 {
		ids[fmt.Sprint("topic-", i)] = idOf(fmt.Sprint("topic-", i))
	}
	var lines [][]byte
	for i := range 10_000 {
		lines = append(lines, []byte(produced(fmt.Sprint("client-", i%500), fmt.Sprint("topic-", i%100), i)))
	}
	d := newDigest(Config{Interval: tick})
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	round, n, begin := t0, 0, spent()
	b.ReportAllocs()
	for b.Loop() {
		round = round.Add(tick)
		d.begin(round, collector.Watched{ID: "west-id", IDs: ids})
		for _, line := range lines {
			d.line(line, when{})
		}
		var o lineage.Observation
		if d.end(&o); len(o.Sightings) != 500 {
			b.Fatalf("%d accesses", len(o.Sightings))
		}
		n += len(lines)
	}
	b.ReportMetric(float64(n)/(spent()-begin).Seconds(), "lines/cpu-s")
}
