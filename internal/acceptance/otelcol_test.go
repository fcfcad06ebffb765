//go:build otelcol

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// otelcol is an OpenTelemetry Collector.
type otelcol struct {
	bin, config, log string
	p                *child.Process
}

// startCollector builds it, as its own builder would, and starts it with the configuration of a page of docs. Places
// are pairs: what stands in that, and what the test has there.
func startCollector(t *testing.T, page string, places ...string) *otelcol {
	t.Helper()
	dir := t.TempDir()
	x := &otelcol{bin: filepath.Join(dir, "otelcol"), config: filepath.Join(dir, "otelcol.yaml"), log: filepath.Join(dir, "otelcol.log")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", x.bin, ".")
	build.Dir = "otelcol"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(places); i += 2 {
		if !strings.Contains(text, places[i]) {
			t.Fatalf("the configuration has no %s", places[i])
		}
		text = strings.ReplaceAll(text, places[i], places[i+1])
	}
	if err := os.WriteFile(x.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x.start(t)
	t.Cleanup(func() {
		x.p.Kill()
		if t.Failed() {
			t.Logf("the collector's log:\n%s", child.Tail(x.p.Output(), 30))
		}
	})
	return x
}

func (x *otelcol) start(t *testing.T) {
	t.Helper()
	var err error
	if x.p, err = child.Start(x.log, exec.Command(x.bin, "--config", x.config)); err != nil { //nolint:noctx // child ends it
		t.Fatal(err)
	}
}

// stop ends it in order.
func (x *otelcol) stop(t *testing.T) {
	t.Helper()
	if err := x.p.Terminate(30 * time.Second); err != nil {
		t.Errorf("the collector: %v", err)
	}
}

// A real OpenTelemetry Collector, configured as docs/otelcol.yaml has it, follows the request log of a real broker and
// takes the metrics that its reporter forwards, and sends both to lineaged. Two programs write one partition in turn,
// each another number of records, without a producer id: a line that is lost, or comes in another order, would be a
// wrong count of one or both. So it stays while lineaged turns away, is killed and started again, and while the
// collector is stopped or killed and started again.
func TestRealCollector(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, storage := filepath.Join(dir, "token"), filepath.Join(dir, "storage")
	ports, err := kafkatest.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	c := kafkatest.Start(t, kafkatest.Options{Plugins: []string{cast.ReporterJar(t)}, Config: map[string]string{
		"metric.reporters":       "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.TelemetryReporter",
		"lineaged.telemetry.url": fmt.Sprintf("http://127.0.0.1:%d/v1/metrics", ports[1]),
	}})
	c.CreateTopic(t, "bills", 1)
	c.CreateTopic(t, "quotes", 1)
	c.LogAt(t, cast.RequestLogger, "DEBUG")
	for name, text := range map[string]string{token: tellingToken, filepath.Join(dir, "lineaged.yaml"): fmt.Sprintf(`
interval: 2s
clusters:
  - name: west
    brokers: [%s]
    logs: {push: true}
    push: {token_file: token}
    telemetry: {subscribe: true, interval: 1s}
`, c.Bootstrap())} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(storage, 0o700); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", filepath.Join(dir, "lineaged.yaml"))
	s.knows(t, "topic:west/bills")
	gate := cast.NewGate() // shut
	t.Cleanup(gate.Close)
	begin := time.Now()
	col := startCollector(t, "otelcol.yaml", "/var/log/kafka/kafka-request.log", c.Logs()[0], "http://lineaged:8420", gate.URL, "/etc/otelcol/lineaged.token", token,
		"/var/lib/otelcol", storage, "0.0.0.0:4317", fmt.Sprintf("127.0.0.1:%d", ports[0]), "0.0.0.0:4318", fmt.Sprintf("127.0.0.1:%d", ports[1]))
	prices := c.StartProducerPerf(t, kafkatest.Perf{
		Topic: "quotes", Records: 100_000, PerSecond: 100, Props: []string{"client.id=price-feed", "enable.idempotence=false", "acks=1"},
	})
	eventually(t, time.Minute, "the collector is turned away and tries again", func() error {
		if n := gate.TurnedAway(); n < 2 {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	gate.Open(s.url)
	w := &turns{s: s, begin: begin, write: takingTurns(t, c)}
	w.established(t)
	gate.Open()
	w.take(20)
	gate.Open(s.url)
	w.counted(t, "lineaged turned away")
	s.p.Kill()
	w.take(20)
	s.start(t)
	w.counted(t, "lineaged was killed")
	col.stop(t)
	w.take(20)
	col.start(t)
	w.counted(t, "the collector was stopped")
	col.p.Kill()
	w.take(20)
	col.start(t)
	w.counted(t, "the collector was killed")
	eventually(t, time.Minute, "what clients push comes through", func() error {
		a, err := s.tryLineage(t, "topic:west/quotes", last("10m"))
		if err != nil {
			return err
		}
		for _, f := range a.Flows {
			if f.ID == "application:west/price-feed->topic:west/quotes" && slices.Contains(f.evidence(), "TELEMETRY") && slices.Contains(f.evidence(), "REQUEST_LOG") {
				return nil
			}
		}
		return fmt.Errorf("flows: %v", a.ids())
	})
	prices.Stop(t)
	if gate.Zipped() == 0 {
		t.Error("the collector sent nothing with gzip")
	}
	if log := col.p.Output(); strings.Contains(log, "Dropping data") || strings.Contains(log, tellingToken) {
		t.Errorf("the collector has dropped data, or shows the token:\n%s", log)
	}
}

// takingTurns has two programs write to bills, one record and two.
func takingTurns(t *testing.T, c *kafkatest.Cluster) func() {
	t.Helper()
	client := func(id string) *kgo.Client {
		return c.Client(t, kgo.ClientID(id), kgo.DefaultProduceTopic("bills"), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	}
	one, two := client("one-app"), client("two-app")
	return func() {
		t.Helper()
		r := one.ProduceSync(t.Context(), kgo.StringRecord("x"))
		r = append(r, two.ProduceSync(t.Context(), kgo.StringRecord("x"), kgo.StringRecord("y"))...)
		if err := r.FirstErr(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// turns are those that both programs took, and what is counted of them.
type turns struct {
	s     *server
	begin time.Time
	write func()
	taken int64
	// before is what was written before a line came in time to be counted, by program: the watch of a topic begins
	// with one that did.
	before [2]int64
}

func (w *turns) take(n int) {
	for range n {
		w.write()
		w.taken++
	}
}

// is returns what both are counted.
func (w *turns) is(t *testing.T) (one, two int64, err error) {
	t.Helper()
	a, err := w.s.tryLineage(t, "topic:west/bills", between(w.begin, time.Now()))
	if err != nil {
		return 0, 0, err
	}
	got := map[string]any{}
	for _, f := range a.Flows {
		got[f.ID] = valueOf(f.Records)
	}
	one, ok := got["application:west/one-app->topic:west/bills"].(int64)
	two, ok2 := got["application:west/two-app->topic:west/bills"].(int64)
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("of %d turns: %v", w.taken, got)
	}
	return one, two, nil
}

// established takes turns until they are counted, all that was written since the first that was, but for what one
// request wrote before it was known who leads the partition, which is nobody's, and what the newest wrote.
func (w *turns) established(t *testing.T) {
	t.Helper()
	eventually(t, 90*time.Second, "turns are counted", func() error {
		w.take(10)
		steady := 0
		for range 60 {
			time.Sleep(200 * time.Millisecond)
			one, two, err := w.is(t)
			if err != nil {
				return err
			}
			before := [2]int64{w.taken - one, 2*w.taken - two}
			if steady++; before != w.before || one == 0 {
				w.before, steady = before, 0
			}
			if steady == 25 && max(two-2*one, 2*one-two) <= 4 {
				return nil
			}
		}
		return fmt.Errorf("of %d turns were not counted: %v", w.taken, w.before)
	})
	t.Logf("of the first %d turns these records were written before any was counted: %v", w.taken, w.before)
}

// counted takes some turns more and waits until they are counted. A line that is lost gives what it wrote to the other
// program: neither has more than it wrote. What the last line of all wrote may not be counted yet, and of what comes
// late, after an outage, some may be nobody's, since it is not known when it was written.
func (w *turns) counted(t *testing.T, after string) {
	t.Helper()
	w.take(5)
	eventually(t, 90*time.Second, after+": no line counts twice, and next to none is lost", func() error {
		one, two, err := w.is(t)
		wantOne, wantTwo := w.taken-w.before[0], 2*w.taken-w.before[1]
		if err == nil && (one > wantOne || two > wantTwo+2 || 10*one < 9*wantOne || 10*two < 9*wantTwo) {
			err = fmt.Errorf("of %d turns %d and %d records are counted, want about %d and %d", w.taken, one, two, wantOne, wantTwo)
		}
		return err
	})
}
