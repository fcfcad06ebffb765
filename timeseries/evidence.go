package timeseries

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// found is the newest tick of one kind of evidence for one subject.
type found struct {
	support support // as it was when the query began
	first   int64
	last    int64
	detail  standing // of the window's end
}

// evidence returns, for each id, the kinds that supported it in the window, sorted.
func (e *engine) evidence(ctx context.Context, w lineage.Window, ids []subjectID) ([][]lineage.Evidence, error) {
	var all [lineage.EvidenceKinds]map[uint32]*found // supports by kind
	v, err := e.viewOf(ctx, e.floor(w.Start), e.floor(w.End), ids, func(v *view, up awake) { all = e.headEvidence(v, ids, up) })
	if err != nil {
		return nil, err
	}
	defer v.end()
	var want [lineage.EvidenceKinds]*roaring.Bitmap
	for k, m := range all {
		for id, f := range m {
			if f.last > 0 {
				continue
			}
			if want[k] == nil {
				want[k] = roaring.New()
			}
			want[k].Add(id)
		}
	}
	err = v.back(func(b *block) (bool, error) {
		u, err := v.blockUnion(b)
		if err != nil {
			return false, err
		}
		any := false
		for k := range want {
			any = any || want[k] != nil && u.seen[k] != nil && want[k].Intersects(u.seen[k])
		}
		if !any {
			return true, nil
		}
		return true, v.blockMarks(b, v.lo, v.hi, func(t int64, m *marks) bool {
			for k := range want {
				seen := m.seen[k]
				if seen == nil || want[k] == nil {
					continue
				}
				each(seen, want[k], func(id uint32) { all[k][id].last = t })
				want[k].AndNot(seen)
			}
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	if err := v.findDetails(all); err != nil {
		return nil, err
	}
	out := make([][]lineage.Evidence, len(ids))
	for i, id := range ids {
		for k := range all {
			f := all[k][uint32(id)]
			if f == nil || f.last == 0 {
				continue
			}
			x := lineage.Evidence{Kind: lineage.EvidenceKind(k), FirstSeen: e.at(min(f.first, f.last)), LastSeen: e.at(f.last), Detail: f.detail.word.Text}
			if f.support.src != nil {
				x.Source = f.support.src.name
			}
			out[i] = append(out[i], x)
		}
	}
	return out, nil
}

// findDetails finds what stood at the window's end where that is sealed.
func (v *view) findDetails(all [lineage.EvidenceKinds]map[uint32]*found) error {
	if v.hi >= v.sealedEnd {
		return nil
	}
	var want []*standing
	for _, m := range all {
		for _, f := range m {
			if x := &f.detail; f.last > 0 && x.word.At > v.hi {
				want = append(want, x)
			}
		}
	}
	return v.lookForDetails(v.hi, want)
}

// headEvidence needs mu.
func (e *engine) headEvidence(v *view, ids []subjectID, up awake) (all [lineage.EvidenceKinds]map[uint32]*found) {
	for _, id := range ids {
		s := e.subjectOf(id, up)
		if s == nil {
			continue
		}
		for _, p := range s.supports {
			if p.kind >= lineage.EvidenceKinds {
				continue // kept for who knows it
			}
			f := &found{support: *p, first: min(p.sealed, p.sighted)}
			f.detail = standing{detailKey{id, p.kind}, p.detailAt(max(v.hi, e.sealed))}
			for _, x := range s.series {
				if x.key.Evidence != p.kind {
					continue
				}
				if f.first > e.sealed {
					if t, ok := e.oldestMark(x, 0, never-1); ok {
						f.first = min(f.first, t)
					}
				}
				if t, ok := e.newestMark(x, v.lo, v.hi); ok {
					f.last = max(f.last, t)
				}
			}
			if all[p.kind] == nil {
				all[p.kind] = map[uint32]*found{}
			}
			all[p.kind][uint32(id)] = f
		}
	}
	ticks := e.headTicks(v.lo, v.hi)
	for k := range all {
		want := roaring.New()
		for id, f := range all[k] {
			if f.support.sighted != never {
				want.Add(id)
			}
		}
		e.newestSightings(ticks, want, func(m *marks) *roaring.Bitmap { return m.seen[k] }, func(id uint32, t int64) {
			all[k][id].last = max(all[k][id].last, t)
		})
	}
	return all
}
