package timeseries

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Why what a counter advanced in a window is an estimate is what was said of each of its steps that is one: what stood
// in the step's round. This file finds that. Of steps in a coarser tier the block says it where one text does not
// (blockreasons.go).

// reasoning is what is looked for of one counter.
type reasoning struct {
	p    *probe
	of   detailKey
	base lineage.Word   // what stood at the end of the sealed blocks; zero: nothing, or it is not known
	open []lineage.Word // what changed after that
	texts
	// waits is the first of the steps that the next block that says anything tells of, 0 for none; torn: not all that
	// was said since is held.
	waits int64
	torn  bool
}

// texts are reasons, of those with the same bounds the last. An empty one is of a step of which nothing stood.
type texts []string

func (t *texts) add(text string) {
	if n := len(*t); n > 0 && (*t)[n-1] == text {
		return
	}
	b := lineage.BoundsOf(text)
	*t = append(slices.DeleteFunc(*t, func(old string) bool { return lineage.BoundsOf(old) == b && (old == "") == (text == "") }), text)
}

// stood says of the steps that wait what stood then, as it is told later.
func (r *reasoning) stood(w lineage.Word, torn bool) {
	if (torn || r.torn) && w.At > r.waits {
		w = lineage.Word{}
	}
	r.add(w.Text)
	r.waits, r.torn = 0, false
}

// at returns what stood at a tick of open blocks.
func (r *reasoning) at(tick int64) (text string) {
	text = r.base.Text
	for _, w := range r.open {
		if w.At > tick {
			break
		}
		text = w.Text
	}
	return text
}

// reasons returns why what counters advanced in a window is an estimate; parallel to keys.
func (e *engine) reasons(ctx context.Context, w lineage.Window, keys []seriesKey) ([][]string, error) {
	var all []*reasoning
	ids := make([]subjectID, len(keys))
	for i, k := range keys {
		ids[i] = k.Subject
	}
	v, err := e.viewOf(ctx, e.floor(w.Start), e.floor(w.End), ids, func(_ *view, up awake) {
		all = make([]*reasoning, len(keys))
		for i, p := range e.probes(keys, up) {
			all[i] = e.reasoning(p, up)
		}
	})
	if err != nil {
		return nil, err
	}
	defer v.end()
	v.asked = len(keys)
	some := slices.DeleteFunc(slices.Clone(all), func(r *reasoning) bool { return r == nil })
	if err := v.sealedReasons(some); err != nil {
		return nil, err
	}
	for _, r := range some {
		if r.waits > 0 {
			r.stood(r.base, touches(v.damage, r.waits, v.sealedEnd))
		}
		v.openSteps(r.p, func(x step) bool {
			if x.estimated {
				r.add(r.at(x.tick))
			}
			return true
		})
	}
	out := make([][]string, len(keys))
	for i, r := range all {
		if r != nil {
			out[i] = r.texts
		}
	}
	return out, nil
}

// reasoning needs mu. It returns nil where there is nothing to look for.
func (e *engine) reasoning(p *probe, up awake) *reasoning {
	if p == nil || !p.key.Metric.Counter() || kindsOf(p.key.Evidence) == 0 {
		return nil
	}
	r := &reasoning{p: p, of: detailKey{p.key.Subject, p.key.Evidence}}
	if s := e.subjectOf(p.key.Subject, up).supported(p.key.Evidence); s != nil {
		r.base, r.open = s.changes(e.sealed, never-1)
	}
	return r
}

// sealedReasons looks through the sealed blocks. What stood in one in which nothing changed the next tells in which
// anything did.
func (v *view) sealedReasons(all []*reasoning) error {
	waits := func(r *reasoning) bool { return r.waits > 0 }
	for i, b := range v.cover {
		in := b.meta.start < v.hi || b.meta.sampleMin < v.hi
		if b.meta.end <= v.lo || !in && !slices.ContainsFunc(all, waits) {
			continue
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
		d, err := v.blockDetails(b)
		if err != nil {
			return err
		}
		why, err := v.blockReasons(b)
		if err != nil {
			return err
		}
		for _, r := range all {
			x := d.of(r.of)
			if waits(r) {
				if r.torn = r.torn || !d.whole; x != nil {
					r.stood(x.base, touches(v.damage, r.waits, b.meta.end))
				}
			}
			if !in {
				continue
			}
			if err := v.reasonsIn(i, r, x, why.of(r.p.key), d.whole); err != nil {
				return err
			}
		}
	}
	return nil
}

// reasonsIn looks through the steps in the i-th block of the cover that touch the window. x is what changed in it of
// what is said, nil for nothing, and why what it says of single steps.
func (v *view) reasonsIn(i int, r *reasoning, x *detailEntry, why []stepReasons, whole bool) error {
	b := v.cover[i]
	y, err := v.entry(i, r.p.key)
	if err != nil || y == nil || !y.estimated {
		return err
	}
	wait := func(tick int64) {
		if r.waits == 0 {
			r.waits, r.torn = tick, !whole
		}
	}
	if still := x == nil && len(why) == 0; still && y.reach >= v.lo && b.meta.end <= v.hi {
		wait(b.meta.start + 1) // which of its steps they are does not matter
		return nil
	}
	return v.blockSteps(i, r.p, func(s step) bool {
		if !s.estimated {
			return true
		}
		own := reasonsAt(why, s.tick)
		for _, text := range own {
			r.add(text)
		}
		switch {
		case own != nil:
		case x != nil:
			r.add(x.at(s.tick).Text)
		default:
			wait(s.tick)
		}
		return true
	})
}
