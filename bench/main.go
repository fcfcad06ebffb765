// Command bench measures lineaged beside its peers: the same counters and graphs, one after the other in one run, the
// median of the rounds, time of processors, and answers that are held against the true ones.
//
// Each peer does its part in processes of its own, so that nobody pays for another's garbage. The command hides how
// they are built and started; it refuses to print a figure of a peer that answered wrongly.
//
//	go run .                 the table of docs/performance.md, for minutes
//	go run . -guard          small sizes against ratios.json; fails where a ratio is half as much again
//	go run . -guard -update  writes ratios.json
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	guard := flag.Bool("guard", false, "measure small sizes and compare with ratios.json")
	update := flag.Bool("update", false, "with -guard: write ratios.json")
	rounds := flag.Int("rounds", 0, "how often everything is measured; 5 by default, 3 with -guard")
	only := flag.String("peers", "", "comma-separated peers; all by default, with -guard those that are built in seconds")
	shapes := flag.String("work", "", "comma-separated beginnings of the work's names, as A or 10⁵; all by default")
	figures := flag.String("json", "", "file to write all figures to, again after each step")
	from := flag.String("from", "", "file of figures to print the table of: nothing is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f := fullForm
	if *guard {
		f = guardForm
	}
	if *rounds > 0 {
		f.rounds = *rounds
	}
	if *only != "" {
		f.peers = strings.Split(*only, ",")
	}
	if *shapes != "" {
		f.shapes = slices.DeleteFunc(f.shapes, func(s shape) bool {
			return !slices.ContainsFunc(strings.Split(*shapes, ","), func(p string) bool { return strings.HasPrefix(s.name, p) })
		})
	}
	res := &results{figures: map[string][]float64{}, missing: map[string]string{}}
	again := func() error {
		return measure(ctx, f, res, func() error {
			if *figures == "" {
				return nil
			}
			return writeJSON(*figures, res.figures)
		})
	}
	var err error
	if *from != "" {
		err = readJSON(*from, &res.figures)
	} else {
		err = again()
	}
	switch {
	case err != nil:
	case *guard && *update:
		err = writeJSON(ratiosFile, ratiosOf(f, res))
	case *guard:
		if err = holdAgainst(ratiosFile, f, res); err != nil && *from == "" {
			fmt.Printf("%v\nmeasured again, since a machine at other work may have done that; the medians of all:\n", err)
			if err = again(); err == nil {
				err = holdAgainst(ratiosFile, f, res)
			}
		}
	default:
		fmt.Printf("%d processors, load %s, median of %d rounds\n\n", runtime.NumCPU(), load(), res.rounds())
		fmt.Print(table(f, res))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// load is how many processes wait for a processor: over a minute, five and fifteen.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], ", ")
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
