package timeseries

import (
	"github.com/RoaringBitmap/roaring/v2"
)

// marks returns the marks of block i with those of derived series made anew, and whether that changed any.
func (r *remaking) marks(i int) (by map[int64]*marks, changed bool, err error) {
	b := r.blocks[i]
	moved, seen := roaring.New(), [maxEvidence]*roaring.Bitmap{}
	var all []*remadeSeries
	for _, t := range r.topics {
		for _, s := range t.series {
			if i < t.from || !s.metric.Moves() {
				continue
			}
			moved.Add(uint32(s.key.Subject))
			if seen[s.evidence] == nil {
				seen[s.evidence] = roaring.New()
			}
			seen[s.evidence].Add(uint32(s.key.Subject))
			all = append(all, s)
		}
	}
	ours := marks{moved: moved, seen: seen}
	by, before := map[int64]*marks{}, map[int64]*marks{}
	err = r.e.blockMarks(b, b.meta.start, b.meta.end, func(t int64, m *marks) bool {
		before[t] = m
		if rest := m.without(&ours); rest.any() {
			by[t] = rest
		}
		return true
	})
	if err != nil {
		return nil, false, err
	}
	at := func(t int64) *marks {
		if by[t] == nil {
			by[t] = &marks{}
		}
		return by[t]
	}
	words, err := r.e.blockWords(b)
	if err != nil {
		return nil, false, err
	}
	for k := range words.sighted {
		if m := words.sighted[k].common(&ours); m.any() {
			at(words.sighted[k].tick).or(m)
		}
	}
	mark := func(key seriesKey) func(step) bool {
		return func(y step) bool {
			if y.delta == 0 {
				return true
			}
			x := r.e.marked(y.from, y.tick)
			for t := max(x.a, b.meta.start) + 1; t <= min(x.b, b.meta.end); t++ {
				at(t).note(key)
			}
			return true
		}
	}
	for _, s := range all {
		if err := r.steps(s, i, mark(s.key)); err != nil {
			return nil, false, err
		}
	}
	for _, p := range r.siblings(moved) { // of the same clients, that a source counts
		if err := r.steps(&remadeSeries{key: p.key, old: p}, i, mark(p.key)); err != nil {
			return nil, false, err
		}
	}
	for t, m := range by {
		if was := before[t]; was == nil || !m.equal(was) {
			changed = true
			r.touched = min(r.touched, t-1)
		}
	}
	for t := range before {
		if by[t] == nil {
			changed = true
			r.touched = min(r.touched, t-1)
		}
	}
	return by, changed, nil
}

// siblings returns the series of subjects that say by an advance that records moved, and are not derived.
func (r *remaking) siblings(ids *roaring.Bitmap) (out []*probe) {
	r.e.mu.RLock()
	defer r.e.mu.RUnlock()
	ids.Iterate(func(id uint32) bool {
		if s := r.e.subjects.of(subjectID(id)); s != nil {
			for _, x := range s.series {
				if !x.derived && x.key.Metric.Moves() {
					out = append(out, r.e.probeOf(x))
				}
			}
		}
		return true
	})
	return out
}

// steps visits the advances of a series that reach into block i.
func (r *remaking) steps(s *remadeSeries, i int, visit func(step) bool) error {
	end := r.blocks[i].meta.end
	for k := i; k < len(r.blocks); k++ {
		c := s.columns[k]
		if c == nil {
			if k > i && r.blocks[k].meta.sampleMin >= end {
				continue
			}
			var err error
			if c, err = r.held(s, k); err != nil {
				return err
			}
		}
		for _, q := range c.points {
			tick := r.blocks[k].meta.start + int64(q.tick)
			if from := tick - q.width(); from < end {
				visit(step{from: from, tick: tick, delta: q.value})
			}
		}
	}
	if s.old != nil {
		s.old.headSteps(r.blocks[i].meta.start, end, visit)
	}
	return nil
}

// without returns the marks less those of o; what is shared with m is never changed.
func (m *marks) without(o *marks) *marks {
	out := *m
	less := func(a **roaring.Bitmap, b *roaring.Bitmap) {
		if *a != nil && b != nil && (*a).Intersects(b) {
			*a = roaring.AndNot(*a, b)
		} else if *a != nil {
			*a = (*a).Clone()
		}
	}
	less(&out.moved, o.moved)
	for k := range out.seen {
		less(&out.seen[k], o.seen[k])
	}
	return &out
}

// common returns the marks that are o's too.
func (m *marks) common(o *marks) *marks {
	out := &marks{}
	both := func(a, b *roaring.Bitmap) *roaring.Bitmap {
		if a == nil || b == nil {
			return nil
		}
		return roaring.And(a, b)
	}
	out.moved = both(m.moved, o.moved)
	for k := range out.seen {
		out.seen[k] = both(m.seen[k], o.seen[k])
	}
	return out
}

func (m *marks) equal(o *marks) bool {
	same := func(a, b *roaring.Bitmap) bool {
		none := func(x *roaring.Bitmap) bool { return x == nil || x.IsEmpty() }
		return none(a) && none(b) || !none(a) && !none(b) && a.Equals(b)
	}
	if !same(m.moved, o.moved) {
		return false
	}
	for k := range m.seen {
		if !same(m.seen[k], o.seen[k]) {
			return false
		}
	}
	return true
}

// lookForMarks finds the oldest tick that raw blocks mark of each series.
func (r *remaking) lookForMarks() error {
	for _, t := range r.topics {
		for _, s := range t.series {
			if s.mark = never; !s.metric.Moves() {
				continue
			}
			for _, b := range r.v.cover {
				if s.mark != never {
					break
				}
				b, _ = r.made(b)
				u, err := r.e.blockUnion(b)
				if err != nil {
					return err
				}
				if seen := u.seen[s.evidence]; seen == nil || !seen.Contains(uint32(s.key.Subject)) {
					continue
				}
				err = r.e.blockMarks(b, b.meta.start, b.meta.end, func(tick int64, m *marks) bool {
					if seen := m.seen[s.evidence]; seen != nil && seen.Contains(uint32(s.key.Subject)) {
						s.mark = min(s.mark, tick)
					}
					return true
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}
