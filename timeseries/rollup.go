package timeseries

import (
	"context"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// rollNext makes the next block of a coarser tier out of the finer one, once all that belongs into it is sealed.
func (e *engine) rollNext(ctx context.Context, tier int, now int64) (bool, error) {
	e.mu.RLock()
	children := e.tiers[tier-1].blocks
	i := sort.Search(len(children), func(i int) bool { return children[i].meta.start >= e.tiers[tier].sealed })
	e.mu.RUnlock()
	if i == len(children) {
		return false, nil
	}
	w := e.newBlock(tier, e.block(tier, children[i].meta.start+1))
	start, end := w.b.meta.start, w.b.meta.end
	wait := e.sealTicks
	if tier == hourTier {
		wait += e.stepTicks[hourTier] // a round that ends in the next step may reach into the last of this block
	}
	if now <= end+wait {
		return false, nil
	}
	if tier == hourTier && e.pending(minuteTier, end) {
		return false, nil
	}
	e.closeUntil(end)
	j := i
	for j < len(children) && children[j].meta.start < end {
		j++
	}
	if err := w.begin(); err != nil {
		return false, err
	}
	r := rollup{e: e, w: w, children: children[i:j], step: e.stepTicks[tier]}
	b, err := r.run(ctx, start, end)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tiers[tier].blocks = append(slices.Clip(e.tiers[tier].blocks), b)
	e.tiers[tier].sealed = end
	e.layout++
	e.touch(start) // a step in the tier says less than the ticks that it was made of
	e.publish()
	return true, nil
}

// pending reports whether finer blocks before a tick still wait to be rolled up into a tier.
func (e *engine) pending(tier int, end int64) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return slices.ContainsFunc(e.tiers[tier-1].blocks, func(b *block) bool { return b.meta.start >= e.tiers[tier].sealed && b.meta.start < end })
}

// rollup makes one block out of finer ones.
type rollup struct {
	e        *engine
	w        *blockWriter
	children []*block
	step     int64 // ticks of the coarser tier
	// What is said in the children.
	details []*blockDetails
	reasons []*blockReasons
	// Why a source has no round where it has none.
	sources map[lineage.Source]*sourceCoverage
	running []tickRange
}

func (r *rollup) up(tick int64) int64 { return (tick + r.step - 1) / r.step * r.step }

func (r *rollup) run(ctx context.Context, start, end int64) (*block, error) {
	for _, c := range r.children {
		d, err := r.e.blockDetails(c)
		if err != nil {
			return nil, err
		}
		why, err := r.e.blockReasons(c)
		if err != nil {
			return nil, err
		}
		r.details, r.reasons = append(r.details, d), append(r.reasons, why)
	}
	r.w.details = joinDetails(r.details, r.up)
	if err := r.series(ctx); err != nil {
		return nil, err
	}
	rounds, err := r.rounds(ctx, start, end)
	if err != nil {
		return nil, err
	}
	unions := map[int64]*marksUnion{}
	var events []dated
	for _, c := range r.children {
		err := r.e.blockMarks(c, c.meta.start, c.meta.end, func(t int64, m *marks) bool {
			t = r.up(t)
			if unions[t] == nil {
				unions[t] = &marksUnion{}
			}
			unions[t].add(m)
			return true
		})
		if err != nil {
			return nil, err
		}
		if c.meta.events > 0 {
			x, err := r.e.blockEvents(c)
			if err != nil {
				return nil, err
			}
			events = append(events, x...)
		}
	}
	sortLarge(events, compareEvents)
	by := make(map[int64]*marks, len(unions))
	for t, u := range unions {
		by[t] = u.marks()
	}
	union, all := collect(by)
	return r.w.finish(rounds, union, all, events)
}

// series merges the series of all children, by key.
func (r *rollup) series(ctx context.Context) error {
	r.e.mu.RLock()
	damage := r.e.damage() // a gauge may have changed in what is lost
	r.e.mu.RUnlock()
	indexes := make([][]indexEntry, len(r.children))
	for i, c := range r.children {
		index, err := r.e.blockIndex(c)
		if err != nil {
			return err
		}
		indexes[i] = index
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var key seriesKey
		found := false
		for _, x := range indexes {
			if len(x) > 0 && (!found || compareKeys(x[0].key, key) < 0) {
				key, found = x[0].key, true
			}
		}
		if !found {
			return nil
		}
		entry := indexEntry{key: key}
		first := true
		var points []point
		var why []stepReasons
		for i, x := range indexes {
			if len(x) == 0 || x[0].key != key {
				continue
			}
			y := &x[0]
			if first {
				entry.based, entry.base, first = y.based && !touches(damage, r.w.b.meta.start, r.children[i].meta.start), y.base, false
			}
			entry.src, entry.last = y.src, y.last
			if y.samples > 0 {
				from, err := r.e.blockPoints(r.children[i], y)
				if err != nil {
					return err
				}
				points = r.merge(points, r.children[i].meta.start, from, key.Metric.Counter())
				if y.estimated {
					why = r.why(why, i, key, from)
				}
			}
			indexes[i] = x[1:]
		}
		r.keepWhy(key, why)
		if err := r.w.add(entry, points); err != nil {
			return err
		}
	}
}

