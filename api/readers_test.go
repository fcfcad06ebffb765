package api_test

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// readers is a topic and who reads it in all the ways that are no plain progress. Watching begins with round 1.
//   - billing lives and reads all; dead committed before anybody watched, left 300 behind and was never seen to move,
//   - reset is set to the end in round 8 and passes 900; slow loses 150 to retention in round 9,
//   - uncommitted is assigned and has not committed: its lag can't be told; halves is two accesses, of which one can't
//     be told,
//   - an unclean election takes 40 records of the topic in round 10,
//   - stale read at most 105 in round 2 and exactly 10 a round since; vague is estimated and nobody says why, while
//     something else is said of it; waiting committed until round 10 and has read on.
//
// Of payments, sleeper is left alone after round 6, 30 behind; dead left 300 behind; living has 5 before it.
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
		groups = append(groups, w.odd(n)...)
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

// odd are the readers of which not all is exact, and those of payments.
func (w *world) odd(n int) []func(*lineage.Observation) {
	stale, vague, waiting := reads(orders, group("stale")), reads(orders, group("vague")), reads(orders, group("waiting"))
	living, sleeper, dead := reads(payments, group("living")), reads(payments, group("sleeper")), reads(payments, group("dead"))
	out := []func(*lineage.Observation){
		w.moved(vague, lineage.GroupOffsets, 10, estimated), sighted(vague, lineage.GroupMembership, "class x"), sighted(vague, lineage.GroupOffsets, "has committed offsets, the last a while ago"),
		w.moved(living, lineage.GroupOffsets, 10), level(living, lineage.Lag, 5), level(living, lineage.LagMillis, 400), level(living, lineage.Live, 1),
		level(dead, lineage.Lag, 300), level(dead, lineage.LagMillis, int64(100_000+n*10_000)), level(dead, lineage.Live, 0), sighted(dead, lineage.GroupOffsets, ""),
		level(sleeper, lineage.Lag, 30), level(sleeper, lineage.LagMillis, 60_000), sighted(sleeper, lineage.GroupOffsets, ""),
	}
	if n <= 6 {
		out = append(out, level(sleeper, lineage.Live, 1))
	} else {
		out = append(out, level(sleeper, lineage.Live, 0))
	}
	if n == 2 {
		out = append(out, w.moved(stale, lineage.GroupOffsets, 105, estimated), sighted(stale, lineage.GroupOffsets, "at most 105: it began to read unseen"))
	} else if n > 2 {
		out = append(out, w.moved(stale, lineage.GroupOffsets, 10))
	}
	if n <= 10 {
		out = append(out, w.moved(waiting, lineage.GroupOffsets, 10), level(waiting, lineage.Pending, 0))
	} else {
		out = append(out, level(waiting, lineage.Pending, 1))
	}
	return out
}

// formatted is a cluster west that is formatted anew in round 8: another one answers under its name from then on, with
// a topic of the same name.
func formatted(t testing.TB) *world {
	w := newWorld(t)
	const anew lineage.ClusterID = "anew"
	old, new := orders, topic(anew, "orders", 77)
	quiet := reads(old, group("quiet"))
	for n := 1; n <= 14; n++ {
		switch {
		case n == 1:
			w.observe("west", "end-offsets", n, facts(clusterFact("west", west, 1, 2), topicFact("west", old)), w.moved(self(old), lineage.NoEvidence, 100))
			w.observe("west", "groups", n, w.moved(quiet, lineage.GroupOffsets, 10), w.moved(reads(old, group("billing")), lineage.GroupOffsets, 100))
		case n < 7:
			w.observe("west", "end-offsets", n, w.moved(self(old), lineage.NoEvidence, 100))
			w.observe("west", "groups", n, w.moved(reads(old, group("billing")), lineage.GroupOffsets, 100))
		case n == 7:
			const why = "the brokers belong to cluster anew now, not to mFq2n0aGRXWl3w"
			w.observe("west", "end-offsets", n, missing(why), facts(gone("west", lineage.TopicFacts, "orders"), blindSpot("west", "end-offsets", why, "wait, or correct brokers of this cluster")),
				event(n, lineage.Event{Type: lineage.ClusterChanged, Detail: "west: " + why}))
			w.observe("west", "groups", n, missing(why))
		case n == 8:
			w.observe("west", "end-offsets", n, facts(clusterFact("west", anew, 1, -1), topicFact("west", new)), w.moved(self(new), lineage.NoEvidence, 20))
			w.observe("west", "groups", n, w.moved(reads(new, group("billing")), lineage.GroupOffsets, 20))
		default:
			w.observe("west", "end-offsets", n, w.moved(self(new), lineage.NoEvidence, 20))
			w.observe("west", "groups", n, w.moved(reads(new, group("billing")), lineage.GroupOffsets, 20))
		}
	}
	return w
}

// formatting is formatted as it is while nobody knows yet what the other cluster is.
func formatting(t testing.TB) *world {
	w := newWorld(t)
	const why = "the brokers belong to cluster anew now, not to mFq2n0aGRXWl3w"
	w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 1, -1), topicFact("west", orders)))
	w.observe("west", "end-offsets", 2, missing(why), facts(blindSpot("west", "end-offsets", why, "Correct brokers of this cluster, or wait")))
	return w
}
