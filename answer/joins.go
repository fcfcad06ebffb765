package answer

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Joins returns the pairs of applications that look like one, in a fixed order, at most so many. They are offered,
// never joined unasked.
func (v *View) Joins(most int) []lineage.Alike {
	pairs := v.identity.Alike(v.usages())
	return pairs[:min(len(pairs), most)]
}

// usages says what each application does, in a fixed order.
func (v *View) usages() []lineage.Usage {
	var out []lineage.Usage
	for n, end := range v.ends {
		if n.Kind != lineage.ApplicationNode || v.hidden.nodes[n] {
			// of one that does what is hidden it would not be true that it only reads, or only writes
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
