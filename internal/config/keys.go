package config

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// key is one setting. Its path is dotted, with * for an index: clusters.*.tls.ca_file.
type key struct {
	path   string
	kind   reflect.Type
	list   bool // a list of scalars
	secret bool // from the environment only
	file   bool
}

// keys returns all settings in the order of the structs, which is the order of the reference page.
var keys = sync.OnceValue(func() []key {
	var all []key
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		switch {
		case isLeaf(t):
			all = append(all, key{path: path, kind: t, secret: t == reflect.TypeFor[Secret](), file: t == reflect.TypeFor[File]()})
		case t.Kind() == reflect.Slice && isLeaf(t.Elem()):
			all = append(all, key{path: path, kind: t.Elem(), list: true, file: t.Elem() == reflect.TypeFor[File]()})
		case t.Kind() == reflect.Slice:
			walk(t.Elem(), path+".*")
		default:
			for f := range t.Fields() {
				if f.IsExported() {
					walk(f.Type, strings.TrimPrefix(path+"."+f.Tag.Get("koanf"), "."))
				}
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	return all
})

func isLeaf(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || t.Kind() == reflect.String || t.Kind() == reflect.Bool
}

// flag returns the key's flag without its dashes, or "" when it has none: rules are lists that no flag could spell,
// secrets would stand in the process list. A cluster's keys have flags for the one cluster of a command line.
func (k key) flag() string {
	if k.secret {
		return ""
	}
	return k.short()
}

// short is the name by which flags and environment know the key without an index.
func (k key) short() string {
	p, one := strings.CutPrefix(k.path, "clusters.*.")
	if strings.Contains(p, "*") {
		return ""
	}
	if one && p == "name" {
		p = "cluster-name"
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(p)
}

const envPrefix = "LINEAGED_"

// env returns the key's environment variable, with N for an index.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "*", "N").Replace(k.path))
}

// shortEnv returns the variable that sets the key of the one cluster, or "" for other keys.
func (k key) shortEnv() string {
	if !strings.HasPrefix(k.path, "clusters.*.") || k.short() == "" {
		return ""
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.short(), "-", "_"))
}

// matchEnv returns the path that a variable sets, e.g. clusters.0.name; one says that it did so by the name for the one
// cluster.
func (k key) matchEnv(name string) (path string, one, ok bool) {
	if short := k.shortEnv(); short != "" && name == short {
		return strings.Replace(k.path, "*", "0", 1), true, true
	}
	parts, path := strings.Split(k.env(), "_N_"), k.path
	for _, part := range parts[:len(parts)-1] {
		rest, is := strings.CutPrefix(name, part+"_")
		index, rest, more := strings.Cut(rest, "_")
		if n, err := strconv.Atoi(index); !is || !more || err != nil || n < 0 || strconv.Itoa(n) != index {
			return "", false, false
		}
		name, path = rest, strings.Replace(path, "*", index, 1)
	}
	return path, false, name == parts[len(parts)-1]
}

// kindName says in the reference what the key takes.
func (k key) kindName() string {
	name := "text"
	t := k.kind
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case k.secret:
		name = "secret"
	case k.file:
		name = "file"
	case t == reflect.TypeFor[Duration]():
		name = "duration"
	case t == reflect.TypeFor[Size]():
		name = "size"
	case t == reflect.TypeFor[OneOf]():
		name = "fraction"
	case t == reflect.TypeFor[Count]():
		name = "number"
	case t == reflect.TypeFor[Date]():
		name = "day"
	case t == reflect.TypeFor[Every]():
		name = "length of time"
	case t == reflect.TypeFor[Decimal]():
		name = "decimal number"
	case t == reflect.TypeFor[Pattern]():
		name = "pattern"
	case t == reflect.TypeFor[Aliases]():
		name = "names by alias"
	case t == reflect.TypeFor[Properties]():
		name = "texts by key"
	case t.Kind() == reflect.Bool:
		name = "true or false"
	}
	if k.list {
		name = "list of " + name + "s"
	}
	return name
}

// readable turns a dotted path into the spelling of messages: clusters.0.name is clusters[0].name.
func readable(path string) string {
	var b strings.Builder
	for i, part := range strings.Split(path, ".") {
		_, err := strconv.Atoi(part)
		switch {
		case err == nil || part == "*":
			b.WriteString("[" + strings.Trim(part, "*") + "]")
		case i > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}
