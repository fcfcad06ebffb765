package storetest

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// model answers from the plain list of observations, tick by tick, in the most obvious way. It is what the stores are
// compared with.
type model struct {
	tick time.Duration
	// forgot is up to where the store does not keep what details were before, see Subject.Forgot
	forgot time.Time
	obs    []lineage.Observation // each (Source, Round) once, by round

	// The same by who tells and of whom, since the obvious way is slow.
	bySource map[lineage.Source]*modelSource
	byAccess map[lineage.Access]*modelAccess
	all      []*modelAccess // in the order in which they were named
}

// modelSource is what one source observed.
type modelSource struct {
	obs     []lineage.Observation // by round
	longest time.Duration         // interval
	offs    map[int64]float64     // by tick, what was computed before
}

// modelAccess is what was told of an access, by round.
type modelAccess struct {
	lineage.Access
	first     time.Time // round that named it
	series    map[seriesOf]*modelSeries
	keys      []Key
	sightings []modelSighting
	// What was computed before.
	seen   map[seenAt]bool
	marked map[int64]modelMarks
}

type seriesOf struct {
	lineage.Metric
	lineage.EvidenceKind
}

type seenAt struct {
	src *modelSource
	at  int64
}

type modelSighting struct {
	round  time.Time
	kind   lineage.EvidenceKind
	moved  bool
	detail string
}

type modelMarks struct {
	moved bool
	kinds [lineage.EvidenceKinds]bool
}

type modelSeries struct {
	steps []modelStep
	src   *modelSource // of the newest
	total int64
}

func memo[K comparable, V any](m map[K]V, k K, f func() V) V {
	v, ok := m[k]
	if !ok {
		v = f()
		m[k] = v
	}
	return v
}

func newModel(tick time.Duration, obs []lineage.Observation) *model {
	m := &model{tick: tick, bySource: map[lineage.Source]*modelSource{}, byAccess: map[lineage.Access]*modelAccess{}}
	type roundOf struct {
		lineage.Source
		at int64
	}
	held := map[roundOf]bool{}
	for _, o := range obs {
		if k := (roundOf{o.Source, o.Round.UnixNano()}); !held[k] {
			held[k] = true
			m.obs = append(m.obs, o)
		}
	}
	sort.SliceStable(m.obs, func(i, j int) bool { return m.obs[i].Round.Before(m.obs[j].Round) })
	for i := range m.obs {
		m.note(&m.obs[i])
	}
	return m
}

func (m *model) note(o *lineage.Observation) {
	src := memo(m.bySource, o.Source, func() *modelSource { return &modelSource{offs: map[int64]float64{}} })
	src.obs, src.longest = append(src.obs, *o), max(src.longest, o.Interval)
	access := func(a lineage.Access) *modelAccess {
		return memo(m.byAccess, a, func() *modelAccess {
			x := &modelAccess{Access: a, first: o.Round, series: map[seriesOf]*modelSeries{}, seen: map[seenAt]bool{}, marked: map[int64]modelMarks{}}
			m.all = append(m.all, x)
			return x
		})
	}
	for i := range o.Samples {
		s := &o.Samples[i]
		x := access(s.Subject)
		y := memo(x.series, seriesOf{s.Metric, s.Evidence}, func() *modelSeries {
			x.keys = append(x.keys, Key{s.Subject, s.Metric, s.Evidence})
			return &modelSeries{}
		})
		since := s.Since.Truncate(m.tick)
		if s.Since.IsZero() {
			since = o.Round.Add(-o.Interval)
		}
		y.steps = append(y.steps, modelStep{since, o.Round, max(s.Value-y.total, 0), s.Value, s.Estimated})
		y.total, y.src = s.Value, src
	}
	for i := range o.Sightings {
		s := &o.Sightings[i]
		x := access(s.Access)
		x.sightings = append(x.sightings, modelSighting{o.Round, s.Evidence, s.Moved, s.Detail})
	}
}

// ticks returns the rounds r with Start < r ≤ End.
func (m *model) ticks(w lineage.Window) []time.Time {
	var out []time.Time
	for r := w.Start.Add(m.tick); !r.After(w.End); r = r.Add(m.tick) {
		out = append(out, r)
	}
	return out
}

func covers(o lineage.Observation, r time.Time) bool {
	return !o.Round.Before(r) && o.Round.Add(-o.Interval).Before(r)
}

