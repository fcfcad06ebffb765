package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// row is a line of the table: a figure of lineaged beside one of a peer, of both of which less is better.
type row struct {
	work     string
	ours, to string  // keys of results; to may be empty
	goal     float64 // what ours may be of the peer's at most; 0: none
	bound    float64 // what ours may be at most; 0: none
}

// The sizes of issue 11 are A, 100,000 series of 120 ticks, and B, 10,000 of 1,440.
var fullForm = form{
	shapes: []shape{{name: "A", series: 100_000, ticks: 120}, {name: "B", series: 10_000, ticks: 1440}, {name: "10⁵ edges", edges: 1e5}, {name: "10⁶ edges", edges: 1e6}, {name: "30 days", edges: 1e5, days: 30}},
	peers:  []string{"lineaged", "prometheus", "victoriametrics", "plain", "gonum", "sqlite", "postgres"}, rounds: 5, goBench: true,
	rows: rowsOf(counterRows("A", 0.80, 40), counterRows("B", 0.65, 0), graphRows("10⁵ edges"), graphRows("10⁶ edges"), []row{
		{work: "30 days of 10⁵ accesses: complete closure at any minute, never asked before", ours: "30 days lineaged minute cpu-ns", to: "30 days plain minute cpu-ns", goal: 3},
		{work: "a round of 10,000 partitions and 500 groups", ours: "Round/1000x500/lineaged cpu-ms/round", to: "Round/1000x500/per-group cpu-ms/round", goal: 0.5},
		{work: "a round of 100,000 partitions and 5,000 groups", ours: "Round/10000x5000/lineaged cpu-ms/round", to: "Round/10000x5000/per-group cpu-ms/round", goal: 0.5, bound: 200},
		{work: "100 nodes through GraphQL, the direct call beside it", ours: "Lineage100Handler ns/op", to: "Lineage100Direct ns/op"},
		{work: "a view never asked before, 500 topics, 10,000 readers", ours: "View ns/op", bound: 25e6},
		{work: "`/metrics` of 10,000 topics and 5,000 groups, a round that was scraped before", ours: "Metrics/kept cpu-ms/op", bound: 50},
		{work: "`/metrics` of 10,000 topics and 5,000 groups, a new round", ours: "Metrics/new cpu-ms/op", bound: 50},
	}),
}

// The guard's peers are built in seconds, and its sizes done in seconds.
var guardForm = form{
	shapes: []shape{{name: "small", series: 10_000, ticks: 120}, {name: "10⁵ edges", edges: 1e5}},
	peers:  []string{"lineaged", "plain", "gonum"}, rounds: 3,
	rows: []row{
		{work: "ingest", ours: "small lineaged ingest ns/sample", to: "small plain encode ns/sample"},
		{work: "ingest and seal all", ours: "small lineaged ingest and seal all ns/sample", to: "small plain encode ns/sample"},
		{work: "bytes of log", ours: "small lineaged log B/sample", to: "small plain disk B/sample"},
		{work: "bytes when sealed, beside the entropy", ours: "small lineaged disk B/sample", to: "small plain entropy B/sample"},
		{work: "heap of what is open, beside the bare values", ours: "small lineaged heap MiB", to: "small plain values MiB"},
		{work: "top ten of any hour, beside reading all", ours: "small lineaged top any cpu-ns", to: "small plain top cpu-ns"},
		{work: "top ten of an hour of the clock", ours: "small lineaged top aligned cpu-ns", to: "small plain top cpu-ns"},
		{work: "top ten of what is open", ours: "small lineaged open top any cpu-ns", to: "small plain top cpu-ns"},
		{work: "one series", ours: "small lineaged one series cpu-ns", to: "small plain one series cpu-ns"},
		{work: "open after a kill", ours: "small lineaged killed open cpu-ns", to: "small plain closed open cpu-ns"},
		{work: "open after a close", ours: "small lineaged closed open cpu-ns", to: "small plain closed open cpu-ns"},
		{work: "closure, beside a search over numbers", ours: "10⁵ edges lineaged closure cpu-ns", to: "10⁵ edges plain closure cpu-ns"},
		{work: "closure, beside gonum", ours: "10⁵ edges lineaged closure cpu-ns", to: "10⁵ edges gonum closure cpu-ns"},
		{work: "building a graph, beside gonum", ours: "10⁵ edges lineaged build cpu-ns", to: "10⁵ edges gonum build cpu-ns"},
		{work: "ingest, beside Prometheus", ours: "small lineaged ingest ns/sample", to: "small prometheus ingest ns/sample"},
		{work: "top ten of any hour, beside Prometheus", ours: "small lineaged top any cpu-ns", to: "small prometheus top any cpu-ns"},
		{work: "open after a kill, beside Prometheus", ours: "small lineaged killed open cpu-ns", to: "small prometheus killed open cpu-ns"},
	},
}

// isOwn reports whether a figure is one of lineaged's own benchmarks.
func isOwn(key string) bool {
	return slices.ContainsFunc([]string{"Round/", "Lineage100", "View ", "Metrics/"}, func(of string) bool { return strings.HasPrefix(key, of) })
}

// untold returns an error that names the figures of lineaged's own benchmarks of which rows are made and that are not
// there, as where a benchmark was given another name.
func untold(rows []row, res *results) error {
	var errs []error
	for _, r := range rows {
		for _, key := range []string{r.ours, r.to} {
			if isOwn(key) && len(res.figures[key]) == 0 {
				errs = append(errs, fmt.Errorf("%s: no benchmark printed %q", r.work, key))
			}
		}
	}
	return errors.Join(errs...)
}

func rowsOf(all ...[]row) (out []row) {
	for _, rows := range all {
		out = append(out, rows...)
	}
	return out
}

