package kafka

import (
	"slices"
	"time"
)

// This file is the part of an account that counts transactional producers, and tells their markers from records.
//
// There are two protocols, and one broker may see both, by the age of its clients. In the old one (KIP-98) the epoch
// stays and the sequences count the records as an idempotent producer's do: exact. With transaction version 2 (KIP-890)
// each transaction ends with a marker of the next epoch, which takes the sequence away: only that of a transaction that
// is open counts. What such a producer wrote is then what is left of the step, less the markers that there must be.
// That is the most it can be: nothing tells its records from those of a writer without idempotence.

// mostFenced is by how much the epoch of the marker is higher than that of the records where a transaction is aborted
// that its producer did not end, at most: by one to fence it, and, in versions in which the coordinator ends it as
// producers of the new protocol do, by one more.
const mostFenced = 2

// movedTxn is a transactional producer whose state changed between two readings.
type movedTxn struct {
	now    producerReading
	prev   sequence // on this partition
	known  bool     // prev was read
	before int32    // its epoch at the last look at any partition of the cluster
	who    txnName
	wrote  int64 // by its sequences, where they count
	hidden bool  // as of its claimant
}

// counts reports whether the sequence counts the producer's records since the last reading: within one epoch it does.
// So it does at the first sight of epoch 0, and where a sequence is still there although no transaction is open, which
// only the old version of the protocol leaves.
func (m *movedTxn) counts() bool {
	if m.known {
		return m.now.epoch == m.prev.epoch
	}
	return m.now.lastSequence >= 0 && (m.now.epoch == 0 || m.now.txnStart < 0)
}

// markers returns how many markers the producer has left on the partition since the last reading, at least and at most;
// proven is false where the most is not known. ever is the most where those count too that came after the end was read.
// gap: a round before did not see the partition.
func (m *movedTxn) markers(log *transactionLog, gap bool) (least, most, ever int64, proven bool) {
	open, opened := m.now.txnStart >= 0, m.known && m.prev.txnStart >= 0
	if !m.counts() {
		ended := int64(m.now.epoch) - int64(max(m.prev.epoch, m.before))
		if m.known {
			ended = int64(m.now.epoch) - int64(m.prev.epoch)
		}
		least = 1
		switch {
		case open && !opened:
			least = 0
		case !open && opened && ended > mostFenced:
			least = 2 // the one that was open, and the one of the newest epoch
		}
		return least, max(ended, least), max(ended, least), true
	}
	switch {
	case open && opened && m.now.txnStart == m.prev.txnStart:
		return 0, 0, 0, true
	case open && m.known && m.prev.last < 0:
		// the sequence was taken away: the new protocol, in which the epoch rises with each end
		return 0, 0, 0, true
	case open && !opened:
		least = 0
	default:
		least = 1
	}
	// Each transaction has a record at least.
	most = m.wrote
	if opened {
		most++
	}
	if open {
		most--
	}
	if most <= least {
		return least, least, least, true
	}
	if ends, ok := log.ended(m.who.id, m.last(), gap); ok {
		return least, max(least, min(most, ends)), most, true
	}
	return least, most, most, false
}

// last is the producer's last reading on the partition, with nothing in it where there was none.
func (m *movedTxn) last() sequence {
	if !m.known {
		return sequence{log: -1}
	}
	return m.prev
}

// txnName is who a transactional producer is: its transactional.id, and the application that it is an instance of, both
// empty while nobody named it.
type txnName struct{ id, application string }

// reckon says how many markers there may be in the step, those included that the step before has read of.
func (s *split) reckon() {
	s.last, s.p.last = s.p.last, lastStep{}
	s.own, s.most, s.ever, s.proven = 0, s.last.most, s.last.most, true
	for _, m := range s.txns {
		least, most, ever, proven := m.markers(s.log, s.p.gap)
		s.own, s.most, s.ever, s.proven = s.own+least, s.most+most, s.ever+ever, s.proven && proven
		s.of(m.claimant()).moved = s.round
	}
	s.loose = !s.proven // what was on its way before has come by now
	s.proven = s.proven && !s.last.loose
}

// claimant is the producer as one who is given records.
func (m *movedTxn) claimant() claimant {
	return claimant{id: m.now.id, transactional: true, name: m.who.id}
}