func misses(o lineage.Observation, a lineage.Access) bool {
	for _, x := range o.Missing {
		if x.All || slices.Contains(x.Topics, a.Topic) || a.Client.Group != "" && slices.Contains(x.Groups, lineage.GroupRef{Cluster: a.Topic.Cluster, Group: a.Client.Group}) {
			return true
		}
	}
	return false
}

func (m *model) observed(src *modelSource, x *modelAccess, r time.Time) bool {
	return memo(x.seen, seenAt{src, r.UnixNano()}, func() bool {
		i := sort.Search(len(src.obs), func(i int) bool { return !src.obs[i].Round.Before(r) })
		for ; i < len(src.obs) && src.obs[i].Round.Add(-src.longest).Before(r); i++ {
			if covers(src.obs[i], r) && !misses(src.obs[i], x.Access) {
				return true
			}
		}
		return false
	})
}

// carried is observed, or the source's next reading is not due yet.
func (m *model) carried(src *modelSource, x *modelAccess, r time.Time) bool {
	newest := src.obs[len(src.obs)-1]
	return m.observed(src, x, r) || r.After(newest.Round) && !r.After(newest.Round.Add(newest.Interval)) && !misses(newest, x.Access)
}

// offset returns the real reading's distance from an instant, interpolated between rounds.
func (m *model) offset(src *modelSource, r time.Time) float64 {
	return memo(src.offs, r.UnixNano(), func() float64 { return findOffset(src, r) })
}

func findOffset(src *modelSource, r time.Time) float64 {
	var before, after *lineage.Observation
	for i := range src.obs {
		o := &src.obs[i]
		if !o.Round.After(r) {
			before = o
		}
		if !o.Round.Before(r) && after == nil {
			after = o
		}
	}
	off := func(o *lineage.Observation) float64 {
		if slices.ContainsFunc(o.Missing, func(x lineage.Missing) bool { return x.All }) {
			return 0 // nothing was read
		}
		return o.At.Sub(o.Round).Seconds()
	}
	switch {
	case before == nil && after == nil:
		return 0
	case before == nil:
		return off(after)
	case after == nil || before.Round.Equal(after.Round):
		return off(before)
	}
	return off(before) + (off(after)-off(before))*r.Sub(before.Round).Seconds()/after.Round.Sub(before.Round).Seconds()
}

// step is one advance, or one reading of a gauge.
type modelStep struct {
	since, round time.Time
	delta, value int64
	estimated    bool
}

func (s modelStep) covers(r time.Time) bool { return s.since.Before(r) && !s.round.Before(r) }

func (s modelStep) ticks(tick time.Duration) float64 { return float64(s.round.Sub(s.since) / tick) }

// of returns what was told of a series; no steps where there is none.
func (m *model) of(k Key) (*modelAccess, *modelSeries) {
	x := m.byAccess[k.Access]
	if x == nil {
		return nil, &modelSeries{}
	}
	if y := x.series[seriesOf{k.Metric, k.Evidence}]; y != nil {
		return x, y
	}
	return x, &modelSeries{}
}

// pendingAt reports whether the reader's progress in a tick is not known.
func (m *model) pendingAt(k Key, r time.Time) bool {
	_, y := m.of(k)
	return m.waits(k, r) && !slices.ContainsFunc(y.steps, func(s modelStep) bool { return s.covers(r) })
}

// moreAt reports whether a reader may have read more up to an instant than it had committed by then, and no later
// commit reaches back over the instant.
func (m *model) moreAt(k Key, r time.Time) bool {
	_, y := m.of(k)
	return m.waits(k, r) && !slices.ContainsFunc(y.steps, func(s modelStep) bool { return s.covers(r) && s.round.After(r) })
}

// waits reports whether the source of a counter said last that the reader may have read more.
func (m *model) waits(k Key, r time.Time) bool {
	_, y := m.of(k)
	_, gauge := m.of(Key{k.Access, lineage.Pending, lineage.NoEvidence})
	if len(gauge.steps) == 0 || y.src != gauge.src {
		return false
	}
	level := int64(0)
	for _, g := range gauge.steps {
		if !g.round.After(r) {
			level = g.value
		}
	}
	return level == 1
}

