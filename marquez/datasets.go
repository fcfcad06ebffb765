package marquez

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// known are the members of a dataset that are in lineage too.
type known struct {
	ID                 name     `json:"id"`
	Type               *string  `json:"type"`
	Name               string   `json:"name"`
	PhysicalName       string   `json:"physicalName"`
	CreatedAt          *instant `json:"createdAt"`
	UpdatedAt          *instant `json:"updatedAt"`
	Namespace          string   `json:"namespace"`
	SourceName         *string  `json:"sourceName"`
	Fields             []field  `json:"fields"`
	Tags               []string `json:"tags"`
	LastModifiedAt     *instant `json:"lastModifiedAt"`
	LastLifecycleState string   `json:"lastLifecycleState"`
	Description        *string  `json:"description"`
}

type dataset struct {
	known
	CurrentVersion string   `json:"currentVersion"`
	ColumnLineage  *string  `json:"columnLineage"`
	Facets         struct{} `json:"facets"`
	Deleted        bool     `json:"deleted"`
}

type field struct {
	Name        string   `json:"name"`
	Type        *string  `json:"type"`
	Tags        []string `json:"tags"`
	Description *string  `json:"description"`
}

// version is what a dataset is at the instant that is asked of. Older ones are asked for with asOf.
type version struct {
	ID                   name     `json:"id"`
	Type                 *string  `json:"type"`
	Name                 string   `json:"name"`
	PhysicalName         string   `json:"physicalName"`
	CreatedAt            *instant `json:"createdAt"`
	Version              string   `json:"version"`
	Namespace            string   `json:"namespace"`
	SourceName           *string  `json:"sourceName"`
	Fields               []field  `json:"fields"`
	Tags                 []string `json:"tags"`
	LifecycleState       string   `json:"lifecycleState"`
	Description          *string  `json:"description"`
	CurrentSchemaVersion *string  `json:"currentSchemaVersion"`
	CreatedByRun         *run     `json:"createdByRun"`
	Facets               struct{} `json:"facets"`
}

func (a *API) datasets(q *question) (any, error) {
	ns, err := q.namespace()
	if err != nil {
		return nil, err
	}
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	found := within(q.estate.datasets, ns)
	list := struct {
		TotalCount int       `json:"totalCount"`
		Datasets   []dataset `json:"datasets"`
	}{len(found), []dataset{}}
	shown := of(p, found)
	rows := q.view.Rows(nodes(shown), nil)
	for _, x := range shown {
		d, err := q.dataset(rows, x.node)
		if err != nil {
			return nil, err
		}
		list.Datasets = append(list.Datasets, d)
	}
	return list, nil
}

func nodes(of []entry) []lineage.Node {
	all := make([]lineage.Node, len(of))
	for i, x := range of {
		all[i] = x.node
	}
	return all
}

func (a *API) dataset(q *question) (any, error) {
	n, err := q.named(q.estate.dataset, "Dataset")
	if err != nil {
		return nil, err
	}
	return q.dataset(q.view.Rows([]lineage.Node{n}, nil), n)
}

// version is the one that the dataset has at the instant.
func (q *question) version() (v version, err error) {
	n, err := q.named(q.estate.dataset, "Dataset")
	if err != nil {
		return v, err
	}
	d, err := q.known(q.view.Rows([]lineage.Node{n}, nil), n)
	return version{
		ID: d.ID, Type: d.Type, Name: d.Name, PhysicalName: d.PhysicalName, CreatedAt: d.CreatedAt, Version: d.version(), Namespace: d.Namespace,
		SourceName: d.SourceName, Fields: d.Fields, Tags: d.Tags, Description: d.Description,
	}, err
}

func (a *API) version(q *question) (any, error) {
	v, err := q.version()
	if err != nil {
		return nil, err
	}
	if id := q.PathValue("version"); id != v.Version {
		return nil, missing("Dataset version '%s' not found.", cutShort(id))
	}
	return v, nil
}

func (a *API) versions(q *question) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	v, err := q.version()
	if err != nil {
		return nil, err
	}
	all := []version{v}
	return struct {
		Versions   []version `json:"versions"`
		TotalCount int       `json:"totalCount"`
	}{of(p, all), len(all)}, nil
}

