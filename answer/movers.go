package answer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// movers are what is known of connectors and replicators at the end of a window.
type movers struct {
	connects    map[string]*lineage.ConnectFact // by the Connect cluster's name
	connectors  map[lineage.Node]mover[lineage.ConnectorFact]
	replicators map[lineage.Node]mover[lineage.ReplicatorFact]
	jobs        map[lineage.Node]mover[lineage.JobFact] // stream jobs that their engines tell of
}

// mover is a connector or a replicator; fact is nil once it is gone. was is what a replicator is or was, nil when that
// is not known any more.
type mover[F any] struct {
	fact, was *F
	gone      bool
	since     time.Time // when the fact began to hold
}

// known reports whether the node is a connector, a replicator or a stream job of which a fact is known.
func (m *movers) known(n lineage.Node) bool {
	_, c := m.connectors[n]
	_, r := m.replicators[n]
	return c || r || m.jobs[n].fact != nil
}

// gone reports whether the node is a connector or a replicator that is no more.
func (m *movers) gone(n lineage.Node) bool { return m.connectors[n].gone || m.replicators[n].gone }

// stopped reports whether a mover was told not to run, as of the window's end. A connector's tasks run although it
// failed itself, and it runs although all its tasks have failed. A job that is over is one too.
func (m *movers) stopped(n lineage.Node) bool {
	state := ""
	if f := m.connectors[n].fact; f != nil && !slices.ContainsFunc(f.Tasks, func(t lineage.Task) bool { return t.State == "RUNNING" }) {
		if state = f.State; state == "RUNNING" && len(f.Tasks) > 0 {
			state = f.Tasks[0].State
		}
	}
	if f := m.replicators[n].fact; f != nil {
		state = f.State
	}
	if f := m.jobs[n].fact; f != nil && over(f.State) {
		state = f.State
	}
	return state != "" && state != "RUNNING"
}

// rests reports whether a mover was told not to run since an instant at the latest.
func (m *movers) rests(n lineage.Node, since time.Time) bool {
	at := m.replicators[n].since
	if c, ok := m.connectors[n]; ok {
		at = c.since
	}
	if j := m.jobs[n]; j.fact != nil {
		at = j.since
	}
	return m.stopped(n) && !at.After(since)
}

// teller returns who tells of a mover: the Connect cluster, or the source of the cluster that a replicator copies to.
func (v *View) teller(n lineage.Node) string {
	if n.Kind == lineage.ConnectorNode || v.movers.jobs[n].fact != nil {
		return n.Scope
	}
	if f := v.movers.replicators[n].fact; f != nil {
		if f.Connect != "" {
			return f.Connect
		}
		if c := v.clusters.byID[f.Target]; c != nil {
			return c.source
		}
	}
	return ""
}

// idle returns the movers that exist and do nothing.
func (m *movers) idle(ends map[lineage.Node]*accessesOf) map[lineage.Node]bool {
	out := map[lineage.Node]bool{}
	for n, c := range m.connectors {
		out[n] = !c.gone
	}
	for n, r := range m.replicators {
		out[n] = !r.gone
	}
	for n, j := range m.jobs {
		out[n] = j.fact != nil
	}
	maps.DeleteFunc(out, func(n lineage.Node, exists bool) bool { return !exists || ends[n] != nil })
	return out
}

// takeMovers takes what Connect and MirrorMaker 2 were at the window's end. A connector that is a part of a replicator
// is none of its own.
func (v *View) takeMovers() {
	v.movers = movers{
		connects: map[string]*lineage.ConnectFact{}, connectors: map[lineage.Node]mover[lineage.ConnectorFact]{},
		replicators: map[lineage.Node]mover[lineage.ReplicatorFact]{}, jobs: map[lineage.Node]mover[lineage.JobFact]{},
	}
	v.knows = v.identity.Know(v.clusters.of)
	for _, read := range []struct {
		kind lineage.FactKind
		take func(lineage.DatedFact)
	}{
		{lineage.ConnectFacts, func(f lineage.DatedFact) {
			if f.Connect != nil {
				v.movers.connects[f.Key.Source] = f.Connect
			}
		}},
		{lineage.ConnectorFacts, v.takeConnector},
		{lineage.ReplicatorFacts, v.takeReplicator},
		{lineage.JobFacts, v.takeJob},
	} {
		facts := v.held.FactsOf(read.kind)
		for _, gone := range [...]bool{true, false} { // what is there now wins
			for _, f := range facts {
				if f.Gone == gone {
					read.take(f)
				}
			}
		}
		if read.kind == lineage.ConnectorFacts {
			v.knowConnectors(facts)
		}
	}
}

func (v *View) takeConnector(f lineage.DatedFact) {
	n := connectorNode(f)
	is := f.Connector
	if f.Before != nil {
		is = f.Before.Connector
	}
	if is == nil || is.Replicator.Kind == lineage.NoKind {
		v.movers.connectors[n] = mover[lineage.ConnectorFact]{fact: f.Connector, was: is, gone: f.Gone, since: f.Since}
	}
}

