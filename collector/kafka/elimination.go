package kafka

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// elimination is the part of an account that gives steps of the remainder to the mover that alone can have written them. It decides once, of what was known as of the
// step's round: so a step waits until whoever knows the movers has told of that round.
type elimination struct {
	workers    []string                // groups of Connect's workers in the cluster
	waits      bool                    // somebody tells the cluster's movers, so that steps wait
	held       []heldStep              // by round
	eliminated map[lineage.Node]*total // never nil
	pended     map[lineage.Client]bool // of whom it was told that records wait
}

// heldStep is what the remainder grew in a round. A zero round stands for the one under way.
type heldStep struct {
	round time.Time
	since time.Time // start of the span in which it was written
	n     int64
	why   string // why n is a bound; empty: it is none
	open  bool   // writers that are counted elsewhere may be among those who wrote it, so that it is nobody's by elimination
}

const (
	// eliminationDoubt is what an elimination cannot exclude.
	eliminationDoubt = "at most: counted by elimination: the only known writer without a count; a writer without idempotence and without a name could hide in it"
	// eliminationPatience is how long a step waits for somebody who is late, or three rounds where that is longer.
	eliminationPatience = 30 * time.Second
	// maxMovers bounds the movers of one topic that are counted apart; the steps of further ones stay the remainder's.
	maxMovers = 50
)

// hold adds records that nobody accounts for.
func (a *account) hold(n int64, why string, open bool) {
	if !a.waits {
		a.rest(n, why)
		return
	}
	for i := len(a.held) - 1; i >= 0 && a.held[i].round.IsZero(); i-- {
		if h := &a.held[i]; h.open == open {
			h.n += n
			h.why = both(h.why, why)
			return
		}
	}
	a.held = append(a.held, heldStep{n: n, why: why, open: open})
}

// rest adds to the remainder.
func (a *account) rest(n int64, why string) {
	a.remainder.add(n, why != "")
	a.restWhy = both(a.restWhy, why)
}

// assigned says what became of the steps that were decided in a round.
type assigned struct {
	since time.Time // start of the span in which the oldest of those was written that had to wait; zero: none had
	doubt string    // why a step stayed the remainder's although movers are known; empty: none did
}

// assign decides the steps of which all is known that decides, or that have waited long enough. began is the start of the span in which the newest was written.
func (a *account) assign(writers collector.Writers, round, began time.Time, patience time.Duration) (out assigned) {
	for i := len(a.held) - 1; i >= 0 && a.held[i].round.IsZero(); i-- {
		a.held[i].round, a.held[i].since = round, began
	}
	done := 0
	for _, step := range a.held {
		told := writers.Knows(a.topic.Name, step.round, step.since)
		if writers.Told && !told && round.Sub(step.round) < patience {
			break
		}
		movers, sure := writers.During(a.topic.Name, step.round)
		movers = slices.DeleteFunc(movers, a.countsAlready)
		done++
		if late := step.round.Before(round); late {
			step.why = both(step.why, whyWaited)
			if out.since.IsZero() {
				out.since = step.since
			}
		}
		if told && sure && !step.open && len(movers) == 1 && (a.eliminated[movers[0]] != nil || len(a.eliminated) < maxMovers) {
			t := a.eliminated[movers[0]]
			if t == nil {
				t = &total{told: -1}
				a.eliminated[movers[0]] = t
			}
			t.add(step.n, true)
			continue
		}
		a.rest(step.n, step.why)
		out.doubt = doubt(movers, writers.Blind, told && sure, step.open)
	}
	a.held = slices.Delete(a.held, 0, done)
	return out
}

// pending tells of whom records may be that nobody was given: those that wait for their decision, and, with hid, those that may be in a transactional producer's count. What is counted to them so far is not all. It tells so once, and
// once that it is over.
func (b *bookRound) pending(writers collector.Writers, hid bool) {
	a, n := b.account, int64(0)
	for _, h := range a.held {
		n += h.n
	}
	wanted := map[lineage.Client]bool{}
	if hid {
		wanted[lineage.Client{Kind: lineage.Remainder}] = true
	}
	if n > 0 {
		detail := fmt.Sprintf("at least: %d more records of the newest rounds are not given to anybody yet, since who tells of connectors and replicators is late", n)
		movers, _ := writers.Of(a.topic.Name)
		if c := (lineage.Client{Kind: lineage.Remainder}); a.remainder.n > 0 || len(movers) == 0 {
			wanted[c] = true
			b.note(c, lineage.EndOffsets, detail)
		}
		for mover := range a.eliminated {
			wanted[lineage.Client{Mover: mover}] = true
			b.note(lineage.Client{Mover: mover}, lineage.Elimination, detail)
		}
	}
	level := func(c lineage.Client, value int64) {
		b.samples = append(b.samples, lineage.Sample{Subject: b.write(c), Metric: lineage.Pending, Value: value})
	}
	for c := range wanted {
		if !a.pended[c] {
			level(c, 1)
		}
	}
	for c := range a.pended {
		if !wanted[c] {
			level(c, 0)
		}
	}
	if a.pended = wanted; len(wanted) == 0 {
		a.pended = nil
	}
}

