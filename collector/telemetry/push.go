package telemetry

import (
	"math"
	"strconv"
	"time"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/lineaged/lineaged/lineage"
)

// push is what one client told at once.
type push struct {
	who
	node    string    // of the broker that it came by; empty: not told
	arrived time.Time // by the clock of this machine
	points  []point
	reads   bool // it is a consumer's
	writes  bool // it is a producer's
}

// point is one count of one topic.
type point struct {
	topic string
	op    lineage.Op
	value int64 // records, at least 0
	delta bool  // since start, and not since the client's start
	// The time that it counts, by the client's clock, in Unix nanoseconds; start is 0 where it is not told.
	start, end int64
}

// bytes is about what a push takes in memory.
func (p *push) bytes() int64 {
	n := 300
	for _, s := range [...]string{p.Instance, p.ClientID, p.Principal, p.Host, p.TransactionalID, p.Group, p.Software, p.node} {
		n += len(s)
	}
	for i := range p.points {
		n += 64 + len(p.points[i].topic)
	}
	return int64(n)
}

// told are the pushes of one request, by the id of the cluster that they name, empty where they name none.
type told struct {
	pushes   map[string][]*push
	rejected int64
	why      string
}

func (t *told) reject(n int, why string) {
	if t.rejected += int64(n); t.why == "" {
		t.why = why
	}
}

// read takes a request apart by clients. It keeps nothing of what it is given but texts.
func read(m *metrics.MetricsData, arrived time.Time) told {
	t := told{pushes: map[string][]*push{}}
	for _, r := range m.GetResourceMetrics() {
		var on words
		on.read(r.GetResource().GetAttributes())
		x := resource{told: &t, arrived: arrived, by: map[words]*push{}}
		for _, s := range r.GetScopeMetrics() {
			in := on.within(s.GetScope().GetAttributes())
			for _, metric := range s.GetMetrics() {
				x.metric(in, metric)
			}
		}
		if len(x.by) == 0 { // as of a client that ends at once: who it is is told all the same
			x.of(on)
		}
	}
	return t
}

// resource is one of a request's under way.
type resource struct {
	*told
	arrived time.Time
	by      map[words]*push
}

// of returns the push of a client.
func (x *resource) of(w words) *push {
	w.topic = ""
	p := x.by[w]
	if p == nil {
		p = &push{who: w.who, node: w.node, arrived: x.arrived}
		p.Host = address(p.Host)
		x.by[w] = p
		x.pushes[w.cluster] = append(x.pushes[w.cluster], p)
	}
	return p
}

func (x *resource) metric(in words, m *metrics.Metric) {
	op, counts, ours := metricOf(m.GetName())
	if !ours {
		return
	}
	points, delta := m.GetSum().GetDataPoints(), m.GetSum().GetAggregationTemporality() == metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	if m.GetSum() == nil {
		points = m.GetGauge().GetDataPoints()
	}
	for _, d := range points {
		w := in.within(d.GetAttributes())
		if !w.named() {
			x.reject(1, "neither client_id nor client_instance_id says whose it is")
			continue
		}
		p := x.of(w)
		p.reads = p.reads || kindOf(m.GetName()) == lineage.Read
		p.writes = p.writes || kindOf(m.GetName()) == lineage.Write
		if !counts || m.GetSum() == nil || w.topic == "" {
			continue
		}
		n, ok := whole(d)
		switch {
		case !isTopic(w.topic):
			x.reject(1, "a topic has a name that none can have")
		case !ok:
			x.reject(1, "a count is no number of records")
		case d.GetTimeUnixNano() == 0 || d.GetTimeUnixNano() > math.MaxInt64 || d.GetStartTimeUnixNano() > d.GetTimeUnixNano():
			x.reject(1, "a count has no time: what comes twice could not be told")
		default:
			p.points = append(p.points, point{topic: w.topic, op: op, value: n, delta: delta, start: int64(d.GetStartTimeUnixNano()), end: int64(d.GetTimeUnixNano())})
		}
	}
}

// kindOf is whether a producer or a consumer has a metric; OpNone: neither.
func kindOf(metric string) lineage.Op {
	if len(metric) < len(prefix)+1 {
		return lineage.OpNone
	}
	switch metric[len(prefix)] {
	case 'p':
		return lineage.Write
	case 'c':
		return lineage.Read
	default:
		return lineage.OpNone
	}
}

// mostRecords is more than anybody moves between two pushes, and few enough to be exact as a float.
const mostRecords = 1 << 53

// whole returns a count.
func whole(d *metrics.NumberDataPoint) (n int64, ok bool) {
	switch v := d.GetValue().(type) {
	case *metrics.NumberDataPoint_AsInt:
		return v.AsInt, v.AsInt >= 0 && v.AsInt < mostRecords
	case *metrics.NumberDataPoint_AsDouble:
		if !(v.AsDouble >= 0 && v.AsDouble < mostRecords) { // false for what is no number too
			return 0, false
		}
		return int64(math.Round(v.AsDouble)), true
	default:
		return 0, false
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
