package metricsapi

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// settled is how long after its end a minute is exported: groups that commit twice as often have committed by then
	// what they read in it. What was scraped is not corrected.
	settled = 2 * time.Minute
	// mostExported bounds the series of an export.
	mostExported = 100_000
)

// minutes are what was exported of a minute: who scrapes it twice gets it as it was.
type minutes struct {
	mu sync.Mutex // guards the fields below
	of time.Time
	by map[minuteKey]*minute
}

type minuteKey struct{ metric, source string }

type minute struct {
	mu   sync.Mutex // guards the fields below
	done bool
	all  []sample
}

// sample is one series of an export.
type sample struct {
	labels []string // of the resource and of the metric, in the order of exportedLabels
	value  float64
}

// at returns where what is exported of a minute is kept.
func (m *minutes) at(of time.Time, key minuteKey) *minute {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.of.Equal(of) {
		if of.Before(m.of) {
			return &minute{} // who came late
		}
		m.of, m.by = of, map[minuteKey]*minute{}
	}
	one := m.by[key]
	if one == nil {
		one = &minute{}
		m.by[key] = one
	}
	return one
}

// exportAsk is what an export is of.
type exportAsk struct {
	metrics    []*metric
	clusters   []string
	connectors []string
}

func readExport(r *http.Request, set *dataset) (*exportAsk, error) {
	params, err := readMany(r, "resource.kafka.id", "resource.connector.id", "resource.ksql.id", "resource.schema_registry.id", "metric")
	if err != nil {
		return nil, err
	}
	ask := &exportAsk{clusters: params["resource.kafka.id"], connectors: params["resource.connector.id"]}
	if len(ask.clusters)+len(ask.connectors)+len(params["resource.ksql.id"])+len(params["resource.schema_registry.id"]) == 0 {
		return nil, bad("resource.kafka.id: it is missing: one resource at least has to be named")
	}
	names := params["metric"]
	for _, name := range names {
		if !slices.ContainsFunc(set.metrics, func(m *metric) bool { return m.called(name) }) {
			return nil, bad("metric: %s is no metric of this dataset: descriptors/metrics lists them", quote(name))
		}
	}
	for _, m := range set.metrics {
		if m.Exportable && (len(names) == 0 || slices.ContainsFunc(names, m.called)) {
			ask.metrics = append(ask.metrics, m)
		}
	}
	return ask, nil
}

// called reports whether a name is the metric's, in full or as it is exported.
func (m *metric) called(name string) bool { return name == m.Name || name == m.exported() }

// export answers the newest minute that is settled in Prometheus' form.
func (a *API) export(r *http.Request, set *dataset) (reply, error) {
	ask, err := readExport(r, set)
	if err != nil {
		return reply{}, err
	}
	over, err := a.over(r.Context())
	if err != nil {
		return reply{}, err
	}
	of := lineage.Window{Start: over.Add(-settled - time.Minute), End: over.Add(-settled)}
	families, err := a.families(r.Context(), ask, of)
	if err != nil {
		return reply{}, err
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	if format.FormatType() != expfmt.TypeOpenMetrics {
		format = expfmt.NewFormat(expfmt.TypeTextPlain)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return reply{}, err
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			return reply{}, err
		}
	}
	return inBytes(string(format), b.Bytes()), nil
}

