package attribution

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

const (
	whyCapped = "neither at most nor at least: what the topic grew by in its time and nobody else was given; its source counts more: retries, or it dates them otherwise"
	whySpread = "shared out over the time between two readings, by what the topic grew by"
	// whyTwice is of a claim that nothing links to a producer id, while there are some that nobody named. What headers
	// of records name bore none.
	whyTwice = "neither at most nor at least: producer ids that nobody named wrote at the same time, and it may be one of them, whose records are counted as that one's already"
	// whyLogged is of a claim by where requests begin in the log: the newest request's own records come with the next,
	// and a line is read a tick before or after its records are seen.
	whyLogged = "neither at most nor at least: by where its requests' records begin in the log: what follows the newest may not be among these yet, and markers of transactions may be"
	// whySampled is of one by a log that was not read all the time.
	whySampled = "neither at most nor at least: by where its requests' records begin in the log, of the times alone in which that was read, as in samples: what else it wrote is not among these, and markers of transactions may be"
	whyTail    = "at most: records of writers that others name, and count otherwise or later, may be among these"
	whyTaken   = "at least: who may be counted already, as a producer id that nobody named, was given some of these"
)

// claim is one advance of what a source takes a client to have written.
type claim struct {
	lineage.Reading
	client   lineage.Client
	evidence lineage.EvidenceKind
	by       int
	first    int     // step that it begins in
	asks     []int64 // of that step and those that follow
	parts    []int64 // what it was given of them
	got      int64   // all of them
	spread   bool    // it is shared out over steps
}

// claims debits what is claimed, the best evidence first, and no more than the topic grew by.
func (s *settling) claims() {
	if len(s.writers.claims) == 0 {
		return
	}
	var all []claim
	for _, t := range s.writers.standing() {
		s.logged = s.logged || t.Evidence == lineage.RequestLog
		for _, r := range t.Readings {
			all = append(all, claim{Reading: r, client: t.Access.Client, evidence: t.Evidence, by: t.By})
		}
	}
	slices.SortFunc(all, func(a, b claim) int {
		return cmp.Or(
			cmp.Compare(rank(a.evidence), rank(b.evidence)), compareClients(a.client, b.client), cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From),
		)
	})
	for len(all) > 0 {
		n := 1
		for n < len(all) && rank(all[n].evidence) == rank(all[0].evidence) {
			n++
		}
		s.share(all[:n])
		all = all[n:]
	}
}

// sharings is how often what a claim was not given is asked for again. Pushes of one client reach over ticks that they
// have in common, so that in one both ask for more than there is while the next has some left: what is left to ask for
// is less than half each time.
const sharings = 8

// share debits claims by evidence that is equally good. Each asks of every step of its span a share by what that step
// still has; where all together ask for more than there is, each is given its part of it, and asks the others again.
func (s *settling) share(claims []claim) {
	rest := make([]int64, len(s.steps))
	for i := range s.steps {
		rest[i] = s.steps[i].rest()
	}
	for i := range claims {
		s.reach(&claims[i])
	}
	for range sharings {
		if !give(claims, rest) {
			break
		}
	}
	exchange(claims, rest)
	for i := range claims {
		c := &claims[i]
		last, why := c.first+len(c.parts)-1, ""
		twice := c.evidence != lineage.RecordHeader && slices.ContainsFunc(s.unnamed, func(x span) bool { return x.from < c.To && x.to > c.From })
		switch {
		case twice:
			why = whyTwice
		case c.evidence == lineage.RequestLog && !s.Lookers[c.by].Saw(&lineage.Access{Topic: s.Topic, Op: lineage.Write, Client: c.client}, c.From, c.To):
			why = whySampled
		case c.evidence == lineage.RequestLog:
			why = whyLogged
		case c.got < c.Value:
			why, s.logged = whyCapped, true
		case c.spread:
			why = whySpread
		}
		for k, n := range c.parts {
			if x := &s.steps[c.first+k]; n > 0 || c.got == 0 && c.first+k == last {
				// that of no advance says that there may have been one
				x.take(n)
				x.twice = x.twice || twice && n > 0
				s.debit(x, c.by, c.client, c.evidence, n, c.Estimated || why != "", why)
			}
		}
	}
}

