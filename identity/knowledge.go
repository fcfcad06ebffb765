package identity

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// knowledge links what single accesses do not tell: which topics and producer ids belong to a Kafka Streams
// application, which groups to a connector, and which group's members bear a client's name.
type knowledge struct {
	of func(lineage.ClusterID) lineage.Cluster

	// What was added. seen are the members that a group has had, by its accesses; inner topics' writers wait until it
	// is known whose topics these are.
	groups  map[lineage.GroupRef]*lineage.GroupFact
	seen    map[lineage.GroupRef]map[lineage.Member]bool
	readers map[groupTopic]map[lineage.Member]bool // those of seen that read a topic, of groups that name nobody
	moves   map[named]map[string]bool              // groups whose offsets a transactional.id moved
	left    map[lineage.GroupRef]bool              // groups whose members are those that they had
	topics  []named                                // that may be inner ones
	all     []named
	writes  []lineage.Access
	// by the group that they read with: two Connect clusters may have sinks of one name
	connectors  map[lineage.GroupRef][]sink
	configured  map[moverTopic]bool // what connectors say that they read
	sources     []connector
	replicators []*lineage.ReplicatorFact
	jobs        []job
	telling     []alias
	links       links

	settling sync.Once
	// What follows from it.
	apps    map[lineage.GroupRef]string // stream jobs, by how they are known; the group is the application.id
	at      map[scoped][]lineage.ClusterID
	inner   map[named]string // by group
	writers map[writerRef]link
	movers  map[lineage.GroupRef][]string // transactional.ids that are a group's, sorted
	names   map[string]*groupNames        // by environment
	exactly map[named][]lineage.Node      // source connectors by a transactional.id without the task's number
	// jobs that an engine tells of, by the groups that are theirs, and movers by the nodes as which others tell of them
	engines map[lineage.GroupRef][]job
	told    map[lineage.Node][]alias

	listing sync.Once // of names
	naming  sync.Once
	finding sync.Once                       // of topics
	exist   map[named]bool                  // see topicExists
	members map[scoped][]*lineage.GroupFact // see member
}

// named is the name of something within a cluster.
type named struct {
	cluster lineage.ClusterID
	name    string
}

// groupTopic is a group's reading of a topic.
type groupTopic struct {
	group lineage.GroupRef
	topic string
}

// writerRef is a producer id or a transactional.id of a cluster.
type writerRef struct {
	cluster       lineage.ClusterID
	id            lineage.ProducerID
	transactional string
}

// scoped is a name within an environment.
type scoped struct{ environment, name string }

// connector is a source connector's own name, the cluster that it writes to, and the node that it is or is a part of.
type connector struct {
	name  string
	kafka lineage.ClusterID
	node  lineage.Node
}

// link is the group that a writer is found to be of, and how. An empty group: of several.
type link struct{ group, by string }

// NewKnowledge returns a Knowledge that holds nothing yet. of tells the names of a cluster; nil: each stands for
// itself.
func NewKnowledge(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	if of == nil {
		of = func(id lineage.ClusterID) lineage.Cluster { return lineage.Cluster{ID: id} }
	}
	return &knowledge{
		of: of, groups: map[lineage.GroupRef]*lineage.GroupFact{}, seen: map[lineage.GroupRef]map[lineage.Member]bool{}, readers: map[groupTopic]map[lineage.Member]bool{}, moves: map[named]map[string]bool{},
		connectors: map[lineage.GroupRef][]sink{}, configured: map[moverTopic]bool{}, left: map[lineage.GroupRef]bool{},
		apps: map[lineage.GroupRef]string{}, at: map[scoped][]lineage.ClusterID{}, inner: map[named]string{}, writers: map[writerRef]link{}, movers: map[lineage.GroupRef][]string{},
		names: map[string]*groupNames{}, exactly: map[named][]lineage.Node{},
	}
}

