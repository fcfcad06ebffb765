package kafka

import (
	"slices"
	"time"
)

// This file is the part of an account that counts transactional producers, whose sequences do not count their records.

// movedTxn is a transactional producer whose state changed between two readings.
type movedTxn struct {
	now    producerReading
	prev   sequence // on this partition
	known  bool     // prev was read
	before int32    // its epoch at the last look at any partition of the topic
}

// counts reports whether the sequence counts the producer's records since the last reading: within one epoch it does. So it does at the first sight of epoch 0, and where a sequence is still there
// although no transaction is open, which only the old version of the protocol leaves.
func (m *movedTxn) counts() bool {
	if m.known {
		return m.now.epoch == m.prev.epoch
	}
	return m.now.lastSequence >= 0 && (m.now.epoch == 0 || m.now.txnStart < 0)
}

// txnName is who a transactional producer is: its transactional.id, and the application that it is an instance of, both empty while nobody named it.
type txnName struct{ id, application string }

// setTransactional gives what is left of the step to the transactional producers that moved, less their markers, when they are one application's: its instances share it out in the proportion of their transactions,
// as an estimate. If they are not, or one has no name, the rest stays the remainder's.
//
// With transaction version 2 (KIP-890) each transaction raises the epoch and leaves one marker on every partition that it touched: the epoch's advance is the most that can be markers, and one the least. Where that
// makes more than a hundredth of the records, the count is an estimate; so it is where a mover is known to write the topic too. Before version 2 the epoch stays, the sequence counts the records as an idempotent producer's does, and the rest are markers.
func (a *account) setTransactional(p *partition, moved []movedTxn, round time.Time, interval time.Duration, name func(int64) txnName) {
	if len(moved) == 0 {
		a.late(p, round, interval)
		return
	}
	applications := map[string]bool{}
	who := make([]share, len(moved))
	for i, m := range moved {
		n := name(m.now.id)
		applications[n.application] = true
		who[i].writer = a.transactional(m.now.id, n.id)
		who[i].uncounted, who[i].moved = true, round // it moved, whatever is counted
	}
	if len(applications) != 1 || applications[""] {
		for _, s := range who {
			s.mixed = true
		}
		return
	}
	rest := p.advance - p.named - p.slack - p.remainder
	sequential, doubt := true, false
	for i, m := range moved {
		if m.counts() {
			n, _ := wrote(m.prev, m.known, m.now, rest, false)
			p.owed += n
			who[i].weight = n
			continue
		}
		// The id's epochs may be used up (15 bits), and it goes on as another producer id with epoch 0: every id adds its own.
		sequential = false
		ended := int64(m.now.epoch) - int64(m.before)
		if ended <= 0 && m.now.txnStart < 0 {
			ended, doubt = 1, true
		}
		p.ended += max(ended, 0)
		who[i].weight = max(ended, 1)
	}
	if rest <= 0 {
		return // the end was read before: what these readings count comes into it in the next step
	}
	p.last = txnStep{id: name(moved[0].now.id).id, round: round, shared: shared(who)}
	if sequential {
		n := min(p.owed, rest)
		give(who, n, false)
		p.owed -= n
		// Each transaction has a record at least, so there are no more markers than records and the one of the step before; what is beyond is somebody else's.
		markers := min(rest-n, n+1)
		if a.contested {
			markers = min(markers, 1) // how many there were is not known, and the mover's records are among what is left
		}
		a.markers += markers
		p.named += n + markers
		p.last.rest, p.last.sequential = p.owed+1, true
		return
	}
	markers := min(p.ended, (rest+1)/2) // a transaction has a record at least
	n := rest - markers
	give(who, n, doubt || a.contested || (markers-1)*100 > n)
	a.markers += markers
	p.named += rest
	p.ended, p.owed = 0, 0
	p.last.rest, p.last.markers = rest, markers
}

// share is a writer's part in a step.
type share struct {
	*writer
	weight int64
}

// shared reports whether a step is several writers'.
func shared(who []share) bool {
	return slices.ContainsFunc(who, func(s share) bool { return s.writer != who[0].writer })
}

// give adds n records to those who wrote them, all of them to somebody. Where the weights are records and add up to n nothing is guessed.
func give(who []share, n int64, estimated bool) {
	if !shared(who) {
		who[0].add(n, estimated)
		return
	}
	all, given, before := int64(0), int64(0), int64(0)
	for _, s := range who {
		all += s.weight
	}
	for i, s := range who {
		before += s.weight
		upTo := n // of what is left by rounding nothing is lost
		if i < len(who)-1 {
			upTo = int64(float64(n) * float64(before) / float64(max(all, 1)))
		}
		s.add(upTo-given, estimated || n != all)
		s.shared = s.shared || n != all
		given = upTo
	}
}

// late handles the step after a transactional one in which the end moved and no producer did. What moved was appended before the producers were read and after the end was: the last step's markers, and perhaps
// records with them. What was taken for markers then were records.
func (a *account) late(p *partition, round time.Time, interval time.Duration) {
	rest := p.advance - p.named - p.slack - p.remainder
	w := a.txns[p.last.id]
	if w == nil || rest <= 0 || rest > p.last.rest || round.Sub(p.last.round) > interval {
		return
	}
	n := rest
	if p.last.sequential { // the sequences have said how many are records
		n = min(p.owed, rest)
		a.markers += rest - n
		p.owed -= n
	}
	w.add(n, p.last.shared || !p.last.sequential && rest > p.last.markers)
	p.named += rest
	p.last = txnStep{}
}

// txnStep is the last step in which the transactional producers of one application wrote alone.
type txnStep struct {
	id            string // one of theirs
	shared        bool   // there were several
	round         time.Time
	rest, markers int64
	sequential    bool // counted by the sequence
}

// transactional returns the writer of a transactional.id, or of the producer id while it has no name.
func (a *account) transactional(id int64, name string) *writer {
	if name == "" {
		return a.writer(id)
	}
	w := a.txns[name]
	if w == nil {
		if len(a.txns) >= maxWriters {
			return a.writer(id)
		}
		w = &writer{}
		a.txns[name] = w
	}
	return w
}

// epochSeen is a transactional producer's epoch in the newest round in which any topic showed it, and in the one before.
type epochSeen struct {
	round      time.Time
	now, prior int32
}

// epochBefore returns the epoch that the producer had before this round on any partition of the cluster: transactions until then left no marker in this step, since what moves is looked at in the round in which it moved. It is 0 for
// a producer never seen.
func (a *account) epochBefore(r producerReading, round time.Time) int32 {
	a.listed = true
	seen := a.epochs[r.id]
	if !seen.round.Equal(round) {
		seen = epochSeen{round: round, now: r.epoch, prior: seen.now}
	}
	seen.now = max(seen.now, r.epoch)
	a.epochs[r.id] = seen
	return seen.prior
}
