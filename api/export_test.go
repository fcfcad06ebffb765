package api

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Direct returns a function that makes, without GraphQL, the answer that BenchmarkLineage100HTTP asks for, and returns
// how many nodes and flows it has.
func Direct(h answer.History, who answer.Identity, config []answer.ClusterConfig, log *slog.Logger) func(context.Context, string, lineage.Window) int {
	a := &resolver{answers: answer.New(answer.Options{History: h, Identity: func() answer.Identity { return who }, Clusters: config}), log: log}
	return func(ctx context.Context, root string, w lineage.Window) int {
		l, err := a.lineage(ctx, lineageArgs{
			roots: []string{root}, direction: graph.Both, depth: 3, window: WindowInput{Start: &w.Start, End: &w.End}, includeInactive: true, limit: 300,
		})
		if err != nil {
			panic(err)
		}
		n := 0
		for _, x := range l.Nodes() {
			switch x := x.(type) {
			case *Topic:
				_, _, _ = x.ID(), x.Owner(), x.Tags()
			case *Application:
				_, _, _ = x.ID(), x.Owner(), x.Tags()
			case *Unidentified:
				_, _, _ = x.ID(), x.Owner(), x.Tags()
			}
			n++
		}
		for _, f := range l.Flows() {
			_, _, _ = f.ID(), f.Active(), f.RecordsPerSecond()
			n++
		}
		return n
	}
}

// WrittenFields returns the names of the fields that are written by this package where the generated executor could, by
// the type that has them: those without fields of their own.
func WrittenFields() map[string][]string {
	out := map[string][]string{"Flow": slices.Sorted(maps.Keys(flowFields)), "Cluster": slices.Sorted(maps.Keys(clusterFields)), "Evidence": slices.Sorted(maps.Keys(evidenceFields))}
	for i, t := range nodeTypes {
		out[t[0]] = slices.Sorted(maps.Keys(ownFields[i]))
	}
	out["Node"] = slices.Sorted(maps.Keys(nodeFields))
	return out
}
