package copybook

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const tick = 5 * time.Second

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func records(samples []lineage.Sample) (s lineage.Sample, told bool) {
	for _, s := range samples {
		if s.Metric == lineage.Records {
			return s, true
		}
	}
	return s, false
}

// A partition's first offset counts at once when its copy holds all up to it. When the copy holds less, its end may
// only be old: it counts once that was surely read again.
func TestFirstOffset(t *testing.T) {
	type round struct {
		offset, end, copied int64
		total               int64 // told by then
	}
	for _, c := range []struct {
		name      string
		rounds    []round
		estimated bool
	}{
		{"all is there", []round{{99, 100, 100, 100}, {149, 150, 150, 150}}, false},
		{"the copy's end is old", []round{{99, 100, 60, 0}, {149, 150, 150, 150}}, false},
		{"the source's log began later", []round{{99, 100, 60, 0}, {99, 100, 60, 0}, {99, 100, 60, 0}, {99, 100, 60, 60}, {109, 110, 70, 70}}, true},
		{"the copy's end is two rounds old", []round{{99, 100, 60, 0}, {99, 100, 60, 0}, {99, 100, 60, 0}, {99, 100, 100, 100}}, false},
		{"the copy is not watched", []round{{99, 100, -1, 0}, {99, 100, -1, 0}, {119, 120, -1, 0}, {119, 120, -1, 120}}, true},
	} {
		b := New(lineage.Access{}, lineage.Mirror)
		total, estimated := int64(0), false
		for i, r := range c.rounds {
			at := t0.Add(time.Duration(i) * tick)
			b.Observe(Reading{
				Offsets: map[int32]int64{0: r.offset}, Ends: []int64{r.end}, Copies: []int64{r.copied}, Origin: true, Certain: true, Running: true, Round: at, Interval: tick,
			})
			if s, told := records(b.Tell(at.Add(-tick), true)); told {
				total, estimated = s.Value, estimated || s.Estimated
			}
			if total != r.total {
				t.Errorf("%s: %d records in round %d, want %d", c.name, total, i, r.total)
			}
		}
		if estimated != c.estimated {
			t.Errorf("%s: estimated is %v", c.name, estimated)
		}
	}
}

// The lag is also a time: since when the source's end has been beyond what is copied.
func TestLagInTime(t *testing.T) {
	b := New(lineage.Access{}, lineage.Mirror)
	levels := map[lineage.Metric]int64{}
	for i, end := range []int64{100, 200, 300, 300} {
		// all before 150 is copied, which was the end half way between the first two
		at := t0.Add(time.Duration(i) * tick)
		b.Observe(Reading{Offsets: map[int32]int64{0: 149}, Ends: []int64{end}, Copies: []int64{150}, Running: true, Round: at, Interval: tick})
		for _, s := range b.Tell(at.Add(-tick), true) {
			levels[s.Metric] = s.Value
		}
	}
	if late := (5 * tick / 2).Milliseconds(); levels[lineage.Lag] != 150 || levels[lineage.LagMillis] != late || levels[lineage.LagAtLeast] != 0 {
		t.Errorf("%v, want 150 records and %d ms, exactly", levels, late)
	}
}

// A restart goes on counting where the book was stored, and does not count twice what was not decided.
func TestBookSurvives(t *testing.T) {
	observe := func(b *Book, i int, offsets map[int32]int64) lineage.Sample {
		at := t0.Add(time.Duration(i) * tick)
		b.Observe(Reading{Offsets: offsets, Ends: []int64{100, 100}, Copies: []int64{40, 100}, Origin: true, Certain: true, Running: true, Round: at, Interval: tick})
		s, _ := records(b.Tell(at.Add(-tick), true))
		return s
	}
	b := New(lineage.Access{}, lineage.Mirror)
	if s := observe(b, 0, map[int32]int64{0: 49, 1: 9}); s.Value != 10 {
		t.Errorf("%d records, want those of the partition that is decided, 10", s.Value)
	}
	again := New(lineage.Access{}, lineage.Mirror)
	if err := again.Decode(b.Encode(), t0); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if s := observe(again, 10+i, map[int32]int64{0: 49, 1: 19}); i == 0 && s.Value != 20 || i == 3 && s.Value != 60 {
			t.Errorf("round %d: %d records", i, s.Value)
		}
	}
	for _, bad := range []string{"", "\x02", string(b.Encode()) + "x", string(b.Encode()[:len(b.Encode())-2])} {
		if New(lineage.Access{}, lineage.Mirror).Decode([]byte(bad), t0) == nil {
			t.Errorf("%q is a book", bad)
		}
	}
}

