package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// maxPoints bounds what one call of Points may answer, so that a slip in a step does not take all memory.
const maxPoints = 50_000_000

// points returns each series over the window by step; parallel to keys.
func (e *engine) points(ctx context.Context, w lineage.Window, by time.Duration, keys []seriesKey) ([][]lineage.Point, error) {
	v, probes, err := e.viewOfSeries(ctx, e.floor(w.Start), e.floor(w.End), keys)
	if err != nil {
		return nil, err
	}
	defer v.end()
	if unit := e.duration(e.stepTicks[v.tier]); by <= 0 || by%unit != 0 {
		return nil, fmt.Errorf("timeseries: step %s is not a multiple of %s", by, unit)
	}
	g := newGrid(v, int64(by/e.step))
	if g.n*max(len(keys), 1) > maxPoints {
		return nil, fmt.Errorf("timeseries: %d series of %d steps are too many to answer", len(keys), g.n)
	}
	g.take()
	defer g.giveBack()
	out := make([][]lineage.Point, len(keys))
	for i, p := range probes {
		points := make([]lineage.Point, g.n)
		at := e.at(g.v.lo)
		for j := range points {
			points[j].At = at
			at = at.Add(by)
		}
		out[i] = points
		if p == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.key.Metric.Counter() {
			err = g.counter(p, points)
		} else {
			err = g.gauge(p, points)
		}
		if err != nil {
			return nil, fmt.Errorf("series of %s of subject %d: %w", p.key.Metric, p.key.Subject, err)
		}
	}
	return out, nil
}

// grid is the steps of a call of Points.
type grid struct {
	v     *view
	width int64 // ticks
	n     int
	reals map[part][]int64
}

// part is a stretch of the window in which one source wrote a series.
type part struct {
	lo, hi int64
	runs   *runs
}

func newGrid(v *view, width int64) *grid {
	return &grid{v: v, width: width, n: int((v.hi - v.lo + width - 1) / width), reals: map[part][]int64{}}
}

// take takes what the grid before made up, if it is good for this one.
func (g *grid) take() {
	l := g.v.looked.Swap(nil)
	if l == nil || !l.of(g.v) {
		return
	}
	g.v.tracks = l.tracks
	if l.width == g.width && l.reals != nil {
		g.reals = l.reals
	}
}

// looked is when the sources of the window that was asked for last looked: who asks for one series after another does
// not have it made up each time. One query at a time has it; the others make their own.
type looked struct {
	lo, hi  int64
	version store.Version
	layout  uint64
	tracks  []*track
	width   int64
	reals   map[part][]int64 // of the tracks
}

// of reports whether it is of a view's window, and nothing came or went since.
func (l *looked) of(v *view) bool {
	return l.lo == v.lo && l.hi == v.hi && l.version == v.version && l.layout == v.layout && len(l.tracks) == len(v.tracks)
}

// mostReals bounds what is kept of a window in which series are of many sources by turns.
const mostReals = 64

// giveBack gives what the grid made up to the next.
func (g *grid) giveBack() {
	l := &looked{lo: g.v.lo, hi: g.v.hi, version: g.v.version, layout: g.v.layout, tracks: g.v.tracks}
	if len(g.reals) <= mostReals {
		l.width, l.reals = g.width, g.reals
	}
	g.v.looked.Store(l)
}

func (g *grid) start(i int) int64 { return g.v.lo + int64(i)*g.width }

// after returns i, or the step that a tick of the window is in when that is a later one.
func (g *grid) after(i int, tick int64) int {
	if tick >= g.start(i+1) {
		i = int((tick - g.v.lo) / g.width)
	}
	return i
}

// each visits the steps that (a, b] touches, with the part of it in each.
func (g *grid) each(a, b int64, visit func(i int, a, b int64)) {
	a, b = max(a, g.v.lo), min(b, g.v.hi)
	if a >= b {
		return
	}
	for i := int((a - g.v.lo) / g.width); ; i++ {
		end := min(g.start(i+1), b)
		visit(i, a, end)
		if a = end; a >= b {
			return
		}
	}
}

