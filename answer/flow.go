package answer

import (
	"context"
	"math"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Flow is what the accesses from one node to another add up to in the rows' window.
type Flow struct {
	rows *Rows
	flow lineage.Flow
}

// Flow returns from where to where it goes.
func (f Flow) Flow() lineage.Flow { return f.flow }

// Active reports whether the flow moved in the window: nil while neither movement nor rest is proved, as where all that
// moved was read over a time that reaches beyond the window.
func (f Flow) Active() *bool {
	state := graph.Inactive
	accesses := f.rows.v.of(f.flow)
	for _, i := range accesses {
		switch f.rows.v.accesses[i].state {
		case graph.Active:
			return new(true)
		case graph.Unknown:
			state = graph.Unknown
		case graph.Inactive:
		}
	}
	if state == graph.Unknown || len(accesses) == 0 {
		return nil
	}
	return new(false)
}

// total is what several counters add up to.
type total struct {
	records   *float64 // nil: no counter of them is known
	perSecond *float64
	estimated bool
	lacks     int // how many counters it is not the sum of, as what they moved is not known
}

// add adds what an access moved.
func (t *total) add(x *access) {
	if x.untold() {
		t.lacks++
	}
	if !x.amount.Known {
		return
	}
	t.estimated = t.estimated || x.isEstimated()
	grow(&t.records, &x.amount.Total, 1)
	grow(&t.perSecond, x.rate(), 1)
}

// rate returns how much of what an access moved was observed, by the time in which it was: the mean over the observed
// part of the window. nil: nothing was observed, or it is not known whether it moved. It is all that rates are made of:
// those of flows, of nodes and of clients are sums of it, and those of series are the same of each step.
func (x *access) rate() *float64 {
	if x.unknown() {
		return nil
	}
	return rateOf(x.amount)
}

// unknown reports whether it is not known whether an access moved in the window.
func (x *access) unknown() bool { return x.state == graph.Unknown && x.amount.Total == 0 }

func rateOf(a lineage.Amount) *float64 {
	if rate, ok := a.Rate(); ok {
		return &rate
	}
	return nil
}

// grow adds n times factor to a sum; the unknown adds nothing.
func grow(sum **float64, n *float64, factor float64) {
	if n == nil {
		return
	}
	if *sum == nil {
		*sum = new(float64)
	}
	**sum += *n * factor
}

// records adds up what accesses moved. Those without a count add nothing: they are other sightings of what the counted
// ones moved, or not measurable.
func (v *View) records(accesses []int32) (t total) {
	for _, i := range v.alone(accesses, lineage.Records) {
		t.add(&v.accesses[i])
	}
	return t
}

// bytes is records in bytes, by the mean size of the records of each topic on disk. Where the size of one moved topic
// is not known, nor is the sum.
func (v *View) bytes(ls *levels, accesses []int32) total {
	byTopic := map[lineage.Topic]*total{}
	for _, i := range v.alone(accesses, lineage.Records) {
		x := &v.accesses[i]
		t := byTopic[x.Access.Topic]
		if t == nil {
			t = &total{}
			byTopic[x.Access.Topic] = t
		}
		t.add(x)
	}
	sum := total{estimated: true}
	var noRecords, noRate bool
	for topic, t := range byTopic {
		size, ok := v.sizeOf(ls, topic)
		noRecords = noRecords || !ok && t.records != nil && *t.records != 0
		noRate = noRate || !ok && t.perSecond != nil && *t.perSecond != 0
		grow(&sum.records, t.records, size)
		grow(&sum.perSecond, t.perSecond, size)
	}
	if noRecords {
		sum.records = nil
	}
	if noRate {
		sum.perSecond = nil
	}
	return sum
}

// total is what the flow moved. Where it is not known whether it did, or of a part of it, nothing is no count.
func (f Flow) total() total {
	t := f.rows.v.records(f.rows.v.of(f.flow))
	if f.unknown(t) {
		return total{estimated: t.estimated}
	}
	v := f.rows.v
	// as atLeast has it
	t.estimated = t.estimated || t.records != nil && (t.lacks > 0 || v.uncounted[f.flow] > 0 || v.veiled[f.flow])
	return t
}

func (f Flow) unknown(t total) bool {
	return (t.records == nil || *t.records == 0) && (t.lacks > 0 || f.Active() == nil)
}

func (f Flow) byteTotal(ctx context.Context) (total, error) {
	ls, err := f.rows.v.readLevels(ctx)
	if err != nil {
		return total{}, err
	}
	accesses := f.rows.v.of(f.flow)
	if f.unknown(f.rows.v.records(accesses)) {
		return total{estimated: true}, nil
	}
	return f.rows.v.bytes(ls, accesses), nil
}

// Records returns what moved in the window; nil: not measurable from what is known, or not known whether any did.
// Less than half a record is none that is known to have moved.
func (f Flow) Records() *int64 {
	t := f.total()
	n := whole(t.records)
	if n != nil && *n == 0 && (t.lacks > 0 || f.Active() == nil) {
		return nil
	}
	return n
}

// Bytes returns Records in bytes, always an estimate: by the mean size of the topic's records on disk.
func (f Flow) Bytes(ctx context.Context) (*int64, error) {
	t, err := f.byteTotal(ctx)
	return whole(t.records), err
}

// Estimated reports whether the counts are a bound or shared out, and no measurement.
func (f Flow) Estimated() bool { return f.total().estimated }

// RecordsPerSecond returns the mean over the observed part of the window; nil: not known.
func (f Flow) RecordsPerSecond() *float64 { return f.total().perSecond }

// BytesPerSecond is RecordsPerSecond in bytes, as Bytes is Records.
func (f Flow) BytesPerSecond(ctx context.Context) (*float64, error) {
	t, err := f.byteTotal(ctx)
	return t.perSecond, err
}

// whole rounds a sum of shares to a count.
func whole(x *float64) *int64 {
	if x == nil {
		return nil
	}
	n := int64(math.Round(*x))
	return &n
}

func (f Flow) behind(ctx context.Context) (behind, error) {
	ls, err := f.rows.v.readLevels(ctx)
	if err != nil {
		return behind{}, err
	}
	return f.rows.v.behind(ls, f.rows.v.of(f.flow)), nil
}

// Lag returns how many records the readers are behind at the window's end; nil where that of one part is not known.
func (f Flow) Lag(ctx context.Context) (*int64, error) {
	b, err := f.behind(ctx)
	return b.records, err
}

// LagSeconds returns how long the partition furthest behind is; nil where not known, or only a bound is.
func (f Flow) LagSeconds(ctx context.Context) (*float64, error) {
	b, err := f.behind(ctx)
	if b.atLeast {
		return nil, err
	}
	return b.seconds, err
}

// LagAtLeastSeconds is LagSeconds where that is a lower bound.
func (f Flow) LagAtLeastSeconds(ctx context.Context) (*float64, error) {
	b, err := f.behind(ctx)
	if !b.atLeast {
		return nil, err
	}
	return b.seconds, err
}

// Evidence returns what supports the flow: in the window, or in the lookback where nothing does in the window.
func (f Flow) Evidence(ctx context.Context) ([]Evidence, error) {
	all, err := f.rows.evidence.get(ctx, f.rows.loadEvidence)
	if err != nil {
		return nil, err
	}
	if es := all[f.flow]; es != nil {
		return es, nil
	}
	return []Evidence{}, nil
}

// Seen returns when the evidence saw the flow first and last; the zero time: never.
func (f Flow) Seen(ctx context.Context) (first, last time.Time, err error) {
	es, err := f.Evidence(ctx)
	var s spanSeen
	for _, e := range es {
		s.include(e.FirstSeen, e.LastSeen)
	}
	return s.first, s.last, err
}
