package marquez

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostRoots   = 100 // columns of a dataset or job that are gone on from
	mostUnknown = 100 // of one answer
)

// fieldVertex is a column in column lineage.
type fieldVertex struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Data     fieldData `json:"data"`
	InEdges  []edge    `json:"inEdges"`
	OutEdges []edge    `json:"outEdges"`
}

type fieldData struct {
	inputField
	FieldType   *string      `json:"fieldType"`
	InputFields []inputField `json:"inputFields"`
}

type inputField struct {
	Namespace                 string  `json:"namespace"`
	Dataset                   string  `json:"dataset"`
	DatasetVersion            *string `json:"datasetVersion"`
	Field                     string  `json:"field"`
	TransformationDescription *string `json:"transformationDescription"`
	TransformationType        *string `json:"transformationType"`
}

// unknown is where nobody knows what a column is made of, or what becomes of it. Marquez has no word for it.
type unknown struct {
	Field string `json:"field"` // as in id
	At    string `json:"at"`    // who moves it; of lineaged's own ids where it is nothing of Marquez's
	Why   string `json:"why"`
}

// fieldName names a column as lists of fields do; one of a key, or of the whole, by its part.
func fieldName(c answer.ColumnID) string {
	first, _, _ := strings.Cut(c.Path, ".")
	if c.Part == lineage.ValuePart && c.Path != "" && first != "key" && first != "value" {
		return c.Path
	}
	return c.InNode()
}

// column is what a dataset's field is; the reverse of fieldName.
func column(dataset lineage.Node, field string) (answer.ColumnID, error) {
	return answer.ParseColumnID(dataset.ID() + "#" + field)
}

func (e *estate) inputField(c answer.ColumnID) inputField {
	n := e.nameOf(c.Node)
	return inputField{Namespace: n.Namespace, Dataset: n.Name, Field: fieldName(c)}
}

func (f *inputField) id() string {
	return "datasetField:" + f.Namespace + ":" + f.Dataset + ":" + f.Field
}

// columnLineage answers what columns are made of and, where it is asked for, where they lead.
func (a *API) columnLineage(q *question) (any, error) {
	depth, err := q.number("depth", usualDepth, 0, mostDepth)
	if err != nil {
		return nil, err
	}
	down := false
	switch text := q.URL.Query().Get("withDownstream"); text {
	case "", "false":
	case "true":
		down = true
	default:
		return nil, bad("withDownstream: %s is neither true nor false", quote(text))
	}
	roots, err := q.columnsOf(q.URL.Query().Get("nodeId"))
	if err != nil {
		return nil, err
	}
	found := &columnsFound{q: q, at: map[answer.ColumnID]*fieldVertex{}}
	for _, id := range roots {
		is, err := q.view.ColumnLineage(q.Context(), id, true, down)
		if err != nil {
			return nil, err
		}
		found.take(is, depth)
	}
	return found.drawn(), nil
}

// columnsOf returns the columns that a node of Marquez stands for: a dataset's, those that a job writes, or one.
func (q *question) columnsOf(id string) (all []answer.ColumnID, err error) {
	kind, rest, _ := strings.Cut(id, ":")
	if kind == "datasetField" {
		for i := range len(rest) {
			if rest[i] != ':' {
				continue
			}
			for n := range splits(rest[:i]) {
				if d, ok := q.estate.dataset[n]; ok {
					c, err := column(d, rest[i+1:])
					if err != nil {
						return nil, err
					}
					all = append(all, c)
				}
			}
		}
		switch len(all) {
		case 1:
			return all, nil
		case 0:
			return nil, missing("Could not find node")
		}
		return nil, bad("nodeId: %s names several: a namespace or a name holds a colon", quote(id))
	}
	if id == "" {
		return nil, bad("nodeId: is missing; it is dataset:NAMESPACE:NAME, datasetField:NAMESPACE:DATASET:FIELD or job:NAMESPACE:NAME")
	}
	n, err := q.estate.find(id)
	if err != nil {
		return nil, err
	}
	of := []lineage.Node{n}
	if !isDataset(n) {
		walk := q.view.Walk(graph.Query{Roots: of, Direction: graph.Downstream, Depth: 1, Limit: mostNodes}, answer.Filter{IncludeInactive: true})
		q.cut = q.cut || walk.Truncated
		of = slices.DeleteFunc(slices.Clone(walk.Nodes), func(n lineage.Node) bool { return !isDataset(n) })
		slices.SortFunc(of, lineage.Node.Compare)
	}
	for _, d := range of {
		schemas, err := q.view.Schemas(q.Context(), d)
		if err != nil {
			return nil, err
		}
		for i := range schemas {
			for _, c := range schemas[i].Columns {
				id := answer.ColumnID{Node: d, Part: schemas[i].Part, Path: c.Path}
				if slices.Contains(all, id) {
					continue
				}
				if len(all) == mostRoots {
					q.cut = true
					return all, nil
				}
				all = append(all, id)
			}
		}
		q.take(q.view.ClustersOf(d))
	}
	return all, nil
}

