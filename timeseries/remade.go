package timeseries

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// any reports whether anything was derived of a series in the blocks that were settled anew.
func (s *remadeSeries) any() bool {
	for _, c := range s.columns {
		if len(c.points) > 0 {
			return true
		}
	}
	return false
}

// firstTick returns the oldest tick of what was derived.
func (s *remadeSeries) firstTick(r *remaking) int64 {
	first := int64(never)
	for i, c := range s.columns {
		if len(c.points) > 0 {
			first = min(first, r.blocks[i].meta.start+int64(c.points[0].tick))
		}
	}
	return first
}

// name gives the series that are new their place in the dictionary. Nobody sees them before they are swapped in.
func (r *remaking) name() {
	e := r.e
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range r.topics {
		t.series = slices.DeleteFunc(t.series, func(s *remadeSeries) bool {
			if s.old != nil {
				return false
			}
			if !s.any() {
				return true
			}
			x := e.derivedOf(&s.access, s.metric, s.evidence)
			if x == nil {
				x = e.newDerived(&s.access, s.metric, s.evidence, s.firstTick(r))
			}
			s.key, s.named = x.key, x
			for _, c := range s.columns {
				c.key = x.key
			}
			return !x.derived // a source counts it by itself
		})
	}
}

// write makes the next revisions of the blocks in which something came out otherwise.
func (r *remaking) write(ctx context.Context) error {
	for i := r.first; i <= min(r.end, len(r.blocks)-1); i++ { // the next one is told what stands when it begins
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.writeRaw(i); err != nil {
			return fmt.Errorf("make %s anew: %w", r.blocks[i].file(), err)
		}
	}
	if len(r.next) == 0 {
		return nil
	}
	for t := minuteTier; t <= hourTier; t++ {
		r.e.mu.RLock()
		blocks := r.e.tiers[t].blocks
		r.e.mu.RUnlock()
		for _, b := range blocks {
			if err := r.writeCoarse(ctx, b); err != nil {
				return fmt.Errorf("make %s anew: %w", b.file(), err)
			}
		}
	}
	return nil
}

// made returns a block as it is to be, and whether it was made anew.
func (r *remaking) made(b *block) (*block, bool) {
	if i := slices.Index(r.old, b); i >= 0 {
		return r.next[i], true
	}
	return b, false
}

func (r *remaking) writeRaw(i int) error {
	e, b := r.e, r.blocks[i]
	changed := map[seriesKey]*column{}
	for _, t := range r.topics {
		for _, s := range t.series {
			now := s.columns[i]
			if now == nil {
				continue
			}
			was, err := r.held(s, i)
			if err != nil {
				return err
			}
			if !now.equal(was) {
				changed[s.key] = now
			}
		}
	}
	by, remarked, err := r.marks(i)
	if err != nil {
		return err
	}
	details, said, err := r.details(i)
	if err != nil || len(changed) == 0 && !remarked && !said {
		return err
	}
	w := e.renewed(b)
	w.details = details
	if w.words, err = e.blockWords(b); err != nil {
		return err
	}
	rounds, err := e.blockRounds(b)
	if err != nil {
		return err
	}
	var events []dated
	if b.meta.events > 0 {
		if events, err = e.blockEvents(b); err != nil {
			return err
		}
	}
	if err := w.begin(); err != nil {
		return err
	}
	if err := r.addAll(w, b, changed); err != nil {
		return err
	}
	union, all := collect(by)
	next, err := w.finish(rounds, union, all, events)
	if err != nil {
		return err
	}
	r.old, r.next = append(r.old, b), append(r.next, next)
	return nil
}

