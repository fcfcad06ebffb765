package identity

import (
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says which topics are inner ones of a stream processor, and which groups writers are of.

// How a stream job is known, in words.
const (
	byStreams = "Kafka Streams group"
	byFaust   = "faust app"
	byQuix    = "quixstreams application"
)

// innerEnds are the ends that Kafka Streams gives its inner topics: <application.id>-<store or
// step>-changelog|repartition, and since Kafka 3.3 -topic for what foreign-key joins need. faust's changelogs end so
// too.
var innerEnds = [...]string{"-changelog", "-repartition", "-subscription-registration-topic", "-subscription-response-topic"}

// leaderEnd is the end of the topic by which faust's workers find their leader.
const leaderEnd = "-__assignor-__leader"

// quixStarts are what quixstreams calls its inner topics: changelog__<group>--<topic>--<store>,
// repartition__<group>--<topic>--<name>.
var quixStarts = [...]string{"changelog__", "repartition__"}

// innerBase returns <application.id>-<store or step> of a name that Kafka Streams may have given; empty for any other.
func innerBase(topic string) string {
	for _, end := range innerEnds {
		if base, ok := strings.CutSuffix(topic, end); ok {
			return base
		}
	}
	return ""
}

// quixBase returns <group>--<topic>--<store or name> of a name that quixstreams may have given; empty for any other.
func quixBase(topic string) string {
	for _, start := range quixStarts {
		if base, ok := strings.CutPrefix(topic, start); ok && strings.Count(base, "--") >= 2 {
			return base
		}
	}
	return ""
}

func maybeInner(topic string) bool {
	return innerBase(topic) != "" || quixBase(topic) != "" || strings.HasSuffix(topic, leaderEnd)
}

// settleTopics decides which inner topics there are. A group whose name stands in front of one's is an application's,
// unless its members say that they are none: the longest one, since one application.id may be the beginning of another.
func (k *knowledge) settleTopics() {
	for _, t := range k.topics {
		if app, ok := strings.CutSuffix(t.name, leaderEnd); ok {
			if ref := (lineage.GroupRef{Cluster: t.cluster, Group: app}); k.apps[ref] == byFaust || k.maybeStreams(ref) {
				k.apps[ref], k.inner[t] = byFaust, app
			}
		}
	}
	for _, t := range k.topics {
		if base := quixBase(t.name); base != "" {
			k.settleQuix(t, base)
			continue
		}
		base := innerBase(t.name)
		for end := strings.LastIndexByte(base, '-'); end > 0; end = strings.LastIndexByte(base[:end], '-') {
			ref := lineage.GroupRef{Cluster: t.cluster, Group: base[:end]}
			if k.apps[ref] != "" || k.maybeStreams(ref) {
				if k.apps[ref] == "" {
					k.apps[ref] = byStreams
				}
				k.inner[t] = ref.Group
				break
			}
		}
	}
}

// settleQuix gives a topic to the group that stands in it, of one or both of which the name may hold the separator: the
// longest.
func (k *knowledge) settleQuix(t named, base string) {
	head := base[:strings.LastIndex(base, "--")]
	for end := strings.LastIndex(head, "--"); end > 0; end = strings.LastIndex(head[:end], "--") {
		ref := lineage.GroupRef{Cluster: t.cluster, Group: head[:end]}
		if g := k.groups[ref]; g != nil && (k.apps[ref] == "" || k.apps[ref] == byQuix) && len(k.connectors[ref]) == 0 && g.Protocol != "connect" && (g.Type == "" || strings.EqualFold(g.Type, "Classic") || strings.EqualFold(g.Type, "Consumer")) {
			k.apps[ref], k.inner[t] = byQuix, ref.Group
			return
		}
	}
}

// maybeStreams reports whether a group of the classic protocol of which no member was ever seen may be an
// application's. A connector's group may stand in front of an inner topic's name too, and so may a share group's:
// neither is Streams.
func (k *knowledge) maybeStreams(ref lineage.GroupRef) bool {
	g := k.groups[ref]
	return g != nil && len(g.Members) == 0 && len(k.connectors[ref]) == 0 && (g.Type == "" || g.Type == "Classic") && g.Protocol != "connect"
}

// settleWriters gives who writes a group's inner topics, and who moves its offsets in transactions, to that group. Who
// does so for several groups is none's.
func (k *knowledge) settleWriters() {
	give := func(w writerRef, l link) {
		switch old, seen := k.writers[w]; {
		case seen && old.group != l.group:
			k.writers[w] = link{}
		case !seen || l.by < old.by:
			k.writers[w] = l
		}
	}
	for _, a := range k.writes {
		group, ok := k.inner[named{a.Topic.Cluster, a.Topic.Name}]
		if !ok {
			continue
		}
		if a.Client.Producer != 0 {
			give(writerRef{cluster: a.Topic.Cluster, id: a.Client.Producer}, link{group, "producer id that writes " + a.Topic.Name})
		}
		if a.Client.TransactionalID != "" {
			give(writerRef{cluster: a.Topic.Cluster, transactional: a.Client.TransactionalID}, link{group, "transactional.id that writes " + a.Topic.Name})
		}
	}
	for id, groups := range k.moves {
		for group := range groups {
			if len(k.connectors[lineage.GroupRef{Cluster: id.cluster, Group: group}]) == 0 {
				give(writerRef{cluster: id.cluster, transactional: id.name}, link{group, "transaction that moves the offsets of group " + group})
			}
		}
	}
	for w, l := range k.writers {
		if l.group != "" && w.transactional != "" {
			ref := lineage.GroupRef{Cluster: w.cluster, Group: l.group}
			k.movers[ref] = append(k.movers[ref], w.transactional)
		}
	}
	for ref := range k.movers {
		slices.Sort(k.movers[ref])
	}
}

// nameless returns what a group whose id names nobody is called: as those of its members are who read the topic, any
// when it is empty, else as the transactions that move its offsets are.
func (k *knowledge) nameless(ref lineage.GroupRef, topic string) (name, by string) {
	names, members := k.namesOf(ref.Cluster), []lineage.Member(nil)
	if f := k.groups[ref]; f != nil {
		members = f.Members
	}
	if seen := k.readers[groupTopic{ref, topic}]; len(seen) > 0 {
		// Of those who read it, the ones that are there now: who was there before may have been another program.
		if now := slices.DeleteFunc(slices.Clone(members), func(m lineage.Member) bool { return !seen[m] }); len(now) > 0 {
			members = now
		} else {
			members = slices.Collect(maps.Keys(seen))
		}
	}
	if name = names.called(ref.Group, members); name != "" {
		return name, byMember
	}
	for _, id := range k.movers[ref] {
		own := names.base(id, "", true)
		if own == "" || own == name {
			continue
		}
		if name != "" {
			return "", lineage.ByNothing
		}
		name = own
	}
	if name != "" {
		return name, "transactional.id"
	}
	return "", lineage.ByNothing
}

// byConvention returns the group that a client's own id tells as frameworks make it, if there is such a group.
func (k *knowledge) byConvention(cluster lineage.ClusterID, c lineage.Client) (group, by string) {
	if group = k.springGroup(cluster, c.TransactionalID); group != "" {
		return group, "Spring's transactional.id"
	}
	return k.javaGroup(cluster, c.ClientID), "Java default client.id"
}

// springGroup returns the group of a transactional.id that Spring made for each partition,
// <prefix><group>.<topic>.<partition>, of a topic and a group that exist; empty: none, or several.
func (k *knowledge) springGroup(cluster lineage.ClusterID, id string) string {
	last := strings.LastIndexByte(id, '.')
	if last < 0 || id[last+1:] == "" || strings.Trim(id[last+1:], digits) != "" {
		return ""
	}
	found := ""
	for at, c := range id[:last] {
		if c != '.' || !k.topicExists(named{cluster, id[at+1 : last]}) {
			continue
		}
		head := id[:at]
		for start := range head {
			if start > 0 && !strings.ContainsAny(head[start-1:start], "-_.:@#/") || k.groups[lineage.GroupRef{Cluster: cluster, Group: head[start:]}] == nil {
				continue
			}
			if found != "" && found != head[start:] {
				return ""
			}
			found = head[start:]
			break // the longest
		}
	}
	return found
}

// javaGroup returns the group of a client.id that the Java client made: consumer-<group>-<number>, or
// consumer-<group>-<group.instance.id> of a static member; empty: none, or several.
func (k *knowledge) javaGroup(cluster lineage.ClusterID, id string) string {
	rest, ok := strings.CutPrefix(id, "consumer-")
	if !ok {
		return ""
	}
	var found []string
	for at := strings.LastIndexByte(rest, '-'); at > 0; at = strings.LastIndexByte(rest[:at], '-') {
		if k.groups[lineage.GroupRef{Cluster: cluster, Group: rest[:at]}] != nil {
			found = append(found, rest[:at])
		}
	}
	for _, group := range found {
		if slices.ContainsFunc(k.groups[lineage.GroupRef{Cluster: cluster, Group: group}].Members, func(m lineage.Member) bool { return m.ClientID == id }) {
			return group
		}
	}
	if len(found) == 1 || len(found) > 1 && strings.Trim(rest[len(found[0])+1:], digits) == "" {
		// a number is no instance's name, as a rule
		return found[0]
	}
	return ""
}
