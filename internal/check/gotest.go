package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// testEvent is a line of `go test -json` (see `go doc test2json`).
type testEvent struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string

	Elapsed float64 // seconds, of what ended
}

// goTest runs `go test -json` and turns its stream into counts and, for what failed, the output of just those tests.
func goTest(ctx context.Context, out *output, env []string, args ...string) (counts, error) {
	return goTestIn(ctx, out, ".", env, args...)
}

// goTestIn is goTest of the module in a folder. Flags have their values with them (-run=X), apart from packages. What
// fails alone among many is asked once more: see again.
func goTestIn(ctx context.Context, out *output, dir string, env []string, args ...string) (counts, error) {
	sum, raw := newSummary(), &output{}
	runErr := sum.run(ctx, raw, dir, env, args...)
	if once := sum.again(); runErr != nil && once != nil {
		second := newSummary()
		if err := second.run(ctx, raw, dir, env, once.of(args)...); err == nil && second.passed(once) {
			runErr = nil
			out.notef("failed at first, and passed when it was asked alone: %s", strings.Join(once.names(), ", "))
			out.notef("%s", sum.firstWords())
			sum.take(second)
		}
	}
	sum.write(out)
	if runErr != nil && len(sum.failed()) == 0 {
		fmt.Fprint(out, raw.buf.String())
	}
	for _, s := range sum.skips() {
		out.notef("skipped %s", s)
	}
	if all := sum.longest(); len(all) > 0 {
		out.notef("longest: %s", strings.Join(all, ", "))
	}
	c := sum.counts()
	if c.skipped > 0 && inCI() {
		return c, errors.Join(runErr, fmt.Errorf("%d tests skipped: in CI nothing may be missing", c.skipped))
	}
	return c, runErr
}

// run runs `go test` and keeps what it tells. That go vet has nothing to say is a step of its own.
func (s *summary) run(ctx context.Context, raw *output, dir string, env []string, args ...string) error {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := commandTo(ctx, w, raw, env, "go", append([]string{"test", "-C", dir, "-json", "-vet=off"}, args...)...)
		w.Close()
		done <- err
	}()
	readErr := s.read(r)
	return errors.Join(<-done, readErr)
}

// summary holds the state of a `go test -json` stream. Key: package, or package and test.
type summary struct {
	results map[string]string // the last of pass, fail, skip
	tests   map[string]bool   // key is a test, not a package
	parents map[string]bool   // key has subtests: only leaves are counted
	output  map[string]*strings.Builder
	built   map[string]string // compiler output by import path
	broken  map[string]string // package → import path whose build failed
	took    map[string]float64
}

func newSummary() *summary {
	return &summary{
		results: map[string]string{}, tests: map[string]bool{}, parents: map[string]bool{},
		output: map[string]*strings.Builder{}, built: map[string]string{}, broken: map[string]string{}, took: map[string]float64{},
	}
}

func (s *summary) read(r io.Reader) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 16<<20) // one line of output is one event; a dumped structure may be long
	for sc.Scan() {
		var e testEvent
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			// The go command prints some of its own errors as plain text.
			s.add("go test", sc.Text()+"\n")
			continue
		}
		s.event(e)
	}
	if err := sc.Err(); err != nil {
		_, _ = io.Copy(io.Discard, r) // the writer must not block on us
		return fmt.Errorf("read go test -json: %w", err)
	}
	return nil
}

func (s *summary) event(e testEvent) {
	key := e.Package
	if e.Test != "" {
		key += " " + e.Test
		s.tests[key] = true
		for i := strings.LastIndexByte(e.Test, '/'); i >= 0; i = strings.LastIndexByte(e.Test[:i], '/') {
			s.parents[e.Package+" "+e.Test[:i]] = true
		}
	}
	switch e.Action {
	case "output":
		s.add(key, e.Output)
	case "build-output":
		s.built[e.ImportPath] += e.Output
	case "pass", "fail", "skip":
		s.results[key], s.took[key] = e.Action, e.Elapsed
		if e.FailedBuild != "" {
			s.broken[key] = e.FailedBuild
		}
	}
}

