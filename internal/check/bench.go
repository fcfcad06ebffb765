package main

import (
	"context"
	"errors"
)

// benchDir is the module of what lineaged is measured beside.
const benchDir = "bench"

// light are the parts of it that are built in seconds; the others are peers that take minutes.
var light = []string{".", "./work", "./peer/lineaged", "./peer/plain", "./peer/gonum", "./peer/postgres", "./layout"}

// benchTests tests the benchmarks' own code, and holds small sizes against the ratios that stand in bench/ratios.json.
// What is measured is the time of processors of two that run one soon after the other, which the load of a machine
// does not change much.
func benchTests(ctx context.Context, out *output) (counts, error) {
	vet := command(ctx, out, nil, "go", append([]string{"vet", "-C", benchDir}, light...)...)
	c, test := goTestIn(ctx, out, benchDir, nil, ".", "./work")
	guard := command(ctx, out, nil, "go", "run", "-C", benchDir, "-trimpath", ".", "-guard")
	if guard != nil {
		c.failed++
	} else {
		c.passed++
	}
	return c, errors.Join(vet, test, guard)
}

// benchLint lints packages of benchDir. Their format is looked at with all others'.
func benchLint(ctx context.Context, out *output, packages ...string) error {
	args := []string{"tool", "-C", benchDir, "-modfile=../tools/go.mod", "golangci-lint", "run"}
	return command(ctx, out, nil, "go", append(args, packages...)...)
}

// benchPeers looks at the peers that take minutes to build, and holds lineaged against Prometheus too.
func benchPeers(ctx context.Context, out *output) (counts, error) {
	return counts{}, errors.Join(
		command(ctx, out, nil, "go", "vet", "-C", benchDir, "./..."), benchLint(ctx, out, "./..."),
		command(ctx, out, nil, "go", "run", "-C", benchDir, "-trimpath", ".", "-guard", "-peers", "lineaged,plain,gonum,prometheus"),
	)
}
