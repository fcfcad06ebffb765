package kafka

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/lineage"
)

// group is what the source knows of one group of any protocol.
type group struct {
	departed    time.Time // round in which it was found deleted
	ref         lineage.GroupRef
	typ         string // Classic, Consumer, Share, Streams; "" from brokers that don't say
	protocol    string
	state       string
	coordinator int32
	joined      time.Time // the round before it was first seen; zero: it was there before we looked
	sighted     bool      // it was first listed, or read, while others were watched, and may have been there before
	found       time.Time // the first reading that missed nothing of what it has committed; zero: none since the start
	whole       time.Time // the newest reading that missed nothing of it, by its round; not kept over a restart
	wasLive     bool
	// newest round in which it was listed without members, and the newest before this one; zero: none since the start
	// and none at the end of the run before
	nobody, nobodyBefore time.Time
	// somebody joined it, when nobody was in it, under observation; not kept over a restart
	awoke  bool
	absent int       // rounds in a row in which it was not listed
	unseen string    // why it is out of sight although it was not seen to be deleted; empty: it is not
	sought time.Time // round in which it was last asked for by its name
	// first of the rounds in a row in which all brokers answered and none listed it; zero: the last was none
	leftOut time.Time
	readers map[lineage.TopicID]*reader

	members      []lineage.Member
	assignments  []assignment
	membersKnown bool
	who          uint64            // stands for its members as they were told last, see whoseIDs; 0: not told
	renewed      time.Time         // newest round in which others were told to be its members; not kept over a restart
	assigned     uint64            // counts the times at which assignments were told
	sums         *groupSums        // nil: to be made
	topology     *lineage.Topology // of a Streams group that has one
	// newest round in which its members were asked for; zero: not since its state changed
	described time.Time
	told      time.Time // newest round in which its members were told; not kept over a restart
	// that round whatever became of its state since, or the one in which it was first seen; zero: restored
	waits    time.Time
	changed  bool      // its state changed since
	fetched  time.Time // newest round in which its offsets were asked for; not kept over a restart
	factTold bool
	dirty    bool
	listed   *kmsg.ListGroupsResponseGroup // as a broker lists it, while the lists of a round are read
	lister   int32                         // that broker
	stale    bool                          // its position says that it was not listed in the newest round
}

// assignment is a member's part of one topic.
type assignment struct {
	member     lineage.Member
	topic      string
	partitions []int32
	lag        int64 // as last told; untoldLag: never
}

// unknownState is the state of a group that is not listed any more and may not be asked for.
const unknownState = "Unknown"

// live reports whether the group has members.
func (g *group) live() bool { return inhabited(g.state) }

// inhabited reports whether a group in a state has members, by the states of all protocols.
func inhabited(state string) bool {
	switch state {
	case "Empty", "Dead", "NotReady", unknownState, "":
		return false
	}
	return true
}

func (g *group) share() bool { return g.typ == "Share" || g.typ == "share" }

// groupOffsets lists the groups and reads the committed offsets of all but share groups, each from the broker that
// listed the group, which is its coordinator.
func (t *take) groupOffsets() {
	o := t.observe(sourceGroups, t.cfg.Interval)
	missing := groupsMissing{why: reasons{}}
	t.deniedGroups = t.deniedGroups[:0]
	t.listGroups(o, &missing)
	t.sawGroups = t.groupsCounted && t.rights.asked && t.rights.describe
	known := map[int32][]*group{}
	t.readStarts()
	for _, g := range t.groups {
		if g.absent == 0 && !g.share() {
			known[g.coordinator] = append(known[g.coordinator], g)
		}
	}
	topics := t.missing(max(len(t.topics), 1))
	why := map[*topic]string{}
	for _, a := range t.askInTurn(offsetQuestions(known, offsetsChunk, fetchRequest), t.cfg.Interval) {
		if missing.answer(&a, t.round); a.err != nil {
			continue
		}
		for w := a.resp.(*wire.Commits).Walk(); w.Group(); {
			g := t.groups[string(w.Name)]
			if g == nil {
				continue
			}
			if err := codeError(w.Code); err != nil {
				if ask.Denied(w.Code) {
					t.deniedGroups = append(t.deniedGroups, g.ref.Group)
					g.sighted = g.sighted || g.found.IsZero()
				}
				missing.add(g, err.Error())
				continue
			}
			t.links.commits[g.ref.Group] = t.links.hash(w)
			t.committed(o, g, &w, why)
		}
	}
	for tp, reason := range why {
		topics.topic(tp, reason)
	}
	t.lastReads(o)
	t.judgeLeaps(o)
	t.judge(o)
	topics.tell(o)
	missing.tell(o, len(t.groups))
	t.memberLags(o)
	t.tellGroups(o)
	t.tellLinks(o)
	t.tellCommits(len(missing.why) == 0)
	t.sayBlind(o, append(t.groupSpots(), t.unreadSpots(len(missing.why) == 0)...))
}

