package identity

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// knowledge links what single accesses do not tell: which topics and producer ids belong to a Kafka Streams application, which groups to a connector, and
// which group's members bear a client's name.
type knowledge struct {
	groups     map[lineage.GroupRef]*lineage.GroupFact
	topics     []topicRef
	connectors map[lineage.GroupRef]lineage.Node // by the group that a sink reads with
	byKafka    map[lineage.ClusterID][]connector
	naming     sync.Once
	members    map[lineage.GroupRef]*lineage.GroupFact // see member; by a member's name in the place of the group; nil: of several groups
	apps       map[lineage.GroupRef]bool               // Kafka Streams applications; the group is the application.id
	inner      map[topicRef]string
	producers  map[producerRef]link
	settled    bool
}

type topicRef struct {
	cluster lineage.ClusterID
	name    string
}

type producerRef struct {
	cluster lineage.ClusterID
	id      lineage.ProducerID
}

// connector is a connector's own name, and the node that it is or is a part of.
type connector struct {
	name string
	node lineage.Node
}

// link is an application and how a client was found to be its.
type link struct{ application, by string }

// NewKnowledge returns a Knowledge that holds nothing yet.
func NewKnowledge() lineage.Knowledge {
	return &knowledge{
		groups: map[lineage.GroupRef]*lineage.GroupFact{}, connectors: map[lineage.GroupRef]lineage.Node{},
		byKafka: map[lineage.ClusterID][]connector{},
		apps:    map[lineage.GroupRef]bool{}, inner: map[topicRef]string{}, producers: map[producerRef]link{},
	}
}

// AddGroup implements lineage.Knowledge.
func (k *knowledge) AddGroup(f *lineage.GroupFact) {
	k.groups[f.Ref] = f
	facts := gather(lineage.Client{Group: f.Ref.Group}, f)
	if streams(&facts) != "" {
		k.apps[f.Ref] = true
	}
}

// member returns the one group of a cluster whose members bear a name. The names are made at first need: few clients have one and no group.
func (k *knowledge) member(cluster lineage.ClusterID, name string) *lineage.GroupFact {
	k.naming.Do(func() {
		k.members = map[lineage.GroupRef]*lineage.GroupFact{}
		for _, f := range k.groups {
			for _, m := range f.Members {
				name := instanceless(m.ClientID, m.Host)
				if name == "" {
					continue
				}
				ref := lineage.GroupRef{Cluster: f.Ref.Cluster, Group: name}
				if old, seen := k.members[ref]; seen && old != f {
					k.members[ref] = nil
				} else {
					k.members[ref] = f
				}
			}
		}
	})
	return k.members[lineage.GroupRef{Cluster: cluster, Group: name}]
}

// AddTopic implements lineage.Knowledge.
func (k *knowledge) AddTopic(cluster lineage.ClusterID, name string) {
	if isInnerName(name) {
		k.topics = append(k.topics, topicRef{cluster, name})
	}
}

// isInnerName reports whether Kafka Streams may have given the name: <application.id>-<store or step>-changelog|repartition, and since Kafka 3.3 -topic for what foreign-key joins need.
func isInnerName(topic string) bool {
	return strings.HasSuffix(topic, "-changelog") || strings.HasSuffix(topic, "-repartition") ||
		strings.HasSuffix(topic, "-subscription-registration-topic") || strings.HasSuffix(topic, "-subscription-response-topic")
}

// AddConnector implements lineage.Knowledge.
func (k *knowledge) AddConnector(n lineage.Node, kafka lineage.ClusterID, f *lineage.ConnectorFact) {
	name, group := n.Name, "connect-"+n.Name
	if f != nil {
		if f.Replicator.Kind != lineage.NoKind {
			n = f.Replicator
		}
		if f.Group != "" {
			group = f.Group
		}
	}
	if f == nil || f.Type != "source" {
		k.connectors[lineage.GroupRef{Cluster: kafka, Group: group}] = n
	}
	k.byKafka[kafka] = append(k.byKafka[kafka], connector{name, n})
}

