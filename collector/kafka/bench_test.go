package kafka

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/lineage"
)

// estate is how large the cluster of a benchmark is.
type estate struct{ topics, groups int }

// The sizes that the figures in docs/performance.md are for.
var benchEstates = []estate{{1000, 500}, {10_000, 5000}}

const (
	benchBrokers    = 3
	benchPartitions = 10
	benchCommits    = 20 // partitions with a commit, by group
)

// fakeEnv makes the test binary serve a kfake cluster instead of testing, of so many topics and groups: in a process of
// its own it does not count into the collector's CPU.
const fakeEnv = "LINEAGED_BENCH_KFAKE"

func (e estate) String() string { return fmt.Sprintf("%dx%d", e.topics, e.groups) }

func serveFake(size string) {
	var e estate
	if _, err := fmt.Sscanf(size, "%dx%d", &e.topics, &e.groups); err != nil {
		panic(err)
	}
	names := make([]string, e.topics)
	for i := range names {
		names[i] = fmt.Sprintf("shop.events.%04d", i)
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(benchBrokers), kfake.SeedTopics(benchPartitions, names...))
	if err != nil {
		panic(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		panic(err)
	}
	adm := kadm.NewClient(cl)
	for g := range e.groups {
		offs := kadm.Offsets{}
		for p := range benchCommits {
			offs.Add(kadm.Offset{Topic: names[(g*7+p)%e.topics], Partition: int32(p % benchPartitions), At: 0})
		}
		if err := adm.CommitAllOffsets(context.Background(), fmt.Sprintf("group-%04d", g), offs); err != nil {
			panic(err)
		}
	}
	cl.Close()
	fmt.Println(strings.Join(fake.ListenAddrs(), ","))
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until the parent goes
	fake.Close()
}

// traffic counts what goes over the wire.
type traffic struct{ requests, read, written atomic.Int64 }

func (c *traffic) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	c.requests.Add(1)
	c.read.Add(int64(e.BytesRead))
	c.written.Add(int64(e.BytesWritten))
}

func (c *traffic) reset() { c.requests.Store(0); c.read.Store(0); c.written.Store(0) }

func (c *traffic) report(b *testing.B, cpu time.Duration) {
	n := float64(b.N)
	b.ReportMetric(float64(c.requests.Load())/n, "requests/round")
	b.ReportMetric(float64(c.read.Load())/n/1024, "KiB-in/round")
	b.ReportMetric(float64(c.written.Load())/n/1024, "KiB-out/round")
	b.ReportMetric(float64(cpu.Microseconds())/n/1000, "cpu-ms/round")
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func startFake(b *testing.B, e estate) []string {
	b.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // ends with its standard input
	cmd.Env = append(os.Environ(), fakeEnv+"="+e.String())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(line), ",")
}

// BenchmarkRound measures a warm round against the pattern of the exporters of this field, one OffsetFetch a group, on
// the same cluster in the same run.
func BenchmarkRound(b *testing.B) {
	for _, e := range benchEstates {
		b.Run(e.String(), func(b *testing.B) { benchRound(b, startFake(b, e)) })
	}
}

func benchRound(b *testing.B, addrs []string) {
	b.Run("lineaged", func(b *testing.B) {
		var c traffic
		col, err := New(Config{Name: "west", Brokers: addrs, Interval: 10 * time.Second, Hooks: []kgo.Hook{&c}}, newRecorder())
		if err != nil {
			b.Fatal(err)
		}
		defer col.source.close()
		round := t0
		take := func() []lineage.Observation {
			round = round.Add(10 * time.Second)
			ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
			defer cancel()
			return col.source.Observe(ctx, round)
		}
		take()
		take()
		c.reset()
		cpu := cpuTime()
		for b.Loop() {
			for _, o := range take() {
				if o.Source.Name == sourceEnds && len(o.Missing) > 0 {
					b.Fatal(o.Missing)
				}
			}
		}
		c.report(b, cpuTime()-cpu)
	})
	b.Run("per-group", func(b *testing.B) {
		var c traffic
		cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.WithHooks(&c))
		if err != nil {
			b.Fatal(err)
		}
		defer cl.Close()
		adm := kadm.NewClient(cl)
		ctx := context.Background()
		take := func() {
			if _, err := adm.ListEndOffsets(ctx); err != nil {
				b.Fatal(err)
			}
			groups, err := adm.ListGroups(ctx)
			if err != nil {
				b.Fatal(err)
			}
			for _, g := range groups.Groups() {
				if _, err := adm.FetchOffsets(ctx, g); err != nil {
					b.Fatal(err)
				}
			}
		}
		take()
		c.reset()
		cpu := cpuTime()
		for b.Loop() {
			take()
		}
		c.report(b, cpuTime()-cpu)
	})
}
