// Package metricspush sends metrics to whoever takes them by OTLP over HTTP, as an OpenTelemetry Collector does, or
// Prometheus.
//
// A Pusher asks at an interval for all that there is, and sends it in pieces, as Prometheus' client has it: names,
// labels and what is absent are those of a scrape. It hides the protocol, which is OpenTelemetry's own exporter, and
// what a receiver may answer. It refuses to keep what was not taken: all counts go on, so the next push says how it is
// then. Neither headers nor what a receiver answers are in its errors or its log.
package metricspush

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lineaged/lineaged/internal/receiver"
)

const (
	// piece is how many series one request has at most: some 100 KiB packed and 1 MiB unpacked, which is below what
	// receivers take (Collector 20 MiB, lineaged 4 MiB).
	piece = 5000
	// requestTime bounds one request; all of a push is bounded by the interval.
	requestTime = 10 * time.Second
	// mostAnswer bounds what is read of the answer to one.
	mostAnswer = 64 << 10
	// mostWait bounds for how long a receiver may ask to be left alone.
	mostWait = 10 * time.Minute
)

// Options are what a Pusher needs.
type Options struct {
	// URL is the whole address.
	URL   string
	Every time.Duration
	// Headers are those of each request, as they are now; nil: none.
	Headers func() http.Header
	// TLS are the settings as they are now; nil: the system's.
	TLS func() *tls.Config
	// Instance tells this lineaged from others at the receiver (service.instance.id), Version is its own.
	Instance, Version string
	// Families hands over what there is, in pieces of at most so many series, and ends with the first error of take.
	Families func(ctx context.Context, series int, take func([]*dto.MetricFamily) error) error
	Log      *slog.Logger
}

// Pusher sends to one receiver. Run, or Step, is one goroutine's; all else may be called by any goroutine.
type Pusher struct {
	o        Options
	exporter *otlpmetrichttp.Exporter
	via      *post
	about    *resource.Resource
	until    time.Time // Step's alone: not before then

	sent, rejected, failures atomic.Int64 // series, series and pushes

	mu      sync.Mutex // guards what follows
	trouble string     // why the last push was not taken whole; empty: it was
	pushed  bool       // one was tried
}

// New makes a pusher, which asks nobody yet.
func New(o Options) (*Pusher, error) {
	p := &Pusher{o: o, via: &post{headers: o.Headers, to: receiver.NewRenewing(o.TLS)}}
	var err error
	// All is said here, so that no variable of the environment adds to it.
	p.exporter, err = otlpmetrichttp.New(context.Background(),
		otlpmetrichttp.WithEndpointURL(o.URL), otlpmetrichttp.WithHeaders(nil), otlpmetrichttp.WithTLSClientConfig(nil),
		otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}),
		otlpmetrichttp.WithTimeout(requestTime), otlpmetrichttp.WithMaxResponseSize(mostAnswer),
		otlpmetrichttp.WithHTTPClient(&http.Client{Transport: p.via, Timeout: requestTime}),
	)
	if err != nil {
		return nil, err
	}
	p.about = resource.NewSchemaless(
		attribute.String("service.name", "lineaged"), attribute.String("service.instance.id", o.Instance), attribute.String("service.version", o.Version),
	)
	return p, nil
}

// Run pushes until ctx ends.
func (p *Pusher) Run(ctx context.Context) error {
	tick := time.NewTicker(p.o.Every)
	defer tick.Stop()
	defer p.via.to.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			p.Step(ctx, now)
		}
	}
}

// Step sends all that there is once, unless the receiver still wants to be left alone.
func (p *Pusher) Step(ctx context.Context, now time.Time) {
	if now.Before(p.until) {
		p.failures.Add(1)
		return
	}
	within, cancel := context.WithTimeout(ctx, p.o.Every)
	defer cancel()
	var refused error // the first
	err := p.o.Families(within, piece, func(all []*dto.MetricFamily) error {
		err := p.send(within, all)
		if errors.Is(err, receiver.ErrRefused) { // that is about this piece: the others go on
			if refused == nil {
				refused = err
			}
			return nil
		}
		return err
	})
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = refused
	}
	if r, ok := errors.AsType[*receiver.RetryError](err); ok {
		p.until = now.Add(min(r.After, mostWait))
	}
	p.say(ctx, err)
}