// countsAlready reports whether a mover's records are counted by their transactional.ids, which are GROUP-CONNECTOR-TASK where the workers have exactly-once switched on (KIP-618): what is left is somebody else's then. A dedicated
// MirrorMaker 2 has a group.id of its own. One that runs on Connect is not known by its connector's name here.
func (a *account) countsAlready(mover lineage.Node) bool {
	for id := range a.txns {
		at := strings.LastIndexByte(id, '-')
		if at < 0 || id[at+1:] == "" || strings.Trim(id[at+1:], "0123456789") != "" {
			continue
		}
		switch mover.Kind {
		case lineage.ConnectorNode:
			if slices.ContainsFunc(a.workers, func(group string) bool { return id[:at] == group+"-"+mover.Name }) {
				return true
			}
		case lineage.ReplicatorNode:
			if source, _, _ := strings.Cut(mover.Name, "->"); id[:at] == source+"-mm2-MirrorSourceConnector" {
				return true
			}
		default:
		}
	}
	return false
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

// doubt says why records are nobody's although movers are known to write the topic.
func doubt(movers []lineage.Node, blind []string, seen, open bool) string {
	names := make([]string, 0, len(movers)+len(blind))
	for _, m := range movers {
		names = append(names, strings.ToLower(m.Kind.String())+" "+m.Scope+"/"+m.Name)
	}
	for _, b := range blind {
		names = append(names, "whatever runs on "+b)
	}
	switch {
	case len(names) == 0:
		return ""
	case !seen:
		return "what these write was not observed: " + collector.Some(names)
	case open:
		return "candidates, besides writers whose records the producer state could not tell apart: " + collector.Some(names)
	default:
		return "candidates: " + collector.Some(names)
	}
}

// waited returns the Since of samples that hold steps which had to wait: since, or where that is earlier the start of the span in which the oldest was written.
func waited(since, oldest time.Time) time.Time {
	if oldest.IsZero() || !since.IsZero() && since.Before(oldest) {
		return since
	}
	return oldest
}

// spanStart returns where the span of a sample begins: its Since, or the round before.
func spanStart(since, before time.Time) time.Time {
	if since.IsZero() {
		return before
	}
	return since
}

// awaitWriters gives those who tell of movers a moment to tell of this round: they look at the same time as we do. Who has not told of the round before is not waited for here, so that one that hangs delays no round.
func (t *take) awaitWriters() collector.Writers {
	until := time.Now().Add(min(t.cfg.Interval/4, time.Second))
	for {
		w := t.cfg.Board.Writers(t.cluster)
		if !w.Told || !w.AsOf.Before(t.round) || w.AsOf.Before(t.before) || time.Now().After(until) {
			return w
		}
		select {
		case <-t.ctx.Done():
			return w
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// patience is how long steps wait for those who tell of movers. Who has been late for that long is waited for no more, until it tells again.
func (t *take) patience(w collector.Writers) time.Duration {
	most := max(eliminationPatience, 3*t.cfg.Interval)
	if !w.Told || !w.AsOf.Before(t.before) {
		t.tellersLate = time.Time{}
		return most
	}
	if t.tellersLate.IsZero() {
		t.tellersLate = t.round
	}
	if t.round.Sub(t.tellersLate) >= most {
		return 0
	}
	return most
}

func (e *encoder) elimination(x *elimination) {
	e.uint(uint64(len(x.eliminated)))
	for _, mover := range slices.SortedFunc(maps.Keys(x.eliminated), lineage.Node.Compare) {
		e.uint(uint64(mover.Kind))
		e.string(mover.Scope)
		e.string(mover.Name)
		e.total(*x.eliminated[mover])
	}
	e.uint(uint64(len(x.held)))
	for _, s := range x.held {
		e.time(s.round)
		e.time(s.since)
		e.int(s.n)
		e.string(s.why)
		e.bool(s.open)
	}
	e.uint(uint64(len(x.pended)))
	for _, c := range slices.SortedFunc(maps.Keys(x.pended), func(a, b lineage.Client) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Mover.Compare(b.Mover))
	}) {
		e.uint(uint64(c.Kind))
		e.uint(uint64(c.Mover.Kind))
		e.string(c.Mover.Scope)
		e.string(c.Mover.Name)
	}
}

func (d *decoder) elimination() elimination {
	x := elimination{eliminated: map[lineage.Node]*total{}}
	for range d.count() {
		mover := lineage.Node{Kind: lineage.NodeKind(d.uint()), Scope: d.string(), Name: d.string()}
		t := d.total()
		x.eliminated[mover] = &t
	}
	for range d.count() {
		x.held = append(x.held, heldStep{round: d.time(), since: d.time(), n: d.int(), why: d.string(), open: d.bool()})
	}
	for range d.count() {
		if x.pended == nil {
			x.pended = map[lineage.Client]bool{}
		}
		c := lineage.Client{Kind: lineage.ClientKind(d.uint()), Mover: lineage.Node{Kind: lineage.NodeKind(d.uint()), Scope: d.string(), Name: d.string()}}
		x.pended[c] = true
	}
	return x
}