func connectorNode(f lineage.DatedFact) lineage.Node {
	return lineage.Node{Scope: f.Key.Source, Kind: lineage.ConnectorNode, Name: f.Key.Name}
}

// knowConnectors hands on the connectors. A deleted part of a replicator stays a part, and a deleted sink's group the
// sink's while nobody is in it and no other sink has it, and in a window in which it still was. Of others only the name
// is taken: their group is another's by now.
func (v *View) knowConnectors(all []lineage.DatedFact) {
	taken := map[lineage.GroupRef]bool{}
	for _, gone := range [...]bool{false, true} {
		for _, f := range all {
			if f.Gone != gone {
				continue
			}
			is := f.Connector
			var kafka lineage.ClusterID
			if c := v.movers.connects[f.Key.Source]; c != nil {
				kafka = c.Kafka
			}
			group := func(f *lineage.ConnectorFact) lineage.GroupRef {
				return lineage.GroupRef{Cluster: cmp.Or(f.Kafka, kafka), Group: f.Group}
			}
			if f.Before != nil {
				if was := f.Before.Connector; was.Replicator.Kind != lineage.NoKind || taken[group(was)] && f.Since.After(v.win.Start) || !taken[group(was)] && v.isLeft(group(was)) {
					is = was
				}
			}
			if is != nil {
				kafka = cmp.Or(is.Kafka, kafka)
				taken[group(is)] = taken[group(is)] || !gone
			}
			v.knows.AddConnector(connectorNode(f), kafka, is)
		}
	}
	for n, t := range told(all) {
		v.knows.AddTold(t, []lineage.Node{n}, "Kafka Connect, by the name under which it is configured to send its OpenLineage events")
	}
}

// told says which connector each name is, under which some send their OpenLineage events. What one had that is deleted
// is another's that has it now; what several have is nobody's.
func told(all []lineage.DatedFact) map[lineage.Node]lineage.Node {
	out := map[lineage.Node]lineage.Node{}
	for _, gone := range [...]bool{false, true} {
		now := map[lineage.Node][]lineage.Node{}
		for _, f := range all {
			is := f.Connector
			if gone && f.Before != nil {
				is = f.Before.Connector
			}
			if is == nil || f.Gone != gone || is.Replicator.Kind != lineage.NoKind {
				continue
			}
			for _, n := range is.Also {
				now[n] = append(now[n], connectorNode(f))
			}
		}
		for n, connectors := range now {
			if _, taken := out[n]; taken {
				continue
			}
			if out[n] = connectors[0]; len(connectors) > 1 {
				out[n] = lineage.Node{}
			}
		}
	}
	maps.DeleteFunc(out, func(_, is lineage.Node) bool { return is == lineage.Node{} })
	return out
}

// isLeft reports whether nobody is in a group at the window's end.
func (v *View) isLeft(ref lineage.GroupRef) bool {
	g := v.groups[ref].Group
	return g == nil || g.MembersKnown && len(g.Members) == 0
}

// takeReplicator takes what one source tells of a replicator. It is there while any source says so.
func (v *View) takeReplicator(f lineage.DatedFact) {
	n, err := lineage.ParseNodeID(f.Key.Name)
	if err != nil {
		return // no replicator
	}
	n = v.shown(n)
	was := f.Replicator
	if was == nil && f.Before != nil {
		was = f.Before.Replicator
	}
	if was != nil {
		told := *was
		told.Node = n
		v.knows.AddReplicator(&told)
	}
	if old, ok := v.movers.replicators[n]; ok && old.fact != nil && (f.Replicator == nil || f.Replicator.Connect == "") {
		return // what runs on a Connect cluster is told best by that
	}
	v.movers.replicators[n] = mover[lineage.ReplicatorFact]{f.Replicator, was, f.Gone, f.Since}
}

// tellKnowledge hands on the groups and topics.
func (v *View) tellKnowledge() {
	v.connectGroups = map[lineage.ClusterID][]string{}
	for ref, f := range v.groups {
		g := f.Group
		if g == nil {
			g = &lineage.GroupFact{Ref: ref}
		}
		v.knows.AddGroup(g)
		if g.Protocol == "connect" {
			v.connectGroups[ref.Cluster] = append(v.connectGroups[ref.Cluster], ref.Group)
		}
	}
	for _, t := range v.topics {
		v.knows.AddTopic(t.cluster, t.node.Name)
	}
}

