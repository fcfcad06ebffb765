package metricspush_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/internal/otlp"
	"github.com/lineaged/lineaged/metricspush"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "canary-0123456789"

// taker takes metrics as lineaged itself does, by a token, unless it has something else to answer.
type taker struct {
	*httptest.Server
	otlp     http.Handler
	answer   http.HandlerFunc // nil: otlp's
	rejected int64
	requests int
	got      map[string]float64 // by name and attributes
	about    string             // the resource's attributes
	kinds    map[string]string
}

func newTaker(t *testing.T, start func(http.Handler) *httptest.Server) *taker {
	t.Helper()
	r := &taker{got: map[string]float64{}, kinds: map[string]string{}}
	r.otlp = otlp.New(otlp.Options{
		Tokens: func() []otlp.Token { return []otlp.Token{{Secret: canary}} },
		Metrics: func(_ otlp.Sender, m *metrics.MetricsData) (otlp.Taken, error) {
			r.take(m)
			return otlp.Taken{Rejected: r.rejected, Why: "of " + canary}, nil
		},
	}).Handlers()[otlp.MetricsPath]
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests++
		if r.answer != nil {
			r.answer(w, req)
			return
		}
		r.otlp.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *taker) take(m *metrics.MetricsData) {
	for _, about := range m.ResourceMetrics {
		r.about = fmt.Sprint(about.Resource)
		for _, scope := range about.ScopeMetrics {
			for _, metric := range scope.Metrics {
				points := metric.GetGauge().GetDataPoints()
				r.kinds[metric.Name] = fmt.Sprintf("%s|%s|gauge", metric.Description, metric.Unit)
				if sum := metric.GetSum(); sum != nil {
					points = sum.DataPoints
					r.kinds[metric.Name] = fmt.Sprintf("%s|%s|%v %t", metric.Description, metric.Unit, sum.AggregationTemporality, sum.IsMonotonic)
				}
				for _, p := range points {
					name := metric.Name
					for _, a := range p.Attributes {
						name += " " + a.Key + "=" + a.Value.GetStringValue()
					}
					r.got[name] = p.GetAsDouble()
				}
			}
		}
	}
}

// world is what there is to push.
type world struct {
	series int // of a metric, beside a counter
	err    error
}

func (w *world) families(_ context.Context, most int, take func([]*dto.MetricFamily) error) error {
	if w.err != nil {
		return w.err
	}
	all := prometheus.NewRegistry()
	records := prometheus.NewCounter(prometheus.CounterOpts{Name: "records_total", Help: "Records."})
	records.Add(7)
	all.MustRegister(records)
	few, err := all.Gather()
	if err != nil {
		return err
	}
	if err := take(few); err != nil {
		return err
	}
	for done := 0; done < w.series; done += most {
		lag := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lag", Help: "Lag."}, []string{"cluster", "group_id"})
		for i := done; i < min(done+most, w.series); i++ {
			lag.WithLabelValues("west", fmt.Sprintf("größe-%d", i)).Set(float64(i))
		}
		some := prometheus.NewRegistry()
		some.MustRegister(lag)
		families, err := some.Gather()
		if err != nil {
			return err
		}
		if err := take(families); err != nil {
			return err
		}
	}
	return nil
}

