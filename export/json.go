package export

import (
	"bytes"
	"encoding/json"
	"io"
)

// writeJSON writes the document piece by piece: what is indented is what a person looks for, nodes and flows have a
// line each.
func (p *picture) writeJSON(w io.Writer) error {
	o := &object{w: w}
	o.field("format", p.Format)
	o.field("version", p.Version)
	o.field("scope", p.Scope)
	o.field("window", p.Window)
	o.field("coverage", p.Coverage)
	o.field("cut", p.Cut)
	list(o, "nodes", p.Nodes)
	list(o, "flows", p.Flows)
	return o.end()
}

// object writes a JSON object a field a line, and keeps the first error.
type object struct {
	w     io.Writer
	begun bool
	err   error
}

func (o *object) text(s string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.w, s)
	}
}

func (o *object) value(v any) {
	if o.err != nil {
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an arrow in an id is read by people; nobody makes a page of it
	if o.err = e.Encode(v); o.err == nil {
		_, o.err = o.w.Write(bytes.TrimRight(b.Bytes(), "\n"))
	}
}

func (o *object) name(name string) {
	lead := ",\n"
	if !o.begun {
		lead, o.begun = "{\n", true
	}
	o.text(lead + `  "` + name + `": `)
}

func (o *object) field(name string, v any) {
	o.name(name)
	o.value(v)
}

func (o *object) end() error {
	o.text("\n}\n")
	return o.err
}

// list writes a list an element a line.
func list[T any](o *object, name string, all []T) {
	o.name(name)
	if len(all) == 0 {
		o.text("[]")
		return
	}
	lead := "[\n    "
	for _, x := range all {
		o.text(lead)
		o.value(x)
		lead = ",\n    "
	}
	o.text("\n  ]")
}
