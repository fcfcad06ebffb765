// Package alias says which watched Kafka cluster somebody means who names it in his own way: by a list of bootstrap
// servers, a namespace of OpenLineage, a URN, the host of a document.
//
// It is pure: what Kafka and the configuration tell of the clusters in, the cluster and the evidence out. An address
// that two clusters have means neither, and what names no address at all is not guessed: the answer then says why, and
// which rule of the configuration would settle it. It never asks a name server or a network, and shows nobody the user
// or the password that may stand in an address.
package alias

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Basis is by what a spelling is known to be a cluster.
type Basis string

// The bases, the strongest first.
const (
	ByRule       Basis = "RULE"       // somebody said so in the configuration
	ByID         Basis = "CLUSTER_ID" // it is the id that the brokers report
	ByBootstrap  Basis = "CONFIGURED" // it holds an address by which the cluster is configured
	ByAdvertised Basis = "ADVERTISED" // it holds an address that a broker of the cluster advertises
	ByName       Basis = "NAME"       // it is the name under which the cluster is configured
)

// Problem is why a spelling is no cluster that can be told.
type Problem string

// The problems.
const (
	NoAddress  Problem = "NO_ADDRESS" // it names none: unknown:unknown, null:-1, nothing at all
	NotWatched Problem = "NOT_WATCHED"
	Ambiguous  Problem = "AMBIGUOUS" // several watched clusters are meant by it
	// Conflicting: the address means something in one network only, and the cluster that has it here has none of the
	// topics.
	Conflicting Problem = "CONFLICTING"
	NotKafka    Problem = "NOT_KAFKA"
	BadRule     Problem = "BAD_RULE" // a rule names a cluster that is not watched
)

// Question is how somebody names a cluster.
type Question struct {
	Spelling string
	From     string   // who does: a namespace of jobs, a source; empty: nobody in particular
	Name     string   // what he calls it besides, which counts where addresses don't tell; empty: nothing
	Topics   []string // which he says are there; none: not said
}

// Answer is which cluster is meant. Cluster is empty where that can't be told.
type Answer struct {
	Spelling string // as it may be shown
	From     string
	Cluster  string // its source
	How      Basis
	Matched  string // the address, name or rule that decided

	Problem    Problem
	Candidates []string // sources of the clusters that it may be
	Why        string   // in words
	Rule       string   // for the configuration, to be copied; empty: no rule would help
}

// Told reports whether the cluster is known.
func (a Answer) Told() bool { return a.Cluster != "" }

// Remedy is what would settle it, in words; empty: nothing has to be.
func (a Answer) Remedy() string {
	switch {
	case a.Rule == "":
		return ""
	case a.Problem == NotWatched:
		return "watch that cluster under clusters; or, if it is watched, say which one it is: " + a.Rule
	default:
		return "say which cluster it is: " + a.Rule
	}
}

// Resolver answers from one state of what is known. It never changes.
type Resolver struct {
	all       []lineage.KnownCluster
	rules     []rule
	addresses map[string][]match
}

type match struct {
	cluster int // its place in all
	how     Basis
}

type rule struct {
	lineage.ClusterRule
	read spelling
}

// New makes a resolver of the watched clusters and the configured rules. Clusters of one id are one cluster, which is
// configured twice: the first stands for both.
func New(clusters []lineage.KnownCluster, rules []lineage.ClusterRule) *Resolver {
	r := &Resolver{all: clusters, addresses: map[string][]match{}}
	for i, c := range clusters {
		at := r.first(i)
		for how, addresses := range map[Basis][]string{ByBootstrap: c.Bootstrap, ByAdvertised: c.Advertised} {
			for _, a := range addresses {
				r.know(a, match{at, how})
			}
		}
	}
	for _, x := range rules {
		r.rules = append(r.rules, rule{x, read(x.Spelling)})
	}
	slices.SortStableFunc(r.rules, func(a, b rule) int { return -cmp.Compare(min(len(a.From), 1), min(len(b.From), 1)) })
	return r
}

