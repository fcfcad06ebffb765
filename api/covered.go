package api

import (
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// answerOf is the part of an answer that says what was observed of what it is about: of some clusters, with none of
// all.
type answerOf struct {
	rows  *rows
	scope []lineage.ClusterID
}

// Coverage answers coverage.
func (a *answerOf) Coverage() *Coverage { return a.rows.coverage(a.scope) }

// NodeConnection is the schema's type of that name.
type NodeConnection struct {
	answerOf
	Edges      []NodeEdge
	PageInfo   *PageInfo
	TotalCount int
	Unknown    int
}

// EventConnection is the schema's type of that name.
type EventConnection struct {
	answerOf
	Edges      []EventEdge
	PageInfo   *PageInfo
	TotalCount int
}

// Ranking is the schema's type of that name.
type Ranking struct {
	answerOf
	Ranked  []Ranked
	Unknown int
}

// SuggestedJoins is the schema's type of that name.
type SuggestedJoins struct {
	answerOf
	Joins []SuggestedJoin
}

// DeclarationConnection is the schema's type of that name.
type DeclarationConnection struct {
	answerOf
	Edges                          []DeclarationEdge
	PageInfo                       *PageInfo
	TotalCount                     int
	Observed, NotObserved, Unknown int
}

// UndeclaredConnection is the schema's type of that name.
type UndeclaredConnection struct {
	answerOf
	Edges                            []UndeclaredEdge
	PageInfo                         *PageInfo
	TotalCount                       int
	Unidentified, Outside, Elsewhere int
	Unplaced, WrongFiles             int
	Doubt                            *string
}

// DataProductConnection is the schema's type of that name.
type DataProductConnection struct {
	answerOf
	Edges      []DataProductEdge
	PageInfo   *PageInfo
	TotalCount int
}

// Coverage answers coverage.
func (n *nodeRow) Coverage() *Coverage { return n.rows.coverage(n.rows.v.ClustersOf(n.node)) }

// Coverage answers coverage.
func (f *Flow) Coverage() *Coverage {
	v := f.rows.v
	return f.rows.coverage(append(slices.Clip(v.ClustersOf(f.flow.From)), v.ClustersOf(f.flow.To)...))
}

// coverage says what was observed of some clusters, once for all rows.
func (r *rows) coverage(scope []lineage.ClusterID) *Coverage {
	scope = slices.Compact(slices.Sorted(slices.Values(scope)))
	key := fmt.Sprintf("%q", scope)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.covered[key]
	if c == nil {
		c = coverageOf(r.v, scope...)
		r.covered[key] = c
	}
	return c
}
