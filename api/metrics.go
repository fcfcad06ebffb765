package api

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lineaged/lineaged/lineage"
)

// scrapeTime bounds what a scrape may take of the history; Prometheus gives up after ten seconds by default.
const scrapeTime = 8 * time.Second

// metrics are the program's figures in Prometheus' form. Figures per partition are not among them: their number is the cluster's, not the reader's.
type metrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
}

func newMetrics(a *answerer, o Options) *metrics {
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
	a     *answerer
	sizes func() Sizes

	mu       sync.Mutex                     // guards the fields below
	appended map[lineage.SubjectID]appended // by topic incarnation
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

// Collect reads the figures. When the history does not answer, what it would have told is absent, not zero, and lineaged_history_up is 0.
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
	v, err := k.a.viewOrNewest(ctx, nil)
	if err != nil {
		return err
	}
	latest := k.a.history.Latest()
	for _, c := range v.clusters.all {
		name := c.known.Name
		if last, ok := latest[c.source]; ok {
			gauge(descLastRound, float64(last.UnixMilli())/1000, name)
		}
		cov, err := k.a.history.Coverage(ctx, v.win.Window, c.source)
		if err != nil {
			return err
		}
		gauge(descObserved, cov.ObservedFraction, name)
		gaps, blind := map[string]time.Duration{}, map[string]int{}
		for _, g := range cov.Gaps {
			gaps[g.Source.Name] += g.Window.Duration()
		}
		for _, b := range cov.BlindSpots {
			blind[strings.TrimPrefix(b.Source, c.source+"/")]++
		}
		for source, d := range gaps {
			gauge(descGap, d.Seconds(), name, source)
		}
		for source, n := range blind {
			gauge(descBlind, float64(n), name, source)
		}
	}
	ls, err := v.readLevels(ctx)
	if err != nil {
		return err
	}
	for _, t := range v.topics {
		if s, ok := t.current(); ok {
			if n := ls.of(s.ID, lineage.LogBytes); n != nil {
				gauge(descLogBytes, float64(*n), t.node.Scope, t.node.Name)
			}
		}
	}
	k.lags(v, ls, gauge)
	return k.totals(ctx, v, ch)
}

// lags shows how far each group is behind on each topic.
func (k *kafkaFigures) lags(v *view, ls *levels, gauge func(*prometheus.Desc, float64, ...string)) {
	readers := map[[3]string][]int32{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if group := x.Access.Client.Group; x.Access.Op == lineage.Read && group != "" {
			key := [3]string{x.far.Scope, group, x.far.Name}
			readers[key] = append(readers[key], int32(i))
		}
	}
	for key, accesses := range readers {
		b := v.behind(ls, accesses)
		if b.records != nil {
			gauge(descLag, float64(*b.records), key[:]...)
		}
		if b.seconds != nil {
			gauge(descLagTime, *b.seconds, key[:]...)
		}
	}
}

// totals adds what was appended since the last scrape. The store tells what a window moved, not totals since ever, so the totals begin with the
// first scrape; Prometheus takes a restart for the reset that it is.
//
// A topic whose span since the last scrape was not observed wholly is added once it was: what a gap hid comes with the first reading after it, and belongs to the whole span.
func (k *kafkaFigures) totals(ctx context.Context, v *view, ch chan<- prometheus.Metric) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := map[lineage.SubjectID]appended{}
	asked := map[time.Time][]lineage.SeriesKey{} // by where the span begins, of which there are few
	sums := map[[2]string]float64{}
	for _, t := range v.topics {
		if t.gone {
			continue
		}
		for _, s := range t.subjects {
			a, known := k.appended[s.ID]
			if !known {
				a = appended{topic: [2]string{t.node.Scope, t.node.Name}, until: v.win.End}
			}
			now[s.ID] = a
			sums[a.topic] += a.records
			if v.win.End.After(a.until) {
				asked[a.until] = append(asked[a.until], lineage.SeriesKey{Subject: s.ID, Metric: lineage.Appended})
			}
		}
	}
	for from, keys := range asked {
		w := lineage.Window{Start: from, End: v.win.End}
		amounts, err := k.a.history.Amounts(ctx, w, keys)
		if err != nil {
			return err
		}
		for i, m := range amounts {
			if m.Known && m.ObservedFor >= w.Duration()-v.win.Step {
				a := now[keys[i].Subject]
				a.records += max(0, m.Total)
				a.until = v.win.End
				now[keys[i].Subject] = a
				sums[a.topic] += max(0, m.Total)
			}
		}
	}
	k.appended = now // topics that are gone leave with this
	for topic, n := range sums {
		ch <- prometheus.MustNewConstMetric(descAppended, prometheus.CounterValue, n, topic[:]...)
	}
	return nil
}

// appended is what a topic incarnation appended since the first scrape, known until an instant.
type appended struct {
	topic   [2]string
	records float64
	until   time.Time
}
