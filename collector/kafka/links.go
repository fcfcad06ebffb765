package kafka

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/lineage"
)

// This file finds out which group a transactional producer reads with: the one whose offsets it moves in its
// transactions. Its state on the partition of __consumer_offsets shows when a transaction ended, the committed offsets
// when the group moved (see lookout). What is found is told as the producer's writing of that topic for that group, so
// that it is kept, and names the producer's past too.
//
// In most rounds this costs no request: the partition's producers and the groups' offsets are read anyway. Only who
// does not bear a group's name in his own is watched closely now and then.

const offsetsTopic = "__consumer_offsets"

const (
	closeCadence  = 30 * time.Second // of the closer looks, as long as they find something new to look at
	closeOften    = 6                // how many of them one producer has at this cadence
	closePatience = 5 * time.Minute  // how long it waits for the next at most
	closeLooks    = 20               // in a row
	closeLongest  = 2 * time.Second  // and no more than a fifth of the tick; half a second of a short one
	closePhases   = 0.3              // of the tick, in which they begin
	closeLatest   = 3 * time.Second  // and no later: all of the round waits for them
	closeParts    = 8                // partitions at once
	closeGroups   = 50               // in one partition: more are too many to ask for again and again
	linkRetold    = 10 * time.Minute
	maxLinks      = 10_000
)

// closePauses are between two looks: the second suits who ends a transaction many times a second. Each third time is
// its turn.
var closePauses = [paces]time.Duration{closer: 100 * time.Millisecond, closest: 20 * time.Millisecond}

// links is what is known of groups and transactional producers.
type links struct {
	parts   map[int32]*lookout
	found   map[string]map[string]time.Time     // groups by transactional.id, and when they were told
	closer  map[int64]int                       // by producer id: how many closer looks it had
	next    map[int64]time.Time                 // and when it is due for one
	pace    pace                                // of the last
	times   int                                 // how often it was looked closely
	looked  time.Time                           // when it was last looked closely
	names   func(transactionalID string) string // for the groups that hash to listed
	flows   map[string]string                   // by transactional.id, see flowName
	listed  uint64
	seed    maphash.Seed
	states  map[int32]map[int64]writerState // of this round, by partition
	commits map[string]uint64               // of this round, by group
}

func newLinks() links {
	return links{
		parts: map[int32]*lookout{}, found: map[string]map[string]time.Time{}, closer: map[int64]int{}, next: map[int64]time.Time{}, seed: maphash.MakeSeed(), flows: map[string]string{},
		states: map[int32]map[int64]writerState{}, commits: map[string]uint64{},
	}
}

// application returns what a transactional.id shares with the other instances of its application: the group that it is
// linked to, or what is left of it without the instance.
func (s *source) application(id string) string {
	if groups := s.links.found[id]; len(groups) == 1 {
		for g := range groups {
			return g
		}
	}
	return s.nameOf(id)
}

// flowName is the name under which a transactional.id's flows are followed: the first that it had, so that what is
// learned of it later neither ends nor begins one.
func (s *source) flowName(id string) string {
	name, ok := s.links.flows[id]
	if !ok {
		if name = id; s.cfg.Applications != nil {
			name = s.nameOf(id)
		}
		if len(s.links.flows) >= maxTransactionNames {
			clear(s.links.flows)
		}
		s.links.flows[id] = name
	}
	return name
}

// nameOf returns what is left of a transactional.id without the instance.
func (s *source) nameOf(id string) string {
	if s.links.names == nil {
		s.links.names = s.cfg.Applications(maps.Keys(s.groups))
	}
	return s.links.names(id)
}

// beginLinks takes in what this round's producer states say of __consumer_offsets, before they are booked.
func (t *take) beginLinks(answers []brokerAnswer) {
	clear(t.links.states)
	clear(t.links.commits)
	var listed uint64
	for name := range t.groups {
		listed ^= maphash.String(t.links.seed, name)
	}
	if listed != t.links.listed {
		t.links.listed, t.links.names = listed, nil
	}
	t.readStates(answers, t.links.states)
}

// readStates takes the transactional producers on the partitions of __consumer_offsets out of answers.
func (t *take) readStates(answers []brokerAnswer, states map[int32]map[int64]writerState) {
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		for _, rt := range a.resp.(*kmsg.DescribeProducersResponse).Topics {
			if rt.Topic != offsetsTopic {
				continue
			}
			for i := range rt.Partitions {
				rp := &rt.Partitions[i]
				if codeError(rp.ErrorCode) != nil {
					continue
				}
				on := map[int64]writerState{}
				for _, r := range readings(rp) {
					if r.transactional {
						on[r.id] = writerState{epoch: r.epoch, lastMs: r.lastMs, open: max(r.txnStart, -1)}
					}
				}
				states[rp.Partition] = on
			}
		}
	}
}

