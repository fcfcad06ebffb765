package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// fuzzTime is how long each fuzz target runs in the long form. What it finds goes to testdata of its package, where the
// short form runs it ever after.
const fuzzTime = "2m"

// fuzzTarget is a fuzz test of a package.
type fuzzTarget struct{ pkg, name string }

// fuzzTests runs every fuzz target of the module, as many at once as there are processors and each with one: what each
// needs besides its own work, to compile and to look at its corpus, then costs the others nothing. They yield to what
// else there is to do: the matrix beside them waits for engines that have to start in time.
func fuzzTests(ctx context.Context, out *output) (counts, error) {
	list, err := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		return counts{}, fmt.Errorf("go test -list: %w", err)
	}
	targets := parseTargets(list)
	if len(targets) == 0 {
		return counts{}, errors.New("there is no fuzz target: the list was not understood")
	}
	errs := make([]error, len(targets))
	lanes := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, t := range targets {
		lanes <- struct{}{}
		wg.Go(func() {
			defer func() { <-lanes }()
			errs[i] = fuzz(ctx, out, t)
		})
	}
	wg.Wait()
	var c counts
	for _, err := range errs {
		if err != nil {
			c.failed++
		} else {
			c.passed++
		}
	}
	return c, errors.Join(errs...)
}

// fuzz runs one target on one processor. What it printed is kept together.
func fuzz(ctx context.Context, out *output, t fuzzTarget) error {
	own := &output{}
	err := command(ctx, own, nil, "nice", "-n", "19", "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", fuzzTime, "-parallel", "1", t.pkg)
	_, _ = out.Write(own.buf.Bytes()) // never fails
	if err != nil {
		return fmt.Errorf("%s of %s: %w", t.name, short(t.pkg), err)
	}
	return nil
}

// parseTargets reads what go test -list prints: the names of a package, then a line that ends them and names it.
func parseTargets(list []byte) (all []fuzzTarget) {
	var names []string
	for sc := bufio.NewScanner(bytes.NewReader(list)); sc.Scan(); {
		line := sc.Text()
		if strings.HasPrefix(line, "Fuzz") {
			names = append(names, line)
			continue
		}
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "ok" {
			for _, n := range names {
				all = append(all, fuzzTarget{f[1], n})
			}
			names = nil
		}
	}
	return all
}

// matrixTests runs real clients and engines against lineaged, as make matrix does.
func matrixTests(ctx context.Context, out *output) (counts, error) {
	return goTest(ctx, out, nil, "-tags=matrix", "-count=1", "-timeout=120m", "./internal/matrix")
}
