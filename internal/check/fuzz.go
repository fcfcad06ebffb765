package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// fuzzTime is how long each fuzz target runs in the long form. What it finds goes to testdata of its package, where the
// short form runs it ever after.
const fuzzTime = "2m"

// fuzzTarget is a fuzz test of a package.
type fuzzTarget struct{ pkg, name string }

// fuzzTests runs every fuzz target of the module, one after the other: each takes all processors.
func fuzzTests(ctx context.Context, out *output) (counts, error) {
	list, err := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		return counts{}, fmt.Errorf("go test -list: %w", err)
	}
	targets := parseTargets(list)
	if len(targets) == 0 {
		return counts{}, errors.New("there is no fuzz target: the list was not understood")
	}
	var c counts
	var errs []error
	for _, t := range targets {
		if err := command(ctx, out, nil, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", fuzzTime, t.pkg); err != nil {
			c.failed++
			errs = append(errs, fmt.Errorf("%s of %s: %w", t.name, short(t.pkg), err))
			continue
		}
		c.passed++
	}
	return c, errors.Join(errs...)
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
