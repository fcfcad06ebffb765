package headers

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
)

const (
	// askAgain is how long coordinators are not asked again for a producer id that none of them knew.
	askAgain = 30 * time.Second
	// patience is how long a count waits for the transactional.id of a producer id.
	patience = 20 * time.Second
	// mostNames bounds what is remembered; those that still write are asked for again.
	mostNames = 100_000
)

// names are the transactional.ids of producer ids. A broker's batches have the number alone.
type names struct {
	of map[int64]string
	// unknown is who has none yet, and since when.
	unknown map[int64]time.Time
	asked   time.Time
}

func newNames() names { return names{of: map[int64]string{}, unknown: map[int64]time.Time{}} }

// find asks for the names of those who wrote in transactions and have none: ListTransactions, of each broker once.
func (n *names) find(ctx context.Context, r *reader, round time.Time, books []*book) {
	wanted, fresh := map[int64]bool{}, false
	for _, b := range books {
		for id := range b.fresh.txn {
			if n.of[id] != "" {
				continue
			}
			wanted[id] = true
			if _, known := n.unknown[id]; !known {
				n.unknown[id], fresh = round, true
			}
		}
	}
	for id := range n.unknown {
		if !wanted[id] && round.Sub(n.unknown[id]) > 10*askAgain {
			delete(n.unknown, id)
		}
	}
	waiting := false
	for id := range wanted {
		waiting = waiting || round.Sub(n.unknown[id]) <= patience
	}
	if len(wanted) == 0 || r == nil || !fresh && !waiting && round.Sub(n.asked) < askAgain {
		return
	}
	n.asked = round
	if len(n.of) > mostNames {
		clear(n.of)
	}
	reqs := map[int32]kmsg.Request{}
	for _, broker := range r.brokers {
		req := kmsg.NewPtrListTransactionsRequest()
		for id := range wanted {
			req.ProducerIDFilters = append(req.ProducerIDFilters, id)
		}
		reqs[broker] = req
	}
	for _, a := range ask.Each(ctx, r.client, reqs) {
		if a.Err != nil {
			continue
		}
		for _, x := range a.Resp.(*kmsg.ListTransactionsResponse).TransactionStates {
			n.of[x.ProducerID] = x.TransactionalID
			delete(n.unknown, x.ProducerID)
		}
	}
}

// wait reports whether a topic's count waits for a name: what is counted to a number is not moved to a name later.
func (n *names) wait(b *book, round time.Time) bool {
	for id := range b.fresh.txn {
		if since, unknown := n.unknown[id]; unknown && n.of[id] == "" && round.Sub(since) <= patience {
			return true
		}
	}
	return false
}
