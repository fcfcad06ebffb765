package flink

import (
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Application clusters of high availability have one job each, all of them under the id of zeros: two of one name, at
// two Flinks, are two nodes, and what OpenLineage tells under that id is neither's.
func TestTwoClustersOfOneJobID(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	board := &collector.Board{}
	told := lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "copy"}
	board.SetJobRun(zero, collector.JobRun{Node: told, Writes: true})
	seen := map[lineage.Node]bool{}
	for _, name := range []string{"flink-west", "flink-east"} {
		w := newWorld(t, func(c *Config) { c.Name, c.Board = name, board })
		w.m.clone(leastJob, zero, 1)
		w.m.list(func(all []map[string]any) []map[string]any {
			all[len(all)-1]["name"] = "copy"
			return all[len(all)-1:]
		})
		w.rounds(4)
		f := w.facts["copy"]
		if f.Job == nil || f.Job.ID != zero || len(f.Job.Also) > 0 || !w.spotted("which OpenLineage events job copy sends") {
			t.Errorf("%s tells %+v; %v", name, f.Job, w.spots)
		}
		seen[lineage.Node{Scope: f.Key.Source, Kind: lineage.StreamJobNode, Name: f.Key.Name}] = true
	}
	if len(seen) != 2 || seen[told] {
		t.Errorf("the jobs are %v", seen)
	}
}
