package timeseries

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// What a topic's writers wrote that no broker counts is settled by a function that the store was handed
// (Options.Settle). The store gathers what was told of a topic, block by block, and keeps what comes out as series like
// any others: made anew in the open blocks whenever what they rest on changes, whatever order that comes in, and sealed
// with their block; made anew in sealed ones when evidence comes that bears on their time (remake.go). So answers of
// open and of sealed time are made alike, and the log holds nothing that was derived.

const (
	// settlePatience is for how long what a topic grew by waits for a source that is late.
	settlePatience = 30 * time.Second
	// settleSilent is after how long without a word a source is taken to be switched off.
	settleSilent = 15 * time.Minute
)

// settleAll settles what changed. It needs the commit lock and mu for writing.
func (e *engine) settleAll() {
	l := e.ledgers
	if l.stirred {
		for x := range l.waiting {
			l.mark(x, x.open-1)
		}
	}
	l.stirred = false
	e.settleDirty(0)
}

// decide settles what waits for a late source up to a tick, which is to be sealed: it waits no more. It needs the
// commit lock.
func (e *engine) decide(until int64) {
	if !e.settles() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for x := range e.ledgers.waiting {
		if x.open <= until {
			e.ledgers.mark(x, x.open-1)
		}
	}
	e.settleDirty(until)
	if e.touched != never { // the block may not come to be written
		e.publish()
	}
}

func (e *engine) settleDirty(decided int64) {
	l := e.ledgers
	l.tracks, l.lookers = map[uint16]*track{}, map[uint16]lineage.Looker{}
	for _, x := range l.dirty {
		e.settleOne(x, decided)
		if delete(l.waiting, x); x.open > 0 {
			l.waiting[x] = true
		}
	}
	clear(l.dirty)
	l.dirty, l.tracks, l.lookers = l.dirty[:0], nil, nil
}

// settleOne settles the open blocks of one topic, from the tick after which anything changed.
func (e *engine) settleOne(x *ledger, decided int64) {
	floor := max(e.sealed, e.refuse)
	if x.open > 0 { // what waits is settled with whatever comes later
		x.dirty = min(x.dirty, x.open-1)
	}
	after := max(x.dirty, floor)
	x.dirty = never
	if x.claims { // what is claimed is shared out over all of a block
		after = max(e.block(rawTier, after+1), floor)
	} else {
		after = max(e.settleFrom(x, after), floor)
	}
	newest := x.newest(after)
	if newest <= after {
		return
	}
	e.ledgers.heads = e.ledgers.heads[:0]
	tellers := e.tellers(x, e.ledgers.tellings, &e.ledgers.heads)
	e.ledgers.tellings = tellers
	var all derivations
	x.open = 0
	for at := max(after, e.block(rawTier, x.oldest()+1)); at < newest; {
		until := e.block(rawTier, at+1) + e.blockTicks[rawTier]
		g := e.gatherOpen(x, tellers, at, until)
		g.Decided = decided
		settled, open := e.settle(&g.Ledger)
		if x.open == 0 {
			x.open = open
		}
		all.add(settled, g, e.sources)
		at = until
	}
	e.keep(x, after, all)
}

// newest returns the newest tick of what was told that grows, or was derived, after a tick; that tick for none.
func (x *ledger) newest(after int64) int64 {
	note := func(s *series) {
		after = max(after, s.head.newest.tick)
	}
	for s := range x.out {
		note(s)
	}
	for _, s := range x.told {
		if s.key.Metric != lineage.Records {
			note(s)
		}
	}
	return after
}

// oldest returns a tick at or before which nothing begins that was told or derived and is open. Before the first block
// is sealed all blocks since 1970 are.
func (x *ledger) oldest() int64 {
	oldest := int64(never - 1)
	note := func(s *series) {
		if s.head.any() {
			oldest = min(oldest, s.head.firstTick()-max(s.head.maxSpan, 1))
		}
	}
	for s := range x.out {
		note(s)
	}
	for _, s := range x.told {
		note(s)
	}
	return max(oldest, 0)
}

// settleFrom returns where settling begins so that it goes over no step.
func (e *engine) settleFrom(x *ledger, after int64) int64 {
	for again := true; again; {
		again = false
		for _, s := range x.told {
			if !tellsOfTopic(s) {
				continue
			}
			s.head.back(func(y sample) bool {
				if y.tick <= after {
					return false
				}
				if from := y.tick - int64(y.span); from < after && from >= e.block(rawTier, y.tick) {
					after, again = from, true
				}
				return true
			})
		}
	}
	return after
}

// derivation is what one series is derived to be over blocks that follow one another.
type derivation struct {
	lineage.Settled
	src *source  // whose word the newest of it rests on
	by  []uint16 // sources, by reading
}

type derivations []derivation

// add appends what was settled of the next block.
func (d *derivations) add(settled []lineage.Settled, g *gathering, sources []*source) {
	for i := range *d { // who waited before and does not wait in this block
		x := &(*d)[i]
		if n := len(x.Readings); x.Metric == lineage.Pending && n > 0 && x.Readings[n-1].Value != 0 && g.first > 0 && !slices.ContainsFunc(settled, x.is) {
			x.Readings, x.by = append(x.Readings, lineage.Reading{From: g.first - 1, To: g.first}), append(x.by, x.src.id)
		}
	}
	for i := range settled {
		y := &settled[i]
		src := sources[g.by[y.By]]
		by := slices.Repeat([]uint16{src.id}, len(y.Readings))
		if k := slices.IndexFunc(*d, func(x derivation) bool { return x.is(*y) }); k >= 0 {
			x := &(*d)[k]
			x.src, x.Readings, x.Words, x.by = src, append(x.Readings, y.Readings...), append(x.Words, y.Words...), append(x.by, by...)
			continue
		}
		*d = append(*d, derivation{*y, src, by})
	}
}

func (x *derivation) is(y lineage.Settled) bool {
	return x.Metric == y.Metric && x.Evidence == y.Evidence && x.Access.Client == y.Access.Client
}
