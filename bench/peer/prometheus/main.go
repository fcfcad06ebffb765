// Command prometheus does a counter task of the benchmarks with the storage of Prometheus as a library: write-ahead log
// on, one commit for 10,000 samples, one head for all, and one block when it is compacted.
package main

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/lineaged/lineaged/bench/work"
)

// metricName is the label that holds a series' name.
const metricName = "__name__"

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		switch t.Stage {
		case work.Fill:
			return fill(t, r)
		case work.Open:
			return reopen(t, r)
		default:
			return seal(t, r)
		}
	})
}

func open(t work.Task) (*tsdb.DB, error) {
	o := tsdb.DefaultOptions()
	o.MinBlockDuration = (48 * time.Hour).Milliseconds() // it compacts when it is told to
	o.MaxBlockDuration = o.MinBlockDuration
	db, err := tsdb.Open(t.Dir, slog.New(slog.DiscardHandler), nil, o, nil)
	if err == nil {
		db.DisableCompactions()
	}
	return db, err
}

const (
	metric = "kafka_flow_offset"
	commit = 10_000
)

func labelsOf(series int) labels.Labels {
	topic := work.Topic(series)
	return labels.FromStrings(metricName, metric, "cluster", work.ClusterName(topic), "topic", work.TopicName(topic),
		"partition", strconv.Itoa(work.Partition(series)))
}

// append appends all, and returns the time of processors a sample.
func appendAll(db *tsdb.DB, c *work.Counters) (time.Duration, error) {
	refs := make([]storage.SeriesRef, c.Series)
	from := work.CPU()
	for k := range c.Ticks {
		at, row := c.At(k).UnixMilli(), c.Row(k)
		for b := 0; b < c.Series; b += commit {
			app := db.Appender(context.Background())
			for s := b; s < min(b+commit, c.Series); s++ {
				var l labels.Labels
				if refs[s] == 0 {
					l = labelsOf(s)
				}
				ref, err := app.Append(refs[s], l, at, float64(row[s]))
				if err != nil {
					return 0, err
				}
				refs[s] = ref
			}
			if err := app.Commit(); err != nil {
				return 0, err
			}
		}
	}
	return work.CPU() - from, nil
}

func fill(t work.Task, r *work.Report) error {
	c := t.Counters()
	before := work.Heap()
	db, err := open(t)
	if err != nil {
		return err
	}
	spent, err := appendAll(db, c)
	if err != nil {
		return err
	}
	r.Set("append ns/sample", float64(spent.Nanoseconds())/float64(c.Samples()))
	r.Set("heap MiB", work.Heap()-before)
	runtime.KeepAlive(c)
	return ask(db, c, r, "open ")
}

func seal(t work.Task, r *work.Report) error {
	c := t.Counters()
	db, err := open(t)
	if err != nil {
		return err
	}
	spent, err := appendAll(db, c)
	if err != nil {
		return err
	}
	r.Set("ingest ns/sample", float64(spent.Nanoseconds())/float64(c.Samples()))
	from := work.CPU()
	if err := db.CompactHead(tsdb.NewRangeHead(db.Head(), c.At(0).UnixMilli(), c.End.UnixMilli())); err != nil {
		return err
	}
	r.Set("ingest and seal all ns/sample", float64((spent+work.CPU()-from).Nanoseconds())/float64(c.Samples()))
	size := int64(0)
	for _, b := range db.Blocks() {
		n, err := work.DirBytes(b.Dir())
		if err != nil {
			return err
		}
		size += n
	}
	r.Set("disk B/sample", float64(size)/float64(c.Samples()))
	if err := ask(db, c, r, ""); err != nil {
		return err
	}
	return db.Close()
}

// ask asks all questions of a store.
func ask(db *tsdb.DB, c *work.Counters, r *work.Report, prefix string) error {
	got, err := steps(db, c)
	if err != nil {
		return err
	}
	r.Check(prefix+"one series", got, c.Steps(c.One()))
	r.CPU(prefix+"one series cpu-ns", work.Cost(func(int) { _, err = steps(db, c) }))
	if err != nil {
		return err
	}
	start, end := c.AnyHour(0)
	if got, err = top(db, start, end); err != nil {
		return err
	}
	r.Check(prefix+"top any", got, c.Top(start, end))
	r.CPU(prefix+"top any cpu-ns", work.Cost(func(n int) {
		start, end := c.AnyHour(n)
		_, err = top(db, start, end)
	}))
	if err != nil {
		return err
	}
	start, end = c.AlignedHour()
	if got, err = top(db, start, end); err != nil {
		return err
	}
	r.Check(prefix+"top aligned", got, c.Top(start, end))
	r.CPU(prefix+"top aligned cpu-ns", work.Cost(func(int) { _, err = top(db, start, end) }))
	return err
}

// steps asks what one series grew by in each tick.
func steps(db *tsdb.DB, c *work.Counters) (string, error) {
	start, end := c.Day()
	q, err := db.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return "", err
	}
	defer q.Close()
	topic := work.TopicName(work.Topic(c.One()))
	found := q.Select(context.Background(), false, nil, equal(metricName, metric), equal("topic", topic),
		equal("partition", strconv.Itoa(work.Partition(c.One()))))
	var s work.Steps
	var before float64
	for found.Next() {
		first := true
		for it := found.At().Iterator(nil); it.Next() != chunkenc.ValNone; first = false {
			_, v := it.At()
			if !first {
				s.Add(int64(v - before))
			}
			before = v
		}
	}
	return s.String(), found.Err()
}

// top asks which ten series grew most, as a PromQL engine would: the first and the last sample of each.
func top(db *tsdb.DB, start, end time.Time) (string, error) {
	q, err := db.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return "", err
	}
	defer q.Close()
	found := q.Select(context.Background(), false, nil, equal(metricName, metric))
	var t work.Top
	var it chunkenc.Iterator
	for found.Next() {
		s := found.At()
		var first, last float64
		n := 0
		for it = s.Iterator(it); it.Next() != chunkenc.ValNone; n++ {
			if _, last = it.At(); n == 0 {
				first = last
			}
		}
		if by := int64(last - first); t.Wants(by) {
			l := s.Labels()
			partition, err := strconv.Atoi(l.Get("partition"))
			if err != nil {
				return "", err
			}
			series, err := work.SeriesOf(l.Get("topic"), partition)
			if err != nil {
				return "", err
			}
			t.Add(series, by)
		}
	}
	return t.String(), found.Err()
}

func equal(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, name, value)
}

// reopen opens what is there and asks for one series.
func reopen(t work.Task, r *work.Report) error {
	c := t.Counters()
	want := c.Steps(c.One())
	from, at := work.CPU(), time.Now()
	db, err := open(t)
	if err != nil {
		return err
	}
	got, err := steps(db, c)
	if err != nil {
		return err
	}
	r.CPU("open cpu-ns", work.CPU()-from)
	r.CPU("open wall-ns", time.Since(at))
	r.Check("one series", got, want)
	return db.Close()
}
