package kafka

import (
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// This file finds out whether what waits for a reader may be of a transaction that was aborted. Its records stay in
// the log, and who reads what is committed alone passes them: a client that commits where its last record was stands
// in front of them until the next one comes.

// outcome is how the newest transactions on a partition ended. It is a part of positions.
type outcome uint8

const (
	notAsked outcome = iota // nobody has told yet
	kept                    // as far as their coordinators tell none was aborted
	aborted                 // one was
)

const (
	// mostEnded bounds the producers about whom a round asks, and those of one partition: where more may have written
	// last nobody is asked.
	mostEnded = 1000
	// endedRetry is for how long a coordinator that failed is not asked again, and nobody about a partition of which
	// one of the transactions was told by none.
	endedRetry = time.Minute
)

// lastEnded returns the producers whose transactions may have been the newest ones on the partition to end, once it
// rests. None are returned where a transaction is open.
func (p *partition) lastEnded() (ids []int64) {
	if p.moved || !p.fresh {
		return nil
	}
	for id, q := range p.producers {
		if q.txnStart >= 0 {
			return nil
		}
		if q.txn && q.changed >= p.changes {
			ids = append(ids, id)
		}
	}
	return ids
}

// judging is a reader that was booked, and is told once it was asked whether what waits for it was aborted.
type judging struct {
	group   *group
	reader  *reader
	topic   *topic
	commits []commit
	before  time.Time // the round before it, of those in which it is read
}

// judge finds out how the newest transactions ended where something waits for the readers that were booked, measures
// them again, and tells them.
func (t *take) judge(o *lineage.Observation) {
	waiting := t.unjudged
	t.unjudged = nil
	t.readAborts(waiting)
	for _, w := range waiting {
		w.reader.gauge(w.commits, t.at(w.topic), t.stateOf(w.group, w.topic), t.round)
		t.tellReader(o, w.group, w.reader, w.before)
	}
}

// readAborts asks the coordinators how the newest transactions ended on partitions that rest and in which something
// waits for a reader: once, until another one ends there. It costs a request for each broker. Kafka leaves out what may
// not be described, without an error: of an id that nobody lists it is not known how its transaction ended.
func (t *take) readAborts(waiting []judging) {
	asked := map[partitionRef][]int64{}
	wanted := map[int64]bool{}
	for _, w := range waiting {
		tp := t.at(w.topic)
		for i := range min(len(w.reader.parts), len(tp.parts)) {
			ref := partitionRef{w.topic, i}
			if _, ask := tp.mayBeAborted(int32(i)); !ask || asked[ref] != nil || !w.reader.parts[i].unknown {
				continue
			}
			p := &tp.parts[i]
			ids := p.lastEnded()
			if len(ids) > mostEnded {
				p.askAgain = t.round.Add(endedRetry)
			}
			if len(wanted)+len(ids) > mostEnded { // the next round asks
				continue
			}
			asked[ref] = ids
			for _, id := range ids {
				wanted[id] = true
			}
		}
	}
	if len(wanted) == 0 {
		return
	}
	ended := t.outcomes(slices.Sorted(maps.Keys(wanted)))
	for ref, ids := range asked {
		p := &ref.topic.parts[ref.part]
		how := kept
		is := func(how outcome) bool {
			return slices.ContainsFunc(ids, func(id int64) bool { return ended[id] == how })
		}
		switch {
		case is(aborted):
			how = aborted
		case is(notAsked):
			how = notAsked
		}
		if p.how = how; how == notAsked {
			p.askAgain = t.round.Add(endedRetry)
		} else {
			ref.topic.dirty = true
		}
	}
}

// outcomes asks the coordinators how the newest transactions of producers ended. Who is not among the answer was told
// by none.
func (t *take) outcomes(ids []int64) map[int64]outcome {
	ended := map[int64]outcome{}
	if t.lacks[sourceTransactions] {
		return ended
	}
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		if t.round.Sub(t.mute[b]) < endedRetry {
			continue
		}
		req := kmsg.NewPtrListTransactionsRequest()
		req.ProducerIDFilters = ids
		reqs[b] = req
	}
	for _, a := range t.ask(reqs) {
		err := a.err
		if err == nil {
			err = kerr.ErrorForCode(a.resp.(*kmsg.ListTransactionsResponse).ErrorCode)
		}
		if err != nil {
			t.mute[a.broker] = t.round
			t.lacks[sourceTransactions] = t.lacks[sourceTransactions] || unsupported(err)
			continue
		}
		resp := a.resp.(*kmsg.ListTransactionsResponse)
		for _, txn := range resp.TransactionStates {
			ended[txn.ProducerID] = max(ended[txn.ProducerID], outcomeOf(txn.TransactionState))
		}
	}
	return ended
}

// outcomeOf returns how a producer's newest transaction ended by the state that its coordinator tells. Of one that goes
// on with another it is taken to have been kept; one that began anew may have been aborted by that.
func outcomeOf(state string) outcome {
	switch state {
	case "CompleteAbort", "PrepareAbort":
		return aborted
	case "CompleteCommit", "PrepareCommit", "Ongoing":
		return kept
	}
	return notAsked
}