// named returns the dataset or job that the path names.
func (q *question) named(in map[name]lineage.Node, what string) (n lineage.Node, err error) {
	ns, err := q.namespace()
	if err != nil {
		return n, err
	}
	n, found := in[name{ns, q.PathValue("name")}]
	if !found {
		return n, missing("%s '%s' not found.", what, cutShort(q.PathValue("name")))
	}
	return n, nil
}

func (q *question) dataset(rows *answer.Rows, n lineage.Node) (d dataset, err error) {
	if d.known, err = q.known(rows, n); err != nil {
		return d, err
	}
	moved, err := rows.Node(n).LastMoved(q.Context()) // it is read of all that there is: lineage goes without
	if err != nil {
		return d, err
	}
	d.CurrentVersion, d.LastModifiedAt = d.version(), when(moved)
	return d, nil
}

// known says what is known of one of the rows.
func (q *question) known(rows *answer.Rows, n lineage.Node) (d known, err error) {
	ctx, row, is := q.Context(), rows.Node(n), q.estate.nameOf(n)
	first, last, err := row.Seen(ctx)
	if err != nil {
		return d, err
	}
	fields, err := q.fields(ctx, n)
	if err != nil {
		return d, err
	}
	d = known{
		ID: is, Type: typeOf(n), Name: is.Name, PhysicalName: is.Name, CreatedAt: when(first), UpdatedAt: when(last), Namespace: is.Namespace,
		Fields: fields, Tags: tagsOf(row), Description: description(row),
	}
	if from, ok := q.sourceOf(rows, n); ok {
		d.SourceName = &from.Name
	}
	return d, nil
}

// tables are the schemes of namespaces whose datasets are tables, as OpenLineage names databases.
var tables = []string{
	"athena", "awsathena", "azuresql", "bigquery", "cassandra", "cosmos", "db2", "hive", "mssql", "mysql", "oracle", "postgres", "redshift", "snowflake", "spanner",
	"sqlserver", "teradata", "trino",
}

// typeOf is what a dataset is; nil: that is not known, as of files.
func typeOf(n lineage.Node) *string {
	if n.Kind == lineage.TopicNode {
		return new("STREAM")
	}
	scheme, _, _ := strings.Cut(n.Scope, "://")
	switch {
	case slices.Contains(tables, scheme):
		return new("DB_TABLE")
	case scheme == "kafka" || scheme == "pulsar":
		return new("STREAM")
	}
	return nil
}

func tagsOf(n answer.Node) []string {
	_, tags := n.Describe()
	return append([]string{}, tags...)
}

// description is what people say of a node.
func description(n answer.Node) *string {
	for _, m := range n.Metadata().All {
		if m.Slot.Field == lineage.DescriptionField && len(m.Texts) > 0 {
			return new(m.Texts[0])
		}
	}
	return nil
}

// fields are the columns of a dataset, or of a topic's values, of whoever tells of them first: registries do.
func (q *question) fields(ctx context.Context, n lineage.Node) ([]field, error) {
	all, err := q.view.Schemas(ctx, n)
	if err != nil {
		return nil, err
	}
	out, seen := []field{}, map[string]bool{}
	for i := range all {
		s := &all[i]
		if s.Part == lineage.KeyPart || s.Problem != "" || s.Origin != all[0].Origin && len(out) > 0 {
			continue
		}
		for _, c := range s.Columns {
			if seen[c.Path] {
				continue
			}
			seen[c.Path] = true
			f := field{Name: c.Path, Tags: []string{}}
			if c.Type != "" {
				f.Type = new(c.Type)
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// version names what is known of a dataset: the same columns of the same dataset have the same one. It is a UUID of
// version 8 (RFC 9562: made in one's own way), none that Marquez gave.
func (d *known) version() string {
	words := []string{"https://github.com/lineaged/lineaged/dataset", d.Namespace, d.Name}
	for _, f := range d.Fields {
		words = append(words, f.Name, text(f.Type))
	}
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	b := h.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
