package copybook

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Until MirrorMaker 2 has committed an offset of a partition, as it does each minute, nobody knows how much of it
// waits, but where it was empty while MirrorMaker 2 ran.
func TestLagBeforeTheFirstOffset(t *testing.T) {
	for _, c := range []struct {
		name    string
		offsets map[int32]int64
		ends    []int64
		running bool
		lag     int64
	}{
		{"nothing is committed", map[int32]int64{}, []int64{100, 50}, true, lineage.Unknown},
		{"and it does not run", map[int32]int64{}, []int64{100, 50}, false, lineage.Unknown},
		{"nothing is there to copy", map[int32]int64{}, []int64{0, 0}, true, 0},
		{"one partition has no offset", map[int32]int64{0: 89}, []int64{100, 50}, true, lineage.Unknown},
		{"and it does not run any more", map[int32]int64{0: 89}, []int64{100, 50}, false, 10},
		{"that one is empty", map[int32]int64{0: 89}, []int64{100, 0}, true, 10},
	} {
		b := New(lineage.Access{}, lineage.Mirror)
		b.Observe(Reading{Offsets: c.offsets, Ends: c.ends, Copies: []int64{90, 0}, Running: c.running, Round: t0, Interval: tick})
		levels := map[lineage.Metric]int64{}
		for _, s := range b.Tell(t0.Add(-time.Second), true) {
			levels[s.Metric] = s.Value
		}
		if levels[lineage.Lag] != c.lag || c.lag < 0 && levels[lineage.LagMillis] != c.lag {
			t.Errorf("%s: %d records wait, %d ms; want %d", c.name, levels[lineage.Lag], levels[lineage.LagMillis], c.lag)
		}
	}
}

func TestLagOfAPartitionThatWasEmpty(t *testing.T) {
	b := New(lineage.Access{}, lineage.Mirror)
	levels := map[lineage.Metric]int64{}
	for i, end := range []int64{0, 7, 7, 7, 7} {
		at, offsets := t0.Add(time.Duration(i)*tick), map[int32]int64{}
		if i > 1 {
			offsets[0] = 4
		}
		b.Observe(Reading{Offsets: offsets, Ends: []int64{end}, Copies: []int64{5}, Origin: true, Certain: true, Running: true, Round: at, Interval: tick})
		for _, s := range b.Tell(at.Add(-tick), true) {
			levels[s.Metric] = s.Value
		}
		if want := []int64{0, 7, 2, 2, 2}[i]; levels[lineage.Lag] != want || levels[lineage.Unplaced] != 0 {
			t.Errorf("round %d: %d wait, %d, want %d", i, levels[lineage.Lag], levels[lineage.Unplaced], want)
		}
	}
}
