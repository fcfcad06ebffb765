package kafka

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// forgetful is a simulated topic whose broker forgets producer ids that rest, watched by rounds that are lost or short.
type forgetful struct {
	*sim
	after  time.Duration // an id rests, and is forgotten
	racing bool          // writers write between the readings of a round too
	readTo []int         // by partition, up to where its producers were read
	lots   []hiddenLot
	steps  []lawStep
	story  []string
	wrong  []string
}

// hiddenLot is what an id wrote to a partition and no reading listed it with, since it was forgotten before.
type hiddenLot struct {
	id     int64
	part   int
	n      int64
	step   int // in which it came
	listed int // in which the id was listed there again; -1: not yet
}

// leftover is whose records nobody accounts for.
var leftover = lineage.Client{Kind: lineage.Remainder}

// lawStep is what is said as of a round that saw everything, and since the one before it.
type lawStep struct {
	at    time.Duration
	said  map[lineage.Client]int64
	truth map[lineage.Client]int64
	bound map[lineage.Client]bool
	words map[lineage.Client]map[string]bool
}

func newForgetful(seed uint64) *forgetful {
	r := rand.New(rand.NewPCG(seed, 17))
	var kinds []simKind
	for range 1 + r.IntN(5) {
		kinds = append(kinds, simKind(r.IntN(4)))
	}
	f := &forgetful{sim: newSim(seed, 1+r.IntN(3), r.IntN(2) == 0, kinds...), after: time.Duration(3+r.IntN(6)) * tick}
	f.clock, f.readTo = t0, make([]int, len(f.logs))
	if r.IntN(2) == 0 {
		f.a.forgets = f.after
	}
	if f.a.parts[0].born {
		f.a.seenSince(0, t0)
		f.a.books = t0
	}
	for _, w := range f.writers {
		w.idle = r.IntN(2) * r.IntN(20)
	}
	f.note("%v, born %v, forgets after %v, known %v", kinds, f.a.parts[0].born, f.after, f.a.forgets > 0)
	return f
}

func (f *forgetful) note(format string, args ...any) {
	f.story = append(f.story, fmt.Sprintf("%v: ", f.clock.Sub(t0))+fmt.Sprintf(format, args...))
}

// past lets the writers write before anybody looks: much, so that it is told from what is written later.
func (f *forgetful) past() {
	for _, w := range f.writers {
		if w.kind == simPlain || f.r.IntN(2) == 0 {
			continue
		}
		f.write(w, 10_000)
		f.end(w)
		if f.r.IntN(2) == 0 {
			f.expire(w)
		}
	}
}

// live lets a tick pass in which writers write, rest, and begin anew.
func (f *forgetful) live() {
	f.clock = f.clock.Add(tick)
	for p, l := range f.logs {
		for _, w := range f.writers {
			if at, ok := l.wrote[w.id]; ok && w.kind != simPlain && !w.open[p] && f.clock.Sub(at) >= f.after {
				l.from[w.id] = len(l.log)
				delete(l.wrote, w.id)
				f.note("producer %d is forgotten in %d", w.id, p)
			}
		}
	}
	for _, w := range f.writers {
		if w.idle > 0 {
			w.idle--
			continue
		}
		switch f.r.IntN(12) {
		case 0:
			f.end(w)
			w.idle = f.r.IntN(3 * int(f.after/tick))
		case 1:
			f.anew(w)
		}
		if f.r.IntN(3) > 0 {
			was := w.wrote
			f.write(w, 1+f.r.IntN(20))
			f.note("producer %d of kind %d in epoch %d wrote %d", w.id, w.kind, w.epoch, w.wrote-was)
		}
	}
}

// anew lets a writer go on in its next epoch: after a restart, or, without a transactional.id, after it was refused.
func (f *forgetful) anew(w *simWriter) {
	if w.kind == simPlain {
		return
	}
	f.end(w)
	w.epoch++
	for p := range w.seq {
		w.seq[p] = -1
	}
}

// look takes a round.
func (f *forgetful) look(t *testing.T, skip, late func(int) bool) {
	t.Helper()
	f.round, f.late = f.clock.Add(-tick), late
	whole := true
	f.take(t, skip, func() {
		if !f.racing || f.r.IntN(3) == 0 {
			return
		}
		for _, w := range f.writers { // after the ends were read
			if f.r.IntN(3) == 0 {
				f.write(w, f.r.IntN(4))
				f.note("producer %d of kind %d in epoch %d wrote after the ends were read", w.id, w.kind, w.epoch)
				whole = false
			}
		}
	})
	for i, l := range f.logs {
		p := &f.a.parts[i]
		whole = whole && p.fresh && !p.moved
		if slices.Contains(f.listed, i) {
			// of one at rest nobody is listed: what was written since the end was read waits
			f.read(i, l)
		}
	}
	f.note("a round, whole %v", whole)
	if whole {
		f.tell()
	}
}

