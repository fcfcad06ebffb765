package closing

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/ledger"
)

// difference is what is otherwise than an account has it. Where less of a cluster is held now than was observed when
// the account was made, as after its data was damaged, set aside or deleted, that is no evidence of anything: what
// stands of it stays, and what more there is is said. Where all that was said to be used still is, and nothing of the
// time is told to be lost, a source was found only later to have seen nothing: then less was observed than was said.
type difference struct {
	usage    []ledger.Usage
	gone     []ledger.Withdrawal
	coverage []ledger.Coverage
}

func differ(is *ledger.Account, usage []ledger.Usage, coverage []ledger.Coverage) (d difference) {
	var lost map[string]bool
	d.coverage, lost = uncovered(is.Coverage, coverage, standing(is.Statements, usage))
	isLost := func(topic string) bool { return lost[clusterOf(topic)] }
	type key struct{ topic, operation, node string }
	was := make(map[key]*ledger.Statement, len(is.Statements))
	for i := range is.Statements {
		b := &is.Statements[i]
		was[key{b.Topic, b.Operation, b.Node}] = b
	}
	for i := range usage {
		u := usage[i]
		k := key{u.Topic, u.Operation, u.Node}
		b := was[k]
		delete(was, k)
		if b != nil {
			if same(&b.Usage, &u) || isLost(u.Topic) && !saysMore(&u, &b.Usage) {
				continue
			}
			u.Amends = &b.Index
		}
		d.usage = append(d.usage, u)
	}
	for i := range is.Statements {
		b := &is.Statements[i]
		if was[key{b.Topic, b.Operation, b.Node}] == b && !isLost(b.Topic) {
			d.gone = append(d.gone, ledger.Withdrawal{Amends: b.Index, Topic: b.Topic, Operation: b.Operation, Node: b.Node})
		}
	}
	return d
}

// standing returns of which clusters something was said to be used, all of which still is, by as many records at least.
func standing(was []ledger.Statement, now []ledger.Usage) map[string]bool {
	type key struct{ topic, operation, node string }
	is := make(map[key]*ledger.Usage, len(now))
	for i := range now {
		is[key{now[i].Topic, now[i].Operation, now[i].Node}] = &now[i]
	}
	out := map[string]bool{}
	for i := range was {
		b := &was[i].Usage
		cluster := clusterOf(b.Topic)
		u := is[key{b.Topic, b.Operation, b.Node}]
		all, known := out[cluster]
		out[cluster] = (all || !known) && u != nil && (equal(u.Records, b.Records) || saysMore(u, b))
	}
	return out
}

// losses begin the reasons of gaps that are the store's: what was observed then is not held.
var losses = []string{"damaged", "quarantined", "not stored"}

// isLost reports whether a part of what was observed is told not to be held.
func isLost(c ledger.Coverage) bool {
	return slices.ContainsFunc(c.Gaps, func(g ledger.Gap) bool {
		return slices.ContainsFunc(losses, func(how string) bool { return strings.HasPrefix(g.Reason, how) })
	})
}

// clusterOf returns the cluster of a topic's id, as the id has it.
func clusterOf(topic string) string {
	_, rest, _ := strings.Cut(topic, ":")
	cluster, _, _ := strings.Cut(rest, "/")
	return cluster
}

// saysMore reports whether a use is known to be of more records than stand of it.
func saysMore(u, b *ledger.Usage) bool {
	return u.Records != nil && (b.Records == nil || *u.Records > *b.Records)
}

// same reports whether two accounts of a use say the same of it. Owners and tags are by rules, and were right when they
// were written; persons may have been erased since, and words of evidence and bytes follow what the rest says.
func same(a, b *ledger.Usage) bool {
	if a.ClientCount != b.ClientCount || a.Estimated != b.Estimated || a.Observed != b.Observed || len(a.Evidence) != len(b.Evidence) {
		return false
	}
	for i := range a.Evidence {
		if a.Evidence[i].Kind != b.Evidence[i].Kind {
			return false
		}
	}
	return equal(a.Active, b.Active) && equal(a.Records, b.Records) && equal(a.Skipped, b.Skipped) && equal(a.Lost, b.Lost)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// uncovered returns the coverage that is otherwise than it was said, and of which clusters less is held now than was
// observed and is held no more. Of those where all stands that was said to be used, less was observed.
func uncovered(before, now []ledger.Coverage, stands map[string]bool) (out []ledger.Coverage, lost map[string]bool) {
	type observed struct {
		complete    bool
		part        int64
		gaps, spots int
	}
	of := func(c ledger.Coverage) observed {
		return observed{c.Complete, c.Observed, c.GapCount, c.BlindSpotCount}
	}
	is, damaged := map[string]observed{}, map[string]bool{}
	for _, c := range now {
		is[c.Cluster], damaged[c.Cluster] = of(c), isLost(c)
	}
	was := map[string]observed{}
	lost = map[string]bool{}
	for _, c := range before {
		was[c.Cluster] = of(c)
		_, held := is[c.Cluster]
		later := held && !damaged[c.Cluster] && stands[c.Cluster]
		lost[c.Cluster] = is[c.Cluster].part < c.Observed && !later
	}
	for _, c := range now {
		if b, ok := was[c.Cluster]; !lost[c.Cluster] && (!ok || b != of(c)) {
			out = append(out, c)
		}
	}
	return out, lost
}