// merge adds points to those of the coarser steps: the last level, or the sum of advances since the earliest Since.
func (r *rollup) merge(out []point, start int64, from []point, counter bool) []point {
	base := r.w.b.meta.start
	for _, p := range from {
		tick := start + int64(p.tick)
		at := r.up(tick)
		width := min(at-(tick-p.width()), maxSpanTicks)
		q := point{value: p.value, tick: int32(at - base), span: int32(width)}
		estimated := p.estimated()
		if n := len(out); n > 0 && out[n-1].tick == q.tick {
			last := out[n-1]
			if counter {
				q.value += last.value
				q.span = int32(max(int64(q.span), last.width()))
				estimated = estimated || last.estimated()
			}
			out = out[:n-1]
		}
		if estimated {
			q.span = -q.span
		}
		out = append(out, q)
	}
	return out
}

// rounds merges each source's rounds into one a step. Those that span a step or more stay as they are.
func (r *rollup) rounds(ctx context.Context, start, end int64) (map[uint16]*sourceRounds, error) {
	var told map[lineage.Source][]expectation
	v, err := r.e.viewTicks(ctx, start, end, func(v *view) {
		v.tier = r.w.b.tier - 1
		v.cover = r.e.cover(v.tier)
		told = expectations(r.e.linesOf(lineage.SourceFacts), end)
	})
	if err != nil {
		return nil, err
	}
	defer v.end()
	if err := r.expect(v, told); err != nil {
		return nil, err
	}
	out := map[uint16]*sourceRounds{}
	pool := map[string]*missing{}
	for id := range v.heads {
		s := &sourceRounds{}
		fast := map[int64]bool{}
		for _, c := range r.children {
			all, err := r.e.blockRounds(c)
			if err != nil {
				return nil, err
			}
			x := all[uint16(id)]
			if x == nil {
				continue
			}
			if len(s.rounds) == 0 && len(fast) == 0 {
				s.before = x.before
			}
			for _, y := range x.rounds {
				if int64(y.span) >= r.step {
					s.rounds = append(s.rounds, y)
				} else {
					fast[r.up(y.tick)] = true
				}
			}
		}
		if len(s.rounds) == 0 && len(fast) == 0 {
			if s.before.tick > 0 {
				out[uint16(id)] = s
			}
			continue
		}
		t, err := v.track(uint16(id))
		if err != nil {
			return nil, err
		}
		for at := range fast {
			if i, there := findRound(s.rounds, at); !there {
				s.rounds = slices.Insert(s.rounds, i, round{anchor: anchor{at, t.offset(at)}, span: int32(r.step), miss: r.missing(t, v.heads[id].name, at, pool)})
			}
		}
		out[uint16(id)] = s
	}
	return out, nil
}

// expect finds out which sources were expected in the block, and when lineaged ran.
func (r *rollup) expect(v *view, told map[lineage.Source][]expectation) error {
	all, err := v.coveredSources(told, func(string) bool { return true })
	if err != nil {
		return err
	}
	r.running, r.sources = v.running(all), make(map[lineage.Source]*sourceCoverage, len(all))
	for _, c := range all {
		r.sources[c.name] = c
	}
	return nil
}

// blank notes why a source has no round in (a, b], and for how many ticks.
func (r *rollup) blank(a, b int64, name lineage.Source, note func(reason string, ticks int64)) {
	left := b - a
	if c := r.sources[name]; c != nil {
		c.gaps, c.open = nil, map[string]int{}
		c.hole(a, b, r.running)
		for _, g := range c.gaps {
			ticks := r.e.floor(g.Window.End) - r.e.floor(g.Window.Start)
			note(g.Reason, ticks)
			left -= ticks
		}
	}
	if left > 0 {
		note(nothingRecorded, left)
	}
}

// missing returns what the rounds of a step missed together; nil when they saw all of it.
func (r *rollup) missing(t *track, name lineage.Source, at int64, pool map[string]*missing) *missing {
	var list []lineage.Missing
	note := func(m lineage.Missing, ticks int64) {
		m.Share *= float64(ticks) / float64(r.step)
		for i := range list {
			if x := &list[i]; x.Reason == m.Reason {
				x.Share = min(x.Share+m.Share, 1)
				x.All = x.All || m.All
				x.Topics = mergeNames(x.Topics, m.Topics)
				x.Groups = mergeNames(x.Groups, m.Groups)
				return
			}
		}
		m.Topics, m.Groups = slices.Clone(m.Topics), slices.Clone(m.Groups)
		list = append(list, m)
	}
	from := at - r.step
	unseen := func(a, b int64) {
		r.blank(a, b, name, func(reason string, ticks int64) {
			note(lineage.Missing{Reason: reason, Share: 1, All: true}, ticks)
		})
	}
	end := from // of what was looked at
	i := sort.Search(len(t.spans), func(i int) bool { return t.spans[i].b > from })
	for ; i < len(t.spans) && t.spans[i].a < at; i++ {
		s := t.spans[i]
		ticks := min(s.b, at) - max(s.a, from)
		if s.a > end {
			unseen(end, s.a)
		}
		end = min(s.b, at)
		if b := best(s.miss); b != nil {
			for _, m := range b.list {
				note(m, ticks)
			}
		}
	}
	if end < at {
		unseen(end, at)
	}
	if len(list) == 0 {
		return nil
	}
	code := encodeMissing(list)
	if pool[code] == nil {
		pool[code] = newMissing(list, code)
	}
	return pool[code]
}

// mergeNames adds what is not there yet.
func mergeNames[T comparable](to, from []T) []T {
	have := make(map[T]bool, len(to))
	for _, x := range to {
		have[x] = true
	}
	for _, x := range from {
		if !have[x] {
			have[x] = true
			to = append(to, x)
		}
	}
	return to
}
