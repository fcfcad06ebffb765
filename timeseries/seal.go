package timeseries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Maintain implements Store.
func (e *engine) Maintain(ctx context.Context, now time.Time) error {
	e.maintain.Lock()
	defer e.maintain.Unlock()
	err := e.tidy(ctx, e.believed(now))
	if ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		e.trouble(tidying, err)
	}
	return err
}

// tidy is Maintain. It needs the maintain lock.
func (e *engine) tidy(ctx context.Context, now time.Time) error {
	e.commit.Lock() // the journal's methods need it
	err := e.room()
	e.commit.Unlock()
	if err != nil {
		return fmt.Errorf("maintain: %w", err)
	}
	if err := e.bury(); err != nil {
		return err
	}
	if err := e.verifySome(verifyAtOnce); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if err := e.mend(); err != nil {
		return fmt.Errorf("write anew: %w", err)
	}
	changed := e.dirty.Swap(false) || e.unsaved
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		sealed, err := e.sealNext(e.floor(now))
		if err != nil {
			return fmt.Errorf("seal: %w", err)
		}
		if !sealed {
			break
		}
		changed = true
	}
	remade, err := e.remake(ctx)
	if err != nil {
		return fmt.Errorf("settle anew: %w", err)
	}
	changed = changed || remade
	for t := minuteTier; t <= hourTier; t++ {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			rolled, err := e.rollNext(ctx, t, e.floor(now))
			if err != nil {
				return fmt.Errorf("roll up: %w", err)
			}
			if !rolled {
				break
			}
			changed = true
		}
	}
	if e.retire(now) {
		changed = true
	}
	away, err := e.putAway(now)
	if err == nil {
		err = e.keepRosters()
	}
	if err != nil {
		return fmt.Errorf("put away silent subjects: %w", err)
	}
	if changed = changed || away; !e.persistent {
		return e.dropDead()
	} else if !changed {
		return nil
	}
	e.unsaved = true
	if err := e.save(); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	e.unsaved = false
	return e.dropDead()
}

// sealing is what the head held of a block when it was closed to appends.
type sealing struct {
	start, end int64
	series     []sealingSeries
	rounds     map[uint16]*sourceRounds
	marks      map[int64]*marks // copies of sightings
	noted      []noted          // by tick: what advances say, and is not marked yet
	pending    int              // how much that is
	events     []dated
	words      *blockWords
	details    *blockDetails
}

// notedAtOnce is how much is noted before it is marked: some hundred kilobytes.
const notedAtOnce = 1 << 16

type sealingSeries struct {
	series *series
	probe  probe
	src    uint16
}

// reaches reports whether a later advance may mark ticks up to end.
func (x *sealingSeries) reaches(end int64) bool {
	return x.probe.key.Metric.Moves() && x.probe.head.firstTick()-x.probe.head.maxSpan < end
}

// sealNext seals the oldest raw block of the head if it is old enough.
func (e *engine) sealNext(now int64) (bool, error) {
	e.mu.RLock()
	first := e.firstInHead()
	e.mu.RUnlock()
	if first == never {
		return false, nil
	}
	start := e.block(rawTier, first)
	w := e.newBlock(rawTier, start)
	if now <= w.b.meta.end+e.sealTicks {
		return false, nil
	}
	e.closeUntil(w.b.meta.end)
	s := e.take(start, w.b.meta.end)
	if err := w.begin(); err != nil {
		return false, err
	}
	for i := range s.series {
		x := &s.series[i]
		if entry, points := s.column(x); len(points) > 0 { // what did not change is not in the block, see valueAt
			if err := w.add(entry, points); err != nil {
				return false, err
			}
		}
		e.markAll(&s, x)
	}
	s.markNoted()
	union, all := collect(s.marks)
	w.words, w.details = s.words, s.details
	b, err := w.finish(s.rounds, union, all, s.events)
	if err != nil {
		return false, err
	}
	e.cut(b)
	return true, nil
}

// closeUntil makes appends refuse rounds up to a tick.
func (e *engine) closeUntil(tick int64) {
	e.commit.Lock()
	defer e.commit.Unlock()
	e.decide(tick)
	e.refuse = max(e.refuse, tick)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledgers.closed = max(e.ledgers.closed, tick)
}

