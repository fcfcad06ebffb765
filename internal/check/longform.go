package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	slash "path"
	"slices"
	"strconv"
	"strings"
)

// longForm is what asks tests for their long form.
const longForm = "LINEAGED_LONG=1"

// longTest is a test that has a long form.
type longTest struct{ pkg, name string }

// findLong returns the tests of a tree whose long form can be asked for: those that look themselves whether it is, and
// those that use what does, a function or a variable of their package. Whatever else is of its name counts as it: a
// test too many is run. The tests of acceptance have a step of their own, and what begins with a build constraint is
// not of it.
func findLong(root fs.FS) (all []longTest, err error) {
	packages := map[string]*testPackage{}
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(acceptance, "/"+slash.Dir(path)):
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		pkg := "./" + slash.Dir(path)
		if packages[pkg] == nil {
			packages[pkg] = &testPackage{uses: map[string]map[string]bool{}}
		}
		return packages[pkg].read(path, text)
	})
	if err != nil {
		return nil, err
	}
	for pkg, p := range packages {
		for _, name := range p.asking() {
			all = append(all, longTest{pkg, name})
		}
	}
	slices.SortFunc(all, func(a, b longTest) int {
		return strings.Compare(a.pkg+" "+a.name, b.pkg+" "+b.name)
	})
	if len(all) == 0 {
		return nil, errors.New("no test has a long form: the tree was not understood")
	}
	return all, nil
}

// testPackage is what the declarations of a package's tests use.
type testPackage struct {
	uses map[string]map[string]bool // by name, the names in it
	asks []string                   // what looks whether the long form is asked for
}

// read adds a file.
func (p *testPackage) read(path string, text []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("look for tests that have a long form: %w", err)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.declares(d.Name.Name, d)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						p.declares(name.Name, v)
					}
				}
			}
		}
	}
	return nil
}

// declares notes what the declaration of a name uses.
func (p *testPackage) declares(name string, decl ast.Node) {
	if p.uses[name] == nil {
		p.uses[name] = map[string]bool{}
	}
	asked, _, _ := strings.Cut(longForm, "=")
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			p.uses[name][n.Name] = true
		case *ast.BasicLit:
			if n.Value == strconv.Quote(asked) {
				p.asks = append(p.asks, name)
			}
		}
		return true
	})
}

// asking returns the tests that look whether the long form is asked for, also where another looks for them.
func (p *testPackage) asking() (tests []string) {
	found := map[string]bool{}
	for next := p.asks; len(next) > 0; {
		var users []string
		for _, name := range next {
			if found[name] {
				continue
			}
			found[name] = true
			for user, uses := range p.uses {
				if uses[name] {
					users = append(users, user)
				}
			}
		}
		next = users
	}
	for name := range found {
		if strings.HasPrefix(name, "Test") && name != "TestMain" {
			tests = append(tests, name)
		}
	}
	return tests
}
