package declared

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// value is a place in a document; a nil node: there is none.
type value struct {
	d  *document
	n  *yaml.Node
	at string // JSON pointer
	// line is where its key stands, or itself where it has none; 0: where the node does.
	line int
}

// item is one entry of a mapping or a list.
type item struct {
	key string // empty: of a list
	value
}

func (v value) there() bool { return v.n != nil }

func (v value) said() lineage.Said {
	s := lineage.Said{File: v.d.shown, Pointer: v.at}
	if s.Line = v.line; s.Line == 0 && v.n != nil {
		s.Line = v.n.Line
	}
	return s
}

// bad says what is wrong with what stands here.
func (v value) bad(format string, args ...any) error {
	e := &Error{File: v.d.shown, Key: v.at, Problem: fmt.Sprintf(format, args...)}
	e.Line = v.said().Line
	if v.n != nil {
		switch v.n.Kind {
		case yaml.ScalarNode:
			e.Value = v.n.Value
		case yaml.MappingNode:
			e.Problem = "a mapping " + e.Problem
		case yaml.SequenceNode:
			e.Problem = "a list " + e.Problem
		default:
		}
	}
	return e
}

// plain goes behind aliases.
func plain(n *yaml.Node) *yaml.Node {
	for range mostDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

func isNull(n *yaml.Node) bool { return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// child returns what stands under a key, behind no $ref; a value that is not there where nothing or null does.
func (v value) child(key string) (value, error) {
	out := value{d: v.d, at: v.at + "/" + escape(key)}
	if v.n == nil {
		return out, nil
	}
	if v.n.Kind != yaml.MappingNode {
		return out, v.bad("is not a mapping of keys to values")
	}
	k, n, err := v.find(v.n, key, 0)
	if n = plain(n); err == nil && !isNull(n) {
		out.n, out.line = n, k.Line
	}
	return out, err
}

// find looks for a key in a mapping, then in those that are merged into it.
func (v value) find(m *yaml.Node, key string, depth int) (name, found *yaml.Node, err error) {
	if depth > mostDepth {
		return nil, nil, v.bad("is merged into itself, or more than %d deep", mostDepth)
	}
	if depth > 0 && v.d.p.step() {
		return nil, nil, v.bad("more than %d $refs and merged mappings are gone through for this file", mostSteps)
	}
	x := v.d.p.index(m)
	if again := x.twice[key]; again != nil {
		return nil, nil, value{d: v.d, n: again, at: v.at}.bad("stands there twice")
	}
	if i, there := x.at[key]; there {
		return plain(m.Content[i]), m.Content[i+1], nil
	}
	for _, from := range x.merged {
		if found != nil || from == nil {
			break
		}
		all := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			all = from.Content
		}
		for _, one := range all {
			if one = plain(one); one != nil && one.Kind == yaml.MappingNode && found == nil {
				if name, found, err = v.find(one, key, depth+1); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return name, found, nil
}

// index is where the keys of a mapping stand. It is made once: a large one may be asked for each of its keys.
type index struct {
	at     map[string]int
	twice  map[string]*yaml.Node // keys that stand there again
	merged []*yaml.Node
}

func (p *parser) index(m *yaml.Node) *index {
	if x := p.indexes[m]; x != nil {
		return x
	}
	x := &index{at: make(map[string]int, len(m.Content)/2), twice: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := plain(m.Content[i])
		switch {
		case k == nil:
		case k.Tag == "!!merge":
			x.merged = append(x.merged, plain(m.Content[i+1]))
		case k.Kind != yaml.ScalarNode:
		default:
			if _, there := x.at[k.Value]; !there {
				x.at[k.Value] = i
			} else if x.twice[k.Value] == nil {
				x.twice[k.Value] = m.Content[i]
			}
		}
	}
	p.indexes[m] = x
	return x
}

// get is child behind $refs.
func (v value) get(key string) (value, error) {
	c, err := v.child(key)
	if err != nil {
		return c, err
	}
	return c.behind()
}

// items returns the entries of a mapping or a list in their order, behind no $ref, without those that are null; none
// where nothing is there.
func (v value) items(kind yaml.Kind) ([]item, error) {
	switch {
	case v.n == nil:
		return nil, nil
	case v.n.Kind != kind && kind == yaml.MappingNode:
		return nil, v.bad("is not a mapping of keys to values")
	case v.n.Kind != kind:
		return nil, v.bad("is not a list")
	case len(v.n.Content) > 2*mostItems || kind == yaml.SequenceNode && len(v.n.Content) > mostItems:
		return nil, v.bad("has more than %d entries", mostItems)
	}
	// what is aliased may be gone through again and again
	if v.d.p.steps += len(v.n.Content) / 4; v.d.p.steps > mostSteps {
		return nil, v.bad("more than %d $refs, merged mappings and entries of lists are gone through for this file", mostSteps)
	}
	var out []item
	if kind == yaml.SequenceNode {
		for i, n := range v.n.Content {
			if n = plain(n); !isNull(n) {
				out = append(out, item{value: value{d: v.d, n: n, at: fmt.Sprintf("%s/%d", v.at, i)}})
			}
		}
		return out, nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k, n := plain(v.n.Content[i]), plain(v.n.Content[i+1])
		if k == nil || k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			continue
		}
		if seen[k.Value] {
			return nil, value{d: v.d, n: k, at: v.at}.bad("stands there twice")
		}
		seen[k.Value] = true
		if !isNull(n) {
			out = append(out, item{k.Value, value{v.d, n, v.at + "/" + escape(k.Value), k.Line}})
		}
	}
	return out, nil
}

// list returns the entries of the list under a key, behind $refs.
func (v value) list(key string) ([]item, error) { return v.entries(key, yaml.SequenceNode) }

// mapping returns the entries of the mapping under a key, behind $refs.
func (v value) mapping(key string) ([]item, error) { return v.entries(key, yaml.MappingNode) }

func (v value) entries(key string, kind yaml.Kind) ([]item, error) {
	c, err := v.get(key)
	if err != nil {
		return nil, err
	}
	all, err := c.items(kind)
	for i := range all {
		if err == nil {
			all[i].value, err = all[i].behind()
		}
	}
	return all, err
}

// text returns the text here; empty where there is none.
func (v value) text() (string, error) {
	switch {
	case v.n == nil:
		return "", nil
	case v.n.Kind != yaml.ScalarNode:
		return "", v.bad("is not text")
	case v.n.Tag != "!!str":
		return "", v.bad("is not text: put it in quotes")
	case utf8.RuneCountInString(v.n.Value) > mostText:
		return "", v.bad("is longer than %d characters", mostText)
	}
	return v.n.Value, nil
}

// textOf returns the text under a key; empty where there is none.
func (v value) textOf(key string) (string, error) {
	c, err := v.get(key)
	if err != nil {
		return "", err
	}
	return c.text()
}

// needed is textOf where the format asks for one.
func (v value) needed(key string) (string, error) {
	s, err := v.textOf(key)
	if err == nil && s == "" {
		err = value{v.d, v.n, v.at + "/" + escape(key), v.line}.lacks("is not set")
	}
	return s, err
}

// lacks is bad for what should stand in here and does not.
func (v value) lacks(problem string) error {
	return &Error{File: v.d.shown, Line: v.said().Line, Key: v.at, Problem: problem}
}

// version returns the version under a key, which people write without quotes; empty where there is none.
func (v value) version(key string) (string, error) {
	c, err := v.get(key)
	switch {
	case err != nil || c.n == nil:
		return "", err
	case c.n.Kind != yaml.ScalarNode || c.n.Tag != "!!str" && c.n.Tag != "!!int" && c.n.Tag != "!!float":
		return "", c.bad("is not a version")
	case len(c.n.Value) > mostText:
		return "", c.bad("is longer than %d characters", mostText)
	}
	return c.n.Value, nil
}

// texts returns the texts of the list under a key.
func (v value) texts(key string) (out []string, err error) {
	all, err := v.list(key)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		s, err := x.text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// escape writes a key as a token of a JSON pointer.
func escape(key string) string { return escaper.Replace(key) }

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// unescape reads a token of a JSON pointer.
func unescape(token string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(token) }
