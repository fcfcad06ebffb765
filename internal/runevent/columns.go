package runevent

import (
	"slices"
	"strings"
)

const (
	// mostColumns bounds the columns of a dataset and the links of an output, the rest is counted; mostNested how deep
	// columns nest.
	mostColumns = 1000
	mostNested  = 20
	// mostColumn is the longest name or type of a column, in bytes.
	mostColumn = 500
)

// Schema is what columns a dataset has, by the schema facet.
type Schema struct {
	Dataset Name     `json:"d"`
	Columns []Column `json:"c"`
	Cut     int      `json:"x,omitempty"` // how many more there are
}

// Column is one of them. Names are the names from the outermost one on.
type Column struct {
	Names []string `json:"n"`
	Type  string   `json:"t,omitempty"`
}

// Made is what an output's columns are made of, by the fields of lineage facets and by the columnLineage facet.
type Made struct {
	Output Name   `json:"d"`
	Links  []Link `json:"l"`
	Cut    int    `json:"x,omitempty"`
	// Otherwise are the columns of which columnLineage says otherwise than lineage does, which stands here. Empty: what
	// all of them depend on.
	Otherwise []string `json:"o,omitempty"`
}

// Link is that a column of an output is made of an input's. An empty To is all of them, and so is an empty From.
type Link struct {
	Input  Name   `json:"d"`
	From   string `json:"f"`
	To     string `json:"t,omitempty"`
	How    string `json:"h,omitempty"`
	Masked bool   `json:"m,omitempty"`
}

// columns reads the facets about columns of an event. A facet that is wrong is flagged and left out whole: no half of
// it is true.
func (r *reader) columns(e *Event, top fields) {
	if e.Kind == OfDataset {
		r.schema(e, top.within("dataset"))
		r.derived(e, top.within("dataset"))
		return
	}
	for _, list := range [...]string{"inputs", "outputs"} {
		all, _ := elements(top[list]) // what is wrong with it is said elsewhere
		for _, text := range all {
			f := members(text)
			r.schema(e, f)
			if list == "outputs" {
				r.made(e, f)
			}
		}
	}
	r.ofFields(e)
}

func (r *reader) dataset(f fields) (n Name, ok bool) {
	n, p := r.name(f, "")
	if p != nil {
		return n, false
	}
	return r.known(n, f.within("facets").within("symlinks")), true
}

func (r *reader) schema(e *Event, f fields) {
	facet := f.within("facets").within("schema")
	if !facet.has("fields") {
		return // nothing is said, which takes nothing back
	}
	n, ok := r.dataset(f)
	s := Schema{Dataset: n}
	if !ok || !s.add(facet["fields"], nil) {
		r.flag("a schema facet that can't be read")
		return
	}
	if len(s.Columns) > 0 && !r.wraps(&s) {
		e.Schemas = append(e.Schemas, s)
	}
}

// add adds fields; it returns false where they are none.
func (s *Schema) add(list string, within []string) bool {
	all, ok := elements(list)
	if !ok {
		return false
	}
	for _, text := range all {
		f := members(text)
		name, ok := f.text("name")
		if name = column(name); !ok || name == "" {
			return false
		}
		if len(s.Columns) == mostColumns || len(within) == mostNested {
			s.Cut++
			continue
		}
		kind, _ := f.text("type")
		names := append(slices.Clip(within), name)
		s.Columns = append(s.Columns, Column{names, column(kind)})
		if f.has("fields") && !s.add(f["fields"], names) {
			return false
		}
	}
	return true
}

// column is a name or type of a column as it is kept; empty: it is none, or too long. It holds nothing else of the
// body, of which the name of an object's member is a part.
func column(s string) string {
	s = strings.ToValidUTF8(Clean(strings.TrimSpace(s)), "\uFFFD")
	if len(s) > mostColumn {
		return ""
	}
	return strings.Clone(s)
}

func (r *reader) made(e *Event, f fields) {
	facet := f.within("facets").within("columnLineage")
	if !facet.has("fields") && !facet.has("dataset") {
		return
	}
	n, ok := r.dataset(f)
	m := Made{Output: n}
	outputs := facet.within("fields")
	if !ok || facet.has("fields") && outputs == nil {
		r.flag("a columnLineage facet that can't be read")
		return
	}
	names := make([]string, 0, len(outputs))
	for name := range outputs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		to := column(name)
		ok = ok && to != "" && r.links(&m, to, members(outputs[name])["inputFields"])
	}
	if facet.has("dataset") {
		ok = ok && r.links(&m, "", facet["dataset"])
	}
	if !ok {
		r.flag("a columnLineage facet that can't be read")
		return
	}
	e.Made = append(e.Made, m)
}

// links adds what a column is made of; it returns false where that can't be read.
func (r *reader) links(m *Made, to string, list string) bool {
	all, ok := elements(list)
	if !ok {
		return false
	}
	for _, text := range all {
		f := members(text)
		from, p := r.name(f, "")
		from = r.is(from)
		field, _ := f.text("field")
		if field = column(field); p != nil || field == "" {
			return false
		}
		field, ok := r.inside(from, field)
		into, also := r.inside(m.Output, to)
		if !ok || !also || len(m.Links) == mostColumns {
			m.Cut++
			continue
		}
		x := Link{Input: from, From: field, To: into}
		x.How, x.Masked = how(f)
		m.Links = append(m.Links, x)
	}
	return true
}

// how says what is done, in the facet's words: those of all transformations, each once.
func how(f fields) (words string, masked bool) {
	all, _ := elements(f["transformations"]) // none, or no list
	var out []string
	for _, text := range all {
		t := members(text)
		kind, _ := t.text("type")
		sub, _ := t.text("subtype")
		word := strings.Trim(word1(kind)+"/"+word1(sub), "/")
		if word != "" && !slices.Contains(out, word) && len(out) < 5 {
			out = append(out, word)
		}
		masked = masked || t["masking"] == "true"
	}
	return strings.Join(out, ", "), masked
}
