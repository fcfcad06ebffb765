package connect

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// What a connector moves from outside begins and ends, however often lineaged starts anew, and a look that failed is no
// end.
func TestFlowsBeginAndEnd(t *testing.T) {
	w := newWorker(t)
	w.connectors["file-in"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in.txt", "topic": "lines"})
	position := 0
	w.connectors["file-in"].offsets = []map[string]any{{"partition": map[string]any{"filename": "/in.txt"}, "offset": map[string]any{"position": position}}}
	r := newRig(t, w, nil)
	var events []lineage.Event
	take := func(n int, moves bool) {
		for range n {
			if moves {
				position++
			}
			w.mu.Lock()
			w.connectors["file-in"].offsets[0]["offset"] = map[string]any{"position": position}
			w.mu.Unlock()
			r.take()
			for _, o := range r.last {
				for _, e := range o.Events {
					if e.Type == lineage.FlowStarted || e.Type == lineage.FlowStopped {
						events = append(events, e)
					}
				}
			}
		}
	}
	take(40, false)
	take(70, true)
	r.start(nil)
	take(10, true)
	if len(events) != 1 || events[0].Type != lineage.FlowStarted || events[0].Access.Dataset.Name != "/in.txt" || events[0].Access.Client.Mover.Name != "file-in" {
		t.Fatalf("events %+v", events)
	}
	w.mu.Lock()
	w.refuse["/connectors/file-in/topics"] = 500
	w.mu.Unlock()
	take(60, false)
	if len(events) != 1 {
		t.Errorf("what could not be seen has ended: %+v", events[1])
	}
	w.mu.Lock()
	delete(w.refuse, "/connectors/file-in/topics")
	w.mu.Unlock()
	take(60, false)
	if len(events) != 2 || events[1].Type != lineage.FlowStopped {
		t.Errorf("events %+v", events)
	}
}
