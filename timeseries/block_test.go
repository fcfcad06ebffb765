package timeseries

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// writtenBlock is what was put into a block.
type writtenBlock struct {
	b      *block
	points map[seriesKey][]point
	gauges map[seriesKey]indexEntry // that have a level and no sample among them
	rounds map[uint16]*sourceRounds
	marks  []tickMarks
	events []dated
	keys   []seriesKey
}

// writeRandom writes a block of a tier with more series than two slabs hold, of which some have no samples.
func writeRandom(t *testing.T, e *engine, r *rand.Rand, tier int, start int64) *writtenBlock {
	t.Helper()
	w := e.newBlock(tier, start)
	must(t, w.begin())
	step, length := e.stepTicks[tier], e.blockTicks[tier]
	x := &writtenBlock{points: map[seriesKey][]point{}, gauges: map[seriesKey]indexEntry{}, rounds: map[uint16]*sourceRounds{}}
	id := subjectID(0)
	for range r.IntN(3 * slabSeries) {
		id += subjectID(1 + r.IntN(3))
		for _, m := range [...]lineage.Metric{lineage.Records, lineage.Lag, newCounter} {
			if r.IntN(3) == 0 {
				continue
			}
			k := seriesKey{Subject: id, Metric: m, Evidence: lineage.EvidenceKind(r.IntN(4))}
			var points []point
			for n := r.Int64N(40); n < length/step && r.IntN(9) > 0; n += 1 + r.Int64N(20) {
				p := point{value: r.Int64N(1 << 30), tick: int32((n + 1) * step), span: int32(1 + r.Int64N(3*step))}
				if r.IntN(4) == 0 {
					p.span = -p.span
				}
				points = append(points, p)
			}
			entry := indexEntry{key: k, src: uint16(r.IntN(3)), based: r.IntN(2) == 0, last: r.Int64N(100)}
			if entry.based {
				entry.base = r.Int64N(100) - 50
			}
			must(t, w.add(entry, points))
			x.points[k], x.keys = points, append(x.keys, k)
			if !m.Counter() {
				x.gauges[k] = entry
			}
		}
	}
	for src := range uint16(3) {
		s := &sourceRounds{before: anchor{tick: start - r.Int64N(9)}, rounds: []round{}}
		for n := int64(0); n < length/step; n += 1 + r.Int64N(30) {
			s.rounds = append(s.rounds, round{anchor: anchor{tick: start + (n+1)*step, offset: r.Int64N(1e9)}, span: int32(step)})
		}
		x.rounds[src] = s
	}
	union := &marks{}
	for n := r.Int64N(90); n < length/step; n += 1 + r.Int64N(50) {
		m := randomMarks(r)
		union.or(&m)
		x.marks = append(x.marks, tickMarks{start + (n+1)*step, m})
	}
	for range r.IntN(5) {
		x.events = append(x.events, dated{randomEvent(r), start + 1 + r.Int64N(length)})
	}
	w.words = &blockWords{}
	b, err := w.finish(x.rounds, union, x.marks, x.events)
	must(t, err)
	x.b = b
	return x
}

// TestBlocksHoldWhatIsPutInThem writes random blocks of each tier and reads of them, in any order, through a cache that
// is too small for one: each series has its samples and what they add up to, each stretch of time its marks, newest
// first, and what is not there is nowhere.
func TestBlocksHoldWhatIsPutInThem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 31))
	e := testEngine(t)
	e.cache = newCache(100_000)
	for n := range 30 {
		x := writeRandom(t, e, r, n%tiers, int64(n+3)*e.blockTicks[n%tiers])
		b := x.b
		for _, i := range r.Perm(len(x.keys)) {
			k := x.keys[i]
			got, err := e.blockEntry(b, k)
			must(t, err)
			points := x.points[k]
			want := indexEntry{key: k, src: got.src, samples: len(points), reach: never, slab: got.slab, slot: got.slot}
			if g, ok := x.gauges[k]; ok {
				want.based, want.base, want.last = g.based, g.base, g.last
			} else {
				for _, p := range points {
					want.sum += p.value
					want.reach = min(want.reach, b.meta.start+int64(p.tick)-p.width())
					want.estimated = want.estimated || p.estimated()
				}
			}
			if *got != want {
				t.Fatalf("%s: %v is %+v, want %+v", b.file(), k, *got, want)
			}
			if len(points) == 0 {
				continue
			}
			read, err := e.blockPoints(b, got)
			must(t, err)
			if !slices.Equal(read, points) {
				t.Fatalf("%s: the samples of %v are %v, want %v", b.file(), k, read, points)
			}
		}
		for range 20 {
			k := seriesKey{Subject: subjectID(r.IntN(2000)), Metric: lineage.Lag, Evidence: lineage.EvidenceKind(r.IntN(6))}
			got, err := e.blockEntry(b, k)
			must(t, err)
			if there := slices.Contains(x.keys, k); (got != nil) != there {
				t.Fatalf("%s: %v is there: %t, want %t", b.file(), k, got != nil, there)
			}
		}
		checkBlockMarks(t, e, r, x)
		rounds, err := e.blockRounds(b)
		must(t, err)
		if !reflect.DeepEqual(rounds, x.rounds) {
			t.Fatalf("%s: rounds %v, want %v", b.file(), rounds, x.rounds)
		}
		checkBlockEvents(t, e, x)
		must(t, e.vault.has(b.file(), b.sections()))
		values := e.vault.(*memoryVault).values[b.file()]
		parts := 0
		for id := range values {
			if id.kind == partSection {
				parts++
			}
			if id.kind == partSection || id.kind == detailsSection {
				delete(values, id)
			}
		}
		if len(values) != len(b.sections()) || parts > 0 != (b.meta.marks > 1) || parts > 0 && parts != b.meta.marks {
			t.Errorf("%s: %d sections, and it must have %d; unions of %d parts of %d", b.file(), len(values), len(b.sections()), parts, b.meta.marks)
		}
		checkBlockUnions(t, e, r, x) // as it was written before there were any
		must(t, e.vault.drop(b.file()))
	}
}

