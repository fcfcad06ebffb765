package answer

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// deed is what somebody does to a topic.
type deed struct {
	topic     lineage.Node
	op        lineage.Op
	principal string
}

func deedOf(x *access) deed { return deed{x.far, x.Access.Op, x.client().Principal} }

// coverAccounts takes away what an authorizer saw of principals whose programs are known by name: that a principal was
// let in says that one of its programs came, not that there is one more. Where there is one such program it is that
// one's; where there are several it is one of theirs, and nobody can say whose.
func (v *View) coverAccounts() {
	named := map[deed][]int32{} // of what such principals do
	var accounts []int32
	for i := range v.accesses {
		if x := &v.accesses[i]; v.onlyLetIn(x) {
			accounts = append(accounts, int32(i))
			named[deedOf(x)] = nil
		}
	}
	if accounts == nil {
		return
	}
	for i := range v.accesses {
		x := &v.accesses[i]
		if all, asked := named[deedOf(x)]; asked && !x.byAccount() {
			named[deedOf(x)] = append(all, int32(i))
		}
	}
	gone := map[int32]bool{}
	for _, i := range accounts {
		x := &v.accesses[i]
		var by *access
		for _, j := range named[deedOf(x)] {
			y := &v.accesses[j]
			switch {
			case x.inWindow && !y.inWindow || !sameHost(x.client().Host, y.client().Host):
			case by == nil:
				by = y
			case by.node != y.node:
				gone[i] = true
			}
		}
		if by != nil {
			x.as(by.node, by.namedBy)
		}
	}
	if len(gone) == 0 {
		return
	}
	kept := v.accesses[:0]
	for i := range v.accesses {
		if !gone[int32(i)] {
			kept = append(kept, v.accesses[i])
		}
	}
	v.accesses = slices.Clip(kept)
}

// onlyLetIn reports whether all that is known of an access is that its principal was let in.
func (v *View) onlyLetIn(x *access) bool {
	r := &v.held.Rows
	return x.byAccount() && x.state == graph.Unknown && x.counter.metric == lineage.NoMetric && (r.Seen[x.row]|r.SeenBefore[x.row])&^store.KindsOf(lineage.AuthorizerLog) == 0
}

// sameHost reports whether two addresses may be one: brokers put a slash in front of that of a group's member.
func sameHost(a, b string) bool {
	a, b = strings.TrimPrefix(a, "/"), strings.TrimPrefix(b, "/")
	return a == "" || b == "" || a == b
}
