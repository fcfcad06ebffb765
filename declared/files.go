package declared

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Config says what is read.
type Config struct {
	Flows    []Flow   // of lineaged's own configuration
	AsyncAPI []string // patterns of files, as in a shell
	Products []string // the same, of ODPS and ODCS
	// Backstage are the same, of entities of Backstage's software catalog.
	Backstage []string
	// Base is the folder from which files are named, where they lie in it.
	Base string
}

// Flow is a flow of lineaged's own configuration, between two node ids.
type Flow struct {
	From, To string
	Said     lineage.Said
}

// Reader reads the files of a configuration again and again, and those only that have changed. Of one that is wrong
// what it said before holds on. The zero value has read nothing. One goroutine at a time may use it.
type Reader struct {
	held map[key]*file
}

// key is a file, and as what it is read.
type key struct {
	path string
	as   format
}

// format is as what a file is read.
type format uint8

const (
	asAsyncAPI format = iota
	asProducts
	asBackstage
)

// file is what a file said last.
type file struct {
	stamps map[string]string // of it and those that it refers to, by path: which version was read
	parsed
	problem string // with the newest version
	stale   bool   // what is held is of an older one
}

type parsed struct {
	format   string
	flows    []lineage.DeclaredFlow
	product  *lineage.DeclaredProduct
	contract *lineage.DeclaredContract

	components []lineage.DeclaredComponent
}

// Read returns what is declared now, but addresses, and whether anything may have changed since Read was called last.
// What is wrong with a file stands with the file.
func (r *Reader) Read(cfg Config) (d *lineage.Declarations, changed bool) {
	d = &lineage.Declarations{}
	for _, f := range cfg.Flows {
		flow, err := f.Nodes()
		out := lineage.DeclaredFlow{Said: f.Said, Flow: flow}
		if err != nil {
			out.Problem = err.Error()
		}
		d.Flows = append(d.Flows, out)
	}
	held := map[key]*file{}
	for _, list := range []struct {
		patterns []string
		as       format
	}{{cfg.AsyncAPI, asAsyncAPI}, {cfg.Products, asProducts}, {cfg.Backstage, asBackstage}} {
		for _, p := range list.patterns {
			paths, problem := match(p)
			if len(held)+len(paths) > mostFiles {
				paths, problem = nil, fmt.Sprintf("with it there are more than %d files", mostFiles)
			}
			if problem != "" {
				d.Files = append(d.Files, lineage.DeclaredFile{File: cfg.shown(p), Problem: problem})
			}
			for _, path := range paths {
				k := key{path, list.as}
				if held[k] != nil {
					continue // by another pattern
				}
				f := r.held[k]
				if f == nil || f.outdated() {
					f, changed = cfg.read(k, rootOf(p), f), true
				}
				held[k] = f
				f.tell(d, cfg.shown(path))
			}
		}
	}
	changed = changed || len(held) != len(r.held)
	r.held = held
	return d, changed
}

// tell adds what a file says.
func (f *file) tell(d *lineage.Declarations, shown string) {
	is := lineage.DeclaredFile{File: shown, Format: f.format, Problem: f.problem, Stale: f.stale}
	if len(d.Flows)+len(f.flows) > mostFlows {
		is.Problem = fmt.Sprintf("with it more than %d flows are declared: it is left out", mostFlows)
	} else {
		d.Flows = append(d.Flows, f.flows...)
	}
	if len(d.Components)+len(f.components) > mostFlows {
		is.Problem = fmt.Sprintf("with it more than %d components are declared: it is left out", mostFlows)
	} else {
		d.Components = append(d.Components, f.components...)
	}
	d.Files = append(d.Files, is)
	if f.product != nil {
		d.Products = append(d.Products, *f.product)
	}
	if f.contract != nil {
		d.Contracts = append(d.Contracts, *f.contract)
	}
}

// match returns the files of a pattern, sorted; problem says why there are none.
func match(pattern string) (paths []string, problem string) {
	all, err := filepath.Glob(pattern)
	if err != nil {
		return nil, "is not a pattern of files"
	}
	for _, p := range all {
		if info, err := os.Stat(p); err != nil || !info.IsDir() {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil, "there is no such file"
	}
	return paths, ""
}

// rootOf is the folder whose files a file of a pattern may refer to: what stands in the pattern before anything that
// could be another name.
func rootOf(pattern string) string {
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, `*?[`) {
		dir = filepath.Dir(dir)
	}
	return dir
}

