package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// This file takes in which groups the brokers list.

// groupGoneAfter is how long all brokers must answer and leave a group out of their lists before it counts as deleted,
// or how long ago the last unrest must be. A coordinator that has just started lists nothing for some seconds, after an
// outage of any length; its groups are not gone.
const groupGoneAfter = 30 * time.Second

// listGroups takes in which groups there are, in which state, and who coordinates them.
func (t *take) listGroups(o *lineage.Observation, missing *groupsMissing) {
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		reqs[b] = kmsg.NewPtrListGroupsRequest()
	}
	answered := 0
	for _, g := range t.groups {
		g.wasLive = g.live()
		g.absent++
	}
	var found []*group
	for _, a := range t.ask(reqs) {
		err := a.err
		if err == nil {
			err = codeError(a.resp.(*kmsg.ListGroupsResponse).ErrorCode)
		}
		if err != nil {
			missing.broker(err.Error())
			t.unrest = t.round
			continue
		}
		answered++
		groups := a.resp.(*kmsg.ListGroupsResponse).Groups
		for i := range groups {
			if g := t.listing(a.broker, &groups[i]); g != nil {
				found = append(found, g)
			}
		}
	}
	for _, g := range found {
		t.listed1(o, g)
	}
	t.unlisted()
	missing.blind = answered == 0
	t.groupsCounted = answered == len(reqs) && answered > 0
	var seek []*group
	for _, g := range t.groups {
		switch {
		case g.absent == 0:
		case g.unseen != "" && t.round.Sub(g.sought) < lostCadence:
			missing.add(g, g.unseen)
		case answered < len(reqs):
			g.leftOut = time.Time{}
			missing.add(g, "its coordinator did not answer")
		default:
			if g.leftOut.IsZero() {
				g.leftOut = t.round
			}
			if t.round.Sub(t.unrest) < groupGoneAfter && t.round.Sub(g.leftOut) < groupGoneAfter {
				missing.add(g, "no broker lists it: its coordinator may be starting")
			} else {
				seek = append(seek, g)
			}
		}
	}
	for g, reason := range t.groupFates(seek) {
		if reason == "" {
			t.groupGone(o, g)
			continue
		}
		missing.add(g, reason)
		if g.unseen != reason {
			g.unseen, g.state, g.factTold, g.dirty = reason, unknownState, false, true
			t.cfg.Log.Warn("a group is out of sight", "group", g.ref.Group, "reason", reason)
		}
	}
}

// listing notes how a broker lists a group, and returns the group when it is the first that does in this round. For a
// moment two may, when a group moves from one coordinator to another: then it has members where either says so, and the
// newcomer is its coordinator.
func (t *take) listing(broker int32, lg *kmsg.ListGroupsResponseGroup) *group {
	g := t.groups[lg.Group]
	if g == nil {
		g = &group{ref: lineage.GroupRef{Cluster: t.cluster, Group: lg.Group}, readers: map[lineage.TopicID]*reader{}, dirty: true, changed: true, waits: t.round, coordinator: -1}
		if old := t.departed[lg.Group]; old != nil {
			g.resume(old)
			g.joined = old.departed // it was made since, whatever may be seen
			delete(t.departed, lg.Group)
		}
		if t.continuous && t.sawGroups {
			g.joined = t.before // else it may have been there, and only have come into sight
		}
		g.sighted = (t.continuous || t.resumed) && g.joined.IsZero()
		t.groups[lg.Group] = g
	}
	if was := g.listed; was != nil {
		newcomer := broker != g.coordinator && g.lister == g.coordinator
		if here, there := inhabited(lg.GroupState), inhabited(was.GroupState); here && !there || here == there && newcomer {
			g.listed = lg
		}
		if newcomer {
			g.lister = broker
		}
		return nil
	}
	g.listed, g.lister = lg, broker
	return g
}

// listed1 takes in one listed group.
func (t *take) listed1(o *lineage.Observation, g *group) {
	lg, lost := g.listed, g.unseen != ""
	if g.stale {
		g.stale, g.dirty = false, true
	}
	g.absent, g.leftOut, g.coordinator, g.unseen, g.listed = 0, time.Time{}, g.lister, "", nil
	if g.state != lg.GroupState || g.typ != lg.GroupType && lg.GroupType != "" || g.protocol != lg.ProtocolType {
		was, known := g.live(), g.state != ""
		g.state, g.protocol = lg.GroupState, lg.ProtocolType
		if lg.GroupType != "" {
			g.typ = lg.GroupType
		}
		g.changed, g.described, g.factTold, g.dirty = true, time.Time{}, false, true
		// One that was never seen may have been there, and only have come into sight. Brokers before Kafka 2.8 do not
		// tell what may be seen.
		if t.continuous && was != g.live() && !lost && (known || !g.joined.IsZero() || !t.rights.asked) {
			g.awoke = g.awoke || known && g.live()
			t.groupEvent(o, g)
		}
	}
	if g.nobodyBefore = g.nobody; !g.live() {
		g.nobody = t.round
	}
}

// unlisted lets the positions of the groups that nobody listed in this round say as of when they are.
func (t *take) unlisted() {
	for _, g := range t.groups {
		if g.absent > 0 && !g.stale {
			g.stale, g.dirty = true, true
		}
	}
}
