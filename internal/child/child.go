// Package child runs the programs that tests need: Kafka's brokers and tools, and lineaged itself.
//
// It hides how a child is bound to the life of the test's process: each one dies with it, even when that is killed, so
// that nothing is ever left behind. What a child prints goes to a file. It refuses to run anywhere but on Linux, whose
// kernel alone makes that promise.
package child

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Process is a running child, or one that has ended. Its methods may be called by several goroutines.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the child is gone and err is set
	err  error
}

// Start starts cmd in a process group of its own, so that an interrupt at the terminal reaches the test first. What it
// prints is added to the file log. Start owns cmd from then on.
//
// The kernel binds the child's life to the thread that made it: were that thread to end, the child would be killed. So
// the goroutine that starts the child keeps its thread until the child is gone.
func Start(log string, cmd *exec.Cmd) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of a child: %w", err)
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = f, f
	if cmd.SysProcAttr == nil { // a caller may have another user in it
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer f.Close()
		if err := cmd.Start(); err != nil {
			started <- fmt.Errorf("start %s: %w", cmd.Path, err)
			return
		}
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Wait waits for the child's end and says how it ended: nil for exit code 0. When ctx ends first the child is killed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.Kill()
		return ctx.Err()
	}
}

// Running says whether the child lives.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal; to a child that is gone it does nothing.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) } // the only error: it is gone

// Kill ends the child at once and waits until it is gone. It may be called twice.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Terminate asks the child to end, and kills it and returns an error when it takes longer than limit. An exit code is
// no error: a JVM that is asked to end has 143.
func (p *Process) Terminate(limit time.Duration) error {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(limit):
		p.Kill()
		return fmt.Errorf("did not end within %s of SIGTERM:\n%s", limit, Tail(p.Output(), 20))
	}
}

// ExitCode is the code of a child that has ended; -1 when a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Output is what the child has printed so far.
func (p *Process) Output() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Sprintf("(no output: %v)", err)
	}
	return string(b)
}

// Tail is the last n lines of a text.
func Tail(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// Environ returns this process' environment without the variables of lineaged's prefix: the program refuses those that
// it does not know, and some are for tests.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "LINEAGED_") })
}
