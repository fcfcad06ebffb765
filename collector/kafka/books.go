package kafka

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file turns an account's totals into samples. A total is told when it changed, and once when the account is
// opened, so that "nothing moved" is an answer from then on.

// rebornFor is for how long what is counted of a topic that was made again is a lower bound, so that it shows in each
// account of that time.
const rebornFor = time.Minute

// rebornBound is why.
const rebornBound = "at least: the topic was made again, and what was written to it in lives between two looks, or after the last look at the one before, is not known"

// endedBound is why what is counted of the life before is one.
const endedBound = "at least: the topic was made again, and what moved in the life before, after the last look at that, is not known"

// putBackBound is why of a topic that a broker leads whose disk was put back.
const putBackBound = "at least: its broker has older logs than before, and what was written to them and is gone is not known"

// lives returns why what is counted of the topic just now is a lower bound, as it has lives that no look may have seen;
// empty: it has not.
func (a *account) lives(round time.Time) string {
	switch {
	case a.isReborn(round):
		return rebornBound
	case a.isPutBack(round):
		return putBackBound
	}
	return ""
}

// isReborn reports whether the topic was made again just now.
func (a *account) isReborn(round time.Time) bool {
	return !a.reborn.IsZero() && round.Sub(a.reborn) < rebornFor
}

// isPutBack reports whether the topic's logs may have been put back just now.
func (a *account) isPutBack(round time.Time) bool {
	return !a.putBack.IsZero() && round.Sub(a.putBack) < rebornFor
}

// tellEnds returns the topic's own samples of this round. whole is false when some partition's end was not read: then
// what the others moved by is told as a lower bound, and what that one did comes when it is back, over the time since
// the newest round that was whole.
func (a *account) tellEnds(round, before time.Time) (samples []lineage.Sample, whole bool) {
	whole = a.endsComplete()
	a.appended.estimated = !whole // also where nothing was told in a round that was not
	from := since(a.ends, before)
	if s, told := a.appended.sample(from); told {
		s.Subject, s.Metric = lineage.Access{Topic: a.topic}, lineage.Appended
		s.Estimated = s.Estimated || a.lives(round) != ""
		samples = append(samples, s)
	}
	if s, told := a.lost.sample(from); told {
		s.Subject, s.Metric = lineage.Access{Topic: a.topic}, lineage.Lost
		samples = append(samples, s)
	}
	if whole {
		a.ends = round
	}
	return samples, whole
}

// tellBooks returns the samples and sightings of the topic's writers and remainder. whole is false when the producers
// of some partition are not known as of this round: then what the others show is told as a lower bound.
func (a *account) tellBooks(round, before time.Time) (samples []lineage.Sample, sightings []lineage.Sighting, whole bool) {
	b := bookRound{account: a, from: since(a.books, before), before: before}
	if whole = a.booksComplete(); !whole {
		b.short = whyUnled
	}
	b.short = both(b.short, a.lives(round))
	for id, w := range a.writers {
		if w.nameless.IsZero() {
			b.writer(w, lineage.Client{Producer: lineage.KnownProducer(id)}, lineage.ProducerState)
		}
	}
	for id, w := range a.txns {
		b.writer(w, lineage.Client{TransactionalID: id}, lineage.Transaction)
	}
	if a.others != nil {
		b.writer(a.others, lineage.Client{Kind: lineage.Others}, lineage.ProducerState)
	}
	b.remainder()
	for i := range a.parts {
		if p := &a.parts[i]; p.based && p.fresh && !p.moved {
			p.seen = round
		}
	}
	if whole {
		a.books = round
	}
	return b.samples, b.sightings, whole
}

// lastWords tells again what was counted of a topic that is no more, since others may have written after the last look.
func (a *account) lastWords(before time.Time) ([]lineage.Sample, []lineage.Sighting) {
	b := bookRound{account: a, before: before, short: endedBound}
	again := func(w *writer, c lineage.Client, e lineage.EvidenceKind) {
		if w.n > 0 {
			w.told = -1
			b.tell(&w.total, c, e, w.why, before)
		}
	}
	for id, w := range a.writers {
		if w.nameless.IsZero() {
			again(w, lineage.Client{Producer: lineage.KnownProducer(id)}, lineage.ProducerState)
		}
	}
	for id, w := range a.txns {
		again(w, lineage.Client{TransactionalID: id}, lineage.Transaction)
	}
	if a.rest() > 0 {
		b.tellRest(false)
	}
	return b.samples, b.sightings
}

// booksComplete reports whether every partition's producers are known as of this round.
func (a *account) booksComplete() bool {
	for i := range a.parts {
		if p := &a.parts[i]; !p.fresh || p.moved {
			return false
		}
	}
	return true
}

// bookRound is the books of one round, as they are told.
type bookRound struct {
	*account
	from      time.Time // of the samples; zero: before
	before    time.Time // the round before
	short     string    // why all counts are lower bounds; empty: they are not
	samples   []lineage.Sample
	sightings []lineage.Sighting
}

// tell tells a total if it changed, since when it did, and why it is a bound.
func (b *bookRound) tell(t *total, c lineage.Client, e lineage.EvidenceKind, why string, from time.Time) {
	if t.n == t.told {
		return
	}
	if b.short != "" && t.n > 0 {
		t.estimated, why = true, both(why, b.short)
	}
	s, _ := t.sample(from)
	s.Subject, s.Metric, s.Evidence = b.write(c), lineage.Records, e
	b.samples = append(b.samples, s)
	b.note(c, e, why)
}

// note says something of a client's count in words.
func (b *bookRound) note(c lineage.Client, e lineage.EvidenceKind, detail string) {
	if detail != "" {
		b.sightings = append(b.sightings, lineage.Sighting{Access: b.write(c), Evidence: e, Detail: detail})
	}
}

// writer tells a writer's total. What waited for its name reaches back to when it was written.
func (b *bookRound) writer(w *writer, c lineage.Client, e lineage.EvidenceKind) {
	b.tell(&w.total, c, e, w.why, since(sooner(b.from, w.late), b.before))
	w.why, w.late = "", time.Time{}
}

// write is a client's writing of the topic.
func (a *account) write(c lineage.Client) lineage.Access {
	return lineage.Access{Topic: a.topic, Op: lineage.Write, Client: c}
}

// sample returns the sample that tells the total; told is false when there is nothing new in it.
func (t *total) sample(since time.Time) (s lineage.Sample, told bool) {
	if t.n == t.told {
		return s, false
	}
	s = lineage.Sample{Value: t.n, Since: since, Estimated: t.estimated}
	t.told, t.estimated = t.n, false
	return s, true
}

// sooner returns the earlier of two instants, of which a zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// since returns the Since of a sample: zero when the total was known at the round before, else the round at which it
// last was.
func since(known, before time.Time) time.Time {
	if known.IsZero() || !known.Before(before) {
		return time.Time{}
	}
	return known
}
