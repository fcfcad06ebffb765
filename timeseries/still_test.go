package timeseries

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestWhatStandsStillIsInNoBlock has 50 readers that move and whose lag changes in the first hour and in the sixth
// only: the blocks between hold nothing of them, and they are as they were at each instant, in each tier.
func TestWhatStandsStillIsInNoBlock(t *testing.T) {
	ctx := context.Background()
	o := testOpts
	o.Retention = Retention{Raw: 10 * time.Hour, Minute: 10 * day, Hour: 400 * day}
	s, err := Open(t.TempDir(), o)
	must(t, err)
	readers := make([]lineage.Access, 50)
	for i := range readers {
		readers[i] = lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint("g", i)}}
	}
	for n := 1; n <= 8*60; n++ {
		x := testRound(n)
		if n == 30 || n == 330 {
			for i, a := range readers {
				x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n*100 + i)},
					lineage.Sample{Subject: a, Metric: lineage.Lag, Value: int64(n*1000 + i)})
			}
		}
		must(t, s.Append(ctx, x))
	}
	ask := func(stage string) {
		t.Helper()
		for i, a := range readers {
			id := entryOf(s.engine, a).subject.id
			lag := []seriesKey{{Subject: id, Metric: lineage.Lag}}
			for hour, want := range []lineage.Level{{}, {Value: 30_000, OK: true}, {Value: 30_000, OK: true}, 4: {Value: 30_000, OK: true}, 5: {Value: 30_000, OK: true}, 6: {Value: 330_000, OK: true}, 8: {Value: 330_000, OK: true}} {
				if hour == 3 || hour == 7 {
					continue
				}
				if want.OK {
					want.Value += int64(i)
				}
				got, err := s.levels(ctx, testStart.Add(time.Duration(hour)*time.Hour+time.Minute*time.Duration((hour+1)%2)), lag)
				must(t, err)
				if got[0] != want && hour > 0 {
					t.Fatalf("%s: the lag of reader %d in hour %d is %v, want %v", stage, i, hour, got[0], want)
				}
			}
			for hours, want := range map[[2]int]float64{{0, 1}: float64(3000 + i), {1, 2}: 0, {2, 5}: 0, {4, 7}: 30_000, {0, 8}: float64(33_000 + i)} {
				got, err := s.amounts(ctx, lineage.Window{Start: testStart.Add(time.Duration(hours[0]) * time.Hour), End: testStart.Add(time.Duration(hours[1]) * time.Hour)},
					[]seriesKey{{Subject: id, Metric: lineage.Records, Evidence: lineage.GroupOffsets}})
				must(t, err)
				if !got[0].Known || got[0].Total != want {
					t.Fatalf("%s: reader %d read %+v in hours %v, want %v", stage, i, got[0], hours, want)
				}
			}
		}
	}
	ask("in the head")
	must(t, s.Maintain(ctx, testStart.Add(9*time.Hour)))
	for _, b := range s.tiers[rawTier].blocks {
		hour := s.at(b.meta.start).Sub(testStart).Hours()
		if want := map[bool]int{true: 101, false: 1}[hour == 0 || hour == 5]; b.meta.series != want {
			t.Errorf("the block of hour %v holds %d series, want the %d that changed", hour, b.meta.series, want)
		}
	}
	ask("sealed")
	must(t, s.Maintain(ctx, testStart.Add(2*day)))
	must(t, s.Maintain(ctx, testStart.Add(2*day)))
	if len(s.tiers[rawTier].blocks) > 0 || len(s.tiers[minuteTier].blocks) != 1 {
		t.Fatalf("not rolled up: %+v", s.tiers)
	}
	ask("rolled up")
	must(t, s.Close())
}

// TestStillAcrossDamage has a gauge that changes in hours 0, 3 and 6 only, and loses the block of hour 3: what it was
// before and after is told, and nothing of the time that was lost.
func TestStillAcrossDamage(t *testing.T) {
	ctx := context.Background()
	s, err := Open(t.TempDir(), testOpts)
	must(t, err)
	for n := 1; n <= 9*60; n++ {
		x := testRound(n)
		if n%180 == 30 {
			x.Samples = append(x.Samples, lineage.Sample{Subject: testWriter, Metric: lineage.Lag, Value: int64(n)})
		}
		must(t, s.Append(ctx, x))
	}
	must(t, s.Maintain(ctx, testStart.Add(10*time.Hour)))
	s.quarantine(s.tiers[rawTier].blocks[3], errCorrupt)
	ask := func() {
		t.Helper()
		id := entryOf(s.engine, testWriter).subject.id
		for minute, want := range map[int]lineage.Level{
			40: {Value: 30, OK: true}, 150: {Value: 30, OK: true}, 230: {}, // lost
			250: {Value: 210, OK: true}, 350: {Value: 210, OK: true}, // as the block of hour 6 says
			400: {Value: 390, OK: true}, 500: {Value: 390, OK: true},
		} {
			got, err := s.levels(ctx, testStart.Add(time.Duration(minute)*time.Minute), []seriesKey{{Subject: id, Metric: lineage.Lag}})
			must(t, err)
			if got[0] != want {
				t.Errorf("minute %d: %v, want %v", minute, got[0], want)
			}
		}
	}
	ask()
	must(t, s.Close())
}
