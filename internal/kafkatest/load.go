package kafkatest

import (
	_ "embed" // the producers
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lineaged/lineaged/internal/child"
)

//go:embed Load.java
var loadProgram []byte

// Load is a process of producers that write as fast as they can.
type Load struct{ p *child.Process }

// StartLoad starts so many Java producers, in one process, that write records of 100 bytes to a topic until they are
// stopped or the test ends.
func (c *Cluster) StartLoad(t testing.TB, topic string, producers int, props ...string) *Load {
	t.Helper()
	source := filepath.Join(c.dir, "Load.java")
	if err := os.WriteFile(source, loadProgram, 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-Xmx512m", "-Dlevel.root=WARN"}, jvmFlags...)
	args = append(args, "-cp", c.tools.classpath(), source, c.Bootstrap(), c.propertiesOf(Admin), topic, strconv.Itoa(producers), "100")
	p, err := startJava(filepath.Join(c.dir, fmt.Sprintf("tool-%d-load.log", toolRuns.Add(1))), append(args, props...))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	t.Cleanup(p.Kill)
	return &Load{p}
}

// Pause stops the producers in their tracks, and Resume lets them go on.
func (l *Load) Pause() { l.p.Signal(syscall.SIGSTOP) }

// Resume lets producers go on that were paused.
func (l *Load) Resume() { l.p.Signal(syscall.SIGCONT) }

// Failures returns what the producers said that they could not send.
func (l *Load) Failures(t testing.TB) (all []string) {
	t.Helper()
	if !l.p.Running() {
		t.Fatalf("the producers ended:\n%s", child.Tail(l.p.Output(), 20))
	}
	for line := range strings.Lines(l.p.Output()) {
		if strings.HasPrefix(line, "not sent") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}
