package answer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// common is what views have in common that are of the same accesses and the same facts, by the same rules: who
// everybody is, and what is filed under whom. Nothing of it hangs on what moved, when, and how much. Most rounds change
// none of it, so that nearly all views have it from the one before. It never changes.
type common struct {
	// What it follows from.
	access    []*lineage.Access // by row
	firstSeen []time.Time
	topicRow  int // the first of a topic
	links     []lineage.Link
	facts     []lineage.DatedFact
	identity  Identity
	clusters  []namedCluster
	roll      *graph.Roll

	// What follows.
	who           []who   // by row
	kept          []int32 // the rows of those of them that have a place in the view, in their order
	topics        map[lineage.Node]*topicView
	ends          map[lineage.Node]*accessesOf
	datasets      map[lineage.Node]*accessesOf
	groups        map[lineage.GroupRef]lineage.Fact
	movers        movers
	knows         lineage.Knowledge
	connectGroups map[lineage.ClusterID][]string
	mirrored      map[lineage.ClusterID]map[string]bool
	mixed         map[lineage.Node]bool
	joined        map[lineage.Node]joined
	accounts      map[lineage.Node]bool
	rolled        *rolled
}

// namedCluster is a cluster as a view calls it.
type namedCluster struct {
	source string
	known  lineage.Cluster
}

func (cs *clusters) named() []namedCluster {
	out := make([]namedCluster, len(cs.all))
	for i, c := range cs.all {
		out[i] = namedCluster{c.source, c.known}
	}
	return out
}

// rolled are the numbers on a roll by those in a view, which are found once.
type rolled struct {
	find    sync.Once // guards numbers
	numbers []uint32
}

// sharesAll reports whether what a view finds out of who everybody is follows from what a common is of, and from
// nothing else: through a lens some are hidden, a connector that is gone is known by when the window began, and what
// belongs to clusters that are watched no more hangs on what happened.
func (v *View) sharesAll() bool {
	return v.lens == All && len(v.strange()) == 0 &&
		!slices.ContainsFunc(v.held.FactsOf(lineage.ConnectorFacts), func(f lineage.DatedFact) bool { return f.Gone })
}

// ofCommon makes a view that was just begun of what it has in common with the one that was named last. It returns
// false where that is not all of it: the view is then of no use.
func (v *View) ofCommon(ctx context.Context, c *common) (fits bool, err error) {
	if c == nil || !v.sharesAll() || !c.of(v) {
		return false, nil
	}
	held := *v.held // the columns that are the same are held once
	held.Rows.Access, held.Rows.FirstSeen, held.Links = c.access, c.firstSeen, c.links
	v.held, v.common, v.classified = &held, c, true
	v.topics, v.ends, v.datasets, v.groups, v.movers, v.knows = c.topics, c.ends, c.datasets, c.groups, c.movers, c.knows
	v.connectGroups, v.mirrored, v.mixed, v.joined, v.accounts, v.rolled = c.connectGroups, c.mirrored, c.mixed, c.joined, c.accounts, c.rolled
	v.accesses = make([]access, len(c.who))
	for i := range v.accesses {
		v.accesses[i] = access{who: &c.who[i], inWindow: held.Rows.Seen[i] != 0}
	}
	if err := v.decide(ctx); err != nil {
		return false, err
	}
	if len(v.accesses) != len(c.kept) {
		return false, nil // others have a place in it
	}
	for i := range v.accesses {
		if v.accesses[i].who != &c.who[c.kept[i]] {
			return false, nil
		}
	}
	return true, nil
}

// beCommon offers what the view found out to those to come, where it follows from what a common is of. all is who has
// an access, by row.
func (v *View) beCommon(all []who) {
	if !v.sharesAll() {
		return
	}
	c := &common{
		access: v.held.Rows.Access, firstSeen: v.held.Rows.FirstSeen, topicRow: v.held.Rows.Topics, links: v.held.Links, facts: v.held.Facts,
		identity: v.identity, clusters: v.clusters.named(), roll: v.roll,
		who: all, kept: make([]int32, len(v.accesses)), topics: v.topics, ends: v.ends, datasets: v.datasets, groups: v.groups, movers: v.movers, knows: v.knows,
		connectGroups: v.connectGroups, mirrored: v.mirrored, mixed: v.mixed, joined: v.joined, accounts: v.accounts, rolled: v.rolled,
	}
	for i := range v.accesses {
		x := v.accesses[i].who
		if x != &all[x.row] {
			return // it was given to another by what moved
		}
		c.kept[i] = x.row
	}
	v.common = c
	v.a.common.Store(c)
}

// of reports whether a view that was just begun is of what a common follows from.
func (c *common) of(v *View) bool {
	r := &v.held.Rows
	return c.identity == v.identity && c.roll == v.roll && c.topicRow == r.Topics && sameAll(c.access, r.Access, same) && sameAll(c.firstSeen, r.FirstSeen, time.Time.Equal) &&
		sameAll(c.links, v.held.Links, same) && slices.Equal(c.clusters, v.clusters.named()) &&
		sameAll(c.facts, v.held.Facts, func(a, b lineage.DatedFact) bool {
			// What a cluster says of itself, as how many topics it has, names nobody, but for its id.
			return a.Key.Kind == lineage.ClusterFacts && b.Key.Kind == lineage.ClusterFacts || sameDated(&a, &b)
		})
}

// sameAll reports whether two lists are the same, at once where they are one.
func sameAll[T any](a, b []T, same func(a, b T) bool) bool {
	return isOne(a, b) || slices.EqualFunc(a, b, same)
}

// isOne reports whether two lists are one in memory.
func isOne[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func same[T comparable](a, b T) bool { return a == b }

// sameDated reports whether two facts are one: they point to the same, as what was told once does.
func sameDated(a, b *lineage.DatedFact) bool {
	if !a.Since.Equal(b.Since) || !sameFact(&a.Fact, &b.Fact) || (a.Before == nil) != (b.Before == nil) {
		return false
	}
	return a.Before == nil || sameFact(a.Before, b.Before)
}

func sameFact(a, b *lineage.Fact) bool {
	return a.Gone == b.Gone && a.Topic == b.Topic && a.Group == b.Group && a.Cluster == b.Cluster && a.Connect == b.Connect && a.Connector == b.Connector &&
		a.Replicator == b.Replicator && a.Source == b.Source && a.Permission == b.Permission && a.Ways == b.Ways && len(a.BlindSpots)+len(b.BlindSpots) == 0 && a.Key == b.Key
}
