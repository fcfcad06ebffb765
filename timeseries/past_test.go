package timeseries

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// addPast takes a block into an engine, as the newest.
func addPast(tb testing.TB, e *engine, w *blockWriter, by map[int64]*marks) {
	tb.Helper()
	union, all := collect(by)
	w.words = &blockWords{}
	b, err := w.finish(nil, union, all, nil)
	must(tb, err)
	x := &e.tiers[b.tier]
	x.blocks, x.sealed, e.sealed = append(x.blocks, b), b.meta.end, b.meta.end
	if b.tier > rawTier {
		e.tiers[b.tier-1].floor = b.meta.end
	}
}

// addMarks adds days of minutes in which a part of many accesses moved: most of them all the time, the others now and
// then, in runs and scattered over the ids, as topics that were made together and clients that come and go are.
func addMarks(tb testing.TB, e *engine, accesses uint32, days int64) {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	busy := roaring.New()
	for id := uint32(1); id <= accesses; {
		n := 1 + r.Uint32N(40)
		if r.IntN(4) > 0 {
			busy.AddRange(uint64(id), uint64(min(id+n, accesses+1)))
		}
		id += n
	}
	for d := range days {
		w := e.newBlock(minuteTier, (d+20_000)*e.blockTicks[minuteTier])
		must(tb, w.begin())
		by := map[int64]*marks{}
		for t := w.b.meta.start + 1; t <= w.b.meta.end; t++ {
			m := busy.Clone()
			for range accesses / 100 {
				id := 1 + r.Uint32N(accesses)
				if !m.CheckedRemove(id) {
					m.Add(id)
				}
			}
			x := &marks{moved: m}
			x.seen[lineage.ProducerState] = m.Clone()
			by[t] = x
		}
		addPast(tb, e, w, by)
	}
}

// addDay adds a day of hours in which each of some series advances in each tick.
func addDay(tb testing.TB, e *engine, series int) {
	tb.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	for h := range int64(24) {
		w := e.newBlock(rawTier, (h+480_000)*e.blockTicks[rawTier])
		must(tb, w.begin())
		for i := range series {
			points := make([]point, e.blockTicks[rawTier])
			for j := range points {
				points[j] = point{value: r.Int64N(1000), tick: int32(j + 1), span: 1}
			}
			must(tb, w.add(indexEntry{key: seriesKey{Subject: subjectID(i + 1), Metric: lineage.Records, Evidence: lineage.ProducerState}}, points))
		}
		addPast(tb, e, w, map[int64]*marks{})
	}
}

// processor runs a benchmark and reports the time of processors that it took, which a busy machine does not lengthen.
func processor(b *testing.B, do func()) {
	b.ReportAllocs()
	var used time.Duration
	for b.Loop() {
		before := spentCPU(b)
		do()
		used += spentCPU(b) - before
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkPast asks which of 100,000 accesses moved in a minute, an hour, or a day that nobody asked for before.
func BenchmarkPast(b *testing.B) {
	e := testEngine(b)
	addMarks(b, e, 100_000, 3)
	first := e.tiers[minuteTier].blocks[0].meta.start
	r := rand.New(rand.NewPCG(2, 2))
	for _, width := range []int64{1, 60, 1440} {
		b.Run(strconv.FormatInt(width, 10)+"m", func(b *testing.B) {
			processor(b, func() {
				e.cache = newCache(cacheBytes)
				lo := first + 1440 + r.Int64N(2*1440)
				v, err := e.viewTicks(context.Background(), lo-width, lo, nil)
				must(b, err)
				m, err := v.sealedUnion()
				must(b, err)
				if m.moved.GetCardinality() < 1000 {
					b.Fatal("hardly anybody moved")
				}
				v.end()
			})
		})
	}
}

// BenchmarkDay reads the samples of one of 10,000 series over a day of 24 blocks: from the vault, and from the cache.
func BenchmarkDay(b *testing.B) {
	e := testEngine(b)
	addDay(b, e, 10_000)
	read := func(id subjectID) {
		n := 0
		for _, x := range e.tiers[rawTier].blocks {
			y, err := e.blockEntry(x, seriesKey{Subject: id, Metric: lineage.Records, Evidence: lineage.ProducerState})
			must(b, err)
			points, err := e.blockPoints(x, y)
			must(b, err)
			n += len(points)
		}
		if n != 24*int(e.blockTicks[rawTier]) {
			b.Fatal("samples are missing")
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	b.Run("cold", func(b *testing.B) {
		processor(b, func() {
			e.cache = newCache(cacheBytes)
			read(subjectID(1 + r.IntN(10_000)))
		})
	})
	b.Run("warm", func(b *testing.B) {
		read(7)
		processor(b, func() { read(7) })
	})
}
