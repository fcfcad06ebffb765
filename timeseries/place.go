package timeseries

import "sort"

// place is where a query stands in the index of a block that it covers. Who asks for many series asks by key, so that
// the next is near the one before: it is looked for from there, and only who jumps about searches the index.
type place struct {
	of    *block
	index []indexEntry
	at    int // no entry before it has the key that was asked for last, or a later one
	// advanced is of the slab that was asked for last; see view.advancedIn.
	advanced *advanced
	slab     int
}

// placeIn returns the place in the i-th block of the cover.
func (v *view) placeIn(i int) (*place, error) {
	if len(v.places) != len(v.cover) {
		v.places = make([]place, len(v.cover))
	}
	p := &v.places[i]
	if p.of == v.cover[i] {
		return p, nil
	}
	index, err := v.blockIndex(v.cover[i])
	if err == nil {
		*p = place{of: v.cover[i], index: index}
	}
	return p, err
}

// entry returns a series of the i-th block of the cover, nil when the block does not know it.
func (v *view) entry(i int, key seriesKey) (*indexEntry, error) {
	p, err := v.placeIn(i)
	if err != nil {
		return nil, err
	}
	return p.find(key), nil
}

func (p *place) find(key seriesKey) *indexEntry {
	word := key.word()
	p.at = p.lower(word)
	if p.at < len(p.index) && p.index[p.at].key.word() == word {
		return &p.index[p.at]
	}
	return nil
}

// lower returns the first entry that has a key or a later one.
func (p *place) lower(word uint64) int {
	from, to := 0, p.at // it is in [from, to]
	if p.at < len(p.index) && p.index[p.at].key.word() < word {
		stride := 1
		for from = p.at + 1; from+stride <= len(p.index) && p.index[from+stride-1].key.word() < word; stride *= 2 {
			from += stride
		}
		to = min(from+stride, len(p.index))
	} else if p.at == 0 || p.index[p.at-1].key.word() < word {
		return p.at
	}
	return from + sort.Search(to-from, func(i int) bool { return p.index[from+i].key.word() >= word })
}
