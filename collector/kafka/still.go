package kafka

import "github.com/lineaged/lineaged/lineage"

// This file passes over the readers of whom nothing can have changed, which are most readers of most estates.

// stillness is how a reader stood when its book was last gone through.
type stillness struct {
	stands        bool // nothing was told of it, and nothing will be before something changes
	live, wasLive bool // of its group
	membersTold   bool
	placed        int // partitions in which it has a commit
	stirs         uint64
	assigned      uint64
}

// groupSums are what is said of all readers of a group together. They are made when they are asked for, and again once
// one of its readers' books was gone through.
type groupSums struct {
	parts  int  // partitions that it is known to have committed to
	synced bool // a reader's offsets may be synced from another cluster
}

func (g *group) summed() groupSums {
	if g.sums == nil {
		g.sums = &groupSums{}
		for _, r := range g.readers {
			g.sums.parts += len(r.parts)
			g.sums.synced = g.sums.synced || r.synced
		}
	}
	return *g.sums
}

// settle notes how the reader stands once its book has been gone through. silent says that nothing was told. What is
// told of a reader with nothing left to read does not depend on the clock, but for where it stands, which is told now
// and then, and for one that was never seen as a member, while it is taken to be there.
func (r *reader) settle(t *take, g *group, tp *topic, silent bool) {
	r.still = stillness{live: g.live(), wasLive: g.wasLive, membersTold: t.membersTold(g), stirs: tp.stirs, assigned: g.assigned}
	behind := false
	for i := range r.parts {
		if r.parts[i].committed >= 0 {
			r.still.placed++
		}
		behind = behind || r.parts[i].lag > 0
	}
	// who left, and has read all where it has a commit
	apart := r.gauges.lag == lineage.Unknown && r.gauges.unplaced && !r.gauges.live && !behind
	r.still.stands = silent && (r.gauges.lag == 0 || apart) && !r.trails && !r.lingers && !r.alone(t.round) && !r.losing && r.bound == ""
}

// stands reports whether going through the reader's book would change nothing: it has committed what it had, the topic
// was read whole and is as it was, and so is the group. Then it notes that the reader was looked at.
func (t *take) stands(g *group, on *committedOn) bool {
	r, tp := on.reader, on.topic
	if r == nil || !r.still.stands || r.still.stirs != tp.stirs || !tp.ends.Equal(t.round) || on.failed || tp.absent > 0 {
		return false
	}
	s := &r.still
	if !r.known.Equal(t.before) || s.live != g.live() || s.wasLive != g.wasLive || s.assigned != g.assigned || s.membersTold != t.membersTold(g) || t.round.Sub(r.sighted) >= sightEvery {
		return false
	}
	placed := 0
	for _, c := range on.commits {
		if int(c.partition) >= len(r.parts) {
			return false
		}
		switch was := r.parts[c.partition].committed; {
		case c.offset >= 0 && c.offset == was:
			placed++
		case c.offset >= 0 || was >= 0:
			return false
		}
	}
	if t.at(tp); placed != s.placed || tp.stirs != s.stirs { // who writes it is seen now
		return false
	}
	if t.passing != nil {
		t.passing(t, g, on)
	}
	if r.known = t.round; r.gauges.lag == 0 {
		r.idle = t.round
	}
	return true
}
