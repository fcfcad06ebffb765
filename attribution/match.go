package attribution

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Brokers count producer ids that nobody named, and sources name writers that no broker counts. Where nothing told that
// two of these are one, it is concluded here from what both did on the topic: a link by what looks like it, which every
// link that was told outranks. What is concluded is derived like counts, so it is made again when more is known.
//
// Three ways lead to it. What a source counts of a client grew as the sequence of one producer id did, and as no
// other's, and it can't be among what nobody counted (curves.go). Or a log that saw all requests names one
// client alone that wrote and is not counted otherwise, and it wrote whenever the producer ids did. Or what one saw a
// client write can only be among what is counted: see hide.

const (
	whyAlike = "concluded: what %s counts of this client grew as the broker's count of this producer id did, and as no other's"
	whyOnly  = "concluded: of all clients that %s saw write the topic this alone is not counted otherwise, and it wrote when this producer id did"
)

const (
	together  = 0.8 // of the time in which one wrote, that in which the other was seen to
	unlimited = math.MaxFloat64
)

// claimant is a client that sources saw write and that nothing counts.
type claimant struct {
	told   *lineage.Told // by the best evidence
	counts bool          // its readings are records
	logged *lineage.Told // what a broker's log told of it, which sees all who write; nil: nothing
}

// span is a time in which something moved.
type span struct{ from, to int64 }

// match concludes which unnamed producer ids and uncounted clients are one, and joins them.
func (s *settling) match() {
	if len(s.writers.claims) == 0 {
		return
	}
	nameless := s.writers.nameless()
	if len(nameless) == 0 {
		return
	}
	claimants := s.writers.uncounted()
	rest := s.remainder()
	fits := make([][]fit, len(nameless))
	for i := range nameless {
		fits[i] = make([]fit, len(claimants))
		for j := range claimants {
			fits[i][j] = unfit
			if claimants[j].counts && s.follows(claimants[j].told) && !s.writers.isAnother(nameless[i], &claimants[j]) {
				fits[i][j] = s.fit(nameless[i], claimants[j].told)
			}
		}
	}
	matched := make([]bool, len(claimants))
	var open []int // of nameless
	for i := range nameless {
		j := best(fits[i])
		if j < 0 || another(fits, i, j) || within(claimants[j].told, rest) {
			open = append(open, i)
			continue
		}
		matched[j] = true
		s.conclude(nameless[i], claimants[j].told, claimants[j].told.Evidence, whyAlike)
	}
	hiding := s.hide(nameless, claimants, matched)
	for _, js := range hiding {
		if len(js) == 1 {
			matched[js[0]] = true
		}
	}
	only := onlyOne(matched)
	for _, i := range open {
		if js := hiding[i]; len(js) == 1 {
			c := claimants[js[0]].told
			s.conclude(nameless[i], c, c.Evidence, whyHidden)
			continue
		}
		if only >= 0 && s.isBy(nameless[i], &claimants[only]) {
			s.conclude(nameless[i], claimants[only].told, claimants[only].logged.Evidence, whyOnly)
			continue
		}
		s.unnamed = append(s.unnamed, movedIn(nameless[i])...)
	}
}

// follows reports whether what a source counts of a client is all that it wrote in its time, so that its curve may be
// held against another's: of a request log only where that was read without a gap, and is no sample.
func (s *settling) follows(c *lineage.Told) bool {
	if c.Evidence != lineage.RequestLog || len(c.Readings) == 0 {
		return true
	}
	from, to := c.Readings[0].From, c.Readings[len(c.Readings)-1].To
	return s.Lookers[c.By].Saw(&c.Access, from, to)
}

// onlyOne returns the one that is not matched; -1: there is none, or there are several.
func onlyOne(matched []bool) int {
	only := slices.Index(matched, false)
	if only >= 0 && slices.Contains(matched[only+1:], false) {
		return -1
	}
	return only
}

// conclude derives a link of a producer id and a claimant, by what a kind of evidence saw.
func (s *settling) conclude(p, c *lineage.Told, by lineage.EvidenceKind, why string) {
	client := c.Access.Client
	client.Producer = p.Access.Client.Producer
	at := c.Readings[0].To
	d := s.derived(client, lineage.Linked, lineage.Elimination, c.By)
	d.Readings = append(d.Readings, lineage.Reading{From: at - 1, To: at, Value: 1})
	d.Words = append(d.Words, lineage.Word{At: at, Text: fmt.Sprintf(why, by)})
	ids := s.writers.identities(client)
	for _, id := range ids[1:] {
		s.writers.join(ids[0], id)
	}
	root := s.writers.find(ids[0])
	s.writers.best[root] = min(rank(p.Evidence), rank(c.Evidence))
	better(s.writers.paired, root, rank(p.Evidence))
	if len(ids) == 1 { // its principal says all that is known of it
		s.writers.taken[c] = true
	}
}

// movedIn returns when a series moved. What a source claims without a number counts too.
func movedIn(t *lineage.Told) (out []span) {
	for _, r := range t.Readings {
		if r.Value > 0 || r.Estimated {
			out = append(out, span{r.From, r.To})
		}
	}
	return out
}