// give gives claims what they ask for of what is left of the steps. It reports whether asking again may give more: some
// were given less than they asked for, and something was given.
func give(claims []claim, rest []int64) (again bool) {
	asked := make([]int64, len(rest))
	for i := range claims {
		claims[i].ask(rest)
		for k, n := range claims[i].asks {
			asked[claims[i].first+k] += n
		}
	}
	before, given := make([]int64, len(rest)), make([]int64, len(rest))
	some, short := false, false
	for i := range claims {
		c := &claims[i]
		for k, n := range c.asks {
			at := c.first + k
			if asked[at] > rest[at] {
				before[at] += n
				n = mulDiv(rest[at], before[at], asked[at]) - given[at]
			}
			given[at] += n
			c.parts[k] += n
			c.got += n
			some = some || n > 0
		}
		short = short || c.got < c.Value
	}
	for i := range rest {
		rest[i] -= given[i]
	}
	return some && short
}

// reach sets which steps a claim touches.
func (s *settling) reach(c *claim) {
	c.first, _ = slices.BinarySearchFunc(s.steps, c.From+1, func(x step, t int64) int { return cmp.Compare(x.to, t) })
	end := c.first
	for ; end < len(s.steps) && s.steps[end].from < c.To; end++ {
		x := &s.steps[end]
		c.spread = c.spread || x.from < c.From || x.to > c.To || end > c.first
	}
	if c.evidence == lineage.RequestLog { // a line is read a tick before or after what it tells of shows
		c.first, end = max(c.first-1, 0), min(end+1, len(s.steps))
	}
	c.asks, c.parts = make([]int64, end-c.first), make([]int64, end-c.first)
}

// ask sets what a claim asks of each step for what it was not given yet, by what is left of them.
func (c *claim) ask(rest []int64) {
	there := int64(0)
	for k := range c.asks {
		there += rest[c.first+k]
	}
	before, asked := int64(0), int64(0)
	for k := range c.asks {
		before += rest[c.first+k]
		upTo := int64(0)
		if there > 0 {
			upTo = mulDiv(c.Value-c.got, before, there)
		}
		c.asks[k] = upTo - asked
		asked = upTo
	}
}

// take takes n records out of what is left: first of what counted writers wrote none of.
func (x *step) take(n int64) {
	of := min(n, x.left.Value)
	x.left.Value -= of
	x.mixed.Value -= n - of
}

// standing returns the claims that count their writer: those by the best evidence, where nothing better counts it. What
// several claim of one identity is claimed once, by the greater, and so it is where a client and its parts are claimed.
func (w *writers) standing() (out []*lineage.Told) {
	type one struct {
		writer   identity
		evidence lineage.EvidenceKind
	}
	byWriter := map[one]map[identity]*lineage.Told{}
	for _, t := range w.claims {
		if rank(t.Evidence) == len(Order) || w.taken[t] { // it says that somebody wrote, and not how much
			continue
		}
		ids := w.identities(t.Access.Client)
		if len(ids) == 0 {
			out = append(out, t)
			continue
		}
		k := one{w.find(ids[0]), t.Evidence}
		if w.best[k.writer] < rank(t.Evidence) {
			continue
		}
		if byWriter[k] == nil {
			byWriter[k] = map[identity]*lineage.Told{}
		}
		was := byWriter[k][ids[0]]
		if was == nil || cmp.Or(cmp.Compare(sum(t), sum(was)), -compareClients(t.Access.Client, was.Access.Client)) > 0 {
			byWriter[k][ids[0]] = t
		}
	}
	for _, claims := range byWriter {
		var sums [byMover + 1]int64
		best := byProducer
		for id, t := range claims {
			sums[id.class] += sum(t)
		}
		for c := range sums {
			if sums[c] > sums[best] {
				best = class(c)
			}
		}
		for id, t := range claims {
			if id.class == best {
				out = append(out, t)
			}
		}
	}
	return out
}

func sum(t *lineage.Told) (n int64) {
	for _, r := range t.Readings {
		n += r.Value
	}
	return n
}
