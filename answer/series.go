package answer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// MostPoints is the most points of one series: what Prometheus allows, and what no screen can show.
	MostPoints = 11_000
	// mostPointsAtOnce bounds the points of all series that one request answers, at about 50 MB.
	mostPointsAtOnce = 1_000_000
	// pointsPerCall bounds the stored points that are held at once on the way, at about 10 MB.
	pointsPerCall = 250_000
	// UsualPoints is how many points a series has at most when no step is asked for: a chart of the usual width.
	UsualPoints = 120
)

// seriesKey names one batch: what the rows of one kind are asked for. flows is true for flows, kind is set for nodes.
type seriesKey struct {
	flows  bool
	kind   lineage.NodeKind
	metric Metric
	window lineage.Resolved
	step   time.Duration
}

// seriesOf are the points of each row of a batch; rows that do not have the metric are absent.
type seriesOf struct {
	flows map[lineage.Flow][]Point
	nodes map[lineage.Node][]Point
}

// Metric is what is shown over time, or ranked by. Of a node, In is what goes into it and Out what comes out: a topic's
// Out is read, an application's In is read and its Out written.
type Metric uint8

// The metrics. Rates are of records or bytes a second.
const (
	RecordRate Metric = iota + 1 // a topic's In; of others In and Out together
	ByteRate
	RecordsIn
	RecordsOut
	BytesIn
	BytesOut
	Lag           // records
	LagSeconds    // of the partition furthest behind
	RetainedBytes // of topics only
	EndToEnd      // seconds that traces took to a topic, of topics only
)

// Unit returns what a metric is counted in.
func (m Metric) Unit() string {
	switch m {
	case RecordRate, RecordsIn, RecordsOut:
		return "records/s"
	case Lag:
		return "records"
	case LagSeconds, EndToEnd:
		return "seconds"
	case RetainedBytes:
		return "bytes"
	default:
		return "bytes/s"
	}
}

// Point is a metric at the beginning of a step. Value is nil where it was not observed.
type Point struct {
	At    time.Time
	Value *float64
	// AtLeast: more may have moved: of a part of a rate it is not known, or records may be in another writer's count.
	AtLeast bool
}

// Series returns a metric of the flow over the window; no points: the flow does not have it. Without a step one is
// chosen for a chart of the usual width.
func (f Flow) Series(ctx context.Context, metric Metric, step *time.Duration) ([]Point, time.Duration, error) {
	v := f.rows.v
	if _, ok := flowParts(v, nil, metric); !ok {
		return nil, 0, nil
	}
	s, err := stepOf(v.win, step)
	if err != nil {
		return nil, 0, err
	}
	key := seriesKey{flows: true, metric: metric, window: v.win, step: s}
	got, err := f.rows.batch(ctx, key, v)
	if err != nil {
		return nil, 0, err
	}
	return got.flows[f.flow], s, nil
}

// Series returns a metric of the node over a time that may differ from that of the answer which the node is in; no
// points: the node does not have it.
func (n Node) Series(ctx context.Context, metric Metric, in Span, step *time.Duration) ([]Point, time.Duration, error) {
	v, err := n.rows.v.a.View(ctx, in, n.rows.v.lens)
	if err != nil {
		return nil, 0, err
	}
	s, err := stepOf(v.win, step)
	if err != nil {
		return nil, 0, err
	}
	if !hasMetric(n.node.Kind, metric) {
		return nil, 0, nil
	}
	key := seriesKey{kind: n.node.Kind, metric: metric, window: v.win, step: s}
	got, err := n.rows.batch(ctx, key, v)
	if err != nil {
		return nil, 0, err
	}
	return got.nodes[n.node], s, nil
}

// stepOf checks the step asked for, or chooses one.
func stepOf(w lineage.Resolved, asked *time.Duration) (time.Duration, error) {
	if asked == nil {
		step := (w.Duration() + UsualPoints - 1) / UsualPoints
		if rest := step % w.Step; rest != 0 {
			step += w.Step - rest
		}
		return max(step, w.Step), nil
	}
	if *asked <= 0 || *asked%w.Step != 0 {
		return 0, senseless("step %s: the step must be a multiple of %s, in which this window is held", spelled(*asked), spelled(w.Step))
	}
	if points := (w.Duration() + *asked - 1) / *asked; points > MostPoints {
		return 0, senseless("step %s makes %d points of this window; at most %d are answered: ask for a longer step", spelled(*asked), points, MostPoints)
	}
	return *asked, nil
}

// batch returns the series of all rows that key covers, loaded by whoever asks first.
func (r *Rows) batch(ctx context.Context, key seriesKey, v *View) (seriesOf, error) {
	r.mu.Lock()
	o := r.series[key]
	if o == nil {
		o = &once[seriesOf]{}
		r.series[key] = o
	}
	r.mu.Unlock()
	return o.get(ctx, func(ctx context.Context) (seriesOf, error) { return r.loadSeries(ctx, key, v) })
}

