package connect

import (
	"net/http"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// A Connect that never answered may write any topic, and nobody waits for its word; one that was known, also before a
// restart, only what it is known to write.
func TestRefusedConnectAffectsItsOwnTopics(t *testing.T) {
	w := newWorker(t)
	refuse := func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, canary, http.StatusUnauthorized) }
	w.answer = refuse
	r := newRig(t, w, nil)
	r.take()
	all := r.board.Writers(kafka)
	if _, sure := all.Of("orders"); sure || !all.AsOf.Equal(r.round) || len(all.Blind) != 1 {
		t.Errorf("never seen: sure %v, %+v", sure, all)
	}
	w.answer = nil
	w.connectors["in"] = &fake{config: map[string]any{"connector.class": "FileStreamSource", "topic": "li/nes", "file": "/in.txt"}, kind: "source", state: "RUNNING", tasks: []string{"RUNNING"}}
	w.connectors["new"] = &fake{config: map[string]any{"connector.class": "com.acme.X"}, kind: "source", state: "RUNNING", tasks: []string{"RUNNING"}, topics: []string{"words"}}
	r.take()
	w.answer = refuse
	for _, restart := range []bool{false, true} {
		if restart {
			r.board = &collector.Board{}
			r.board.SetCluster(collector.Watched{Source: "west", ID: kafka})
			r.start(nil)
		}
		r.take()
		all = r.board.Writers(kafka)
		for topic, want := range map[string]bool{"li/nes": false, "words": false, "orders": true} {
			if movers, sure := all.Of(topic); sure != want || len(movers) > 0 == want {
				t.Errorf("restarted %v: of %s sure %v, %v", restart, topic, sure, movers)
			}
		}
	}
	back, err := collector.DecodeWriters(collector.UncountedWriters{"a/b": {collector.AnyTopic: {{Scope: "x\n", Kind: lineage.ConnectorNode, Name: "/"}}}, "c": {}}.Encode())
	if err != nil || len(back) != 2 || len(back["a/b"][collector.AnyTopic]) != 1 || back["a/b"][collector.AnyTopic][0].Scope != "x\n" {
		t.Errorf("read back: %v, %v", back, err)
	}
}