// real returns the observed time in each step of a part, in nanoseconds. Series of one source share it.
func (g *grid) real(p part) []int64 {
	out := g.reals[p]
	if out == nil {
		out = make([]int64, g.n)
		before := p.runs.realBefore(max(p.lo, g.v.lo))
		g.each(p.lo, p.hi, func(i int, _, b int64) {
			until := p.runs.realBefore(b)
			out[i], before = until-before, until
		})
		g.reals[p] = out
	}
	return out
}

// observed returns the observed time in each step of some parts, in nanoseconds. It is shared.
func (g *grid) observed(parts []part) []int64 {
	if len(parts) == 1 {
		return g.real(parts[0])
	}
	out := make([]int64, g.n)
	for _, q := range parts {
		for i, n := range g.real(q) {
			out[i] += n
		}
	}
	return out
}

func (g *grid) counter(p *probe, points []lineage.Point) error {
	var parts []part
	if err := g.v.parts(p, func(lo, hi int64, r *runs) { parts = append(parts, part{lo, hi, r}) }); err != nil {
		return err
	}
	nanos := g.observed(parts)
	var failed error
	in := 0 // the step of the advance before
	err := g.v.steps(p, func(x step) bool {
		if x.estimated {
			g.each(x.from, x.tick, func(i int, _, _ int64) { points[i].Estimated = true })
		}
		if x.delta == 0 {
			return true
		}
		var r *runs
		if r, failed = g.v.runs(p, x.src); failed != nil {
			return false
		}
		each := float64(x.delta) / float64(x.tick-x.from)
		if in = g.after(in, x.from); x.from >= g.start(in) && x.tick <= min(g.start(in+1), g.v.hi) {
			points[in].Value += each * float64(r.within(x.from, x.tick))
			return true
		}
		g.each(x.from, x.tick, func(i int, a, b int64) {
			points[i].Value += each * float64(r.within(a, b))
		})
		return true
	})
	err = cmp.Or(err, failed)
	pending := g.v.hi
	if err == nil {
		pending, _, err = g.v.pendingSince(p)
	}
	if err != nil {
		return err
	}
	if pending < g.v.hi {
		nanos = slices.Clone(nanos)
	}
	for _, q := range parts {
		g.each(max(pending, q.lo), q.hi, func(i int, a, b int64) { nanos[i] -= q.runs.realWithin(a, b) })
	}
	for _, x := range g.v.lost {
		if x.damage {
			g.each(x.a, x.b, func(i int, _, _ int64) { points[i].Estimated = true })
		}
	}
	last, seconds := int64(0), 0.0 // mostly all are the same
	for i := range points {
		if n := nanos[i]; n > 0 {
			if n != last {
				last, seconds = n, time.Duration(n).Seconds()
			}
			points[i].OK = true
			points[i].Value /= seconds
		} else {
			points[i].Value = 0
		}
	}
	return nil
}

func (g *grid) gauge(p *probe, points []lineage.Point) error {
	changes, err := g.v.changes(p)
	if err != nil {
		return err
	}
	at := make([]int64, g.n) // the newest observed tick of each step; 0: none
	err = g.v.parts(p, func(lo, hi int64, r *runs) {
		g.each(lo, hi, func(i int, a, b int64) {
			if t, ok := r.last(a, b, p.access); ok {
				at[i] = t
			}
		})
	})
	if err != nil {
		return err
	}
	k := 0
	for i, t := range at {
		if t == 0 {
			continue
		}
		for k < len(changes) && changes[k].tick <= t {
			k++
		}
		if k > 0 && changes[k-1].value != lineage.Unknown {
			points[i].OK, points[i].Value = true, float64(changes[k-1].value)
		}
	}
	return nil
}

// change is a gauge's value from a tick on.
type change struct{ tick, value int64 }

// changes returns a gauge's value at the window's start, if it has one, and its readings in the window.
func (v *view) changes(p *probe) ([]change, error) {
	var out []change
	first, ok, err := v.valueAt(p, v.lo)
	if err != nil {
		return nil, err
	}
	if ok {
		out = append(out, change{v.lo, first})
	}
	for i, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.start >= v.hi {
			continue
		}
		x, err := v.entry(i, p.key)
		if err != nil {
			return nil, err
		}
		if x == nil || x.samples == 0 {
			continue
		}
		points, err := v.blockPoints(b, x)
		if err != nil {
			return nil, err
		}
		for _, q := range points {
			if t := b.meta.start + int64(q.tick); t > v.lo && t <= v.hi {
				out = append(out, change{t, q.value})
			}
		}
	}
	for c := p.after(v.lo); c.next() && c.tick <= v.hi; {
		out = append(out, change{c.tick, c.value})
	}
	return out, nil
}

