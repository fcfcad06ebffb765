package kafka

import (
	"slices"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// What somebody who observes nothing himself says of a cluster is told by its own source, until he says no more.
func TestBlindSpotsOfOthersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	board := &collector.Board{}
	w.start(Config{Board: board})
	w.take(1)
	before := w.rec.blind[sourceMetadata]
	board.SetSpots("west", []lineage.BlindSpot{{What: "a logger", Remedy: "set it back"}})
	w.take(1)
	if got := w.rec.blind[sourceMetadata]; !slices.ContainsFunc(got, func(b lineage.BlindSpot) bool { return b.What == "a logger" && b.Remedy == "set it back" }) {
		t.Errorf("told: %v", got)
	}
	board.SetSpots("west", nil)
	w.take(1)
	if got := w.rec.blind[sourceMetadata]; !slices.Equal(got, before) {
		t.Errorf("when he says no more: %v, want %v", got, before)
	}
}
