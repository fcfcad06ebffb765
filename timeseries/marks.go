package timeseries

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// marked returns the ticks in which an advance counts as movement: all of it, or only its last tick when it is too long
// to say.
func (c clock) marked(from, tick int64) tickRange {
	if tick-from > c.markTicks {
		from = tick - 1
	}
	return tickRange{from, tick}
}

// eachMark walks the ticks in (lo, hi] that the head's advances of a series mark, until visit returns false.
func (e *engine) eachMark(s *series, lo, hi int64, visit func(tickRange) (more bool)) {
	if s.head.newest.tick <= lo || !s.key.Metric.Moves() {
		return
	}
	s.head.steps(s.base, lo, hi, func(x step) bool {
		m, marks := e.marks(x, lo, hi)
		return !marks || visit(m)
	})
}

// marks returns what of (lo, hi] an advance marks; ok is false where that is nothing.
func (c clock) marks(x step, lo, hi int64) (m tickRange, ok bool) {
	if x.delta == 0 {
		return m, false
	}
	m = c.marked(x.from, x.tick)
	m.a, m.b = max(m.a, lo), min(m.b, hi)
	return m, m.a < m.b
}

// oldestMark returns the oldest tick in (lo, hi] that the head's advances of a series mark; ok is false when there is
// none. An advance that comes later may begin earlier, by the longest span at most.
func (e *engine) oldestMark(s *series, lo, hi int64) (oldest int64, ok bool) {
	e.eachMark(s, lo, hi, func(m tickRange) bool {
		if !ok || m.a+1 < oldest {
			oldest, ok = m.a+1, true
		}
		return m.b-s.head.maxSpan < oldest-1
	})
	return oldest, ok
}

// newestMark is oldestMark of the newest tick. It is that of the last pack that marks any, and only packs in which
// something moved are decoded.
func (e *engine) newestMark(s *series, lo, hi int64) (newest int64, ok bool) {
	h := &s.head
	if h.newest.tick <= lo || !s.key.Metric.Moves() {
		return 0, false
	}
	for i := len(h.packs); i >= 0 && !ok; i-- {
		p := h.pack(i)
		if p.n > 0 && p.last <= lo {
			break
		}
		if p.n == 0 || p.reach >= hi || p.sum == 0 && i > 0 { // of the first the base may be another by now
			continue
		}
		h.packSteps(i, s.base, lo, hi, func(x step) bool {
			if m, marks := e.marks(x, lo, hi); marks {
				newest, ok = max(newest, m.b), true
			}
			return true
		})
	}
	return newest, ok
}

// headMarked reports whether the head's advances of a series mark a tick in (lo, hi].
func (e *engine) headMarked(s *series, lo, hi int64) (ok bool) {
	h := &s.head
	if h.newest.tick <= lo || !s.key.Metric.Moves() {
		return false
	}
	for i := h.packAfter(lo); i <= len(h.packs); i++ { // of a pack that lies in it one mark does
		if p := h.pack(i); p.first > lo && p.last <= hi && p.sum > 0 {
			return true
		}
	}
	e.eachMark(s, lo, hi, func(tickRange) bool { ok = true; return false })
	return ok
}

