package kafka

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// membersCadence is how often the members of a group that did not change are asked for; a group that is new or changed
// its state is asked for at once.
const membersCadence = 30 * time.Second

// untoldLag is no lag, and not an unknown one either.
const untoldLag = math.MinInt64

// members reads who is in the groups and what they have assigned. Where no group is due it says on the cadence that
// there was nothing to see, which is not the same as not looking. Where more are due than a round may ask for, the
// others wait their turn, and are missing until they had it.
func (t *take) members(cadence time.Duration) {
	waiting := t.membersDue(cadence)
	if !t.due(sourceMembers, cadence) && len(waiting) == 0 {
		return
	}
	t.slow.Ran(t.round, sourceMembers)
	o := t.observe(sourceMembers, cadence)
	missing := groupsMissing{why: reasons{}}
	for _, a := range t.askInTurn(describeRequests(waiting), t.cfg.Interval/describeShare) {
		groups, typ := a.groups, describedBy(a.groups[0].typ)
		for _, g := range groups {
			if a.asked {
				g.described, g.waits = t.round, t.round
			}
			if a.err != nil && !unsupported(a.err) && !errors.Is(a.err, errPutOff) {
				missing.add(g, a.err.Error())
			}
		}
		if a.err != nil {
			t.lacks[typ] = t.lacks[typ] || unsupported(a.err)
			continue
		}
		for _, d := range describedGroups(a.resp, t.topicName) {
			g := t.groups[d.group]
			if err := codeError(d.code); err != nil {
				missing.add(g, err.Error())
			} else if g != nil {
				g.changed = false
				t.describedGroup(g, d)
				t.sightMembers(o, g)
				t.sightTopology(o, g)
			}
		}
	}
	t.missUnasked(&missing, cadence)
	missing.tell(o, len(t.groups))
	t.tellGroups(o)
	var spots []lineage.BlindSpot
	for _, typ := range groupTypes {
		if t.lacks[typ] {
			spots = append(spots, lineage.BlindSpot{
				What:   "the members of " + typ + " " + lineage.MembersNotTold,
				Remedy: "upgrade the brokers to a Kafka that describes " + typ + " groups",
			})
		}
	}
	t.sayBlind(o, spots)
}

// membersDue returns the groups whose members are to be asked for, by coordinator.
func (t *take) membersDue(cadence time.Duration) map[int32][]*group {
	due := map[int32][]*group{}
	for _, g := range t.groups {
		wait := cadence
		if g.changed { // after a failed look; a group that has just changed was described never
			wait = t.cadence(3 * t.cfg.Interval)
		}
		if g.absent > 0 || g.coordinator < 0 || t.lacks[describedBy(g.typ)] || t.round.Sub(g.described) < wait {
			continue
		}
		due[g.coordinator] = append(due[g.coordinator], g)
	}
	return due
}

// missUnasked says whose members are not known as of the promised cadence: who had no turn since it appeared or
// changed, and who was asked so long ago that a look was left out.
func (t *take) missUnasked(missing *groupsMissing, cadence time.Duration) {
	for _, g := range t.groups {
		stale := g.described.IsZero() || t.round.Sub(g.described) >= 2*cadence
		switch {
		case t.lacks[describedBy(g.typ)] || g.described.Equal(t.round): // a blind spot says so; its own answer has
		case stale && g.absent > 0:
			missing.add(g, "no broker lists it now")
		case stale && !g.membersKnown:
			missing.add(g, "not asked yet")
		case stale:
			missing.add(g, "not asked again yet")
		}
	}
}

// groupTypes are the protocols, each with a describe request of its own.
var groupTypes = []string{"Classic", "Consumer", "Share", "Streams"}

// topicName returns the name of a topic that an answer names by one or both of name and id.
func (s *source) topicName(name string, id [16]byte) string {
	if tp := s.topics[lineage.TopicID(id)]; name == "" && tp != nil {
		return tp.topic.Name
	}
	return name
}

// describedBy returns the protocol whose describe request serves a group of a type.
func describedBy(typ string) string {
	switch typ {
	case "Consumer", "consumer":
		return "Consumer"
	case "Share", "share":
		return "Share"
	case "Streams", "streams":
		return "Streams"
	}
	return "Classic"
}

func describeRequest(typ string, groups []*group) kmsg.Request {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.ref.Group
	}
	switch typ {
	case "Consumer":
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Groups = names
		return req
	case "Share":
		req := kmsg.NewPtrShareGroupDescribeRequest()
		req.GroupIDs = names
		return req
	case "Streams":
		req := kmsg.NewPtrStreamsGroupDescribeRequest()
		req.Groups = names
		req.IncludeTopologyDescription = true // left out for brokers that do not know it
		return req
	default:
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Groups = names
		return req
	}
}

// describedMembers is one group's answer, of any protocol.
type describedMembers struct {
	group       string
	code        int16
	members     []lineage.Member
	assignments []assignment
	topology    *lineage.Topology // of a Streams group that has one
}

func (d *describedMembers) add(id, client, host string) lineage.Member {
	m := lineage.Member{ID: id, ClientID: client, Host: host}
	d.members = append(d.members, m)
	return m
}

