package kafka

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

// The answer holds every producer id of the last day (producer.id.expiration.ms), so it has a budget of bytes a round;
// partitions beyond it wait for the next round. Nothing is lost by waiting: sequences are totals.
const (
	producersBudget   = 4 << 20
	producerBytes     = 43 // of one producer in the answer: 8+4+4+8+4+8, tags and the array's share
	partitionBytes    = 32
	deniedRetryPeriod = time.Minute
)

// partitionRef is one partition that waits for a look at its producers.
type partitionRef struct {
	topic *topic
	part  int
}

// producers reads the producer state of the partitions whose end moved, and of those that were never read, and tells
// what was written by whom.
func (t *take) producers() {
	why := map[*topic]string{}
	writers := t.cfg.Board.Writers(t.cluster)
	workers := t.connectGroups()
	for _, tp := range t.topics {
		tp.workers = workers
		movers, _ := writers.Of(tp.topic.Name)
		tp.contested = slices.ContainsFunc(movers, func(n lineage.Node) bool { return !tp.countsAlready(n) })
		if tp.denied && t.round.Before(tp.retry) {
			t.denyAll(tp)
		} else if tp.denied {
			tp.allow()
		}
	}
	todo := t.producersTodo(why)
	t.whenForgotten(todo)
	answers := t.ask(t.producerRequests(todo))
	t.nameTransactions(answers)
	t.findTransactionLog(answers)
	t.beginLinks(answers)
	after := t.endsAfter(answers)
	for _, a := range answers {
		req := a.req.(*kmsg.DescribeProducersRequest)
		if a.err != nil {
			for _, rt := range req.Topics {
				tp := t.byName[rt.Topic]
				if unsupported(a.err) {
					t.deny(tp)
				}
				why[tp] = a.err.Error()
			}
			continue
		}
		t.described(a.resp.(*kmsg.DescribeProducersResponse), after, why)
	}
	t.unread, t.read = why, time.Now().UTC()
}

// producersTodo chooses the partitions to ask for, within the budget: those that moved before those that were never
// read, smallest answers first, so that one partition with a day of short-lived producers does not starve the others.
// The ones that wait longest come first within their class by the round they were last read in.
func (t *take) producersTodo(why map[*topic]string) []partitionRef {
	var todo []partitionRef
	for _, tp := range t.topics {
		for i := range tp.parts {
			p := &tp.parts[i]
			if p.moved && p.fresh && tp.leaders[i] >= 0 && !tp.denied {
				todo = append(todo, partitionRef{tp, i})
			}
		}
	}
	sort.Slice(todo, func(i, j int) bool {
		a, b := &todo[i].topic.parts[todo[i].part], &todo[j].topic.parts[todo[j].part]
		switch {
		case a.based != b.based:
			return a.based
		case a.waited != b.waited:
			return a.waited > b.waited
		case todo[i].topic != todo[j].topic:
			return todo[i].topic.topic.Name < todo[j].topic.topic.Name
		}
		return todo[i].part < todo[j].part
	})
	cost := 0
	for n, ref := range todo {
		p := &ref.topic.parts[ref.part]
		// The first partition always goes, so that one whose answer alone is over the budget is read at last.
		if cost += partitionBytes + producerBytes*max(len(p.producers), 1); cost > producersBudget && n > 0 {
			for _, late := range todo[n:] {
				late.topic.parts[late.part].waited++
				why[late.topic] = "put off to a later round by the byte budget of the producer state"
			}
			return todo[:n]
		}
		p.waited = 0
	}
	return todo
}

func (t *take) producerRequests(todo []partitionRef) map[int32]kmsg.Request {
	type key struct {
		leader int32
		topic  *topic
	}
	topics := map[key]int{} // index into the request's Topics
	reqs := map[int32]kmsg.Request{}
	for _, ref := range todo {
		leader := ref.topic.leaders[ref.part]
		req, _ := reqs[leader].(*kmsg.DescribeProducersRequest)
		if req == nil {
			req = kmsg.NewPtrDescribeProducersRequest()
			reqs[leader] = req
		}
		k := key{leader, ref.topic}
		i, ok := topics[k]
		if !ok {
			i = len(req.Topics)
			topics[k] = i
			rt := kmsg.NewDescribeProducersRequestTopic()
			rt.Topic = ref.topic.topic.Name
			req.Topics = append(req.Topics, rt)
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, int32(ref.part))
	}
	return reqs
}

// endsAfter reads the ends once more where it matters what came between the reading of the ends and that of the
// producers: for partitions whose producers were read for the first time (account.base), that show a producer which
// they never showed, or one in a new epoch, or on which a transactional one moved, or of which more may come.
func (t *take) endsAfter(answers []brokerAnswer) map[partitionRef]int64 {
	wanted, after := map[partitionRef]bool{}, map[partitionRef]int64{}
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		for _, rt := range a.resp.(*kmsg.DescribeProducersResponse).Topics {
			tp := t.byName[rt.Topic]
			for i := range rt.Partitions {
				rp := &rt.Partitions[i]
				if tp != nil && rp.ErrorCode == 0 && rp.Partition >= 0 && int(rp.Partition) < len(tp.parts) && tp.parts[rp.Partition].wantsEnd(readings(rp)) {
					wanted[partitionRef{tp, int(rp.Partition)}] = true
				}
			}
		}
	}
	if len(wanted) > 0 {
		t.lists(latest, func(tp *topic, part int) bool { return wanted[partitionRef{tp, part}] }, func(tp *topic, part int, offset int64) {
			after[partitionRef{tp, part}] = offset
		}, func(*topic, string) {})
	}
	return after
}