func pusher(t *testing.T, url string, every time.Duration, w *world, log io.Writer, tls func() *tls.Config, token *string) *metricspush.Pusher {
	t.Helper()
	p, err := metricspush.New(metricspush.Options{
		URL: url + "/v1/metrics", Every: every, TLS: tls, Instance: "here:8420", Version: "1.2.3",
		Headers:  func() http.Header { return http.Header{"Authorization": {"Bearer " + *token}} },
		Families: w.families, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// What is pushed is what there is, name by name, in several requests; nothing of the environment is in them.
func TestPush(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=none")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=other")
	r, token := newTaker(t, httptest.NewTLSServer), canary
	trust := r.Client().Transport.(*http.Transport).TLSClientConfig
	p := pusher(t, r.URL, 5*time.Second, &world{series: 12_000}, io.Discard, func() *tls.Config { return trust }, &token)
	ctx, cancel := context.WithCancel(t.Context())
	p.Step(ctx, start)
	cancel()
	if err := p.Run(ctx); err != nil { // which closes its connections
		t.Error(err)
	}
	if len(r.got) != 12_001 || r.requests != 4 || r.got["lag cluster=west group_id=größe-11999"] != 11_999 || r.got["records_total"] != 7 {
		t.Errorf("%d series by %d requests: %v %v", len(r.got), r.requests, r.got["lag cluster=west group_id=größe-11999"], r.got["records_total"])
	}
	if r.kinds["records_total"] != "Records.||AGGREGATION_TEMPORALITY_CUMULATIVE true" || r.kinds["lag"] != "Lag.||gauge" {
		t.Errorf("%v", r.kinds)
	}
	for _, want := range []string{`"lineaged"`, `"here:8420"`, `"1.2.3"`} {
		if !strings.Contains(r.about, want) {
			t.Errorf("%s is not in %s", want, r.about)
		}
	}
	figures(t, p, `lineaged_metrics_push_series_total{result="rejected"} 0`, `lineaged_metrics_push_series_total{result="sent"} 12001`,
		"lineaged_metrics_push_failures_total 0", "lineaged_metrics_push_up 1")
}

func figures(t *testing.T, p *metricspush.Pusher, want ...string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(p)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range want {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("no %s in\n%s", line, text.String())
		}
	}
}

// A receiver that takes nothing is said once, whatever it says, and so is that it takes again. What it answers and what
// it is sent is never repeated.
func TestPushIsNotTaken(t *testing.T) {
	r, token := newTaker(t, httptest.NewServer), canary
	var log bytes.Buffer
	w := &world{series: 6000}
	p := pusher(t, r.URL, 5*time.Second, w, &log, nil, &token)
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = p.Run(ctx)
	}()
	now := start
	step := func(what, want string, requests int) {
		t.Helper()
		r.requests = 0
		now = now.Add(time.Minute)
		p.Step(t.Context(), now)
		said := strings.Join(p.Trouble(), ";")
		if want == "" && said != "" || !strings.Contains(said, want) || r.requests != requests {
			t.Errorf("%s: %d requests: %q, not %q", what, r.requests, said, want)
		}
		for _, text := range []string{said, log.String()} {
			if strings.Contains(text, canary) || strings.Contains(text, "/v1/metrics") {
				t.Errorf("%s is said as %s", what, text)
			}
		}
	}
	answer := func(status int, media, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Location", "http://127.0.0.1:1/"+canary)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	step("it takes them", "", 3)
	figures(t, p, "lineaged_metrics_push_up 1")
	token = "another-0123456789"
	step("another token", "answers Unauthorized (401): see the token", 1)
	figures(t, p, "lineaged_metrics_push_up 0")
	token = canary
	for _, c := range []struct {
		what, want string
		requests   int
		answer     http.HandlerFunc
	}{
		{"a web page", "answers a web page", 1, answer(200, "text/html", "<p>"+canary)},
		{"somewhere else", "it sends elsewhere", 1, answer(307, "", "")},
		{"no such path", "is the path right?", 1, answer(404, "text/plain", canary)},
		{"broken", "answers Internal Server Error (500)", 1, answer(500, "text/plain", canary)},
		{"it likes none of them", "refused: answers Bad Request (400)", 3, answer(400, "text/plain", canary)},
		{"a gibibyte", "", 3, func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return // the other side has seen enough
				}
			}
		}},
		{"another protocol", "answers what is no HTTP", 1, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "SSH-2.0-"+canary+"\r\n")
				_ = conn.Close()
			}
		}},
	} {
		r.answer = c.answer
		step(c.what, c.want, c.requests)
	}
	r.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	step("too many", "answers Too Many Requests (429)", 1)
	figures(t, p, "lineaged_metrics_push_failures_total 8")
	r.answer = nil
	step("a minute later it is left alone", "429", 0)
	figures(t, p, "lineaged_metrics_push_failures_total 9")
	step("two minutes later", "", 3)
	r.rejected = 2
	step("it takes most", "it takes the others, and rejects 1 of 1 series", 3)
	r.rejected = 0
	w.err = errors.New("the history does not answer")
	step("nothing is known", "the history does not answer", 0)
	w.err = nil
	step("it goes on", "", 3)
	// at another token, after the gibibyte, and from rejecting some on until the history is back
	if not, again := strings.Count(log.String(), "does not take them"), strings.Count(log.String(), "takes them again"); not != 3 || again != 3 {
		t.Errorf("said %d and %d times:\n%s", not, again, log.String())
	}
	r.Close()
	step("it is down", "does not take them: ", 0) // refused, or broken where a connection was open still
}

// A receiver that does not answer in time is given up within the interval.
func TestPushIsSlow(t *testing.T) {
	over := make(chan struct{})
	r, token := newTaker(t, httptest.NewServer), canary
	r.answer = func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		<-over
	}
	p := pusher(t, r.URL, 50*time.Millisecond, &world{series: 3}, io.Discard, nil, &token)
	ctx, cancel := context.WithCancel(t.Context())
	p.Step(ctx, start)
	if said := strings.Join(p.Trouble(), ";"); !strings.HasSuffix(said, ": does not answer in time") {
		t.Errorf("%q", said)
	}
	close(over)
	cancel()
	p.Step(ctx, start.Add(time.Minute))
	if err := p.Run(ctx); err != nil {
		t.Error(err)
	}
}
