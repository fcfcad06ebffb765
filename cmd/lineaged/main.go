// Command lineaged watches Apache Kafka from outside and tells the lineage of what moves.
//
// This package reads the command line and the configuration and wires the others: collectors write into the store, the
// API reads from it. It is the only one that knows them all. It hides signals, exit codes and the order of starting and
// stopping; it refuses to run with a configuration that it does not understand, and to listen beyond this machine
// without protection.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lineaged/lineaged/internal/config"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // something failed at run time
	exitUsage   = 2 // the command line or the configuration is wrong
)

func main() {
	ctx, stop := signalContext()
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// stopLimit is how long the process may live after it was told to stop. Nothing that was acknowledged is lost when it
// is cut short: the store survives a kill.
const stopLimit = 4800 * time.Millisecond

// signalContext ends with the first SIGINT or SIGTERM. A second one ends the process at once: whoever sends it has lost
// patience. So does stopLimit.
func signalContext() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		cancel()
		select {
		case _, ok := <-signals:
			if !ok {
				return
			}
		case <-time.After(stopLimit):
			fmt.Fprintln(os.Stderr, "lineaged: stopping took too long")
		}
		os.Exit(exitFailure)
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// run is the program without its process: it returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{environ: environ, stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "lineaged: %s\n", config.Harmless(err.Error()))
	var configErr *config.Error
	if !p.started || errors.As(err, &configErr) {
		return exitUsage // what fails before a command starts is the command line
	}
	return exitFailure
}