// isDue reports whether the source of a counter has not looked in a tick and need not have yet, and no reading reaches
// over it.
func (m *model) isDue(k Key, r time.Time) bool {
	x, y := m.of(k)
	return !m.observed(y.src, x, r) && m.carried(y.src, x, r) && !slices.ContainsFunc(y.steps, func(s modelStep) bool { return s.covers(r) })
}

// pending returns the ticks at a window's end in which the reader's progress is not known.
func (m *model) pending(k Key, w lineage.Window) map[int64]bool {
	out := map[int64]bool{}
	for _, r := range slices.Backward(m.ticks(w)) {
		if !m.pendingAt(k, r) {
			break
		}
		out[r.UnixNano()] = true
	}
	return out
}

func (m *model) amount(k Key, w lineage.Window) lineage.Amount { return m.part(k, w, m.pending(k, w)) }

// part is amount of a part of a window, of which some ticks are pending.
func (m *model) part(k Key, w lineage.Window, still map[int64]bool) lineage.Amount {
	x, y := m.of(k)
	if len(y.steps) == 0 || !k.Metric.Counter() {
		return lineage.Amount{}
	}
	var a lineage.Amount
	for _, s := range y.steps {
		if from := s.round.Add(-time.Duration(s.ticks(m.tick)) * m.tick); s.round.After(w.Start) && from.Before(w.End) && (from.Before(w.Start) || s.round.After(w.End)) {
			a.Shared += float64(s.delta)
		} else if s.round.After(w.Start) && from.Before(w.End) {
			a.Within += float64(s.delta)
		}
		if s.round.After(w.Start) && !s.round.After(w.End) {
			a.Told += float64(s.delta)
		}
	}
	seconds := 0.0
	for _, r := range m.ticks(w) {
		seen := m.observed(y.src, x, r)
		if seen && !still[r.UnixNano()] { // pending is as if not observed
			seconds += m.tick.Seconds() + m.offset(y.src, r) - m.offset(y.src, r.Add(-m.tick))
		}
		for _, s := range y.steps {
			if s.covers(r) {
				a.Total += float64(s.delta) / s.ticks(m.tick)
				a.Estimated = a.Estimated || s.estimated
				if seen {
					a.Observed += float64(s.delta) / s.ticks(m.tick)
				}
			}
		}
		a.Known = a.Known || seen
	}
	a.Known = a.Known || a.Total > 0
	a.ObservedFor = time.Duration(math.Round(seconds * 1e9))
	a.Pending = m.moreAt(k, w.End) || m.isDue(k, w.End)
	return a
}

func (m *model) level(k Key, at time.Time) lineage.Level {
	at = at.Truncate(m.tick)
	x, y := m.of(k)
	var l lineage.Level
	for _, s := range y.steps {
		if !s.round.After(at) {
			l = lineage.Level{Value: s.value, OK: true}
		}
	}
	if k.Metric.Counter() || !l.OK || !m.carried(y.src, x, at) {
		return lineage.Level{}
	}
	return l
}