// transactions gives what is left of the step to the transactional producers whose records no sequence counts, less
// their markers; or, where all do count, takes it for markers as far as those are proven.
func (s *split) transactions() {
	last := s.last
	rising := slices.DeleteFunc(slices.Clone(s.txns), func(m movedTxn) bool { return m.counts() })
	room := int64(0)
	if len(rising) == 0 && last.room > 0 {
		// what was appended before the producers were read then and after the end was
		sure := min(last.least, s.rest)
		s.mark(sure, false)
		s.last.least, s.most, s.ever = s.last.least-sure, s.most-sure, s.ever-sure
		n := min(s.rest, last.room)
		room = min(last.room-n, s.race+s.lag) // claims may have been met by it
		if n > 0 {
			s.hides = true
			why := whyTransactional
			if s.displaced(nil) {
				why = whySeveral
			}
			s.give(s.rose(last.of), n, why)
		}
	}
	if len(s.txns) == 0 && s.most == 0 && s.proven {
		s.p.last = lastStep{room: room, of: last.of}
		return
	}
	if len(rising) > 0 {
		sure := min(s.certain(), s.rest)
		s.mark(sure, false)
		s.p.last = s.coming(sure, 0)
		s.p.last.of, s.p.last.room = rising[0].now.id, s.race+s.lag+sure
		if s.race > 0 || s.copied && s.lag > 0 {
			for _, m := range rising {
				s.p.last.raced = append(s.p.last.raced, m.now.id)
			}
		}
		s.share(rising)
		return
	}
	least := s.last.least + s.own
	if !s.proven {
		s.most = least
	}
	taken := s.rest
	switch {
	case taken > s.most && (s.most > least || !s.proven):
		// somebody else wrote, or nobody knows how many markers there are
		taken, s.doubt, s.open = least, both(s.doubt, whyMarkers), s.open || !s.proven
	case taken > s.most:
		taken = s.most
	case taken > least:
		s.hides = true
	}
	// What can be markers in front of the end, or others' in whose place the markers are behind it, waits for them.
	waits := int64(0)
	if taken <= least {
		waits = max(0, taken-s.certain())
	}
	s.mark(taken-waits, taken > least)
	s.p.last = s.coming(taken-waits, waits)
	s.p.last.of, s.p.last.room = last.of, room
	s.rest, s.awaits = s.rest-waits, s.awaits || waits > 0
}

// certain is how many markers there are in front of the end, or in what waits, at the least: all that were read of
// before, and of those that the producers' reading shows first as many as did not come after the end was read.
func (s *split) certain() int64 { return s.last.least + max(0, s.own-s.race) }

// coming is what may still come of the markers when some are taken: no more than what came, or may be on its way, since
// the end was read, and what waits; claims may have been met in their place.
func (s *split) coming(taken, waits int64) lastStep {
	most := s.race + min(s.lag, 1) + waits
	own := s.own - max(0, taken-s.last.least) // what was on its way before has come
	return lastStep{least: min(max(0, own), most), most: min(max(0, s.ever-taken), most), loose: s.loose, since: s.since}
}

// mark takes n of what is left for markers; loose says that some of them may be records. Where the reading before told
// of some they may be of the step before.
func (s *split) mark(n int64, loose bool) {
	if n > 0 && s.last.least > 0 {
		loose = loose || s.last.since.IsZero()
		s.lateMarkers = sooner(s.lateMarkers, s.last.since)
	}
	own := n - s.last.least
	behind := s.copied && s.lag > 0 && own > 0
	s.markers.add(n, loose || behind && s.since.IsZero())
	if behind {
		s.behind, s.behindSince = s.behind+own, sooner(s.behindSince, s.since)
	}
	s.p.named += n
	s.rest -= n
}

// rose is a producer whose epoch rose in the step before.
func (s *split) rose(id int64) claimant {
	return claimant{id: id, transactional: true, name: s.name(id).id}
}

// displaced reports whether what is left may be of several of those whose epochs rose in the step before, too, or of
// such and of rising ones: in the place of what came after the end was read then, others' was given away. Who is not
// given it may have written it.
func (s *split) displaced(rising []movedTxn) (several bool) {
	for _, id := range s.last.raced {
		if s.rest+s.last.least > 0 && (rising == nil && id != s.last.of || rising != nil && !slices.ContainsFunc(rising, func(m movedTxn) bool { return m.now.id == id })) {
			s.of(s.rose(id)).blur(whySeveral)
			several = true
		}
	}
	return several
}

