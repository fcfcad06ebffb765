package kafka

import (
	"cmp"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// unnamedRetry is how long a producer id that no coordinator knew by name is not asked for again.
const unnamedRetry = 30 * time.Second

// unnamedForgotten is how long after its retry was due a producer id that has not moved since is a blind spot no more.
const unnamedForgotten = 10 * time.Minute

// nameTransactions asks for the transactional.ids of the transactional producers that these answers show and that have no name yet. With transaction version 2 a busy one changes its producer id
// about every 32,000 transactions, so this goes on for ever, but it asks only when a new id shows: one request a broker, in that round alone.
func (t *take) nameTransactions(answers []brokerAnswer) {
	wanted := map[int64]bool{}
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		for _, rt := range a.resp.(*kmsg.DescribeProducersResponse).Topics {
			for i := range rt.Partitions {
				for _, r := range readings(&rt.Partitions[i]) {
					if r.transactional && t.txnIDs[r.id] == "" && !t.round.Before(t.unnamed[r.id]) {
						wanted[r.id] = true
					}
				}
			}
		}
	}
	if len(wanted) == 0 || t.lacks[sourceTransactions] {
		return
	}
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		req := kmsg.NewPtrListTransactionsRequest()
		for id := range wanted {
			req.ProducerIDFilters = append(req.ProducerIDFilters, id)
		}
		reqs[b] = req
	}
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			t.lacks[sourceTransactions] = t.lacks[sourceTransactions] || unsupported(a.err)
			continue
		}
		for _, txn := range a.resp.(*kmsg.ListTransactionsResponse).TransactionStates {
			t.txnIDs[txn.ProducerID] = txn.TransactionalID
			delete(t.unnamed, txn.ProducerID)
			delete(wanted, txn.ProducerID)
		}
	}
	for id := range wanted {
		t.unnamed[id] = t.round.Add(unnamedRetry)
	}
	if len(t.txnIDs) > maxTransactionNames {
		clear(t.txnIDs) // those that still write are asked for again
		clear(t.unnamed)
	}
}

// maxTransactionNames bounds the memory for names of producer ids, of which a busy transactional producer has a new one every 32,000 transactions.
const maxTransactionNames = 100_000

// expireEpochs forgets the epochs of producer ids that brokers have forgotten, when there are many.
func (t *take) expireEpochs() {
	if len(t.txnEpochs) < maxTransactionNames/10 {
		return
	}
	for id, seen := range t.txnEpochs {
		if t.round.Sub(seen.round) > idleAfter {
			delete(t.txnEpochs, id)
		}
	}
}

// txnName returns who a transactional producer is.
func (s *source) txnName(id int64) txnName {
	n := txnName{id: s.txnIDs[id]}
	n.application = n.id
	if s.cfg.Applications != nil && n.id != "" {
		n.application = cmp.Or(s.application(n.id), n.id)
	}
	return n
}