// shown is how a file is called.
func (c Config) shown(path string) string {
	if rel, err := filepath.Rel(cmp.Or(c.Base, "."), path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(path)
}

// outdated reports whether a file, or one that it refers to, is not as it was read.
func (f *file) outdated() bool {
	for path, was := range f.stamps {
		if stamp(path) != was {
			return true
		}
	}
	return false
}

// stamp tells one state of a file from another.
func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "missing"
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ", info.Mode().Type())
}

// read reads a file. was is what it said before; nil: nothing.
func (c Config) read(k key, root string, was *file) *file {
	f := &file{stamps: map[string]string{}}
	got, err := c.parse(k, root, f.stamps)
	switch {
	case err == nil:
		f.parsed = got
	case was != nil && was.format != "":
		f.parsed, f.problem, f.stale = was.parsed, err.Error(), true
	default:
		f.problem = err.Error()
	}
	return f
}

func (c Config) parse(k key, root string, stamps map[string]string) (out parsed, err error) {
	name, err := filepath.Rel(root, k.path)
	if err != nil {
		return out, err
	}
	tree, err := os.OpenRoot(root)
	if err != nil {
		return out, errors.New(cause(err))
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	p := newParser(func(at string) ([]byte, error) {
		path := filepath.Join(root, filepath.FromSlash(at))
		stamps[path] = stamp(path) // before it is read, so that no change is missed
		if path == filepath.Clean(k.path) {
			return content(os.Stat, os.Open, path) // which somebody named: it may be a link to anywhere
		}
		return content(tree.Stat, tree.Open, filepath.FromSlash(at))
	}, func(at string) string { return c.shown(filepath.Join(root, filepath.FromSlash(at))) })
	if k.as == asBackstage {
		all, err := p.openAll(filepath.ToSlash(name))
		if err == nil {
			out.format, out.components, err = parseBackstage(all)
		}
		return out, err
	}
	top, err := p.open(filepath.ToSlash(name))
	if err != nil {
		return out, err
	}
	if k.as == asProducts {
		out.format, out.product, out.contract, err = parseProducts(top)
	} else {
		out.format, out.flows, err = parseAsyncAPI(top)
	}
	return out, err
}

// content reads a file that is one, and not too large.
func content(stat func(string) (fs.FileInfo, error), open func(string) (*os.File, error), name string) (text []byte, err error) {
	info, err := stat(name)
	switch {
	case err != nil:
		return nil, errors.New(cause(err))
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file")
	case info.Size() > mostBytes:
		return nil, fmt.Errorf("has more than %d MiB", mostBytes>>20)
	}
	f, err := open(name)
	if err != nil {
		return nil, errors.New(cause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, mostBytes+1)) // one more: parse refuses it
}

// cause is an error of the file system without the path, which stands before it.
func cause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// Nodes returns the flow that is meant. The error says which key is wrong.
func (f Flow) Nodes() (lineage.Flow, error) {
	from, err := nodeOf("from", f.From)
	if err != nil {
		return lineage.Flow{}, err
	}
	to, err := nodeOf("to", f.To)
	if err != nil {
		return lineage.Flow{}, err
	}
	topics := 0
	for _, n := range []lineage.Node{from, to} {
		if n.Kind == lineage.TopicNode {
			topics++
		}
	}
	if topics != 1 {
		return lineage.Flow{}, &Error{File: f.Said.File, Line: f.Said.Line, Key: "to", Value: f.To, Problem: "one of from and to must be a topic, and the other none"}
	}
	return lineage.Flow{From: from, To: to}, nil
}

// kinds are those of nodes that a flow from or to a topic can have.
var kinds = map[lineage.NodeKind]bool{
	lineage.TopicNode: true, lineage.ApplicationNode: true, lineage.ConnectorNode: true, lineage.ReplicatorNode: true, lineage.StreamJobNode: true, lineage.JobNode: true,
}

func nodeOf(key, id string) (lineage.Node, error) {
	n, err := lineage.ParseNodeID(id)
	if err != nil {
		return n, &Error{Key: key, Value: id, Problem: "is not a node's id, e.g. application:production/shop or topic:west/orders"}
	}
	if !kinds[n.Kind] {
		return n, &Error{Key: key, Value: id, Problem: "is none of topic, application, streamjob, job, connector and replicator"}
	}
	return n, nil
}

// Problems are what is wrong with the files, in a fixed order.
func Problems(d *lineage.Declarations) []string {
	all := map[string]bool{}
	for _, f := range d.Files {
		if f.Problem != "" {
			text := f.Problem
			if !strings.HasPrefix(text, f.File) {
				text = f.File + ": " + text
			}
			if f.Stale {
				text += "; what it said before holds"
			}
			all[text] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
