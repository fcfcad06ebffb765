package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func names(phases [][]step) (all []string) {
	for _, p := range phases {
		for _, s := range p {
			all = append(all, s.name)
		}
	}
	return all
}

// The long form has what the short one has, and the steps that take too long for it.
func TestPlan(t *testing.T) {
	brief, long := names(plan(false)), names(plan(true))
	if !slices.Equal(long[:len(brief)], brief) {
		t.Errorf("the long form %q does not begin as the short one %q", long, brief)
	}
	if !slices.Contains(brief, "bench") {
		t.Errorf("nothing guards what is measured: %q", brief)
	}
	if more := long[len(brief):]; !slices.Equal(more, []string{"long", "browser-long", "otelcol", "bench-peers", "matrix", "fuzz"}) {
		t.Errorf("the long form has %q more", more)
	}
}

// What is asked for by a name that no step has would run nothing, and pass.
func TestOnlyNamesSteps(t *testing.T) {
	if got, err := chosen(plan(true), "go,matrix"); err != nil || !slices.Equal(got, []string{"go", "matrix"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := chosen(plan(false), ""); err != nil || got != nil {
		t.Errorf("all: %q, %v", got, err)
	}
	if got, err := chosen(plan(false), "go,matrix"); err == nil || !strings.Contains(err.Error(), `"matrix"`) {
		t.Errorf("a step of the long form alone: %q, %v", got, err)
	}
}

// A test that runs by itself is left out of the run of all packages: it has to be where the other run looks, and
// nowhere else.
func TestSingleTestsAreRun(t *testing.T) {
	there := map[string]int{}
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		b, err := os.ReadFile(file)
		found := slices.Contains(singlePackages, "./"+strings.TrimPrefix(filepath.Dir(file), "../../"))
		for _, name := range single {
			n := strings.Count(string(b), "\nfunc "+name+"(t *testing.T) {")
			there[name] += n
			if n > 0 && !found {
				t.Errorf("%s of %s is run nowhere", name, file)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range single {
		if there[name] == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// What asks whether its long form is wanted is run in it, also where another asks for it; what is not a test or has a
// step of its own is not.
func TestLongTests(t *testing.T) {
	asks := `os.Getenv("` + strings.TrimSuffix(longForm, "=1") + `") != ""`
	file := func(lines ...string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("package p\n" + strings.Join(lines, "\n"))}
	}
	itself := file("func TestItself(t *testing.T) { if "+asks+" { return } }", "func TestNot(t *testing.T) {}")
	got, err := findLong(fstest.MapFS{
		"b/b_test.go": itself, "a/c.go": itself, "ui/node_modules/e/e_test.go": itself, "d/d_test.go": file("func TestNot(t *testing.T) {}"),
		"a/deep/a_test.go": file("var long = "+asks, "func times() int { if long { return 2 }; return 1 }", "func BenchmarkOther() { _ = long }"),
		"a/deep/b_test.go": file("type world struct{}", "func (w world) grow() { _ = times() }", "func TestByOthers(t *testing.T) { world{}.grow() }", "func TestMain() { _ = long }"),
		strings.TrimPrefix(acceptance, "github.com/lineaged/lineaged/") + "/f_test.go": itself,
	})
	if want := []longTest{{"./a/deep", "TestByOthers"}, {"./b", "TestItself"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err = findLong(fstest.MapFS{"a/c.go": itself}); err == nil {
		t.Errorf("a tree without any is understood: %q", got)
	}
	if got, err = findLong(os.DirFS("../..")); err != nil || !slices.Contains(got, longTest{"./timeseries", "TestFlips"}) {
		t.Errorf("here: %q, %v", got, err)
	}
	t.Log(got)
}

func TestParseTargets(t *testing.T) {
	got := parseTargets([]byte("ok  \ta/none\t0.1s\nFuzzA\nFuzzB\nok  \ta/two\t0.1s\n?   \ta/without\t[no test files]\nFuzzC\nok  \ta/one\t(cached)\n"))
	want := []fuzzTarget{{"a/two", "FuzzA"}, {"a/two", "FuzzB"}, {"a/one", "FuzzC"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Half of the long form runs beside the other half, by its name.
func TestTheYearHasALongForm(t *testing.T) {
	all, err := findLong(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(all, longTest{"./timeseries", aYear}) {
		t.Errorf("no %s among %v", aYear, all)
	}
}
