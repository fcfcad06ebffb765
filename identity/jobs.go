package identity

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says which stream job a client is that an engine tells of, as Flink does. The engine knows neither group
// nor transactional.id: whose they are stands in the job's fact, which says so only where it is known. And it says
// which mover is meant by the name that it has in its own OpenLineage events.

// job is a stream job that its engine tells of.
type job struct {
	node lineage.Node
	fact *lineage.JobFact
}

// alias says which mover others tell of as a node, and how that is known, in words.
type alias struct {
	as, is lineage.Node
	by     string
}

func (k *knowledge) settleJobs() {
	k.engines, k.told = map[lineage.GroupRef][]job{}, map[lineage.Node][]alias{}
	tell := func(t alias, as lineage.Node) { k.told[as] = append(k.told[as], t) }
	either := func(t alias) { // what only a later event says streams was told of as the other kind
		for _, kind := range [...]lineage.NodeKind{lineage.StreamJobNode, lineage.JobNode} {
			t.as.Kind = kind
			tell(t, t.as)
		}
	}
	for _, j := range k.jobs {
		for _, ref := range j.fact.Reads {
			k.engines[ref] = append(k.engines[ref], j)
		}
		tell(alias{is: j.node, by: j.fact.Engine}, j.node)
		for _, n := range j.fact.Also {
			either(alias{as: n, is: j.node, by: j.fact.Engine + ", by the job's id in its OpenLineage events"})
		}
	}
	for _, t := range k.telling {
		either(t)
	}
}

// toldAs says which job or connector a mover is. One name may be told of several, as where two Flinks run the same job:
// then it stays as it is told.
func (k *knowledge) toldAs(mover lineage.Node, out *lineage.Known) {
	all := k.told[mover]
	if len(all) == 0 || slices.ContainsFunc(all, func(t alias) bool { return t.is != all[0].is }) {
		return
	}
	out.Runs, out.RunsBy = all[0].is, all[0].by
}

// runsIn says whose a group is: a job's where it is one job's alone.
func (k *knowledge) runsIn(ref lineage.GroupRef, out *lineage.Known) {
	if all := k.engines[ref]; len(all) > 0 && alone(all) {
		out.Runs, out.RunsBy = all[0].node, all[0].fact.Engine+", by its group"
	}
}

// runsAs says whose a transactional.id is: the job's whose prefix it has, the longest before others. One that names
// the group of a job is that job's too, as it would be the application's that the group names.
func (k *knowledge) runsAs(cluster lineage.ClusterID, id string, out *lineage.Known) {
	var best []job
	longest := 0
	for _, j := range k.jobs {
		for _, p := range j.fact.Writes {
			if p.Cluster != cluster || p.Prefix == "" || !begins(id, p.Prefix) || len(p.Prefix) < longest {
				continue
			}
			if len(p.Prefix) > longest {
				best, longest = nil, len(p.Prefix)
			}
			best = append(best, j)
		}
	}
	if len(best) > 0 {
		if alone(best) {
			out.Runs, out.RunsBy = best[0].node, best[0].fact.Engine+", by the prefix of its transactional.ids"
		}
		return
	}
	if len(k.engines) == 0 {
		return
	}
	if name := k.namesOf(cluster).base(id, "", true); name != "" {
		if k.runsIn(lineage.GroupRef{Cluster: cluster, Group: name}, out); out.Runs.Kind != lineage.NoKind {
			out.RunsBy += ", whose name its transactional.id bears"
		}
	}
}

// begins reports whether a transactional.id is one of those that Flink makes of a prefix: PREFIX-SUBTASK-NUMBER, with
// more numbers in newer versions.
func begins(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix+"-")
	return ok && rest != "" && strings.Trim(rest, digits+"-") == ""
}

// alone reports whether all are one job.
func alone(all []job) bool {
	return !slices.ContainsFunc(all, func(j job) bool { return j.node != all[0].node })
}
