package kafkatest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// daemon is a program of Kafka's, other than a broker, that runs beside a cluster until it is stopped or the test ends.
type daemon struct {
	name string
	proc *child.Process
}

// startDaemon starts a JVM with the tools' jars and waits until ready says so. The process is killed with the cluster
// at the latest; when the test fails, its last lines are printed.
func (c *Cluster) startDaemon(t testing.TB, name, heap string, args []string, ready func(output string) bool) *daemon {
	t.Helper()
	jvm := append([]string{heap, "-Dlevel.root=WARN"}, jvmFlags...)
	jvm = append(jvm, c.tools.jvm(name)...)
	jvm = append(jvm, "-cp", c.tools.classpath())
	p, err := startJava(filepath.Join(c.dir, fmt.Sprintf("tool-%d-%s.log", toolRuns.Add(1), name)), append(jvm, args...))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.mu.Lock()
	c.children = append(slices.DeleteFunc(c.children, func(p *child.Process) bool { return !p.Running() }), p)
	c.mu.Unlock()
	d := &daemon{name, p}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, last lines:\n%s", name, child.Tail(p.Output(), 20))
		}
		p.Kill()
	})
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if err := poll(ctx, func() error {
		switch {
		case !p.Running():
			return fmt.Errorf("%w: it ended", errPortTaken) // do not go on asking
		case !ready(p.Output()):
			return fmt.Errorf("not ready")
		}
		return nil
	}); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, child.Tail(p.Output(), 30))
	}
	return d
}

// Stop ends the program in order and returns when it is gone.
func (d *daemon) Stop(t testing.TB) {
	t.Helper()
	if err := d.proc.Terminate(terminateLimit); err != nil {
		t.Fatalf("stop %s: %v", d.name, err)
	}
}

// writeProperties writes a Java properties file into the cluster's folder.
func (c *Cluster) writeProperties(t testing.TB, name string, lines map[string]string) string {
	t.Helper()
	var b strings.Builder
	for k, v := range lines {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(v, `\`, `\\`))
	}
	path := filepath.Join(c.dir, name+".properties")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return path
}

// within polls f for a while.
func within(t testing.TB, limit time.Duration, what string, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := poll(ctx, f); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
