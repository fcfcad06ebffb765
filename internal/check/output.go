package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// reportLimit bounds what one failed step prints: the end of an output tells most, and a race report or a broker's log
// may run to megabytes.
const reportLimit = 64 << 10

// output collects what a step printed. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex // guards buf and note
	buf  bytes.Buffer
	note bytes.Buffer
}

// Write keeps what a child process prints.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// notef keeps a line that is printed even when the step passes, a skipped test for example.
func (o *output) notef(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(&o.note, "     "+format+"\n", args...)
}

func (o *output) notes() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.note.String()
}

// report is the end of the output, indented so that it reads as part of its step.
func (o *output) report() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf.Bytes()
	cut := ""
	if len(b) > reportLimit {
		b, cut = b[len(b)-reportLimit:], "     | …\n"
	}
	text := strings.TrimRight(string(b), "\n")
	return cut + "     | " + strings.ReplaceAll(text, "\n", "\n     | ") + "\n" + o.note.String()
}

// command runs a program in the repository's root with its output kept in out. The program gets a process group of its
// own, so that an interrupt reaches its children too; they have 15 s to clean up.
func command(ctx context.Context, out *output, env []string, name string, args ...string) error {
	return commandTo(ctx, out, out, env, name, args...)
}

// commandTo is command with the two outputs apart.
func commandTo(ctx context.Context, stdout, stderr io.Writer, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	return nil
}