// part is one stored series' part in a row's series.
type part struct {
	stored
	topic lineage.Topic // for sizes
	// factor is how much of it is the row's own; 1 but where several share one.
	factor float64
	of     *access // whose counter it is; nil: a gauge, or a topic's own
	// needed is since when the whole is not known without this part, as a sum of lags without one of them; zero: it is
	// known without it.
	needed time.Time
	// since is when it was first seen: before, it is no part of what moved.
	since time.Time
	// living: it belongs to the whole only while somebody is there to read.
	living bool
	// unseen is until when its topic was not looked at, and may have moved; zero: it was, or there was none.
	unseen time.Time
}

// parts says what a row's series is made of.
type parts struct {
	list    []part
	largest bool // the points are the largest of the parts', else their sum
	sized   bool // records are shown in bytes
	divisor float64
	// uncounted are of flows that moved, or may have, and that nothing counts.
	uncounted []*access
}

// loadSeries reads the stored series of all rows in one call, or in few where they are very many, and puts them
// together. A point of a rate is unknown only where no part of it is known: one reader without an observation does not
// blank the others. A lag is unknown where a part that is needed is.
func (r *Rows) loadSeries(ctx context.Context, key seriesKey, v *View) (seriesOf, error) {
	out := seriesOf{flows: map[lineage.Flow][]Point{}, nodes: map[lineage.Node][]Point{}}
	var err error
	if key.kind == lineage.TopicNode && (key.metric == RecordRate || key.metric == RecordsIn || key.metric == ByteRate || key.metric == BytesIn) {
		if _, err = v.written(ctx); err != nil { // it says which markers are exact
			return out, err
		}
	}
	count := int((key.window.Duration() + key.step - 1) / key.step)
	var load loading
	add := func(p parts) []Point {
		points := make([]Point, count)
		for i := range points {
			points[i].At = key.window.Start.Add(time.Duration(i) * key.step)
		}
		p.lack(points, key.step)
		unknown := make([]bool, count)
		for _, q := range p.list {
			q.unseen = v.unseen[q.topic]
			t := target{points: points, unknown: unknown, parts: p, part: q, step: key.step}
			if q.living {
				t.live = new([]lineage.Point)
				load.add(v.stored(q.row, lineage.Live), target{live: t.live})
			}
			load.add(q.stored, t)
		}
		load.sized = load.sized || p.sized
		return points
	}
	total := togetherOf(ctx)
	counts := map[lineage.Node][]Point{} // what sums are divided by
	if key.flows {
		for _, f := range r.flows {
			if p, ok := flowParts(v, v.of(f), key.metric); ok {
				if err := total.spendPoints(count); err != nil {
					return out, err
				}
				out.flows[f] = add(p)
			}
		}
	} else {
		for _, n := range r.order {
			if n.Kind != key.kind {
				continue
			}
			// What has no stored series at all, as the writes of an application that none is known of, has no answer:
			// points without a value would say that it was not observed.
			p := nodeParts(v, n, key.metric)
			if len(p.list) == 0 {
				continue
			}
			if err := total.spendPoints(count); err != nil {
				return out, err
			}
			out.nodes[n] = add(p)
			if key.metric == EndToEnd {
				if err := total.spendPoints(count); err != nil {
					return out, err
				}
				p := parts{divisor: 1}
				p.addTraces(v, v.topics[n], lineage.Traces)
				counts[n] = add(p)
			}
		}
	}
	err = load.run(ctx, v, key, max(1, pointsPerCall/count))
	for n, points := range counts {
		meanOf(out.nodes[n], points)
	}
	for f, points := range out.flows {
		if last := &points[count-1]; last.Value != nil && *last.Value == 0 && r.Flow(f).isUnknown(key.metric) {
			last.Value = nil
		}
		leastOf(points)
	}
	for _, points := range out.nodes {
		leastOf(points)
	}
	return out, err
}

// isUnknown reports whether it is not known whether a flow moved, and the metric says how much it did. Where all of it
// may be in the counts of others alone, it is known of each step.
func (f Flow) isUnknown(m Metric) bool {
	v := f.rows.v
	accesses := v.of(f.flow)
	return (m == RecordRate || m == ByteRate) && f.unknown(v.records(accesses)) &&
		(len(accesses) == 0 || slices.ContainsFunc(accesses, func(i int32) bool { return v.accesses[i].state == graph.Unknown && !v.accesses[i].hidden }))
}

// target is where a stored series goes: to the points of a row, as the row's parts say. Without points it is the
// liveness of a part that comes after it.
type target struct {
	points  []Point
	unknown []bool // points that a needed part is not known of
	live    *[]lineage.Point
	parts   parts
	part    part
	step    time.Duration
}

