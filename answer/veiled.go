package answer

import (
	"context"
	"fmt"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says where the count of who has no name may not be all: what a writer without idempotence wrote at once
// with one whose count is at most is in that one's, and nobody can tell.

const whyVeiled = "at least: records of a writer that leaves no trace may be in the count of another writer of the topic, or taken for markers of transactions"

// findVeiled finds the flows of the unidentified that may have written more than they are counted; that they rest is
// not known. Most topics have nothing that hides anybody, and nothing is kept of these.
func (v *View) findVeiled(ctx context.Context) error {
	veils, err := v.findVeils(ctx)
	if err != nil {
		return err
	}
	v.veiled, v.veils = nil, veils
	for i := range v.accesses {
		x := &v.accesses[i]
		if veils[x.Access.Topic] == nil || !x.nameless() {
			continue
		}
		if v.veiled == nil {
			v.veiled = map[lineage.Flow]bool{}
		}
		v.veiled[x.flow()], x.veiled = true, true
		if x.state == graph.Inactive {
			x.state, x.hidden = graph.Unknown, true
		}
	}
	return nil
}

// findVeils finds the topics in which somebody who has no name may have written more than is left for him, and the
// series of the counters that he may be in. Where headers of all batches were counted nobody can hide.
func (v *View) findVeils(ctx context.Context) (map[lineage.Topic][]int32, error) {
	hiding := map[lineage.Topic]bool{} // whether anybody there has no name
	for i := range v.accesses {
		if x := &v.accesses[i]; x.hides() {
			hiding[x.Access.Topic] = false
		}
	}
	var asked []incarnation
	for i := range v.accesses {
		x := &v.accesses[i]
		if !x.nameless() || x.topic == nil {
			continue
		}
		_, hidden := hiding[x.Access.Topic]
		for _, s := range x.topic.subjects {
			if _, marked := v.held.Series.Find(s.row, lineage.Markers, lineage.NoEvidence); hidden || marked {
				asked = append(asked, s)
			}
		}
		if hidden {
			hiding[x.Access.Topic] = true
		}
	}
	veils, err := v.haveMost(ctx, hiding)
	if err != nil || asked == nil {
		return veils, err
	}
	written, err := v.writtenTo(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, s := range asked {
		if m := written.by[lineage.Markers][s.row]; m.Total > 0 && m.Estimated {
			veils[s.topic] = append(veils[s.topic], v.stored(s.row, lineage.Markers).series)
		}
	}
	for _, s := range asked {
		if written.settled[s.row] {
			delete(veils, s.topic)
		}
	}
	return veils, nil
}

// haveMost returns, of the topics where it is wanted, the counters of writers that may hold more than these wrote. Of
// one whose count is at least in all of its steps, it is the other way round: some of its records are left for nobody.
func (v *View) haveMost(ctx context.Context, wanted map[lineage.Topic]bool) (map[lineage.Topic][]int32, error) {
	out := map[lineage.Topic][]int32{}
	var of []*access
	for i := range v.accesses {
		if x := &v.accesses[i]; wanted[x.Access.Topic] && x.hides() {
			of = append(of, x)
		}
	}
	reasons, err := v.reasons(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, x := range of {
		if is := lineage.BoundsOf(whyOf(x.counter.evidence, reasons[x])); is.Most || !is.Least {
			out[x.Access.Topic] = append(out[x.Access.Topic], x.counter.series)
		}
	}
	return out, nil
}

// nameless reports whether an access is what a topic's unidentified wrote.
func (x *access) nameless() bool {
	return x.Access.Op == lineage.Write && (x.node.Kind == lineage.UnidentifiedNode || x.declared())
}

// hides reports whether the records of others may be in what a writer is counted.
func (x *access) hides() bool {
	if x.Access.Op != lineage.Write || x.nameless() {
		return false
	}
	switch x.counter.evidence {
	case lineage.ProducerState, lineage.Transaction, lineage.Elimination:
		return x.state != graph.Inactive && x.amount.Known && x.amount.Estimated && x.amount.Total > 0
	default:
		return false
	}
}

// veiledSteps returns of topics in which steps of the window somebody who has no name may have written more than is
// left for him: those in which a counter moved that he may be in, and is an estimate there. It is nil of the others.
func (v *View) veiledSteps(ctx context.Context, step time.Duration, topics map[lineage.Topic]bool) (map[lineage.Topic][]bool, error) {
	var series []int32
	var of []lineage.Topic
	for t := range topics {
		for _, i := range v.veils[t] {
			series, of = append(series, i), append(of, t)
		}
	}
	out := map[lineage.Topic][]bool{}
	count := int((v.win.Duration() + step - 1) / step)
	for atOnce := max(1, pointsPerCall/count); len(series) > 0; {
		n := min(atOnce, len(series))
		points, err := v.held.Points(ctx, step, series[:n])
		if err != nil {
			return nil, fmt.Errorf("read whose counts are at most: %w", err)
		}
		for k, all := range points {
			veiled := out[of[k]]
			if veiled == nil {
				veiled = make([]bool, count)
				out[of[k]] = veiled
			}
			for i, p := range all {
				// what moved where nobody looked is in no rate
				veiled[i] = veiled[i] || p.Estimated && (!p.OK || p.Value > 0)
			}
		}
		series, of = series[n:], of[n:]
	}
	return out, nil
}

// veiledOf returns veiledSteps of the topics of accesses that may be in the counts of others, by the window's own
// steps.
func (v *View) veiledOf(ctx context.Context, accesses []int32) (map[lineage.Topic][]bool, error) {
	topics := map[lineage.Topic]bool{}
	for _, i := range accesses {
		if x := &v.accesses[i]; x.veiled {
			topics[x.Access.Topic] = true
		}
	}
	return v.veiledSteps(ctx, v.win.Step, topics)
}

// veil takes what is not known out of the steps of a counter of who has no name: that nothing is left for him where he
// may be in another's count.
func veil(points []lineage.Point, veiled []bool) (hides bool) {
	for i := range min(len(points), len(veiled)) {
		if veiled[i] && points[i].Value == 0 {
			points[i].OK, hides = false, true
		}
	}
	return hides
}

// doubtful reports whether it is not known whether an access moved, for another reason than that it may be in the
// counts of others: of these it is known of each step.
func (x *access) doubtful() bool { return x.unknown() && !x.hidden }
