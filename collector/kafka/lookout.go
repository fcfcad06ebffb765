package kafka

import (
	"maps"
	"math"
)

// lookout watches one partition of __consumer_offsets to find out of which group each transactional producer moves the
// offsets there. It is pure bookkeeping and not safe for concurrent use.
//
// A producer that shows in the partition's state has moved the offsets of a group that is kept there, and all groups
// that are kept there are known. So the group is the one whose offsets move whenever a transaction of the producer ends
// and stay while none does, and no other is like it. Where that leaves two, nothing is said.
//
// A look reads the producers first and the groups' offsets after them. What the one moved in the other can so show one
// look earlier or later, and what is weighed is the look before the newest. Looks of different paces are chains of
// their own: how likely two move together by chance depends on how long a look is.
type lookout struct {
	chains [paces]chain
	with   map[int64]map[string][paces]pair // by producer id and group
	plain  map[string]int                   // moves of a group without any transaction
	weighs int
}

// pace is how fast looks follow each other.
type pace uint8

const (
	byTick pace = iota // with the rounds
	closer             // closePauses
	closest

	paces
)

const (
	// how many ends of transactions must have moved the group, and how many looks have found both at rest
	linkLooks  = 3
	linkScore  = 3.5          // thirty to one, see score; that it is one of those that are kept there is certain
	otherScore = -8           // three thousand to one against
	failures   = 0.05         // of transactions that got as far as the offsets and were aborted, at most
	mostChance = 1 - failures // a producer that was never seen at rest says nothing
	linkFades  = 256          // when the counts of a pair are halved
	// the same for groups, in looks, so that one that was once set by hand is not out for ever
	plainFades = 256
	// mostOffsetWriters bounds the memory for one partition.
	mostOffsetWriters = 10_000
)

// chain are looks in a row.
type chain struct {
	looks   int // since it began; 0: the next one is the first
	writers map[int64]offsetWriter
	groups  map[string]offsetGroup
}

// writerState is what a partition's state says of a transactional producer.
type writerState struct {
	epoch  int32
	lastMs int64
	open   int64 // where its open transaction begins; -1: none
}

// movement is what happened between two looks.
type movement uint8

const (
	still movement = iota
	began          // a transaction was begun, and perhaps one was ended
	ended
)

// offsetWriter is a transactional producer on the partition, and what it did in the last looks, the newest last.
type offsetWriter struct {
	state writerState
	moved [3]movement
}

// offsetGroup is a group that is kept in the partition, and whether its offsets moved in the last looks. commits is a
// hash of them.
type offsetGroup struct {
	commits uint64
	moved   [3]bool
}

func (w offsetWriter) rested() bool { return w.moved == [3]movement{} }

// pair is what was seen of a producer and a group: of the looks in which a transaction ended, and of those in which the
// producer rested, in how many the group moved, and in how many it stayed.
type pair struct{ together, missed, without, calm int }

// broken says that something was missing: what moved since the last looks can't be told.
func (l *lookout) broken() {
	for i := range l.chains {
		l.chains[i].looks = 0
	}
}

// look books one look. Both maps are the caller's.
func (l *lookout) look(at pace, writers map[int64]writerState, groups map[string]uint64) {
	c := &l.chains[at]
	if l.with == nil {
		l.with, l.plain = map[int64]map[string][paces]pair{}, map[string]int{}
	}
	if len(writers) > mostOffsetWriters {
		*c = chain{}
		return
	}
	if at == byTick {
		maps.DeleteFunc(l.with, func(id int64, _ map[string][paces]pair) bool { _, there := writers[id]; return !there })
		maps.DeleteFunc(l.plain, func(g string, _ int) bool { _, there := groups[g]; return !there })
	}
	c.look(writers, groups)
	if c.looks > 3 {
		l.weigh(at, c)
	}
}

