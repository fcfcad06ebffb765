package config

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
)

// decoder fills a Config from the merged layers. Lists of structs come as maps by index, so that layers can merge into
// them.
type decoder struct {
	origin func(path string) string
}

func (d decoder) fail(path string, value any, format string, args ...any) error {
	e := &Error{Key: readable(path), Problem: fmt.Sprintf(format, args...), Origin: d.origin(path)}
	switch v := value.(type) {
	case nil:
	case map[string]any, map[any]any:
		e.Problem = "a mapping " + e.Problem
	case []any:
		e.Problem = "a list " + e.Problem
	default:
		e.Value = fmt.Sprint(v)
	}
	return e
}

func (d decoder) decode(v reflect.Value, raw any, path string) error {
	if raw == nil {
		return nil // a key without a value says nothing
	}
	t := v.Type()
	if m, ok := raw.(map[string]any); ok && (t == reflect.TypeFor[Aliases]() || t == reflect.TypeFor[Properties]()) {
		return d.texts(v, m, path)
	}
	switch {
	case isLeaf(t):
		return d.leaf(v, raw, path)
	case t.Kind() == reflect.Struct:
		return d.mapping(v, raw, path)
	case isLeaf(t.Elem()):
		return d.list(v, raw, path)
	default:
		return d.structs(v, raw, path)
	}
}

// texts takes the mapping that a file has; a variable has a text.
func (d decoder) texts(v reflect.Value, raw map[string]any, path string) error {
	problem := "is not the name of a cluster"
	if v.Type() == reflect.TypeFor[Properties]() {
		problem = "is not text: put it in quotes"
	}
	out := reflect.MakeMap(v.Type())
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		text, ok := raw[key].(string)
		if !ok || text == "" {
			return d.fail(path+"."+key, raw[key], "%s", problem)
		}
		out.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text))
	}
	v.Set(out)
	return nil
}

func (d decoder) leaf(v reflect.Value, raw any, path string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	text, isText := raw.(string)
	switch x := raw.(type) {
	case time.Time: // so YAML takes a day
		text = x.Format(time.DateOnly)
	case float64:
		// YAML's numbers are floats, of which 15 digits are as they were written.
		if text = strconv.FormatFloat(x, 'f', -1, 64); v.Type() == reflect.TypeFor[Decimal]() && len(strings.Trim(text, "0.")) > 16 {
			return d.fail(path, text, "has more digits than a number in YAML keeps: put it in quotes")
		}
	case string, int, int64, uint64, bool:
		if !isText {
			text = fmt.Sprint(raw)
		}
	default:
		return d.fail(path, raw, "is not a single value")
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return d.fail(path, text, "%v", err)
		}
		return nil
	}
	if v.Kind() == reflect.Bool {
		if text != "true" && text != "false" {
			return d.fail(path, text, "is neither true nor false")
		}
		v.SetBool(text == "true")
		return nil
	}
	if !isText {
		return d.fail(path, text, "is not text: put it in quotes")
	}
	v.SetString(text)
	return nil
}

func (d decoder) list(v reflect.Value, raw any, path string) error {
	var items []any
	switch r := raw.(type) {
	case []any:
		items = r
	case []string:
		for _, s := range r {
			items = append(items, s)
		}
	case string:
		return d.fail(path, raw, "is not a list: write [%q]", shown(r))
	default:
		return d.fail(path, raw, "is not a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		at := path + "." + strconv.Itoa(i)
		if item == nil {
			return d.fail(at, nil, "is empty")
		}
		if err := d.leaf(v.Index(i), item, at); err != nil {
			return err
		}
	}
	return nil
}

// notAList is what is wrong with the value of a list of mappings.
const notAList = `is not a list: begin every entry with "- "`

func (d decoder) structs(v reflect.Value, raw any, path string) error {
	items, ok := raw.(map[string]any)
	if !ok {
		return d.fail(path, raw, notAList)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i := range len(items) {
		at := path + "." + strconv.Itoa(i)
		item, ok := items[strconv.Itoa(i)]
		if !ok {
			last := slices.MaxFunc(slices.Collect(maps.Keys(items)), func(a, b string) int {
				return cmp.Or(len(a)-len(b), strings.Compare(a, b)) // as numbers
			})
			return &Error{Key: readable(path), Problem: fmt.Sprintf("index %s is set and %d is not", last, i), Origin: d.origin(path + "." + last)}
		}
		if err := d.mapping(v.Index(i), item, at); err != nil {
			return err
		}
	}
	return nil
}

func (d decoder) mapping(v reflect.Value, raw any, path string) error {
	m, ok := raw.(map[string]any)
	if !ok {
		return d.fail(path, raw, "is not a mapping of keys to values")
	}
	t := v.Type()
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			fields[t.Field(i).Tag.Get("koanf")] = i
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		i, ok := fields[name]
		if !ok { // its value is not shown: it might be a misspelt secret
			return d.fail(at, nil, "unknown key%s", suggest(name, slices.Sorted(maps.Keys(fields))))
		}
		if err := d.decode(v.Field(i), m[name], at); err != nil {
			return err
		}
	}
	return nil
}

// suggest names the known key that is probably meant: the nearest of the same level, else where a key of that name
// stands. Empty when nothing is near.
func suggest(name string, siblings []string) string {
	best, distance := "", 1+len(name)/2
	for _, s := range siblings {
		if n := levenshtein.ComputeDistance(name, s); n < distance {
			best, distance = s, n
		}
	}
	if best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	for _, k := range keys() {
		if k.path == name || strings.HasSuffix(k.path, "."+name) {
			return fmt.Sprintf(", did you mean %q?", readable(k.path))
		}
	}
	return ""
}
