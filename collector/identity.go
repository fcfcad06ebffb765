package collector

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Claim is one source's word of which cluster it watches.
type Claim struct {
	Source   string            // the name under which the cluster is configured
	Reported lineage.ClusterID // as its brokers report it
	// under which it is kept: as reported, unless another cluster that is watched reports the same
	ID lineage.ClusterID
	// addresses of its brokers as they advertise them, host:port; empty while it was not reached
	Advertised []string
	// Topics are the ids of some of its topics; nil: not told.
	Topics map[lineage.TopicID]bool
}

// Twin is what another watched cluster that reports the same id is to one's own.
type Twin struct {
	Claim
	// First: it was claimed before one's own.
	First bool
	// Same: a broker of both has one address, so that they are one cluster, configured twice.
	Same bool
	// Alike: they have topics of the same ids. Then one is a copy of the other's disks, or both are one cluster that is
	// reached by two listeners.
	Alike bool
}

// RememberCluster claims the id under which a source has kept its cluster in an earlier run, before any source starts:
// so who had an id keeps it, whoever is faster.
func (b *Board) RememberCluster(source string, id lineage.ClusterID) {
	if b == nil || id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := Claim{Source: source, ID: id, Reported: Unqualified(source, id)}
	b.claims = append(slices.DeleteFunc(b.claims, func(o Claim) bool { return o.Source == source }), c)
}

// ClaimCluster says which cluster a source sees, and returns the id under which it is to be kept, and another one that
// reports the same id, if there is one. What was claimed first stands; an id that the source has had stays (c.ID, empty
// where it had none). It is called each round, since addresses and topics change.
func (b *Board) ClaimCluster(c Claim) (id lineage.ClusterID, twin *Twin) {
	if b == nil {
		return c.own(), nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.ID == "" {
		c.ID = c.Reported
	}
	at := slices.IndexFunc(b.claims, func(o Claim) bool { return o.Source == c.Source })
	if at < 0 {
		at = len(b.claims)
		b.claims = append(b.claims, c)
	}
	for i, other := range b.claims {
		if i == at || other.Reported != c.Reported {
			continue
		}
		shared := func(a string) bool { return slices.Contains(other.Advertised, a) }
		t := Twin{Claim: other, First: i < at, Same: slices.ContainsFunc(c.Advertised, shared)}
		for id := range c.Topics {
			t.Alike = t.Alike || other.Topics[id]
		}
		if twin == nil || t.Same {
			twin = &t
		}
		if t.First && other.ID == c.ID {
			c.ID = qualified(c)
		}
	}
	b.claims[at] = c
	return c.ID, twin
}

// own is the id of a cluster that shares it with none.
func (c Claim) own() lineage.ClusterID {
	if c.ID != "" {
		return c.ID
	}
	return c.Reported
}

// qualified is the id of a cluster that is not the first with the one that it reports. It is the same at each start, as
// long as the name is.
func qualified(c Claim) lineage.ClusterID { return c.Reported + "@" + lineage.ClusterID(c.Source) }

// Unqualified is the id that the brokers of a source's cluster report, of the one under which it is kept.
func Unqualified(source string, id lineage.ClusterID) lineage.ClusterID {
	return lineage.ClusterID(strings.TrimSuffix(string(id), "@"+source))
}

// Disclaim says that a source sees no cluster of its own any more, or that the one that it claimed is another's too.
func (b *Board) Disclaim(source string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claims = slices.DeleteFunc(b.claims, func(o Claim) bool { return o.Source == source })
}

// Earlier reports whether a cluster that was announced before the source was not seen yet: it may have the better
// claim.
func (b *Board) Earlier(source string) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.order {
		if s == source {
			return false
		}
		if b.awaited[s] {
			return true
		}
	}
	return false
}

// Reported returns the watched clusters whose brokers report an id. There are several where clusters have the same one.
func (b *Board) Reported(id lineage.ClusterID) (all []Watched) {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.clusters {
		if w.Reported == id {
			all = append(all, w)
		}
	}
	return all
}