// take adds clusters to those that the answer is of.
func (q *question) take(scope []lineage.ClusterID) {
	for _, id := range scope {
		if !slices.Contains(q.scope, id) {
			q.scope = append(q.scope, id)
		}
	}
}

// columnsFound are columns of several questions, each once.
type columnsFound struct {
	q       *question
	at      map[answer.ColumnID]*fieldVertex
	unknown []unknown
}

func (x *columnsFound) vertex(c answer.ColumnID) *fieldVertex {
	v := x.at[c]
	if v == nil {
		v = &fieldVertex{Type: "DATASET_FIELD", InEdges: []edge{}, OutEdges: []edge{}}
		v.Data = fieldData{inputField: x.q.estate.inputField(c), InputFields: []inputField{}}
		v.ID = v.Data.id()
		x.at[c] = v
	}
	return v
}

// take adds what one question found within so many hops. What a program reads is no field.
func (x *columnsFound) take(is *answer.ColumnLineage, depth int) {
	x.q.cut = x.q.cut || is.Cut
	x.q.take(is.Scope)
	near := map[answer.ColumnID]bool{}
	for i := range is.Columns {
		c := &is.Columns[i]
		if c.Reads || c.Hops > depth || !isDataset(c.Node) {
			continue
		}
		if x.at[c.ColumnID] == nil && len(x.at) == mostNodes {
			x.q.cut = true
			continue
		}
		near[c.ColumnID] = true
		if v := x.vertex(c.ColumnID); c.Type != "" {
			v.Data.FieldType = new(c.Type)
		}
	}
	for i := range is.Steps {
		if s := &is.Steps[i]; near[s.From] && near[s.To] && s.From != s.To {
			x.step(s)
		}
	}
	for _, u := range is.Unknown {
		if !near[u.Column] {
			continue
		}
		if len(x.unknown) == mostUnknown {
			x.q.cut = true
			break
		}
		at, ok := x.q.estate.idOf(u.At)
		if !ok {
			at = u.At.ID() // Marquez has no writers without a name
		}
		f := x.q.estate.inputField(u.Column)
		if one := (unknown{f.id(), at, u.Why}); !slices.Contains(x.unknown, one) {
			x.unknown = append(x.unknown, one)
		}
	}
}

// step draws that a column is made of another. An edge begins at the node that has it, as Marquez draws it.
func (x *columnsFound) step(s *answer.ColumnStep) {
	from, to := x.vertex(s.From), x.vertex(s.To)
	in := x.q.estate.inputField(s.From)
	if s.How != "" {
		in.TransformationDescription = new(s.How)
	}
	if s.Masked {
		in.TransformationType = new("MASKED")
	}
	same := func(f inputField) bool {
		return f.id() == in.id() && text(f.TransformationDescription) == text(in.TransformationDescription)
	}
	if slices.ContainsFunc(to.Data.InputFields, same) {
		return
	}
	to.Data.InputFields = append(to.Data.InputFields, in)
	if len(to.Data.InputFields) == 1 {
		to.Data.TransformationDescription, to.Data.TransformationType = in.TransformationDescription, in.TransformationType
	}
	to.InEdges, from.OutEdges = append(to.InEdges, edge{to.ID, from.ID}), append(from.OutEdges, edge{from.ID, to.ID})
}

func (x *columnsFound) drawn() any {
	all := []fieldVertex{}
	for _, v := range x.at {
		v.InEdges, v.OutEdges = sorted(v.InEdges), sorted(v.OutEdges)
		all = append(all, *v)
	}
	slices.SortFunc(all, func(a, b fieldVertex) int { return cmp.Compare(a.ID, b.ID) })
	return struct {
		Graph   []fieldVertex `json:"graph"`
		Unknown []unknown     `json:"unknown"`
	}{all, append([]unknown{}, x.unknown...)}
}
