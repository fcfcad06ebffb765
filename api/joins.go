package api

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// mostSuggestions bounds suggestedJoins: nobody reads more pairs at once.
const mostSuggestions = 100

// suggestedJoins answers the root field of that name.
func (a *answerer) suggestedJoins(ctx context.Context, window *WindowInput) ([]SuggestedJoin, error) {
	v, err := a.viewOrNewest(ctx, window)
	if err != nil {
		return nil, err
	}
	pairs := v.identity.Alike(v.usages())
	pairs = pairs[:min(len(pairs), mostSuggestions)]
	nodes := make([]lineage.Node, 0, 2*len(pairs))
	for _, p := range pairs {
		nodes = append(nodes, p.A, p.B)
	}
	r := newRows(v, nodes, nil)
	out := make([]SuggestedJoin, 0, len(pairs))
	for _, p := range pairs {
		out = append(out, SuggestedJoin{A: r.nodes[p.A], B: r.nodes[p.B], Reason: p.Reason, Rule: p.Rule})
	}
	return out, nil
}

// usages says what each application does, in a fixed order.
func (v *view) usages() []lineage.Usage {
	var out []lineage.Usage
	for n, end := range v.ends {
		if n.Kind != lineage.ApplicationNode {
			continue
		}
		u := lineage.Usage{Node: n, Reads: len(end.reads) > 0, Writes: len(end.writes) > 0}
		for _, i := range v.accessesOf(n) {
			c := &v.accesses[i].Access.Client
			u.Groups, u.Transactionals, u.ClientIDs = addName(u.Groups, c.Group), addName(u.Transactionals, c.TransactionalID), addName(u.ClientIDs, c.ClientID)
		}
		slices.Sort(u.Groups)
		slices.Sort(u.Transactionals)
		slices.Sort(u.ClientIDs)
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b lineage.Usage) int { return a.Node.Compare(b.Node) })
	return out
}

// addName adds a name once; the first few are enough for a rule.
func addName(names []string, name string) []string {
	const most = 20
	if name == "" || len(names) >= most || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
