package acceptance

import (
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// switched is a broker in which one of several reporters at a time is given what clients push, or none: it is dropped
// then, by which the others are measured.
type switched struct {
	*kafkatest.Cluster
	folder string
}

// startSwitched starts it. settings are those of each reporter, by its name: up, slow, gone.
func startSwitched(t testing.TB, settings map[string]map[string]string, broker map[string]string) *switched {
	t.Helper()
	s := &switched{folder: t.TempDir()}
	s.give(t, "")
	jar := cast.ReporterJar(t)
	o := kafkatest.Options{Plugins: []string{jar, filepath.Join(filepath.Dir(jar), "test-classes")}, Config: maps.Clone(broker)}
	o.Config["metric.reporters"] = "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.SwitchedReporter"
	o.Config["bench.folder"] = s.folder
	for name, own := range settings {
		for key, value := range own {
			o.Config["bench."+name+".lineaged.telemetry."+key] = value
		}
	}
	s.Cluster = kafkatest.Start(t, o)
	return s
}

// subscribe makes a topic, and has clients push what lineaged asks them for, every so many milliseconds.
func subscribe(t testing.TB, c *kafkatest.Cluster, topic string, every int) {
	t.Helper()
	c.CreateTopic(t, topic, 2)
	const metrics = "org.apache.kafka.producer.topic.record.send.total,org.apache.kafka.consumer.fetch.manager.records.consumed.total"
	what := fmt.Sprintf("interval.ms=%d,metrics=[%s]", every, metrics)
	if _, err := c.Tool(t.Context(), "configs", "--alter", "--entity-type", "client-metrics", "--entity-name", "all", "--add-config", what); err != nil {
		t.Fatal(err)
	}
}

// give has a reporter be given what is pushed from now on; none: the peer, which drops it.
func (s *switched) give(t testing.TB, reporter string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, "on"), []byte(reporter), 0o600); err != nil {
		t.Fatal(err)
	}
}

// figures are what a reporter says of its pushes.
type figures struct{ forwarded, dropped, queued int64 }

// spent returns the processor time in seconds that was spent in the reporters: by the threads of requests, and by their
// own.
func (s *switched) spent(t testing.TB) (requests, own float64) {
	t.Helper()
	f := s.figures(t, "cpu")
	return float64(f.forwarded) / 1e9, float64(f.dropped) / 1e9
}

func (s *switched) figures(t testing.TB, reporter string) (f figures) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.folder, "figures"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		name := ""
		var x figures
		if _, err := fmt.Sscan(line, &name, &x.forwarded, &x.dropped, &x.queued); err != nil {
			t.Fatal(line, err)
		}
		if name == reporter {
			f = x
		}
	}
	return f
}

// warnings returns the lines of the broker's log in which a reporter warns, and those of errors.
func (s *switched) warnings(t testing.TB) (reporters, failures []string) {
	t.Helper()
	for _, file := range s.Logs() {
		log, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			switch {
			case strings.Contains(line, "io.lineaged.telemetry") && strings.Contains(line, " WARN "):
				reporters = append(reporters, line)
			case strings.Contains(line, " ERROR "), strings.HasPrefix(line, "\tat "):
				failures = append(failures, line)
			}
		}
	}
	return reporters, failures
}

// receiver is a lineaged that can be stopped, and that can take a request and never answer.
type receiver struct {
	address string
	hang    atomic.Bool
	taken   atomic.Int64
	free    chan struct{} // closed when those that hang are let go
	server  *httptest.Server
	stopped bool
}

// stop lets go of all who wait for an answer, and listens no more.
func (r *receiver) stop() {
	if r.stopped {
		return
	}
	r.stopped = true
	close(r.free)
	r.server.CloseClientConnections()
	r.server.Close()
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{address: "127.0.0.1:0"}
	r.start(t)
	t.Cleanup(r.stop)
	return r
}

func (r *receiver) start(t testing.TB) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.free, r.stopped = l.Addr().String(), make(chan struct{}), false
	r.server = httptest.NewUnstartedServer(r)
	_ = r.server.Listener.Close()
	r.server.Listener = l
	r.server.Start()
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // or it is not seen that the sender has gone
	if r.hang.Load() {
		select {
		case <-r.free:
		case <-req.Context().Done():
		}
		panic(http.ErrAbortHandler) // unanswered
	}
	r.taken.Add(1)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// While lineaged takes requests and never answers, and while it is stopped, the broker goes on: its producer sends all