// counterRows are the rows of a shape of counters: what a sample may take on disk, and the heap for what is open.
func counterRows(shape string, disk, heap float64) (rows []row) {
	add := func(work, figure string, goals map[string]float64, bound float64) {
		for _, peer := range []string{"prometheus", "victoriametrics"} {
			rows = append(rows, row{work: shape + ": " + work, ours: shape + " lineaged " + figure, to: shape + " " + peer + " " + figure, goal: goals[peer], bound: bound})
			bound = 0 // said once
		}
	}
	both := func(goal float64) map[string]float64 { return map[string]float64{"prometheus": goal} }
	add("ingest, sealing on, a sample", "ingest ns/sample", map[string]float64{"prometheus": 1. / 4, "victoriametrics": 1. / 8}, 0)
	add("ingest until all is sealed, a sample", "ingest and seal all ns/sample", nil, 0)
	rows = append(rows, row{work: shape + ": a durable round, beside a write and fsync of its bytes", ours: shape + " lineaged round wall-ns", to: shape + " lineaged bare round wall-ns", goal: 2},
		row{work: shape + ": p99 of rounds while blocks are sealed, of their p50", ours: shape + " lineaged round p99/p50", bound: 3},
		row{work: shape + ": log", ours: shape + " lineaged log B/sample", bound: 2})
	add("disk, index included", "disk B/sample", nil, disk)
	add("live heap, nothing sealed", "heap MiB", both(0.4), heap)
	add("top-10 of an hour of the clock", "top aligned cpu-ns", both(1./100), 0)
	add("top-10 of any hour", "top any cpu-ns", both(1./5), 0)
	add("top-10 of any hour, nothing sealed", "open top any cpu-ns", nil, 0)
	add("one series, one day", "one series cpu-ns", both(1), 0)
	add("open to the first answer, closed", "closed open cpu-ns", both(1./10), 0)
	add("open to the first answer, killed", "killed open cpu-ns", both(1./10), 0)
	return rows
}

// graphRows are the rows of a graph.
func graphRows(shape string) (rows []row) {
	for _, p := range []struct {
		name string
		goal float64
	}{{"plain", 2}, {"gonum", 0}, {"sqlite", 0}, {"postgres", 1. / 40}} {
		rows = append(rows, row{work: shape + ": complete closure", ours: shape + " lineaged closure cpu-ns", to: shape + " " + p.name + " closure cpu-ns", goal: p.goal})
	}
	return append(rows, row{work: shape + ": build", ours: shape + " lineaged build cpu-ns", to: shape + " plain build cpu-ns", goal: 5},
		row{work: shape + ": build", ours: shape + " lineaged build cpu-ns", to: shape + " gonum build cpu-ns"})
}

// table is the rows as Markdown: those of which nothing was measured are left out.
func table(f form, res *results) string {
	var b strings.Builder
	b.WriteString("| work | lineaged | peer | ratio | goal | met |\n|---|---|---|---|---|---|\n")
	for _, r := range f.rows {
		ours, ok := res.median(r.ours)
		if !ok {
			continue
		}
		peer, ratio := "", ""
		value, compared := res.ratio(r.ours, r.to)
		if compared {
			theirs, _ := res.median(r.to)
			peer, ratio = peerOf(r.to)+" "+unit(r.to, theirs), number(value)
		} else if r.bound == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.work, unit(r.ours, ours), peer, ratio, r.goals(), r.met(ours, value, compared))
	}
	for _, name := range slices.Sorted(maps.Keys(res.missing)) {
		fmt.Fprintf(&b, "\n%s was not measured: %s\n", name, res.missing[name])
	}
	return b.String()
}

// goals is what the row is to be, in words.
func (r row) goals() string {
	var all []string
	if r.goal > 0 {
		all = append(all, "≤ "+number(r.goal))
	}
	if r.bound > 0 {
		all = append(all, "≤ "+unit(r.ours, r.bound))
	}
	return strings.Join(all, ", ")
}

// met says yes, no, or nothing where there is no goal.
func (r row) met(ours, ratio float64, compared bool) string {
	switch {
	case r.goal > 0 && compared && ratio > r.goal, r.bound > 0 && ours > r.bound:
		return "no"
	case r.goal > 0 && compared, r.bound > 0:
		return "yes"
	}
	return ""
}

// peerOf is the peer of a key.
func peerOf(key string) string {
	for _, p := range peers[1:] {
		if strings.Contains(key, " "+p.name+" ") {
			return p.name
		}
	}
	switch {
	case strings.Contains(key, "bare"):
		return "bare"
	case strings.Contains(key, "Direct"):
		return "direct"
	case strings.Contains(key, "per-group"):
		return "a request a group"
	}
	return ""
}

// unit writes a value in the unit that its key ends with.
func unit(key string, v float64) string {
	switch u := key[strings.LastIndexByte(key, ' ')+1:]; u {
	case "cpu-ns", "wall-ns", "ns/op":
		return duration(v)
	case "cpu-ms/round", "cpu-ms/op":
		return duration(v * 1e6)
	case "ns/sample":
		return number(v) + " ns"
	case "B/sample":
		return number(v) + " B"
	case "MiB":
		return number(v) + " MiB"
	}
	return number(v)
}

func duration(ns float64) string {
	switch d := time.Duration(ns); {
	case d < time.Microsecond:
		return number(ns) + " ns"
	case d < time.Millisecond:
		return number(ns/1e3) + " µs"
	case d < time.Second:
		return number(ns/1e6) + " ms"
	default:
		return number(ns/1e9) + " s"
	}
}

// number has two or three digits that mean something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}
