package timeseries

import (
	"context"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// view is what one query sees: the ticks (lo, hi], the sealed blocks that cover all time at the resolution of the
// window, and the head as it was when the query began.
type view struct {
	*engine
	ctx    context.Context
	lo, hi int64
	until  int64 // the last tick that can have come, hi at most
	tier   int
	cover  []*block
	// version and layout are the engine's when the query began.
	version store.Version
	layout  uint64
	asked   int     // of how many series the query is; 0: not known, few
	places  []place // by block of the cover, as far as they were asked for
	// sealedEnd is the end of the sealed blocks.
	sealedEnd int64
	heads     []sourceHead // by source
	tracks    []*track
	lost      []lostSpan // that touch the window
	damage    []lostSpan // all of which what they held is gone
}

// sourceHead is a source as a query found it.
type sourceHead struct {
	name   lineage.Source
	newest round // see paced
	before anchor
	rounds []round
}

// view takes hold of the head. What the query needs of it besides, take fetches under the same lock; it must not keep
// what Append changes in place. The caller ends the view.
func (e *engine) view(ctx context.Context, w lineage.Window, take func(*view)) (*view, error) {
	return e.viewTicks(ctx, e.floor(w.Start), e.floor(w.End), take)
}

func (e *engine) viewTicks(ctx context.Context, lo, hi int64, take func(*view)) (*view, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	e.readers.Add(1)
	v := e.newView(ctx, lo, hi)
	if take != nil {
		take(v)
	}
	return v, nil
}

// newView needs mu, and a place among the readers.
func (e *engine) newView(ctx context.Context, lo, hi int64) *view {
	v := &view{engine: e, ctx: ctx, lo: lo, hi: max(hi, lo), until: max(hi, lo), tier: e.tierOf(lo)}
	v.cover, v.sealedEnd, v.lost = e.cover(v.tier), e.sealed, e.lostIn(lo, v.hi)
	v.damage, v.version, v.layout = e.damage(), e.version, e.layout
	v.heads = make([]sourceHead, len(e.sources))
	for i, s := range e.sources {
		v.heads[i] = sourceHead{name: s.name, newest: e.paced(s), before: s.before, rounds: s.head}
	}
	v.tracks = make([]*track, len(e.sources))
	return v
}

// end lets Close go on.
func (v *view) end() { v.readers.Done() }

// tierOf returns the finest tier that still holds what follows a tick. It needs mu.
func (e *engine) tierOf(tick int64) int {
	for t := range hourTier {
		if tick >= e.tiers[t].floor {
			return t
		}
	}
	return hourTier
}

// cover returns disjoint blocks over all sealed time, by time: of the given tier where it has one, and finer ones
// after, and where one was lost. It needs mu.
func (e *engine) cover(of int) []*block { return e.fill(nil, of, 0, never) }

// fill adds the blocks of a tier that start in [from, to), and finer ones between them.
func (e *engine) fill(out []*block, of int, from, to int64) []*block {
	if of < rawTier || from >= to {
		return out
	}
	blocks := e.tiers[of].blocks
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].meta.start >= from })
	for ; i < len(blocks) && blocks[i].meta.start < to; i++ {
		out = append(e.fill(out, of-1, from, blocks[i].meta.start), blocks[i])
		from = blocks[i].meta.end
	}
	return e.fill(out, of-1, from, to)
}

// track returns what a source observed around the window.
func (v *view) track(id uint16) (*track, error) {
	if t := v.tracks[id]; t != nil {
		return t, nil
	}
	var pieces [][]round // none is empty
	var before anchor
	take := func(prior anchor, from []round) {
		if len(pieces) == 0 && prior.tick > before.tick {
			before = prior
		}
		i := sort.Search(len(from), func(i int) bool { return from[i].tick > v.lo })
		if i > 0 && len(pieces) == 0 {
			before = from[i-1].anchor
		}
		if i < len(from) {
			pieces = append(pieces, from[i:])
		}
	}
	for _, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.roundMin >= v.hi {
			continue
		}
		all, err := v.blockRounds(b)
		if err != nil {
			return nil, err
		}
		if r := all[id]; r != nil {
			take(r.before, r.rounds)
		}
	}
	h := v.heads[id]
	take(h.before, h.rounds)
	var rounds []round
	if len(pieces) == 1 {
		rounds = pieces[0]
	} else {
		rounds = slices.Concat(pieces...)
	}
	for n := len(rounds); n > 0 && rounds[n-1].start() >= v.hi; n = len(rounds) { // they say nothing about the window
		rounds = rounds[:n-1]
	}
	t := newTrack(v.clock, v.lo, v.hi, before, rounds, h.newest)
	v.tracks[id] = t
	return t, nil
}