// that it has without an error, what waits stays within its bound, and what there is no room for is counted and said.
// When lineaged is there again what waited is forwarded, and what comes after it.
func TestReporterWithoutLineaged(t *testing.T) {
	t.Parallel()
	const bound = 8_000 // eight pushes, of which there are ten a second
	outage := 6 * time.Second
	if long {
		outage = time.Minute
	}
	r := newReceiver(t)
	s := startSwitched(t, map[string]map[string]string{"up": {
		"url": "http://" + r.address + "/v1/metrics", "queue.bytes": fmt.Sprint(bound), "timeout.ms": "1000",
	}}, map[string]string{})
	subscribe(t, s.Cluster, "load", 100)
	s.give(t, "up")
	const aSecond = 500
	records := aSecond * int((2*outage + 20*time.Second).Seconds())
	p := s.StartProducerPerf(t, kafkatest.Perf{Topic: "load", Records: records, PerSecond: aSecond})
	forwarded := func(more int64) {
		t.Helper()
		eventually(t, 90*time.Second, "pushes are forwarded", func() error {
			if f := s.figures(t, "up"); f.forwarded < more || f.queued > bound/2 {
				return fmt.Errorf("%+v, want %d forwarded", f, more)
			}
			return nil
		})
	}
	forwarded(1)
	out := func(what string) {
		t.Helper()
		from, before := s.EndOffset(t, "load"), s.figures(t, "up")
		for end := time.Now().Add(outage); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if f := s.figures(t, "up"); f.queued > bound {
				t.Fatalf("%s: %d bytes wait, of %d that may", what, f.queued, bound)
			}
		}
		eventually(t, 60*time.Second, what+": pushes are dropped and counted", func() error {
			if f := s.figures(t, "up"); f.dropped == before.dropped || f.queued == 0 {
				return fmt.Errorf("%+v", f)
			}
			return nil
		})
		if n := s.EndOffset(t, "load") - from; n == 0 {
			t.Errorf("%s: the broker took nothing", what)
		}
	}
	r.hang.Store(true)
	out("lineaged hangs")
	r.stop()
	out("lineaged is stopped")
	r.hang.Store(false)
	before := s.figures(t, "up").forwarded
	r.start(t)
	forwarded(before + 1)
	if n := p.Wait(t); n != int64(records) || s.EndOffset(t, "load") != int64(records) {
		t.Errorf("%d records were sent and %d are there, of %d", n, s.EndOffset(t, "load"), records)
	}
	said, failures := s.warnings(t)
	if all := strings.Join(said, ""); !strings.Contains(all, "client metrics dropped so far") || !strings.Contains(all, "can't be forwarded, and are tried again") || len(said) > 20 {
		t.Errorf("the broker's log says of it %d times:\n%s", len(said), all)
	}
	if len(failures) > 0 {
		t.Errorf("the broker's log has errors:\n%s", strings.Join(failures, ""))
	}
}