// first is the place of the cluster that stands for one.
func (r *Resolver) first(i int) int {
	id := r.all[i].ID
	if id == "" {
		return i
	}
	return slices.IndexFunc(r.all, func(c lineage.KnownCluster) bool { return c.ID == id })
}

// know notes whose an address is. What it is configured by says more than what is advertised.
func (r *Resolver) know(address string, m match) {
	for _, a := range read(address).addresses {
		at := slices.IndexFunc(r.addresses[a], func(o match) bool { return o.cluster == m.cluster })
		switch {
		case at < 0:
			r.addresses[a] = append(r.addresses[a], m)
		case m.how == ByBootstrap:
			r.addresses[a][at].how = ByBootstrap
		}
	}
}

// Resolve says which cluster is meant.
func (r *Resolver) Resolve(q Question) Answer {
	s := read(q.Spelling)
	a := Answer{Spelling: s.shown, From: q.From}
	switch {
	case r.byRule(&a, s):
	case s.other != "":
		a.Problem, a.Why = NotKafka, fmt.Sprintf("it is of %s, not of Kafka", quote(s.other))
	case r.byName(&a, s.names, q.Topics):
	default:
		r.byAddress(&a, s, q)
	}
	if a.Problem != "" && a.Problem != NotKafka && a.Problem != BadRule {
		a.Rule = r.suggest(a, s)
	}
	return a
}

// byRule takes the first rule that fits, those for one sender before those for all.
func (r *Resolver) byRule(a *Answer, s spelling) bool {
	for _, x := range r.rules {
		if x.From != "" && x.From != a.From || !x.read.means(s) {
			continue
		}
		i := slices.IndexFunc(r.all, func(c lineage.KnownCluster) bool { return c.Source == x.Cluster })
		if i < 0 {
			a.Problem, a.Why = BadRule, fmt.Sprintf("the rule for %s names the cluster %s, which is not watched", quote(x.Spelling), quote(x.Cluster))
			return true
		}
		a.Cluster, a.How, a.Matched = r.all[r.first(i)].Source, ByRule, x.read.shown
		return true
	}
	return false
}

// byName takes the cluster whose id or name is spelled. Ids are Kafka's own, and spelled exactly.
func (r *Resolver) byName(a *Answer, names []name, topics []string) bool {
	var found []int
	for _, n := range names {
		for i, c := range r.all {
			how := ByName
			switch {
			case n.text == string(c.ID), n.text == string(c.Reported):
				how = ByID
			case !strings.EqualFold(n.text, c.Source):
				continue
			}
			if i = r.first(i); !slices.Contains(found, i) {
				found = append(found, i)
				a.How, a.Matched = how, n.text
			}
			if n.topic != "" {
				topics = append(slices.Clip(topics), n.whole)
			}
		}
	}
	if len(found) == 0 {
		return false
	}
	if len(found) > 1 {
		r.ambiguous(a, found, "is the name or the id of")
		return true
	}
	a.Cluster = r.all[found[0]].Source
	// a platform instance is followed by a dot and the topic, whose name may begin so itself
	for _, c := range r.all {
		for _, n := range names {
			if _, has := slices.BinarySearch(c.Topics, n.whole); has && n.topic != "" && n.text == a.Matched {
				*a = Answer{Spelling: a.Spelling, From: a.From, Problem: Ambiguous, Candidates: compact(a.Cluster, c.Source)}
				a.Why = fmt.Sprintf("it may be the topic %s of the instance %s, or the topic %s of %s", quote(n.topic), quote(n.text), quote(n.whole), quote(c.Source))
				return true
			}
		}
	}
	return true
}