// addAll adds the series of a block, by key, with those that changed in the place of what they were.
func (r *remaking) addAll(w *blockWriter, b *block, changed map[seriesKey]*column) error {
	index, err := r.e.blockIndex(b)
	if err != nil {
		return err
	}
	keys := make([]seriesKey, 0, len(changed))
	for k := range changed {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	renew := func(until *seriesKey) error {
		for len(keys) > 0 && (until == nil || compareKeys(keys[0], *until) <= 0) {
			if c := changed[keys[0]]; len(c.points) > 0 {
				if err := w.add(indexEntry{key: c.key, src: c.src, based: c.based, base: c.base, last: c.last}, c.points); err != nil {
					return err
				}
			}
			keys = keys[1:]
		}
		return nil
	}
	for i := range index {
		x := index[i]
		if err := renew(&x.key); err != nil {
			return err
		}
		if changed[x.key] != nil {
			continue
		}
		var points []point
		if x.samples > 0 {
			if points, err = r.e.blockPoints(b, &x); err != nil {
				return err
			}
		}
		x.sum, x.estimated = 0, false
		if err := w.add(x, points); err != nil {
			return err
		}
	}
	return renew(nil)
}

// writeCoarse makes a coarser block anew where a finer one of its time was.
func (r *remaking) writeCoarse(ctx context.Context, b *block) error {
	e := r.e
	e.mu.RLock()
	finer := e.tiers[b.tier-1].blocks
	e.mu.RUnlock()
	var children []*block
	changed := false
	for _, c := range finer {
		if c.meta.start >= b.meta.start && c.meta.end <= b.meta.end {
			c, made := r.made(c)
			children, changed = append(children, c), changed || made
		}
	}
	if !changed {
		return nil
	}
	w := e.renewed(b)
	if err := w.begin(); err != nil {
		return err
	}
	up := rollup{e: e, w: w, children: children, step: e.stepTicks[b.tier]}
	next, err := up.run(ctx, b.meta.start, b.meta.end)
	if err != nil {
		return err
	}
	r.old, r.next = append(r.old, b), append(r.next, next)
	return nil
}

// lookBack finds the newest word on the series of which nothing is said any more where something was said last.
func (r *remaking) lookBack(t *remadeTopic) error {
	lo, hi := r.span(t)
	for _, s := range t.series {
		if s.word.At > 0 || s.said.At <= lo || s.said.At > hi {
			continue
		}
		for i := t.from - 1; i >= 0 && s.word.At == 0; i-- {
			settled, _, err := r.settled(t, i)
			if err != nil {
				return err
			}
			for k := range settled {
				y := &derivation{Settled: settled[k]}
				if n := len(y.Words); n > 0 && t.find(y) == s {
					s.word = y.Words[n-1]
				}
			}
		}
	}
	return nil
}

// lookAhead finds what later sealed blocks hold of the series that were settled. A gauge that none has stands at the
// end of all as it does at the end of these; and of whatever none has samples the newest is among these.
func (r *remaking) lookAhead() error {
	for _, t := range r.topics {
		for _, s := range t.series {
			s.still = !s.metric.Counter()
			if s.old == nil {
				continue
			}
			for _, b := range r.blocks[r.end:] {
				x, err := r.e.blockEntry(b, s.key)
				if err != nil {
					return err
				}
				if x != nil {
					s.still, s.later = false, s.later || x.samples > 0
				}
			}
		}
	}
	return nil
}

// swap puts all that was made into the place of what was there, at one instant, and settles what follows on it.
func (r *remaking) swap() error {
	e := r.e
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range r.old {
		if !slices.Contains(e.tiers[b.tier].blocks, b) {
			return fmt.Errorf("settle anew: %s went while it was made anew", b.file())
		}
	}
	for i, b := range r.old {
		x := &e.tiers[b.tier]
		x.blocks = slices.Clone(x.blocks)
		x.blocks[slices.Index(x.blocks, b)] = r.next[i]
	}
	e.doomed = append(e.doomed, r.old...)
	for _, t := range r.topics {
		x := e.ledgers.of[t.ledger.topic]
		if x == nil {
			continue
		}
		for _, s := range t.series {
			r.replace(x, t, s)
		}
		if t.changed {
			e.ledgers.mark(x, e.sealed)
		}
	}
	e.touch(r.touched)
	e.layout++
	e.settleDirty(0)
	e.publish()
	return nil
}

// replace has the dictionary say of a series what blocks hold of it now. It needs commit, and mu for writing.
func (r *remaking) replace(x *ledger, t *remadeTopic, s *remadeSeries) {
	e := r.e
	y := e.find(s.key, nil)
	if y == nil {
		if !s.any() {
			return
		}
		y = e.newDerived(&s.access, s.metric, s.evidence, s.firstTick(r)) // it had gone meanwhile
	}
	if y.ledger = x; x.out[y] == nil {
		x.out[y] = &words{}
	}
	was := y.source(e.sources)
	if r.rebase(y, s); was == nil && y.any() {
		e.touch(e.firstSeen(y.subject) - 1) // a subject that was there has one more
	}
	if !y.any() {
		e.underive(x, y)
		return
	}
	if now := y.source(e.sources); was != nil && was != now {
		e.touch(0) // the newest source speaks for times in which no other wrote
	}
	newest := int64(0)
	for i, c := range s.columns {
		if n := len(c.points); n > 0 {
			newest = max(newest, r.blocks[i].meta.start+int64(c.points[n-1].tick))
		}
	}
	if newest > 0 {
		e.subject(y.subject.entry, s.firstTick(r))
		e.subject(y.subject.entry, newest)
	}
	if s.evidence == lineage.NoEvidence {
		return
	}
	p := x.speak(y)
	e.credit(y.subject, s.evidence)
	if p.sealed > r.v.cover[0].meta.start { // else it is of before what raw blocks hold
		p.sealed = s.mark
	}
	lo, hi := r.span(t)
	if w := x.out[y]; s.word.At > 0 && w.sealed.At <= hi || w.sealed.At > lo && w.sealed.At <= hi {
		w.sealed, w.since = s.word, s.word.At
	}
	if word := x.out[y].newest(); p.detail != word.Text {
		e.touch(e.firstSeen(y.subject) - 1)
		p.detail, p.detailTick = word.Text, word.At
	}
	p.since = x.out[y].at(never).At
}

// rebase sets where a series stands at the end of the sealed blocks.
func (r *remaking) rebase(y *series, s *remadeSeries) {
	src := y.src
	for i := r.end - 1; i >= r.first; i-- {
		if c := s.columns[i]; c != nil && len(c.points) > 0 {
			if src == nil || !s.later {
				src = r.sources[c.src]
			}
			break
		}
	}
	if y.key.Metric.Counter() {
		y.base += s.grown
		y.sealed = y.base > 0
		y.head.grow(s.grown)
	} else if s.still || y.src == nil {
		y.base, y.sealed = s.last, s.begun
	}
	if y.src = src; !y.sealed {
		y.base, y.src = 0, nil
	}
}
