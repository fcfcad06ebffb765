package timeseries_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// model answers from the plain list of observations, tick by tick, in the most obvious way. It is what the stores are compared with.
type model struct {
	tick time.Duration
	obs  []lineage.Observation // each (Source, Round) once, by round

	// What was computed before, since the obvious way is slow.
	byKey  map[modelKey]modelSeries
	seen   map[observedKey]bool
	keysOf map[lineage.Access][]modelKey
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
		tick: tick, byKey: map[modelKey]modelSeries{}, seen: map[observedKey]bool{}, keysOf: map[lineage.Access][]modelKey{}, offs: map[offsetKey]float64{},
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
	off := func(o *lineage.Observation) float64 { return o.At.Sub(o.Round).Seconds() }
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

type modelKey struct {
	access   lineage.Access
	metric   lineage.Metric
	evidence lineage.EvidenceKind
}

func (m *model) steps(k modelKey) ([]modelStep, lineage.Source) {
	x := memo(m.byKey, k, func() modelSeries {
		steps, src := m.findSteps(k)
		return modelSeries{steps, src}
	})
	return x.steps, x.src
}

func (m *model) findSteps(k modelKey) (out []modelStep, src lineage.Source) {
	total := int64(0)
	for _, o := range m.obs {
		for _, s := range o.Samples {
			if s.Subject != k.access || s.Metric != k.metric || s.Evidence != k.evidence {
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
func (m *model) pendingAt(k modelKey, r time.Time) bool {
	steps, src := m.steps(k)
	gauge, by := m.steps(modelKey{k.access, lineage.Pending, lineage.NoEvidence})
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

func (m *model) amount(k modelKey, w lineage.Window) lineage.Amount {
	steps, src := m.steps(k)
	if len(steps) == 0 || !k.metric.Counter() {
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
		seen := m.observed(src, k.access, r)
		if seen {
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
	a.Pending = m.pendingAt(k, w.End)
	return a
}

func (m *model) level(k modelKey, at time.Time) lineage.Level {
	at = at.Truncate(m.tick)
	steps, src := m.steps(k)
	var l lineage.Level
	for _, s := range steps {
		if !s.round.After(at) {
			l = lineage.Level{Value: s.value, OK: true}
		}
	}
	if k.metric.Counter() || !l.OK || !m.carried(src, k.access, at) {
		return lineage.Level{}
	}
	return l
}

func (m *model) series(k modelKey, w lineage.Window, step time.Duration) (out []lineage.Point) {
	steps, src := m.steps(k)
	for from := w.Start; from.Before(w.End); from = from.Add(step) {
		part := lineage.Window{Start: from, End: from.Add(step)}
		if part.End.After(w.End) {
			part.End = w.End
		}
		p := lineage.Point{At: from}
		if k.metric.Counter() {
			told := m.amount(k, part)
			for _, r := range m.ticks(part) { // pending is as if not observed
				if len(steps) > 0 && m.observed(src, k.access, r) && m.pendingAt(k, r) {
					told.ObservedFor -= m.amount(k, lineage.Window{Start: r.Add(-m.tick), End: r}).ObservedFor
				}
			}
			p.Value, p.OK = told.Rate()
		} else {
			for _, r := range m.ticks(part) {
				if len(steps) > 0 && m.carried(src, k.access, r) {
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
			if k.metric.Counter() && s.delta > 0 && s.covers(r) && (s.round.Sub(s.since) <= 10*time.Minute || s.round.Equal(r)) {
				hit = true
				kinds[k.evidence] = true
			}
		}
	}
	return hit, kinds
}

func (m *model) keys(a lineage.Access) []modelKey {
	return memo(m.keysOf, a, func() []modelKey { return m.findKeys(a) })
}

func (m *model) findKeys(a lineage.Access) (out []modelKey) {
	for _, o := range m.obs {
		for _, s := range o.Samples {
			if k := (modelKey{s.Subject, s.Metric, s.Evidence}); s.Subject == a && !slices.Contains(out, k) {
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
				continue // not due
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

// history makes up what sources of two clusters saw: gaps, outages, jitter, resets, late commits, cadences of their own.
func history(r *rand.Rand, start time.Time, tick time.Duration, rounds int) []lineage.Observation {
	var out []lineage.Observation
	for _, cluster := range []string{"west", "east"} {
		topics := make([]lineage.Topic, 3)
		for i := range topics {
			topics[i] = lineage.Topic{Cluster: lineage.ClusterID("id-" + cluster), ID: lineage.TopicID{byte(i + 1)}, Name: string(rune('a' + i))}
		}
		for _, s := range []struct {
			name  string
			every int
			fill  func(*lineage.Observation)
		}{
			{"end-offsets", 1, counters(r, topics, lineage.Write, lineage.ProducerState)},
			{"groups", 1, counters(r, topics, lineage.Read, lineage.GroupOffsets)},
			{"log-dirs", 7, levels(r, topics)},
		} {
			out = append(out, source(r, lineage.Source{Cluster: cluster, Name: s.name}, topics, start, tick, rounds, s.every, s.fill)...)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Round.Before(out[j].Round) })
	return out
}

func source(r *rand.Rand, name lineage.Source, topics []lineage.Topic, start time.Time, tick time.Duration, rounds, every int, fill func(*lineage.Observation)) (out []lineage.Observation) {
	down := 0
	outage := []lineage.Missing(nil)
	for i := every; i <= rounds; i += every {
		if down == 0 && r.IntN(40) == 0 {
			down = 1 + r.IntN(25)
			outage = nil
			switch r.IntN(4) {
			case 0:
				outage = []lineage.Missing{{Reason: "broker 1 did not answer", Share: 0.25, Topics: topics[:1], Groups: []lineage.GroupRef{{Cluster: topics[0].Cluster, Group: "g1"}}}}
			case 1:
				outage = []lineage.Missing{{Reason: "no broker answered", All: true, Share: 1}}
			}
		}
		o := lineage.Observation{Source: name, Round: start.Add(time.Duration(i) * tick), Interval: time.Duration(every) * tick}
		o.At = o.Round.Add(time.Duration(r.IntN(900)) * time.Millisecond)
		if down > 0 {
			down--
			if outage == nil {
				continue
			}
			o.Missing = outage
			if outage[0].All {
				out = append(out, o)
				continue
			}
		}
		fill(&o)
		out = append(out, o)
	}
	return out
}

func counters(r *rand.Rand, topics []lineage.Topic, op lineage.Op, kind lineage.EvidenceKind) func(*lineage.Observation) {
	totals := map[lineage.Access]int64{}
	last := map[lineage.Access]time.Time{}
	return func(o *lineage.Observation) {
		for i, t := range topics {
			for _, c := range []string{"g1", "g2"} {
				a := lineage.Access{Topic: t, Op: op, Client: lineage.Client{ClientID: c}}
				if op == lineage.Read {
					a.Client.Group = c
				}
				if r.IntN(3) > 0 {
					if op == lineage.Read && r.IntN(4) == 0 {
						o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Pending, Value: int64(r.IntN(2))})
					}
					if r.IntN(9) == 0 {
						o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.GroupMembership, Moved: r.IntN(5) == 0, Detail: "member"})
					}
					continue
				}
				totals[a] += int64(r.IntN(1000))
				if r.IntN(30) == 0 {
					totals[a] = int64(r.IntN(10))
				}
				s := lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: kind, Value: totals[a], Estimated: r.IntN(20) == 0}
				if r.IntN(2) == 0 {
					s.Since = last[a]
				}
				last[a] = o.Round
				o.Samples = append(o.Samples, s)
				if op == lineage.Write && i == 0 && c == "g1" {
					o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.Appended, Value: totals[a] / 2})
				}
				if op == lineage.Read {
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: int64(r.IntN(50))},
						lineage.Sample{Subject: a, Metric: lineage.Pending, Value: 0})
				}
			}
		}
	}
}

func levels(r *rand.Rand, topics []lineage.Topic) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		for _, t := range topics {
			if r.IntN(2) == 0 {
				o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.LogBytes, Value: int64(r.IntN(1 << 30))})
			}
		}
	}
}
