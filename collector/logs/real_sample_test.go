package logs

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// realSampler samples a real cluster as one of its users; empty: as who may do anything.
func realSampler(t testing.TB, c *kafkatest.Cluster, user string, length time.Duration) *Sampler {
	t.Helper()
	b := &collector.Board{}
	b.SetCluster(collector.Watched{Source: "west", ID: "west-id"})
	s, err := NewSampler(SampleConfig{
		Name: "west", For: length, Every: time.Hour, Folder: t.TempDir(), Board: b,
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(c.ClientOpts(user), opts...)...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sampleOnce(ctx context.Context, s *Sampler) {
	w, _ := s.cfg.Board.Cluster("west")
	s.turn(ctx, s.memory(w))
}

// loggersOf are all loggers of a real broker, with their levels.
func loggersOf(t *testing.T, c *kafkatest.Cluster) map[string]string {
	t.Helper()
	req, r := kmsg.NewPtrDescribeConfigsRequest(), kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBrokerLogger, "1"
	req.Resources = append(req.Resources, r)
	resp, err := c.Client(t).Broker(1).Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range resp.(*kmsg.DescribeConfigsResponse).Resources {
		for _, x := range r.Configs {
			out[x.Name] = *x.Value
		}
	}
	return out
}

// requestLines counts the lines of the request logger.
func requestLines(t testing.TB, c *kafkatest.Cluster) (n int) {
	t.Helper()
	for _, path := range c.Logs() {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(b), "Completed request:")
	}
	return n
}

// On a real broker a sample logs requests while it lasts, and leaves all loggers as they stood, whether the request
// logger had a level of its own; who may not set it, does not, and says so.
func TestRealSample(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Secure: true, Users: []string{"alice", "carol"}})
	rights := kadm.NewACLs().Allow("User:alice").AllowHosts().Clusters().Operations(kadm.OpAlterConfigs, kadm.OpDescribeConfigs, kadm.OpDescribe)
	if _, err := c.Admin(t).CreateACLs(t.Context(), rights); err != nil {
		t.Fatal(err)
	}
	before := loggersOf(t, c)
	may, mayNot := realSampler(t, c, "alice", time.Second), realSampler(t, c, "carol", time.Second)
	sampleOnce(t.Context(), mayNot)
	if spots := fmt.Sprint(mayNot.spots()); !strings.Contains(spots, "grant lineaged's principal ALTER_CONFIGS") || requestLines(t, c) > 0 {
		t.Errorf("without the right: %s; %d lines", spots, requestLines(t, c))
	}
	stands := func(what string, want map[string]string) {
		t.Helper()
		is := loggersOf(t, c)
		delete(is, requestLogger) // it is listed once it was set
		want = maps.Clone(want)
		own := want[requestLogger]
		delete(want, requestLogger)
		if !maps.Equal(is, want) {
			t.Errorf("%s: the loggers stand at %v, want %v", what, is, want)
		}
		if got := loggersOf(t, c)[requestLogger]; got != own && (own != "" || got != is[rootLogger]) {
			t.Errorf("%s: the request logger stands at %q, want %q", what, got, own)
		}
	}
	lines := 0
	sampled := func(what string) {
		t.Helper()
		sampleOnce(t.Context(), may)
		if spots := may.spots(); len(spots) > 0 {
			t.Fatalf("%s: %v", what, spots)
		}
		n := requestLines(t, c)
		if n == lines {
			t.Errorf("%s: nothing was logged in a sample", what)
		}
		for range 5 { // requests
			loggersOf(t, c)
		}
		if again := requestLines(t, c); again != n {
			t.Errorf("%s: %d requests were logged after the sample", what, again-n)
		}
		lines = n
	}
	sampled("one without a level of its own")
	stands("one without a level of its own", before)
	c.LogAt(t, requestLogger, "WARN")
	before[requestLogger] = "WARN"
	sampled("one at WARN")
	stands("one at WARN", before)
}

// What samples of 5 s each 5 min cost a broker to which 50 clients send about 350 requests a second: pairs of a time
// with a sample and one of the same length without, one after another. One pair takes ten seconds and tells little:
// -benchtime 14x.
func BenchmarkRealSample(t *testing.B) {
	const (
		clients, perSecond = 25, 7
		length, every      = 5 * time.Second, 5 * time.Minute
	)
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic(t, "orders", clients)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	var sent, read atomic.Int64
	for i := range int32(clients) {
		writer, reader := c.Client(t, kgo.ClientID(fmt.Sprint("writer-", i)), kgo.RecordPartitioner(kgo.ManualPartitioner())), c.Client(t, kgo.ClientID(fmt.Sprint("reader-", i)),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"orders": {i: kgo.NewOffset().AtEnd()}}))
		all.Go(func() {
			at := time.NewTicker(time.Second / perSecond)
			defer at.Stop()
			for ctx.Err() == nil {
				<-at.C
				if writer.ProduceSync(ctx, &kgo.Record{Topic: "orders", Partition: i, Value: make([]byte, 100)}).FirstErr() == nil {
					sent.Add(1)
				}
			}
		})
		all.Go(func() {
			for ctx.Err() == nil {
				read.Add(int64(reader.PollFetches(ctx).NumRecords()))
			}
		})
	}
	s := realSampler(t, c, "", length)
	run := func(do func()) (cpu, wall float64, records int64) {
		from, begun, n := c.CPU(t), time.Now(), sent.Load()
		do()
		return (c.CPU(t) - from).Seconds(), time.Since(begun).Seconds(), sent.Load() - n
	}
	for range 3 { // the JVM compiles what is busy
		sampleOnce(ctx, s)
		sleep(ctx, length)
	}
	lines := requestLines(t, c)
	var with, without, more, apart []float64
	for i := 0; t.Loop(); i++ {
		on := func() (cpu, wall float64, n int64) { return run(func() { sampleOnce(ctx, s) }) }
		off := func() (cpu, wall float64, n int64) { return run(func() { sleep(ctx, length) }) }
		first, second := on, off
		if i%2 == 1 {
			first, second = off, on
		}
		a, aWall, aN := first()
		b, bWall, bN := second()
		if i%2 == 1 {
			a, aWall, aN, b, bWall, bN = b, bWall, bN, a, aWall, aN
		}
		with, without = append(with, a/aWall), append(without, b/bWall)
		more = append(more, a-b*aWall/bWall)
		apart = append(apart, float64(aN)/aWall/(float64(bN)/bWall))
	}
	if spots := s.spots(); len(spots) > 0 {
		t.Fatal(spots)
	}
	t.ReportMetric(100*mean(without), "%cpu-without")
	t.ReportMetric(100*mean(with), "%cpu-in-a-sample")
	t.ReportMetric(float64(requestLines(t, c)-lines)/float64(len(with))/length.Seconds(), "lines/s")
	t.ReportMetric(mean(apart), "load-ratio")
	t.ReportMetric(100*mean(more)/every.Seconds(), "%cpu-at-5s-each-5m")
	t.ReportMetric(100*mean(more)/every.Seconds()/mean(without), "%of-its-cpu-at-5s-each-5m")
}

// mean returns the mean of some; NaN: of none.
func mean(of []float64) (m float64) {
	for _, x := range of {
		m += x
	}
	return m / float64(len(of))
}
