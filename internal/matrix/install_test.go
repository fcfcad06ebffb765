//go:build matrix

package matrix

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/child"
)

// cache is where clients and engines are installed: $LINEAGED_MATRIX_CACHE, else .cache/matrix beside the go.mod.
func cache() string {
	dir := os.Getenv("LINEAGED_MATRIX_CACHE")
	if dir == "" {
		dir = filepath.Join("..", "..", ".cache", "matrix")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		panic(err) // no working directory
	}
	return dir
}

// need skips nothing: who runs the matrix wants all of it.
func need(t testing.TB, program, hint string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("missing: %s (%s)", program, hint)
	}
}

// run runs a program to its end, which must be a good one.
func run(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, child.Tail(string(out), 20))
	}
}

// once installs something into a folder of the cache whose name ends in what it was made from, so that a change makes
// another.
func once(t testing.TB, name string, install func(dir string)) string {
	t.Helper()
	dir := filepath.Join(cache(), name)
	mark := filepath.Join(dir, "complete")
	if _, err := os.Stat(mark); err == nil {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	install(dir)
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// python makes a virtual environment and returns its interpreter.
func python(t testing.TB, name string, requirements ...string) string {
	t.Helper()
	need(t, "python3", "apt-get install python3-venv")
	dir := once(t, "python-"+name, func(dir string) {
		run(t, dir, "python3", "-m", "venv", "venv")
		run(t, dir, append([]string{filepath.Join(dir, "venv", "bin", "pip"), "install", "-q", "--disable-pip-version-check"}, requirements...)...)
	})
	return filepath.Join(dir, "venv", "bin", "python")
}

// jars copies the runtime dependencies of a pom into the folder jars of the one that it returns.
func jars(t testing.TB, name, pom string) string {
	t.Helper()
	need(t, "mvn", "apt-get install maven")
	return once(t, name, func(dir string) {
		pom, err := filepath.Abs(pom)
		if err != nil {
			t.Fatal(err)
		}
		run(t, dir, "mvn", "-B", "-q", "-f", pom, "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "jars"))
	})
}

// drivers are the commands that run the drivers, installed.
func drivers(t testing.TB, classpath string) map[string][]string {
	t.Helper()
	need(t, "npm", "Node 20 or later")
	abs := func(path string) string {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	node := once(t, "node-1.35.0-2.2.4", func(dir string) {
		for _, file := range []string{"package.json", "package-lock.json"} {
			b, err := os.ReadFile(filepath.Join("clients", "node", file))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	script, err := os.ReadFile("clients/node/driver.js")
	if err == nil {
		err = os.WriteFile(filepath.Join(node, "driver.js"), script, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	goDriver, classes := filepath.Join(cache(), "go-driver"), filepath.Join(cache(), "classes")
	run(t, "clients/go", "go", "build", "-o", goDriver, ".")
	run(t, ".", "javac", "-d", classes, "-cp", classpath, abs("clients/java/Driver.java"))
	return map[string][]string{
		"python": {python(t, "confluent-2.16.1-aio-0.14.0-python-3.0.12", "-r", abs("clients/python/requirements.txt")), abs("clients/python/driver.py")},
		"node":   {"node", filepath.Join(node, "driver.js")},
		"go":     {goDriver},
		"java":   {"java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", classes + ":" + classpath, "Driver"},
	}
}
