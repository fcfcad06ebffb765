package kafka

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file finds out whether what waits for a reader may be of a transaction that was aborted. Its records stay in
// the log, and who reads what is committed alone passes them: a client that commits where its last record was stands
// in front of them until the next one comes.

// gaveUp reports whether the newest transaction on the partition is known to have been aborted.
func (p *partition) gaveUp() bool { return p.aborted && p.judged == p.changes+1 && !p.moved }

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

// readAborts asks the coordinators how the newest transactions ended on partitions that rest and in which something
// waits for a reader: once, until another one ends there. It costs a request for each broker.
func (t *take) readAborts() {
	asked := map[*partition][]int64{}
	var wanted []int64
	for r := range t.waits {
		id := r.access.Topic.ID
		tp, g := t.topics[id], t.groups[r.access.Client.Group]
		if g == nil || g.readers[id] != r || tp == nil {
			delete(t.waits, r)
			continue
		}
		for i := range min(len(r.parts), len(tp.parts)) {
			p := &tp.parts[i]
			if r.parts[i].lag == 0 || p.judged == p.changes+1 {
				continue
			}
			if ids := p.lastEnded(); len(ids) > 0 {
				asked[p] = ids
				wanted = append(wanted, ids...)
			}
		}
	}
	if len(wanted) == 0 || t.lacks[sourceTransactions] {
		return
	}
	slices.Sort(wanted)
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		req := kmsg.NewPtrListTransactionsRequest()
		req.ProducerIDFilters, req.StateFilters = slices.Compact(wanted), []string{"CompleteAbort", "PrepareAbort"}
		reqs[b] = req
	}
	aborted := map[int64]bool{}
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			return
		}
		resp := a.resp.(*kmsg.ListTransactionsResponse)
		if resp.ErrorCode != 0 {
			return
		}
		for _, txn := range resp.TransactionStates {
			aborted[txn.ProducerID] = true
		}
	}
	for p, ids := range asked {
		p.judged, p.aborted = p.changes+1, slices.ContainsFunc(ids, func(id int64) bool { return aborted[id] })
	}
}
