package kafka

import (
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
	decided    time.Time               // newest round in which a step was decided; zero: none since the start
}

// heldStep is what the remainder grew in a round. A zero round stands for the one under way.
type heldStep struct {
	round     time.Time
	n         int64
	estimated bool
	open      bool // writers that are counted elsewhere may be among those who wrote it, so that it is nobody's by elimination
}

const (
	// eliminationDoubt is what an elimination cannot exclude.
	eliminationDoubt = "counted by elimination: the only known writer without a count; a writer without idempotence and without a name could hide in it"
	// eliminationPatience is how long a step waits for somebody who is late, or three rounds where that is longer.
	eliminationPatience = 30 * time.Second
	// maxMovers bounds the movers of one topic that are counted apart; the steps of further ones stay the remainder's.
	maxMovers = 50
)

// leave adds records that nobody accounts for.
func (a *account) leave(n int64, estimated, open bool) {
	if !a.waits {
		a.remainder.add(n, estimated)
		return
	}
	for i := len(a.held) - 1; i >= 0 && a.held[i].round.IsZero(); i-- {
		if h := &a.held[i]; h.open == open {
			h.n += n
			h.estimated = h.estimated || estimated
			return
		}
	}
	a.held = append(a.held, heldStep{n: n, estimated: estimated, open: open})
}

// assigned says what became of the steps that were decided in a round.
type assigned struct {
	since time.Time // round of the oldest step; zero: none was decided
	doubt string    // why a step stayed the remainder's although movers are known; empty: none did
}

// assign decides the steps that have waited long enough.
func (a *account) assign(writers collector.Writers, round time.Time, patience time.Duration) (out assigned) {
	for i := len(a.held) - 1; i >= 0 && a.held[i].round.IsZero(); i-- {
		a.held[i].round = round
	}
	done := 0
	for _, step := range a.held {
		told := writers.Told && !writers.AsOf.Before(step.round)
		if writers.Told && !told && round.Sub(step.round) < patience {
			break
		}
		movers, sure := writers.During(a.topic.Name, step.round)
		movers = slices.DeleteFunc(movers, a.countsAlready)
		done++
		if out.since.IsZero() {
			out.since = step.round
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
		a.remainder.add(step.n, step.estimated)
		out.doubt = doubt(movers, told && sure, step.open)
	}
	a.held = slices.Delete(a.held, 0, done)
	if done > 0 {
		if out.since.Before(a.decided) { // the steps decided then have taken that time
			out.since = a.decided
		}
		a.decided = round
	}
	return out
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
func doubt(movers []lineage.Node, seen, open bool) string {
	names := make([]string, len(movers))
	for i, m := range movers {
		names[i] = strings.ToLower(m.Kind.String()) + " " + m.Scope + "/" + m.Name
	}
	switch {
	case len(movers) == 0:
		return ""
	case !seen:
		return "what these write was not observed: " + some(names)
	case open:
		return "candidates, besides writers whose records the producer state could not tell apart: " + some(names)
	default:
		return "candidates: " + some(names)
	}
}

// waited returns the Since of samples that hold steps which had to wait: since, or where that is earlier the round of the oldest step. before is the round before: a
// step that waited for one round comes one round later, and in no longer a time.
func waited(since, oldest, before time.Time) time.Time {
	if oldest.IsZero() || !oldest.Before(before) || !since.IsZero() && since.Before(oldest) {
		return since
	}
	return oldest
}

func (e *encoder) elimination(x *elimination) {
	e.uint(uint64(len(x.eliminated)))
	for mover, t := range x.eliminated {
		e.uint(uint64(mover.Kind))
		e.string(mover.Scope)
		e.string(mover.Name)
		e.total(*t)
	}
	e.uint(uint64(len(x.held)))
	for _, s := range x.held {
		e.time(s.round)
		e.int(s.n)
		e.bool(s.estimated)
		e.bool(s.open)
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
		x.held = append(x.held, heldStep{round: d.time(), n: d.int(), estimated: d.bool(), open: d.bool()})
	}
	return x
}
