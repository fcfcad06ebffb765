package kafka

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// split is one reading of a partition's producers, under way: it shares out what the end moved by since the reading
// before. What a sequence has counted and the end has not shown yet stays its producer's claim: nobody is counted what
// may still be lost with a leader.
type split struct {
	*account
	p        *partition
	round    time.Time
	interval time.Duration
	rest     int64      // that nobody has been given yet
	moved    int64      // by which the end moved
	race     int64      // that may have come between the reading of the end and that of the producers
	lag      int64      // that may be in the producers' reading and behind the high watermark; see base
	widened  int64      // by which this step, the first, widens what came with the base; see base
	first    []claimant // producers that were never seen on the partition, or whose claim has not been met since
	back     []claimant // producers that are listed again
	txns     []movedTxn
	last     lastStep  // of the step before
	since    time.Time // when the step begins
	// own is how many markers the producers' reading shows first, at least, in the step or behind its end; most is how
	// many there are with those of before, the truth's bound where proven, and loose says that the step's own are not.
	own, most     int64
	ever          int64 // the most, with those that came after the end was read
	proven, loose bool
	name          func(id int64) txnName
	doubt         string // why what is left is a bound
	doubtful      bool   // a producer that was first seen may have been given others' records
	open          bool   // records of counted writers may be among it
}

// claimant is a producer with a claim.
type claimant struct {
	id            int64
	transactional bool
	name          string // its transactional.id; empty: nobody told it
	why           string // why its claim is a bound
	hidden        bool   // an earlier step may hold records of its that no reading listed it with
}

// setProducers books a reading of a partition's producers. The end must have been read earlier in the same round; after
// is the end as read again after the producers, -1 when it was not. interval is the time since the round before; name
// returns who a transactional producer is by its producer id.
func (a *account) setProducers(part int, readings []producerReading, after int64, round time.Time, interval time.Duration, name func(id int64) txnName) {
	p := &a.parts[part]
	if !p.based {
		a.base(p, readings, after, round, name)
		return
	}
	s := split{account: a, p: p, round: round, interval: interval, rest: p.advance - p.named - p.remainder, moved: p.advance - p.booked, race: max(0, after-p.end), since: p.seen, name: name}
	if s.rest > s.moved {
		s.doubt = a.waited(p)
	}
	half := s.moved*int64(min(interval, 500*time.Millisecond))/int64(interval) + 1
	if slices.ContainsFunc(readings, func(r producerReading) bool { return wroteLately(r.lastMs, round) }) {
		s.lag = half
	}
	if p.unsettled && s.moved > 0 {
		s.widened = half
		p.early += half
	}
	for _, r := range readings {
		s.older(r)
	}
	s.gone(readings)
	for _, r := range readings {
		s.read(r)
	}
	s.noteChanges()
	p.forget(readings, round)
	s.reckon()
	switch {
	case len(s.txns) > 0:
		p.txnLast = true
	case s.moved > 0 && s.last.most == 0:
		p.txnLast = false
	}
	if s.moved > 0 && p.early == 0 { // nothing of the step may be older than the base
		p.unstepped = false
	}
	s.returned()
	s.firstSights()
	s.forgotten()
	s.beginning()
	s.transactions()
	a.leave(p, s.rest, s.doubt, s.open)
	p.booked, p.moved, p.gap, p.seen = p.advance, false, false, round
}

// forgotten notes what producers may have written that the broker forgot before this reading. Whoever is given it, or
// nobody, may have some of theirs.
func (s *split) forgotten() {
	if (s.rest > 0 || s.doubtful) && s.forgot(s.p, s.round, s.interval) {
		s.p.hidden, s.doubt = s.round, both(s.doubt, whyForgotten)
	}
}

// older gives a producer that has written nothing since the last reading what the end had not shown then. By now it
// has, or a leader took it along, or it went to the remainder before the producer was listed again.
func (s *split) older(r producerReading) {
	q, known := s.p.producers[r.id]
	if !known || q.claim == 0 || q.fresh || !q.same(r) {
		return
	}
	c := claimant{id: r.id, transactional: r.transactional}
	if r.transactional {
		c.name = s.name(r.id).id
	}
	s.satisfy(c, q.claim)
	q = s.p.producers[r.id]
	q.claim = 0
	s.p.producers[r.id] = q
}