// lastReads tells of those who were there to read topics that were made again.
func (t *take) lastReads(o *lineage.Observation) {
	for _, tp := range t.ended {
		for _, g := range t.groups {
			if r := g.readers[tp.topic.ID]; r != nil && r.toldAny && (g.live() || g.wasLive || r.habit.alone > 0) {
				s, seen := r.lastWords(t.before)
				o.Samples, o.Sightings = append(o.Samples, s), append(o.Sightings, seen)
			}
		}
	}
}

// tellReader tells what a reader's book says in this round.
func (t *take) tellReader(o *lineage.Observation, g *group, r *reader, before time.Time) {
	samples, sightings := r.tell(t.round, before)
	o.Samples, o.Sightings = append(o.Samples, samples...), append(o.Sightings, sightings...)
	o.Events = append(o.Events, r.tellEvents(t.round)...)
	g.dirty = g.dirty || r.touched
	if r.late {
		t.late[r] = true
	} else if len(t.late) > 0 {
		delete(t.late, r)
	}
}

// stateOf is what a round tells of the group to its reader of a topic.
func (t *take) stateOf(g *group, tp *topic) groupState {
	reads := true
	if t.membersTold(g) {
		for i := range g.assignments {
			if reads = g.assignments[i].topic == tp.topic.Name; reads {
				break
			}
		}
	}
	return groupState{live: g.live(), wasLive: g.wasLive, nobody: g.nobodyBefore, reads: reads, joined: g.joined, sighted: g.sighted, found: g.found, whole: g.whole, reborn: tp.isReborn(t.round), putBack: tp.isPutBack(t.round)}
}

// membersTold reports whether what the group's members have was told of late, and the group has not changed since.
func (t *take) membersTold(g *group) bool {
	return !g.changed && t.round.Sub(g.told) < 2*t.cadence(membersCadence)
}

// looked notes the first and the newest reading of a group that miss nothing of what it has committed. now tells what
// time it is, see source.now.
func (g *group) looked(whole bool, round time.Time, now func() time.Time) {
	if !whole {
		return
	}
	if g.whole = round; g.found.IsZero() {
		g.found, g.dirty = now(), true
	}
}

// reader returns the group's book on a topic.
func (g *group) reader(tp *topic, kind lineage.EvidenceKind) *reader {
	r := g.readers[tp.topic.ID]
	if r == nil || r.kind != kind { // a group of another protocol under the same name is another reader
		r = newReader(lineage.Access{Topic: tp.topic, Op: lineage.Read, Client: lineage.Client{Group: g.ref.Group}}, kind)
		g.readers[tp.topic.ID] = r
	}
	return r
}

// maxDeparted bounds the memory for deleted groups and topics: short-lived groups with random names would fill it for
// ever.
const maxDeparted = 10_000

// resume takes over the totals of a deleted group of the same name. Its commits are gone: those that its first reading
// finds are its first.
func (g *group) resume(old *group) {
	g.readers = old.readers
	for _, r := range g.readers {
		r.parts, r.touched = nil, true
	}
}

func (t *take) groupEvent(o *lineage.Observation, g *group) {
	typ := lineage.GroupLeft
	if g.live() {
		typ = lineage.GroupJoined
	}
	o.Events = append(o.Events, lineage.Event{At: t.round, Type: typ, Group: g.ref, Detail: fmt.Sprintf("group %s is %s", g.ref.Group, g.state)})
}

