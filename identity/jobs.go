package identity

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says which stream job a client is that an engine tells of, as Flink does. The engine knows neither group
// nor transactional.id: whose they are stands in the job's fact, which says so only where it is known.

// job is a stream job that its engine tells of.
type job struct {
	node lineage.Node
	fact *lineage.JobFact
}

func (k *knowledge) settleJobs() {
	k.engines, k.told = map[lineage.GroupRef][]job{}, map[lineage.Node][]job{}
	for _, j := range k.jobs {
		for _, ref := range j.fact.Reads {
			k.engines[ref] = append(k.engines[ref], j)
		}
		k.told[j.node] = append(k.told[j.node], j)
		for _, n := range j.fact.Also {
			for _, kind := range [...]lineage.NodeKind{lineage.StreamJobNode, lineage.JobNode} {
				n.Kind = kind
				k.told[n] = append(k.told[n], j)
			}
		}
	}
}

// toldAs says which job a mover is. One name may be told of several, as where two Flinks run the same job: then it
// stays as it is told.
func (k *knowledge) toldAs(mover lineage.Node, out *lineage.Known) {
	all := k.told[mover]
	if len(all) == 0 || !alone(all) {
		return
	}
	out.Runs, out.RunsBy = all[0].node, all[0].fact.Engine
	if mover != all[0].node {
		out.RunsBy += ", by the job's id in its OpenLineage events"
	}
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