// gone gives the producers that are listed no more what the end had not shown when they were.
func (s *split) gone(readings []producerReading) {
	var gone []claimant
	for id, q := range s.p.producers {
		if q.claim == 0 || q.fresh || slices.ContainsFunc(readings, func(r producerReading) bool { return r.id == id }) {
			continue
		}
		c := claimant{id: id}
		if _, c.transactional = s.epochs[id]; c.transactional {
			c.name = s.name(id).id
		}
		gone = append(gone, c)
	}
	s.smallestFirst(gone)
	for _, c := range gone {
		s.satisfy(c, s.p.producers[c.id].claim)
		q := s.p.producers[c.id]
		q.claim = 0
		s.p.producers[c.id] = q
	}
}

// read takes in one producer. What it claims as far as the end shows it is its own, unless it was never seen before:
// who was is given first.
func (s *split) read(r producerReading) {
	p := s.p
	prev, known := p.producers[r.id]
	c, back := claimant{id: r.id, transactional: r.transactional, hidden: !known && !p.hidden.IsZero()}, false
	if was, ok := p.absent[r.id]; ok && !known {
		prev, known, back = was.sequence, true, true
		c.hidden = c.hidden && !p.hidden.Before(was.since)
		delete(p.absent, r.id)
	}
	counts, changed := true, false
	m := movedTxn{now: r, prev: prev, known: known, hidden: c.hidden}
	if r.transactional {
		m.who, m.before = s.name(r.id), s.epochBefore(r, s.round)
		c.name, counts, changed = m.who.id, m.counts(), !known || !prev.same(r)
	}
	now := s.sequenceOf(r, c.name)
	now.past, now.changed = known && prev.past, prev.changed
	if counts {
		now.claim, c.why = claims(prev, known, r)
		m.wrote = now.claim - prev.claim
	}
	if changed {
		s.txns = append(s.txns, m)
	}
	p.producers[r.id] = now
	switch {
	case now.claim > 0 && back:
		s.back = append(s.back, c)
	case now.claim > 0 && (!known || prev.fresh):
		s.first = append(s.first, c)
	default:
		s.satisfy(c, now.claim)
	}
	if q := p.producers[r.id]; c.why == whyEpoch || prev.tail {
		s.doubt, s.open = both(s.doubt, whyTail), true
		q.tail = (q.claim > 0 || s.race > 0) && (c.why == whyEpoch || !prev.same(r))
		p.producers[r.id] = q
	}
}

// noteChanges notes which transactional producers changed last.
func (s *split) noteChanges() {
	if len(s.txns) == 0 {
		return
	}
	s.p.changes++
	s.p.how, s.p.askAgain = notAsked, time.Time{}
	for _, m := range s.txns {
		q := s.p.producers[m.now.id]
		q.changed = s.p.changes
		s.p.producers[m.now.id] = q
	}
}

// returned gives the producers that were not listed for some time what they claim. What one wrote meanwhile, and was
// forgotten again before a reading, is in an earlier step; in its place it may be given what others wrote in this one.
func (s *split) returned() {
	s.smallestFirst(s.back)
	for _, c := range s.back {
		q, late := s.p.producers[c.id], s.race+s.lag
		sure := !c.hidden && q.claim <= s.rest+late
		if !sure {
			s.doubtful, s.hides, s.doubt = true, true, both(s.doubt, whyRest)
			if c.why = both(c.why, whyAgain); q.claim > s.rest {
				c.why = both(c.why, whyBack)
				s.of(c).blur(c.why)
			}
		}
		s.satisfy(c, q.claim)
		if q = s.p.producers[c.id]; !sure {
			q.claim = min(q.claim, late)
			q.fresh, q.past = q.claim > 0, q.claim > 0
		}
		s.p.producers[c.id] = q
	}
}

// smallestFirst sorts claimants by what they claim.
func (s *split) smallestFirst(cs []claimant) {
	slices.SortFunc(cs, func(x, y claimant) int {
		return cmp.Or(cmp.Compare(s.p.producers[x.id].claim, s.p.producers[y.id].claim), cmp.Compare(x.id, y.id))
	})
}

// satisfy gives a claimant up to n records of those that are left.
func (s *split) satisfy(c claimant, n int64) {
	n = min(n, s.rest)
	if n <= 0 {
		return
	}
	q := s.p.producers[c.id]
	q.claim -= n
	s.p.producers[c.id] = q
	s.give(c, n, c.why)
}

// give adds n records of the step to a producer's writer.
func (s *split) give(c claimant, n int64, why string) {
	s.of(c).put(n, why)
	s.p.named += n
	s.rest -= n
}

