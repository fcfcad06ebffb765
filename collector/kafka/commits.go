package kafka

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/lineage"
)

// This file books what the groups have committed, group by group, out of the answers as they came.

func fetchRequest(groups []*group) kmsg.Request {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.ref.Group
	}
	return wire.NewCommitsRequest(names)
}

// committedOn is what one group has committed on one topic.
type committedOn struct {
	topic   *topic
	reader  *reader // nil: it had no commit there before
	commits []commit
	failed  bool // some could not be read
}

// committedNow is what one group has committed, by topic, with room that is used for one group after another.
type committedNow struct {
	on []committedOn
	of uint64 // counts the groups: a topic that was numbered for this one is among on
}

// begin makes room for another group.
func (c *committedNow) begin() {
	for i := range c.on { // they may go
		c.on[i].topic, c.on[i].reader = nil, nil
	}
	c.of++
	c.on = c.on[:0]
}

// topic returns the place of a topic that the group has a reader of, nil where it has none yet.
func (c *committedNow) topic(tp *topic, r *reader) *committedOn {
	if tp.listedFor != c.of {
		tp.listedFor, tp.listedAt = c.of, len(c.on)
		if len(c.on) < cap(c.on) {
			c.on = c.on[:len(c.on)+1]
		} else {
			c.on = append(c.on, committedOn{})
		}
		at := &c.on[tp.listedAt]
		at.topic, at.reader, at.commits, at.failed = tp, r, at.commits[:0], false
	}
	return &c.on[tp.listedAt]
}

// readOf returns the topic that a group has committed on, and its reader there, as the walk names it; nil where it is
// not watched, and where the group has none.
func (t *take) readOf(g *group, w *wire.CommitsWalk) (*topic, *reader) {
	id := lineage.TopicID(w.TopicID)
	r := g.readers[id]
	tp := t.topics[id]
	if tp == nil && len(w.TopicName) > 0 {
		if tp = t.byName[string(w.TopicName)]; tp != nil {
			r = g.readers[tp.topic.ID]
		}
	}
	return tp, r
}

// committed books what the group has committed that w stands at.
func (t *take) committed(o *lineage.Observation, g *group, w *wire.CommitsWalk, why map[*topic]string) {
	t.commits.begin()
	whole, known := true, 0
	for w.Topic() {
		tp, r := t.readOf(g, w)
		if tp == nil { // what the configuration leaves out is not missed
			whole = whole && (t.isLeftOut(w.TopicID) || len(w.TopicName) > 0 && !t.wanted(string(w.TopicName)))
			continue
		}
		on := t.commits.topic(tp, r)
		for w.Partition() {
			if err := codeError(w.IndexCode); err != nil { // not gone: not read
				on.failed, why[tp] = true, err.Error()
				continue
			}
			if w.Index < 0 || int(w.Index) >= len(tp.parts) {
				continue
			}
			c := commit{w.Index, w.Offset, w.Epoch}
			// A topic that was made again under our eyes starts at zero: a first commit beyond its end was made on its
			// predecessor. A later one is only ahead of the end, which was read before.
			if !tp.born.IsZero() && r.committed(w.Index) < 0 {
				if end, ok := tp.end(w.Index); ok && c.offset > end {
					c.offset = -1
				}
			}
			on.commits = append(on.commits, c)
		}
	}
	for i := range t.commits.on {
		if t.commits.on[i].reader != nil {
			known++
		}
	}
	if known < len(g.readers) { // it had commits elsewhere
		for id, r := range g.readers {
			if tp := t.topics[id]; tp != nil {
				t.commits.topic(tp, r)
			}
		}
	}
	for i := range t.commits.on {
		switch on := &t.commits.on[i]; {
		case t.stands(g, on):
		case len(on.commits) > 0 || on.reader != nil:
			g.sums = nil
			whole = t.booked(o, g, on, why) && whole
		case on.failed:
			whole = false
		}
	}
	g.looked(whole, t.round, t.now)
}

// booked books what the group has committed on one topic, and reports whether all of that was read.
func (t *take) booked(o *lineage.Observation, g *group, on *committedOn, why map[*topic]string) bool {
	tp := on.topic
	if tp.absent > 0 { // what may not be seen looks as if nothing were committed
		on.failed, why[tp] = true, cmp.Or(why[tp], tp.unseen, "the topic is not listed")
	}
	if on.failed {
		return false
	}
	r, state := g.reader(tp, lineage.GroupOffsets), t.stateOf(g, tp)
	if r.leaps(on.commits, t.at(tp), state, t.round.Sub(t.before)) {
		t.leapt = append(t.leapt, leap{g, tp, r, slices.Clone(on.commits), state})
		return true
	}
	if !r.observe(on.commits, t.at(tp), state, t.round, t.before) {
		why[tp] = "end offsets are missing"
		return false
	}
	if r.asks {
		t.unjudged = append(t.unjudged, judging{g, r, tp, slices.Clone(on.commits), t.before})
		r.still = stillness{}
		return true
	}
	told := len(o.Samples) + len(o.Sightings) + len(o.Events)
	t.tellReader(o, g, r, t.before)
	r.settle(t, g, tp, told == len(o.Samples)+len(o.Sightings)+len(o.Events))
	return true
}
