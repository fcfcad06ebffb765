package timeseries

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"
)

// block is a sealed stretch of time of one tier. It never changes; its sections are read when asked for and cached.
type block struct {
	tier     int
	revision uint32 // how often it was made anew
	meta     blockMeta
}

func (b *block) file() fileID {
	return fileID{kind: byte(b.tier), number: b.meta.start, revision: b.revision}
}

// blockMeta is what is known of a block without reading it. It holds the rounds, samples and marks of the ticks (start,
// end].
type blockMeta struct {
	start, end int64
	// roundMin and sampleMin are how far back its rounds and its advances reach; never when there are none.
	roundMin, sampleMin int64
	series, slabs       int
	marks               int // parts of the marks section
	events              int
	eventMin, eventMax  time.Time
}

const (
	// slabSeries is how many series share a slab: enough to compress, few enough that one chart does not read much.
	slabSeries = 256
	// marksTicks is how many steps share a part of the marks section.
	marksTicks = 60
)

// indexEntry is a series of a block.
type indexEntry struct {
	key     seriesKey
	src     uint16
	based   bool
	base    int64 // gauges: the value at the block's start, when based
	last    int64 // gauges: the value at its end
	samples int
	slab    int // that holds its samples
	slot    int // its place in the slab
	// For counters: all that it advanced, how far back that reaches, whether a part was estimated.
	sum       int64
	reach     int64
	estimated bool
}

// point is one sample of a sealed block: a gauge's value, or a counter's advance.
type point struct {
	value int64
	tick  int32 // from the block's start
	span  int32 // ticks that an advance took; below zero: estimated
}

func (p point) width() int64 {
	if p.span < 0 {
		return -int64(p.span)
	}
	return int64(p.span)
}

func (p point) estimated() bool { return p.span < 0 }

// sourceRounds is one source's rounds in a block.
type sourceRounds struct {
	before anchor
	rounds []round
}

// tickMarks is the marks of one tick.
type tickMarks struct {
	tick int64
	marks
}

func compareKeys(a, b seriesKey) int {
	return cmp.Compare(a.word(), b.word())
}

// load returns a decoded section through the cache. Its cost is a guess of the bytes it takes in memory.
func load[T any](e *engine, b *block, section byte, number int, decode func(*block, []byte) (T, int, error)) (T, error) {
	key := cacheKey{tier: b.tier, start: b.meta.start, revision: b.revision, section: section, number: number}
	if v, ok := e.cache.get(key); ok {
		return v.(T), nil
	}
	var out T
	content, err := e.section(b.file(), section, number)
	if err == nil {
		var cost int
		if out, cost, err = decode(b, content); err == nil {
			e.cache.put(key, out, cost)
			return out, nil
		}
		err = fmt.Errorf("read %s, section %c %d: %w", b.file(), section, number, err)
	}
	if damaged(err) { // from now on its time is a gap; this answer is none
		e.quarantine(b, err)
	}
	return out, err
}

func (e *engine) blockIndex(b *block) ([]indexEntry, error) {
	return load(e, b, indexSection, 0, decodeIndex)
}

// blockEntry returns nil when the block does not know the series.
func (e *engine) blockEntry(b *block, key seriesKey) (*indexEntry, error) {
	index, err := e.blockIndex(b)
	if err != nil {
		return nil, err
	}
	i := sort.Search(len(index), func(i int) bool { return compareKeys(index[i].key, key) >= 0 })
	if i == len(index) || index[i].key != key {
		return nil, nil //nolint:nilnil // absence is no error here, and the zero entry means something else
	}
	return &index[i], nil
}

// blockPoints returns the samples of a series; they belong to the cache.
func (e *engine) blockPoints(b *block, x *indexEntry) ([]point, error) {
	key := cacheKey{tier: b.tier, start: b.meta.start, revision: b.revision, section: columnOfSlab, number: x.slab*slabSeries + x.slot}
	if v, ok := e.cache.get(key); ok {
		return v.([]point), nil
	}
	slab, err := load(e, b, slabSection, x.slab, decodeSlab)
	if err != nil {
		return nil, err
	}
	if x.slot >= slab.len() {
		return nil, fmt.Errorf("read block of tier %d at tick %d: %w: slab %d has no column %d", b.tier, b.meta.start, errCorrupt, x.slab, x.slot)
	}
	points, err := slab.points(b, x.slot)
	if err != nil {
		return nil, e.partly(b, slabSection, x.slab, err)
	}
	e.cache.put(key, points, 16*len(points)+cachedBytes)
	return points, nil
}

func (e *engine) blockRounds(b *block) (map[uint16]*sourceRounds, error) {
	return load(e, b, roundsSection, 0, decodeRounds)
}

func (e *engine) blockUnion(b *block) (*marks, error) {
	return load(e, b, unionSection, 0, decodeUnion)
}

func (e *engine) blockEvents(b *block) ([]dated, error) {
	return load(e, b, eventsSection, 0, decodeEvents)
}

// blockUnionIn adds what a block marks in (lo, hi] to a union: of parts that lie in it as they were joined when the
// block was written, if it was written so.
func (e *engine) blockUnionIn(b *block, lo, hi int64, out *marksUnion) error {
	width := marksTicks * e.stepTicks[b.tier]
	for i := range b.meta.marks {
		from := b.meta.start + int64(i)*width
		to := min(from+width, b.meta.end)
		if from >= hi || to <= lo {
			continue
		}
		if from >= lo && to <= hi && e.vault.has(b.file(), []sectionID{{partSection, i}}) == nil {
			m, err := load(e, b, partSection, i, decodeUnion)
			if err != nil {
				return err
			}
			out.add(m)
			continue
		}
		err := e.blockMarks(b, max(from, lo), min(to, hi), func(_ int64, m *marks) bool { out.add(m); return true })
		if err != nil {
			return err
		}
	}
	return nil
}

// blockMarks visits the marks of a block in (lo, hi], newest first, until visit returns false. They are the visitor's.
func (e *engine) blockMarks(b *block, lo, hi int64, visit func(tick int64, m *marks) bool) error {
	width := marksTicks * e.stepTicks[b.tier]
	for i := b.meta.marks - 1; i >= 0; i-- {
		from := b.meta.start + int64(i)*width
		if from >= hi || from+width <= lo {
			continue
		}
		all, err := load(e, b, marksSection, i, decodeMarkPart)
		if err != nil {
			return err
		}
		for j, t := range slices.Backward(all.ticks) {
			if t <= lo || t > hi {
				continue
			}
			m, err := all.marks(j)
			if err != nil {
				return e.partly(b, marksSection, i, err)
			}
			if !visit(t, m) {
				return nil
			}
		}
	}
	return nil
}

// holdsSealed reports whether a sealed round of a source is still known.
func (e *engine) holdsSealed(src *source, tick int64) (bool, error) {
	e.mu.RLock()
	blocks := e.tiers[rawTier].blocks
	e.mu.RUnlock()
	for _, b := range blocks {
		if tick <= b.meta.start || tick > b.meta.end {
			continue
		}
		all, err := e.blockRounds(b)
		if err != nil {
			return false, err
		}
		if r := all[src.id]; r != nil {
			_, held := findRound(r.rounds, tick)
			return held, nil
		}
	}
	return false, nil
}
