package timeseries

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// details returns what is said in block i with what was settled anew, and whether that is otherwise than it was.
func (r *remaking) details(i int) (*blockDetails, bool, error) {
	if i == r.end {
		return r.anchors()
	}
	was, err := r.e.blockDetails(r.blocks[i])
	if err != nil {
		return nil, false, err
	}
	now, changed := &blockDetails{whole: was.whole, entries: slices.Clone(was.entries)}, false
	for _, t := range r.topics {
		if i < t.from {
			continue
		}
		for _, s := range t.series {
			if s.evidence == lineage.NoEvidence || s.key.Subject == 0 {
				continue
			}
			x, err := r.detail(t, s, i)
			if err != nil {
				return nil, false, err
			}
			if old := was.of(s.detailKey()); old == nil && len(x.changes) == 0 || old != nil && len(x.changes) > 0 && old.equal(&x) {
				continue
			}
			changed, s.reworded = true, true
			r.touched = min(r.touched, r.blocks[i].meta.start)
			now.entries = slices.DeleteFunc(now.entries, func(y detailEntry) bool { return y.detailKey == s.detailKey() })
			if len(x.changes) > 0 {
				now.entries = append(now.entries, x)
			}
		}
	}
	now.sort()
	return now, changed, nil
}

func (s *remadeSeries) detailKey() detailKey { return detailKey{s.key.Subject, s.evidence} }

// detail returns what is said of a series in block i; without changes where that is what was said before.
func (r *remaking) detail(t *remadeTopic, s *remadeSeries, i int) (x detailEntry, err error) {
	x.detailKey = s.detailKey()
	if len(s.words[i]) == 0 {
		return x, nil
	}
	if x.base, err = r.stood(t, s, i); err != nil {
		return x, err
	}
	text := x.base.Text
	for _, y := range s.words[i] {
		if y.Text != text {
			text = y.Text
			x.changes = append(x.changes, y)
		}
	}
	return x, nil
}

// stood returns what was said of a series when block i began.
func (r *remaking) stood(t *remadeTopic, s *remadeSeries, i int) (lineage.Word, error) {
	for k := i - 1; k >= t.from; k-- {
		if n := len(s.words[k]); n > 0 {
			return s.words[k][n-1], nil
		}
	}
	if s.old == nil {
		return lineage.Word{}, nil
	}
	x := standing{s.detailKey(), s.said}
	err := r.v.lookForDetails(r.blocks[t.from].meta.start, []*standing{&x})
	return x.word, err
}

// anchors returns the details of the block after those that are settled. What stood where nothing changed is looked for
// in what follows: so where something else stands there than did, that block says so, until it is settled itself.
func (r *remaking) anchors() (*blockDetails, bool, error) {
	b := r.blocks[r.end]
	was, err := r.e.blockDetails(b)
	if err != nil {
		return nil, false, err
	}
	now, changed := &blockDetails{whole: was.whole, entries: slices.Clone(was.entries)}, false
	for _, t := range r.topics {
		for _, s := range t.series {
			if !s.reworded {
				continue
			}
			stands, err := r.stood(t, s, r.end)
			if err != nil {
				return nil, false, err
			}
			stood := standing{s.detailKey(), s.said}
			if err := r.v.lookForDetails(b.meta.start, []*standing{&stood}); err != nil {
				return nil, false, err
			}
			if stands.Text == stood.word.Text {
				continue
			}
			changed = true
			r.touched = min(r.touched, b.meta.start)
			i, there := now.find(s.detailKey())
			if !there {
				now.entries = slices.Insert(now.entries, i, detailEntry{detailKey: s.detailKey()})
			}
			now.entries[i].base = stands
		}
	}
	return now, changed, nil
}
