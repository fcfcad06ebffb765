package timeseries

import "math"

// A window that begins or ends in the midst of a block asks of a counter what it advanced up to there, and nothing else
// of its samples. Who asks it of many series is answered out of tables: what each series of a slab had advanced by the
// end of each step of the block. A table is made at once of a slab, takes a fraction of what its samples take in
// memory, and is read in the order in which series are asked for.

// advanced is such a table of a slab.
type advanced struct {
	series int
	unit   int64    // ticks of a step
	even   []bool   // by series: all of its advances lie in one step each, and the table has them
	sums   []uint32 // by step and, within it, by series: since the block's start
}

// tableShare is of how many series of a block a query has to be, as one of so many, for tables to be made: one that is
// made holds all 256 of a slab. What was made for others is used by all.
const tableShare = 4

// advancedOfSlab is the section under which tables are cached; there is none on disk.
const advancedOfSlab = 'T'

// advancedIn returns the table of the slab that holds a series of the i-th block of the cover; nil where it is none's,
// and too little is asked to make it.
func (v *view) advancedIn(i int, x *indexEntry) (*advanced, error) {
	p, b := &v.places[i], v.cover[i]
	if p.advanced != nil && p.slab == x.slab {
		return p.advanced, nil
	}
	key := cacheKey{tier: b.tier, start: b.meta.start, revision: b.revision, section: advancedOfSlab, number: x.slab}
	got, ok := v.cache.get(key)
	if !ok && v.asked*tableShare < b.meta.series {
		return nil, nil //nolint:nilnil // the caller decodes the series' samples instead
	}
	if !ok {
		made, err := v.makeAdvanced(b, x.slab)
		if err != nil {
			return nil, err
		}
		v.cache.put(key, made, 4*len(made.sums)+len(made.even)+cachedBytes)
		got = made
	}
	p.advanced, p.slab = got.(*advanced), x.slab
	return p.advanced, nil
}

func (e *engine) makeAdvanced(b *block, number int) (*advanced, error) {
	s, err := load(e, b, slabSection, number, decodeSlab)
	if err != nil {
		return nil, err
	}
	unit := e.stepTicks[b.tier]
	a := &advanced{series: s.len(), unit: unit, even: make([]bool, s.len())}
	a.sums = make([]uint32, int(e.blockTicks[b.tier]/unit)*a.series)
	var points []point
	for i := range a.even {
		if points, err = s.decode(b, i, points); err != nil {
			return nil, e.partly(b, slabSection, number, err)
		}
		a.even[i] = a.fill(i, points)
	}
	return a, nil
}

// fill enters the samples of a series; it returns false where they do not fit into the table.
func (a *advanced) fill(series int, points []point) bool {
	sum, at := int64(0), series // of the next step
	for _, p := range points {
		if p.value < 0 || p.tick <= 0 || p.span <= 0 || int64(p.span) > a.unit || int64(p.tick)%a.unit != 0 {
			return false
		}
		for end := (int(p.tick/int32(a.unit))-1)*a.series + series; at < end; at += a.series {
			a.sums[at] = uint32(sum)
		}
		if sum += p.value; sum > math.MaxUint32 || p.value > math.MaxUint32 {
			return false
		}
	}
	for ; at < len(a.sums); at += a.series {
		a.sums[at] = uint32(sum)
	}
	return true
}

// within returns what a series advanced in (lo, hi], ticks from the block's start; ok is false where the table does not
// say it.
func (a *advanced) within(series int, lo, hi int64) (sum int64, ok bool) {
	if !a.even[series] || lo%a.unit != 0 || hi%a.unit != 0 {
		return 0, false
	}
	return a.by(series, hi) - a.by(series, lo), true
}

func (a *advanced) by(series int, tick int64) int64 {
	if tick == 0 {
		return 0
	}
	return int64(a.sums[int(tick/a.unit-1)*a.series+series])
}
