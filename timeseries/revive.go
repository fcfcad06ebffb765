package timeseries

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Who was put away and is seen again comes back with the number and the totals that it had.

// deadAccess returns the subject of an access that was put away, nil when there is none. It belongs to the cache. It
// reads the disk, and must not be called with mu; it needs commit.
func (e *engine) deadAccess(a *lineage.Access) (*subject, error) {
	e.mu.RLock()
	files := e.dead
	e.mu.RUnlock()
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // absence is no error here
	}
	sum := sumOf(a)
	those, err := e.holders(files, sum)
	if err != nil {
		return nil, err
	}
	for _, d := range those {
		parts, err := e.partsWith(d, sum)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			all, err := e.deadPart(d, part, e.sources)
			if err != nil {
				return nil, err
			}
			for _, s := range all {
				if s.entry.access == *a {
					return s, nil
				}
			}
		}
	}
	return nil, nil //nolint:nilnil // absence is no error here
}

// sumPlace is a sum of a file of silent subjects and which of them has it, by id.
type sumPlace struct {
	sum   uint32
	place uint32
}

// sumPlaces returns the sums of a file, in order. They belong to the cache: where many come back, each looks its
// section up in them. It must not be called with mu.
func (e *engine) sumPlaces(d *deadFile) ([]sumPlace, error) {
	key := cacheKey{tier: deadKind, start: d.number, section: sumSection}
	if v, ok := e.cache.get(key); ok {
		return v.([]sumPlace), nil
	}
	sums, err := e.readSums(d)
	if err != nil {
		return nil, &deadError{d, err}
	}
	out := make([]sumPlace, len(sums))
	for i, s := range sums {
		out[i] = sumPlace{s, uint32(i)}
	}
	slices.SortFunc(out, func(a, b sumPlace) int { return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.place, b.place)) })
	e.cache.put(key, out, 8*len(out))
	return out, nil
}

// partsWith returns which sections of a file may hold one of a sum.
func (e *engine) partsWith(d *deadFile, sum uint32) (parts []int, err error) {
	if d.inline {
		for i := range d.parts() {
			parts = append(parts, i)
		}
		return parts, nil
	}
	all, err := e.sumPlaces(d)
	if err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearchFunc(all, sum, func(x sumPlace, sum uint32) int { return cmp.Compare(x.sum, sum) })
	for ; i < len(all) && all[i].sum == sum; i++ {
		if n := int(all[i].place) / stateSubjects; !slices.Contains(parts, n) {
			parts = append(parts, n)
		}
	}
	return parts, nil
}

// revive brings a subject that was put away back into memory, and returns its entry; nil when there is none of that
// access. It needs commit, and not mu.
func (e *engine) revive(a *lineage.Access) *entry {
	cached, err := e.deadAccess(a)
	for e.setAsideDead(err) { // another file may hold it
		cached, err = e.deadAccess(a)
	}
	var s *subject
	if err == nil && cached != nil {
		s = e.copied(cached)
	}
	if err != nil {
		e.log.Error("whether a subject was seen long ago cannot be read; it begins anew", "error", err)
		e.troubleText(quarantined, "what was put away of subjects that were silent for long cannot be read: "+err.Error())
	}
	if s == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.beginAnew(s)
	e.subjects.put(s)
	e.entries.put(s.entry)
	if e.settles() {
		for _, x := range s.series {
			e.ledgers.enter(x)
		}
	}
	return s.entry
}

// copied returns a subject of its own, out of one that the cache holds.
func (e *engine) copied(s *subject) *subject {
	var w writer
	w.uint(1)
	w.subject(s, &names{})
	all, err := decodeSubjects(w.b, e.sources)
	if err != nil {
		panic(fmt.Sprintf("timeseries: a subject in memory does not encode: %v", err))
	}
	return all[0]
}
