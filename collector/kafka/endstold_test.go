package kafka

import (
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestEndsAreOfTheRound has a partition that can't be read for a round: where it ended before is not told as where it
// ends now, since a replication's copy would look as if it had not grown.
func TestEndsAreOfTheRound(t *testing.T) {
	s := newSource(Config{Name: "west", Interval: tick})
	tp := &topic{account: newAccount(lineage.Topic{Name: "copy"})}
	tp.open(2, false)
	s.byName["copy"] = tp
	for n, want := range [][]int64{{10, 20}, {15, -1}, {18, 40}} {
		tp.begin()
		for p, end := range want {
			if end >= 0 {
				tp.setEnd(p, end)
			}
		}
		if got := s.endsOf("copy").Offsets; !slices.Equal(got, want) {
			t.Errorf("round %d: %v, want %v", n, got, want)
		}
	}
}
