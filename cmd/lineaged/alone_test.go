package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// With Go alone, as `go install` has it, the program has its whole page.
func TestGoAloneBuildsThePage(t *testing.T) {
	dir := t.TempDir()
	copyModule(t, "../..", filepath.Join(dir, "module"))
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	env := append(child.Environ(), "PATH="+t.TempDir(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	bin := filepath.Join(dir, "lineaged")
	build := exec.CommandContext(t.Context(), goTool, "build", "-trimpath", "-buildvcs=false", "-o", bin, "./cmd/lineaged")
	build.Dir, build.Env = filepath.Join(dir, "module"), env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	serve := exec.CommandContext(t.Context(), bin, "serve", "--brokers", "127.0.0.1:1", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	serve.Env = env
	p, err := child.Start(filepath.Join(dir, "log"), serve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Terminate(20 * time.Second); err != nil {
			t.Error(err)
		}
	})
	s := &server{t: t}
	eventually(t, 20*time.Second, func() string {
		_, after, ok := strings.Cut(p.Output(), "lineaged is ready: ")
		if s.url, _, _ = strings.Cut(after, "\n"); !ok {
			return "not ready: " + p.Output()
		}
		return ""
	})
	status, index := s.get("/")
	if status != 200 || !strings.Contains(index, `<script type="module"`) || !strings.Contains(index, `src="/assets/index-`) {
		t.Errorf("/: %d %s", status, index)
	}
	if status, _ := s.get("/graphiql"); status != 200 {
		t.Errorf("/graphiql: %d", status)
	}
}

// copyModule copies what is of the module, and nothing that was installed or built.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch rel {
			case ".git", ".cache", "bin", "bench", "contrib", "docs", "lineaged-data", "ui/node_modules", "ui/dist":
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), body, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
