// Command check is `make test`: everything that continuous integration runs, in an order that suits two cores, with one
// line a step while it goes well and the whole output of what fails.
//
// It hides how each tool reports its results and adds them up: the last line is `N passed, N failed, N skipped` over
// the Go tests, the UI's unit tests and the browser test. It refuses to pass when a check could not run: a missing tool
// is said by name, and where CI is set it fails the run.
//
//	go run ./internal/check [-long] [-only step,step]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// step is one check. Steps of one phase run at the same time, phases one after the other.
type step struct {
	name string
	run  func(ctx context.Context, out *output) (counts, error)
}

// counts is what a test runner reported; a step without tests leaves it empty.
type counts struct{ passed, failed, skipped int }

func (c *counts) add(d counts) {
	c.passed += d.passed
	c.failed += d.failed
	c.skipped += d.skipped
}

// String is the line that a caller of `make test` looks for.
func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

func main() {
	long := flag.Bool("long", false, "then run the long versions of the tests (LINEAGED_LONG=1), all fuzz targets, the peers, a real OpenTelemetry Collector and the matrix")
	only := flag.String("only", "", "comma-separated names of the steps to run")
	list := flag.Bool("list", false, "print the steps and stop")
	flag.Parse()
	phases := plan(*long)
	names, err := chosen(phases, *only)
	if err != nil {
		fmt.Fprintf(os.Stderr, "check: %v\n", err)
		os.Exit(2)
	}
	if *list {
		for _, p := range phases {
			for _, s := range p {
				fmt.Println(s.name)
			}
		}
		return
	}
	// What was compiled for one checkout then serves the next, which lies elsewhere.
	if err := os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath")); err != nil {
		fmt.Fprintf(os.Stderr, "check: %v\n", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prerequisites(ctx, *long); err != nil {
		fmt.Fprintf(os.Stderr, "check: %v\n", err)
		os.Exit(1)
	}
	total, failed := runAll(ctx, phases, names)
	if len(failed) > 0 {
		fmt.Printf("\nfailed: %s\n", strings.Join(failed, ", "))
	}
	fmt.Println(total)
	if len(failed) > 0 {
		os.Exit(1)
	}
}

// chosen returns the steps that -only names, nil for all. A name that no step has is an error: what was asked for would
// not be run, and the run pass.
func chosen(phases [][]step, only string) (names []string, err error) {
	if only == "" {
		return nil, nil
	}
	names = strings.Split(only, ",")
	for _, name := range names {
		if !slices.ContainsFunc(slices.Concat(phases...), func(s step) bool { return s.name == name }) {
			return nil, fmt.Errorf("-only %s: there is no step %q (see -list; some are of -long alone)", only, name)
		}
	}
	return names, nil
}

// runAll runs every phase, also after a failure: one run should tell all that is wrong. It returns the sum of the
// counts and the names of the steps that failed.
func runAll(ctx context.Context, phases [][]step, only []string) (total counts, failed []string) {
	var mu sync.Mutex // guards total, failed and the order of printed lines
	for _, phase := range phases {
		var wg sync.WaitGroup
		for _, s := range phase {
			if only != nil && !slices.Contains(only, s.name) {
				continue
			}
			wg.Go(func() {
				out, start := &output{}, time.Now()
				c, err := s.run(ctx, out)
				took := time.Since(start).Round(100 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				total.add(c)
				switch {
				case err != nil:
					failed = append(failed, s.name)
					// A step that failed without a failing test still has to show in the counts.
					if c.failed == 0 {
						total.failed++
					}
					fmt.Printf("FAIL %-10s %7s  %v\n%s\n", s.name, took, err, out.report())
				case c != (counts{}):
					fmt.Printf("ok   %-10s %7s  %s\n", s.name, took, c)
					fmt.Print(out.notes())
				default:
					fmt.Printf("ok   %-10s %7s\n", s.name, took)
				}
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			failed = append(failed, "interrupted")
			return total, failed
		}
	}
	return total, failed
}
