package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells which watched cluster somebody means who spells it in his own way, and remembers who did.

// mostSpellings bounds how many ways to spell a cluster are remembered. Who answers does not depend on it.
const mostSpellings = 1000

// mostDoubted bounds how many of the topics that cast doubt on a spelling are remembered.
const mostDoubted = 20

// spelled is one way in which somebody spells a cluster.
type spelled struct{ text, from, name string }

// saidSo is who told of a spelling, and topics that he said are there where that cast doubt on it, at last.
type saidSo struct {
	by      map[string]bool // sources
	doubted []string
}

// Spelling is how somebody spells a cluster, and which one that is as far as is known now.
type Spelling struct {
	alias.Answer
	By []string // the sources that were told so, sorted
}

// Configure says by what the configuration knows the watched clusters, in their order, and which rules it has for the
// spellings of others. It may be called again.
func (b *Board) Configure(clusters []lineage.KnownCluster, rules []lineage.ClusterRule) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.configured, b.rules, b.aliases = clusters, rules, nil
}

// SayDouble says that what is configured under a name is the cluster of an id, which is watched under another name.
func (b *Board) SayDouble(source string, id lineage.ClusterID) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doubles == nil {
		b.doubles = map[string]lineage.ClusterID{}
	}
	b.doubles[source], b.aliases = id, nil
}

// Known returns by what the watched clusters are known, and the rules for the spellings of others. Whoever gets them
// must not change them.
func (b *Board) Known() ([]lineage.KnownCluster, []lineage.ClusterRule) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known(), b.rules
}

// known is Known under the lock.
func (b *Board) known() (all []lineage.KnownCluster) {
	all = slices.Clone(b.configured)
	for _, source := range slices.Sorted(maps.Keys(b.clusters)) {
		if !slices.ContainsFunc(all, func(c lineage.KnownCluster) bool { return c.Source == source }) {
			all = append(all, lineage.KnownCluster{Source: source})
		}
	}
	for i := range all {
		c := &all[i]
		if w, seen := b.clusters[c.Source]; seen {
			c.ID, c.Reported, c.Topics = w.ID, w.Reported, w.Topics
			c.Advertised = slices.Concat(w.Advertised, w.Listeners)
			c.Bootstrap = slices.Concat(c.Bootstrap, w.Bootstrap)
		}
		c.ID = cmp.Or(c.ID, b.doubles[c.Source])
	}
	return all
}

// Resolve says which watched cluster somebody means, and remembers that he spells it so. by is the source that was told
// of it.
func (b *Board) Resolve(by string, q alias.Question) (Watched, alias.Answer) {
	if b == nil {
		return Watched{}, alias.New(nil, nil).Resolve(q)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.resolver().Resolve(q)
	b.remember(by, q, a)
	return b.clusters[a.Cluster], a
}

// Look says which watched cluster somebody means, and does not remember that he spells it so.
func (b *Board) Look(q alias.Question) alias.Answer {
	if b == nil {
		return alias.New(nil, nil).Resolve(q)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resolver().Resolve(q)
}

// resolver is made anew when something else is known. The caller holds the lock.
func (b *Board) resolver() *alias.Resolver {
	if b.aliases == nil {
		b.aliases = alias.New(b.known(), b.rules)
	}
	return b.aliases
}

// remember notes who spells a cluster how, and what makes that doubtful. The caller holds the lock.
func (b *Board) remember(by string, q alias.Question, a alias.Answer) {
	key := spelled{q.Spelling, q.From, q.Name}
	if b.asked == nil {
		b.asked = map[spelled]*saidSo{}
	}
	said := b.asked[key]
	if said == nil {
		if len(b.asked) >= mostSpellings {
			b.moreAsked = true
			return
		}
		said = &saidSo{by: map[string]bool{}}
		b.asked[key] = said
	}
	said.by[by] = true
	if a.Problem == alias.Conflicting {
		said.doubted = slices.Clone(q.Topics[:min(len(q.Topics), mostDoubted)])
	}
}

// Find returns the watched cluster that somebody else knows by bootstrap addresses or, where these don't tell, by an
// alias: names say which source name an alias means, else it may be one itself. Addresses decide, since two people give
// two clusters one alias more easily than one address; where several clusters have one of them the alias decides
// between these. ok is false when no watched cluster is known to be meant, and the answer says why. by is the source
// that asks.
func (b *Board) Find(by, called string, bootstrap []string, names map[string]string) (w Watched, a alias.Answer, ok bool) {
	w, a = b.Resolve(by, alias.Question{Spelling: strings.Join(bootstrap, ","), From: by, Name: cmp.Or(names[called], called)})
	return w, a, w.Source != ""
}

// Spellings returns how clusters were spelled that lineaged was told of, in order, and which they are as far as is
// known now. full is said where there are more of them than are remembered.
func (b *Board) Spellings() (all []Spelling, full bool) {
	if b == nil {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for q, said := range b.asked {
		a := b.resolver().Resolve(alias.Question{Spelling: q.text, From: q.from, Name: q.name, Topics: said.doubted})
		a.Spelling = cmp.Or(a.Spelling, q.name)
		all = append(all, Spelling{a, slices.Sorted(maps.Keys(said.by))})
	}
	slices.SortFunc(all, func(x, y Spelling) int {
		return cmp.Or(strings.Compare(x.Spelling, y.Spelling), strings.Compare(x.From, y.From))
	})
	return all, b.moreAsked
}