// valueAt returns a gauge's last value at or before a tick, observed since or not; ok is false before its first.
func (v *view) valueAt(p *probe, tick int64) (value int64, ok bool, err error) {
	if value, ok := p.head.valueAt(tick); ok {
		return value, true, nil
	}
	if tick >= v.sealedEnd {
		return p.base, p.sealed, nil
	}
	n := sort.Search(len(v.cover), func(i int) bool { return v.cover[i].meta.start > tick })
	if n == 0 { // nobody told anything in what would be the first block
		return v.valueStill(p, tick, n)
	}
	b := v.cover[n-1]
	x, err := v.entry(n-1, p.key)
	if err != nil {
		return 0, false, err
	}
	if x == nil {
		return v.valueStill(p, tick, n)
	}
	if tick >= b.meta.end {
		return x.last, true, nil
	}
	if x.samples > 0 {
		points, err := v.blockPoints(b, x)
		if err != nil {
			return 0, false, err
		}
		i := sort.Search(len(points), func(i int) bool { return b.meta.start+int64(points[i].tick) > tick })
		if i > 0 {
			return points[i-1].value, true, nil
		}
	}
	return x.base, x.based, nil
}

// valueStill returns a gauge's level at a tick in whose block, the one before the n-th, it did not change, or that is
// before the first block: a block has only what changed in it, so the next that has the gauge says where it stood, or
// else the dictionary. Where what was between is lost, the last block that had it says so; where there too, nobody can.
func (v *view) valueStill(p *probe, tick int64, n int) (value int64, ok bool, err error) {
	for i, b := range v.cover[n:] {
		if touches(v.damage, tick, b.meta.start) {
			return v.valueSince(p, tick, n)
		}
		if x, err := v.entry(n+i, p.key); err != nil || x != nil {
			return x.level(err)
		}
	}
	if touches(v.damage, tick, v.sealedEnd) {
		return v.valueSince(p, tick, n)
	}
	return p.base, p.sealed, nil
}

// level returns a gauge's level at the start of a block.
func (x *indexEntry) level(err error) (int64, bool, error) {
	if err != nil {
		return 0, false, err
	}
	return x.base, x.based, nil
}

// valueSince returns the level that a gauge had when it last changed before the block before the n-th; ok is false when
// it may have changed since.
func (v *view) valueSince(p *probe, tick int64, n int) (value int64, ok bool, err error) {
	for i, b := range slices.Backward(v.cover[:max(n-1, 0)]) {
		if touches(v.damage, b.meta.start, tick) {
			break
		}
		x, err := v.entry(i, p.key)
		if err != nil {
			return 0, false, err
		}
		if x != nil {
			return x.last, true, nil
		}
	}
	return 0, false, nil
}

// levels returns gauges at an instant; parallel to keys.
func (e *engine) levels(ctx context.Context, at time.Time, keys []seriesKey) ([]lineage.Level, error) {
	e.mu.RLock()
	tick := e.floor(at)
	tick = e.down(e.tierOf(max(tick-1, 0)), tick)
	e.mu.RUnlock()
	v, probes, err := e.viewOfSeries(ctx, max(tick-1, 0), tick, keys)
	if err != nil {
		return nil, err
	}
	defer v.end()
	out := make([]lineage.Level, len(keys))
	for i, p := range probes {
		if p == nil || p.key.Metric.Counter() {
			continue
		}
		if out[i], err = v.level(p); err != nil {
			return nil, fmt.Errorf("level of %s of subject %d: %w", p.key.Metric, p.key.Subject, err)
		}
	}
	return out, nil
}

// level returns a gauge at the window's last tick.
func (v *view) level(p *probe) (l lineage.Level, err error) {
	err = v.parts(p, func(lo, hi int64, r *runs) {
		if hi == v.hi {
			l.OK = r.carried(hi, p.access)
		}
	})
	if err != nil || !l.OK {
		return lineage.Level{}, err
	}
	l.Value, l.OK, err = v.valueAt(p, v.hi)
	if l.OK = l.OK && l.Value != lineage.Unknown; !l.OK {
		l.Value = 0
	}
	return l, err
}