func (d *describedMembers) sort() {
	slices.SortFunc(d.members, func(a, b lineage.Member) int { return compare(a.ID, b.ID) })
}

func (d *describedMembers) assign(m lineage.Member, topic string, partitions []int32) {
	d.assignments = append(d.assignments, assignment{member: m, topic: topic, partitions: partitions, lag: untoldLag})
}

// describedGroups reads an answer. topic returns the name of a topic id, for answers that leave the name out.
func describedGroups(resp kmsg.Response, topic func(name string, id [16]byte) string) []describedMembers {
	var out []describedMembers
	switch resp := resp.(type) {
	case *kmsg.DescribeGroupsResponse:
		for _, g := range resp.Groups {
			d := describedMembers{group: g.Group, code: g.ErrorCode}
			for _, m := range g.Members {
				who := d.add(m.MemberID, m.ClientID, m.ClientHost)
				var a kmsg.ConsumerMemberAssignment
				if g.ProtocolType == "consumer" && a.ReadFrom(m.MemberAssignment) == nil {
					for _, rt := range a.Topics {
						d.assign(who, rt.Topic, rt.Partitions)
					}
				}
			}
			out = append(out, d)
		}
	case *kmsg.ConsumerGroupDescribeResponse:
		for _, g := range resp.Groups {
			d := describedMembers{group: g.Group, code: g.ErrorCode}
			for _, m := range g.Members {
				who := d.add(m.MemberID, m.ClientID, m.ClientHost)
				for _, rt := range m.Assignment.TopicPartitions {
					d.assign(who, topic(rt.Topic, rt.TopicID), rt.Partitions)
				}
			}
			out = append(out, d)
		}
	case *kmsg.ShareGroupDescribeResponse:
		for _, g := range resp.Groups {
			d := describedMembers{group: g.GroupID, code: g.ErrorCode}
			for _, m := range g.Members {
				who := d.add(m.MemberID, m.ClientID, m.ClientHost)
				for _, rt := range m.Assignment.TopicPartitions {
					d.assign(who, topic(rt.Topic, rt.TopicID), rt.Partitions)
				}
			}
			out = append(out, d)
		}
	case *kmsg.StreamsGroupDescribeResponse:
		for _, g := range resp.Groups {
			d := describedMembers{group: g.Group, code: g.ErrorCode}
			d.topology = topologyOf(&g)
			for _, m := range g.Members {
				who := d.add(m.MemberID, m.ClientID, m.ClientHost)
				for _, task := range m.Assignment.ActiveTasks {
					for _, name := range readBy(d.topology, task.SubtopologyID) {
						d.assign(who, name, task.Partitions)
					}
				}
			}
			out = append(out, d)
		}
	}
	return out
}

// describedGroup takes in a group's members.
func (t *take) describedGroup(g *group, d describedMembers) {
	d.sort()
	if !g.membersKnown || !slices.Equal(d.members, g.members) {
		g.members, g.membersKnown, g.factTold = d.members, true, false
	}
	if who := whoseIDs(d.members); who != g.who {
		g.who, g.renewed, g.dirty = who, t.round, true
	}
	if !sameTopology(d.topology, g.topology) {
		g.topology, g.factTold = d.topology, false
	}
	old := g.assignments
	g.assignments, g.told = d.assignments, t.round
	g.assigned++
	for i := range g.assignments {
		for _, o := range old {
			if o.member == g.assignments[i].member && o.topic == g.assignments[i].topic {
				g.assignments[i].lag = o.lag
			}
		}
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// access is the member's reading of its assigned topic.
func (g *group) access(a *assignment, tp *topic) lineage.Access {
	return lineage.Access{Topic: tp.topic, Op: lineage.Read, Client: lineage.Client{
		Group: g.ref.Group, Member: a.member.ID, ClientID: a.member.ClientID, Host: a.member.Host,
	}}
}

// sightMembers says which live members have which topics assigned. A member of an empty group is none.
func (t *take) sightMembers(o *lineage.Observation, g *group) {
	for i := range g.assignments {
		if tp := t.byName[g.assignments[i].topic]; tp != nil && len(g.assignments[i].partitions) > 0 {
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: g.access(&g.assignments[i], tp), Evidence: lineage.GroupMembership})
		}
	}
}

// memberLags tells how far behind each member is on what it has assigned, where its group commits.
func (t *take) memberLags(o *lineage.Observation) {
	for _, g := range t.groups {
		for i := range g.assignments {
			a := &g.assignments[i]
			tp := t.byName[a.topic]
			if tp == nil || g.readers[tp.topic.ID] == nil {
				continue
			}
			parts, lag := g.readers[tp.topic.ID].parts, int64(0)
			for _, p := range a.partitions {
				switch {
				case p < 0 || int(p) >= len(parts): // a classic member's assignment is its client's own making
				case parts[p].unknown || lag == lineage.Unknown:
					lag = lineage.Unknown
				default:
					lag += parts[p].lag
				}
			}
			if lag != a.lag {
				a.lag = lag
				o.Samples = append(o.Samples, lineage.Sample{Subject: g.access(a, tp), Metric: lineage.Lag, Value: lag})
			}
		}
	}
}
