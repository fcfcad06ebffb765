// Command plain does a task of the benchmarks with next to nothing: columns of numbers, one write and fsync a tick,
// a search over numbers. It is the floor that a store is measured against: no names, no index, no queries but these.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/lineaged/lineaged/bench/work"
)

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		switch {
		case t.Days > 0:
			return past(t, r)
		case t.Edges > 0:
			return graphTask(t, r)
		case t.Stage == work.Open:
			return reopen(t, r)
		default:
			return write(t, r)
		}
	})
}

func file(t work.Task) string { return filepath.Join(t.Dir, "log") }

// write writes each tick as how far each total is from the one before.
func write(t work.Task, r *work.Report) error {
	c := t.Counters()
	if err := os.MkdirAll(t.Dir, 0o750); err != nil {
		return err
	}
	f, err := os.Create(file(t))
	if err != nil {
		return err
	}
	defer f.Close()
	var b []byte
	from := work.CPU()
	for k := range c.Ticks {
		b = encode(b[:0], c, k)
		if _, err := f.Write(b); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	r.Set("ingest ns/sample", float64((work.CPU()-from).Nanoseconds())/float64(c.Samples()))
	r.Set("encode ns/sample", float64(work.Cost(func(n int) { b = encode(b[:0], c, 1+n%(c.Ticks-1)) }).Nanoseconds())/float64(c.Series))
	size, err := work.DirBytes(t.Dir)
	r.Set("disk B/sample", float64(size)/float64(c.Samples()))
	r.Set("values MiB", float64(8*c.Samples())/(1<<20))
	r.Set("entropy B/sample", c.Entropy())
	r.CPU("one series cpu-ns", work.Cost(func(int) { c.Steps(c.One()) }))
	hour := make([][]byte, 60)
	for i := range hour {
		hour[i] = encode(nil, c, c.Ticks-len(hour)+i)
	}
	grown := make([]int64, c.Series)
	r.CPU("top cpu-ns", work.Cost(func(int) { err = top(hour, grown) }))
	return err
}

// top reads an hour of ticks and picks the ten series that grew most, without an index or a sum.
func top(hour [][]byte, grown []int64) error {
	clear(grown)
	for _, b := range hour {
		if err := add(grown, b); err != nil {
			return err
		}
	}
	var t work.Top
	for s, by := range grown {
		t.Add(s, by)
	}
	return nil
}

// add adds a tick to totals.
func add(totals []int64, tick []byte) error {
	_, n := binary.Varint(tick)
	for s := range totals {
		tick = tick[n:]
		var d int64
		if d, n = binary.Varint(tick); n <= 0 {
			return io.ErrUnexpectedEOF
		}
		totals[s] += d
	}
	return nil
}

func encode(b []byte, c *work.Counters, tick int) []byte {
	b = binary.AppendVarint(b, c.At(tick).Unix())
	for s, v := range c.Row(tick) {
		if tick > 0 {
			v -= c.Row(tick - 1)[s]
		}
		b = binary.AppendVarint(b, v)
	}
	return b
}

// reopen reads all that was written.
func reopen(t work.Task, r *work.Report) error {
	c := t.Counters()
	from, at := work.CPU(), time.Now()
	b, err := os.ReadFile(file(t))
	if err != nil {
		return err
	}
	in, totals := bytes.NewReader(b), make([]int64, c.Series)
	for range c.Ticks {
		if _, err := binary.ReadVarint(in); err != nil {
			return err
		}
		for s := range totals {
			d, err := binary.ReadVarint(in)
			if err != nil {
				return err
			}
			totals[s] += d
		}
	}
	r.CPU("open cpu-ns", work.CPU()-from)
	r.CPU("open wall-ns", time.Since(at))
	r.Check("the last total", fmt.Sprint(totals[c.One()]), fmt.Sprint(c.Row(c.Ticks - 1)[c.One()]))
	return nil
}

// graphTask searches columns of numbers.
func graphTask(t work.Task, r *work.Report) error {
	g := work.NewEdges(t.Edges)
	var c *work.CSR
	r.CPU("build cpu-ns", work.Cost(func(int) { c = g.CSR() }))
	r.CPU("closure cpu-ns", work.Cost(func(int) { c.Reach(work.Root) }))
	return nil
}