// families are the metrics that are asked for, those without a value left out.
func (a *API) families(ctx context.Context, ask *exportAsk, of lineage.Window) (out []*dto.MetricFamily, err error) {
	v, err := a.view(ctx, of)
	if err != nil {
		return nil, err
	}
	spelled := spelling{}
	var clusters []*answer.Cluster
	for _, id := range ask.clusters {
		if err := spelled.take(v, "resource.kafka.id", &id); err != nil {
			return nil, err
		}
		if c, err := v.FindCluster(id); err == nil && !slices.Contains(clusters, c) {
			clusters = append(clusters, c)
		}
	}
	total := 0
	for _, m := range ask.metrics {
		from, ofConnectors := clusters, slices.Contains(m.Resources, "connector")
		if ofConnectors {
			if from = nil; len(ask.connectors) > 0 {
				from = v.Clusters()
			}
		}
		f := &dto.MetricFamily{Name: new(m.exported()), Help: &m.Description, Type: dto.MetricType_GAUGE.Enum(), Unit: nil}
		for _, c := range from {
			all, err := a.minuteOf(ctx, v, m, c, of)
			if err != nil {
				return nil, err
			}
			for i := range all {
				if ofConnectors && !slices.Contains(ask.connectors, all[i].labels[0]) {
					continue
				}
				f.Metric = append(f.Metric, m.series(&all[i], spelled.of(c), of.Start))
			}
		}
		if total += len(f.Metric); total > mostExported {
			return nil, bad("metric: the export has more than %d series: ask for fewer metrics or clusters at once", mostExported)
		}
		if len(f.Metric) > 0 {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(x, y *dto.MetricFamily) int { return cmp.Compare(x.GetName(), y.GetName()) })
	return out, nil
}

// exportedLabels are the labels of the metric's series at Prometheus, but for the cluster.
func (m *metric) exportedLabels() (fields []string) {
	if slices.Contains(m.Resources, "connector") {
		fields = append(fields, "resource.connector.id")
	}
	for _, l := range m.Labels {
		if l.Exportable {
			fields = append(fields, "metric."+l.Key)
		}
	}
	return fields
}

// exportedName is a label's name at Prometheus: without metric. and resource.
func exportedName(field string) string {
	_, name, _ := strings.Cut(field, ".")
	return strings.ReplaceAll(name, ".", "_")
}

// series is a sample as the encoder has it.
func (m *metric) series(s *sample, kafka string, at time.Time) *dto.Metric {
	out := &dto.Metric{Gauge: &dto.Gauge{Value: &s.value}, TimestampMs: new(at.UnixMilli())}
	if !slices.Contains(m.Resources, "connector") {
		out.Label = append(out.Label, &dto.LabelPair{Name: new("kafka_id"), Value: &kafka})
	}
	for i, f := range m.exportedLabels() {
		out.Label = append(out.Label, &dto.LabelPair{Name: new(exportedName(f)), Value: new(strings.ToValidUTF8(s.labels[i], "\uFFFD"))})
	}
	slices.SortFunc(out.Label, func(x, y *dto.LabelPair) int { return cmp.Compare(x.GetName(), y.GetName()) })
	return out
}

// minuteOf returns what is exported of a metric of a cluster, as it was when it was first asked for.
func (a *API) minuteOf(ctx context.Context, v *answer.View, m *metric, c *answer.Cluster, of lineage.Window) ([]sample, error) {
	kept := a.minutes.at(of.Start, minuteKey{m.Name, c.Source()})
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.done {
		return kept.all, nil
	}
	fields := m.exportedLabels()
	clusters := spelling{c.Source(): c.ID()}
	only := &filter{op: "EQ", field: "resource.kafka.id", value: c.ID()}
	q := &question{metric: m, agg: "SUM", filter: only, groupBy: fields, granularity: granularities[0]}
	all, err := rows(ctx, v, m, m.measure, clusters, only)
	if err != nil {
		return nil, err
	}
	col := &collecting{q: q, groups: map[string]*group{}, steps: []step{{of, of.Start}}}
	for i := range all {
		col.group(&all[i])
	}
	if err := col.measure(ctx, &part{v: v, rows: all, span: span{whole: of, steps: col.steps}}); err != nil {
		return nil, err
	}
	for _, g := range slices.SortedFunc(maps.Values(col.groups), func(x, y *group) int { return bytes.Compare(x.key, y.key) }) {
		if len(g.points) == 0 {
			continue
		}
		if value, ok := g.points[0].is("SUM"); ok {
			s := sample{value: value}
			for _, l := range g.labels {
				text := ""
				if l != nil {
					text = *l
				}
				s.labels = append(s.labels, text)
			}
			kept.all = append(kept.all, s)
		}
	}
	kept.done = true
	return kept.all, nil
}