// send sends one piece.
func (p *Pusher) send(ctx context.Context, all []*dto.MetricFamily) error {
	gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return all, nil })
	scopes, err := bridge.NewMetricProducer(bridge.WithGatherer(gathered)).Produce(ctx)
	if err != nil {
		return err
	}
	series := int64(0)
	for _, f := range all {
		series += int64(len(f.GetMetric()))
	}
	p.via.rejected = 0
	if err = p.exporter.Export(ctx, &metricdata.ResourceMetrics{Resource: p.about, ScopeMetrics: scopes}); err != nil {
		return plain(err)
	}
	rejected := min(p.via.rejected, series)
	p.sent.Add(series - rejected)
	p.rejected.Add(rejected)
	if rejected > 0 {
		return fmt.Errorf("%w: it takes the others, and rejects %d of %d series", receiver.ErrRefused, rejected, series)
	}
	return nil
}

// plain leaves out what the exporter says around the error of a request, among it the address.
func plain(err error) error {
	if _, ok := errors.AsType[*receiver.RetryError](err); ok || errors.Is(err, receiver.ErrRefused) {
		return receiver.Plain(err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("does not answer in time")
	}
	return receiver.Plain(err)
}

// say says once why pushes are not taken, and that they are again.
func (p *Pusher) say(ctx context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushed = true
	if err == nil {
		if p.trouble != "" {
			p.o.Log.InfoContext(ctx, "the receiver of metrics takes them again")
		}
		p.trouble = ""
		return
	}
	p.failures.Add(1)
	if p.trouble == "" {
		p.o.Log.WarnContext(ctx, "the receiver of metrics does not take them; it is tried again at each interval", "error", err)
	}
	p.trouble = err.Error()
}

// Trouble says in a sentence why metrics are not taken; none: they are, or none were sent yet.
func (p *Pusher) Trouble() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trouble == "" {
		return nil
	}
	return []string{"the receiver of metrics does not take them: " + p.trouble}
}

var (
	upDesc       = prometheus.NewDesc("lineaged_metrics_push_up", "Whether the last push of metrics was taken whole.", nil, nil)
	seriesDesc   = prometheus.NewDesc("lineaged_metrics_push_series_total", "Series that were pushed, by what became of them: sent, or rejected by the receiver.", []string{"result"}, nil)
	failuresDesc = prometheus.NewDesc("lineaged_metrics_push_failures_total", "Pushes of metrics that were not taken whole, or not sent since the receiver asked to be left alone.", nil, nil)
)

// Describe is prometheus.Collector's.
func (p *Pusher) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, seriesDesc, failuresDesc} {
		all <- d
	}
}

// Collect is prometheus.Collector's.
func (p *Pusher) Collect(all chan<- prometheus.Metric) {
	all <- prometheus.MustNewConstMetric(seriesDesc, prometheus.CounterValue, float64(p.sent.Load()), "sent")
	all <- prometheus.MustNewConstMetric(seriesDesc, prometheus.CounterValue, float64(p.rejected.Load()), "rejected")
	all <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(p.failures.Load()))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pushed { // else nobody was asked yet
		up := 1.0
		if p.trouble != "" {
			up = 0
		}
		all <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up)
	}
}

// post is one request: it adds the headers as they are now, and judges the answer.
type post struct {
	headers  func() http.Header
	to       *receiver.Renewing
	rejected int64 // series, by the last answer; the requests are made one after the other
}

// RoundTrip is http.RoundTripper's. An answer that takes nothing is an error, so that the exporter reads no more of it.
func (t *post) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.headers != nil {
		req = req.Clone(req.Context())
		maps.Copy(req.Header, t.headers())
	}
	resp, err := t.to.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := receiver.Judge(resp); err != nil {
		receiver.Drain(resp)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, err
	}
	var said collector.ExportMetricsServiceResponse
	if resp.Header.Get("Content-Type") == "application/x-protobuf" && proto.Unmarshal(body, &said) == nil {
		t.rejected = max(0, said.GetPartialSuccess().GetRejectedDataPoints())
	}
	resp.Body = http.NoBody // the exporter would repeat what the receiver says
	return resp, nil
}