// lastMoved returns, for each id, the last round at or before an instant in which it moved, within the lookback; the
// zero time when there is none.
func (e *engine) lastMoved(ctx context.Context, at time.Time, lookback time.Duration, ids []subjectID) ([]time.Time, error) {
	newest := map[uint32]int64{}
	v, err := e.viewOf(ctx, e.floor(at.Add(-lookback)), e.floor(at), ids, func(v *view, up awake) {
		for _, id := range ids {
			s := e.subjectOf(id, up)
			if s == nil {
				continue
			}
			for _, x := range s.series {
				if t, ok := e.newestMark(x, v.lo, v.hi); ok {
					newest[uint32(id)] = max(newest[uint32(id)], t)
				}
			}
		}
		e.newestSightings(e.headTicks(v.lo, v.hi), bitmapOf(ids), func(m *marks) *roaring.Bitmap { return m.moved }, func(id uint32, t int64) {
			newest[id] = max(newest[id], t)
		})
	})
	if err != nil {
		return nil, err
	}
	defer v.end()
	want := bitmapOf(ids)
	for id := range newest {
		want.Remove(id)
	}
	err = v.back(func(b *block) (bool, error) {
		if want.IsEmpty() {
			return false, nil
		}
		u, err := v.blockUnion(b)
		if err != nil || u.moved == nil || !u.moved.Intersects(want) {
			return err == nil, err
		}
		return true, v.blockMarks(b, v.lo, v.hi, func(t int64, m *marks) bool {
			each(m.moved, want, func(id uint32) { newest[id] = t })
			if m.moved != nil {
				want.AndNot(m.moved)
			}
			return !want.IsEmpty()
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]time.Time, len(ids))
	for i, id := range ids {
		if t, ok := newest[uint32(id)]; ok {
			out[i] = e.at(t)
		}
	}
	return out, nil
}

// back visits the blocks that touch the window, newest first, until visit returns false.
func (v *view) back(visit func(*block) (bool, error)) error {
	for _, b := range slices.Backward(v.cover) {
		if b.meta.end > v.lo && b.meta.start < v.hi {
			if more, err := visit(b); !more || err != nil {
				return err
			}
		}
	}
	return nil
}

// headTicks returns the ticks of open blocks in (lo, hi] that have sightings, the newest first. It needs mu.
func (e *engine) headTicks(lo, hi int64) (ticks []int64) {
	if hi-lo < int64(len(e.sightings)) {
		for t := hi; t > lo; t-- {
			if e.sightings[t] != nil {
				ticks = append(ticks, t)
			}
		}
		return ticks
	}
	for t := range e.sightings {
		if t > lo && t <= hi {
			ticks = append(ticks, t)
		}
	}
	slices.SortFunc(ticks, func(a, b int64) int { return cmp.Compare(b, a) })
	return ticks
}

// newestSightings visits each of the wanted ids that is in one of the ticks' bitmaps, with the first such tick. What is
// found is wanted no more. It needs mu.
func (e *engine) newestSightings(ticks []int64, want *roaring.Bitmap, of func(*marks) *roaring.Bitmap, visit func(uint32, int64)) {
	for _, t := range ticks {
		if want.IsEmpty() {
			return
		}
		here := of(e.sightings[t])
		each(here, want, func(id uint32) { visit(id, t) })
		if here != nil {
			want.AndNot(here)
		}
	}
}

func bitmapOf(ids []subjectID) *roaring.Bitmap {
	b := roaring.New()
	for _, id := range ids {
		b.Add(uint32(id))
	}
	return b
}

// each visits the ids that are in both; a nil bitmap is empty.
func each(a, b *roaring.Bitmap, visit func(uint32)) {
	if a == nil || b == nil || !a.Intersects(b) {
		return
	}
	roaring.And(a, b).Iterate(func(id uint32) bool { visit(id); return true })
}

// firstSeen returns the tick of the oldest round in which a subject was named or, by what was derived of it, moved. It
// needs mu.
func (e *engine) firstSeen(s *subject) int64 {
	first := s.first
	for _, x := range s.series {
		if !x.derived || !x.any() {
			continue
		}
		if x.key.Metric == lineage.Linked {
			if l := x.link(); l.since > 0 {
				first = min(first, l.since)
			}
			continue
		}
		if p := s.supported(x.key.Evidence); p != nil && p.sealed != never {
			first = min(first, p.sealed)
			continue
		}
		e.eachMark(x, 0, never-1, func(m tickRange) bool {
			first = min(first, m.a+1)
			return m.b-x.head.maxSpan < first
		})
	}
	if first == never { // nothing moved
		return s.last
	}
	return first
}
