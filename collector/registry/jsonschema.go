package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// parseJSON reads a JSON Schema. Only what names and types properties is looked at; libraries check values by a schema,
// and keep no order of its properties.
func parseJSON(main text, refs []text) (read, error) {
	w := &jsonWalk{list: &list{}, others: map[string]*object{}}
	for _, t := range refs {
		w.others[t.name] = parseObject([]byte(t.schema))
	}
	root := parseObject([]byte(main.schema))
	if root == nil {
		return read{}, errors.New("it is no JSON Schema: no object")
	}
	w.record = root.text("title")
	err := w.within("", at{root, root}, 0, nil)
	if err == nil && len(w.columns)+w.cut == 0 {
		if kind := w.kind(at{root, root}, 0); kind != "object" && kind != "" {
			_, err = w.add("", kind, w.null(at{root, root}), 0)
		}
	}
	return w.read, err
}

// object is a JSON object with its members in their order.
type object struct {
	names  []string
	values map[string]json.RawMessage
}

// parseObject returns nil for what is none.
func parseObject(b []byte) *object {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	o := &object{values: map[string]json.RawMessage{}}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil
		}
		key, _ := name.(string)
		if _, twice := o.values[key]; !twice {
			o.names = append(o.names, key)
		}
		o.values[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil
	}
	return o
}

func (o *object) text(name string) (s string) {
	if json.Unmarshal(o.values[name], &s) != nil {
		return ""
	}
	return s
}

func (o *object) texts(name string) (all []string) {
	if json.Unmarshal(o.values[name], &all) != nil {
		if s := o.text(name); s != "" {
			return []string{s}
		}
		return nil
	}
	return all
}

func (o *object) objects(name string) (all []*object) {
	var list []json.RawMessage
	if json.Unmarshal(o.values[name], &list) != nil {
		list = []json.RawMessage{o.values[name]}
	}
	for _, x := range list {
		if of := parseObject(x); of != nil {
			all = append(all, of)
		}
	}
	return all
}

// at is a schema and the document that its references are within.
type at struct{ schema, root *object }

type jsonWalk struct {
	*list
	others map[string]*object
}

var errNotThere = errors.New("it refers to a schema that is not there")

// maxRefs is how many references may follow one another.
const maxRefs = 50

// follow returns what a schema that refers to another means. ref is empty where it refers to none.
func (w *jsonWalk) follow(x at) (to at, ref string, err error) {
	for range maxRefs {
		next := x.schema.text("$ref")
		if next == "" {
			return x, ref, nil
		}
		ref = next
		document, pointer, _ := strings.Cut(next, "#")
		if document != "" && document != x.root.text("$id") {
			other := w.others[document]
			if other == nil {
				other = w.others[document[strings.LastIndexByte(document, '/')+1:]]
			}
			if other == nil {
				return x, ref, errNotThere
			}
			x = at{other, other}
		} else {
			x = at{x.root, x.root}
		}
		if x, err = x.point(pointer); err != nil {
			return x, ref, err
		}
	}
	return x, ref, errors.New("its references lead in a circle")
}

// point follows a JSON pointer (RFC 6901).
func (x at) point(pointer string) (at, error) {
	if pointer == "" {
		return x, nil
	}
	if pointer[0] != '/' {
		return x, errNotThere // an anchor
	}
	var value json.RawMessage
	o := x.schema
	for i, step := range strings.Split(pointer[1:], "/") {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if i > 0 {
			o = parseObject(value)
		}
		if o != nil {
			value = o.values[step]
			continue
		}
		var items []json.RawMessage
		n, err := strconv.Atoi(step)
		if err != nil || json.Unmarshal(value, &items) != nil || n < 0 || n >= len(items) {
			return x, errNotThere
		}
		value = items[n]
	}
	if o = parseObject(value); o == nil {
		return x, errNotThere
	}
	return at{o, x.root}, nil
}

// kind is what a schema calls its type, without null.
func (w *jsonWalk) kind(x at, deep int) string {
	x, _, err := w.follow(x)
	if err != nil || deep > mostDeep {
		return ""
	}
	all := slices.DeleteFunc(x.schema.texts("type"), func(s string) bool { return s == "null" })
	if len(all) == 0 {
		for _, list := range [...]string{"oneOf", "anyOf", "allOf"} {
			for _, o := range x.schema.objects(list) {
				if kind := w.kind(at{o, x.root}, deep+1); kind != "" && kind != "null" && !slices.Contains(all, kind) {
					all = append(all, kind)
				}
			}
		}
	}
	if len(all) == 0 && x.schema.values["properties"] != nil {
		return "object"
	}
	if len(all) == 0 && x.schema.values["enum"] != nil {
		return "enum"
	}
	kind := strings.Join(all, " | ")
	if kind == "array" {
		for _, item := range x.schema.objects("items") {
			if of := w.kind(at{item, x.root}, deep+1); of != "" {
				return "array of " + of
			}
		}
	}
	if format := x.schema.text("format"); format != "" && kind != "" {
		kind += " " + format
	}
	return kind
}

// null reports whether a schema allows null.
func (w *jsonWalk) null(x at) bool {
	x, _, err := w.follow(x)
	if err != nil {
		return false
	}
	if slices.Contains(x.schema.texts("type"), "null") {
		return true
	}
	for _, list := range [...]string{"oneOf", "anyOf"} {
		for _, o := range x.schema.objects(list) {
			if slices.Contains(o.texts("type"), "null") {
				return true
			}
		}
	}
	return false
}

// within adds the properties of a schema, of the elements of an array, and of all that it is combined of. inside are
// the references that it is in: one within itself is not gone into.
func (w *jsonWalk) within(path string, x at, deep int, inside []string) error {
	if w.walked++; w.walked > mostWalked {
		return errMany
	}
	to, ref, err := w.follow(x)
	switch {
	case err != nil:
		return err
	case ref != "" && slices.Contains(inside, ref):
		return nil
	case ref != "":
		inside = append(slices.Clip(inside), ref)
	}
	if deep > mostDeep {
		return nil
	}
	if properties := parseObject(to.schema.values["properties"]); properties != nil {
		if err := w.properties(path, properties, to, deep, inside); err != nil {
			return err
		}
	}
	for _, list := range [...]string{"allOf", "anyOf", "oneOf", "items", "prefixItems"} {
		for _, o := range to.schema.objects(list) {
			if err := w.within(path, at{o, to.root}, deep+1, inside); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *jsonWalk) properties(path string, properties *object, of at, deep int, inside []string) error {
	required := of.schema.texts("required")
	for _, name := range properties.names {
		is := parseObject(properties.values[name])
		if name == "" {
			w.cut++
			continue
		}
		if is == nil {
			is = &object{} // true: anything
		}
		where := lineage.JoinPath(path, name)
		x := at{is, of.root}
		on, err := w.add(where, w.kind(x, 0), !slices.Contains(required, name) || w.null(x), deep)
		if err == nil && on {
			err = w.within(where, x, deep+1, inside)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