// classifyAll says of all topics whether they are internal, once all is told that decides it.
func (v *View) classifyAll() {
	v.mirrored = map[lineage.ClusterID]map[string]bool{}
	alias := func(c lineage.ClusterID, name string) {
		if v.mirrored[c] == nil {
			v.mirrored[c] = map[string]bool{}
		}
		v.mirrored[c][name] = true
	}
	for _, t := range v.topics {
		if in := mm2.ParseInternal(t.node.Name); in.Kind != mm2.NoInternal && in.Kind != mm2.HeartbeatTopic {
			alias(t.cluster, in.Alias)
		}
	}
	for _, r := range v.movers.replicators {
		if r.was != nil {
			alias(r.was.Source, r.was.TargetAlias)
			alias(r.was.Target, r.was.SourceAlias)
		}
	}
	v.classified = true
	for _, t := range v.topics {
		v.classify(t)
	}
}

// classify says whether a topic is internal: to Kafka, to a Kafka Streams application, or to Connect or MirrorMaker 2.
func (v *View) classify(t *topicView) {
	var inner bool
	name := t.node.Name
	t.innerOf, inner = v.knows.Inner(t.cluster, name)
	t.internal = t.internal || inner || strings.HasPrefix(name, "__") || mirrorBooks(name, v.mirrored[t.cluster]) || connectBooks(name, v.connectGroups[t.cluster])
}

// mirrorBooks reports whether MirrorMaker 2 keeps its books in a topic of that name. aliases are those of the clusters
// that it copies to or from here. Others may call a topic ….heartbeats too: it is MirrorMaker's where an alias stands
// in front, perhaps with others behind it, or nothing.
func mirrorBooks(topic string, aliases map[string]bool) bool {
	in := mm2.ParseInternal(topic)
	if in.Kind != mm2.HeartbeatTopic {
		return in.Kind != mm2.NoInternal
	}
	if in.Alias == "" {
		return len(aliases) > 0
	}
	first, _, _ := strings.Cut(in.Alias, in.Separator)
	return aliases[in.Alias] || aliases[first]
}

// connectBooks reports whether a Connect cluster keeps its books in a topic of that name: <group.id>-configs and the
// like, as is usual, or what Connect's sample configuration has.
func connectBooks(topic string, groups []string) bool {
	at := strings.LastIndexByte(topic, '-')
	if at < 0 || len(groups) == 0 {
		return false
	}
	switch topic[at+1:] {
	case "configs", "offsets", "status":
		return topic[:at] == "connect" || slices.Contains(groups, topic[:at])
	}
	return false
}

// jobOf returns the stream job that a topic is an inner part of.
func (v *View) jobOf(topic lineage.Node) (lineage.Node, bool) {
	t := v.topics[topic]
	if t == nil || t.innerOf == "" {
		return lineage.Node{}, false
	}
	x := lineage.Access{Topic: lineage.Topic{Cluster: t.cluster}, Op: lineage.Read, Client: lineage.Client{Group: t.innerOf}}
	n, _ := v.identity.Resolve(v.clusters.of(t.cluster), x, v.knows.Of(x)) // a rule may have given it another name
	return n, true
}

// InnerTopics returns a stream job's inner topics, by name.
func (v *View) InnerTopics(job lineage.Node) []lineage.Node {
	var out []lineage.Node
	for n, t := range v.topics {
		if t.innerOf == job.Name && n.Scope == job.Scope && !t.gone {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, lineage.Node.Compare)
	return out
}

// Connector returns what is known of a connector; the zero fact where nothing is, or it is gone.
func (n Node) Connector() lineage.ConnectorFact {
	if f := n.rows.v.movers.connectors[n.node].fact; f != nil {
		return *f
	}
	return lineage.ConnectorFact{}
}

// Replicator returns what is known of a replicator; of one that is gone its aliases.
func (n Node) Replicator() lineage.ReplicatorFact {
	if f := n.rows.v.movers.replicators[n.node].fact; f != nil {
		return *f
	}
	f := lineage.ReplicatorFact{}
	f.SourceAlias, f.TargetAlias, _ = strings.Cut(n.node.Name, "->")
	return f
}

// JobGroup returns what is known of the group whose name is a stream job's application.id; nil: nothing.
func (n Node) JobGroup() *lineage.GroupFact {
	for ref, f := range n.rows.v.groups {
		if ref.Group == n.node.Name && f.Group != nil && n.rows.v.clusters.of(ref.Cluster).Name == n.node.Scope {
			return f.Group
		}
	}
	return nil
}

// Stores returns a stream job's stores: of the topology, else by the changelogs' names.
func (n Node) Stores() []string {
	stores := map[string]bool{}
	if g := n.JobGroup(); g != nil && g.Topology != nil {
		for _, s := range g.Topology.Subtopologies {
			for _, store := range s.Stores {
				stores[store] = true
			}
		}
	}
	for _, t := range n.rows.v.InnerTopics(n.node) {
		if name, ok := strings.CutSuffix(t.Name, "-changelog"); ok {
			stores[strings.TrimPrefix(name, n.node.Name+"-")] = true
		} else if name, ok := strings.CutPrefix(t.Name, "changelog__"+n.node.Name+"--"); ok { // quixstreams
			stores[name] = true
		}
	}
	return slices.Sorted(maps.Keys(stores))
}
