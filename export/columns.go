package export

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file writes what a column is made of and where it leads.

const formatColumns = "lineaged-columns"

// columnWays is the ways of a column.
type columnWays struct {
	changeOf

	v         *answer.View
	is        *answer.ColumnLineage
	field     string
	direction string
}

// Columns returns the document of what a column is made of and where it leads.
func (e *Exporter) Columns(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	in, form, direction := p.span(), p.form(usageForms), p.direction()
	field, ok := p.one("field")
	if !ok {
		p.fail("field", field, "is no column: give NODE_ID#PATH, e.g. topic:west/customers#value.email")
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	id, err := answer.ParseColumnID(field)
	if err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, in, answer.All)
	if err != nil {
		return nil, err
	}
	is, err := v.ColumnLineage(ctx, id, direction != graph.Downstream, direction != graph.Upstream)
	if err != nil {
		return nil, err
	}
	rows := len(is.Columns) + len(is.Steps) + len(is.Ends) + len(is.Unknown)
	w := &columnWays{
		changed(v, formatColumns, is.Scope, "column: "+visible(id.ID()), "direction: "+directionWord(direction), "more columns than are listed: "+strconv.FormatBool(is.Cut)),
		v, is, id.ID(), directionWord(direction),
	}
	write := w.writeCSV
	if form == jsonForm {
		write = w.writeJSON
	}
	return &Document{MediaType: form.media, FileName: fileName("columns", field, v.Window().End, form), write: write, Size: int64(rows+1) * flowBytes}, nil
}

type columnLine struct {
	Field     string  `json:"field"`
	Node      string  `json:"node"`
	Owner     string  `json:"owner,omitempty"`
	Direction *string `json:"direction"`
	Hops      int     `json:"hops"`
	InSchema  *bool   `json:"inSchema"`
	Type      string  `json:"type,omitempty"`
	Reads     bool    `json:"reads"`
	Assumed   bool    `json:"assumed"`
}

type columnStepLine struct {
	From     string  `json:"from"`
	To       string  `json:"to"`
	Through  string  `json:"through"`
	Evidence *string `json:"evidence"`
	How      string  `json:"how,omitempty"`
	Masked   bool    `json:"masked"`
	Assumed  bool    `json:"assumed"`
	Active   *bool   `json:"active"`
}

type columnEndLine struct {
	Field string `json:"field"`
	At    string `json:"at"`
	Why   string `json:"why"`
}

// columnsBody are the lists of an answer.
type columnsBody struct {
	Columns []columnLine     `json:"columns"`
	Steps   []columnStepLine `json:"steps"`
	Ends    []columnEndLine  `json:"ends"`
	Unknown []columnEndLine  `json:"unknown"`
	Cut     bool             `json:"cut"`
}

func columnsOf(v *answer.View, is *answer.ColumnLineage) columnsBody {
	nodes := make([]lineage.Node, len(is.Columns))
	for i := range is.Columns {
		nodes[i] = is.Columns[i].Node
	}
	described := v.Rows(nodes, nil)
	end := func(e *answer.ColumnEnd) columnEndLine { return columnEndLine{e.Column.ID(), e.At.ID(), e.Why} }
	return columnsBody{
		Columns: eachOf(is.Columns, func(c *answer.ColumnAt) columnLine {
			owner, _ := described.Node(c.Node).Describe()
			out := columnLine{c.ID(), c.Node.ID(), owner, nil, c.Hops, c.There, c.Type, c.Reads, c.Assumed}
			switch {
			case c.Hops == 0:
			case c.Upstream:
				out.Direction = new(directionWord(graph.Upstream))
			default:
				out.Direction = new(directionWord(graph.Downstream))
			}
			return out
		}),
		Steps: eachOf(is.Steps, func(s *answer.ColumnStep) columnStepLine {
			out := columnStepLine{s.From.ID(), s.To.ID(), s.Through.ID(), nil, s.How, s.Masked, s.Assumed, s.Active}
			if s.Evidence != lineage.NoEvidence {
				out.Evidence = new(kindsOf([]lineage.EvidenceKind{s.Evidence})[0])
			}
			return out
		}),
		Ends: eachOf(is.Ends, end), Unknown: eachOf(is.Unknown, end), Cut: is.Cut,
	}
}

func (c *columnWays) writeJSON(w io.Writer) error {
	o := c.begin(w, "column", c.field)
	o.field("direction", c.direction)
	is := columnsOf(c.v, c.is)
	o.field("cut", is.Cut)
	list(o, "columns", is.Columns)
	list(o, "steps", is.Steps)
	list(o, "ends", is.Ends)
	list(o, "unknown", is.Unknown)
	return o.end()
}

var columnColumns = []string{
	"row", "column", "node", "name", "owner", "direction", "hops", "in_schema", "type", "reads", "assumed", "from", "to", "evidence", "how", "masked", "active", "why",
}

func (c *columnWays) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(append(c.head(), "as long as a row is unknown, more may be hurt, or it may come from more, than is listed", "an empty cell is not known, or does not apply: it is not zero"))
	t.row(slices.Clone(columnColumns)...)
	for _, cells := range columnRows(c.v, c.is) {
		t.row(placedIn(columnColumns, cells)...)
	}
	return t.err
}

// columnRows are the cells of an answer by their column.
func columnRows(v *answer.View, is *answer.ColumnLineage) (rows []map[string]string) {
	body := columnsOf(v, is)
	for i, x := range body.Columns {
		direction := ""
		if x.Direction != nil {
			direction = *x.Direction
		}
		rows = append(rows, map[string]string{
			"row": "column", "column": visible(x.Field), "node": x.Node, "name": visible(is.Columns[i].Node.Name), "owner": visible(x.Owner), "direction": direction, "hops": strconv.Itoa(x.Hops),
			"in_schema": yes(x.InSchema), "type": visible(x.Type), "reads": strconv.FormatBool(x.Reads), "assumed": strconv.FormatBool(x.Assumed),
		})
	}
	for i, x := range body.Steps {
		evidence := ""
		if x.Evidence != nil {
			evidence = *x.Evidence
		}
		rows = append(rows, map[string]string{
			"row": "step", "node": x.Through, "name": visible(is.Steps[i].Through.Name), "from": visible(x.From), "to": visible(x.To), "evidence": evidence, "how": visible(x.How),
			"masked": strconv.FormatBool(x.Masked), "assumed": strconv.FormatBool(x.Assumed), "active": yes(x.Active),
		})
	}
	ends := func(row string, all []columnEndLine, of []answer.ColumnEnd) {
		for i, x := range all {
			rows = append(rows, map[string]string{"row": row, "column": visible(x.Field), "node": x.At, "name": visible(of[i].At.Name), "why": visible(x.Why)})
		}
	}
	ends("end", body.Ends, is.Ends)
	ends("unknown", body.Unknown, is.Unknown)
	return rows
}
