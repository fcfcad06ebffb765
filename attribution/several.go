package attribution

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// This file makes one count of what several kinds of evidence claim of one writer. Each may miss some: a push that did
// not arrive, a log that was not followed for a while, a sample. So the best kind alone may fall behind what another
// proves. What two kinds can have seen both is counted once, as the better's; what only one can have seen is counted
// too. So a writer is given no less than any of them proves, and no more than it wrote where none says more.
//
// That is settled by steps: the kind with the shortest spans, which says best when, is given first. What another claims
// is taken to be of the records that its writer was given already, as far as its span reaches; the rest it asks for.

// contender is a writer's claims, by kind of evidence, those with the shortest spans first.
type contender struct {
	rank  int // of the best kind
	kinds [][]claim
	given [][2]int // where those are that were given their part
}

// contenders returns who claims, the best evidence first, in a fixed order.
func (s *settling) contenders() (all []contender) {
	for _, kinds := range s.writers.standing() {
		kinds = slices.DeleteFunc(kinds, func(k standing) bool { // that said nothing yet
			return !slices.ContainsFunc(k.claims, func(t *lineage.Told) bool { return len(t.Readings) > 0 })
		})
		if len(kinds) > 0 {
			all = append(all, s.contender(kinds))
		}
	}
	slices.SortFunc(all, func(a, b contender) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), compareClaims(&a.kinds[0][0], &b.kinds[0][0]))
	})
	return all
}

// standing are the claims that count a writer, of one kind of evidence.
type standing struct {
	rank   int
	claims []*lineage.Told
}

// contender returns all that the best kind claims, and what others prove.
func (s *settling) contender(kinds []standing) contender {
	slices.SortFunc(kinds, func(a, b standing) int { return cmp.Compare(a.rank, b.rank) })
	x := contender{rank: kinds[0].rank}
	for i, k := range kinds {
		var own []claim
		for _, t := range k.claims {
			for _, r := range t.Readings {
				c := claim{Reading: r, client: t.Access.Client, evidence: t.Evidence, by: t.By}
				if i == 0 || r.Value > 0 && s.proven(&c) {
					own = append(own, c)
				}
			}
		}
		if len(own) > 0 && (i == 0 || !s.exact(&kinds[0], own)) {
			slices.SortFunc(own, func(a, b claim) int { return compareClaims(&a, &b) })
			x.kinds = append(x.kinds, own)
		}
	}
	rest := 0                                 // of the order
	if x.rank <= rank(lineage.RecordHeader) { // which says when, whatever its spans
		rest = 1
	}
	slices.SortStableFunc(x.kinds[rest:], func(a, b []claim) int { return cmp.Compare(meanSpan(a), meanSpan(b)) })
	return x
}

func compareClaims(a, b *claim) int {
	return cmp.Or(cmp.Compare(a.evidence, b.evidence), compareClients(a.client, b.client), cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From))
}

func meanSpan(claims []claim) float64 {
	n := int64(0)
	for i := range claims {
		n += claims[i].To - claims[i].From
	}
	return float64(n) / float64(len(claims))
}

// proven reports whether a claim says no more than its client wrote of what nobody counted: no producer id that nobody
// named wrote then, which may be the client's; and a log was read all the time, in which no transaction left a marker
// between two requests.
func (s *settling) proven(c *claim) bool {
	if s.perhapsCounted(c) {
		return false
	}
	if c.evidence != lineage.RequestLog {
		return true
	}
	return s.saw(c.by, c) && !slices.ContainsFunc(s.marked, func(x span) bool { return x.from < c.To+slack && x.to > c.From-slack })
}

// exact reports whether a kind of evidence says exactly how much its writer wrote in all of the time of others' claims:
// who looks at the headers of all batches counts neither what was sent twice nor what lies between two.
func (s *settling) exact(k *standing, others []claim) bool {
	if k.rank > rank(lineage.RecordHeader) {
		return false
	}
	all := others[0]
	for i := range others {
		all.From, all.To = min(all.From, others[i].From), max(all.To, others[i].To)
	}
	return slices.ContainsFunc(k.claims, func(t *lineage.Told) bool { return s.saw(t.By, &all) })
}

// saw reports whether a source saw what a claim's client wrote in all of its span.
func (s *settling) saw(by int, c *claim) bool {
	return s.Lookers[by].Saw(&lineage.Access{Topic: s.Topic, Op: lineage.Write, Client: c.client}, c.From, c.To)
}

// perhapsCounted reports whether what is claimed may be counted already, as a producer id's that nobody named. What
// headers of records name bore none.
func (s *settling) perhapsCounted(c *claim) bool {
	return c.evidence != lineage.RecordHeader && slices.ContainsFunc(s.unnamed, func(x span) bool { return x.from < c.To && x.to > c.From })
}