// hash says what the group that w stands at has committed, on topics that are not watched too. It does not depend on
// the order of topics and partitions.
func (l *links) hash(w wire.CommitsWalk) (sum uint64) {
	var at [16 + 4 + 8]byte
	for w.Topic() {
		copy(at[:16], w.TopicID[:])
		if w.TopicName != nil {
			binary.BigEndian.PutUint64(at[:], maphash.Bytes(l.seed, w.TopicName))
		}
		for w.Partition() {
			if w.IndexCode == 0 && w.Offset >= 0 {
				binary.BigEndian.PutUint32(at[16:], uint32(w.Index))
				binary.BigEndian.PutUint64(at[20:], uint64(w.Offset))
				sum += maphash.Bytes(l.seed, at[:])
			}
		}
	}
	return sum
}

// tellLinks looks at the partitions of __consumer_offsets that moved in this round, and tells which transactional
// producers move which group's offsets.
func (t *take) tellLinks(o *lineage.Observation) {
	tp := t.byName[offsetsTopic]
	if tp == nil || len(tp.parts) == 0 {
		return
	}
	if !t.seesAllGroups() {
		for _, l := range t.links.parts {
			l.broken()
		}
		return
	}
	t.lookAll(byTick, len(tp.parts), t.links.states, t.links.commits)
	for id, groups := range t.links.found {
		for g, told := range groups {
			if t.round.Sub(told) < linkRetold || t.groups[g] == nil {
				continue
			}
			groups[g] = t.round
			o.Sightings = append(o.Sightings, lineage.Sighting{
				Access:   lineage.Access{Topic: tp.topic, Op: lineage.Write, Client: lineage.Client{Group: g, TransactionalID: id}},
				Evidence: lineage.Transaction, Detail: "the offsets of this group move when its transactions end, and rest when none does; of no other group that is true",
			})
		}
	}
}

// seesAllGroups reports whether no group and no offset of one can be hidden in this round: what moves the offsets of a
// hidden group could be taken for another's.
func (t *take) seesAllGroups() bool {
	return t.rights.all() && t.sawGroups && len(t.deniedGroups) == 0 && len(t.hidden) == 0 && t.unrest != t.round
}

// lookAll takes one look at each of the partitions.
func (t *take) lookAll(at pace, partitions int, states map[int32]map[int64]writerState, commits map[string]uint64) {
	if len(states) == 0 {
		return
	}
	kept := t.keptIn(partitions, states)
	for p, writers := range states {
		l := t.links.parts[p]
		if l == nil {
			if len(writers) == 0 {
				continue // no transaction has ever moved an offset there
			}
			l = &lookout{}
			t.links.parts[p] = l
		}
		offsets, whole := map[string]uint64{}, true
		for _, g := range kept[p] {
			commit, ok := commits[g.ref.Group]
			offsets[g.ref.Group], whole = commit, whole && ok
		}
		if !whole {
			l.broken()
			continue
		}
		l.look(at, writers, offsets)
		for id := range writers {
			if g := l.group(id); g != "" && t.txnIDs[id] != "" {
				t.linked(t.txnIDs[id], g)
			}
		}
	}
}

// keptIn returns the groups with offsets that are kept in each of some partitions.
func (t *take) keptIn(partitions int, among map[int32]map[int64]writerState) map[int32][]*group {
	kept := map[int32][]*group{}
	for name, g := range t.groups {
		if p := partitionOf(name, partitions); among[p] != nil && !g.share() {
			kept[p] = append(kept[p], g)
		}
	}
	return kept
}

// expire forgets what is known of transactional producers that are no more.
func (l *links) expire(names map[string]bool, there func(id int64) bool) {
	maps.DeleteFunc(l.found, func(name string, _ map[string]time.Time) bool { return !names[name] })
	maps.DeleteFunc(l.flows, func(name, _ string) bool { return !names[name] })
	maps.DeleteFunc(l.closer, func(id int64, _ int) bool { return !there(id) })
	maps.DeleteFunc(l.next, func(id int64, _ time.Time) bool { return !there(id) })
}

// linked notes a link.
func (t *take) linked(id, group string) {
	if t.links.found[id] == nil {
		if len(t.links.found) >= maxLinks {
			clear(t.links.found) // those that still write are found again
		}
		t.links.found[id] = map[string]time.Time{}
	}
	if _, known := t.links.found[id][group]; !known {
		t.links.found[id][group] = time.Time{}
	}
}