// share gives what is left to those whose epochs rose, by their transactions.
func (s *split) share(rising []movedTxn) {
	why, weights, all := whyTransactional, make([]int64, len(rising)), int64(0)
	if s.contested {
		why = whyContested
	}
	for i, m := range rising {
		weights[i] = max(1, int64(m.now.epoch)-int64(max(m.prev.epoch, m.before)))
		all += weights[i]
		switch {
		case m.who.application == rising[0].who.application && m.who.id == rising[0].who.id:
		case m.who.application == rising[0].who.application && m.who.application != "" && why != whySeveral:
			why = whyInstances
		default:
			why = whySeveral
		}
	}
	displaced := s.displaced(rising)
	if displaced {
		why = whySeveral
	}
	if s.doubtful { // they may have written what another was given
		why = whyOthers
		for _, m := range rising {
			s.of(m.claimant()).blur(why)
		}
	}
	s.hides = s.hides || s.rest > 0
	n, before, given := s.rest, int64(0), int64(0)
	for i, m := range rising {
		before += weights[i]
		upTo := n // of what is left by rounding nothing is lost
		if i < len(rising)-1 {
			upTo = int64(float64(n) * float64(before) / float64(all))
		}
		if upTo > given {
			s.give(m.claimant(), upTo-given, why)
		} else if n > 0 || displaced || i > 0 && s.race+s.lag > 0 {
			// it may have written some all the same, which the end shows later
			s.of(m.claimant()).blur(why)
		}
		if m.hidden {
			s.of(m.claimant()).blur(both(why, whyUnlisted))
		}
		given = upTo
	}
}

// lastStep is what the step before left open.
type lastStep struct {
	least, most int64     // markers that were read of and may not be in the end yet
	since       time.Time // since when these can have come; zero: not known. Not kept over a restart
	loose       bool      // how many at most is not known
	// the ids of those whose epochs rose, where something may have come after the end was read. Not kept over a restart
	raced []int64
	room  int64 // records that may still come of a producer whose records no sequence counts
	of    int64 // its id; meaningless without room
}

// transactional returns the writer of a transactional.id, or of the producer id while it has no name. since is the
// round after which it can have written.
func (a *account) transactional(id int64, name string, since time.Time) *writer {
	if name == "" || a.txns[name] == nil && len(a.txns) >= maxWriters {
		w := a.writer(id)
		if name == "" && w.n == 0 && w.nameless.IsZero() && w != a.others {
			w.nameless, a.waiting = since, true
		}
		return w
	}
	w := a.txns[name]
	if w == nil {
		w = &writer{}
		a.txns[name] = w
	}
	return w
}

// rename gives what waits for the names of producer ids to those that have one by now. waits reports whether a name may
// still come: who has none then has waited long enough. changed reports whether anything was decided.
func (a *account) rename(name func(id int64) txnName, waits func(id int64) bool) (changed bool) {
	if !a.waiting {
		return false
	}
	a.waiting = false
	for id, w := range a.writers {
		if w.nameless.IsZero() {
			continue
		}
		switch n := name(id); {
		case n.id != "":
			delete(a.writers, id)
			a.transactional(id, n.id, w.nameless).take(w)
		case !waits(id):
			w.late, w.nameless = w.nameless, time.Time{}
		default:
			a.waiting = true
			continue
		}
		changed = true
	}
	return changed
}

// take adds what another has that was never told.
func (w *writer) take(from *writer) {
	if w.put(from.n, from.why); from.n == 0 && from.why != "" {
		w.blur(from.why)
	}
	w.moved = from.nameless
	if w.late.IsZero() || from.nameless.Before(w.late) {
		w.late = from.nameless
	}
}

// epochSeen is a transactional producer's epoch in the newest round in which any topic showed it, and in the one
// before.
type epochSeen struct {
	round      time.Time
	now, prior int32
}

// epochBefore returns the epoch that the producer had before this round on any partition of the cluster. It is 0 for a
// producer never seen.
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
