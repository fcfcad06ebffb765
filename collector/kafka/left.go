package kafka

import (
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file keeps what nobody accounts for. Whose it is, is settled where it is asked (package attribution): here it is
// only told, with what is seen of who may have written it.

// left is what no counted writer of a topic accounts for.
type left struct {
	alone   total    // of which counted writers wrote none
	mixed   total    // of which they may have written some
	markers total    // transaction markers: offsets that are no records
	workers []string // groups of Connect's workers in the cluster
	pending bool     // more may be left than is told. Not kept over a restart
	awaits  bool     // something may be markers or what is left, which the next step tells. Not kept over a restart
	// since when some of the markers, and of what is left, may have come that were not told yet; zero: since the books
	// of before. Not kept over a restart
	lateMarkers, lateRest time.Time
	// how many of the markers may be behind the end that was read in this round, where others' records are in their
	// place, and since when they can have come: they are told with the next round. Not kept over a restart
	behind      int64
	behindSince time.Time
	linked      map[string]bool // transactional.ids of which it was told whose they are. Not kept over a restart
}

// restored takes in that it was saved before all was told: since when markers may have come that were not is not known
// any more.
func (l *left) restored() {
	if m := &l.markers; m.told >= 0 && m.n > m.told {
		m.estimated = true
	}
}

// rest is all that is left.
func (l *left) rest() int64 { return l.alone.n + l.mixed.n }

// rests adds to what is left. why says why n is a bound, empty that it is none; open that counted writers may be among
// those who wrote it.
func (a *account) rests(n int64, why string, open bool) {
	t := &a.alone
	if open {
		t = &a.mixed
	}
	t.add(n, why != "")
	a.restWhy = both(a.restWhy, why)
}

// itself is the topic.
func (a *account) itself() lineage.Access { return lineage.Access{Topic: a.topic} }

// remainder tells what nobody accounts for.
func (b *bookRound) remainder() {
	a := b.account
	b.tellMarkers()
	rest := a.rest()
	changed, hid := a.alone.n != a.alone.told || a.mixed.n != a.mixed.told, a.hides && rest > 0
	more := hid || a.awaits && rest > 0
	a.veiled = a.veiled || a.hides
	if rest > 0 {
		a.restMost = a.restMost || strings.Contains(a.restWhy, "at most")
	}
	if changed || hid {
		b.tellRest(changed)
	}
	if more != a.pending {
		a.pending = more
		s := lineage.Sample{Subject: a.itself(), Metric: lineage.Pending}
		if more {
			s.Value = 1
		}
		b.samples = append(b.samples, s)
	}
	a.hides, a.awaits, a.lateRest = false, false, time.Time{}
	b.links()
}

// tellMarkers tells how many markers there are in front of the end, and notes which are told with the next round.
func (b *bookRound) tellMarkers() {
	a, loose := b.account, b.markers.estimated
	a.markers.n -= a.behind
	b.tellOf(&a.markers, lineage.Markers, false, a.lateMarkers)
	a.markers.n += a.behind
	a.markers.estimated = loose && a.behind > 0
	a.lateMarkers, a.behind, a.behindSince = a.behindSince, 0, time.Time{}
}

// tellRest tells what is left, and why it is a bound. Where it did not grow, more may have been left all the same.
func (b *bookRound) tellRest(grew bool) {
	a, why := b.account, b.restWhy
	switch {
	case a.veiled && a.restMost:
		why = whyNeither
	case a.veiled:
		why = both(why, whyHidden)
	}
	switch why = both(why, b.short); {
	case grew:
	case a.alone.n > 0:
		a.alone.told = -1
	default:
		a.mixed.told = -1
	}
	bound := a.veiled || b.short != ""
	b.tellOf(&a.alone, lineage.Left, bound, a.lateRest)
	b.tellOf(&a.mixed, lineage.Mixed, bound, a.lateRest)
	if why != "" {
		b.sightings = append(b.sightings, lineage.Sighting{Access: a.itself(), Evidence: lineage.EndOffsets, Detail: why})
	}
	a.restWhy, a.veiled = "", false
}

// tellOf tells a total of the topic if it changed, since when it may have.
func (b *bookRound) tellOf(t *total, m lineage.Metric, bound bool, late time.Time) {
	if t.n == t.told {
		return
	}
	t.estimated = t.estimated || bound
	s, _ := t.sample(since(sooner(b.from, late), b.before))
	s.Subject, s.Metric = b.itself(), m
	b.samples = append(b.samples, s)
}

// links tells which transactional.ids are movers': where those are counted, what is left is another's.
func (b *bookRound) links() {
	a := b.account
	for id := range a.txns {
		if a.linked[id] {
			continue
		}
		for _, m := range a.moversOf(id) {
			if a.linked == nil {
				a.linked = map[string]bool{}
			}
			a.linked[id] = true
			b.samples = append(b.samples, lineage.Sample{
				Subject: b.write(lineage.Client{TransactionalID: id, Mover: m}), Metric: lineage.Linked, Evidence: lineage.Transaction, Value: 1,
			})
		}
	}
}

// moversOf returns the movers that write with a transactional.id, without their scope: it is GROUP-CONNECTOR-TASK where
// the workers have exactly-once switched on (KIP-618). A dedicated MirrorMaker 2 has a group.id of its own; its name is
// known as far as its source. One that runs on Connect is not known by its connector's name here.
func (a *account) moversOf(id string) (movers []lineage.Node) {
	at := strings.LastIndexByte(id, '-')
	if at < 0 || id[at+1:] == "" || strings.Trim(id[at+1:], "0123456789") != "" {
		return nil
	}
	for _, group := range a.workers {
		if name, ok := strings.CutPrefix(id[:at], group+"-"); ok && name != "" {
			movers = append(movers, lineage.Node{Kind: lineage.ConnectorNode, Name: name})
		}
	}
	if source, ok := strings.CutSuffix(id[:at], "-mm2-MirrorSourceConnector"); ok {
		movers = append(movers, lineage.Node{Kind: lineage.ReplicatorNode, Name: source + "->"})
	}
	return movers
}

// countsAlready reports whether a mover's records are counted by their transactional.ids: what is left is somebody
// else's then.
func (a *account) countsAlready(mover lineage.Node) bool {
	for id := range a.txns {
		for _, m := range a.moversOf(id) {
			if m.Kind == mover.Kind && (m.Name == mover.Name || m.Kind == lineage.ReplicatorNode && strings.HasPrefix(mover.Name, m.Name)) {
				return true
			}
		}
	}
	return false
}

// mover returns the one mover that may write the topic without a count, as far as is known now; zero: nobody, several,
// or it is not known.
func (a *account) mover(writers collector.Writers) lineage.Node {
	movers, sure := writers.Of(a.topic.Name)
	if movers = slices.DeleteFunc(movers, a.countsAlready); len(movers) == 1 && sure {
		return movers[0]
	}
	return lineage.Node{}
}

// awaitWriters gives those who tell of movers a moment to tell of this round: they look at the same time as we do. Who
// has not told of the round before is not waited for, so that one that hangs delays no round.
func (t *take) awaitWriters() collector.Writers {
	var w collector.Writers
	collector.WaitFor(t.ctx, time.Now().Add(min(t.cfg.Interval/4, time.Second)), func() bool {
		w = t.cfg.Board.Writers(t.cluster)
		return !w.Told || !w.AsOf.Before(t.round) || w.AsOf.Before(t.before)
	})
	return w
}

// connectGroups are the groups of Connect's workers, which bear its group.id.
func (s *source) connectGroups() (names []string) {
	for name, g := range s.groups {
		if g.protocol == "connect" {
			names = append(names, name)
		}
	}
	return names
}
