package demo

import (
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The last sequence follows the batches as a broker's does: over the wrap from 2^31-1 to 0, back to the start with a
// new epoch, and past retries.
func TestLastSequence(t *testing.T) {
	s := newProducerStates(nil)
	p := partition{"orders", 0}
	f := func(epoch int16, first, records, want int32) {
		t.Helper()
		s.batch(p, &kmsg.RecordBatch{ProducerID: 7, ProducerEpoch: epoch, FirstSequence: first, NumRecords: records})
		got := active(s.states[p])
		if len(got) != 1 || got[0].ProducerID != 7 || got[0].LastSequence != want || got[0].CurrentTxnStartOffset != -1 {
			t.Errorf("after %d records from %d in epoch %d: %+v, want last sequence %d", records, first, epoch, got, want)
		}
	}
	f(0, 0, 10, 9)
	f(0, 10, 5, 14)
	f(0, 0, 10, 14) // a retry
	f(0, 10, 5, 14) // another
	f(1, 0, 3, 2)   // a new epoch starts again
	f(0, 15, 10, 2) // the old one is fenced
	s.states[p][7].lastSequence = math.MaxInt32 - 4
	f(1, math.MaxInt32-3, 4, math.MaxInt32)
	f(1, 0, 2, 1)
	f(1, math.MaxInt32-3, 4, 1) // a retry from before the wrap
	s.states[p][7].lastSequence = math.MaxInt32 - 1
	f(1, math.MaxInt32, 3, 1) // a batch across the wrap
}
