package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Who deletes a sink connector leaves its group with the positions that it had: they stand, what is written from then
// on waits for them, and who makes it again under its name goes on from there.
func TestTheGroupOfADeletedSinkStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		orders, n, set := topic("orders"), connector("sink"), lineage.Dataset{Namespace: "file", Name: "/out"}
		reader := reads(orders, group("connect-sink"))
		w := newWorld(t)
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders), groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "connect-sink"}, State: "Empty", MembersKnown: true})))
		for r := 1; r <= 14; r++ {
			moved, lag := int64(0), int64(0)
			if r < 6 {
				moved = 4
			} else {
				lag = 5
			}
			w.observe("west", "groups", r, w.moved(reader, lineage.GroupOffsets, moved), level(reader, lineage.Lag, lag))
			fill := []filling{}
			switch {
			case r < 6:
				fill = append(fill, sighted(reads(nameOnly(orders), by(n)), lineage.Connect, "class x"), sighted(outside(lineage.Write, n, set), lineage.Connect, "class x"))
				if r == 1 {
					fill = append(fill, facts(connectorFact(n, "sink", "RUNNING")))
				}
			case r == 6:
				fill = append(fill, facts(gone(connectorFact(n, "sink", "RUNNING"))))
			}
			w.observe("connect", "connectors", r, fill...)
		}
		time.Sleep(time.Until(round(14)))
		into, out := lineage.Flow{From: topicNode("orders"), To: n}, lineage.Flow{From: n, To: set.Node()}
		for name, c := range map[string]struct {
			from     int
			records  string
			active   string
			outwards string // whether something moved out of it; empty: it is not there
		}{
			"it was deleted within the window":      {from: 3, records: "8", active: "true", outwards: "null"},
			"it was deleted long before the window": {from: 10, records: "0", active: "false"},
		} {
			v := named(t, w, answer.Between(round(c.from), round(14)), "connect")
			_, readers := v.Usage(topicNode("orders"))
			if len(readers) != 1 || readers[0] != into {
				t.Errorf("%s: the readers are %v", name, readers)
				continue
			}
			f := v.Rows(nil, []lineage.Flow{into}).Flow(into)
			lag, err := f.Lag(t.Context())
			if records := f.Records(); err != nil || known(f.Active()) != c.active || known(records) != c.records || known(lag) != "5" {
				t.Errorf("%s: active %s, %s records, lag %s (%v); want %s, %s, 5", name, known(f.Active()), known(records), known(lag), err, c.active, c.records)
			}
			outwards := ""
			for _, f := range v.Walk(graph.Query{Roots: []lineage.Node{topicNode("orders")}, Direction: graph.Downstream, Depth: 9, Limit: 100}, answer.Filter{}).Flows() {
				if f == out {
					outwards = known(v.Rows(nil, []lineage.Flow{out}).Flow(out).Active())
				}
			}
			if outwards != c.outwards {
				t.Errorf("%s: to the dataset it moved %q, want %q", name, outwards, c.outwards)
			}
		}
	})
}