// settle decides which applications and inner topics there are, once all facts are known. A group whose name stands in front of an inner topic's is an
// application's: the longest one, since one application.id may be the beginning of another.
func (k *knowledge) settle() {
	if k.settled {
		return
	}
	k.settled = true
	for _, t := range k.topics {
		for end := len(t.name); end > 0; {
			end = strings.LastIndexByte(t.name[:end], '-')
			if end <= 0 {
				break
			}
			ref := lineage.GroupRef{Cluster: t.cluster, Group: t.name[:end]}
			// A connector's group may stand in front of such a name too, and so may a share group's: neither is Streams.
			if g := k.groups[ref]; g != nil && k.connectors[ref] == (lineage.Node{}) && (k.apps[ref] || g.Type == "" || g.Type == "Classic") && g.Protocol != "connect" {
				k.apps[ref], k.inner[t] = true, ref.Group
				break
			}
		}
	}
	k.topics = nil
	for _, all := range k.byKafka { // the longest name first: it fits most
		slices.SortFunc(all, func(a, b connector) int {
			return cmp.Or(cmp.Compare(len(b.name), len(a.name)), strings.Compare(a.name, b.name), a.node.Compare(b.node))
		})
	}
}

// AddAccess implements lineage.Knowledge.
func (k *knowledge) AddAccess(a lineage.Access) {
	k.settle()
	if a.Op != lineage.Write || a.Client.Producer == 0 {
		return
	}
	app, ok := k.inner[topicRef{a.Topic.Cluster, a.Topic.Name}]
	if !ok {
		return
	}
	ref := producerRef{a.Topic.Cluster, a.Client.Producer}
	by := "producer id that writes " + a.Topic.Name
	if old, seen := k.producers[ref]; !seen || by < old.by {
		k.producers[ref] = link{app, by}
	}
}

// Inner implements lineage.Knowledge.
func (k *knowledge) Inner(cluster lineage.ClusterID, topic string) (application string, ok bool) {
	k.settle()
	application, ok = k.inner[topicRef{cluster, topic}]
	return application, ok
}

// Of implements lineage.Knowledge.
func (k *knowledge) Of(a lineage.Access) (out lineage.Known) {
	k.settle()
	cluster, c := a.Topic.Cluster, a.Client
	if c.Group != "" {
		ref := lineage.GroupRef{Cluster: cluster, Group: c.Group}
		out.Group, out.Connector = k.groups[ref], k.connectors[ref]
		if k.apps[ref] {
			out.Application, out.By = c.Group, "Kafka Streams group"
		}
		return out
	}
	if l, ok := k.producers[producerRef{cluster, c.Producer}]; ok && c.Producer != 0 {
		out.Application, out.By = l.application, l.by
		return out
	}
	if c.TransactionalID != "" {
		if out.Connector = k.exactlyOnce(cluster, c.TransactionalID); out.Connector.Kind != lineage.NoKind {
			return out
		}
	}
	for _, name := range [...]string{c.TransactionalID, c.ClientID} {
		name = instanceless(name, c.Host)
		if name == "" {
			continue
		}
		if ref := (lineage.GroupRef{Cluster: cluster, Group: name}); k.apps[ref] {
			out.Application, out.By = name, "Kafka Streams application.id"
			return out
		}
		if out.Member = k.member(cluster, name); out.Member != nil {
			return out
		}
	}
	return out
}

// exactlyOnce returns the source connector that writes with a transactional.id: Connect makes it of its group.id, the connector's name and the task's
// number (KIP-618).
func (k *knowledge) exactlyOnce(cluster lineage.ClusterID, id string) lineage.Node {
	at := strings.LastIndexByte(id, '-')
	if at < 0 || id[at+1:] == "" || strings.Trim(id[at+1:], digits) != "" {
		return lineage.Node{}
	}
	for _, c := range k.byKafka[cluster] {
		if strings.HasSuffix(id[:at], "-"+c.name) {
			return c.node
		}
	}
	return lineage.Node{}
}