// share gives contenders, the best evidence first, their parts of the steps, each record once. Who was given his part
// gives way to others, but never gives it up.
func (s *settling) share(writers []contender) (all []claim) {
	rest := make([]int64, len(s.steps))
	for i := range s.steps {
		rest[i] = s.steps[i].rest()
	}
	for len(writers) > 0 {
		n := 1
		for n < len(writers) && writers[n].rank == writers[0].rank {
			n++
		}
		all = s.shareEqual(all, writers[:n], rest)
		writers = writers[n:]
	}
	return all
}

// shareEqual gives contenders by evidence that is equally good their parts of what others have left.
func (s *settling) shareEqual(all []claim, writers []contender, rest []int64) []claim {
	for kind := 0; ; kind++ {
		some := false
		for i := range writers {
			w := &writers[i]
			if kind >= len(w.kinds) {
				continue
			}
			some = true
			own := w.kinds[kind]
			for j := range own {
				s.reach(&own[j])
			}
			s.sameAsGiven(all, w.given, own)
			w.given = append(w.given, [2]int{len(all), len(all) + len(own)})
			all = append(all, own...)
		}
		if !some {
			break
		}
		allot(all, rest)
	}
	for range widenings {
		some := false
		for i := range writers {
			if w := &writers[i]; len(w.kinds) > 1 {
				for _, g := range w.given {
					some = s.widen(all[g[0]:g[1]]) || some
				}
			}
		}
		if !some {
			break
		}
		allot(all, rest)
	}
	return all
}

// widenings is how often a writer's claims that are short reach further: what several kinds say of one writer together
// has been there, but not always in the steps that are left of their spans.
const widenings = 4

// widen lets claims that are short reach as much further as two sources may see the same apart. It reports whether
// there are any.
func (s *settling) widen(claims []claim) (some bool) {
	for i := range claims {
		c := &claims[i]
		if c.got == c.Value {
			continue
		}
		some = true
		n := len(c.parts)
		first, end := max(c.first-slack, 0), min(c.first+n+slack, len(s.steps))
		parts := make([]int64, end-first)
		copy(parts[c.first-first:], c.parts)
		c.first, c.parts, c.asks, c.spread = first, parts, make([]int64, len(parts)), true
	}
	return some
}

// part is a claim, and what is left of it that is not taken to be the same as another's yet.
type part struct {
	of   *claim
	left int64
}

// sameAsGiven takes what a kind claims to be of what better ones, or those that say better when, were given: as much as
// can be, first where spans have a tick in common, then where two sources may see the same apart.
func (s *settling) sameAsGiven(all []claim, given [][2]int, own []claim) {
	sorted := func(parts []part, claims []claim) []part {
		for i := range claims {
			parts = append(parts, part{&claims[i], claims[i].Value})
		}
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.of.To, b.of.To), cmp.Compare(a.of.From, b.of.From)) })
		return parts
	}
	var parts []part
	for _, g := range given {
		parts = sorted(parts, all[g[0]:g[1]])
	}
	claims := sorted(nil, own)
	for _, apart := range [...]int64{0, 1, slack} {
		same(parts, claims, apart)
	}
}

// same takes what claims say to be of what others of the same writer were given, of spans that are less than so many
// ticks apart. Both are by their ends. Whichever ends first is taken next, and with it that of the other side which
// ends first of those that it can be: none can be had by fewer of those that are still to come.
func same(given, claims []part, apart int64) {
	longest := max(longestSpan(given), longestSpan(claims))
	near := func(x *part, others []part) {
		for i := range others {
			y := &others[i]
			if x.left == 0 || y.of.To-longest >= x.of.To+apart {
				return
			}
			if y.left == 0 || y.of.From >= x.of.To+apart {
				continue
			}
			if rank(x.of.evidence) < rank(y.of.evidence) {
				isOf(x, y)
			} else {
				isOf(y, x)
			}
		}
	}
	for len(given) > 0 && len(claims) > 0 {
		if given[0].of.To <= claims[0].of.To {
			near(&given[0], claims)
			given = given[1:]
		} else {
			near(&claims[0], given)
			claims = claims[1:]
		}
	}
}

func longestSpan(parts []part) (n int64) {
	for i := range parts {
		n = max(n, parts[i].of.To-parts[i].of.From)
	}
	return n
}

// isOf takes a better claim and a worse one to be the same as far as can be. It is the better one's, in the steps that
// the worse was given where the better reaches these; where it does not the worse keeps it.
func isOf(better, worse *part) {
	n := min(better.left, worse.left)
	better.left, worse.left = better.left-n, worse.left-n
	b, w := better.of, worse.of
	short := min(n, w.Value-w.got)
	w.drop(short)
	n -= short
	for k := range w.parts {
		at := w.first + k - b.first
		if at < 0 || at >= len(b.parts) {
			continue
		}
		m := min(n, w.parts[k])
		b.parts[at], b.got = b.parts[at]+m, b.got+m
		w.parts[k], w.got = w.parts[k]-m, w.got-m
		w.drop(m)
		n -= m
	}
	b.drop(n)
}

// drop takes records out of a claim that another counts.
func (c *claim) drop(n int64) {
	c.Value -= n
	c.again = c.Value == 0
}
