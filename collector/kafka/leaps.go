package kafka

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells a reader that catches up from one that was stopped, had its offsets set to the end and was started
// again between two looks: both pass what has waited and stand among what has just come. Kafka sets no offsets of a
// group that somebody is in, so that who is in it at both looks and in between has read it, or sought forward itself.

// leap is a step that waits to be judged until it is known who is in the group.
type leap struct {
	group   *group
	topic   *topic
	reader  *reader
	commits []commit
	state   groupState
}

// mostLeaps bounds the groups of one coordinator that are asked for in a round because of leaps. Of the others it is
// not known who is in them.
const mostLeaps = 10 * describeChunk

// leaps reports whether a step passes what has waited for a tick, and ends among what has come since.
func (s step) leaps(calm time.Duration, rest time.Duration) bool {
	return s.from >= 0 && s.to > s.base && (!s.ageKnown || s.age >= calm) && (s.to >= s.end || rest < calm)
}

// leaps reports whether any of the commits may be a leap, of a reader that had a member at both looks.
func (r *reader) leaps(commits []commit, ends topicEnds, g groupState, tick time.Duration) bool {
	if r == nil || !g.live || !g.wasLive || r.kind == lineage.ShareOffsets {
		return false
	}
	calm := stepContext{tick: tick}.calm(1)
	for _, c := range commits {
		if int(c.partition) >= len(r.parts) {
			continue
		}
		p := &r.parts[c.partition]
		end, ok := ends.end(c.partition)
		if !ok {
			return false
		}
		if p.committed < 0 || c.offset <= p.base() {
			continue
		}
		age, atLeast := ends.age(c.partition, p.base())
		rest, _ := ends.age(c.partition, c.offset)
		if (step{from: p.committed, to: c.offset, base: p.base(), end: end, age: age, ageKnown: !atLeast}).leaps(calm, rest) {
			return true
		}
	}
	return false
}

// judgeLeaps books the readers that leapt, once it is known whether the members of their groups are those of the last
// look.
func (t *take) judgeLeaps(o *lineage.Observation) {
	waiting := t.leapt
	t.leapt = nil
	same := t.sameMembers(waiting)
	for _, w := range waiting {
		w.state.others = !same[w.group]
		r := w.reader
		r.still = stillness{}
		switch {
		case !r.observe(w.commits, t.at(w.topic), w.state, t.round, t.before):
		case r.asks:
			t.unjudged = append(t.unjudged, judging{w.group, r, w.topic, w.commits, t.before})
		default:
			t.tellReader(o, w.group, r, t.before)
		}
	}
}

// sameMembers asks who is in the groups, and returns those in which the same members are as were before the last look.
// A member that left and came back has another id.
func (t *take) sameMembers(waiting []leap) map[*group]bool {
	due, same := map[int32][]*group{}, map[*group]bool{}
	for _, w := range waiting {
		g := w.group
		known := g.who != 0 && g.renewed.Before(t.before) && g.coordinator >= 0 && !t.lacks[describedBy(g.typ)]
		if known && len(due[g.coordinator]) < mostLeaps && !slices.Contains(due[g.coordinator], g) {
			due[g.coordinator] = append(due[g.coordinator], g)
		}
	}
	if len(due) == 0 {
		return same
	}
	for _, a := range t.askInTurn(describeRequests(due), t.cfg.Interval/describeShare) {
		if a.err != nil {
			continue
		}
		for _, d := range describedGroups(a.resp, t.topicName) {
			if g := t.groups[d.group]; g != nil && codeError(d.code) == nil {
				d.sort()
				same[g] = len(d.members) > 0 && whoseIDs(d.members) == g.who
			}
		}
	}
	return same
}

// whoseIDs returns a number that stands for members, by their ids in order. It is kept over a restart.
func whoseIDs(members []lineage.Member) uint64 {
	h := fnv.New64a()
	for _, m := range members {
		_, _ = h.Write([]byte(m.ID))
		_, _ = h.Write([]byte{0})
	}
	return max(h.Sum64(), 1)
}
