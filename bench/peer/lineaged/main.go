// Command lineaged does a task of the benchmarks with the program's own packages: counters through the contract of
// package store, on disk, with names, log, index and sealing on; graphs with package graph.
package main

import "github.com/lineaged/lineaged/bench/work"

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		switch {
		case t.Days > 0:
			return past(t, r)
		case t.Edges > 0:
			return graphTask(t, r)
		case t.Stage == work.Fill:
			return fill(t, r)
		case t.Stage == work.Open:
			return reopen(t, r)
		default:
			return seal(t, r)
		}
	})
}
