package api

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/lineaged/lineaged/internal/serving"
)

const (
	// scrapeTime bounds what a scrape may take of the history; Prometheus gives up after ten seconds by default.
	scrapeTime = 8 * time.Second
	// scrapesAtOnce bounds how many scrapes are answered at once; one asker has half of them.
	scrapesAtOnce = 4
)

// metrics are the program's figures in Prometheus' form. Figures per partition are not among them: their number is the
// cluster's, not the reader's.
type metrics struct {
	registry *prometheus.Registry // all that does not grow with what is watched
	kafka    *kafkaFigures
	duration *prometheus.HistogramVec
	scrapes  *shares
}

func newMetrics(a *resolver, o Options) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		kafka:    &kafkaFigures{a: a, sizes: o.Sizes, choice: o.Metrics.orDefaults()},
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lineaged_graphql_request_duration_seconds", Help: "Time to answer GraphQL requests, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"outcome"}),
		scrapes: newShares(scrapesAtOnce),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lineaged_build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version, "revision": o.Revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(build, m.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(o.Collectors...)
	return m
}

func (m *metrics) observe(outcome string, took time.Duration) {
	m.duration.WithLabelValues(outcome).Observe(took.Seconds())
}

// ServeHTTP answers a scrape, in the format that its asker prefers. The query's name[] choose metrics by their names;
// without any all are told.
func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	w.Header().Add("Vary", "Accept")
	w.Header().Set("Content-Type", string(format))
	if r.Method == http.MethodHead {
		return
	}
	release, ok := m.scrapes.take(r.Context(), serving.Address(r.RemoteAddr), 1)
	if !ok {
		http.Error(w, "As many scrapes as may be are being answered already, try again later.", http.StatusServiceUnavailable)
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTime)
	defer cancel()
	figures := m.kafka.collect(ctx)
	if r.Context().Err() != nil {
		return // the asker has left
	}
	others, err := m.registry.Gather()
	if err != nil {
		m.kafka.a.log.ErrorContext(ctx, "gather metrics", "error", err)
	}
	names := r.URL.Query()["name[]"]
	asked := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	e := &exposition{to: w}
	e.all(format, slices.DeleteFunc(figures, func(f *figure) bool { return !asked(f.name) }),
		slices.DeleteFunc(others, func(f *dto.MetricFamily) bool { return !asked(f.GetName()) }))
	if e.err != nil && ctx.Err() == nil {
		m.kafka.a.log.DebugContext(ctx, "write metrics", "error", e.err)
	}
}
