//go:build otelcol

package acceptance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// pushed are figures by their series: the name and the labels in order.
type pushed map[string]float64

// seriesOf writes a series down.
func seriesOf(name string, labels map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		name += " " + key + "=" + labels[key]
	}
	return name
}

// ofKafka are the figures of what is watched, without those that pass with the time.
func (f pushed) ofKafka() pushed {
	out := pushed{}
	for series, v := range f {
		name, _, _ := strings.Cut(series, " ")
		if strings.HasPrefix(name, "lineaged_kafka_") && !strings.HasSuffix(name, "_seconds") {
			out[series] = v
		}
	}
	return out
}

// number is one of OTLP's JSON, which writes whole ones as texts.
type number struct {
	AsDouble *float64
	AsInt    *string
}

func (n number) value() (float64, error) {
	if n.AsDouble != nil {
		return *n.AsDouble, nil
	}
	if n.AsInt == nil {
		return 0, errors.New("a point without a value")
	}
	return strconv.ParseFloat(*n.AsInt, 64)
}

// pushes reads what the Collector's file exporter wrote, in its order. A line that is not whole yet is left out.
func pushes(t *testing.T, file string) (all []pushed, services []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil // it writes with the first
	}
	lines := strings.Split(string(b), "\n")
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			continue
		}
		type attribute struct {
			Key   string
			Value struct{ StringValue string }
		}
		type points struct {
			DataPoints []struct {
				Attributes []attribute
				number
			}
		}
		var is struct {
			ResourceMetrics []struct {
				Resource     struct{ Attributes []attribute }
				ScopeMetrics []struct {
					Metrics []struct {
						Name       string
						Sum, Gauge points
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &is); err != nil {
			t.Fatalf("%v: %.300s", err, line)
		}
		f := pushed{}
		for _, r := range is.ResourceMetrics {
			for _, a := range r.Resource.Attributes {
				if a.Key == "service.name" && !slices.Contains(services, a.Value.StringValue) {
					services = append(services, a.Value.StringValue)
				}
			}
			for _, s := range r.ScopeMetrics {
				for _, m := range s.Metrics {
					for _, p := range slices.Concat(m.Sum.DataPoints, m.Gauge.DataPoints) {
						labels := map[string]string{}
						for _, a := range p.Attributes {
							labels[a.Key] = a.Value.StringValue
						}
						v, err := p.value()
						if _, twice := f[seriesOf(m.Name, labels)]; err != nil || twice {
							t.Fatalf("%s %v: %v, twice: %v", m.Name, labels, err, twice)
						}
						f[seriesOf(m.Name, labels)] = v
					}
				}
			}
		}
		all = append(all, f)
	}
	return all, services
}

// scraped are the figures that /metrics has.
func (s *server) scraped(t *testing.T) pushed {
	t.Helper()
	page, status, err := s.fetch(t, "/metrics")
	if err != nil || status != 200 {
		t.Fatalf("/metrics: %d, %v", status, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	f := pushed{}
	for name, family := range families {
		for _, m := range family.Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			if m.Counter != nil {
				f[seriesOf(name, labels)] = m.Counter.GetValue()
			} else if m.Gauge != nil {
				f[seriesOf(name, labels)] = m.Gauge.GetValue()
			}
		}
	}
	return f
}

// A real OpenTelemetry Collector, configured as docs/otelcol-push.yaml has it, takes the metrics that lineaged pushes:
// its figures are those of a scrape and of GraphQL, and what lineaged does not know is not there, not zero. While the
// Collector is away nothing is kept for it; once it is back the next push says how it is then, and no counter falls.
func TestRealCollectorTakesThePush(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic(t, "bills", 1)
	s := serve(t, "--brokers", c.Bootstrap(), "--cluster-name", "west", "--interval", "2s", "--metrics-push-url", fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "--metrics-push-every", "10s")
	s.knows(t, "topic:west/bills")
	s.scraped(t) // counters begin with the first that asks
	file := filepath.Join(dir, "metrics.json")
	col := startCollector(t, "otelcol-push.yaml", "0.0.0.0:4318", fmt.Sprintf("127.0.0.1:%d", ports[0]), "/var/lib/otelcol/metrics.json", file)
	writer := c.Client(t, kgo.DefaultProduceTopic("bills"))
	written := int64(0)
	write := func(n int) {
		t.Helper()
		for range n {
			if err := writer.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr(); err != nil {
				t.Fatal(err)
			}
			written++
		}
	}
	write(40)
	reads(t, c, "reader", 30)
	reads(t, c, "shy", 0)
	const appended, lag = "lineaged_kafka_topic_records_appended_total cluster=west topic_name=bills", "lineaged_kafka_consumer_group_lag cluster=west group_id="
	equal := func(after string) {
		t.Helper()
		eventually(t, time.Minute, after+": what was pushed is what is known", func() error {
			before := s.scraped(t).ofKafka()
			all, services := pushes(t, file)
			if len(all) == 0 {
				return errors.New("nothing was pushed")
			}
			got := all[len(all)-1]
			if !slices.Equal(services, []string{"lineaged"}) {
				return fmt.Errorf("it is of %q", services)
			}
			if now := s.scraped(t).ofKafka(); !maps.Equal(before, now) || !maps.Equal(got.ofKafka(), now) {
				return fmt.Errorf("pushed\n%v\nscraped\n%v", got.ofKafka(), now)
			}
			a, err := s.tryLineage(t, "topic:west/bills", last("30m"))
			if err != nil {
				return err
			}
			into, waits, unknown := int64(0), map[string]*int64{}, 0
			for _, f := range a.Flows {
				if strings.HasSuffix(f.ID, "->topic:west/bills") && f.Records != nil {
					into += *f.Records
				}
				if _, group, ok := strings.Cut(f.ID, "topic:west/bills->application:west/"); ok {
					if waits[group] = f.Lag; f.Lag == nil {
						unknown++
					}
				}
			}
			if got[appended] != float64(into) || into != written {
				return fmt.Errorf("%v records are pushed, %d by GraphQL, %d were written", got[appended], into, written)
			}
			if n := waits["reader"]; n == nil || got[lag+"reader"] != float64(*n) || *n != written-30 {
				return fmt.Errorf("the reader's lag is pushed as %v, by GraphQL %v", got[lag+"reader"], waits)
			}
			if _, there := got[lag+"shy"]; there || unknown != 1 {
				return fmt.Errorf("the lag of a group that never committed is pushed: %v; by GraphQL %v", there, waits)
			}
			return nil
		})
	}
	equal("at first")
	away := func() {
		t.Helper()
		write(15)
		eventually(t, time.Minute, "lineaged knows that nobody takes it", func() error {
			if up := s.scraped(t)["lineaged_metrics_push_up"]; up != 0 {
				return fmt.Errorf("lineaged_metrics_push_up is %v", up)
			}
			return nil
		})
	}
	col.stop(t)
	away()
	col.start(t)
	equal("the Collector was stopped")
	col.p.Kill()
	away()
	col.start(t)
	equal("the Collector was killed")
	all, _ := pushes(t, file)
	for i := range all[1:] {
		for series, v := range all[i] {
			if now, there := all[i+1][series]; there && strings.HasSuffix(strings.Split(series, " ")[0], "_total") && now < v {
				t.Errorf("%s falls from %v to %v", series, v, now)
			}
		}
	}
}

// reads has a member of a group read some records and commit so far; none: it reads all and never commits.
func reads(t *testing.T, c *kafkatest.Cluster, group string, n int) {
	t.Helper()
	options := []kgo.Opt{kgo.ConsumerGroup(group), kgo.ClientID(group), kgo.ConsumeTopics("bills"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit()}
	client := c.Client(t, options...)
	read := 0
	for read < max(n, 1) {
		fetches := client.PollRecords(t.Context(), max(n, 1)-read)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		read += fetches.NumRecords()
	}
	if n > 0 {
		if err := client.CommitUncommittedOffsets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
