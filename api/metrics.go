package api

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// scrapeTime bounds what a scrape may take of the history; Prometheus gives up after ten seconds by default.
const scrapeTime = 8 * time.Second

// metrics are the program's figures in Prometheus' form. Figures per partition are not among them: their number is the
// cluster's, not the reader's.
type metrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
}

func newMetrics(a *resolver, o Options) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lineaged_graphql_request_duration_seconds", Help: "Time to answer GraphQL requests, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"outcome"}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lineaged_build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version, "revision": o.Revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(build, m.duration, &kafkaFigures{a: a, sizes: o.Sizes}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(o.Collectors...)
	return m
}

func (m *metrics) observe(outcome string, took time.Duration) {
	m.duration.WithLabelValues(outcome).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// kafkaFigures reads the history when scraped. Labels are KMinion's, so that its panels need only another prefix.
type kafkaFigures struct {
	a     *resolver
	sizes func() Sizes

	// appended begins with the first scrape; Prometheus takes a restart for the reset that it is.
	appended answer.Totals
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descAppended = desc("lineaged_kafka_topic_records_appended_total",
		"Records appended to the topic since this process was first scraped, transaction markers included.", "cluster", "topic_name")
	descLogBytes = desc("lineaged_kafka_topic_log_bytes", "Bytes of the topic on disk, one replica of each partition.", "cluster", "topic_name")
	descLag      = desc("lineaged_kafka_consumer_group_topic_lag", "Records that the group is behind, all partitions.", "cluster", "group_id", "topic_name")
	descLagTime  = desc("lineaged_kafka_consumer_group_topic_lag_seconds",
		"How long ago the end of the partition furthest behind was where the group is now; a lower bound while the history is short.",
		"cluster", "group_id", "topic_name")
	descLastRound = desc("lineaged_last_round_timestamp_seconds", "When the cluster was last observed.", "cluster")
	descObserved  = desc("lineaged_observed_ratio", "Part of the last ten minutes, over all sources, that was observed.", "cluster")
	descGap       = desc("lineaged_source_gap_seconds", "How much of the last ten minutes the source did not see its whole scope; absent: none.", "cluster", "source")
	descBlind     = desc("lineaged_source_blind_spots", "What the source cannot see as things are configured; absent: nothing.", "cluster", "source")
	descUp        = desc("lineaged_history_up", "1 when the history could be read for this scrape.")
	descSubjects  = desc("lineaged_store_subjects", "Entries of the store's dictionary.")
	descSeries    = desc("lineaged_store_series", "Series with data in the store's open blocks.")
	descLog       = desc("lineaged_store_log_bytes", "Bytes of the store's append log.")
	descDisk      = desc("lineaged_store_disk_bytes", "Bytes of the store on disk.")
	descFree      = desc("lineaged_store_free_bytes", "Free bytes of the store's file system; absent: not known.")
)

// Describe lists the figures.
func (k *kafkaFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descAppended, descLogBytes, descLag, descLagTime, descLastRound, descObserved, descGap, descBlind, descUp, descSubjects, descSeries, descLog,
		descDisk, descFree,
	} {
		ch <- d
	}
}

// Collect reads the figures. When the history does not answer, what it would have told is absent, not zero, and
// lineaged_history_up is 0.
func (k *kafkaFigures) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, x float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, x, labels...)
	}
	up := 1.0
	if err := k.collect(ctx, ch, gauge); err != nil {
		k.a.log.ErrorContext(ctx, "scrape", "error", err)
		up = 0
	}
	gauge(descUp, up)
	if k.sizes == nil {
		return
	}
	s := k.sizes()
	gauge(descSubjects, float64(s.Subjects))
	gauge(descSeries, float64(s.Series))
	gauge(descLog, float64(s.LogBytes))
	gauge(descDisk, float64(s.DiskBytes))
	if s.FreeBytes >= 0 {
		gauge(descFree, float64(s.FreeBytes))
	}
}

func (k *kafkaFigures) collect(ctx context.Context, ch chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) error {
	v, err := k.a.answers.View(ctx, answer.Span{}, answer.All)
	if err != nil {
		return err
	}
	latest, err := k.a.answers.Latest(ctx)
	if err != nil {
		return err
	}
	for _, c := range v.Clusters() {
		name := c.Known().Name
		if last, ok := latest[c.Source()]; ok {
			gauge(descLastRound, float64(last.UnixMilli())/1000, name)
		}
		cov := v.CoverageOf(c.Source())
		gauge(descObserved, cov.ObservedFraction, name)
		gaps, blind := map[string]time.Duration{}, map[string]int{}
		for _, g := range cov.Gaps {
			gaps[g.Source.Name] += g.Window.Duration()
		}
		for _, b := range cov.BlindSpots {
			blind[strings.TrimPrefix(b.Source, c.Source()+"/")]++
		}
		for source, d := range gaps {
			gauge(descGap, d.Seconds(), name, source)
		}
		for source, n := range blind {
			gauge(descBlind, float64(n), name, source)
		}
	}
	sizes, err := v.TopicLevels(ctx, lineage.LogBytes)
	if err != nil {
		return err
	}
	for _, t := range sizes {
		gauge(descLogBytes, float64(t.Value), t.Topic.Scope, t.Topic.Name)
	}
	lags, err := v.GroupLags(ctx)
	if err != nil {
		return err
	}
	for _, l := range lags {
		if l.Records != nil {
			gauge(descLag, float64(*l.Records), l.Topic.Scope, l.Group, l.Topic.Name)
		}
		if l.Seconds != nil {
			gauge(descLagTime, *l.Seconds, l.Topic.Scope, l.Group, l.Topic.Name)
		}
	}
	appended, err := k.appended.Add(ctx, v)
	if err != nil {
		return err
	}
	for topic, n := range appended {
		ch <- prometheus.MustNewConstMetric(descAppended, prometheus.CounterValue, n, topic.Scope, topic.Name)
	}
	return nil
}