// The offsets of a topic with transactions count their markers. Its copy has none, so what the copy has grown is what
// was copied, and one offset behind the last record is nothing left to copy.
func TestTransactions(t *testing.T) {
	type round struct{ offset, end, copied, total, lag int64 }
	for _, c := range []struct {
		name   string
		origin bool
		rounds []round
	}{
		// A transaction of one record each: records at 0, 2, 4 …, markers between.
		{"from the start", true, []round{{-1, 0, 0, 0, 0}, {198, 200, 100, 0, 0}, {198, 200, 100, 0, 0}, {198, 200, 100, 0, 0}, {198, 200, 100, 100, 0}, {298, 300, 150, 150, 0}, {298, 310, 150, 150, 10}}},
		{"from a base", false, []round{{98, 100, 50, 0, 0}, {198, 200, 100, 50, 0}, {200, 202, 101, 51, 0}}},
		{"the copy's end is old", false, []round{{98, 100, 50, 0, 0}, {198, 200, 50, 0, 0}, {198, 200, 100, 50, 0}, {298, 300, 110, 60, 0}, {298, 300, 150, 100, 0}}},
		{"the copy is not watched", false, []round{{98, 100, -1, 0, 0}, {198, 200, -1, 100, 0}, {298, 300, -1, 200, 0}}},
		{"the copy was made anew", false, []round{{98, 100, 50, 0, 0}, {98, 100, 0, 0, 0}, {118, 120, 10, 10, 0}}},
	} {
		b := New(lineage.Access{}, lineage.Mirror)
		levels := map[lineage.Metric]int64{}
		for i, r := range c.rounds {
			at := t0.Add(time.Duration(i) * tick)
			offsets := map[int32]int64{}
			if r.offset >= 0 {
				offsets[0] = r.offset
			}
			b.Observe(Reading{
				Offsets: offsets, Ends: []int64{r.end}, Copies: []int64{r.copied}, Transactional: true, Origin: c.origin, Certain: true, Running: true, Round: at, Interval: tick,
			})
			for _, s := range b.Tell(at.Add(-tick), true) {
				levels[s.Metric] = s.Value
				if s.Metric == lineage.Records && s.Value > 0 && !s.Estimated {
					t.Errorf("%s: round %d is not estimated", c.name, i)
				}
			}
			if levels[lineage.Records] != r.total || levels[lineage.Lag] != r.lag || r.lag == 0 && levels[lineage.LagMillis] != 0 {
				t.Errorf("%s: round %d has %v, want %d records and a lag of %d", c.name, i, levels, r.total, r.lag)
			}
		}
	}
}

// That a topic has transactions is not forgotten where its end is not told, nor over a restart.
func TestTransactionsStay(t *testing.T) {
	b := New(lineage.Access{}, lineage.Mirror)
	observe := func(i int, offset, copied int64, transactional bool) {
		b.Observe(Reading{
			Offsets: map[int32]int64{0: offset}, Copies: []int64{copied}, Transactional: transactional, Running: true, Round: t0.Add(time.Duration(i) * tick), Interval: tick,
		})
	}
	observe(0, 98, 50, true)
	observe(1, 198, 100, false)
	again := New(lineage.Access{}, lineage.Mirror)
	if err := again.Decode(b.Encode(), t0); err != nil {
		t.Fatal(err)
	}
	b = again
	observe(2, 298, 150, false)
	if s, _ := records(b.Tell(t0, true)); s.Value != 100 || !s.Estimated {
		t.Errorf("%+v, want 100 records, estimated", s)
	}
	for _, bad := range []string{string(b.Encode()) + "x", string(b.Encode()[:len(b.Encode())-2])} {
		if New(lineage.Access{}, lineage.Mirror).Decode([]byte(bad), t0) == nil {
			t.Errorf("%q is a book", bad)
		}
	}
}

// A partition that can't be is left out.
func TestNoSuchPartition(t *testing.T) {
	for _, origin := range []bool{false, true} {
		b := New(lineage.Access{}, lineage.Mirror)
		for i := range 4 {
			b.Observe(Reading{Offsets: map[int32]int64{-1: int64(i)}, Copies: []int64{1}, Origin: origin, Running: true, Round: t0.Add(time.Duration(i) * tick), Interval: tick})
		}
		if s, told := records(b.Tell(t0, true)); told && s.Value != 0 {
			t.Errorf("it has %d records", s.Value)
		}
	}
}