// firstInHead needs mu.
func (e *engine) firstInHead() int64 {
	first := int64(never)
	for _, s := range e.sources {
		if len(s.head) > 0 {
			first = min(first, s.head[0].tick)
		}
	}
	return first
}

// take fetches what a block is made of. Nothing of it changes any more, since appends to it are refused.
func (e *engine) take(start, end int64) sealing {
	s := sealing{start: start, end: end, rounds: map[uint16]*sourceRounds{}, marks: map[int64]*marks{}}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, x := range e.sources {
		n, _ := findRound(x.head, end+1)
		if n > 0 || x.before.tick > 0 {
			s.rounds[x.id] = &sourceRounds{before: x.before, rounds: x.head[:n]}
		}
	}
	for t, m := range e.sightings {
		if t <= end {
			c := &marks{}
			c.or(m)
			s.marks[t] = c
		}
	}
	s.words, s.details = e.takeWords(end), e.takeDetails(end)
	for _, x := range e.events {
		if x.tick <= end {
			s.events = append(s.events, x)
		}
	}
	var room heads
	for x := range e.subjects.all() {
		for _, y := range x.series {
			if !y.head.any() {
				continue
			}
			z := sealingSeries{series: y, probe: e.probeValue(y, &room)}
			if y.src != nil {
				z.src = y.src.id
			}
			s.series = append(s.series, z)
		}
	}
	s.series = slices.DeleteFunc(s.series, func(x sealingSeries) bool {
		return x.probe.head.firstTick() > end && !x.reaches(end)
	})
	slices.SortFunc(s.series, func(a, b sealingSeries) int { return compareKeys(a.probe.key, b.probe.key) })
	return s
}

// column makes a series' part of a block.
func (s *sealing) column(x *sealingSeries) (indexEntry, []point) {
	p := &x.probe
	entry := indexEntry{key: p.key, src: x.src, based: p.sealed, base: p.base, last: p.base}
	counter := p.key.Metric.Counter()
	points := make([]point, 0, p.head.upTo(s.end))
	for y := p.after(0); y.next() && y.tick <= s.end; {
		q := point{value: y.value, tick: int32(y.tick - s.start), span: y.span}
		if counter {
			q.value = advance(y.before, y.value)
		}
		if y.estimated {
			q.span = -q.span
		}
		points = append(points, q)
		entry.src, entry.last = y.src, y.value
	}
	return entry, points
}

// markAll notes what a counter's advances say, also those of later rounds that reach back into the block, and marks it
// when it is much.
func (e *engine) markAll(s *sealing, x *sealingSeries) {
	if !x.probe.key.Metric.Moves() {
		return
	}
	if s.noted == nil {
		s.noted = make([]noted, s.end-s.start)
	}
	x.probe.headSteps(s.start, s.end, func(y step) bool {
		if y.delta == 0 {
			return true
		}
		r := e.marked(y.from, y.tick)
		for t := max(r.a, s.start) + 1; t <= min(r.b, s.end); t++ {
			s.noted[t-s.start-1].note(x.probe.key)
			s.pending++
		}
		return true
	})
	if s.pending >= notedAtOnce {
		s.markNoted()
	}
}

// markNoted marks what was noted.
func (s *sealing) markNoted() {
	for i := range s.noted {
		n := &s.noted[i]
		if len(n.moved) == 0 {
			continue
		}
		m := s.marks[s.start+1+int64(i)]
		if m == nil {
			m = &marks{}
			s.marks[s.start+1+int64(i)] = m
		}
		m.take(n)
		n.forget()
	}
	s.pending = 0
}

// collect returns the union of marks, and them sorted.
func collect(by map[int64]*marks) (*marks, []tickMarks) {
	var union marksUnion
	all := make([]tickMarks, 0, len(by))
	for t, m := range by {
		union.add(m)
		all = append(all, tickMarks{t, *m})
	}
	slices.SortFunc(all, func(a, b tickMarks) int { return cmp.Compare(a.tick, b.tick) })
	return union.marks(), all
}

