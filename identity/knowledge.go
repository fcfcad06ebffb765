package identity

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// knowledge links what single accesses do not tell: which topics and producer ids belong to a Kafka Streams application, which groups to a connector, and
// which group's members bear a client's name.
type knowledge struct {
	of func(lineage.ClusterID) lineage.Cluster

	// What was added. seen are the members that a group has had, by its accesses; inner topics' writers wait until it is known whose topics these are.
	groups      map[lineage.GroupRef]*lineage.GroupFact
	seen        map[lineage.GroupRef]map[lineage.Member]bool
	left        map[lineage.GroupRef]bool // groups whose members are those that they had
	topics      []named
	writes      []lineage.Access
	connectors  map[lineage.GroupRef][]sink // by the group that they read with: two Connect clusters may have sinks of one name
	configured  map[moverTopic]bool         // what connectors say that they read
	sources     []connector
	replicators []*lineage.ReplicatorFact

	settling sync.Once
	// What follows from it.
	apps      map[lineage.GroupRef]bool // Kafka Streams applications; the group is the application.id
	at        map[scoped][]lineage.ClusterID
	inner     map[named]string
	producers map[producerRef]link
	exactly   map[named]lineage.Node // source connectors by a transactional.id without the task's number

	naming  sync.Once
	members map[scoped][]*lineage.GroupFact // see member
}

// named is the name of something within a cluster.
type named struct {
	cluster lineage.ClusterID
	name    string
}

type producerRef struct {
	cluster lineage.ClusterID
	id      lineage.ProducerID
}

// scoped is a name within an environment.
type scoped struct{ environment, name string }

// connector is a source connector's own name, the cluster that it writes to, and the node that it is or is a part of.
type connector struct {
	name  string
	kafka lineage.ClusterID
	node  lineage.Node
}

// link is an application and how a client was found to be its.
type link struct{ application, by string }

// NewKnowledge returns a Knowledge that holds nothing yet. of tells the names of a cluster; nil: each stands for itself.
func NewKnowledge(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	if of == nil {
		of = func(id lineage.ClusterID) lineage.Cluster { return lineage.Cluster{ID: id} }
	}
	return &knowledge{
		of: of, groups: map[lineage.GroupRef]*lineage.GroupFact{}, seen: map[lineage.GroupRef]map[lineage.Member]bool{}, connectors: map[lineage.GroupRef][]sink{}, configured: map[moverTopic]bool{}, left: map[lineage.GroupRef]bool{},
		apps: map[lineage.GroupRef]bool{}, at: map[scoped][]lineage.ClusterID{}, inner: map[named]string{}, producers: map[producerRef]link{},
		exactly: map[named]lineage.Node{},
	}
}

// AddGroup implements lineage.Knowledge.
func (k *knowledge) AddGroup(f *lineage.GroupFact) { k.groups[f.Ref] = f }

// AddTopic implements lineage.Knowledge.
func (k *knowledge) AddTopic(cluster lineage.ClusterID, name string) {
	if innerBase(name) != "" {
		k.topics = append(k.topics, named{cluster, name})
	}
}

// innerEnds are the ends that Kafka Streams gives its inner topics: <application.id>-<store or step>-changelog|repartition, and since Kafka 3.3 -topic for what foreign-key joins need.
var innerEnds = [...]string{"-changelog", "-repartition", "-subscription-registration-topic", "-subscription-response-topic"}

// innerBase returns <application.id>-<store or step> of a name that Kafka Streams may have given; empty for any other.
func innerBase(topic string) string {
	for _, end := range innerEnds {
		if base, ok := strings.CutSuffix(topic, end); ok {
			return base
		}
	}
	return ""
}

// AddConnector implements lineage.Knowledge.
func (k *knowledge) AddConnector(n lineage.Node, kafka lineage.ClusterID, f *lineage.ConnectorFact) {
	name, group := n.Name, "connect-"+n.Name
	if f != nil {
		if f.Replicator.Kind != lineage.NoKind {
			n = f.Replicator
		}
		group = cmp.Or(f.Group, group)
	}
	if f == nil || f.Type != "source" {
		ref := lineage.GroupRef{Cluster: kafka, Group: group}
		k.connectors[ref] = append(k.connectors[ref], sink{n, name, f})
	}
	if f == nil || f.Type != "sink" {
		k.sources = append(k.sources, connector{name, kafka, n})
	}
}

