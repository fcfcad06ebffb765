package timeseries

import (
	"context"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Window implements store.Reader. What is sealed is read first, and then all of the head at one instant: so the answer
// is of one version, and nobody waits for the disk.
func (e *engine) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	read := e.window
	if ask.Accesses && ask.Most.First > 0 {
		read = e.most
	}
	for tries := 0; ; tries++ {
		w, err := read(ctx, ask)
		// A block that turns out to be damaged is a gap from then on: the answer is what the others say.
		if err == nil || !damaged(err) || tries == maxDamaged {
			return w, err
		}
	}
}

// maxDamaged bounds the blocks that may turn out to be damaged in one query.
const maxDamaged = 1000

func (e *engine) window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	return e.windowOf(ctx, ask, nil)
}

// windowOf is window of some accesses only, or of all where only is nil.
func (e *engine) windowOf(ctx context.Context, ask store.Ask, only *onlyOf) (*store.Window, error) {
	q := windowQuery{engine: e, ask: ask, only: only}
	var err error
	if q.v, err = e.view(ctx, ask.Window, nil); err != nil {
		return nil, err
	}
	defer q.v.end()
	for taken := false; !taken; {
		if err := q.readSealed(ctx); err != nil {
			return nil, fmt.Errorf("read window: %w", err)
		}
		if taken = q.takeHead(ctx); !taken && only != nil {
			return nil, errMoved
		}
	}
	if len(q.away) > 0 { // the others are in order
		sortLarge(q.out.Facts, compareFacts)
	}
	if ask.Accesses {
		if only == nil {
			defer q.rows.giveBack()
		}
		if err := q.count(ctx); err != nil {
			return nil, fmt.Errorf("read window: %w", err)
		}
	}
	if ask.Coverage {
		if q.out.Sources, err = q.v.sourceColumns(q.told); err != nil {
			return nil, fmt.Errorf("read coverage: %w", err)
		}
	}
	return q.out, nil
}

// windowQuery is one call of Window on its way.
type windowQuery struct {
	*engine
	ask    store.Ask
	only   *onlyOf // nil: all
	layout uint64  // of the blocks that v and back cover
	v      *view   // the window
	back   *view   // the lookback
	until  *view   // the last tick of the window that can have come
	now    *marks  // in the window
	before *marks  // in the lookback
	up     awake   // who was put away and is in the answer

	out  *store.Window
	rows *rowsTaken // of the answer, if accesses are asked for
	bare probe      // see probeFor
	told map[lineage.Source][]expectation
	away []map[lineage.FactKey]*factLine // groups that were put away
}

// readSealed reads what the blocks mark in the window and in the lookback.
func (q *windowQuery) readSealed(ctx context.Context) (err error) {
	q.mu.RLock()
	q.takeViews(ctx)
	q.mu.RUnlock()
	if slices.Contains(q.ask.Facts, lineage.GroupFacts) {
		if q.away, err = q.goneFacts(q.back.lo, q.v.hi); err != nil {
			return err
		}
	}
	if !q.ask.Accesses {
		return nil
	}
	q.now, err = q.v.sealedUnion()
	if q.before = q.now; err == nil && (q.back.lo != q.v.lo || q.back.hi != q.v.hi || q.back.tier != q.v.tier) {
		q.before, err = q.back.sealedUnion()
	}
	if err != nil {
		return err
	}
	seen := q.seen()
	if q.only != nil {
		seen = q.only.among(seen)
	}
	q.up, err = q.wake(seen...)
	return err
}

// takeViews needs mu.
func (q *windowQuery) takeViews(ctx context.Context) {
	w := q.now0().Back(q.ask)
	q.layout = q.engine.layout
	q.v = q.newView(ctx, q.floor(q.ask.Window.Start), q.floor(q.ask.Window.End))
	q.back = q.newView(ctx, q.floor(w.Start), q.floor(w.End))
	last := q.v.hi
	if until := q.ask.Until; !until.IsZero() && until.Before(q.ask.Window.End) {
		last = q.floor(until)
	}
	q.until = q.newView(ctx, last-1, last)
	q.v.until = min(last, q.v.until)
}

// now0 returns the state. It needs mu, and that the store is open.
func (q *windowQuery) now0() *store.State { return q.engine.now.Load() }

// takeHead takes all that the answer needs of the head. It returns false when blocks came or went since readSealed.
func (q *windowQuery) takeHead(ctx context.Context) bool {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.engine.layout != q.layout || q.only != nil && !q.only.holds(q.engine) {
		return false
	}
	q.takeViews(ctx)
	state := q.now0()
	q.out = &store.Window{
		Resolved: lineage.Resolved{Window: q.ask.Window, Step: q.duration(q.stepTicks[q.v.tier])},
		Version:  state.VersionOf(q.ask), Back: state.Back(q.ask),
	}
	if len(q.ask.Facts) > 0 || q.ask.Coverage {
		q.takeFacts()
	}
	if q.ask.Accesses {
		q.markSightings()
		q.takeRows()
		for _, s := range q.links {
			q.out.Links = append(q.out.Links, q.linksOf(s)...)
		}
	}
	return true
}

// markSightings adds what the head's sightings mark, to both windows. It needs mu.
func (q *windowQuery) markSightings() {
	for t, m := range q.sightings {
		if t > q.v.lo && t <= q.v.hi {
			q.now.or(m)
		}
		if t > q.back.lo && t <= q.back.hi {
			q.before.or(m)
		}
	}
}

// takeFacts takes the facts, and what coverage needs of them. It needs mu.
func (q *windowQuery) takeFacts() {
	ask := factsQuery{tick: q.v.hi, gone: true, goneAfter: q.back.lo, away: q.away}
	shares := q.ask.Accesses && len(q.away) == 0 // the others are small, or to be sorted
	if shares {
		if like := q.said.Load(); like != nil {
			ask.like = *like
		}
	}
	q.out.Facts = q.factsOf(ask, q.ask.Facts...)
	if shares {
		facts := q.out.Facts // alone: a pointer into the answer would hold all of it
		q.said.Store(&facts)
	}
	if q.ask.Coverage {
		q.out.BlindSpots = q.factsOf(factsQuery{tick: q.v.hi}, lineage.BlindSpotFacts)
		q.told = expectations(q.linesOf(lineage.SourceFacts), q.v.hi)
	}
}

// eachOf visits the indices of those of some sorted ids that a bitmap holds; a nil bitmap is empty.
func eachOf(b *roaring.Bitmap, ids []subjectID, visit func(i int)) {
	if b == nil || len(ids) == 0 {
		return
	}
	it := b.Iterator()
	for i := 0; i < len(ids); i++ {
		it.AdvanceIfNeeded(uint32(ids[i]))
		if !it.HasNext() {
			return
		}
		next := subjectID(it.PeekNext())
		if next == ids[i] {
			visit(i)
			continue
		}
		for i+1 < len(ids) && ids[i+1] < next {
			i++
		}
	}
}

// sealedUnion returns what the sealed blocks mark in the view.
func (v *view) sealedUnion() (*marks, error) {
	var out marksUnion
	for _, b := range v.cover {
		if err := v.ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case b.meta.end <= v.lo || b.meta.start >= v.hi:
		case b.meta.start >= v.lo && b.meta.end <= v.hi:
			m, err := v.blockUnion(b)
			if err != nil {
				return nil, err
			}
			out.add(m)
		default:
			if err := v.blockUnionIn(b, v.lo, v.hi, &out); err != nil {
				return nil, err
			}
		}
	}
	return out.marks(), nil
}
