package declared

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// load returns what a file of the folder tree holds, by its path in it, with slashes.
type load func(name string) ([]byte, error)

// document is one file that was read.
type document struct {
	p     *parser
	name  string // in the folder tree
	shown string
	root  *yaml.Node
}

// parser reads one file, with those that it refers to.
type parser struct {
	load  load
	shown func(name string) string
	docs  map[string]*document
	steps int // $refs that were followed and mappings that were searched so far
	// indexes are of the mappings that were searched.
	indexes map[*yaml.Node]*index
}

// step counts what may branch without end, and reports whether there was too much of it.
func (p *parser) step() bool { p.steps++; return p.steps > mostSteps }

func newParser(from load, shown func(string) string) *parser {
	return &parser{load: from, shown: shown, docs: map[string]*document{}, indexes: map[*yaml.Node]*index{}}
}

// open reads a file once.
func (p *parser) open(name string) (value, error) {
	d := p.docs[name]
	if d == nil {
		d = &document{p: p, name: name, shown: p.shown(name)}
		if len(p.docs) > mostRefs {
			return value{d: d}, &Error{File: d.shown, Problem: fmt.Sprintf("refers to more than %d files", mostRefs)}
		}
		text, err := p.load(name)
		if err != nil {
			return value{d: d}, &Error{File: d.shown, Problem: err.Error()}
		}
		if d.root, err = parse(text); err != nil {
			return value{d: d}, &Error{File: d.shown, Problem: err.Error()}
		}
		p.docs[name] = d
	}
	return value{d: d, n: d.root}, nil
}

// parse makes a tree of a text that is not too large.
func parse(text []byte) (*yaml.Node, error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("is empty")
	case err != nil:
		return nil, errors.New(syntax(err))
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document")
	}
	n := &doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		n = plain(doc.Content[0])
	}
	if isNull(n) {
		return nil, errors.New("is empty")
	}
	if n.Kind != yaml.MappingNode {
		return nil, errors.New("is not a YAML mapping of keys to values")
	}
	return n, nil
}

// bounded refuses a text that is larger than anybody writes.
func bounded(text []byte) error {
	if len(text) > mostBytes {
		return fmt.Errorf("has more than %d MiB", mostBytes>>20)
	}
	if n := bytes.Count(text, []byte(",")) + bytes.Count(text, []byte(":")) + bytes.Count(text, []byte("\n")); n > mostMarks {
		return fmt.Errorf("has more than %d commas, colons and line ends", mostMarks)
	}
	return nil
}

// syntax says where a text is not YAML, and nothing of what it holds.
func syntax(err error) string {
	problem := "is not YAML"
	if line := regexp.MustCompile(`line \d+`).FindString(err.Error()); line != "" {
		problem += ", see " + line
	}
	return problem
}

// target is where a $ref leads.
type target struct{ file, pointer string }

func (t target) String() string { return t.file + "#" + t.pointer }

// behind follows $refs until something else stands there. One that goes in a circle is refused.
func (v value) behind() (value, error) {
	return v.follow(nil)
}

// follow is behind, of a place to which a chain of $refs has led.
func (v value) follow(chain []target) (value, error) {
	for v.n != nil && v.n.Kind == yaml.MappingNode {
		ref, err := v.child("$ref")
		if err != nil || ref.n == nil {
			return v, err
		}
		to, err := ref.target()
		if err != nil {
			return v, err
		}
		here := target{v.d.name, v.at}
		if len(chain) == 0 {
			chain = append(chain, here)
		}
		for i, t := range chain {
			if t == to {
				return v, ref.bad("cyclic $ref: %s", circle(append(chain[i:], to)))
			}
		}
		if v.d.p.step() {
			return v, ref.bad("more than %d $refs and merged mappings are gone through for this file", mostSteps)
		}
		if chain = append(chain, to); len(chain) > mostDepth {
			return v, ref.bad("more than %d $refs lead from one to the next", mostDepth)
		}
		next, err := v.d.p.open(to.file)
		if err != nil {
			return v, err
		}
		if v, err = next.walk(to, chain, ref); err != nil {
			return v, err
		}
	}
	return v, nil
}

func circle(chain []target) string {
	var words []string
	for _, t := range chain {
		words = append(words, short(t.String()))
	}
	if len(words) > 6 {
		words = append(append(words[:3:3], "..."), words[len(words)-2:]...)
	}
	return strings.Join(words, " -> ")
}

// walk goes from the root of a document to where a pointer leads; what stands on the way may be a $ref itself.
func (v value) walk(to target, chain []target, ref value) (value, error) {
	if to.pointer == "" {
		return v, nil
	}
	for token := range strings.SplitSeq(to.pointer[1:], "/") {
		var err error
		if v, err = v.follow(chain); err != nil {
			return v, err
		}
		key := unescape(token)
		switch {
		case v.n != nil && v.n.Kind == yaml.SequenceNode:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v.n.Content) {
				return v, ref.bad("leads nowhere")
			}
			v = value{d: v.d, n: plain(v.n.Content[i]), at: v.at + "/" + token}
		default:
			if v, err = v.child(key); err != nil {
				return v, err
			}
		}
		if v.n == nil {
			return v, ref.bad("leads nowhere")
		}
	}
	return v, nil
}

// target reads a $ref.
func (v value) target() (target, error) {
	text, err := v.text()
	if err != nil {
		return target{}, err
	}
	file, fragment, _ := strings.Cut(text, "#")
	to := target{file: v.d.name}
	if file != "" {
		u, err := url.Parse(file)
		if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" {
			// the address is not repeated: it may hold a password
			return to, v.lacks("leads out of the folder: only files beside this one are read, nothing from a network")
		}
		if path.IsAbs(u.Path) || strings.Contains(u.Path, `\`) {
			return to, v.bad("leads out of the folder: write a path that is relative to this file")
		}
		if to.file = path.Join(path.Dir(v.d.name), u.Path); to.file == ".." || strings.HasPrefix(to.file, "../") {
			return to, v.bad("leads out of the folder")
		}
	}
	if to.pointer, err = url.PathUnescape(fragment); err != nil || to.pointer != "" && to.pointer[0] != '/' {
		return to, v.bad("is not a JSON pointer behind the #")
	}
	return to, nil
}