// AddGroup implements lineage.Knowledge.
func (k *knowledge) AddGroup(f *lineage.GroupFact) { k.groups[f.Ref] = f }

// AddTopic implements lineage.Knowledge.
func (k *knowledge) AddTopic(cluster lineage.ClusterID, name string) {
	k.all = append(k.all, named{cluster, name})
	if maybeInner(name) {
		k.topics = append(k.topics, named{cluster, name})
	}
}

// topicExists reports whether a topic is known. They are taken in at first need: few clients bear a topic's name.
func (k *knowledge) topicExists(t named) bool {
	k.finding.Do(func() {
		k.exist = make(map[named]bool, len(k.all))
		for _, t := range k.all {
			k.exist[t] = true
		}
	})
	return k.exist[t]
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

// AddJob implements lineage.Knowledge.
func (k *knowledge) AddJob(n lineage.Node, f *lineage.JobFact) { k.jobs = append(k.jobs, job{n, f}) }

// AddTold implements lineage.Knowledge.
func (k *knowledge) AddTold(mover lineage.Node, as []lineage.Node, by string) {
	for _, n := range as {
		k.telling = append(k.telling, alias{as: n, is: mover, by: by})
	}
}

// AddReplicator implements lineage.Knowledge.
func (k *knowledge) AddReplicator(f *lineage.ReplicatorFact) {
	k.replicators = append(k.replicators, f)
}

// AddLink implements lineage.Knowledge.
func (k *knowledge) AddLink(l lineage.Link) {
	if l.Client.Group != "" && l.Client.TransactionalID != "" {
		k.AddAccess(lineage.Access{Topic: lineage.Topic{Cluster: l.Cluster}, Op: lineage.Write, Client: l.Client})
	}
	k.links.add(l)
}

// AddAccess implements lineage.Knowledge.
func (k *knowledge) AddAccess(a lineage.Access) {
	c := a.Client
	k.links.saw(&a)
	if c.Group != "" && a.Op == lineage.Read {
		k.links.read(lineage.GroupRef{Cluster: a.Topic.Cluster, Group: c.Group}, a.Topic.Name)
	}
	switch {
	case c.Mover.Kind == lineage.ConnectorNode && a.Topic.Name != "" && a.Dataset == (lineage.Dataset{}):
		k.configured[moverTopic{c.Mover, a.Op, a.Topic.Cluster, a.Topic.Name}] = true
	case a.Op == lineage.Write && c.Group != "" && c.TransactionalID != "":
		id := named{a.Topic.Cluster, c.TransactionalID}
		if k.moves[id] == nil {
			k.moves[id] = map[string]bool{}
		}
		k.moves[id][c.Group] = true
	case a.Op == lineage.Write && (c.Producer != 0 || c.TransactionalID != "") && maybeInner(a.Topic.Name):
		k.writes = append(k.writes, a)
	case c.Group != "" && c.Member != "" && c.ClientID != "":
		ref, m := lineage.GroupRef{Cluster: a.Topic.Cluster, Group: c.Group}, lineage.Member{ID: c.Member, ClientID: c.ClientID, Host: c.Host}
		if k.seen[ref] == nil {
			k.seen[ref] = map[lineage.Member]bool{}
		}
		k.seen[ref][m] = true
		if _, kind := groupName(c.Group); kind != ownName {
			reading := groupTopic{ref, a.Topic.Name}
			if k.readers[reading] == nil {
				k.readers[reading] = map[lineage.Member]bool{}
			}
			k.readers[reading][m] = true
		}
	}
}

// settle decides what follows from all that was added.
func (k *knowledge) settle() {
	k.settling.Do(func() {
		k.links.settle()
		k.remember()
		k.settleTopics()
		for _, ref := range slices.SortedFunc(maps.Keys(k.apps), compareGroups) {
			key := scoped{environment(k.of(ref.Cluster)), ref.Group}
			k.at[key] = append(k.at[key], ref.Cluster)
		}
		k.settleWriters()
		k.settleConnectors()
		k.settleJobs()
	})
}

// namesOf returns the names of the groups of a cluster's environment. They are taken in at first need.
func (k *knowledge) namesOf(cluster lineage.ClusterID) *groupNames {
	k.listing.Do(func() {
		for ref := range k.groups {
			env := environment(k.of(ref.Cluster))
			if k.names[env] == nil {
				k.names[env] = newGroupNames()
			}
			k.names[env].add(ref.Group)
		}
	})
	return k.names[environment(k.of(cluster))]
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
			k.apps[ref] = byStreams
		} else if firstMatch(faustClient, "faust-", facts.clientIDs) != "" {
			k.apps[ref] = byFaust
		}
	}
}