// AddReplicator implements lineage.Knowledge.
func (k *knowledge) AddReplicator(f *lineage.ReplicatorFact) {
	k.replicators = append(k.replicators, f)
}

// AddAccess implements lineage.Knowledge.
func (k *knowledge) AddAccess(a lineage.Access) {
	c := a.Client
	switch {
	case a.Op == lineage.Read && c.Mover.Kind == lineage.ConnectorNode && a.Topic.Name != "":
		k.configured[moverTopic{c.Mover, a.Topic.Cluster, a.Topic.Name}] = true
	case a.Op == lineage.Write && c.Producer != 0 && innerBase(a.Topic.Name) != "":
		k.writes = append(k.writes, a)
	case c.Group != "" && c.Member != "" && c.ClientID != "":
		ref := lineage.GroupRef{Cluster: a.Topic.Cluster, Group: c.Group}
		if k.seen[ref] == nil {
			k.seen[ref] = map[lineage.Member]bool{}
		}
		k.seen[ref][lineage.Member{ID: c.Member, ClientID: c.ClientID, Host: c.Host}] = true
	}
}

// settle decides what follows from all that was added.
func (k *knowledge) settle() {
	k.settling.Do(func() {
		k.remember()
		k.settleTopics()
		for _, ref := range slices.SortedFunc(maps.Keys(k.apps), compareGroups) {
			key := scoped{environment(k.of(ref.Cluster)), ref.Group}
			k.at[key] = append(k.at[key], ref.Cluster)
		}
		for _, a := range k.writes {
			k.settleProducer(a)
		}
		k.settleConnectors()
	})
}

// remember gives a group that nobody is in any more the members that it had: what it is does not change when it stops.
func (k *knowledge) remember() {
	for ref, seen := range k.seen {
		f := k.groups[ref]
		if f != nil && len(f.Members) > 0 {
			continue
		}
		had := lineage.GroupFact{Ref: ref}
		if f != nil {
			had = *f
		}
		had.Members = slices.SortedFunc(maps.Keys(seen), func(a, b lineage.Member) int {
			return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.ClientID, b.ClientID))
		})
		k.groups[ref] = &had
		k.left[ref] = true
	}
	for ref, f := range k.groups {
		facts := gather(lineage.Client{Group: ref.Group}, f)
		if streams(&facts) != "" {
			k.apps[ref] = true
		}
	}
}

// settleTopics decides which inner topics there are. A group whose name stands in front of one's is an application's, unless its members say that they are none: the longest one, since one
// application.id may be the beginning of another.
func (k *knowledge) settleTopics() {
	for _, t := range k.topics {
		base := innerBase(t.name)
		for end := strings.LastIndexByte(base, '-'); end > 0; end = strings.LastIndexByte(base[:end], '-') {
			ref := lineage.GroupRef{Cluster: t.cluster, Group: base[:end]}
			if k.apps[ref] || k.maybeStreams(ref) {
				k.apps[ref], k.inner[t] = true, ref.Group
				break
			}
		}
	}
}

// maybeStreams reports whether a group of the classic protocol of which no member was ever seen may be an application's. A connector's group may stand in front of an inner topic's name too, and so may
// a share group's: neither is Streams.
func (k *knowledge) maybeStreams(ref lineage.GroupRef) bool {
	g := k.groups[ref]
	return g != nil && len(g.Members) == 0 && len(k.connectors[ref]) == 0 && (g.Type == "" || g.Type == "Classic") && g.Protocol != "connect"
}

// settleProducer gives a producer id that writes an inner topic to the application.
func (k *knowledge) settleProducer(a lineage.Access) {
	app, ok := k.inner[named{a.Topic.Cluster, a.Topic.Name}]
	if !ok {
		return
	}
	ref := producerRef{a.Topic.Cluster, a.Client.Producer}
	by := "producer id that writes " + a.Topic.Name
	if old, seen := k.producers[ref]; !seen || by < old.by {
		k.producers[ref] = link{app, by}
	}
}