// watchClosely looks several times in a row at partitions of __consumer_offsets in which there are transactional
// producers of whom neither their name nor the looks of the rounds have told the group: within a tick everybody may
// have moved, within some milliseconds only who belongs together has.
func (t *take) watchClosely() {
	tp := t.byName[offsetsTopic]
	if tp == nil || tp.denied || t.cfg.Applications == nil || !t.seesAllGroups() || !t.links.looked.IsZero() && t.round.Sub(t.links.looked) < t.cadence(closeCadence) {
		return
	}
	parts := t.partsToWatch(tp)
	if len(parts) == 0 {
		return
	}
	t.links.looked = t.round
	if t.links.times++; t.links.times%3 == 0 {
		t.links.pace = closest
	} else {
		t.links.pace = closer
	}
	for p := range parts {
		t.links.parts[p].chains[t.links.pace] = chain{}
	}
	kept := t.keptIn(len(tp.parts), parts)
	maps.DeleteFunc(kept, func(p int32, groups []*group) bool {
		crowded := len(groups) > closeGroups || slices.ContainsFunc(groups, func(g *group) bool { return g.absent > 0 || g.coordinator != tp.leaders[p] })
		if crowded {
			delete(parts, p)
		}
		return crowded
	})
	longest := min(closeLongest, max(t.cfg.Interval/5, min(t.cfg.Interval, time.Second)/2))
	pause := min(closePauses[t.links.pace], longest/closeLooks)
	phase := closePhase(t.links.times, t.cfg.Interval)
	if until, ok := t.ctx.Deadline(); ok { // in a round that is late already they begin at once
		phase = min(phase, max(time.Until(until)-longest, 0))
	}
	if !t.pauseFor(phase) {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, longest)
	defer cancel()
	for range closeLooks {
		if len(parts) == 0 || !t.lookClosely(tp, parts, kept) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// closePhase is when in its round a closer look begins, counted from one. Rounds are whole ticks apart, and so are the
// transactions of many programs, by their timers: looks that always began at the same instant of a tick would fall
// between the transactions of one of these for ever. These are spread evenly, as the golden ratio does it.
func closePhase(times int, tick time.Duration) time.Duration {
	_, part := math.Modf(float64(times) * (math.Phi - 1))
	return time.Duration(part * float64(min(time.Duration(closePhases*float64(tick)), closeLatest)))
}

// pauseFor waits, and reports whether the round goes on.
func (t *take) pauseFor(d time.Duration) bool {
	select {
	case <-t.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// partsToWatch chooses some of the partitions that are worth a closer look.
func (t *take) partsToWatch(tp *topic) map[int32]map[int64]writerState {
	parts := map[int32]map[int64]writerState{}
	for p, l := range t.links.parts {
		for id := range l.chains[byTick].writers {
			name := t.txnIDs[id]
			if name == "" || len(t.links.found[name]) > 0 || !l.restless(id) || t.round.Before(t.links.next[id]) || t.groups[t.application(name)] != nil || int(p) >= len(tp.leaders) || tp.leaders[p] < 0 {
				continue
			}
			if parts[p] == nil {
				if len(parts) >= closeParts {
					continue
				}
				parts[p] = map[int64]writerState{}
			}
			if len(t.links.closer) > maxLinks {
				clear(t.links.closer)
				clear(t.links.next)
			}
			t.links.closer[id]++
			wait := min(closeCadence<<max(0, min(t.links.closer[id]-closeOften, 8)), closePatience)
			t.links.next[id] = t.round.Add(wait)
		}
	}
	return parts
}

// lookClosely takes one look at some partitions: their producers, and then the offsets of the groups that are kept
// there. A partition's leader coordinates its groups.
func (t *take) lookClosely(tp *topic, parts map[int32]map[int64]writerState, kept map[int32][]*group) bool {
	var refs []partitionRef
	for p := range parts {
		refs = append(refs, partitionRef{tp, int(p)})
	}
	states, commits := map[int32]map[int64]writerState{}, map[string]uint64{}
	t.readStates(t.ask(t.producerRequests(refs)), states)
	coordinated, reqs := map[int32][]*group{}, map[int32]kmsg.Request{}
	for _, groups := range kept {
		for _, g := range groups {
			coordinated[g.coordinator] = append(coordinated[g.coordinator], g)
		}
	}
	for broker, groups := range coordinated {
		reqs[broker] = fetchRequest(groups)
	}
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			continue
		}
		for w := a.resp.(*wire.Commits).Walk(); w.Group(); {
			if w.Code == 0 {
				commits[string(w.Name)] = t.links.hash(w)
			}
		}
	}
	for p := range parts {
		if states[p] == nil {
			t.links.parts[p].broken()
		}
	}
	t.lookAll(t.links.pace, len(tp.parts), states, commits)
	return len(states) == len(parts)
}

// partitionOf returns where a group's offsets are kept: by its id's hash as Java makes it.
func partitionOf(group string, partitions int) int32 {
	var h int32
	for _, c := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(c)
	}
	if h == -1<<31 { // the one number that has no positive counterpart
		return 0
	}
	return max(h, -h) % int32(partitions)
}