func (s *summary) add(key, text string) {
	b := s.output[key]
	if b == nil {
		b = &strings.Builder{}
		s.output[key] = b
	}
	b.WriteString(text)
}

// counts counts leaf tests, and one failure for each package that failed without a failing test: it does not compile,
// its TestMain refused (a leaked goroutine), or it ran out of time.
func (s *summary) counts() counts {
	var c counts
	for key, result := range s.results {
		if !s.tests[key] || s.parents[key] && result != "fail" {
			continue
		}
		switch {
		case result == "pass":
			c.passed++
		case result == "skip":
			c.skipped++
		case !s.childFailed(key): // the parent of a failed subtest fails with it
			c.failed++
		}
	}
	for key, result := range s.results {
		if !s.tests[key] && result == "fail" && !s.childFailed(key) {
			c.failed++
		}
	}
	return c
}

// childFailed says whether something below key, a package or a test, failed itself.
func (s *summary) childFailed(key string) bool {
	sep := "/"
	if !s.tests[key] {
		sep = " "
	}
	for k, result := range s.results {
		if result == "fail" && strings.HasPrefix(k, key+sep) && s.tests[k] {
			return true
		}
	}
	return false
}

// failed names what failed, sorted, packages before their tests. A test that was cut off (a panic, the time limit) has
// no result; its output is part of its package's failure.
func (s *summary) failed() []string {
	var keys []string
	for key, result := range s.results {
		if result == "fail" {
			keys = append(keys, key)
		}
	}
	for key := range s.tests {
		if _, ok := s.results[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// skips names the tests that did not run with their reason, sorted.
func (s *summary) skips() []string {
	var lines []string
	for key, result := range s.results {
		if result != "skip" || !s.tests[key] {
			continue
		}
		reason := ""
		if b := s.output[key]; b != nil {
			for l := range strings.Lines(b.String()) {
				if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "===") && !strings.HasPrefix(l, "---") {
					reason = l
				}
			}
		}
		lines = append(lines, short(key)+": "+reason)
	}
	slices.Sort(lines)
	return lines
}

const (
	// mostTold is how many packages are told that took long, and how many tests of each.
	mostTold = 8
	// worthTelling is how many seconds of a test are worth a word.
	worthTelling = 5
)

// longest names the packages that took longest, each with its longest tests, in seconds: it is where a run gets
// shorter. Tests of one package that run at once wait for each other, and are told longer than they are.
func (s *summary) longest() (lines []string) {
	below := map[string][]string{}
	var packages []string
	for key, took := range s.took {
		pkg, test, _ := strings.Cut(key, " ")
		switch {
		case took < worthTelling || strings.Contains(test, "/"):
		case s.tests[key]:
			below[pkg] = append(below[pkg], key)
		default:
			packages = append(packages, key)
		}
	}
	first := func(keys []string) []string {
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(s.took[b], s.took[a]), strings.Compare(a, b)) })
		return keys[:min(len(keys), mostTold)]
	}
	for _, pkg := range first(packages) {
		line := fmt.Sprintf("%s %.0f", short(pkg), s.took[pkg])
		var tests []string
		for _, key := range first(below[pkg]) {
			tests = append(tests, fmt.Sprintf("%s %.0f", strings.TrimPrefix(key, pkg+" "), s.took[key]))
		}
		if len(tests) > 0 {
			line += " (" + strings.Join(tests, ", ") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// write prints the output of what failed, and nothing of what passed.
func (s *summary) write(w io.Writer) {
	for _, key := range s.failed() {
		fmt.Fprintf(w, "--- %s\n", short(key))
		if path := s.broken[key]; path != "" {
			fmt.Fprint(w, s.built[path])
		}
		if b := s.output[key]; b != nil {
			fmt.Fprint(w, b.String())
		}
	}
	if b := s.output["go test"]; b != nil {
		fmt.Fprint(w, b.String())
	}
}

func short(key string) string { return strings.TrimPrefix(key, "github.com/lineaged/lineaged/") }
