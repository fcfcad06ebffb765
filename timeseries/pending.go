package timeseries

import "slices"

// This file finds what of a window is still pending: the end of it, in which a reader may have made progress that it
// has not committed. It is as if it had not been observed. What was pending before a later reading is not any more:
// that reading says since when its advance can have happened, and so that nothing happened before. A reading of the
// window's last tick itself says nothing of what came after it in that tick: it is observed, and more is pending.

// pendingSince returns the tick after which a counter's progress is pending at the window's end, the end when no whole
// tick is; more says that progress is pending there at all.
func (v *view) pendingSince(p *probe) (from int64, more bool, err error) {
	if p.pending == nil || v.lo >= v.hi {
		return v.hi, false, nil
	}
	level, ok, err := v.valueAt(p.pending, v.hi)
	if err != nil || !ok || level != 1 {
		return v.hi, false, err
	}
	from, err = v.levelSince(p.pending, level)
	if err != nil {
		return v.hi, false, err
	}
	late := *v
	late.lo = max(from-1, v.lo)
	from, more = late.lo, true
	err = late.steps(p, func(x step) bool {
		from, more = max(from, min(x.tick, v.hi)), more && x.tick <= v.hi
		return true
	})
	return from, more, err
}

// levelSince returns the reading since which a gauge has the level that it has at the window's end, the window's start
// when it had it before.
func (v *view) levelSince(p *probe, level int64) (int64, error) {
	since := v.hi
	back := func(tick, value int64) (found bool) {
		switch {
		case tick > v.hi:
		case value != level:
			return true
		case tick <= v.lo:
			since = v.lo
			return true
		default:
			since = tick
		}
		return false
	}
	found := false
	p.head.back(func(x sample) bool {
		found = back(x.tick, x.value)
		return !found
	})
	if found {
		return since, nil
	}
	for i, b := range slices.Backward(v.cover) {
		if b.meta.start >= v.hi || b.meta.end <= v.lo {
			continue
		}
		x, err := v.entry(i, p.key)
		if err != nil {
			return 0, err
		}
		if x == nil || x.samples == 0 {
			continue
		}
		points, err := v.blockPoints(b, x)
		if err != nil {
			return 0, err
		}
		for _, q := range slices.Backward(points) {
			if back(b.meta.start+int64(q.tick), q.value) {
				return since, nil
			}
		}
	}
	if before, ok, err := v.valueAt(p, since-1); err != nil || ok && before == level {
		return v.lo, err
	}
	return since, nil
}
