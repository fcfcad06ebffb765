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
	obs  []lineage.Observation // each (Source, Round) once, by round

	// What was computed before, since the obvious way is slow.
	byKey  map[Key]modelSeries
	seen   map[observedKey]bool
	keysOf map[lineage.Access][]Key
	offs   map[offsetKey]float64
	marked map[observedKey]modelMarks
}

type modelMarks struct {
	moved bool
	kinds [lineage.EvidenceKinds]bool
}

type modelSeries struct {
	steps []modelStep
	src   lineage.Source
}

type observedKey struct {
	src lineage.Source
	a   lineage.Access
	at  int64
}

type offsetKey struct {
	src lineage.Source
	at  int64
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
	m := &model{
		tick: tick, byKey: map[Key]modelSeries{}, seen: map[observedKey]bool{}, keysOf: map[lineage.Access][]Key{}, offs: map[offsetKey]float64{},
		marked: map[observedKey]modelMarks{},
	}
	for _, o := range obs {
		if !slices.ContainsFunc(m.obs, func(x lineage.Observation) bool { return x.Source == o.Source && x.Round.Equal(o.Round) }) {
			m.obs = append(m.obs, o)
		}
	}
	sort.SliceStable(m.obs, func(i, j int) bool { return m.obs[i].Round.Before(m.obs[j].Round) })
	return m
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

func (m *model) observed(src lineage.Source, a lineage.Access, r time.Time) bool {
	return memo(m.seen, observedKey{src, a, r.UnixNano()}, func() bool {
		return slices.ContainsFunc(m.obs, func(o lineage.Observation) bool { return o.Source == src && covers(o, r) && !misses(o, a) })
	})
}

// carried is observed, or the source's next reading is not due yet.
func (m *model) carried(src lineage.Source, a lineage.Access, r time.Time) bool {
	var newest lineage.Observation
	for _, o := range m.obs {
		if o.Source == src {
			newest = o
		}
	}
	return m.observed(src, a, r) || r.After(newest.Round) && !r.After(newest.Round.Add(newest.Interval)) && !misses(newest, a)
}

// offset returns the real reading's distance from an instant, interpolated between rounds.
func (m *model) offset(src lineage.Source, r time.Time) float64 {
	return memo(m.offs, offsetKey{src, r.UnixNano()}, func() float64 { return m.findOffset(src, r) })
}

func (m *model) findOffset(src lineage.Source, r time.Time) float64 {
	var before, after *lineage.Observation
	for i := range m.obs {
		o := &m.obs[i]
		if o.Source != src {
			continue
		}
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

func (m *model) steps(k Key) ([]modelStep, lineage.Source) {
	x := memo(m.byKey, k, func() modelSeries {
		steps, src := m.findSteps(k)
		return modelSeries{steps, src}
	})
	return x.steps, x.src
}

func (m *model) findSteps(k Key) (out []modelStep, src lineage.Source) {
	total := int64(0)
	for _, o := range m.obs {
		for _, s := range o.Samples {
			if s.Subject != k.Access || s.Metric != k.Metric || s.Evidence != k.Evidence {
				continue
			}
			since := s.Since
			if since.IsZero() {
				since = o.Round.Add(-o.Interval)
			}
			out = append(out, modelStep{since, o.Round, max(s.Value-total, 0), s.Value, s.Estimated})
			total, src = s.Value, o.Source
		}
	}
	return out, src
}

// pendingAt reports whether the reader's progress in a tick is not known.
func (m *model) pendingAt(k Key, r time.Time) bool {
	steps, src := m.steps(k)
	gauge, by := m.steps(Key{k.Access, lineage.Pending, lineage.NoEvidence})
	if len(gauge) == 0 || src != by || slices.ContainsFunc(steps, func(s modelStep) bool { return s.covers(r) }) {
		return false
	}
	level := int64(0)
	for _, g := range gauge {
		if !g.round.After(r) {
			level = g.value
		}
	}
	return level == 1
}

// isDue reports whether the source of a counter has not looked in a tick and need not have yet, and no reading reaches
// over it.
func (m *model) isDue(k Key, r time.Time) bool {
	steps, src := m.steps(k)
	return !m.observed(src, k.Access, r) && m.carried(src, k.Access, r) && !slices.ContainsFunc(steps, func(s modelStep) bool { return s.covers(r) })
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
	steps, src := m.steps(k)
	if len(steps) == 0 || !k.Metric.Counter() {
		return lineage.Amount{}
	}
	var a lineage.Amount
	for _, s := range steps {
		if from := s.round.Add(-time.Duration(s.ticks(m.tick)) * m.tick); s.round.After(w.Start) && from.Before(w.End) && (from.Before(w.Start) || s.round.After(w.End)) {
			a.Shared += float64(s.delta)
		}
	}
	seconds := 0.0
	for _, r := range m.ticks(w) {
		seen := m.observed(src, k.Access, r)
		if seen && !still[r.UnixNano()] { // pending is as if not observed
			seconds += m.tick.Seconds() + m.offset(src, r) - m.offset(src, r.Add(-m.tick))
		}
		for _, s := range steps {
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
	a.Pending = m.pendingAt(k, w.End) || m.isDue(k, w.End)
	return a
}

func (m *model) level(k Key, at time.Time) lineage.Level {
	at = at.Truncate(m.tick)
	steps, src := m.steps(k)
	var l lineage.Level
	for _, s := range steps {
		if !s.round.After(at) {
			l = lineage.Level{Value: s.value, OK: true}
		}
	}
	if k.Metric.Counter() || !l.OK || !m.carried(src, k.Access, at) {
		return lineage.Level{}
	}
	return l
}

func (m *model) series(k Key, w lineage.Window, step time.Duration) (out []lineage.Point) {
	steps, src := m.steps(k)
	for from := w.Start; from.Before(w.End); from = from.Add(step) {
		part := lineage.Window{Start: from, End: from.Add(step)}
		if part.End.After(w.End) {
			part.End = w.End
		}
		p := lineage.Point{At: from}
		if k.Metric.Counter() {
			p.Value, p.OK = m.part(k, part, m.pending(k, w)).Rate()
		} else {
			for _, r := range m.ticks(part) {
				if len(steps) > 0 && m.carried(src, k.Access, r) {
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
	for _, r := range m.ticks(w) {
		x := memo(m.marked, observedKey{a: a, at: r.UnixNano()}, func() modelMarks {
			moved, kinds := m.marksAt(a, r)
			return modelMarks{moved, kinds}
		})
		hit, kinds := x.moved, x.kinds
		if hit {
			moved = append(moved, r)
		}
		for k, ok := range kinds {
			if ok && k > 0 {
				seen[k] = append(seen[k], r)
			}
		}
	}
	return moved, seen
}

func (m *model) marksAt(a lineage.Access, r time.Time) (hit bool, kinds [lineage.EvidenceKinds]bool) {
	for _, o := range m.obs {
		if !o.Round.Equal(r) {
			continue
		}
		for _, s := range o.Sightings {
			if s.Access == a {
				kinds[s.Evidence] = true
				hit = hit || s.Moved
			}
		}
	}
	for _, k := range m.keys(a) {
		steps, _ := m.steps(k)
		for _, s := range steps {
			if k.Metric.Counter() && s.delta > 0 && s.covers(r) && (s.round.Sub(s.since) <= 10*time.Minute || s.round.Equal(r)) {
				hit = true
				kinds[k.Evidence] = true
			}
		}
	}
	return hit, kinds
}

func (m *model) keys(a lineage.Access) []Key {
	return memo(m.keysOf, a, func() []Key { return m.findKeys(a) })
}

func (m *model) findKeys(a lineage.Access) (out []Key) {
	for _, o := range m.obs {
		for _, s := range o.Samples {
			if k := (Key{s.Subject, s.Metric, s.Evidence}); s.Subject == a && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func (m *model) unobserved(a lineage.Access, w lineage.Window) bool {
	for _, k := range m.keys(a) {
		_, src := m.steps(k)
		for _, r := range m.ticks(w) {
			if m.observed(src, a, r) {
				return false
			}
		}
	}
	return true
}

// open reports whether no source that writes a series of an access saw it at an instant, or need not have yet.
func (m *model) open(a lineage.Access, at time.Time) bool {
	for _, k := range m.keys(a) {
		if _, src := m.steps(k); m.carried(src, a, at) {
			return false
		}
	}
	return true
}

// first returns the first round that named an access, zero when none did.
func (m *model) first(a lineage.Access) (first time.Time) {
	for i := range m.obs {
		o := &m.obs[i]
		named := slices.ContainsFunc(o.Samples, func(s lineage.Sample) bool { return s.Subject == a }) ||
			slices.ContainsFunc(o.Sightings, func(s lineage.Sighting) bool { return s.Access == a })
		if named {
			return o.Round
		}
	}
	return first
}

// accesses returns all that were ever named.
func (m *model) accesses() (out []lineage.Access) {
	have := map[lineage.Access]bool{}
	add := func(a lineage.Access) {
		if !have[a] {
			have[a] = true
			out = append(out, a)
		}
	}
	for _, o := range m.obs {
		for _, s := range o.Samples {
			add(s.Subject)
		}
		for _, s := range o.Sightings {
			add(s.Access)
		}
	}
	return out
}

// coverage returns the observed fraction, and per source and reason the ticks that were missed.
func (m *model) coverage(w lineage.Window, clusters []string) (fraction float64, gaps map[string][]time.Time) {
	gaps = map[string][]time.Time{}
	newest := map[lineage.Source]lineage.Observation{}
	latest := time.Time{}
	for _, o := range m.obs {
		newest[o.Source], latest = o, o.Round
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
			if r.After(last.Round) && !w.End.After(last.Round.Add(last.Interval)) {
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