// checkBlockMarks asks for the marks of stretches of a block, and ends the walk now and then.
func checkBlockMarks(t *testing.T, e *engine, r *rand.Rand, x *writtenBlock) {
	t.Helper()
	b := x.b
	for range 30 {
		lo := b.meta.start + r.Int64N(e.blockTicks[b.tier]+1)
		hi := lo + r.Int64N(b.meta.end-lo+1)
		if r.IntN(5) == 0 {
			lo, hi = b.meta.start-1, b.meta.end+1
		}
		most := r.IntN(40)
		var want []tickMarks
		for _, m := range slices.Backward(x.marks) {
			if m.tick > lo && m.tick <= hi && len(want) < most {
				want = append(want, m)
			}
		}
		n := 0
		err := e.blockMarks(b, lo, hi, func(tick int64, m *marks) bool {
			if n == most {
				return false
			}
			if n >= len(want) || tick != want[n].tick || !sameMarks(m, &want[n].marks) {
				t.Fatalf("%s: the %d-th marks in (%d, %d] are of %d, want %v", b.file(), n, lo, hi, tick, want)
			}
			n++
			return true
		})
		must(t, err)
		if n != len(want) {
			t.Fatalf("%s: %d marks in (%d, %d], want %d", b.file(), n, lo, hi, len(want))
		}
	}
	checkBlockUnions(t, e, r, x)
	union := &marks{}
	for i := range x.marks {
		union.or(&x.marks[i].marks)
	}
	got, err := e.blockUnion(b)
	must(t, err)
	if !sameMarks(got, union) {
		t.Fatalf("%s: the union is not of what is marked", b.file())
	}
}

// checkBlockUnions joins the marks of stretches of a block.
func checkBlockUnions(t *testing.T, e *engine, r *rand.Rand, x *writtenBlock) {
	t.Helper()
	b, width := x.b, marksTicks*e.stepTicks[x.b.tier]
	border := func() int64 {
		if r.IntN(2) == 0 {
			return min(b.meta.start+width*r.Int64N(int64(b.meta.marks)+1), b.meta.end)
		}
		return b.meta.start + r.Int64N(e.blockTicks[b.tier]+1)
	}
	for range 30 {
		lo, hi := border(), border()
		lo, hi = min(lo, hi), max(lo, hi)
		var got marksUnion
		must(t, e.blockUnionIn(b, lo, hi, &got))
		want := &marks{}
		for i := range x.marks {
			if y := &x.marks[i]; y.tick > lo && y.tick <= hi {
				want.or(&y.marks)
			}
		}
		if !sameMarks(got.marks(), want) {
			t.Fatalf("%s: what is marked in (%d, %d] is another", b.file(), lo, hi)
		}
	}
}

// checkBlockEvents holds the events, and what is known of them without reading them.
func checkBlockEvents(t *testing.T, e *engine, x *writtenBlock) {
	t.Helper()
	got, err := e.blockEvents(x.b)
	must(t, err)
	if len(x.events) > 0 && !reflect.DeepEqual(got, x.events) || len(got) != x.b.meta.events {
		t.Fatalf("%s: events %v, want %v", x.b.file(), got, x.events)
	}
	var first, last time.Time
	for i, y := range x.events {
		if i == 0 || y.At.Before(first) {
			first = y.At
		}
		if i == 0 || y.At.After(last) {
			last = y.At
		}
	}
	if !x.b.meta.eventMin.Equal(first) || !x.b.meta.eventMax.Equal(last) {
		t.Fatalf("%s: events from %s to %s, want %s to %s", x.b.file(), x.b.meta.eventMin, x.b.meta.eventMax, first, last)
	}
	roundMin, sampleMin := int64(never), int64(never)
	for _, s := range x.rounds {
		for _, y := range s.rounds {
			roundMin = min(roundMin, y.start())
		}
	}
	for k, points := range x.points {
		for _, p := range points {
			if k.Metric.Counter() {
				sampleMin = min(sampleMin, x.b.meta.start+int64(p.tick)-p.width())
			}
		}
	}
	if x.b.meta.roundMin != roundMin || x.b.meta.sampleMin != sampleMin {
		t.Fatalf("%s: rounds reach back to %d and samples to %d, want %d and %d", x.b.file(), x.b.meta.roundMin, x.b.meta.sampleMin, roundMin, sampleMin)
	}
}
