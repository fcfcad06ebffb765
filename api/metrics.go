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
	figures, others := m.gather(ctx)
	if r.Context().Err() != nil {
		return // the asker has left
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

// gather reads all that there is.
func (m *metrics) gather(ctx context.Context) ([]*figure, []*dto.MetricFamily) {
	figures := m.kafka.collect(ctx)
	others, err := m.registry.Gather()
	if err != nil {
		m.kafka.a.log.ErrorContext(ctx, "gather metrics", "error", err)
	}
	return figures, others
}

// Families hands over what /metrics would tell now, to who sends it elsewhere: in pieces of at most so many series of
// topics, groups, clusters and sources, so that not all of them are in memory as objects; the program's own are one
// piece. A metric may be in several pieces. It ends with the first error of take, which it returns, or of ctx.
func (s *Server) Families(ctx context.Context, series int, take func([]*dto.MetricFamily) error) error {
	within, cancel := context.WithTimeout(ctx, scrapeTime)
	figures, others := s.metrics.gather(within)
	cancel()
	if err := take(others); err != nil {
		return err
	}
	var all []*dto.MetricFamily
	room := series
	for _, f := range figures {
		for rest := f.series; len(rest) > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(room, len(rest))
			some := *f
			some.series, rest = rest[:n], rest[n:]
			all = append(all, some.family())
			if room -= n; room > 0 {
				continue
			}
			if err := take(all); err != nil {
				return err
			}
			all, room = nil, series
		}
	}
	if len(all) == 0 {
		return nil
	}
	return take(all)
}
