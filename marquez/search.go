package marquez

import (
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

type hit struct {
	Type      string   `json:"type"`
	Name      string   `json:"name"`
	UpdatedAt *instant `json:"updatedAt"`
	Namespace string   `json:"namespace"`
	NodeID    string   `json:"nodeId"`
}

// search finds by name, owner and tags, the best first, as lineaged's own search does.
func (a *API) search(q *question) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	params := q.URL.Query()
	ask := answer.Search{Text: params.Get("q"), HasText: true}
	datasets := []lineage.NodeKind{lineage.TopicNode, lineage.DatasetNode}
	jobs := []lineage.NodeKind{lineage.ApplicationNode, lineage.ConnectorNode, lineage.ReplicatorNode, lineage.StreamJobNode, lineage.JobNode}
	switch filter := params.Get("filter"); filter {
	case "":
		ask.Kinds = slices.Concat(datasets, jobs)
	case "DATASET":
		ask.Kinds = datasets
	case "JOB":
		ask.Kinds = jobs
	default:
		return nil, bad("filter: %s is neither DATASET nor JOB", quote(filter))
	}
	if ask.Text == "" {
		return nil, bad("q: is missing; it is the text that is searched for")
	}
	placed, err := q.view.Search(q.Context(), ask)
	if err != nil {
		return nil, err
	}
	var found []hit
	var at []lineage.Node
	for _, x := range placed {
		id, ok := q.estate.idOf(x.Node)
		if !ok {
			continue
		}
		h := hit{Type: "DATASET", NodeID: id}
		is := q.estate.jobName[x.Node]
		if isDataset(x.Node) {
			is = q.estate.nameOf(x.Node)
		} else {
			h.Type = "JOB"
		}
		if only := params.Get("namespace"); only != "" && only != is.Namespace {
			continue
		}
		h.Name, h.Namespace = is.Name, is.Namespace
		found, at = append(found, h), append(at, x.Node)
	}
	shown, at := append([]hit{}, of(p, found)...), of(p, at)
	rows := q.view.Rows(at, nil)
	for i, n := range at {
		_, last, err := rows.Node(n).Seen(q.Context())
		if err != nil {
			return nil, err
		}
		shown[i].UpdatedAt = when(last)
	}
	return struct {
		Results    []hit `json:"results"`
		TotalCount int   `json:"totalCount"`
	}{shown, len(found)}, nil
}

type tag struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
}

// tags are those that people say of what is listed.
func (a *API) tags(q *question) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	rows, known := q.view.Rows(nil, nil), map[string]bool{}
	var names []string
	for _, list := range [][]entry{q.estate.datasets, q.estate.jobs} {
		for _, x := range list {
			if err := q.Context().Err(); err != nil {
				return nil, err
			}
			for _, t := range tagsOf(rows.Node(x.node)) {
				if !known[t] {
					known[t] = true
					names = append(names, t)
				}
			}
		}
	}
	slices.Sort(names)
	all := []tag{}
	for _, n := range of(p, names) {
		all = append(all, tag{Name: n})
	}
	return struct {
		Tags []tag `json:"tags"`
	}{all}, nil
}
