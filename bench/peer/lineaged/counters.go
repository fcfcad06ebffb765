package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lineaged/lineaged/bench/work"
	"github.com/lineaged/lineaged/timeseries"
)

// fill appends all rounds without sealing any, and beside each round writes and syncs as many bytes as it took in the
// log.
func fill(t work.Task, r *work.Report) error {
	c := t.Counters()
	f := newFeed(c)
	before := work.Heap()
	s, err := open(t)
	if err != nil {
		return err
	}
	bare, err := os.Create(filepath.Join(filepath.Dir(t.Dir), "bare"))
	if err != nil {
		return err
	}
	defer bare.Close()
	var spent time.Duration
	var ours, theirs []time.Duration
	for k := range c.Ticks {
		o, logged := f.observation(k), s.Stats().LogBytes
		from, at := work.CPU(), time.Now()
		if err := s.Append(context.Background(), o); err != nil {
			return err
		}
		if k > 0 { // the first defines them all
			ours = append(ours, time.Since(at))
		}
		spent += work.CPU() - from
		at = time.Now()
		if err := writeSync(bare, s.Stats().LogBytes-logged); err != nil {
			return err
		}
		theirs = append(theirs, time.Since(at))
	}
	r.Set("append ns/sample", float64(spent.Nanoseconds())/float64(c.Samples()))
	r.Set("log B/sample", float64(s.Stats().LogBytes)/float64(c.Samples()))
	r.Set("round wall-ns", float64(work.Quantile(ours, 0.5).Nanoseconds()))
	r.Set("bare round wall-ns", float64(work.Quantile(theirs, 0.5).Nanoseconds()))
	r.Set("heap MiB", work.Heap()-before)
	runtime.KeepAlive(f)
	return ask(s, c, r, "open ")
}

// writeSync is the least that a durable round costs.
func writeSync(f *os.File, size int64) error {
	if _, err := f.Write(bytes.Repeat([]byte{7}, int(size))); err != nil {
		return err
	}
	return f.Sync()
}

// seal appends all rounds while a second goroutine seals what is due, as the program does, and then seals the rest.
func seal(t work.Task, r *work.Report) error {
	c := t.Counters()
	f := newFeed(c)
	s, err := open(t)
	if err != nil {
		return err
	}
	due, done := make(chan time.Time, 1), make(chan error)
	go func() {
		for now := range due {
			if err := s.Maintain(context.Background(), now); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	from := work.CPU()
	var rounds []time.Duration
	var making time.Duration
	for k := range c.Ticks {
		began := work.CPU()
		o := f.observation(k)
		making += work.CPU() - began
		at := time.Now()
		if err := s.Append(context.Background(), o); err != nil {
			return err
		}
		if k > 0 {
			rounds = append(rounds, time.Since(at))
		}
		select {
		case due <- c.At(k):
		default: // it is at work
		}
	}
	close(due)
	if err := <-done; err != nil {
		return err
	}
	r.Set("ingest ns/sample", float64((work.CPU()-from-making).Nanoseconds())/float64(c.Samples()))
	r.Set("round p99/p50", float64(work.Quantile(rounds, 0.99))/float64(work.Quantile(rounds, 0.5)))
	// late enough to seal all, and sooner than who was seen for two hours and fell silent is put away
	if err := s.Maintain(context.Background(), c.End.Add(110*time.Minute)); err != nil {
		return err
	}
	r.Set("ingest and seal all ns/sample", float64((work.CPU()-from-making).Nanoseconds())/float64(c.Samples()))
	if n := s.Stats().Series; n != 0 {
		return fmt.Errorf("%d series are not sealed", n)
	}
	if err := ask(s, c, r, ""); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	size, err := work.DirBytes(t.Dir)
	r.Set("disk B/sample", float64(size)/float64(c.Samples()))
	return err
}

// ask asks all questions of a store.
func ask(s *timeseries.Disk, c *work.Counters, r *work.Report, prefix string) error {
	d, err := newDay(s, c)
	if err != nil {
		return err
	}
	steps, err := d.steps()
	if err != nil {
		return err
	}
	r.Check(prefix+"one series", steps, c.Steps(c.One()))
	r.CPU(prefix+"one series cpu-ns", work.Cost(func(int) { _, err = d.steps() }))
	if err != nil {
		return err
	}
	for n := range 3 {
		start, end := c.AnyHour(n)
		got, err := top(s, start, end)
		if err != nil {
			return err
		}
		r.Check(prefix+"top any", got, c.Top(start, end))
	}
	r.CPU(prefix+"top any cpu-ns", work.Cost(func(n int) {
		start, end := c.AnyHour(n)
		_, err = top(s, start, end)
	}))
	if err != nil {
		return err
	}
	start, end := c.AlignedHour()
	got, err := top(s, start, end)
	if err != nil {
		return err
	}
	r.Check(prefix+"top aligned", got, c.Top(start, end))
	r.CPU(prefix+"top aligned cpu-ns", work.Cost(func(int) { _, err = top(s, start, end) }))
	return err
}

// reopen opens what is there and asks for one series.
func reopen(t work.Task, r *work.Report) error {
	c := t.Counters()
	want := c.Steps(c.One())
	from, at := work.CPU(), time.Now()
	s, err := open(t)
	if err != nil {
		return err
	}
	d, err := newDay(s, c)
	if err != nil {
		return err
	}
	got, err := d.steps()
	if err != nil {
		return err
	}
	r.CPU("open cpu-ns", work.CPU()-from)
	r.CPU("open wall-ns", time.Since(at))
	r.Check("one series", got, want)
	return s.Close()
}