// byAddress takes the cluster of one of whose addresses one is spelled, else the one that is named besides.
func (r *Resolver) byAddress(a *Answer, s spelling, q Question) {
	var found []int
	for _, address := range s.addresses {
		for _, m := range r.addresses[address] {
			if slices.Contains(found, m.cluster) {
				continue
			}
			if len(found) == 0 {
				a.How, a.Matched = m.how, address
			}
			found = append(found, m.cluster)
		}
	}
	named := r.called(q.Name)
	switch {
	case len(found) == 1 && r.strange(found[0], a.Matched, q.Topics):
		c := r.all[found[0]]
		*a = Answer{Spelling: a.Spelling, From: a.From, Problem: Conflicting, Candidates: []string{c.Source}}
		a.Why = fmt.Sprintf("%s means something in one network only: the cluster %s has that address here, and not one of the topics that are said to be there", quote(s.addresses[0]), quote(c.Source))
	case len(found) == 1:
		a.Cluster = r.all[found[0]].Source
	case named >= 0 && (len(found) == 0 || slices.Contains(found, named)):
		a.Cluster, a.How, a.Matched = r.all[named].Source, ByName, q.Name
	case len(found) > 1:
		r.ambiguous(a, found, "holds addresses of")
	case len(s.addresses)+len(s.names) == 0:
		a.Problem, a.Why = NoAddress, cmp.Or(s.why, "it names no address")
	default:
		a.Problem, a.Why = NotWatched, "no watched cluster has "+r.lacked(s)
		a.Candidates = r.onHost(s)
	}
}

func (r *Resolver) lacked(s spelling) string {
	if len(s.addresses) > 0 {
		return "a broker at " + quote(strings.Join(s.addresses, ","))
	}
	return "that name or id, and it holds no port"
}

// onHost are the clusters with a broker on a host of which no port, or another one, is spelled.
func (r *Resolver) onHost(s spelling) (sources []string) {
	for known, matches := range r.addresses {
		host := known[:strings.LastIndexByte(known, ':')]
		on := slices.ContainsFunc(s.names, func(n name) bool { return n.topic == "" && strings.EqualFold(n.text, host) })
		on = on || slices.ContainsFunc(s.addresses, func(a string) bool { return strings.HasPrefix(a, host+":") })
		for _, m := range matches {
			if on {
				sources = append(sources, r.all[m.cluster].Source)
			}
		}
	}
	return compact(sources...)
}

// strange reports whether an address that means something in one network only is said to hold topics of which the
// cluster that has it here has none.
func (r *Resolver) strange(at int, address string, topics []string) bool {
	c := r.all[at]
	if len(topics) == 0 || c.Topics == nil || !local(address) {
		return false
	}
	return !slices.ContainsFunc(topics, func(t string) bool {
		_, has := slices.BinarySearch(c.Topics, t)
		return has
	})
}

// called is the place of the cluster that is configured under a name; -1: there is none.
func (r *Resolver) called(source string) int {
	i := slices.IndexFunc(r.all, func(c lineage.KnownCluster) bool { return c.Source == source && source != "" })
	if i < 0 {
		return i
	}
	return r.first(i)
}

func (r *Resolver) ambiguous(a *Answer, found []int, does string) {
	var sources []string
	for _, i := range found {
		sources = append(sources, r.all[i].Source)
	}
	*a = Answer{Spelling: a.Spelling, From: a.From, Problem: Ambiguous, Candidates: compact(sources...)}
	a.Why = "it " + does + " several watched clusters: " + strings.Join(quoteAll(a.Candidates), ", ")
}

// suggest is the rule that would settle it. Where it is not known which cluster is meant, a word stands for it.
func (r *Resolver) suggest(a Answer, s spelling) string {
	is := "NAME"
	switch {
	case len(a.Candidates) == 1:
		is = a.Candidates[0]
	case len(r.all) == 1 && a.Problem == NoAddress:
		is = r.all[0].Source
	}
	from := ""
	if a.From != "" && (a.Problem != NotWatched || slices.ContainsFunc(s.addresses, local)) {
		from = "from: " + scalar(a.From) + ", "
	}
	text := s.shown
	if len(s.addresses) > 0 {
		text = s.addresses[0]
	}
	return "cluster_aliases: [{spelling: " + scalar(text) + ", " + from + "cluster: " + scalar(is) + "}]"
}
