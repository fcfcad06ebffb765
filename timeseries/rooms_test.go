package timeseries

import (
	"runtime"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestARoundLeavesLittle appends rounds that are alike: what is not kept of them is hardly garbage, since collecting it
// costs as much as appending.
func TestARoundLeavesLittle(t *testing.T) {
	const samples, rounds = 10_000, 40
	s := NewMemory(testOpts)
	o := testRound(1)
	o.Samples = make([]lineage.Sample, samples)
	for i := range o.Samples {
		o.Samples[i] = lineage.Sample{
			Subject: lineage.Access{Topic: lineage.Topic{Cluster: "w", ID: lineage.TopicID{1, byte(i >> 8), byte(i)}}, Op: lineage.Write, Client: lineage.Client{Producer: 7}},
			Metric:  lineage.Records, Evidence: lineage.ProducerState,
		}
	}
	var from, to runtime.MemStats
	for n := range 2 * rounds {
		if n == rounds {
			runtime.ReadMemStats(&from)
		}
		o.Round = testStart.Add(time.Duration(n+1) * time.Minute)
		o.At = o.Round
		for i := range o.Samples {
			o.Samples[i].Value += int64(100 + i%900)
		}
		must(t, s.Append(t.Context(), o))
	}
	runtime.ReadMemStats(&to)
	if each := float64(to.TotalAlloc-from.TotalAlloc) / (samples * rounds); each > 24 {
		t.Errorf("a sample allocates %.1f bytes, want 24 at most: what is kept of it are two, and packs begin with room for as much as the one before", each)
	} else {
		t.Logf("a sample allocates %.1f bytes", each)
	}
	must(t, s.Close())
}

// TestRooms holds that room is handed out once, the smallest that is enough, and that too many are not kept.
func TestRooms(t *testing.T) {
	var r rooms
	r.give(nil)
	for n := range 2 * mostRooms {
		r.give(make([]recordSample, 10*(n+1)))
	}
	if len(r) != mostRooms {
		t.Errorf("%d rooms are kept, want %d", len(r), mostRooms)
	}
	for _, want := range []int{10 * (mostRooms + 2), 10 * (mostRooms + 3), 10 * (2*mostRooms - 1), 10 * 2 * mostRooms, 10*(2*mostRooms-1) - 1} {
		n := want
		if want%10 == 0 {
			n -= 3
		}
		if got := r.take(n); len(got) != n || want%10 == 0 && cap(got) != want || want%10 != 0 && cap(got) != n {
			t.Errorf("room for %d: %d of %d", n, len(got), cap(got))
		}
	}
}
