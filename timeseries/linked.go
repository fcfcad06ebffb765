package timeseries

import (
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

// linked returns the links of no topic that say something of who bears some identities, or of whom these lead to, and
// all the identities that are reached so, the given ones first.
func (l *ledgers) linked(ids []linkedID) (links []*series, reached []linkedID) {
	seen := map[linkedID]bool{}
	reach := func(ids []linkedID) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				reached = append(reached, id)
			}
		}
	}
	reach(ids)
	found := map[*series]bool{}
	for i := 0; i < len(reached); i++ {
		for _, s := range l.links[reached[i]] {
			if !found[s] {
				found[s] = true
				links = append(links, s)
				reach(linkedIDs(&s.subject.entry.access))
			}
		}
	}
	return links, reached
}

// linksOf returns the links of no topic that say something of those who are told of, or of whom these lead to.
func (l *ledgers) linksOf(told []*series) []*series {
	if len(l.links) == 0 {
		return nil
	}
	var ids []linkedID
	for _, s := range told {
		ids = append(ids, linkedIDs(&s.subject.entry.access)...)
	}
	links, _ := l.linked(ids)
	return links
}

// claim notes that somebody claims to write a topic, or is linked: from now on links are of concern to it.
func (l *ledgers) claim(x *ledger) {
	if x.claims {
		return
	}
	x.claims = true
	for _, s := range x.told {
		l.concern(x, s)
	}
}

// concern files a topic with claims under the identities of one who is told of.
func (l *ledgers) concern(x *ledger, s *series) {
	for _, id := range linkedIDs(&s.subject.entry.access) {
		// What is told of one client mostly comes in a row; that it may be filed twice does no harm.
		if of := l.concerned[id]; len(of) == 0 || of[len(of)-1] != x {
			l.concerned[id] = append(of, x)
		}
	}
}

// markLinked notes that a link of no topic has changed: for the topics where somebody is claimed to write whom it is
// about, it holds for all of the past. It costs what it concerns, however many topics there are.
func (l *ledgers) markLinked(a *lineage.Access) {
	_, reached := l.linked(linkedIDs(a))
	for _, id := range reached {
		for _, y := range l.concerned[id] {
			l.markLate(y, 0)
		}
	}
}
