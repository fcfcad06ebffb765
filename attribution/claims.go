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
	// whyPushed is of a claim that its source calls an estimate, of all of which the topic grew: a push did not arrive,
	// or the first says since when it counts alone. Of others it is not known what their sources lack.
	whyPushed = "at least: what its client did not push, or pushed in vain, is not among these"
	whyUnsaid = "neither at most nor at least: its source calls it an estimate, and no more"
	whyTail   = "at most: records of writers that others name, and count otherwise or later, may be among these"
	whyTaken  = "at least: who may be counted already, as a producer id that nobody named, was given some of these"
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
	again    bool    // another counts all of it
}

// claims debits what is claimed, the best evidence first, and no more than the topic grew by.
func (s *settling) claims() {
	if len(s.writers.claims) == 0 {
		return
	}
	s.debitAll(s.share(s.contenders()))
}

// sharings is how often what a claim was not given is asked for again. Pushes of one client reach over ticks that they
// have in common, so that in one both ask for more than there is while the next has some left: what is left to ask for
// is less than half each time.
const sharings = 8

// allot gives claims of steps. Each asks of every step of its span a share by what that step still has, for what it was
// not given yet; where all together ask for more than there is, each is given its part of it, and asks the others
// again. It is called again with more claims, which those that have their part may give way to.
func allot(claims []claim, rest []int64) {
	for range sharings {
		if !give(claims, rest) {
			break
		}
	}
	exchange(claims, rest)
}

// debitAll debits what claims were given, with what is to be said of it.
func (s *settling) debitAll(claims []claim) {
	for i := range claims {
		c := &claims[i]
		if c.again {
			continue
		}
		s.logged = s.logged || c.evidence == lineage.RequestLog
		last, why := c.first+len(c.parts)-1, ""
		twice := s.perhapsCounted(c)
		switch {
		case twice:
			why = whyTwice
		case c.evidence == lineage.RequestLog && !s.saw(c.by, c):
			why = whySampled
		case c.evidence == lineage.RequestLog:
			why = whyLogged
		case c.got < c.Value:
			why, s.logged = whyCapped, true
		case c.spread:
			why = whySpread
		case c.Estimated && c.evidence == lineage.Telemetry && c.got > 0:
			why = whyPushed
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

// standing returns the claims that count a writer, by writer: those of whom nothing better counts, by each kind of
// evidence. What several claim of one identity is claimed once, by the greater, and so it is where a client and its
// parts are claimed by one kind.
func (w *writers) standing() (out [][]standing) {
	type one struct {
		writer identity
		kind   int
	}
	kinds := map[one]map[identity]*lineage.Told{}
	for _, t := range w.claims {
		kind := rank(t.Evidence)
		if kind == len(Order) || w.taken[t] { // it says that somebody wrote, and not how much
			continue
		}
		ids := w.identities(t.Access.Client)
		if len(ids) == 0 {
			out = append(out, []standing{{kind, []*lineage.Told{t}}})
			continue
		}
		k := one{w.find(ids[0]), kind}
		if paired, ok := w.paired[k.writer]; ok && paired < kind {
			continue
		}
		if kinds[k] == nil {
			kinds[k] = map[identity]*lineage.Told{}
		}
		was := kinds[k][ids[0]]
		if was == nil || cmp.Or(cmp.Compare(sum(t), sum(was)), -compareClients(t.Access.Client, was.Access.Client)) > 0 {
			kinds[k][ids[0]] = t
		}
	}
	byWriter := map[identity][]standing{}
	for k, claims := range kinds {
		byWriter[k.writer] = append(byWriter[k.writer], standing{k.kind, ofOneClass(claims)})
	}
	for _, all := range byWriter {
		out = append(out, all)
	}
	return out
}

// ofOneClass returns those of the class of identities that has the most of what is claimed.
func ofOneClass(claims map[identity]*lineage.Told) (out []*lineage.Told) {
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
	return out
}

func sum(t *lineage.Told) (n int64) {
	for _, r := range t.Readings {
		n += r.Value
	}
	return n
}
