package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a child whose output goes to a file.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the child is gone and err is set
	err  error         // why it ended; nil: exit code 0
}

// startProcess starts a child in a process group of its own, so that an interrupt at the terminal reaches the test
// first, and has the kernel kill it when this process dies.
//
// The kernel ties that to the thread that made the child: were the thread to end, the child would be killed. So the
// goroutine that starts the child keeps its thread until the child is gone.
func startProcess(log, program string, args ...string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of a child: %w", err)
	}
	p := &process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})} //nolint:noctx // its end is stop, or our death
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer f.Close()
		if err := p.cmd.Start(); err != nil {
			started <- fmt.Errorf("start %s: %w", program, err)
			return
		}
		started <- nil
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts a child, waits for its end and returns what it printed.
func run(ctx context.Context, log, program string, args ...string) (string, error) {
	p, err := startProcess(log, program, args...)
	if err != nil {
		return "", err
	}
	err = p.wait(ctx)
	return p.output(), err
}

// wait waits for the child's end; when ctx ends first the child is killed.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.kill()
		return ctx.Err()
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the child at once and waits until it is gone. It may be called twice.
func (p *process) kill() {
	if p.running() {
		_ = p.cmd.Process.Kill() // already gone: nothing to do
	}
	<-p.done
}

// terminateLimit bounds an orderly end; measured 2 s for a broker, so this is one that waits for a quorum.
const terminateLimit = 30 * time.Second

// terminate asks the child to end and kills it when it takes too long.
func (p *process) terminate() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // already gone: nothing to do
	select {
	case <-p.done:
		return nil
	case <-time.After(terminateLimit):
		p.kill()
		return fmt.Errorf("did not end within %s of SIGTERM:\n%s", terminateLimit, tail(p.output(), 20))
	}
}

func (p *process) output() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Sprintf("(no output: %v)", err)
	}
	return string(b)
}

// tail is the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// errPortTaken says that another process bound the port between our choice and the broker's start.
var errPortTaken = errors.New("the port was taken meanwhile")

// freePorts finds n loopback ports that nothing is bound to. They lie below the range from which the kernel takes the
// ports of outgoing connections, so that a stopped node finds its own free again.
func freePorts(n int) ([]int, error) {
	const low, high = 15000, 32000
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // binds, does not connect
		if err != nil {
			continue
		}
		held = append(held, l)
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d", n, low, high)
}

// importantLines picks the warnings and errors of a log, the last n.
func importantLines(log []byte, n int) string {
	var lines [][]byte
	for l := range bytes.Lines(log) {
		if bytes.Contains(l, []byte(" WARN ")) || bytes.Contains(l, []byte(" ERROR ")) || bytes.Contains(l, []byte(" FATAL ")) {
			lines = append(lines, l)
		}
	}
	return string(bytes.Join(lines[max(0, len(lines)-n):], nil))
}