// cut puts a sealed block in the place of what the head held of it.
func (e *engine) cut(b *block) {
	end := b.meta.end
	e.mu.Lock()
	defer e.mu.Unlock()
	for x := range e.subjects.all() {
		e.cutSubject(x, end)
	}
	e.misses = map[string]*missing{}
	for _, x := range e.sources {
		n, _ := findRound(x.head, end+1)
		if n > 0 {
			x.before = x.head[n-1].anchor
			x.head = slices.Clone(x.head[n:])
		}
		for _, r := range x.head {
			if r.miss != nil {
				e.misses[r.miss.code] = r.miss
			}
		}
	}
	for t := range e.sightings {
		if t <= end {
			delete(e.sightings, t)
		}
	}
	e.events = slices.DeleteFunc(slices.Clone(e.events), func(x dated) bool { return x.tick <= end })
	e.sealed = end
	e.tiers[rawTier].sealed = end
	e.tiers[rawTier].blocks = append(slices.Clip(e.tiers[rawTier].blocks), b)
	e.trimFacts(end, 0) // what is beyond retention goes with the blocks, when answers change anyway
	e.ledgers.forgetSealed(end)
	for _, keys := range e.positions {
		for k, p := range keys {
			if p.value == nil && p.tick <= end {
				delete(keys, k)
			}
		}
	}
	e.reach.Store(0)
	e.layout++
	e.publish()
}

// cutSubject needs mu for writing.
func (e *engine) cutSubject(x *subject, end int64) {
	for _, p := range x.supports {
		if p.sealDetails(end); p.sealed != never {
			continue
		}
		if p.sighted <= end {
			p.sealed = p.sighted
		}
		for _, s := range x.series {
			if s.key.Evidence == p.kind {
				if t, ok := e.oldestMark(s, 0, end); ok {
					p.sealed = min(p.sealed, t)
				}
			}
		}
	}
	for _, s := range x.series {
		if s.key.Metric == lineage.Linked && s.head.any() && s.head.firstTick() <= end {
			_, s.since = s.stands(end)
		}
		s.drop(end, e.sources)
	}
}

// retire drops blocks beyond retention that the next tier holds, and subjects that no block knows any more. It reports
// whether it did.
func (e *engine) retire(now time.Time) bool {
	whose := e.whoseGo(e.floor(now.Add(-e.retention.Hour)))
	e.commit.Lock() // who a round names stays until it is applied
	defer e.commit.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	changed := false
	for t, keep := range [tiers]time.Duration{e.retention.Raw, e.retention.Minute, e.retention.Hour} {
		x := &e.tiers[t]
		until := e.floor(now.Add(-keep))
		if t < hourTier {
			until = min(until, e.tiers[t+1].sealed)
		}
		n := 0
		for n < len(x.blocks) && x.blocks[n].meta.end <= until {
			n++
		}
		if n == 0 {
			continue
		}
		x.floor = x.blocks[n-1].meta.end
		e.doomed = append(e.doomed, x.blocks[:n]...)
		x.blocks = slices.Clone(x.blocks[n:])
		changed = true
		if t == hourTier {
			e.trimFacts(e.sealed, x.floor)
			e.touch(0)
		}
	}
	floor, gone := e.tiers[hourTier].floor, false
	e.lost = slices.DeleteFunc(slices.Clone(e.lost), func(x lostSpan) bool { return x.b <= floor })
	e.retireDead(floor, whose)
	rested := unsure{last: e.sealed}
	for s := range e.subjects.all() {
		if s.last <= floor {
			rested.add(s)
			e.subjects.remove(s)
			e.entries.remove(&s.entry.access)
			changed, gone = true, true
		}
	}
	e.retired(rested)
	if changed {
		e.listAll()
		e.layout++
		e.publish()
	}
	if gone {
		e.index()
	}
	return changed
}

// bury deletes the blocks that the saved state stopped to name the last time: not before, since a crash brings back the
// state before; and a query that began earlier may have been reading them.
func (e *engine) bury() error {
	e.mu.Lock()
	buriable := e.buriable
	e.buriable = nil
	if !e.persistent {
		e.buriable, e.doomed = e.doomed, nil
	}
	e.mu.Unlock()
	for i, b := range buriable {
		if err := e.vault.drop(b.file()); err != nil {
			e.mu.Lock()
			e.buriable = append(e.buriable, buriable[i:]...)
			e.mu.Unlock()
			return fmt.Errorf("drop block of tier %d at tick %d: %w", b.tier, b.meta.start, err)
		}
		e.cache.forget(b.tier, b.meta.start, b.revision)
	}
	return nil
}
