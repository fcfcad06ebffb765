package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lineaged/lineaged/bench/work"
)

// form is what one run measures.
type form struct {
	shapes  []shape
	peers   []string
	rounds  int
	goBench bool // the benchmarks of lineaged's own packages too
	rows    []row
}

// shape is a size of the work.
type shape struct {
	name                 string
	series, ticks, edges int
	days                 int // over which the edges move; 0: a graph of one time
}

// peer is one who is measured. Its program is in the folder of peer by its name.
type peer struct {
	name             string
	counters, graphs bool
	past             bool          // graphs over days
	stages           []work.Stage  // of counters
	missing          func() string // why it can't be measured here; empty: it can
}

// peers are all, lineaged first.
var peers = []peer{
	{name: "lineaged", counters: true, graphs: true, past: true, stages: []work.Stage{work.Fill, work.Open, work.Seal, work.Open}},
	{name: "prometheus", counters: true, stages: []work.Stage{work.Fill, work.Open, work.Seal, work.Open}},
	{name: "victoriametrics", counters: true, stages: []work.Stage{work.Seal, work.Open}},
	{name: "plain", counters: true, graphs: true, past: true, stages: []work.Stage{work.Seal, work.Open}},
	{name: "gonum", graphs: true},
	{name: "sqlite", graphs: true},
	{name: "postgres", graphs: true, missing: func() string {
		if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err != nil || len(found) == 0 {
			return "PostgreSQL is not installed (apt-get install postgresql)"
		}
		return ""
	}},
}

// can reports whether a peer can do a shape of work.
func (p peer) can(s shape) bool {
	if s.days > 0 {
		return p.past
	}
	return s.edges > 0 && p.graphs || s.series > 0 && p.counters
}

// results are figures by "shape peer figure", each with a value for each round.
type results struct {
	figures map[string][]float64
	missing map[string]string // peers that were not measured, and why
}

// median of the rounds; ok is false where there is none.
func (r *results) median(key string) (value float64, ok bool) { return median(r.figures[key]) }

func median(of []float64) (value float64, ok bool) {
	if len(of) == 0 {
		return 0, false
	}
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2], true
}

// ratio is the median of the rounds' ratios: the two were measured one soon after the other in each.
func (r *results) ratio(key, to string) (value float64, ok bool) {
	a, b := r.figures[key], r.figures[to]
	var all []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			all = append(all, a[i]/b[i])
		}
	}
	return median(all)
}

// rounds is how many values the figure with most has.
func (r *results) rounds() (n int) {
	for _, of := range r.figures {
		n = max(n, len(of))
	}
	return n
}

// measure builds the peers and runs all rounds. After each step it calls what it is given.
func measure(ctx context.Context, f form, res *results, after func() error) error {
	for _, name := range f.peers {
		if !slices.ContainsFunc(peers, func(p peer) bool { return p.name == name }) {
			return fmt.Errorf("there is no peer %s", name)
		}
	}
	dir, err := os.MkdirTemp("", "lineaged-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, p := range peers {
		if !slices.Contains(f.peers, p.name) {
			continue
		}
		if p.missing != nil {
			if why := p.missing(); why != "" {
				fmt.Fprintf(os.Stderr, "SKIPPED %s: %s\n", p.name, why)
				res.missing[p.name] = why
				continue
			}
		}
		// as the program is built, so that what both have is compiled once
		if _, err := output(ctx, "", "go", "build", "-trimpath", "-o", filepath.Join(dir, p.name), "./peer/"+p.name); err != nil {
			return err
		}
	}
	for n := range f.rounds {
		for _, s := range f.shapes {
			for _, p := range peers {
				if !slices.Contains(f.peers, p.name) || res.missing[p.name] != "" || !p.can(s) {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %s\n", n+1, f.rounds, s.name, p.name)
				got, err := runPeer(ctx, filepath.Join(dir, p.name), p.stages, s)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, p.name, err)
				}
				for name, v := range got {
					key := s.name + " " + p.name + " " + name
					res.figures[key] = append(res.figures[key], v)
				}
				if err := after(); err != nil {
					return err
				}
			}
		}
		if f.goBench {
			if err := ownBenchmarks(ctx, res); err != nil {
				return err
			}
			if err := untold(f.rows, res); err != nil {
				return err
			}
		}
		if err := after(); err != nil {
			return err
		}
	}
	return nil
}

// runPeer runs the stages of a peer, or its one graph task, in a folder of its own, and returns its figures. Those of
// the stage Open begin with what the stage before left: killed or closed.
func runPeer(ctx context.Context, program string, stages []work.Stage, s shape) (map[string]float64, error) {
	if s.edges > 0 {
		stages = []work.Stage{work.Seal}
	}
	all := map[string]float64{}
	now := time.Now()
	dir, left := "", ""
	for _, stage := range stages {
		prefix := ""
		switch stage {
		case work.Open:
			prefix = left + " "
		default:
			if err := os.RemoveAll(dir); err != nil {
				return nil, err
			}
			var err error
			if dir, err = os.MkdirTemp(filepath.Dir(program), "data"); err != nil {
				return nil, err
			}
			defer os.RemoveAll(dir)
			left = "closed"
			if stage == work.Fill {
				left = "killed"
			}
		}
		r, err := runStage(ctx, program, stage, filepath.Join(dir, "data"), s, now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", stage, err)
		}
		if len(r.Wrong) > 0 {
			return nil, fmt.Errorf("%s: wrong answers: %s", stage, strings.Join(r.Wrong, "; "))
		}
		for name, v := range r.Figures {
			all[prefix+name] = v
		}
	}
	return all, nil
}

func runStage(ctx context.Context, program string, stage work.Stage, dir string, s shape, now time.Time) (work.Report, error) {
	var r work.Report
	number := func(n int) string { return strconv.Itoa(n) }
	out, err := output(ctx, filepath.Dir(dir), program, "-stage", string(stage), "-dir", dir, "-series", number(s.series), "-ticks", number(s.ticks),
		"-edges", number(s.edges), "-days", number(s.days), "-now", strconv.FormatInt(now.Unix(), 10))
	if stage == work.Fill && killed(err) {
		err = nil
	}
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// killed reports whether a process ended as the stage Fill has it.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}

// output runs a program in a folder and returns what it prints.
func output(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w\n%s%s", filepath.Base(program), err, out, stderr.Bytes())
	}
	return out, nil
}

// ownBenchmarks runs those benchmarks of lineaged's own packages that have their peer within them.
func ownBenchmarks(ctx context.Context, res *results) error {
	for _, b := range []struct{ pkg, pattern, times string }{
		{"./collector/kafka", "^BenchmarkRound$", "10x"},
		{"./api", "^BenchmarkLineage100(Direct|Handler)$|^BenchmarkView$", "40x"},
		{"./api", "^BenchmarkMetrics$", "5x"},
	} {
		fmt.Fprintf(os.Stderr, "%s of %s\n", b.pattern, b.pkg)
		out, err := output(ctx, "..", "go", "test", "-run", "^$", "-bench", b.pattern, "-benchtime", b.times, b.pkg)
		if err != nil {
			return err
		}
		got := parseBenchmarks(string(out))
		if len(got) == 0 {
			return fmt.Errorf("no benchmark of %s matches %s", b.pkg, b.pattern)
		}
		for key := range maps.Keys(got) {
			res.figures[key] = append(res.figures[key], got[key])
		}
	}
	return nil
}

// parseBenchmarks reads what go test -bench prints: figures by "name unit", without the number of processors.
func parseBenchmarks(out string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				all[name+" "+f[i+1]] = v
			}
		}
	}
	return all
}