func (m *model) series(k Key, w lineage.Window, step time.Duration) (out []lineage.Point) {
	x, y := m.of(k)
	for from := w.Start; from.Before(w.End); from = from.Add(step) {
		part := lineage.Window{Start: from, End: from.Add(step)}
		if part.End.After(w.End) {
			part.End = w.End
		}
		p := lineage.Point{At: from}
		if k.Metric.Counter() {
			a := m.part(k, part, m.pending(k, w))
			p.Value, p.OK = a.Rate()
			p.Estimated = a.Estimated
		} else {
			for _, r := range m.ticks(part) {
				if len(y.steps) > 0 && m.carried(y.src, x, r) {
					l := m.level(k, r)
					p.Value, p.OK = float64(l.Value), l.OK
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// marks returns when an access moved, and when each kind of evidence supported it.
func (m *model) marks(a lineage.Access, w lineage.Window) (moved []time.Time, seen [lineage.EvidenceKinds][]time.Time) {
	x := m.byAccess[a]
	for _, r := range m.ticks(w) {
		y := memo(x.marked, r.UnixNano(), func() modelMarks { return m.marksAt(x, r) })
		if y.moved {
			moved = append(moved, r)
		}
		for k, ok := range y.kinds {
			if ok && k > 0 {
				seen[k] = append(seen[k], r)
			}
		}
	}
	return moved, seen
}

// detail returns what was said of an access last up to an instant, by a kind of evidence; of two in one round the
// lesser.
func (m *model) detail(a lineage.Access, k lineage.EvidenceKind, until time.Time) (detail string) {
	var at time.Time
	for _, s := range m.byAccess[a].sightings {
		switch {
		case s.kind != k || s.detail == "" || s.round.After(until):
		case s.round.After(at), s.round.Equal(at) && s.detail < detail:
			at, detail = s.round, s.detail
		}
	}
	return detail
}

func (m *model) marksAt(x *modelAccess, r time.Time) (out modelMarks) {
	for _, s := range x.sightings {
		if s.round.Equal(r) {
			out.kinds[s.kind] = true
			out.moved = out.moved || s.moved
		}
	}
	for k, y := range x.series {
		for _, s := range y.steps {
			if k.Counter() && s.delta > 0 && s.covers(r) && (s.round.Sub(s.since) <= 10*time.Minute || s.round.Equal(r)) {
				out.moved = true
				out.kinds[k.EvidenceKind] = true
			}
		}
	}
	return out
}

func (m *model) unobserved(a lineage.Access, w lineage.Window) bool {
	x := m.byAccess[a]
	for _, y := range x.observing() {
		for _, r := range m.ticks(w) {
			if m.observed(y.src, x, r) {
				return false
			}
		}
	}
	return true
}

// observing are the series whose sources observe an access: of a topic that which says that it grows.
func (x *modelAccess) observing() map[seriesOf]*modelSeries {
	grows := seriesOf{lineage.Appended, lineage.NoEvidence}
	if y := x.series[grows]; y != nil && x.Op == lineage.OpNone {
		return map[seriesOf]*modelSeries{grows: y}
	}
	return x.series
}

// open reports whether no source that writes a series of an access saw it at an instant, or need not have yet.
func (m *model) open(a lineage.Access, at time.Time) bool {
	x := m.byAccess[a]
	for _, y := range x.observing() {
		if m.carried(y.src, x, at) {
			return false
		}
	}
	return true
}

// coverage returns the observed fraction, and per source and reason the ticks that were missed.
func (m *model) coverage(w lineage.Window, clusters []string) (fraction float64, gaps map[string][]time.Time) {
	gaps = map[string][]time.Time{}
	newest := map[lineage.Source]lineage.Observation{}
	ended := map[string]time.Time{} // newest round of any source of a cluster
	latest := time.Time{}
	for _, o := range m.obs {
		newest[o.Source], ended[o.Source.Cluster], latest = o, o.Round, o.Round
	}
	expected, seen := 0.0, 0.0
	for src, last := range newest {
		if len(clusters) > 0 && !slices.Contains(clusters, src.Cluster) {
			continue
		}
		if !last.Round.After(w.Start) && latest.After(last.Round.Add(2*last.Interval)) {
			continue // switched off since before the window
		}
		for _, r := range m.ticks(w) {
			due := last.Round.Add(last.Interval) // a round may take up to a tick to come, unless others have ended it
			if r.After(last.Round) && (w.End.Before(due) || w.End.Equal(due) && ended[src.Cluster].Before(due)) {
				// not due; where the newest saw nothing, nothing is known until it is
				if all := slices.ContainsFunc(last.Missing, func(x lineage.Missing) bool { return x.All }); all {
					expected++
					for _, x := range last.Missing {
						gaps[src.String()+"|"+x.Reason] = append(gaps[src.String()+"|"+x.Reason], r)
					}
				}
				continue
			}
			expected++
			best, covered := 0.0, false
			var why []lineage.Missing
			for _, o := range m.obs {
				if o.Source != src || !covers(o, r) {
					continue
				}
				share := 0.0
				for _, x := range o.Missing {
					if x.All {
						x.Share = 1
					}
					share += x.Share
				}
				if part := 1 - min(share, 1); !covered || part > best || len(o.Missing) == 0 {
					best, why, covered = part, o.Missing, true
				}
			}
			seen += best
			if !covered {
				gaps[src.String()+"|nothing"] = append(gaps[src.String()+"|nothing"], r)
			}
			for _, x := range why {
				gaps[src.String()+"|"+x.Reason] = append(gaps[src.String()+"|"+x.Reason], r)
			}
		}
	}
	if expected == 0 {
		return 1, gaps
	}
	return seen / expected, gaps
}
