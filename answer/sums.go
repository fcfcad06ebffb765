package answer

import (
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what sums lack: of whom it is not known what moved is no part of one, which then is no less than it
// says. See docs/adr/0081-sums-that-lack-a-part.md.

// untold reports whether an access has a counter, and it is not known whether it moved, or how much.
func (x *access) untold() bool {
	return x.counter.metric != lineage.NoMetric && x.state != graph.Inactive && (!x.amount.Known || x.unknown())
}

// speaksForMember reports whether a group's own access counts what one of its members moved.
func (v *View) speaksForMember(x *access) bool {
	return x.own >= 0 && v.accesses[x.own].counter.metric != lineage.NoMetric
}

// uncountedOf returns those of some accesses that moved records, or may have, and that neither a counter of their own
// nor one of the same flow tells of, nor of the same of those that one between groups is the sum of. What is moved out
// of Kafka, or into it, is no record on that side.
func (v *View) uncountedOf(accesses []int32) (out []*access) {
	for _, i := range accesses {
		x := &v.accesses[i]
		if x.counter.metric == lineage.NoMetric && x.state != graph.Inactive && x.Access.Dataset == (lineage.Dataset{}) {
			out = append(out, x)
		}
	}
	if out == nil {
		return nil
	}
	counted := map[lineage.Flow]bool{}
	for _, i := range accesses {
		if x := &v.accesses[i]; x.counter.metric != lineage.NoMetric {
			counted[x.flow()] = true
		}
	}
	kept := out[:0]
	for _, x := range out {
		if f := x.flow(); !counted[f] || v.uncounted[f] > 0 {
			kept = append(kept, x)
		}
	}
	return kept
}

// lack says of steps that what nothing counts is no part of them.
func (p *parts) lack(points []Point, step time.Duration) {
	if len(p.uncounted) == 0 {
		return
	}
	since := p.uncounted[0].FirstSeen
	for _, x := range p.uncounted[1:] {
		since = earlier(since, x.FirstSeen)
	}
	for i := range points {
		points[i].AtLeast = points[i].AtLeast || !points[i].At.Add(step).Before(since)
	}
}

// least says of steps that more may have moved in them.
func (t *target) least(steps []bool) {
	for i := range min(len(t.points), len(steps)) {
		t.points[i].AtLeast = t.points[i].AtLeast || steps[i]
	}
}

// adds reports whether a part says how much moved, and is not taken away, and is not known to rest in all of the
// window: a sum without it may be too low.
func (p *part) adds() bool {
	return (p.metric == lineage.Records || p.metric == lineage.Appended) && p.factor > 0 && (p.of == nil || p.of.state != graph.Inactive)
}

// leastOf takes what is not known out of sums that lack a part: of what is not known nothing is a bound, and that at
// least nothing moved says nothing.
func leastOf(points []Point) {
	for i := range points {
		if p := &points[i]; p.AtLeast && (p.Value == nil || *p.Value == 0) {
			*p = Point{At: p.At}
		}
	}
}
