package answer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells what topics and their users did, step by step, as monitoring systems keep it: how much, and not how
// fast. Steps that were not observed are not known, and what moved in them is no part of others.

const (
	// mostMeasured bounds the readings of one question, at some seconds of work: a day of minutes of a thousand topics.
	mostMeasured = 1_500_000
	// measureMinute is the finest step that monitoring systems keep.
	measureMinute = time.Minute
	// gaugeReadings is of how many readings the mean of a gauge over a longer step is made.
	gaugeReadings = 60
)

// Measure is what is measured in each step.
type Measure uint8

// The measures. The first four are what moved in a step, the others the mean of what was there.
const (
	MeasuredWritten    Measure = iota + 1 // records, by topic: what its ends grew by, less markers that are known
	MeasuredWrites                        // records, by topic and who wrote them, as far as anybody is counted
	MeasuredReads                         // records, by topic and who read them
	measuredCounters                      // those before are counters
	MeasuredLag                           // records, by topic and group
	MeasuredRetained                      // bytes on disk, one replica of each partition, by topic
	MeasuredPartitions                    // by topic
)

// Measured is one of whom something is measured.
type Measured struct {
	Cluster *Cluster
	Topic   lineage.Node
	// Node and Client are who reads or writes, and what is known of the connection; zero of a topic itself.
	Node   lineage.Node
	Client lineage.Client

	measure Measure
	view    *View
	topic   *topicView
	of      *access // nil: the topic itself
}

// Reading is a measure in one step.
type Reading struct {
	Value float64
	Known bool
	// Lacks: it is not known, and no sum is known without it.
	Lacks bool
}

// MeasuredBy returns all of whom something is measured, by topic. Kafka's own topics are left out.
func (v *View) MeasuredBy(ctx context.Context, m Measure) ([]Measured, error) {
	gone := leaving(ctx)
	var out []Measured
	for _, n := range v.Topics() {
		if gone() {
			return nil, ctx.Err()
		}
		t := v.topics[n]
		if t.kafkasOwn() {
			continue
		}
		one := Measured{Cluster: v.Cluster(t.cluster), Topic: n, measure: m, view: v, topic: t}
		var by []int32
		switch m {
		case MeasuredWrites:
			by = v.alone(t.writes, lineage.Records)
		case MeasuredReads:
			by = v.alone(t.reads, lineage.Records)
		case MeasuredLag:
			by = v.alone(t.reads, lineage.Lag)
		default:
			if len(t.subjects) > 0 {
				out = append(out, one)
			}
			continue
		}
		members := v.membersOf(t)
		for _, i := range by {
			x := &v.accesses[i]
			if m != MeasuredLag && x.counter.metric == lineage.NoMetric || m == MeasuredLag && (!x.gauges[lineage.Lag] || x.Access.Client.Group == "") {
				continue
			}
			user := one
			user.Node, user.Client, user.of = x.node, x.clientWith(members[i]), x
			out = append(out, user)
		}
	}
	return out, nil
}

// There reports whether anybody saw it in the view's window.
func (m *Measured) There() bool {
	if m.of != nil {
		return m.of.inWindow
	}
	return !m.topic.gone || m.topic.since.After(m.view.win.Start)
}