// loading is the stored series to load, and where each goes.
type loading struct {
	keys  []int32 // of series
	into  []target
	sized bool
}

// add has a stored series loaded; one that there is not has no points.
func (l *loading) add(s stored, into target) {
	if s.series >= 0 {
		l.keys, l.into = append(l.keys, s.series), append(l.into, into)
	}
}

// run loads some series at a time, so that a topic with thousands of writers takes time and not memory.
func (l *loading) run(ctx context.Context, v *View, key seriesKey, atOnce int) error {
	var ls *levels
	if l.sized {
		var err error
		if ls, err = v.readLevels(ctx); err != nil {
			return err
		}
	}
	veiled, err := l.veils(ctx, v, key.step)
	if err != nil {
		return err
	}
	for len(l.keys) > 0 {
		n := min(atOnce, len(l.keys))
		stored, err := v.held.Points(ctx, key.step, l.keys[:n])
		if err != nil {
			return fmt.Errorf("read series: %w", err)
		}
		if err := l.begin(ctx, v, stored); err != nil {
			return err
		}
		for i, t := range l.into[:n] {
			if t.points == nil {
				*t.live = stored[i]
				continue
			}
			if of := t.part.of; of != nil && of.veiled {
				veil(stored[i], veiled[of.Access.Topic])
				t.least(veiled[of.Access.Topic])
			}
			size, ok := 1.0, true
			if t.parts.sized {
				size, ok = v.sizeOf(ls, t.part.topic)
			}
			t.mix(stored[i], size*t.part.factor/t.parts.divisor, ok)
		}
		l.keys, l.into = l.keys[n:], l.into[n:]
	}
	return nil
}

// veils finds the steps in which who has no name may be in the counts of others, where any of the series is his.
func (l *loading) veils(ctx context.Context, v *View, step time.Duration) (map[lineage.Topic][]bool, error) {
	var topics map[lineage.Topic]bool
	for i := range l.into {
		if of := l.into[i].part.of; of != nil && of.veiled && l.into[i].part.metric.Counter() {
			if topics == nil {
				topics = map[lineage.Topic]bool{}
			}
			topics[of.Access.Topic] = true
		}
	}
	if topics == nil {
		return nil, nil
	}
	return v.veiledSteps(ctx, step, topics)
}

// mix adds a stored series to the points, or takes the larger of the two. sized is false where the size of its records
// is not known: then only nothing has one. Of an access of which it is not known whether it moved, the step that ends
// with the window is not known.
func (t *target) mix(stored []lineage.Point, factor float64, sized bool) {
	if n := len(stored); n > 0 && t.part.of != nil && t.part.of.doubtful() && stored[n-1].Value == 0 {
		stored[n-1].OK = false
	}
	var live []lineage.Point
	if t.live != nil {
		live, *t.live = *t.live, nil
	}
	for i := range min(len(t.points), len(stored)) {
		p := &t.points[i]
		switch {
		case i < len(live) && live[i].OK && live[i].Value == 0, t.unknown[i]:
		case !p.At.Add(t.step).After(t.part.unseen):
			p.AtLeast = p.AtLeast || t.part.adds()
		case stored[i].OK && !sized && stored[i].Value != 0:
			p.Value, t.unknown[i] = nil, true
		case stored[i].OK:
			p.mix(stored[i].Value*factor, t.parts.largest)
		case t.part.isNeeded(p.At.Add(t.step)):
			p.Value, t.unknown[i] = nil, true
		case t.part.adds() && !p.At.Add(t.step).Before(t.part.since):
			p.AtLeast = true
		}
	}
}

// mix adds x, or takes the larger of the two. What is less than nothing is taken away from what is there, as far as it
// goes: readings of several sources reach over different times.
func (p *Point) mix(x float64, largest bool) {
	switch {
	case math.Signbit(x):
		if p.Value != nil {
			*p.Value = max(0, *p.Value+x)
		}
	case p.Value == nil:
		p.Value = &x
	case !largest:
		*p.Value += x
	case *p.Value < x:
		*p.Value = x
	}
}

// isNeeded reports whether the whole is not known without the part at an instant.
func (p *part) isNeeded(at time.Time) bool { return !p.needed.IsZero() && !at.Before(p.needed) }

// flowParts says what a flow's metric is made of; ok is false for metrics that a flow does not have.
func flowParts(v *View, accesses []int32, m Metric) (p parts, ok bool) {
	p.divisor = 1
	switch m {
	case RecordRate, ByteRate:
		p.sized = m == ByteRate
		p.addCounters(v, accesses)
	case Lag:
		p.addLags(v, accesses, lineage.Lag, false)
	case LagSeconds:
		p.largest, p.divisor = true, 1000
		p.addLags(v, accesses, lineage.LagMillis, false)
	default:
		return p, false
	}
	return p, true
}

