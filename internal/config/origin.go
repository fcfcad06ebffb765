package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origins says where the values of a configuration came from, by dotted path. The zero value knows of nothing.
type origins struct {
	file  string
	lines map[string]int    // in the file, from 1: where a key or an item of a list begins
	set   map[string]string // "$VARIABLE" or "--flag": above the file
}

// theDefaults is the origin of a value that nobody set.
const theDefaults = "the defaults"

// of returns where the value at path came from: FILE:LINE, $VARIABLE, --flag or the defaults. For what is missing it is
// where the nearest around it was set, empty where there is nothing.
func (o origins) of(path string) string {
	if o.below(path) == "" && o.set[path] == "" && o.lines[path] == 0 && defaultOf(path) != "" {
		return theDefaults
	}
	for at := path; at != ""; at = parent(at) {
		if from := o.set[at]; from != "" {
			return from
		}
		if line := o.lines[at]; line > 0 && at == path {
			return o.inFile(line)
		}
		if from := o.below(at); from != "" {
			return from
		}
		if line := o.lines[at]; line > 0 {
			return o.inFile(line)
		}
	}
	return ""
}

func (o origins) inFile(line int) string { return fmt.Sprintf("%s:%d", o.file, line) }

// below returns the first variable or flag that set something inside path.
func (o origins) below(path string) string {
	for _, p := range slices.Sorted(maps.Keys(o.set)) {
		if strings.HasPrefix(p, path+".") {
			return o.set[p]
		}
	}
	return ""
}

// note says that a variable or a flag set path: what the file said of it, and inside it, holds no more.
func (o origins) note(path, from string) {
	o.set[path] = from
	maps.DeleteFunc(o.lines, func(p string, _ int) bool { return p == path || strings.HasPrefix(p, path+".") })
}

func parent(path string) string { return path[:max(strings.LastIndexByte(path, '.'), 0)] }

// dotted turns the spelling of messages into a path: clusters[0].name is clusters.0.name.
func dotted(key string) string { return strings.NewReplacer("[", ".", "]", "").Replace(key) }

// lines returns where each key and each item of a YAML text stands. The text has been parsed: it is not checked again.
func lines(text []byte) map[string]int {
	out := map[string]int{}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err == nil && len(doc.Content) == 1 {
		place(out, doc.Content[0], "")
	}
	return out
}

// place enters what stands below a node. What an earlier entry said stays: a key wins over what is merged into its
// mapping.
func place(out map[string]int, n *yaml.Node, path string) {
	below := func(name string, line int, value *yaml.Node) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if _, known := out[at]; !known {
			out[at] = line
			place(out, value, at)
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		place(out, n.Alias, path)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			below(strconv.Itoa(i), item.Line, item)
		}
	case yaml.MappingNode:
		var merged []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], n.Content[i+1]
			if name.Tag == "!!merge" {
				merged = append(merged, value)
				continue
			}
			below(name.Value, name.Line, value)
		}
		for _, m := range merged {
			if m.Kind == yaml.SequenceNode {
				for _, one := range m.Content {
					place(out, one, path)
				}
				continue
			}
			place(out, m, path)
		}
	default:
	}
}
