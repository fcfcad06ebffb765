package timeseries

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Links that are of no topic, as those of a producer id that a broker gave out, are of concern to the topics of whose
// writers they say something: those are found by the identities that both name.

// linkedID is an identity of a client in a cluster. Exactly one of the fields behind the cluster is set.
type linkedID struct {
	cluster       lineage.ClusterID
	producer      lineage.ProducerID
	transactional string
	instance      string
	clientID      string
}

// linkedIDs returns the identities by which an access' client is looked for.
func linkedIDs(a *lineage.Access) (out []linkedID) {
	c, cluster := &a.Client, a.Topic.Cluster
	if c.Producer != 0 {
		out = append(out, linkedID{cluster: cluster, producer: c.Producer})
	}
	if c.TransactionalID != "" {
		out = append(out, linkedID{cluster: cluster, transactional: c.TransactionalID})
	}
	if c.Instance != "" {
		out = append(out, linkedID{cluster: cluster, instance: c.Instance})
	}
	if c.ClientID != "" {
		out = append(out, linkedID{cluster: cluster, clientID: c.ClientID})
	}
	return out
}

// linksOf returns the links of no topic that say something of those who are told of, or of whom these lead to.
func (l *ledgers) linksOf(told []*series) (out []*series) {
	if len(l.links) == 0 {
		return nil
	}
	seen := map[linkedID]bool{}
	found := map[*series]bool{}
	var look func(a *lineage.Access)
	look = func(a *lineage.Access) {
		for _, id := range linkedIDs(a) {
			if seen[id] {
				continue
			}
			seen[id] = true
			for _, s := range l.links[id] {
				if !found[s] {
					found[s] = true
					out = append(out, s)
					look(&s.subject.entry.access)
				}
			}
		}
	}
	for _, s := range told {
		look(&s.subject.entry.access)
	}
	return out
}

// markLinked notes that a link of no topic has changed: for the topics where somebody is claimed to write whom it is
// about, it holds for all of the past.
func (l *ledgers) markLinked(a *lineage.Access) {
	for _, y := range l.named[topicName{a.Topic.Cluster, ""}] {
		if y.claims && slices.ContainsFunc(l.linksOf(y.told), func(s *series) bool { return s.subject.entry.access == *a }) {
			l.markLate(y, 0)
		}
	}
}