// settleConnectors makes the transactional.ids of source connectors, less the task's number: Connect makes them of its
// group.id and the connector's name (KIP-618), and a dedicated MirrorMaker 2 has a group.id of its own.
func (k *knowledge) settleConnectors() {
	for ref, g := range k.groups {
		if g.Protocol != "connect" {
			continue
		}
		for _, c := range k.sources {
			id := named{c.kafka, ref.Group + "-" + c.name}
			k.exactly[id] = append(k.exactly[id], c.node) // whose workers' the group is no Connect says
		}
	}
	for _, f := range k.replicators {
		if f.Connect == "" {
			k.exactly[named{f.Target, f.SourceAlias + "-mm2-MirrorSourceConnector"}] = []lineage.Node{f.Node}
		}
	}
}

// member returns the one group whose members bear a name: of the cluster or, where none there does, of its environment.
// Groups of one name are one there. The names are made at first need: few clients have one and no group.
func (k *knowledge) member(cluster lineage.ClusterID, name string) *lineage.GroupFact {
	k.naming.Do(func() {
		k.members = map[scoped][]*lineage.GroupFact{}
		for _, ref := range slices.SortedFunc(maps.Keys(k.groups), compareGroups) {
			f := k.groups[ref]
			for _, m := range f.Members {
				key := scoped{environment(k.of(ref.Cluster)), k.namesOf(ref.Cluster).base(m.ClientID, m.Host, false)}
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
	cluster := a.Topic.Cluster
	name := func(c lineage.Client) string { return k.namesOf(cluster).base(c.ClientID, c.Host, false) }
	if client, by := k.links.join(&a, name); by.Evidence != lineage.NoEvidence {
		a.Client, out.Joined = client, &lineage.Joined{Client: client, By: by}
	}
	c := a.Client
	ref := lineage.GroupRef{Cluster: cluster, Group: c.Group}
	switch {
	case c.Mover.Kind != lineage.NoKind:
		k.toldAs(c.Mover, &out)
		return out
	case c.Kind == lineage.Remainder:
		// faust's producer leaves no id. What grows its own topics is its own.
		if group, ok := k.inner[named{cluster, a.Topic.Name}]; ok && k.apps[lineage.GroupRef{Cluster: cluster, Group: group}] == byFaust {
			k.ofGroup(&out, cluster, group, "its inner topic")
		}
		return out
	case c.Group != "":
		out.Group = k.groups[ref]
		if k.runsIn(ref, &out); out.Runs.Kind != lineage.NoKind {
			return out
		}
		k.ownSink(ref, a, &out)
		if k.apps[ref] != "" {
			k.ofGroup(&out, cluster, c.Group, k.apps[ref])
		} else if _, kind := groupName(c.Group); kind != ownName {
			out.Name, out.NameBy = k.nameless(ref, a.Topic.Name)
		}
		return out
	}
	if l, ok := k.writers[writerRef{cluster: cluster, id: c.Producer}]; ok && c.Producer != 0 && l.group != "" {
		k.ofGroup(&out, cluster, l.group, l.by)
		return out
	}
	if c.TransactionalID != "" {
		if k.runsAs(cluster, c.TransactionalID, &out); out.Runs.Kind != lineage.NoKind {
			return out
		}
		if k.exactlyOnce(a, &out); out.Connector.Kind != lineage.NoKind || len(out.Sharers) > 0 {
			return out
		}
		if l := k.writers[writerRef{cluster: cluster, transactional: c.TransactionalID}]; l.group != "" {
			k.ofGroup(&out, cluster, l.group, l.by)
			return out
		}
	}
	if group, by := k.byConvention(cluster, c); group != "" {
		k.ofGroup(&out, cluster, group, by)
		return out
	}
	k.byName(&out, cluster, c)
	return out
}

// ofGroup says that a client is of a group of the cluster, and how that is known.
func (k *knowledge) ofGroup(out *lineage.Known, cluster lineage.ClusterID, group, by string) {
	ref := lineage.GroupRef{Cluster: cluster, Group: group}
	f := k.groups[ref]
	if k.apps[ref] != "" {
		out.Application, out.By, out.Job = group, by, f
		return
	}
	if f == nil {
		f = &lineage.GroupFact{Ref: ref}
	}
	out.Member, out.MemberBy = f, by
	if _, kind := groupName(group); kind != ownName {
		if out.Name, out.NameBy = k.nameless(ref, ""); out.Name != "" {
			out.NameBy = by
		}
	}
}

// byName finds who a client is by its own ids.
func (k *knowledge) byName(out *lineage.Known, cluster lineage.ClusterID, c lineage.Client) {
	if c.TransactionalID == "" && c.ClientID == "" { // as most writers: the names of the groups need not be known
		out.NameBy = lineage.ByNothing
		return
	}
	names := k.namesOf(cluster)
	for i, id := range [...]string{c.TransactionalID, c.ClientID} {
		name := names.base(id, c.Host, i == 0)
		if name == "" {
			continue
		}
		if home, ok := k.home(cluster, name); ok {
			k.ofGroup(out, home, name, "Kafka Streams application.id")
			if home != cluster {
				out.Home = k.of(home)
			}
			return
		}
		if out.Member = k.member(cluster, name); out.Member != nil {
			if home := out.Member.Ref.Cluster; home != cluster {
				out.Home = k.of(home)
			}
			break
		}
	}
	out.Name, out.NameBy = names.own(c)
}

// home returns the cluster in which there is a Kafka Streams application: the given one, or the only one of its
// environment.
func (k *knowledge) home(cluster lineage.ClusterID, application string) (lineage.ClusterID, bool) {
	if k.apps[lineage.GroupRef{Cluster: cluster, Group: application}] != "" {
		return cluster, true
	}
	if all := k.at[scoped{environment(k.of(cluster)), application}]; len(all) == 1 {
		return all[0], true
	}
	return "", false
}

// exactlyOnce says which source connector writes with a transactional.id: the only one of that name, else the only one
// that is configured to write the topic, else all of them.
func (k *knowledge) exactlyOnce(a lineage.Access, out *lineage.Known) {
	id := a.Client.TransactionalID
	at := strings.LastIndexByte(id, '-')
	if at < 0 || id[at+1:] == "" || strings.Trim(id[at+1:], digits) != "" {
		return
	}
	all := slices.Clone(k.exactly[named{a.Topic.Cluster, id[:at]}])
	slices.SortFunc(all, lineage.Node.Compare)
	all = slices.Compact(all)
	if len(all) > 1 {
		writing := slices.DeleteFunc(slices.Clone(all), func(n lineage.Node) bool {
			return !k.configured[moverTopic{n, lineage.Write, a.Topic.Cluster, a.Topic.Name}]
		})
		if len(writing) > 0 {
			all = writing
		}
	}
	switch len(all) {
	case 0:
	case 1:
		out.Connector = all[0]
	default:
		out.Sharers = all
	}
}
