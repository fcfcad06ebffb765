package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// bench is a module of its own, which `go list` does not see from here and which takes minutes to build: its imports
// are read from the sources.
func TestBenchIsApart(t *testing.T) {
	var edges []edge
	err := filepath.WalkDir("../../bench", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, err := filepath.Rel("../..", filepath.Dir(path))
		for _, i := range f.Imports {
			to, _ := strconv.Unquote(i.Path.Value) // it was parsed
			first, _, _ := strings.Cut(to, "/")
			edges = append(edges, edge{
				from: filepath.ToSlash(from), to: strings.TrimPrefix(to, module+"/"), test: strings.HasSuffix(path, "_test.go"),
				std: !strings.Contains(first, "."),
			})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(edges) < 20 {
		t.Fatalf("only %d imports read", len(edges))
	}
	for _, v := range violations(edges) {
		t.Error(v)
	}
}

// What lineaged is measured beside never becomes a part of it.
func TestPeersStayInBench(t *testing.T) {
	peers := requires(t, "../../bench/go.mod")
	if len(peers) == 0 {
		t.Fatal("bench requires nothing")
	}
	for path := range listed(t) {
		if withinAny(path, peers) {
			t.Errorf("%s is a peer of the benchmarks, and in lineaged or its tests", path)
		}
	}
	for _, m := range requires(t, "../../go.mod") {
		if withinAny(m, peers) {
			t.Errorf("go.mod requires %s, a peer of the benchmarks", m)
		}
	}
}

// requires returns the modules that a go.mod requires itself, ours aside.
func requires(t *testing.T, file string) (modules []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(f) == 2 && strings.HasPrefix(f[1], "v") && strings.Contains(f[0], "/") && f[0] != module {
			modules = append(modules, f[0])
		}
	}
	return modules
}
