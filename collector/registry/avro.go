package registry

import (
	"errors"
	"slices"
	"strings"

	"github.com/twmb/avro"

	"github.com/lineaged/lineaged/lineage"
)

// parseAvro reads an Avro schema.
func parseAvro(main text, refs []text) (read, error) {
	var cache avro.SchemaCache
	types := map[string]*avro.SchemaNode{}
	var root *avro.SchemaNode
	for _, t := range append(slices.Clip(refs), main) {
		s, err := cache.Parse(t.schema)
		if err != nil {
			// the parser's words may quote it
			return read{}, errors.New("it is no Avro schema that can be read, or refers to one that is not there")
		}
		root = s.Root()
		define(root, types, 0)
	}
	l := &list{}
	if root.Type == "record" || root.Type == "error" {
		l.record = avroName(root)
	}
	w := avroWalk{list: l, types: types}
	err := w.within("", root, "", 0, nil)
	if err == nil && len(l.columns)+l.cut == 0 && l.record == "" {
		_, err = l.add("", w.kind(root, ""), false, 0)
	}
	return l.read, err
}

// define notes the named types of a schema.
func define(n *avro.SchemaNode, types map[string]*avro.SchemaNode, deep int) {
	if n == nil || deep > 100 {
		return
	}
	if n.Name != "" && (n.Type == "record" || n.Type == "error" || n.Type == "enum" || n.Type == "fixed") {
		types[avroName(n)] = n
	}
	for i := range n.Fields {
		define(&n.Fields[i].Type, types, deep+1)
	}
	for i := range n.Branches {
		define(&n.Branches[i], types, deep+1)
	}
	define(n.Items, types, deep+1)
	define(n.Values, types, deep+1)
}

func avroName(n *avro.SchemaNode) string {
	if n.Namespace == "" || strings.Contains(n.Name, ".") {
		return n.Name
	}
	return n.Namespace + "." + n.Name
}

// named returns what a reference in a namespace is to; what is none is returned as it is.
func (w *avroWalk) named(n *avro.SchemaNode, namespace string) *avro.SchemaNode {
	def := w.types[namespace+"."+n.Type]
	if def == nil {
		def = w.types[n.Type]
	}
	if def == nil {
		return n
	}
	return def
}

// kind is what a type is called.
func (w *avroWalk) kind(n *avro.SchemaNode, namespace string) string {
	switch n = w.named(n, namespace); n.Type {
	case "union":
		var of []string
		for i := range n.Branches {
			if n.Branches[i].Type != "null" {
				of = append(of, w.kind(&n.Branches[i], namespace))
			}
		}
		return strings.Join(of, " | ")
	case "array":
		if n.Items != nil {
			return "array of " + w.kind(n.Items, namespace)
		}
	case "map":
		if n.Values != nil {
			return "map of " + w.kind(n.Values, namespace)
		}
	case "record", "error", "enum", "fixed":
		return n.Type + " " + avroName(n)
	}
	if n.LogicalType != "" {
		return n.Type + " " + n.LogicalType
	}
	return n.Type
}

func avroOptional(n *avro.SchemaNode) bool {
	for i := range n.Branches {
		if n.Branches[i].Type == "null" {
			return true
		}
	}
	return false
}

type avroWalk struct {
	*list
	types map[string]*avro.SchemaNode
}

// within adds the fields of the records in a type: of elements of arrays and maps, and of all branches of a union.
// inside are the records that it is in: one within itself is not gone into.
func (w *avroWalk) within(path string, n *avro.SchemaNode, namespace string, deep int, inside []string) error {
	if n == nil {
		return nil
	}
	switch n = w.named(n, namespace); n.Type {
	case "record", "error":
		name := avroName(n)
		if slices.Contains(inside, name) {
			return nil
		}
		inside = append(slices.Clip(inside), name)
		for i := range n.Fields {
			f := &n.Fields[i]
			at := lineage.JoinPath(path, f.Name)
			on, err := w.add(at, w.kind(&f.Type, n.Namespace), avroOptional(&f.Type), deep)
			if err == nil && on {
				err = w.within(at, &f.Type, n.Namespace, deep+1, inside)
			}
			if err != nil {
				return err
			}
		}
	case "union":
		for i := range n.Branches {
			if err := w.within(path, &n.Branches[i], namespace, deep, inside); err != nil {
				return err
			}
		}
	case "array":
		return w.within(path, n.Items, namespace, deep, inside)
	case "map":
		return w.within(path, n.Values, namespace, deep, inside)
	}
	return nil
}
