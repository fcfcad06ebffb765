package child

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if log := os.Getenv("CHILD_TEST_LOG"); log != "" {
		startAndHang(log)
		return
	}
	goleak.VerifyTestMain(m)
}

// startAndHang is the process that TestChildrenDieWithTheirParent kills.
func startAndHang(log string) {
	p, err := Start(log, exec.Command("sleep", "600")) //nolint:noctx // our death ends it
	if err != nil {
		panic(err)
	}
	fmt.Println(p.PID())
	<-p.done
}

func TestChildrenDieWithTheirParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), "CHILD_TEST_LOG="+filepath.Join(t.TempDir(), "log"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatalf("the parent did not tell its child: %v", err)
	}
	if !alive(pid) {
		t.Fatal("the child does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed, as told
	for end := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // what the test is about did not happen
			t.Fatal("the child outlived its parent")
		}
	}
}

// alive looks at the kernel's table; a dead child whose new parent has not yet asked for its exit code is a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestProcess(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	start := func(program string, args ...string) *Process {
		t.Helper()
		p, err := Start(log, exec.CommandContext(t.Context(), program, args...))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}

	p := start("sleep", "600")
	if !p.Running() {
		t.Error("the child does not run")
	}
	p.Kill()
	p.Kill()
	if p.Running() || p.ExitCode() != -1 {
		t.Error("the child outlived its kill")
	}

	p = start("sh", "-c", "echo hello; exit 3")
	if err := p.Wait(t.Context()); err == nil || p.ExitCode() != 3 {
		t.Errorf("exit code 3: got error %v, code %d", err, p.ExitCode())
	}
	if !strings.Contains(p.Output(), "hello") {
		t.Errorf("output: %q", p.Output())
	}

	p = start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
	for !strings.Contains(p.Output(), "ready") {
		time.Sleep(5 * time.Millisecond)
	}
	if err := p.Terminate(100 * time.Millisecond); err == nil || p.Running() {
		t.Errorf("a child that ignores SIGTERM: got %v", err)
	}
	if _, err := Start(log, exec.CommandContext(t.Context(), "/does/not/exist")); err == nil {
		t.Error("a missing program is no error")
	}
}
