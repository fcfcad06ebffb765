package kafka

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A transactional producer of the old protocol ends one transaction a round and goes on while each round reads; another
// wrote once without idempotence, long before. What waits for a marker is settled with the next round, over both: then
// nothing of it is a bound.
func TestWaitingForMarkersIsNoBound(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "steady"})
	a.log = &transactionLog{}
	a.open(1, true)
	a.seenSince(0, t0)
	a.books = t0
	round, seq, end, bounds := t0, int32(-1), int64(0), 0
	name := func(int64) txnName { return txnName{"pay-1", "pay"} }
	for n := range 20 {
		round = round.Add(tick)
		a.begin()
		seq, end = seq+10, end+11 // ten records, and a marker of the transaction before among them
		open := end - 2
		if n == 0 {
			end, open = 13, 0 // three are of somebody else, and there is no marker yet
		}
		a.setEnd(0, end)
		// two more records come before the producers are read
		r := []producerReading{{id: 1, lastSequence: seq + 2, txnStart: open, lastMs: round.UnixMilli(), transactional: true}}
		a.setProducers(0, r, end+2, round, tick, name)
		a.tellEnds(round, round.Add(-tick))
		a.rename(name, func(int64) bool { return false })
		samples, _, _ := a.tellBooks(round, round.Add(-tick))
		for _, s := range samples {
			if (s.Metric == lineage.Left || s.Metric == lineage.Mixed) && s.Estimated && n > 1 {
				bounds++
			}
		}
	}
	t.Logf("%d are left, %d markers, the producer wrote %d", a.rest(), a.markers.n, a.txns["pay-1"].n)
	if bounds > 0 {
		t.Errorf("in %d of 18 steps what is left is a bound", bounds)
	}
}
