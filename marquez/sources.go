package marquez

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// source is where datasets lie: a cluster, or a database as its namespace names it.
type source struct {
	Type          string   `json:"type"`
	Name          string   `json:"name"`
	CreatedAt     *instant `json:"createdAt"`
	UpdatedAt     *instant `json:"updatedAt"`
	ConnectionURL string   `json:"connectionUrl"`
	Description   *string  `json:"description"`
}

// sourceOf is a dataset's; ok is false where that is not known, as of files.
func (q *question) sourceOf(rows *answer.Rows, n lineage.Node) (s source, ok bool) {
	scheme, _, _ := strings.Cut(n.Scope, "://")
	switch {
	case n.Kind == lineage.TopicNode:
		c := rows.Node(n).Cluster()
		if c == nil {
			return s, false
		}
		return source{Type: "KAFKA", Name: c.Known().Name, ConnectionURL: q.estate.nameOf(n).Namespace}, true
	case scheme != n.Scope && typeOf(n) != nil:
		return source{Type: strings.ToUpper(scheme), Name: n.Scope, ConnectionURL: n.Scope}, true
	}
	return s, false
}

// allSources are those of all datasets, by name.
func (q *question) allSources() (all []source) {
	rows := q.view.Rows(nil, nil)
	for _, d := range q.estate.datasets {
		if s, ok := q.sourceOf(rows, d.node); ok {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b source) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type)) })
	return slices.CompactFunc(all, func(a, b source) bool { return a.Name == b.Name && a.Type == b.Type })
}

func (a *API) sources(q *question) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	return struct {
		Sources []source `json:"sources"`
	}{append([]source{}, of(p, q.allSources())...)}, nil
}

func (a *API) source(q *question) (any, error) {
	all := q.allSources()
	i := slices.IndexFunc(all, func(s source) bool { return s.Name == q.PathValue("name") })
	if i < 0 {
		return nil, missing("Source '%s' not found.", cutShort(q.PathValue("name")))
	}
	return all[i], nil
}