// wantsEnd reports whether the partition's end is to be read after these producers too.
func (p *partition) wantsEnd(readings []producerReading) bool {
	if !p.based || p.last.room > 0 {
		return true
	}
	for _, r := range readings {
		prev, known := p.producers[r.id]
		if was, ok := p.absent[r.id]; ok && !known {
			prev, known = was.sequence, true
		}
		if !known || prev.tail || prev.epoch != r.epoch || r.transactional && !prev.same(r) {
			return true
		}
	}
	return false
}

// described books the producers of one broker's answer.
func (t *take) described(resp *kmsg.DescribeProducersResponse, after map[partitionRef]int64, why map[*topic]string) {
	for _, rt := range resp.Topics {
		tp := t.byName[rt.Topic]
		if tp == nil {
			continue
		}
		for i := range rt.Partitions {
			rp := &rt.Partitions[i]
			switch err := codeError(rp.ErrorCode); {
			case rp.Partition < 0 || int(rp.Partition) >= len(tp.parts):
			case ask.Denied(rp.ErrorCode):
				t.deny(tp)
			case err != nil:
				why[tp] = err.Error()
			default:
				end, ok := after[partitionRef{tp, int(rp.Partition)}]
				if !ok {
					end = -1
				}
				if p := &tp.parts[rp.Partition]; !ok && p.based && p.wantsEnd(readings(rp)) {
					why[tp] = "the end could not be read once more after the producers" // the next round reads both
					continue
				}
				tp.setProducers(int(rp.Partition), readings(rp), end, t.round, t.cfg.Interval, t.txnName)
				tp.dirty = true
			}
		}
	}
}

func readings(rp *kmsg.DescribeProducersResponseTopicPartition) []producerReading {
	out := make([]producerReading, 0, len(rp.ActiveProducers))
	for _, p := range rp.ActiveProducers {
		out = append(out, producerReading{
			id: p.ProducerID, epoch: p.ProducerEpoch, lastSequence: p.LastSequence, txnStart: p.CurrentTxnStartOffset, lastMs: p.LastTimestamp,
			// A coordinator epoch comes with the first marker; an open transaction has a start; after a commit
			// (transaction version 2) there is no sequence.
			transactional: p.CoordinatorEpoch >= 0 || p.CurrentTxnStartOffset >= 0 || p.LastSequence < 0,
		})
	}
	return out
}

// deny notes that a topic's producer state is not to be had, and books all of it as remainder.
func (t *take) deny(tp *topic) {
	tp.denied, tp.retry = true, t.round.Add(deniedRetryPeriod)
	t.denyAll(tp)
}

func (t *take) denyAll(tp *topic) {
	for i := range tp.parts {
		if p := &tp.parts[i]; p.fresh && p.moved {
			tp.denyPartition(i, t.round)
			tp.dirty = true
		}
	}
}

// tellProducers tells the writers and remainders of this round.
func (t *take) tellProducers() {
	o, why := t.observe(sourceBooks, t.cfg.Interval), t.unread
	o.At = t.read
	missing := t.missing(len(t.topics))
	t.writers = t.awaitWriters()
	var deniedTopics, moved []string
	for _, tp := range t.ended {
		samples, sightings := tp.lastWords(t.before)
		o.Samples, o.Sightings = append(o.Samples, samples...), append(o.Sightings, sightings...)
	}
	for _, tp := range t.topics {
		tp.dirty = tp.rename(t.txnName, t.nameWaits) || tp.dirty
		samples, sightings, ok := tp.tellBooks(t.round, t.before)
		o.Samples = append(o.Samples, samples...)
		o.Sightings = append(o.Sightings, sightings...)
		if len(samples) > 0 {
			tp.dirty = true
		}
		if tp.rest() > 0 && tp.mover(t.writers) != (lineage.Node{}) {
			moved = append(moved, tp.topic.Name)
		}
		if !ok {
			reason := why[tp]
			if reason == "" && !tp.whole {
				reason = "end offsets are missing"
			}
			missing.part(tp, reason, tp.unread(func(p *partition) bool { return p.fresh && !p.moved }))
		}
		if tp.denied {
			deniedTopics = append(deniedTopics, tp.topic.Name)
		}
		tp.expire(t.round)
	}
	missing.tell(o)
	t.expireEpochs()
	t.noteMoves()
	t.sayBlind(o, slices.Concat(producerSpots(deniedTopics, moved), t.nameSpots(), t.unnamedSpots()))
}

func producerSpots(deniedTopics, moved []string) []lineage.BlindSpot {
	spots := []lineage.BlindSpot{{
		What:   "the names of writers without a transactional.id: the broker's producer state counts producer ids and names nobody; writers without idempotence are in their topic's remainder",
		Remedy: "give the writer a transactional.id, or let the request log (docs/logs.md) or client telemetry (docs/telemetry.md) name it",
	}}
	if len(moved) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What: fmt.Sprintf("a writer without idempotence and without a name could hide in what connectors and replicators are counted to write to topics (%d): %s",
				len(moved), collector.Some(moved)),
			Remedy: "make their producers idempotent (producer.override.enable.idempotence=true in a connector), so that the broker counts them apart",
		})
	}
	if len(deniedTopics) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("the producer state of some topics (%d) may not be read or is not offered by the broker, so that every writer is in the remainder: %s", len(deniedTopics), collector.Some(deniedTopics)),
			Remedy: "grant READ on these topics to lineaged's principal; no record is read with it (Kafka 2.8 or later)",
		})
	}
	return spots
}