// wroteWith reports whether a client was seen to write whenever a producer id did, since it was first seen, and the
// other way round; and its source saw all of that time.
func (s *settling) wroteWith(p, c *lineage.Told) bool {
	theirs := movedIn(c)
	if len(theirs) == 0 {
		return false
	}
	mine := slices.DeleteFunc(movedIn(p), func(x span) bool { return x.to < theirs[0].from-slack })
	if len(mine) == 0 || covered(mine, theirs) < together || covered(theirs, mine) == 0 {
		return false
	}
	from, to := max(mine[0].from, theirs[0].from), min(mine[len(mine)-1].to, s.Lookers[c.By].Newest)
	return from < to && s.Lookers[c.By].Saw(&c.Access, from, to)
}

// covered returns the part of spans near which there is one of others.
func covered(spans, others []span) float64 {
	n, j := 0, 0
	for _, x := range spans {
		for j < len(others) && others[j].to < x.from-slack {
			j++
		}
		if j < len(others) && others[j].from <= x.to+slack {
			n++
		}
	}
	return float64(n) / float64(len(spans))
}

// isBy reports whether a producer id is that of the one client which may have written it, as far as a log saw both.
func (s *settling) isBy(p *lineage.Told, x *claimant) bool {
	return x.logged != nil && !s.writers.isAnother(p, x) && s.wroteWith(p, x.logged)
}

// isAnother reports whether a producer id was seen under principals, and none of them is the claimant's.
func (w *writers) isAnother(p *lineage.Told, x *claimant) bool {
	root, _ := w.root(p.Access.Client)
	principal := x.told.Access.Client.Principal
	if principal == "" && x.logged != nil {
		principal = x.logged.Access.Client.Principal
	}
	users := w.users[root]
	return principal != "" && len(users) > 0 && !slices.Contains(users, principal)
}

// nameless returns the producer ids that are counted and that nobody named, in a fixed order.
func (w *writers) nameless() (out []*lineage.Told) {
	for _, t := range w.counts {
		if root, ok := w.root(t.Access.Client); ok && !w.named[root] && len(t.Readings) > 0 {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *lineage.Told) int { return compareClients(a.Access.Client, b.Access.Client) })
	return out
}

// uncounted returns the clients that were seen to write and that nothing counts, each once, in a fixed order. Whoever
// is known by principal and host alone is somebody else only where nobody else is seen to come from there.
func (w *writers) uncounted() (out []claimant) {
	at := map[identity]int{}
	var bare []*lineage.Told
	for _, t := range w.claims {
		c := t.Access.Client
		if c.Mover.Kind != lineage.NoKind || len(t.Readings) == 0 {
			continue
		}
		root, ok := w.root(c)
		if !ok {
			bare = append(bare, t)
			continue
		}
		if w.isCounted(root) {
			continue
		}
		i, there := at[root]
		if !there {
			i = len(out)
			at[root] = i
			out = append(out, claimant{told: t})
		}
		out[i].take(t)
	}
	for _, t := range bare {
		known := w.comesFrom(t.Access.Client)
		for i := range out {
			if c := out[i].told.Access.Client; c.Principal == t.Access.Client.Principal && (c.Host == "" || c.Host == t.Access.Client.Host) {
				out[i].see(t)
			}
		}
		if !known {
			x := claimant{told: t}
			x.take(t)
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b claimant) int { return compareClients(a.told.Access.Client, b.told.Access.Client) })
	return out
}

// take takes in what a source told of the claimant under its own ids.
func (x *claimant) take(t *lineage.Told) {
	if cmp.Or(cmp.Compare(rank(t.Evidence), rank(x.told.Evidence)), compareClients(t.Access.Client, x.told.Access.Client)) < 0 {
		x.told = t
	}
	x.counts = rank(x.told.Evidence) < len(Order)
	x.see(t)
}

// see takes in that the brokers' logs saw the claimant, where these say who else there is. An audit log leaves out whom
// its configuration excludes; an authorizer log, of which no line says which broker wrote it, may be of some brokers
// alone, and its counts are estimates then.
func (x *claimant) see(t *lineage.Told) {
	switch t.Evidence {
	case lineage.RequestLog, lineage.AuthorizerLog:
		if t.Evidence == lineage.AuthorizerLog && slices.ContainsFunc(t.Readings, func(r lineage.Reading) bool { return r.Estimated }) {
			return
		}
		if x.logged == nil || cmp.Or(cmp.Compare(t.Evidence.LinkRank(), x.logged.Evidence.LinkRank()), compareClients(t.Access.Client, x.logged.Access.Client)) < 0 {
			x.logged = t
		}
	default:
	}
}

// comesFrom reports whether a client that bears its own ids may come from where this one does, which bears none.
func (w *writers) comesFrom(c lineage.Client) bool {
	return c.Principal == "" || w.from[place{c.Principal, c.Host}] || w.from[place{principal: c.Principal}]
}

// place is where a client comes from.
type place struct{ principal, host string }
