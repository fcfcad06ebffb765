package openlineage

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// restart starts the source where no cluster was reached yet but west.
func (w *world) restart(awaits ...string) {
	w.Helper()
	west, _ := w.board.Cluster("west")
	w.board = &collector.Board{}
	for _, name := range awaits {
		w.board.Await(name)
	}
	w.board.SetCluster(west)
	w.start()
}

// A run that is over for longer than runs are kept is not forgotten before it is known which topics it names: its ways
// would be too, and all that it reads would lead to all that it writes. It is not kept for longer than they are told.
func TestWaysOfARunOverTopicsOfAClusterThatIsLate(t *testing.T) {
	east := collector.Watched{Source: "east", ID: "id-east", Bootstrap: []string{"e1:9092"}, IDs: map[string]lineage.TopicID{"a": {2}, "c": {3}}}
	for _, reached := range []bool{true, false} {
		w := newWorld(t)
		w.board.SetCluster(east)
		w.send(w.event(1, "START", facet("a>kafka://e1:9092/c", "b>d"), "", ""), w.event(1, "COMPLETE", "", "x/a x/b", ""))
		const over = "a>c in id-east-, b>d-, >c in id-east-, >d-"
		w.leadsTo("it is over", over)
		w.at = w.at.Add(25 * time.Hour)
		w.restart("east")
		w.leadsTo("while its cluster was not reached", over)
		w.leadsTo("nor in the round after", over)
		if reached {
			w.board.SetCluster(east)
			w.round()
			w.leadsTo("since it was", over)
			if n := len(w.c.source.runs); n > 0 {
				t.Errorf("%d runs are kept then", n)
			}
		}
		w.at = w.at.Add(keepWays)
		w.round()
		w.leadsTo("when its ways are told of no more", "nothing")
		if n := len(w.c.source.runs); n > 0 {
			t.Errorf("reached %v: %d runs are kept for good", reached, n)
		}
	}
}

// What a facet is silent about is said for as long as its ways are told of, also by a process that did not hear it.
func TestSilentOutputsAfterARestart(t *testing.T) {
	w := newWorld(t)
	const left, silence = "dataset:x/d by job:ns/j", "lineage facet"
	says := func(when, want string) {
		t.Helper()
		w.round()
		if said := w.blinded(silence); (said != "") != (want != "") || !strings.Contains(said, want) {
			t.Errorf("%s it is said %q, want %q", when, said, want)
		}
	}
	w.send(w.event(1, "START", facet("a>c", "b>kafka://e1:9092/f"), "x/a x/b", "x/c x/d"), w.event(1, "COMPLETE", "", "", ""))
	says("at first", left)
	w.restart("east")
	says("in a round that knows no topic of another cluster", left)
	w.restart()
	w.at = w.at.Add(25 * time.Hour)
	w.round()
	if n := len(w.c.source.runs); n > 0 {
		t.Fatalf("%d runs are kept after a day", n)
	}
	says("when the run is forgotten", left)
	w.restart()
	says("and after another start", left)
	w.send(w.event(2, "START", facet("a>c"), "", ""))
	says("when another run tells of other outputs", left)
	w.restart()
	w.at = w.at.Add(tick)
	w.send(w.event(2, "RUNNING", facet("b>d"), "", ""))
	says("when it tells of this one", "")
	w.restart()
	says("and after a start", "")
	w.send(w.event(3, "COMPLETE", facet("a>c"), "", "x/d x/e"))
	says("of a third run", "dataset:x/e by job:ns/j")
	w.at = w.at.Add(9 * 24 * time.Hour)
	w.round()
	w.round()
	w.restart()
	says("when nothing of it is told any more", "")
}

func TestWaysOfAnOlderVersion(t *testing.T) {
	w := newWorld(t)
	e := varint.Encoder{}
	e.Uint(1)
	for _, s := range []string{"ns", "j", "digest", fmt.Sprintf(`{"Job":{"Scope":"ns","Kind":%d,"Name":"j"},"Ends":[{"Scope":"x","Kind":%d,"Name":"c"}],"Ways":[{"From":-1,"To":0,"Until":%q}]}`,
		lineage.JobNode, lineage.DatasetNode, w.now())} {
		e.String(s)
	}
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	w.positions[waysKey(runevent.Name{Namespace: "ns", Name: "j"})] = e
	w.start()
	w.send(w.event(1, "START", facet("a>d"), "", ""))
	w.leadsTo("with what an older version kept", ">c-, a>d, >d")
}

// Where there is no room for what an event names, its facet is left out with it: it would be silent about all outputs.
func TestAFacetThatThereIsNoRoomFor(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "RUNNING", snapshots+","+facet("a>c", "b>d"), "", ""))
	w.leadsTo("with room", "a>c, >c, b>d, >d")
	w.send(w.event(2, "START", "", "x/a x/b", "x/e"))
	w.leadsTo("and of a run without a facet", "a>c, >c, b>d, >d, a>e, b>e")
	w.c.source.edges = maxEdges + 1
	w.at = w.at.Add(time.Second)
	w.send(w.event(1, "RUNNING", snapshots+","+facet("a>d"), "", ""), w.event(2, "RUNNING", facet("a>e"), "", ""))
	w.leadsTo("without", "a>c, >c, b>d, >d, a>e, b>e")
}

// Nor does the job itself then declare that it reads and writes nothing.
func TestADeclarationThatThereIsNoRoomFor(t *testing.T) {
	w := newWorld(t)
	declared := func(in string) string {
		return fmt.Sprintf(`{"eventTime":%q,"job":{"namespace":"ns","name":"j"},"inputs":[{"namespace":"x","name":%q}],"outputs":[]}`, w.now(), in)
	}
	w.send(declared("a"))
	w.round()
	w.c.source.edges = maxEdges + 1
	w.at = w.at.Add(time.Hour)
	w.send(declared("b"))
	w.round()
	w.at = w.at.Add(againAfter)
	w.wants("a day later", "job:ns/j read x/a moved=false", "job:ns/j read x/a pending=0")
}
