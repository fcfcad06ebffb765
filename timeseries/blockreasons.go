package timeseries

import (
	"errors"
	"math"
	"slices"
)

// blockReasons is why what counters advanced in steps of a coarser block is an estimate, where it is not the one text
// that stands at the step's end: a step is made of several, of each of which something else may have been said.
type blockReasons struct {
	entries []seriesReasons // by key
}

type seriesReasons struct {
	key   seriesKey
	steps []stepReasons // by tick
}

type stepReasons struct {
	tick int64
	texts
}

// of returns nil where what stands says it of all steps.
func (d *blockReasons) of(key seriesKey) []stepReasons {
	i, ok := slices.BinarySearchFunc(d.entries, key, func(x seriesReasons, k seriesKey) int { return compareKeys(x.key, k) })
	if !ok {
		return nil
	}
	return d.entries[i].steps
}

// reasonsAt returns those of one step, nil where what stands at its end is all.
func reasonsAt(steps []stepReasons, tick int64) texts {
	i, ok := slices.BinarySearchFunc(steps, tick, func(x stepReasons, t int64) int { return int(min(max(x.tick-t, -1), 1)) })
	if !ok {
		return nil
	}
	return steps[i].texts
}

// why adds why steps of a series in the i-th child are estimates to those of the coarser steps that they are in.
func (r *rollup) why(out []stepReasons, i int, key seriesKey, from []point) []stepReasons {
	x, own := r.details[i].of(detailKey{key.Subject, key.Evidence}), r.reasons[i].of(key)
	if x == nil && own == nil {
		return out // nothing changed, so that all of it is what stands at the end
	}
	for _, p := range from {
		if !p.estimated() {
			continue
		}
		tick := r.children[i].meta.start + int64(p.tick)
		at := r.up(tick)
		if n := len(out); n == 0 || out[n-1].tick != at {
			out = append(out, stepReasons{tick: at})
		}
		step := &out[len(out)-1]
		all := reasonsAt(own, tick)
		for _, text := range all {
			step.add(text)
		}
		if all == nil && x != nil {
			step.add(x.at(tick).Text)
		} else if all == nil { // it is not known
			step.add("")
		}
	}
	return out
}

// keepWhy keeps why the steps of a series are estimates where it is not what stands at their end.
func (r *rollup) keepWhy(key seriesKey, all []stepReasons) {
	all = slices.DeleteFunc(all, func(x stepReasons) bool {
		y := r.w.details.of(detailKey{key.Subject, key.Evidence})
		return y != nil && len(x.texts) == 1 && x.texts[0] == y.at(x.tick).Text
	})
	if len(all) > 0 {
		r.w.reasons.entries = append(r.w.reasons.entries, seriesReasons{key, all})
	}
}

func encodeReasons(b *block, d *blockReasons) []byte {
	var w, entries writer
	numbers := map[string]int{"": 0}
	var list []string
	entries.uint(uint64(len(d.entries)))
	subject := subjectID(0)
	for _, x := range d.entries {
		entries.uint(uint64(x.key.Subject - subject))
		subject = x.key.Subject
		entries.byte(byte(x.key.Metric))
		entries.byte(byte(x.key.Evidence))
		entries.uint(uint64(len(x.steps)))
		tick := b.meta.start
		for _, s := range x.steps {
			entries.uint(uint64(s.tick - tick))
			tick = s.tick
			entries.uint(uint64(len(s.texts)))
			for _, text := range s.texts {
				n, ok := numbers[text]
				if !ok {
					list = append(list, text)
					n = len(list)
					numbers[text] = n
				}
				entries.uint(uint64(n))
			}
		}
	}
	w.uint(uint64(len(list)))
	for _, text := range list {
		w.string(text)
	}
	return append(w.b, entries.b...)
}

func decodeReasons(b *block, content []byte) (*blockReasons, int, error) {
	r := reader{b: content}
	list := []string{""}
	for range r.count(1) {
		list = append(list, r.string())
	}
	d := &blockReasons{entries: make([]seriesReasons, r.count(4))}
	subject, cost := uint64(0), 0
	for i := range d.entries {
		if subject += r.uint(); subject > math.MaxUint32 {
			r.fail("a subject is out of range")
		}
		x := seriesReasons{key: seriesKey{Subject: subjectID(subject), Metric: r.metric(), Evidence: r.evidence()}}
		tick := b.meta.start
		for range r.count(2) {
			step := r.tick()
			if tick += step; step == 0 || tick > b.meta.end {
				r.fail("a step lies outside its block")
			}
			s := stepReasons{tick: tick}
			for range r.count(1) {
				n := r.uint()
				if n >= uint64(len(list)) {
					r.fail("a reason that is not there")
					break
				}
				s.texts = append(s.texts, list[n])
			}
			x.steps = append(x.steps, s)
			cost += 32 + 16*len(s.texts)
		}
		if i > 0 && compareKeys(d.entries[i-1].key, x.key) >= 0 {
			r.fail("the reasons are not in order")
		}
		if r.err != nil {
			break
		}
		d.entries[i] = x
	}
	return d, len(content) + 40*len(d.entries) + cost, r.end()
}

// blockReasons returns nothing of a raw block, whose steps are each of one round, and of one in which what stands says
// it all, or that an older version wrote.
func (e *engine) blockReasons(b *block) (*blockReasons, error) {
	if b.tier == rawTier {
		return &blockReasons{}, nil
	}
	switch err := e.vault.has(b.file(), []sectionID{{reasonsSection, 0}}); {
	case errors.Is(err, errAbsent):
		return &blockReasons{}, nil
	case err != nil:
		return nil, err
	}
	return load(e, b, reasonsSection, 0, decodeReasons)
}