// kafkasOwn reports whether a topic is one that brokers keep for themselves.
func (t *topicView) kafkasOwn() bool {
	return t.fact != nil && t.fact.Internal || slices.Contains([]string{"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}, t.node.Name)
}

// membersOf returns who reads a topic as a member of a group, by the group's own access.
func (v *View) membersOf(t *topicView) map[int32][]*access {
	out := map[int32][]*access{}
	for _, i := range t.reads {
		if x := &v.accesses[i]; x.own >= 0 && x.inWindow {
			out[x.own] = append(out[x.own], x)
		}
	}
	return out
}

// clientWith returns an access' client; of a group that which all of its members have in common.
func (x *access) clientWith(members []*access) lineage.Client {
	c := *x.client()
	for _, field := range [...]func(*lineage.Client) *string{
		func(c *lineage.Client) *string { return &c.ClientID }, func(c *lineage.Client) *string { return &c.Principal },
	} {
		to := field(&c)
		if *to != "" || len(members) == 0 {
			continue
		}
		first := *field(members[0].client())
		if !slices.ContainsFunc(members, func(m *access) bool { return *field(m.client()) != first }) {
			*to = first
		}
	}
	return c
}

// Measure reads what is measured in steps of the view's window, and hands it over of one after the other: values are in
// the order of the steps, and not to be kept. Bytes are records by the mean size of the topic's records on disk, an
// estimate.
func (v *View) Measure(ctx context.Context, of []Measured, steps []lineage.Window, bytes bool, each func(i int, values []Reading) error) error {
	if len(of) == 0 || len(steps) == 0 {
		return nil
	}
	if n := len(of) * len(steps); n > mostMeasured {
		return tooMuch("%d readings are asked for, of %d at %d instants; at most %d are answered: ask for longer steps, a shorter time, or fewer topics", n, len(of), len(steps), mostMeasured)
	}
	longest := time.Duration(0)
	for _, step := range steps {
		longest = max(longest, step.Duration())
	}
	if longest < v.win.Step {
		return senseless("of that time one reading each %s is held: ask for steps no shorter", spelled(v.win.Step))
	}
	r := &measuring{v: v, steps: steps, longest: longest, began: map[lineage.ClusterID]time.Time{}}
	if err := r.prepare(ctx, bytes); err != nil {
		return err
	}
	atOnce := max(1, pointsPerCall/len(steps))
	for begin := 0; begin < len(of); begin += atOnce {
		part := of[begin:min(begin+atOnce, len(of))]
		values, err := r.read(ctx, part)
		if err != nil {
			return err
		}
		for i := range part {
			if err := each(begin+i, values[i*len(steps):(i+1)*len(steps)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// measuring is what one call of Measure needs.
type measuring struct {
	v       *View
	steps   []lineage.Window
	longest time.Duration // of a step
	sizes   *levels       // nil: records are no bytes
	began   map[lineage.ClusterID]time.Time
}

func (r *measuring) prepare(ctx context.Context, bytes bool) (err error) {
	if _, err = r.v.written(ctx); err != nil { // it says which markers are exact
		return err
	}
	if bytes {
		if r.sizes, err = r.v.readLevels(ctx); err != nil {
			return err
		}
	}
	for _, t := range r.v.topics {
		for _, s := range t.subjects {
			if at, ok := r.began[t.cluster]; !ok || s.firstSeen.Before(at) {
				r.began[t.cluster] = s.firstSeen
			}
		}
	}
	return nil
}

// term is a stored series that belongs to one of those of whom something is measured.
type term struct {
	of        int // its index
	series    int32
	factor    float64
	firstSeen time.Time
	topic     lineage.Topic
}

// read returns the readings of some, step by step, one after the other.
func (r *measuring) read(ctx context.Context, of []Measured) ([]Reading, error) {
	out := make([]Reading, len(of)*len(r.steps))
	var terms []term
	for i := range of {
		terms = r.terms(terms, i, &of[i])
	}
	var err error
	if of[0].measure < measuredCounters || of[0].measure == MeasuredPartitions {
		err = r.amounts(ctx, of, terms, out)
	} else {
		err = r.gauges(ctx, of, terms, out)
	}
	return out, err
}

// terms appends the series of which one is made.
func (r *measuring) terms(all []term, i int, m *Measured) []term {
	v := r.v
	add := func(s stored, factor float64, first time.Time, topic lineage.Topic) {
		if s.series >= 0 {
			all = append(all, term{i, s.series, factor, first, topic})
		}
	}
	switch m.measure {
	case MeasuredWrites, MeasuredReads:
		add(m.of.counter, m.of.slice.share(), m.of.FirstSeen, m.of.Access.Topic)
	case MeasuredLag:
		add(v.stored(m.of.row, lineage.Lag), m.of.slice.share(), m.of.FirstSeen, m.of.Access.Topic)
	case MeasuredRetained:
		for _, s := range m.topic.subjects {
			add(v.stored(s.row, lineage.LogBytes), 1, s.firstSeen, s.topic)
		}
	default:
		for _, s := range m.topic.subjects {
			add(v.stored(s.row, lineage.Appended), 1, s.firstSeen, s.topic)
			if markers, _ := v.markers(s.row); m.measure == MeasuredWritten {
				add(markers, -1, s.firstSeen, s.topic)
			}
		}
	}
	return all
}

// amounts reads counters: one call for each step.
func (r *measuring) amounts(ctx context.Context, of []Measured, terms []term, out []Reading) error {
	series := make([]int32, len(terms))
	for i, t := range terms {
		series[i] = t.series
	}
	hide := map[lineage.Topic][2]int{} // where the series are that may hide who has no name
	for i := range of {
		if x := of[i].of; x != nil && x.veiled {
			if _, has := hide[x.Access.Topic]; !has {
				from := len(series)
				series = append(series, r.v.veils[x.Access.Topic]...)
				hide[x.Access.Topic] = [2]int{from, len(series)}
			}
		}
	}
	for n, step := range r.steps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		got, err := r.v.held.Amounts(ctx, step, series)
		if err != nil {
			return fmt.Errorf("read what moved in a step: %w", err)
		}
		for i, t := range terms {
			m, to := &of[t.of], &out[t.of*len(r.steps)+n]
			if m.of != nil && m.of.veiled && got[i].Total == 0 {
				at := hide[m.of.Access.Topic]
				if slices.ContainsFunc(got[at[0]:at[1]], func(a lineage.Amount) bool { return a.Estimated && a.Total > 0 }) {
					*to = Reading{Lacks: true}
					continue
				}
			}
			switch {
			case r.tells(&got[i], m, &t, step):
				r.add(to, &t, got[i].Total)
			case m.measure != MeasuredPartitions && t.factor > 0 && r.belongs(m, &t, step):
				*to = Reading{Lacks: true}
			}
		}
	}
	for i := range of {
		if of[i].measure == MeasuredPartitions {
			r.partitions(&of[i], out[i*len(r.steps):(i+1)*len(r.steps)])
		}
	}
	return nil
}

// add adds what a term moved. What is taken away is so as far as it goes.
func (r *measuring) add(to *Reading, t *term, moved float64) {
	if r.sizes != nil && moved != 0 {
		size, ok := r.v.sizeOf(r.sizes, t.topic)
		if !ok || to.Lacks {
			*to = Reading{Lacks: true}
			return
		}
		moved *= size
	}
	if to.Lacks || t.factor < 0 && !to.Known {
		return
	}
	to.Known, to.Value = true, max(0, to.Value+moved*t.factor)
}

// tells reports whether an amount says what moved in a step. A minute is told as a whole or not at all: of one that was
// hardly looked at what moved is not known, and of the first ones not what came before. What a short gap within it hid
// comes with the reading after it.
func (r *measuring) tells(a *lineage.Amount, m *Measured, t *term, step lineage.Window) bool {
	length := step.Duration()
	switch {
	case !a.Known || a.ObservedFor <= 0:
		return false
	case !step.End.After(t.firstSeen.Add(-r.v.win.Step)), !m.there(step):
		return false
	case m.of != nil && a.Total == 0 && (a.Pending || m.of.doubtful() && !step.End.Before(r.v.win.End)):
		return false
	case length > measureMinute:
		return true
	default:
		began := r.began[m.topic.cluster].Add(-r.v.state.Tick)
		return a.ObservedFor >= length*3/4 && !step.Start.Before(began)
	}
}

// belongs reports whether a term was seen before a step ends, and is not known to rest in all of the window: what it
// moved in the step belongs to a sum.
func (r *measuring) belongs(m *Measured, t *term, step lineage.Window) bool {
	return !step.End.Before(t.firstSeen) && m.there(step) && (m.of == nil || m.of.state != graph.Inactive)
}

// there reports whether the topic was not gone before a step began.
func (m *Measured) there(step lineage.Window) bool {
	return !m.topic.gone || step.Start.Before(m.topic.since)
}

// partitions puts how many partitions a topic has where it was observed: as long as what is known of it holds.
func (r *measuring) partitions(m *Measured, to []Reading) {
	for i := range to {
		known := to[i].Known && m.topic.fact != nil
		switch {
		case known && !m.topic.since.After(r.steps[i].End):
			to[i] = Reading{Value: float64(m.topic.fact.Partitions), Known: true}
		case known:
			to[i] = Reading{Lacks: true}
		default:
			to[i] = Reading{}
		}
	}
}

// gauges reads gauges: the mean of readings that are evenly apart.
func (r *measuring) gauges(ctx context.Context, of []Measured, terms []term, out []Reading) error {
	apart := r.apart()
	count := max(1, int((r.v.win.Duration()+apart-1)/apart))
	atOnce := max(1, pointsPerCall/count)
	for len(terms) > 0 {
		part := terms[:min(atOnce, len(terms))]
		terms = terms[len(part):]
		series := make([]int32, len(part))
		for i, t := range part {
			series[i] = t.series
		}
		got, err := r.v.held.Points(ctx, apart, series)
		if err != nil {
			return fmt.Errorf("read gauges: %w", err)
		}
		for i, t := range part {
			r.means(got[i], &of[t.of], &t, out[t.of*len(r.steps):(t.of+1)*len(r.steps)])
		}
	}
	return nil
}

// apart is how far apart the readings are of which the means are made.
func (r *measuring) apart() time.Duration {
	apart := max(r.longest/gaugeReadings, measureMinute, r.v.win.Step)
	return max(apart.Truncate(max(measureMinute, r.v.win.Step)), r.v.win.Step)
}

// means adds the means of a gauge to the readings of which it is a part. Both are in the order of time.
func (r *measuring) means(points []lineage.Point, m *Measured, t *term, to []Reading) {
	at := 0
	for i, step := range r.steps {
		for at < len(points) && points[at].At.Before(step.Start) {
			at++
		}
		sum, known := 0.0, 0
		for ; at < len(points) && points[at].At.Before(step.End); at++ {
			if points[at].OK {
				sum, known = sum+points[at].Value, known+1
			}
		}
		there := step.End.After(t.firstSeen) && m.there(step)
		switch {
		case !there || to[i].Lacks:
		case known > 0:
			to[i].Known, to[i].Value = true, to[i].Value+sum/float64(known)*t.factor
		case m.of != nil && !m.of.left:
			to[i] = Reading{Lacks: true}
		}
	}
}
