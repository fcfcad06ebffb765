package api_test

import (
	"testing"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// outage is a topic of which 1000 records are written in rounds 5 to 14, and what becomes of them:
//   - billing reads all,
//   - audit reads 300, and is then set forward over 400, so that 300 wait,
//   - archive is not there, and all wait,
//   - MirrorMaker 2 copies 400, is down from round 9 to 15, while retention takes 300, and then copies the other 300,
//   - totals reads the copy in east and writes a record for ten of it.
func outage(t testing.TB) *world {
	w := newWorld(t)
	copied, totals := topic(east, "west.orders", 31), topic(east, "totals", 32)
	billing, audit, archive := reads(orders, group("billing")), reads(orders, group("audit")), reads(orders, group("archive"))
	mirrored, summed := reads(nameOnly(orders), by(mirror)), reads(copied, group("totals"))
	none := []lineage.Config{{Name: "retention.ms", Value: "3600000"}}
	waits := int64(0) // for MirrorMaker 2
	for n := 1; n <= 30; n++ {
		made, taken, skipped, lost := int64(0), int64(0), int64(0), int64(0)
		if n >= 5 && n <= 14 {
			made = 100
		}
		written := 100 * int64(min(max(n-4, 0), 10))
		read := made
		if n > 7 {
			read = 0
		}
		switch waits += made; {
		case n == 12:
			lost, skipped = 300, 400
		case n < 9 || n == 16:
			taken = waits
		}
		waits -= taken + lost
		ends := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, made)}
		copies := []func(*lineage.Observation){w.moved(self(copied), lineage.NoEvidence, taken), w.moved(self(totals), lineage.NoEvidence, taken/10)}
		move := []func(*lineage.Observation){
			w.moved(mirrored, lineage.Mirror, taken, func(s *lineage.Sample) { s.Estimated = n == 16 }), level(mirrored, lineage.Lag, waits), level(mirrored, lineage.Pending, 0),
			level(mirrored, lineage.Unplaced, 0), sighted(mirrored, lineage.Mirror, ""), sighted(writes(nameOnly(copied), by(mirror)), lineage.Mirror, "mm2-offsets.west.internal"),
		}
		if n == 1 {
			ends = append(ends, facts(clusterFact("west", west, 1, 3), topicFact("west", orders, none...)))
			copies = append(copies, facts(clusterFact("east", east, 2, 1), topicFact("east", copied, none...), topicFact("east", totals, none...)))
			move = append(move, facts(lineage.Fact{
				Key: lineage.FactKey{Source: "east", Kind: lineage.ReplicatorFacts, Name: "replicator:east/west-%3Eeast"},
				Replicator: &lineage.ReplicatorFact{
					Node: mirror, SourceAlias: "west", TargetAlias: "east", Source: west, Target: east, Policy: mm2.DefaultPolicy, Separator: ".", State: "RUNNING",
				},
			}))
		}
		if lost > 0 {
			move = append(move, vague(level(mirrored, lineage.Lost, lost)))
		}
		groups := []func(*lineage.Observation){
			w.moved(billing, lineage.GroupOffsets, made), level(billing, lineage.Lag, 0), level(billing, lineage.Pending, 0), level(billing, lineage.Live, 1),
			w.moved(audit, lineage.GroupOffsets, read), level(audit, lineage.Pending, 0), level(audit, lineage.Live, 0),
			w.moved(archive, lineage.GroupOffsets, 0), level(archive, lineage.Lag, written), level(archive, lineage.Pending, 0), level(archive, lineage.Live, 0),
			sighted(archive, lineage.GroupOffsets, "has committed offsets"), sighted(audit, lineage.GroupOffsets, ""), sighted(billing, lineage.GroupOffsets, ""),
		}
		if written > 0 {
			groups = append(groups, level(archive, lineage.LagMillis, int64(n-5)*tick.Milliseconds()))
		}
		behind := written - min(written, 300)
		if n >= 12 {
			behind -= 400
		}
		groups = append(groups, level(audit, lineage.Lag, behind))
		if skipped > 0 {
			groups = append(groups, level(audit, lineage.Skipped, skipped))
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n, w.moved(writes(orders, producer(1)), lineage.ProducerState, made))
		w.observe("west", "groups", n, groups...)
		w.observe("east", "end-offsets", n, copies...)
		w.observe("east", "producers", n, w.moved(writes(copied, by(mirror)), lineage.Elimination, taken, estimated),
			w.moved(writes(totals, lineage.Client{TransactionalID: "", Group: "totals"}), lineage.ProducerState, taken/10))
		w.observe("east", "groups", n, w.moved(summed, lineage.GroupOffsets, taken), level(summed, lineage.Lag, 0), level(summed, lineage.Pending, 0), level(summed, lineage.Live, 1))
		w.observe("east", "mirror", n, move...)
	}
	return w
}

// vague says that a sample is a bound.
func vague(f func(*lineage.Observation)) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		f(o)
		o.Samples[len(o.Samples)-1].Estimated = true
	}
}