// read notes what the reading of a partition's producers does not list.
func (f *forgetful) read(part int, l *simLog) {
	listed, unlisted := map[int64]bool{}, map[int64]int64{}
	for _, r := range l.readings() {
		listed[r.id] = true
	}
	for _, e := range l.log[f.readTo[part]:] {
		if e.pid >= 0 && !e.marker && !listed[e.pid] {
			unlisted[e.pid]++
		}
	}
	for i := range f.lots {
		if lot := &f.lots[i]; lot.part == part && lot.listed < 0 && listed[lot.id] {
			lot.listed = len(f.steps)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(unlisted)) {
		f.lots = append(f.lots, hiddenLot{id: id, part: part, n: unlisted[id], step: len(f.steps), listed: -1})
		f.note("%d of producer %d were never listed in %d", unlisted[id], id, part)
	}
	f.readTo[part] = len(l.log)
}

// tell keeps what is said as of this round.
func (f *forgetful) tell() {
	s := lawStep{at: f.clock.Sub(t0), said: map[lineage.Client]int64{}, truth: map[lineage.Client]int64{}, bound: maps.Clone(f.bound), words: maps.Clone(f.bounds)}
	clear(f.bound)
	clear(f.bounds)
	for _, w := range f.writers {
		c := leftover
		switch w.kind {
		case simPlain:
		case simIdempotent:
			c = lineage.Client{Producer: lineage.KnownProducer(w.id)}
			if x := f.a.writers[w.id]; x != nil {
				s.said[c] = x.n
			}
		default:
			c = lineage.Client{TransactionalID: w.name}
			if x := f.a.txns[w.name]; x != nil {
				s.said[c] = x.n
			}
		}
		s.truth[c] += w.wrote
	}
	s.said[leftover] = f.a.rest()
	s.truth[leftover] += 0
	f.steps = append(f.steps, s)
}

// hold holds all that was said, of every time between two rounds that saw everything, against the truth.
func (f *forgetful) hold() (exact, all int) {
	id := map[lineage.Client]int64{}
	for _, w := range f.writers {
		if w.kind == simIdempotent {
			id[lineage.Client{Producer: lineage.KnownProducer(w.id)}] = w.id
		} else {
			id[lineage.Client{TransactionalID: w.name}] = w.id
		}
	}
	for from := range f.steps {
		bound, words := map[lineage.Client]bool{}, map[lineage.Client]map[string]bool{}
		for to := from + 1; to < len(f.steps); to++ {
			a, b := f.steps[from], f.steps[to]
			maps.Copy(bound, b.bound)
			for c, ws := range b.words {
				if words[c] == nil {
					words[c] = map[string]bool{}
				}
				for w, is := range ws {
					words[c][w] = words[c][w] || is
				}
			}
			for c, until := range b.truth {
				if c == leftover && b.said[c] == 0 {
					continue // nobody is said to have written
				}
				n, truth := b.said[c]-a.said[c], until-a.truth[c]
				hidden := int64(0) // and nothing has told of it yet
				for _, lot := range f.lots {
					if lot.id == id[c] && lot.step > from && lot.step <= to && (lot.listed < 0 || lot.listed > to) {
						hidden += lot.n
					}
				}
				if all++; !bound[c] {
					exact++
				}
				if why := untrue(n, truth-hidden, truth, bound[c], words[c]); why != "" {
					f.wrong = append(f.wrong, fmt.Sprintf("%v, %v to %v: %s %d, in truth %d, of which %d are hidden", c, a.at, b.at, why, n, truth, hidden))
				}
			}
		}
	}
	return exact, all
}

// untrue returns what is said of a count that is not so, where the truth is least or most; empty: it is.
func untrue(n, least, most int64, bound bool, words map[string]bool) string {
	switch {
	case !bound && n != least && n != most:
		return "exactly"
	case !bound, words["together at most"], words["at most"] && words["at least"]:
	case words["at most"] && n < least:
		return "at most"
	case words["at least"] && n > most:
		return "at least"
	}
	return ""
}

// A broker forgets ids that rest, and lineaged is away or late meanwhile, as a whole or with some partitions: of every
// time, what is counted of each writer is the truth or a bound that holds it.
func TestAccountLawOfForgottenProducers(t *testing.T) {
	exact, all, lots := 0, 0, 0
	for seed := range seeds(200) {
		f := newForgetful(seed)
		f.racing = seed%2 == 1 && !slices.ContainsFunc(f.writers, func(w *simWriter) bool { return w.kind == simNewTxn })
		if !f.a.parts[0].born {
			f.past()
			f.look(t, never, never)
		}
		for range 40 {
			f.live()
			switch f.r.IntN(14) {
			case 0: // lineaged is away
				for range f.r.IntN(12) {
					f.live()
				}
				known := f.a.forgets
				f.restart(t)
				f.a.forgets = known
			case 1: // rounds are lost
				for range f.r.IntN(6) {
					f.live()
				}
			}
			f.look(t, func(int) bool { return f.r.IntN(8) == 0 }, func(int) bool { return f.r.IntN(8) == 0 })
		}
		e, n := f.hold()
		exact, all, lots = exact+e, all+n, lots+len(f.lots)
		if len(f.wrong) > 0 {
			t.Fatalf("seed %d\n%s\n%s", seed, strings.Join(f.story, "\n"), strings.Join(f.wrong, "\n"))
		}
	}
	if lots < 100 || exact < all/10 {
		t.Errorf("%d of %d counts are exact, %d times something was hidden: too little to hold the law", exact, all, lots)
	}
}