// settleConnectors makes the transactional.ids of source connectors, less the task's number: Connect makes them of its group.id and the connector's name (KIP-618), and a dedicated MirrorMaker 2 has a group.id of its own.
func (k *knowledge) settleConnectors() {
	for ref, g := range k.groups {
		if g.Protocol != "connect" {
			continue
		}
		for _, c := range k.sources {
			k.exactly[named{c.kafka, ref.Group + "-" + c.name}] = c.node
		}
	}
	for _, f := range k.replicators {
		if f.Connect == "" {
			k.exactly[named{f.Target, f.SourceAlias + "-mm2-MirrorSourceConnector"}] = f.Node
		}
	}
}

// member returns the one group whose members bear a name: of the cluster or, where none there does, of its environment. Groups of one name are one there. The names are made at first need: few clients have one and no group.
func (k *knowledge) member(cluster lineage.ClusterID, name string) *lineage.GroupFact {
	k.naming.Do(func() {
		k.members = map[scoped][]*lineage.GroupFact{}
		for _, ref := range slices.SortedFunc(maps.Keys(k.groups), compareGroups) {
			f := k.groups[ref]
			for _, m := range f.Members {
				key := scoped{environment(k.of(ref.Cluster)), instanceless(m.ClientID, m.Host)}
				if all := k.members[key]; key.name != "" && (len(all) == 0 || all[len(all)-1] != f) {
					k.members[key] = append(all, f)
				}
			}
		}
	})
	all := k.members[scoped{environment(k.of(cluster)), name}]
	if own := slices.DeleteFunc(slices.Clone(all), func(f *lineage.GroupFact) bool { return f.Ref.Cluster != cluster }); len(own) > 0 {
		all = own
	}
	for _, f := range all {
		if f.Ref.Group != all[0].Ref.Group {
			return nil
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

func compareGroups(a, b lineage.GroupRef) int {
	return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), strings.Compare(a.Group, b.Group))
}

// Inner implements lineage.Knowledge.
func (k *knowledge) Inner(cluster lineage.ClusterID, topic string) (application string, ok bool) {
	k.settle()
	application, ok = k.inner[named{cluster, topic}]
	return application, ok
}

// Of implements lineage.Knowledge.
func (k *knowledge) Of(a lineage.Access) (out lineage.Known) {
	k.settle()
	cluster, c := a.Topic.Cluster, a.Client
	job := func(home lineage.ClusterID, application, by string) lineage.Known {
		out.Application, out.By, out.Job = application, by, k.groups[lineage.GroupRef{Cluster: home, Group: application}]
		if home != cluster {
			out.Home = k.of(home)
		}
		return out
	}
	if c.Group != "" {
		ref := lineage.GroupRef{Cluster: cluster, Group: c.Group}
		out.Group = k.groups[ref]
		k.ownSink(ref, a, &out)
		if k.apps[ref] {
			return job(cluster, c.Group, "Kafka Streams group")
		}
		return out
	}
	if l, ok := k.producers[producerRef{cluster, c.Producer}]; ok && c.Producer != 0 {
		return job(cluster, l.application, l.by)
	}
	if out.Connector = k.exactlyOnce(cluster, c.TransactionalID); out.Connector.Kind != lineage.NoKind {
		return out
	}
	for _, name := range [...]string{c.TransactionalID, c.ClientID} {
		name = instanceless(name, c.Host)
		if name == "" {
			continue
		}
		if home, ok := k.home(cluster, name); ok {
			return job(home, name, "Kafka Streams application.id")
		}
		if out.Member = k.member(cluster, name); out.Member != nil {
			if home := out.Member.Ref.Cluster; home != cluster {
				out.Home = k.of(home)
			}
			return out
		}
	}
	return out
}

// home returns the cluster in which there is a Kafka Streams application: the given one, or the only one of its environment.
func (k *knowledge) home(cluster lineage.ClusterID, application string) (lineage.ClusterID, bool) {
	if k.apps[lineage.GroupRef{Cluster: cluster, Group: application}] {
		return cluster, true
	}
	if all := k.at[scoped{environment(k.of(cluster)), application}]; len(all) == 1 {
		return all[0], true
	}
	return "", false
}

// exactlyOnce returns the source connector that writes with a transactional.id.
func (k *knowledge) exactlyOnce(cluster lineage.ClusterID, id string) lineage.Node {
	at := strings.LastIndexByte(id, '-')
	if at < 0 || id[at+1:] == "" || strings.Trim(id[at+1:], digits) != "" {
		return lineage.Node{}
	}
	return k.exactly[named{cluster, id[:at]}]
}