// groupGone forgets a group that was deleted.
func (t *take) groupGone(o *lineage.Observation, g *group) {
	if g.live() {
		g.state = "Dead"
		t.groupEvent(o, g)
	}
	delete(t.groups, g.ref.Group)
	if len(t.departed) >= maxDeparted {
		clear(t.departed)
	}
	t.departed[g.ref.Group], g.departed = g, t.round
	for id, r := range g.readers {
		t.goneReaders = append(t.goneReaders, readerKey(g.ref.Group, id))
		o.Samples = append(o.Samples, r.part()...)
	}
	t.goneReaders = append(t.goneReaders, groupKey(g.ref.Group))
	o.Facts = append(o.Facts, lineage.Fact{Key: t.groupFactKey(g), Gone: true})
}

func (t *take) groupFactKey(g *group) lineage.FactKey {
	return lineage.FactKey{Source: t.cfg.Name, Kind: lineage.GroupFacts, Name: g.ref.Group}
}

// tellGroups tells the facts of the groups that changed.
func (t *take) tellGroups(o *lineage.Observation) {
	for _, g := range t.groups {
		if g.factTold {
			continue
		}
		g.factTold = true
		o.Facts = append(o.Facts, lineage.Fact{Key: t.groupFactKey(g), Group: &lineage.GroupFact{
			Ref: g.ref, Type: g.typ, Protocol: g.protocol, State: g.state, Members: g.members, MembersKnown: g.membersKnown, Topology: g.topology,
		}})
	}
}

// groupSpots are the blind spots of the readers' side.
func (t *take) groupSpots() []lineage.BlindSpot {
	spots := []lineage.BlindSpot{{
		What:   "readers without a group, and groups that never commit, leave no trace in the broker",
		Remedy: "let such readers commit their offsets in a group",
	}}
	if synced := t.syncedGroups(); len(synced) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("readers without membership in groups whose offsets MirrorMaker 2 syncs from another cluster (%d): who commits there without being a member looks like the sync: %s", len(synced), collector.Some(synced)),
			Remedy: "let readers of copies be members of their groups, or give them groups of their own",
		})
	}
	if t.rights.asked && !t.rights.describe {
		spots = append(spots, lineage.BlindSpot{
			What:   lineage.GroupsNotListed,
			Remedy: "grant DESCRIBE on the cluster, or on all groups, to lineaged's principal",
		})
	}
	var unseen []string
	for _, g := range t.groups {
		if g.unseen != "" {
			unseen = append(unseen, g.ref.Group)
		}
	}
	if len(unseen) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("%d %s: no longer permitted, or deleted: %s", len(unseen), lineage.GroupsOutOfSight, collector.Some(unseen)),
			Remedy: "grant DESCRIBE on these groups to lineaged's principal",
		})
	}
	if len(t.deniedGroups) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("what %d %s: %s", len(t.deniedGroups), lineage.CommitsNotRead, collector.Some(slices.Clone(t.deniedGroups))),
			Remedy: "grant DESCRIBE on these groups to lineaged's principal",
		})
	}
	return spots
}

// syncedGroups are the groups whose offsets may be synced and not read.
func (t *take) syncedGroups() (names []string) {
	for name, g := range t.groups {
		if g.summed().synced {
			names = append(names, name)
		}
	}
	return names
}

// groupsMissing collects the groups that could not be read in a round.
type groupsMissing struct {
	why    reasons
	groups []lineage.GroupRef
	blind  bool // no broker listed its groups
}

func (m *groupsMissing) add(g *group, reason string) {
	m.why.add(reason)
	if g != nil {
		m.groups = append(m.groups, g.ref)
	}
}

// answer notes whose offsets were asked for in a round, and all groups of an answer that did not come.
func (m *groupsMissing) answer(a *groupsAnswer, round time.Time) {
	for _, g := range a.groups {
		if a.asked {
			g.fetched = round
		}
		if a.err != nil {
			m.add(g, a.err.Error())
		}
	}
}

// broker notes a broker whose groups could not be listed: new ones may hide there.
func (m *groupsMissing) broker(reason string) { m.why.add(reason) }

func (m *groupsMissing) tell(o *lineage.Observation, of int) {
	if len(m.why) == 0 {
		return
	}
	if m.blind || len(m.groups) >= of && of > 0 {
		o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: m.why.String()})
		return
	}
	o.Missing = append(o.Missing, lineage.Missing{
		Groups: m.groups, Share: float64(len(m.groups)) / float64(max(of, 1)), Reason: fmt.Sprintf("%s (%d of %d groups)", m.why, len(m.groups), of),
	})
}
