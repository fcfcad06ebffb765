package mirror

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A replication that commits each minute goes on between its commits, and ends where it last moved, however often
// lineaged starts anew.
func TestFlowsBeginAndEnd(t *testing.T) {
	w := newWorld(t)
	w.dedicated("", "west.orders", "west.lines")
	w.offset("orders", 0, 99)
	w.ends["orders"] = []int64{100}
	w.take(60, "west->east")
	for i := range int64(6) {
		w.ends["orders"], w.ends["east/west.orders"] = []int64{200 + 100*i}, []int64{200 + 100*i}
		w.offset("orders", 0, 199+100*i)
		if i == 3 {
			w.start()
		}
		w.take(12, "west->east")
	}
	ended := w.round.Add(-11 * tick)
	w.take(50, "west->east")
	var got []lineage.Event
	for _, e := range w.rec.events {
		if e.Type == lineage.FlowStarted || e.Type == lineage.FlowStopped {
			got = append(got, e)
		}
	}
	ok := len(got)%2 == 0 && len(got) > 0
	for i, e := range got {
		want := lineage.FlowStarted
		if i >= len(got)/2 {
			want = lineage.FlowStopped
			ok = ok && e.At.Equal(ended)
		}
		ok = ok && e.Type == want && e.Access.Client.Mover == node
	}
	if !ok {
		t.Errorf("events, the end was at %v: %+v", ended, got)
	}
}
