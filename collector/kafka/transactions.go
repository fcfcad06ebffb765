package kafka

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

const (
	// unnamedRetry is how long a producer id that all coordinators answered for, and none by name, is not asked for
	// again.
	unnamedRetry = 30 * time.Second
	// unnamedPatience is how long counts wait for a name that no coordinator has denied yet.
	unnamedPatience = 5 * time.Minute
	// unnamedForgotten is how long after it was last seen to write a producer id without a name is asked for, and is a
	// blind spot.
	unnamedForgotten = 10 * time.Minute
)

// unnamedID is a transactional producer id that nobody named yet.
type unnamedID struct {
	since time.Time // round in which it was first seen
	seen  time.Time // round in which it was last seen to write
	retry time.Time // it is not asked for before
	why   string    // why the last question brought no name; empty: every coordinator answered, and none knew it
}

// nameTransactions asks for the transactional.ids of the transactional producers that these answers show and that have
// no name yet, and again for those that an earlier question left without one. With transaction version 2 a busy
// producer changes its id about every 32,000 transactions, so this goes on for ever, but it asks only where a name is
// wanted: one request a broker. A coordinator that loads or does not answer is asked in each round until it tells.
func (t *take) nameTransactions(answers []brokerAnswer) {
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		for _, rt := range a.resp.(*kmsg.DescribeProducersResponse).Topics {
			for i := range rt.Partitions {
				for _, r := range readings(&rt.Partitions[i]) {
					if r.transactional && t.txnIDs[r.id] == "" {
						t.wantName(r.id, t.round)
					}
				}
			}
		}
	}
	var wanted []int64
	for id, u := range t.unnamed {
		switch {
		case t.round.Sub(u.seen) > unnamedForgotten:
			delete(t.unnamed, id)
		case !t.round.Before(u.retry):
			wanted = append(wanted, id)
		}
	}
	if len(wanted) > 0 {
		t.askNames(wanted)
	}
	if len(t.txnIDs) > maxTransactionNames {
		clear(t.txnIDs) // those that still write are asked for again
	}
}

// wantName notes that a producer id that has no name was seen to write in a round.
func (s *source) wantName(id int64, round time.Time) {
	u, ok := s.unnamed[id]
	if !ok {
		u.since = round
	}
	u.seen = round
	s.unnamed[id] = u
}

// askNames asks every broker for the transactional.ids of producer ids.
func (t *take) askNames(wanted []int64) {
	why := notSupported
	if !t.lacks[sourceTransactions] {
		reqs := map[int32]kmsg.Request{}
		for _, b := range t.brokers {
			req := kmsg.NewPtrListTransactionsRequest()
			req.ProducerIDFilters = wanted
			reqs[b] = req
		}
		why = t.namesOf(t.ask(reqs))
	}
	if tp := t.byName[transactionTopic]; why == "" && tp != nil {
		for _, leader := range tp.leaders {
			if leader < 0 {
				why = "a partition of " + transactionTopic + " has no leader"
			}
		}
	}
	for _, id := range wanted {
		u, still := t.unnamed[id]
		if !still {
			continue
		}
		u.why, u.retry = why, time.Time{}
		if why == "" || why == notSupported {
			u.retry = t.round.Add(unnamedRetry)
		}
		t.unnamed[id] = u
	}
}

// notSupported is why a broker before Kafka 3.0 names nobody.
const notSupported = "the brokers do not list transactions (Kafka 3.0 or later)"

// namesOf takes the names from answers, and returns why they may not be all; empty when they are.
func (t *take) namesOf(answers []brokerAnswer) (why string) {
	for _, a := range answers {
		if a.err != nil {
			if unsupported(a.err) {
				t.lacks[sourceTransactions] = true
				return notSupported
			}
			why = a.err.Error()
			continue
		}
		resp := a.resp.(*kmsg.ListTransactionsResponse)
		switch resp.ErrorCode {
		case 0:
		case kerr.CoordinatorLoadInProgress.Code:
			why = "a transaction coordinator is loading its state"
		case kerr.TransactionalIDAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code:
			why = notPermitted
		default:
			why = cmp.Or(why, codeError(resp.ErrorCode).Error())
		}
		for _, txn := range resp.TransactionStates {
			t.txnIDs[txn.ProducerID] = txn.TransactionalID
			delete(t.unnamed, txn.ProducerID)
		}
	}
	return why
}

// notPermitted is why a broker that refuses names nobody. Kafka's own leaves out what is not permitted, without an
// error.
const notPermitted = "transactional ids may not be described"

// nameWaits reports whether a producer id may have a name soon.
func (t *take) nameWaits(id int64) bool {
	u, ok := t.unnamed[id]
	return ok && u.why != "" && u.why != notSupported && u.why != notPermitted && t.round.Sub(u.since) < unnamedPatience
}

// nameSpots says whose names are not known, and what would remedy it, by what kept them from us.
func (t *take) nameSpots() (spots []lineage.BlindSpot) {
	reasons := map[string]int{}
	for _, u := range t.unnamed {
		reasons[u.why]++
	}
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		spot := lineage.BlindSpot{
			What:   "the names of some transactional producers: " + why,
			Remedy: "none is needed but that the brokers answer: they are asked again in each round",
		}
		switch why {
		case "":
			spot.What = "the names of some transactional producers: all coordinators answer, and none of them shows these"
			spot.Remedy = "grant DESCRIBE on transactional ids to lineaged's principal; where it has that right, the coordinators have forgotten them (transactional.id.expiration.ms), and nothing is to be done"
		case notPermitted:
			spot.Remedy = "grant DESCRIBE on transactional ids to lineaged's principal"
		case notSupported:
			spot.Remedy = "update the brokers to Kafka 3.0 or later"
		}
		spots = append(spots, spot)
	}
	return spots
}

// maxTransactionNames bounds the memory for names of producer ids, of which a busy transactional producer has a new one
// every 32,000 transactions.
const maxTransactionNames = 100_000

// expireEpochs forgets the epochs of producer ids that brokers have forgotten, and with them their names and all that
// is known by these.
func (t *take) expireEpochs() {
	if t.round.Sub(t.swept) < sweepEvery && len(t.txnEpochs) < maxTransactionNames/10 {
		return
	}
	t.swept = t.round
	for id, seen := range t.txnEpochs {
		if t.round.Sub(seen.round) > idleAfter {
			delete(t.txnEpochs, id)
		}
	}
	names := map[string]bool{}
	for id, name := range t.txnIDs {
		if _, there := t.txnEpochs[id]; there {
			names[name] = true
		} else {
			delete(t.txnIDs, id)
		}
	}
	t.links.expire(names, func(id int64) bool { _, there := t.txnEpochs[id]; return there })
	for name, g := range t.departed {
		if t.round.Sub(g.departed) > departedFor {
			delete(t.departed, name)
		}
	}
}

// departedFor is how long a group that was deleted is remembered for its totals, should it be made again.
const departedFor = 7 * 24 * time.Hour

// txnName returns who a transactional producer is.
func (s *source) txnName(id int64) txnName {
	n := txnName{id: s.txnIDs[id]}
	n.application = n.id
	if s.cfg.Applications != nil && n.id != "" {
		n.application = cmp.Or(s.application(n.id), n.id)
	}
	return n
}