// look takes in what moved since the chain's last look.
func (c *chain) look(writers map[int64]writerState, groups map[string]uint64) {
	nowWriters, nowGroups := make(map[int64]offsetWriter, len(writers)), make(map[string]offsetGroup, len(groups))
	for id, state := range writers {
		w, known := c.writers[id]
		if !known {
			w.state.open = -1
		}
		nowWriters[id] = offsetWriter{state, [3]movement{w.moved[1], w.moved[2], moveOf(w.state, state)}}
	}
	for name, commits := range groups {
		g := c.groups[name]
		nowGroups[name] = offsetGroup{commits, [3]bool{g.moved[1], g.moved[2], g.commits != commits}}
	}
	c.writers, c.groups = nowWriters, nowGroups
	if c.looks++; c.looks == 1 { // what moved before the first look says nothing
		for id, w := range c.writers {
			c.writers[id] = offsetWriter{state: w.state}
		}
		for name, g := range c.groups {
			c.groups[name] = offsetGroup{commits: g.commits}
		}
	}
}

func moveOf(was, now writerState) movement {
	switch {
	case was == now:
		return still
	case now.open < 0:
		return ended
	}
	return began
}

// weigh books what the look before the newest of a chain shows.
func (l *lookout) weigh(at pace, c *chain) {
	anybody := false
	for id, w := range c.writers {
		with := l.with[id]
		anybody = anybody || !w.rested()
		if !w.rested() && w.moved[1] != ended || w.rested() && with == nil {
			continue
		}
		if with == nil {
			with = map[string][paces]pair{}
			l.with[id] = with
		}
		for name, g := range c.groups {
			p := with[name]
			p[at] = p[at].and(w.rested(), g.moved != [3]bool{})
			with[name] = p
		}
	}
	l.weighs++
	for name, g := range c.groups {
		if g.moved[1] && !anybody {
			l.plain[name]++
		}
		if l.weighs%plainFades == 0 {
			l.plain[name] /= 2
		}
	}
}

// and adds one look to the pair.
func (p pair) and(rested, moved bool) pair {
	switch {
	case rested && moved:
		p.without++
	case rested:
		p.calm++
	case moved:
		p.together++
	default:
		p.missed++
	}
	if p.together+p.missed > linkFades || p.without+p.calm > linkFades {
		p = pair{p.together / 2, p.missed / 2, p.without / 2, p.calm / 2}
	}
	return p
}

// score is how much better what was seen agrees with the producer moving the group's offsets than with the two moving
// by chance, as a natural logarithm.
func (p pair) score() float64 {
	moved, looks := p.without, p.without+p.calm
	if looks < linkLooks { // a producer that is hardly ever at rest: how often the group moves at all
		moved, looks = moved+p.together, looks+p.together+p.missed
	}
	chance := min(float64(moved+1)/float64(looks+1), mostChance)
	return float64(p.together)*math.Log((1-failures)/chance) + float64(p.missed)*math.Log(failures/(1-chance))
}

// group returns the one group whose offsets a producer moves; empty while that is not known. An aborted transaction
// moves nothing, so the group may have stayed at times. Another is out when it stayed often enough, or moved twice
// while nobody ended a transaction.
func (l *lookout) group(id int64) string {
	found, best := "", 0.0
	for name := range l.chains[byTick].groups {
		all, sum, score := l.with[id][name], pair{}, 0.0
		for _, p := range all {
			sum.together, sum.calm, score = sum.together+p.together, sum.calm+p.calm, score+p.score()
		}
		if l.plain[name] > 1 || score <= otherScore {
			continue
		}
		if found != "" || sum.together < linkLooks || sum.calm < linkLooks {
			return ""
		}
		found, best = name, score
	}
	if best < linkScore {
		return ""
	}
	return found
}

// restless reports whether a producer has moved in the newest rounds.
func (l *lookout) restless(id int64) bool {
	w, known := l.chains[byTick].writers[id]
	return known && !w.rested()
}