func (p *parts) addCounters(v *View, accesses []int32) {
	alone := v.alone(accesses, lineage.Records)
	for _, i := range alone {
		if x := &v.accesses[i]; x.counter.metric != lineage.NoMetric {
			p.list = append(p.list, part{stored: x.counter, topic: x.Access.Topic, factor: x.slice.share(), of: x, since: x.FirstSeen})
		}
	}
	p.uncounted = append(p.uncounted, v.uncountedOf(alone)...)
}

// addLags adds how far readers are behind. living: only while somebody is there to read, as for a topic, whose dead
// readers are nobody's lag.
func (p *parts) addLags(v *View, accesses []int32, m lineage.Metric, living bool) {
	for _, i := range v.alone(accesses, m) {
		x := &v.accesses[i]
		if !x.gauges[m] {
			continue
		}
		q := part{stored: v.stored(x.row, m), topic: x.Access.Topic, factor: 1, living: living && x.gauges[lineage.Live]}
		if m == lineage.Lag {
			q.factor = x.slice.share()
		}
		if !x.left {
			q.needed = x.FirstSeen
		}
		p.list = append(p.list, q)
	}
}

// hasMetric says which metrics a kind of node has; the schema documents it at Metric.
func hasMetric(k lineage.NodeKind, m Metric) bool {
	switch k {
	case lineage.TopicNode:
		return true
	case lineage.DatasetNode:
		return false
	case lineage.UnidentifiedNode:
		switch m {
		case RecordRate, RecordsOut, ByteRate, BytesOut:
			return true
		default:
			return false
		}
	default:
		return m != RetainedBytes && m != EndToEnd
	}
}

// nodeParts says what a node's metric is made of. In is what goes into a node, out what comes out of it: an application
// reads what goes in.
func nodeParts(v *View, n lineage.Node, m Metric) parts {
	p := parts{divisor: 1}
	t := v.topics[n]
	var reads, writes []int32
	if end := v.ends[n]; end != nil {
		reads, writes = v.outward(n, end.reads), v.outward(n, end.writes)
	} else if t != nil {
		reads = t.reads
	}
	p.sized = m == ByteRate || m == BytesIn || m == BytesOut
	switch m {
	case RecordRate, ByteRate:
		if t != nil {
			p.addWritten(v, t)
		} else {
			p.addCounters(v, reads)
			p.addCounters(v, writes)
		}
	case RecordsIn, BytesIn:
		if t != nil {
			p.addWritten(v, t)
		} else {
			p.addCounters(v, reads)
		}
	case RecordsOut, BytesOut:
		if t != nil {
			p.addCounters(v, reads)
		} else {
			p.addCounters(v, writes)
		}
	case Lag:
		p.addLags(v, reads, lineage.Lag, t != nil)
	case LagSeconds:
		p.largest, p.divisor = true, 1000
		p.addLags(v, reads, lineage.LagMillis, t != nil)
	case RetainedBytes:
		if t != nil {
			p.addTopic(v, t, lineage.LogBytes)
		}
	case EndToEnd:
		if p.divisor = 1000; t != nil {
			p.addTraces(v, t, lineage.TraceMillis)
		}
	}
	return p
}

// outward returns those of a node's accesses that are seen from outside: what a stream job moves through its inner
// topics, whatever a rule calls it, and a replicator through its heartbeats, is its own affair.
func (v *View) outward(n lineage.Node, accesses []int32) []int32 {
	inside := func(i int32) bool {
		t := v.topics[v.accesses[i].far]
		return t != nil && (t.innerOf != "" || t.internal && (n.Kind == lineage.StreamJobNode || n.Kind == lineage.ReplicatorNode))
	}
	if n.Kind == lineage.TopicNode || !slices.ContainsFunc(accesses, inside) {
		return accesses
	}
	return slices.DeleteFunc(slices.Clone(accesses), inside)
}

// addWritten adds what the topic's ends grew by, less the markers of transactions that are known to be among it: at
// most its records, since others may be.
func (p *parts) addWritten(v *View, t *topicView) {
	for _, s := range t.subjects {
		p.list = append(p.list, part{stored: v.stored(s.row, lineage.Appended), topic: s.topic, factor: 1, since: s.firstSeen})
		if markers, _ := v.markers(s.row); markers.series >= 0 {
			p.list = append(p.list, part{stored: markers, topic: s.topic, factor: -1})
		}
	}
}

// addTopic adds a metric of the topic's own, of all its incarnations.
func (p *parts) addTopic(v *View, t *topicView, m lineage.Metric) {
	for _, s := range t.subjects {
		p.list = append(p.list, part{stored: v.stored(s.row, m), topic: s.topic, factor: 1})
	}
}
