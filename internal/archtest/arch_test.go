package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pkg is what these tests read of a line of `go list -json`.
type pkg struct {
	ImportPath, Name, Doc              string
	Standard                           bool
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Error                              *struct{ Err string }
}

// listed reads the module and all it depends on.
func listed(t *testing.T) map[string]pkg {
	t.Helper()
	dependOnSources(t)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-test",
		"-json=ImportPath,Name,Doc,Standard,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles,Error", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string]pkg{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list -json: %v", err)
		}
		// "p.test" and "p [p.test]" are the same packages built for a test.
		if strings.HasSuffix(p.ImportPath, ".test") || strings.Contains(p.ImportPath, " [") {
			continue
		}
		all[p.ImportPath] = p
	}
	return all
}

// dependOnSources looks at every Go file, since `go test` keeps a result until a file that the test itself touched
// changes, and what `go list` reads does not count.
func dependOnSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || len(name) > 2 && name[0] == '.'):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go"):
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// ours are the module's own packages, by their path within it.
func ours(all map[string]pkg) map[string]pkg {
	m := map[string]pkg{}
	for path, p := range all {
		if rel, ok := strings.CutPrefix(path, module+"/"); ok {
			m[rel] = p
		}
	}
	return m
}

func TestImportsGoOneWay(t *testing.T) {
	all := listed(t)
	var edges []edge
	add := func(from string, imports []string, test bool) {
		for _, to := range imports {
			edges = append(edges, edge{
				from: from, to: strings.TrimPrefix(to, module+"/"), test: test,
				std: all[to].Standard || to == "C",
			})
		}
	}
	for rel, p := range ours(all) {
		add(rel, p.Imports, false)
		add(rel, p.TestImports, true)
		add(rel, p.XTestImports, true)
	}
	if len(edges) < 20 {
		t.Fatalf("only %d imports read: go list did not see the module", len(edges))
	}
	for _, v := range violations(edges) {
		t.Error(v)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	packages := ours(listed(t))
	if len(packages) < 3 {
		t.Fatalf("only %d packages read", len(packages))
	}
	for rel, p := range packages {
		if len(p.GoFiles) == 0 {
			continue // tests only: nothing that anybody could import
		}
		if why := badDoc(p); why != "" {
			t.Errorf("%s: %s", rel, why)
		}
	}
}

var (
	packageDoc = regexp.MustCompile(`^Package ([a-z0-9]+) \S+ \S+`)
	commandDoc = regexp.MustCompile(`^(?:Command )?([A-Z]?[a-z0-9]+) \S+ \S+`)
)

// badDoc says what a package's doc comment lacks; "" when it is a sentence that begins with the package's name.
func badDoc(p pkg) string {
	want, pattern := p.Name, packageDoc
	if p.Name == "main" {
		want, pattern = p.ImportPath[strings.LastIndexByte(p.ImportPath, '/')+1:], commandDoc
	}
	m := pattern.FindStringSubmatch(p.Doc)
	switch {
	case p.Doc == "":
		return "no doc comment: say what the package does, what it hides, what it refuses to do"
	case m == nil || !strings.EqualFold(m[1], want):
		return `the doc comment must be a sentence that begins "Package ` + p.Name + `" ("Command NAME" for a program)`
	case !strings.Contains(p.Doc, "."):
		return "the doc comment is not a sentence"
	}
	return ""
}

func TestViolationsAreFound(t *testing.T) {
	f := func(e edge, why string) {
		t.Helper()
		got := violations([]edge{e})
		switch {
		case why == "" && len(got) > 0:
			t.Errorf("%v: refused: %s", e, got)
		case why != "" && len(got) != 1:
			t.Errorf("%v: got %d violations, want one", e, len(got))
		case why != "" && (!strings.Contains(got[0], why) || !strings.Contains(got[0], e.to)):
			t.Errorf("%v: got %q, want the import and %q", e, got[0], why)
		}
	}
	const kgo = "github.com/twmb/franz-go/pkg/kgo"
	allowed, forbidden := f, f

	allowed(edge{from: "collector/kafka", to: "lineage"}, "")
	allowed(edge{from: "collector/kafka", to: "collector"}, "")
	allowed(edge{from: "collector/kafka", to: kgo}, "")
	allowed(edge{from: "collector/kafka", to: "internal/kafkatest", test: true}, "")
	allowed(edge{from: "api", to: "graph/layout"}, "")
	allowed(edge{from: "api", to: "answer"}, "")
	allowed(edge{from: "answer", to: "graph"}, "")
	allowed(edge{from: "answer", to: "sync", std: true}, "")
	allowed(edge{from: "answer", to: "timeseries", test: true}, "")
	allowed(edge{from: "api", to: "net/http", std: true}, "")
	allowed(edge{from: "api", to: "timeseries", test: true}, "")
	allowed(edge{from: "cmd/lineaged", to: "timeseries"}, "")
	allowed(edge{from: "timeseries", to: "store"}, "")
	allowed(edge{from: "timeseries", to: "store/storetest", test: true}, "")
	allowed(edge{from: "answer", to: "store"}, "")
	allowed(edge{from: "cmd/lineaged", to: "internal/demo"}, "")
	allowed(edge{from: "graph", to: "github.com/RoaringBitmap/roaring/v2"}, "")
	allowed(edge{from: "graph", to: "github.com/google/go-cmp/cmp", test: true}, "")
	allowed(edge{from: "ui", to: "embed", std: true}, "")
	allowed(edge{from: "bench/peer/lineaged", to: "bench/work"}, "")
	allowed(edge{from: "bench/peer/prometheus", to: "github.com/prometheus/prometheus/tsdb"}, "")

	forbidden(edge{from: "lineage", to: "graph"}, "vocabulary")
	forbidden(edge{from: "lineage", to: "github.com/google/uuid"}, "standard library only")
	forbidden(edge{from: "collector/kafka", to: "timeseries"}, "interface that it declares")
	forbidden(edge{from: "collector/kafka", to: "internal/kafkatest"}, "interface that it declares")
	forbidden(edge{from: "timeseries", to: "collector"}, "never triggers collection")
	forbidden(edge{from: "timeseries", to: "graph", test: true}, "through cmd")
	forbidden(edge{from: "graph", to: "timeseries"}, "graph is pure")
	forbidden(edge{from: "graph/layout", to: "api"}, "graph is pure")
	forbidden(edge{from: "graph", to: "github.com/prometheus/client_golang/prometheus"}, "graph is pure")
	forbidden(edge{from: "identity", to: "graph"}, "identity is pure")
	forbidden(edge{from: "answer", to: "timeseries"}, "small interfaces")
	forbidden(edge{from: "answer", to: "api"}, "nothing that asks it")
	forbidden(edge{from: "answer", to: "api", test: true}, "nothing that asks it")
	forbidden(edge{from: "answer", to: "net/http", std: true}, "who carries the question")
	forbidden(edge{from: "export", to: "net/http", std: true}, "who fetches it")
	forbidden(edge{from: "export", to: "api"}, "neither HTTP nor GraphQL")
	forbidden(edge{from: "answer", to: "net/http/httptest", std: true}, "who carries the question")
	forbidden(edge{from: "answer", to: "github.com/99designs/gqlgen/graphql"}, "no GraphQL")
	forbidden(edge{from: "answer", to: "github.com/vektah/gqlparser/v2/ast", test: true}, "only api speaks GraphQL")
	forbidden(edge{from: "api", to: "timeseries"}, "reads no store")
	forbidden(edge{from: "api", to: "internal/mm2"}, "decides nothing")
	forbidden(edge{from: "api", to: "ui"}, "presents what answer says")
	forbidden(edge{from: "api", to: kgo}, "only collector speaks Kafka")
	forbidden(edge{from: "timeseries", to: kgo, test: true}, "only collector speaks Kafka")
	forbidden(edge{from: "ui", to: "lineage2"}, "embedded folder")
	forbidden(edge{from: "ui", to: "github.com/google/uuid"}, "standard library only")
	forbidden(edge{from: "collector", to: "internal/demo"}, "interface that it declares")
	forbidden(edge{from: "internal/acceptance", to: "ui"}, "acceptance")
	forbidden(edge{from: "cmd/lineaged", to: "internal/kafkatest"}, "only tests use")
	forbidden(edge{from: "cmd/lineaged", to: "github.com/99designs/gqlgen/graphql"}, "stay in api")
	forbidden(edge{from: "store", to: "timeseries"}, "words of lineage")
	forbidden(edge{from: "store/storetest", to: "timeseries", test: true}, "words of lineage")
	forbidden(edge{from: "store", to: "github.com/RoaringBitmap/roaring/v2"}, "words of lineage")
	forbidden(edge{from: "collector", to: "store"}, "interface that it declares")
	forbidden(edge{from: "bench/work", to: "store"}, "knows no store")
	forbidden(edge{from: "bench/peer/lineaged", to: "answer"}, "contract of store")
	forbidden(edge{from: "timeseries", to: "bench/work", test: true}, "through cmd")
	forbidden(edge{from: "storage", to: "lineage"}, "place it in")
}

func TestBadDoc(t *testing.T) {
	f := func(name, path, doc string, ok bool) {
		t.Helper()
		if why := badDoc(pkg{Name: name, ImportPath: path, Doc: doc}); (why == "") != ok {
			t.Errorf("%s %q: got %q, want ok %v", name, doc, why, ok)
		}
	}
	f("graph", module+"/graph", "Package graph builds the snapshot of a window.", true)
	f("main", module+"/cmd/lineaged", "Command lineaged watches Kafka from outside.", true)
	f("main", module+"/cmd/lineaged", "Lineaged watches Kafka from outside.", true)
	f("graph", module+"/graph", "", false)
	f("graph", module+"/graph", "Package graph", false)
	f("graph", module+"/graph", "Package graphs builds the snapshot.", false)
	f("main", module+"/cmd/lineaged", "Package main is the program of all.", false)
}
