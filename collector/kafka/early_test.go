package kafka

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// One idempotent producer alone writes all the time, so that something comes in each round between the reading of the
// end and that of the producers. What came so as the watch began is its own, whichever step shows it: nobody else did.
func TestBusyProducerAtTheBase(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "busy"})
	a.open(1, false)
	round := t0
	look := func(end, listed int64) {
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, end)
		r := []producerReading{{id: 1, lastSequence: int32(listed) - 1, txnStart: -1, lastMs: round.UnixMilli()}}
		after := int64(-1)
		if a.parts[0].wantsEnd(r) {
			after = listed
		}
		a.setProducers(0, r, after, round, tick, func(int64) txnName { return txnName{} })
		a.tellEnds(round, round.Add(-tick))
		samples, sightings, _ := a.tellBooks(round, round.Add(-tick))
		for _, s := range samples {
			if s.Metric == lineage.Left || s.Metric == lineage.Mixed {
				if s.Value > 0 && !s.Estimated {
					t.Errorf("end %d: exactly %d are nobody's, %v: the one producer wrote them", end, s.Value, sightings)
				}
			}
		}
	}
	look(1000, 1003) // 3 came while the watch began
	look(4000, 4003) // and 3 while the next round read
	look(7000, 7000) // none here
	look(10000, 10002)
	look(13000, 13000)
	t.Logf("of %d the producer wrote %d and %d are left", a.appended.n, a.writers[1].n, a.rest())
}
