package kafka

import (
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file turns an account's totals into samples. A total is told when it changed, and once when the account is opened, so that "nothing moved" is an
// answer from then on.

// rebornFor is for how long what is counted of a topic that was made again is a lower bound, so that it shows in each account of that time.
const rebornFor = time.Minute

// rebornBound is why.
const rebornBound = "at least: the topic was made again, and what was written to it in lives between two looks, or after the last look at the one before, is not known"

// isReborn reports whether the topic was made again just now.
func (a *account) isReborn(round time.Time) bool {
	return !a.reborn.IsZero() && round.Sub(a.reborn) < rebornFor
}

// tellEnds returns the topic's own sample of this round, if there is one to tell. ok is false when the topic was not seen whole.
func (a *account) tellEnds(round, before time.Time) (samples []lineage.Sample, ok bool) {
	if !a.endsComplete() {
		return nil, false
	}
	if s, told := a.appended.sample(since(a.ends, before)); told {
		s.Subject, s.Metric = lineage.Access{Topic: a.topic}, lineage.Appended
		s.Estimated = s.Estimated || a.isReborn(round)
		samples = append(samples, s)
	}
	a.ends = round
	return samples, true
}

// tellBooks returns the samples and sightings of the topic's writers and remainder. ok is false when the producers of some partition are not known as of this round.
//
// writers says who may have written the remainder, and patience how long a step of it waits to know.
func (a *account) tellBooks(round, before time.Time, writers collector.Writers, patience time.Duration) (samples []lineage.Sample, sightings []lineage.Sighting, ok bool) {
	for i := range a.parts {
		if p := &a.parts[i]; !p.fresh || p.moved {
			return nil, nil, false
		}
	}
	from := since(a.books, before)
	tell := func(t *total, c lineage.Client, e lineage.EvidenceKind) {
		if s, told := t.sample(from); told {
			s.Subject = lineage.Access{Topic: a.topic, Op: lineage.Write, Client: c}
			s.Metric, s.Evidence = lineage.Records, e
			if a.isReborn(round) && s.Value > 0 {
				s.Estimated = true
				sightings = append(sightings, lineage.Sighting{Access: s.Subject, Evidence: e, Detail: rebornBound})
			}
			samples = append(samples, s)
		}
	}
	for id, w := range a.writers {
		c := lineage.Client{Producer: lineage.KnownProducer(id)}
		tell(&w.total, c, lineage.ProducerState)
		if w.uncounted {
			w.uncounted = false
			sightings = append(sightings, lineage.Sighting{
				Access:   lineage.Access{Topic: a.topic, Op: lineage.Write, Client: c},
				Evidence: lineage.ProducerState, Moved: true,
				Detail: "transactional: the producer state does not count its records; they are in the remainder",
			})
		}
	}
	for id, w := range a.txns {
		c := lineage.Client{TransactionalID: id}
		counted := w.n != w.told
		tell(&w.total, c, lineage.Transaction)
		if w.uncounted && !counted {
			s := lineage.Sighting{Access: a.write(c), Evidence: lineage.Transaction, Moved: true}
			if w.mixed {
				s.Detail = "several transactional producers wrote to a partition at once: their records can't be told apart and are in the remainder"
			}
			sightings = append(sightings, s)
		}
		if counted && a.contested {
			sightings = append(sightings, lineage.Sighting{
				Access: a.write(c), Evidence: lineage.Transaction, Detail: "a connector or replicator that leaves no count writes the topic too: its records may be among these",
			})
		}
		if w.shared && counted {
			sightings = append(sightings, lineage.Sighting{
				Access: a.write(c), Evidence: lineage.Transaction, Detail: "shared out by transactions: several instances of the application wrote to a partition at once",
			})
		}
		w.uncounted, w.mixed, w.shared = false, false, false
	}
	if a.others != nil {
		a.others.uncounted = false
		tell(&a.others.total, lineage.Client{Kind: lineage.Others}, lineage.ProducerState)
	}
	rest := a.assign(writers, round, spanStart(from, before), patience)
	from = waited(from, rest.since)
	if a.remainder.n > 0 {
		tell(&a.remainder, lineage.Client{Kind: lineage.Remainder}, lineage.EndOffsets)
		if rest.doubt != "" {
			sightings = append(sightings, lineage.Sighting{Access: a.write(lineage.Client{Kind: lineage.Remainder}), Evidence: lineage.EndOffsets, Detail: rest.doubt})
		}
	}
	for mover, t := range a.eliminated {
		if t.n == t.told {
			continue
		}
		c := lineage.Client{Mover: mover}
		t.estimated = true
		tell(t, c, lineage.Elimination)
		sightings = append(sightings, lineage.Sighting{Access: a.write(c), Evidence: lineage.Elimination, Detail: eliminationDoubt})
	}
	held, whose := a.tellHeld(writers)
	a.books = round
	return append(samples, held...), append(sightings, whose...), true
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

// since returns the Since of a sample: zero when the total was known at the round before, else the round at which it last was.
func since(known, before time.Time) time.Time {
	if known.IsZero() || !known.Before(before) {
		return time.Time{}
	}
	return known
}