// of returns a claimant's writer.
func (s *split) of(c claimant) *writer {
	if c.transactional {
		return s.transactional(c.id, c.name, sooner(s.books, s.round.Add(-s.interval)))
	}
	return s.writer(c.id)
}

// sequenceOf is what is kept of a reading.
func (a *account) sequenceOf(r producerReading, name string) sequence {
	q := r.sequence()
	if r.transactional {
		q.log = a.log.end(name)
	}
	return q
}

// claims returns how many records a producer's sequences have counted that it was not given yet, and why that is a
// bound.
//
// Within one epoch the sequence counts records (KIP-98), from 0, and wraps from 2^31-1 to 0. Where it falls, records
// went with a leader; where the producer begins a new epoch, it may send them again: what the end never showed counts
// when the end does.
func claims(prev sequence, known bool, r producerReading) (n int64, why string) {
	all := int64(r.lastSequence) + 1 // since the epoch began; 0: nothing
	switch {
	case !known && r.epoch > 0 && all > 0:
		return all, whyEpoch
	case !known:
		return all, ""
	case r.epoch == prev.epoch:
		n := int64(r.lastSequence) - int64(prev.last)
		if n < 0 {
			n += math.MaxInt32 + 1
		}
		if n > math.MaxInt32/2 { // half the sequence space is no advance but a fall
			n -= math.MaxInt32 + 1
		}
		return max(0, prev.claim+n), ""
	case r.epoch > prev.epoch:
		return prev.claim + all, whyEpoch
	default:
		return 0, "" // an older epoch: a truncated log
	}
}

// firstSights gives the producers that were never seen on the partition what their sequences say, and never more than
// the end shows. A broker forgets a producer id and lists it again with the sequence that it goes on with, so one that
// claims more than can be has a past, and one that claims less may have: that is excluded where the partition was
// watched since it was born, and where what they claim is what was left to the record. A past that may be of after the
// watch began is in an earlier step: then no step says what it wrote in all.
func (s *split) firstSights() {
	if len(s.first) == 0 {
		return
	}
	all, older, hidden := int64(0), false, false
	for _, c := range s.first {
		q := s.p.producers[c.id]
		all, older, hidden = all+q.claim, older || q.past, hidden || c.hidden
	}
	late := s.race + s.lag // what the end may show next round
	past := all > s.rest+late
	s.smallestFirst(s.first)
	exact := !past && !older && !hidden && !s.doubtful && (s.p.born || all >= s.rest || s.proven && all+s.most >= s.rest)
	for _, c := range s.first {
		switch {
		case past && (len(s.first) > 1 || s.doubtful): // one of them may have been given what another wrote
			c.why = whyOthers
			s.of(c).blur(c.why)
		case past:
			c.why = whyPast
		case !exact:
			c.why = both(c.why, whyFirst)
		}
		s.satisfy(c, s.p.producers[c.id].claim)
		q := s.p.producers[c.id]
		if q.claim > 0 && (c.hidden || past && s.p.born) {
			s.of(c).blur(both(c.why, whyUnlisted))
		}
		q.claim = min(q.claim, late)
		q.fresh, q.past = q.claim > 0, q.claim > 0 && (past || q.past)
		late -= q.claim
		s.p.producers[c.id] = q
	}
	if !exact {
		s.doubtful, s.hides = true, true
		if s.rest > 0 {
			s.doubt = both(s.doubt, whyRest)
		}
	}
}

// beginning gives what came with the partition's base to the producer that wrote last then, when it is left in the
// first step after the base or, where that producer went on, in a later one.
func (s *split) beginning() {
	p := s.p
	if s.moved <= 0 {
		return
	}
	if p.kept && (s.ever > 0 || len(s.txns) > 0) {
		p.early = 0 // it can't be told from a marker
	}
	n := min(p.early, s.rest)
	if n > 0 && p.recent >= 0 {
		c := claimant{id: p.recent, transactional: p.txn}
		if p.txn {
			c.name = s.name(p.recent).id
		}
		s.give(c, n, whyEarly)
	}
	p.early, p.unsettled = s.stillEarly(n), false
	p.kept = p.early > 0
}

// stillEarly is how much of what came with the base may show in a later step, when n were given of it in this one.
// Where its producer goes on while each round reads, what came then stands in its place, and it is left when less does.
// Half a second of the first step is not kept, nor what may be a marker.
func (s *split) stillEarly(n int64) int64 {
	if s.p.txn || s.p.recent < 0 || s.lag == 0 || s.ever > 0 || len(s.txns) > 0 {
		return 0
	}
	return max(0, s.p.early-s.widened-n)
}
