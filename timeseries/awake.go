package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// awake are subjects that were put away, read for one call that is about them: the disk is read without mu, since who
// waits to write would hold up everybody. They belong to the cache.
type awake map[subjectID]*subject

// wake reads those of some subjects that were put away. A file that turns out to be damaged is set aside, and the error
// says so: what is left can be read the next time. It must not be called with mu.
func (e *engine) wake(all ...*roaring.Bitmap) (awake, error) {
	type section struct {
		file *deadFile
		part int
		ids  []subjectID
	}
	var needed []*section
	e.mu.RLock()
	sources := e.sources
	for _, d := range e.dead {
		parts := map[int]*section{}
		for _, ids := range all {
			if ids == nil || !d.ids.Intersects(ids) {
				continue
			}
			for it := roaring.And(d.ids, ids).Iterator(); it.HasNext(); {
				id := it.Next()
				if e.subjects.of(subjectID(id)) != nil {
					continue
				}
				n := d.partOf(id)
				if parts[n] == nil {
					parts[n] = &section{file: d, part: n}
					needed = append(needed, parts[n])
				}
				parts[n].ids = append(parts[n].ids, subjectID(id))
			}
		}
	}
	e.mu.RUnlock()
	out := awake{}
	for _, s := range needed { // the newest file last: who was put away twice is as in that
		if err := out.read(e, s.file, s.part, s.ids, sources); err != nil {
			e.setAsideDead(err)
			return nil, err
		}
	}
	return out, nil
}

// read reads some subjects of a section.
func (a awake) read(e *engine, d *deadFile, part int, ids []subjectID, sources []*source) error {
	all, err := e.deadPart(d, part, sources)
	if err != nil {
		return err
	}
	for _, id := range ids {
		i, ok := slices.BinarySearchFunc(all, id, func(s *subject, id subjectID) int { return cmp.Compare(s.id, id) })
		if !ok {
			return &deadError{d, fmt.Errorf("read %s: %w: subject %d is not there", d.file(), errCorrupt, id)}
		}
		a[id] = all[i]
	}
	return nil
}

// subjectOf returns a subject, also one that was put away and is awake; nil for an id that was never given, or that is
// gone or not awake. It needs mu.
func (e *engine) subjectOf(id subjectID, up awake) *subject {
	if s := e.subjects.of(id); s != nil {
		return s
	}
	return up[id]
}

// sleeps reports whether one of some subjects was put away and is not awake. It needs mu.
func (e *engine) sleeps(ids *roaring.Bitmap, up awake) bool {
	for _, d := range e.dead {
		if !d.ids.Intersects(ids) {
			continue
		}
		for it := roaring.And(d.ids, ids).Iterator(); it.HasNext(); {
			if id := subjectID(it.Next()); e.subjects.of(id) == nil && up[id] == nil {
				return true
			}
		}
	}
	return false
}

// viewOf is viewTicks for a call that is about some subjects: take is given those of them that were put away. Of those
// in a file that turns out to be damaged nothing is said.
func (e *engine) viewOf(ctx context.Context, lo, hi int64, ids []subjectID, take func(*view, awake)) (*view, error) {
	want := bitmapOf(ids)
	for {
		up, err := e.wake(want)
		switch {
		case damaged(err):
			continue // it is set aside
		case err != nil:
			return nil, err
		}
		asleep := false // who was put away meanwhile
		v, err := e.viewTicks(ctx, lo, hi, func(v *view) {
			if asleep = e.sleeps(want, up); !asleep {
				take(v, up)
			}
		})
		if err != nil || !asleep {
			return v, err
		}
		v.end()
	}
}

// viewOfSeries is viewOf for series; probes is parallel to keys.
func (e *engine) viewOfSeries(ctx context.Context, lo, hi int64, keys []seriesKey) (v *view, probes []*probe, err error) {
	ids := make([]subjectID, len(keys))
	for i, k := range keys {
		ids[i] = k.Subject
	}
	v, err = e.viewOf(ctx, lo, hi, ids, func(_ *view, up awake) { probes = e.probes(keys, up) })
	return v, probes, err
}
