package work

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Stage is what a process of a peer does with counters, each in a process of its own.
type Stage string

// The stages.
const (
	// Fill appends all without sealing any, asks what is open, and kills itself.
	Fill Stage = "fill"
	// Seal appends all, seals, asks what is sealed, and closes.
	Seal Stage = "seal"
	// Open opens what another stage left, and asks once.
	Open Stage = "open"
)

// Task is what a process of a peer is to do: with counters if there are series, with a graph over days if there are
// days, else with a graph.
type Task struct {
	Series, Ticks, Edges int
	Days                 int
	Stage                Stage
	Dir                  string // to write to; what Fill or Seal left is Open's
	Now                  time.Time
}

// Counters makes those of the task.
func (t *Task) Counters() *Counters { return NewCounters(t.Series, t.Ticks, t.Now) }

// Report is what a process of a peer has found: figures by name, of which less is better, in the units that their names
// end with, and whether its answers were the true ones.
type Report struct {
	Figures map[string]float64
	// Wrong are answers that are not the true ones.
	Wrong []string
}

// Set notes a figure.
func (r *Report) Set(name string, value float64) { r.Figures[name] = value }

// CPU notes a time of processors.
func (r *Report) CPU(name string, took time.Duration) { r.Set(name, float64(took.Nanoseconds())) }

// Check notes an answer that is not the true one.
func (r *Report) Check(question, got, want string) {
	if got != want {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%s: got %s, want %s", question, got, want))
	}
}

// Main is the program of a peer: it reads the task from the command line, has it done, and prints the report as JSON.
// After the stage Fill it kills itself, so that nothing is closed.
func Main(do func(t Task, r *Report) error) {
	var t Task
	flag.IntVar(&t.Series, "series", 0, "series of the counters")
	flag.IntVar(&t.Ticks, "ticks", 0, "ticks of the counters")
	flag.IntVar(&t.Edges, "edges", 0, "edges of the graph")
	flag.IntVar(&t.Days, "days", 0, "days over which the edges move; 0: a graph of one time")
	flag.StringVar((*string)(&t.Stage), "stage", "", "fill, seal or open")
	flag.StringVar(&t.Dir, "dir", "", "folder to write to")
	now := flag.Int64("now", 0, "the time, in seconds since 1970")
	flag.Parse()
	t.Now = time.Unix(*now, 0)
	r := &Report{Figures: map[string]float64{}}
	err := do(t, r)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if t.Stage == Fill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
