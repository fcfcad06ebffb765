package api_test

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// readers is a topic and who reads it in all the ways that are no plain progress. Watching begins with round 1.
//   - billing lives and reads all; dead committed before anybody watched, left 300 behind and was never seen to move,
//   - reset is set to the end in round 8 and passes 900; slow loses 150 to retention in round 9,
//   - uncommitted is assigned and has not committed: its lag can't be told; halves is two accesses, of which one can't be told,
//   - an unclean election takes 40 records of the topic in round 10.
func readers(t testing.TB) *world {
	w := newWorld(t)
	dead, reset, slow := reads(orders, group("dead")), reads(orders, group("reset")), reads(orders, group("slow"))
	uncommitted := reads(orders, group("uncommitted"))
	halves := []lineage.Access{reads(orders, group("halves")), reads(orders, lineage.Client{Group: "halves", ClientID: "second"})}
	for n := 1; n <= 12; n++ {
		ends := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 100)}
		if n == 1 {
			ends = append(ends, facts(clusterFact("west", west, 1, -1), topicFact("west", orders)))
		}
		if n == 10 {
			ends = append(ends, level(self(orders), lineage.Lost, 40),
				event(n, lineage.Event{Type: lineage.RecordsLost, Access: self(orders), Detail: "40 records of partition 0 went with broker 2, which led it"}))
		}
		w.observe("west", "end-offsets", n, ends...)

		groups := []func(*lineage.Observation){
			w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 100), level(reads(orders, group("billing")), lineage.Lag, 5), level(reads(orders, group("billing")), lineage.Live, 1),
			level(reads(orders, group("billing")), lineage.LagMillis, 500),
			w.moved(dead, lineage.GroupOffsets, 0), sighted(dead, lineage.GroupOffsets, "has not committed since this cluster is watched"), level(dead, lineage.Live, 0),
			level(dead, lineage.Lag, int64(200+100*n)), level(dead, lineage.LagMillis, int64(10_000*n)),
			w.moved(slow, lineage.GroupOffsets, 10), level(slow, lineage.Live, 1), level(slow, lineage.Lag, 50),
			sighted(uncommitted, lineage.GroupMembership, "has partitions without a commit"), level(uncommitted, lineage.Lag, lineage.Unknown), level(uncommitted, lineage.LagMillis, lineage.Unknown),
			level(uncommitted, lineage.Live, 1),
			w.moved(halves[0], lineage.GroupOffsets, 10), level(halves[0], lineage.Lag, 7),
			w.moved(halves[1], lineage.GroupOffsets, 10), level(halves[1], lineage.Lag, lineage.Unknown),
		}
		switch n {
		case 8:
			groups = append(groups, w.moved(reset, lineage.GroupOffsets, 0), level(reset, lineage.Skipped, 900),
				event(n, lineage.Event{Type: lineage.OffsetsSet, Access: reset, Detail: "the offsets of reset on orders were set forward by 900"}))
		case 9:
			groups = append(groups, level(slow, lineage.Lost, 150),
				event(n, lineage.Event{Type: lineage.RecordsLost, Access: slow, Detail: "150 records of orders were gone before slow had them"}))
		default:
			groups = append(groups, w.moved(reset, lineage.GroupOffsets, 100))
		}
		w.observe("west", "groups", n, groups...)
	}
	w.observe("west", "metadata", 12, event(12, lineage.Event{Type: lineage.ClusterChanged, Detail: "the brokers of west are those of another cluster"}))
	return w
}
