package kafka

import (
	"maps"
	"math"
)

// lookout watches one partition of __consumer_offsets to find out of which group each transactional producer moves the offsets there. It is pure bookkeeping and not safe for concurrent use.
//
// A producer that shows in the partition's state has moved the offsets of a group that is kept there, and all groups that are kept there are known. So the group is the one whose offsets move whenever a transaction
// of the producer ends and stay while none does, and no other is like it. Where that leaves two, nothing is said.
//
// A look reads the producers first and the groups' offsets after them. What the one moved in the other can so show one look earlier or later, and what is weighed is the look before the newest.
type lookout struct {
	looks   int // since the chain began; 0: the next one is the first
	writers map[int64]*offsetWriter
	groups  map[string]*offsetGroup
}

const (
	linkLooks  = 3    // how many ends of transactions must have moved the group, and how many looks have found both at rest
	linkScore  = 7    // a thousand to one, see score
	otherScore = -6   // 400 to one against
	failures   = 0.05 // of transactions that got as far as the offsets and were aborted, at most
	linkFades  = 256  // when the counts of a producer are halved, so that a group that was once set by hand is not excluded for ever
	plainFades = 256  // the same for groups, in looks
	// mostOffsetWriters bounds the memory for one partition.
	mostOffsetWriters = 10_000
)

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

// offsetWriter is a transactional producer on the partition.
type offsetWriter struct {
	state writerState
	moved [3]movement     // in the last looks, the newest last
	with  map[string]pair // by group
}

// pair is what was seen of a producer and a group: of the looks in which a transaction ended, and of those in which the producer rested, in how many the group moved, and in how many it stayed.
type pair struct{ together, missed, without, calm int }

// offsetGroup is a group that is kept in the partition.
type offsetGroup struct {
	commits uint64 // a hash
	moved   [3]bool
	plain   int // moves without any transaction
}

// broken says that something was missing: what moved since the last look can't be told.
func (l *lookout) broken() { l.looks = 0 }

// look books one look. Both maps are the caller's.
func (l *lookout) look(writers map[int64]writerState, groups map[string]uint64) {
	if l.looks == 0 || l.writers == nil || len(writers) > mostOffsetWriters {
		l.begin(writers, groups)
		return
	}
	maps.DeleteFunc(l.writers, func(id int64, _ *offsetWriter) bool { _, there := writers[id]; return !there })
	for id, now := range writers {
		w := l.writers[id]
		if w == nil {
			w = &offsetWriter{state: writerState{open: -1}}
			l.writers[id] = w
		}
		w.moved = [3]movement{w.moved[1], w.moved[2], moveOf(w.state, now)}
		w.state = now
	}
	maps.DeleteFunc(l.groups, func(name string, _ *offsetGroup) bool { _, there := groups[name]; return !there })
	for name, commits := range groups {
		g := l.groups[name]
		if g == nil {
			g = &offsetGroup{}
			l.groups[name] = g
		}
		g.moved = [3]bool{g.moved[1], g.moved[2], g.commits != commits}
		g.commits = commits
	}
	if l.looks++; l.looks > 3 {
		l.weigh()
	}
}

// begin takes a first look, and keeps what earlier ones have shown.
func (l *lookout) begin(writers map[int64]writerState, groups map[string]uint64) {
	old, oldGroups := l.writers, l.groups
	l.looks, l.writers, l.groups = 1, map[int64]*offsetWriter{}, map[string]*offsetGroup{}
	if len(writers) > mostOffsetWriters {
		l.looks, l.writers, l.groups = 0, nil, nil
		return
	}
	for id, now := range writers {
		w := &offsetWriter{state: now}
		if o := old[id]; o != nil {
			w.with = o.with
		}
		l.writers[id] = w
	}
	for name, commits := range groups {
		g := &offsetGroup{commits: commits}
		if o := oldGroups[name]; o != nil {
			g.plain = o.plain
		}
		l.groups[name] = g
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

// weigh books what the look before the newest shows.
func (l *lookout) weigh() {
	anybody := false
	for _, w := range l.writers {
		rested := w.moved == [3]movement{}
		anybody = anybody || !rested
		if !rested && w.moved[1] != ended || rested && len(w.with) == 0 {
			continue
		}
		if w.with == nil {
			w.with = map[string]pair{}
		}
		for name, g := range l.groups {
			w.with[name] = w.with[name].and(rested, g.moved != [3]bool{})
		}
	}
	for _, g := range l.groups {
		if g.moved[1] && !anybody {
			g.plain++
		}
		if l.looks%plainFades == 0 {
			g.plain /= 2
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

// score is how much better what was seen agrees with the producer moving the group's offsets than with the two moving by chance, as a natural logarithm.
func (p pair) score() float64 {
	chance := float64(p.without+1) / float64(p.without+p.calm+2)
	return float64(p.together)*math.Log((1-failures)/chance) + float64(p.missed)*math.Log(failures/(1-chance))
}

// group returns the one group whose offsets a producer moves; empty while that is not known. An aborted transaction moves nothing, so the group may have stayed at times. Another is out when it stayed often enough, or
// moved twice while nobody ended a transaction.
func (l *lookout) group(id int64) string {
	w := l.writers[id]
	if w == nil {
		return ""
	}
	found := ""
	for name, g := range l.groups {
		if g.plain > 1 || w.with[name].score() <= otherScore {
			continue
		}
		if found != "" {
			return ""
		}
		found = name
	}
	if p := w.with[found]; p.together < linkLooks || p.calm < linkLooks || p.score() < linkScore {
		return ""
	}
	return found
}

// restless reports whether a producer has moved in the newest looks.
func (l *lookout) restless(id int64) bool {
	w := l.writers[id]
	return w != nil && w.moved != [3]movement{}
}
