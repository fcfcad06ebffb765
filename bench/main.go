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
	"strings"
	"syscall"
)

func main() {
	guard := flag.Bool("guard", false, "measure small sizes and compare with ratios.json")
	update := flag.Bool("update", false, "with -guard: write ratios.json")
	rounds := flag.Int("rounds", 0, "how often everything is measured; 5 by default, 3 with -guard")
	only := flag.String("peers", "", "comma-separated peers; all by default, with -guard those that are built in seconds")
	figures := flag.String("json", "", "file to write all figures to")
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
	res, err := measure(ctx, f)
	if err == nil && *figures != "" {
		err = writeJSON(*figures, res.figures)
	}
	switch {
	case err != nil:
	case *guard && *update:
		err = writeJSON(ratiosFile, ratiosOf(f, res))
	case *guard:
		err = holdAgainst(ratiosFile, f, res)
	default:
		fmt.Printf("%d processors, load %s, median of %d rounds\n\n", runtime.NumCPU(), load(), f.rounds)
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

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