// BenchmarkReporter is what the telemetry reporter costs a broker at full speed: in records a second, and in the
// broker's processor time for a record, while ten producers push each second what lineaged asks them for. Its peer is
// the same broker with the same producers, whose pushes are dropped where the reporter would be given them. The
// reporter has a lineaged that answers at once, one that takes five seconds, and one that is gone all the time, so that
// it drops. Also told, with less certainty since it is another process: a broker without any reporter, to which clients
// push nothing.
//
// Each round is ten seconds long, in which the producers are at work already; each block has one round of each, in
// random order, and what is reported are the differences within blocks, in percent, with their standard error, and what
// part of the broker's processor time is spent in the reporter: that is less than the noise of a busy machine.
// `make benchmarks` leaves it out, since it takes all of a machine for half an hour:
//
//	go test ./internal/acceptance -run '^$' -bench Reporter -benchtime 25x -timeout 60m -v
func BenchmarkReporter(b *testing.B) {
	const producers, settling, length = 10, 2 * time.Second, 10 * time.Second
	var answered atomic.Int64
	answer := func(wait time.Duration) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
			}
			answered.Add(1)
			w.Header().Set("Content-Type", "application/x-protobuf")
		}))
		b.Cleanup(s.Close)
		return s.URL + "/v1/metrics"
	}
	kept := map[string]string{ // what is written is not
		"log.segment.bytes": "67108864", "log.retention.bytes": "134217728", "log.retention.check.interval.ms": "5000", "log.segment.delete.delay.ms": "1000",
	}
	s := startSwitched(b, map[string]map[string]string{
		"up": {"url": answer(0)}, "slow": {"url": answer(5 * time.Second)}, "gone": {"url": "http://127.0.0.1:9/v1/metrics", "queue.bytes": "8000"},
	}, kept)
	without := kafkatest.Start(b, kafkatest.Options{Config: maps.Clone(kept)})
	subscribe(b, s.Cluster, "load", 1000)
	subscribe(b, without, "load", 1000)
	mine, others := s.StartLoad(b, "load", producers, "buffer.memory=8388608", "delivery.timeout.ms=600000", "max.block.ms=600000"), without.StartLoad(b, "load", producers, "buffer.memory=8388608", "delivery.timeout.ms=600000", "max.block.ms=600000")
	others.Pause()
	const peer, none = "dropped", "no reporter"
	arms := []string{peer, "up", "slow", "gone", none}
	round := func(arm string) (perSecond, perMillion, request, own float64) {
		c := s.Cluster
		if arm == none {
			c = without
			mine.Pause()
			others.Resume()
			defer func() { others.Pause(); mine.Resume() }()
		} else if s.give(b, arm); arm == peer {
			s.give(b, "")
		}
		time.Sleep(settling)
		from, spent, begun := c.EndOffset(b, "load"), c.CPU(b), time.Now()
		request, own = s.spent(b)
		time.Sleep(length)
		took, cpu, n := time.Since(begun).Seconds(), (c.CPU(b) - spent).Seconds(), float64(c.EndOffset(b, "load")-from)
		requestTo, ownTo := s.spent(b)
		return n / took, cpu / n * 1e6, 100 * (requestTo - request) / cpu, 100 * (ownTo - own) / cpu
	}
	for range 2 { // the JVMs compile what is busy
		for _, arm := range arms {
			round(arm)
		}
	}
	rates, cpus, requests, owns := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for _, i := range rand.Perm(len(arms)) {
			arm := arms[i]
			rate, cpu, request, own := round(arm)
			rates[arm], cpus[arm] = append(rates[arm], rate), append(cpus[arm], cpu)
			requests[arm], owns[arm] = append(requests[arm], request), append(owns[arm], own)
		}
	}
	for _, l := range []*kafkatest.Load{mine, others} {
		if all := l.Failures(b); len(all) > 0 {
			b.Errorf("%d records were not sent; the first: %s", len(all), all[0])
		}
	}
	for _, name := range []string{"up", "slow", "gone"} {
		f := s.figures(b, name)
		b.Logf("%s: %+v", name, f)
		if (f.forwarded == 0) != (name == "gone") || (f.dropped == 0) != (name != "gone") {
			b.Errorf("%s: %+v: there was nothing to measure", name, f)
		}
	}
	if _, failures := s.warnings(b); len(failures) > 0 {
		b.Errorf("the broker's log has errors:\n%s", strings.Join(failures, ""))
	}
	for _, arm := range arms {
		rate, rateErr := meanOf(rates[arm])
		cpu, cpuErr := meanOf(cpus[arm])
		line := fmt.Sprintf("%-12s %8.0f ± %.0f records/s, %.3f ± %.3f s of a processor for a million", arm, rate, rateErr, cpu, cpuErr)
		if arm != peer {
			slower, slowerErr := meanOf(differences(rates[arm], rates[peer]))
			more, moreErr := meanOf(differences(cpus[arm], cpus[peer]))
			line += fmt.Sprintf("; beside the peer %+.2f ± %.2f %% records/s, %+.2f ± %.2f %% processor", slower, slowerErr, more, moreErr)
			name := strings.ReplaceAll(arm, " ", "-")
			if arm != none {
				request, requestErr := meanOf(requests[arm])
				own, ownErr := meanOf(owns[arm])
				line += fmt.Sprintf("; of the broker's processor time %.3f ± %.3f %% are the reporter's in threads of requests, %.3f ± %.3f %% in its own", request, requestErr, own, ownErr)
				b.ReportMetric(request+own, "%cpu-own-"+name)
			}
			b.ReportMetric(slower, "%records/s-"+name)
			b.ReportMetric(more, "%cpu-"+name)
		}
		b.Log(line)
	}
	b.ReportMetric(0, "ns/op")
}

// differences are by how much values differ from their peers, in percent.
func differences(of, peers []float64) (out []float64) {
	for i := range of {
		out = append(out, 100*(of[i]/peers[i]-1))
	}
	return out
}

// meanOf returns the mean of values and its standard error; of one NaN.
func meanOf(of []float64) (mean, stderr float64) {
	n := float64(len(of))
	for _, x := range of {
		mean += x / n
	}
	for _, x := range of {
		stderr += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(stderr / (n - 1) / n)
}
