// Command victoriametrics does a counter task of the benchmarks with the storage of VictoriaMetrics as a library. It
// has no log: what was taken is on disk some seconds later, so there is no stage that kills it. Its rows carry their
// names each time, as its own callers' do.
package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/logger"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/storage"

	"github.com/lineaged/lineaged/bench/work"
)

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		logger.SetOutputForTests(io.Discard)
		if t.Stage == work.Open {
			return reopen(t, r)
		}
		return seal(t, r)
	})
}

func open(t work.Task) *storage.Storage {
	return storage.MustOpenStorage(t.Dir, storage.OpenOptions{Retention: 10 * 365 * 24 * time.Hour})
}

const (
	metric = "kafka_flow_offset"
	batch  = 10_000
)

func nameOf(series int) []byte {
	topic := work.Topic(series)
	return storage.MarshalMetricNameRaw(nil, []prompb.Label{
		{Name: "__name__", Value: metric},
		{Name: "cluster", Value: work.ClusterName(topic)},
		{Name: "topic", Value: work.TopicName(topic)},
		{Name: "partition", Value: strconv.Itoa(work.Partition(series))},
	})
}

func seal(t work.Task, r *work.Report) error {
	c := t.Counters()
	names := make([][]byte, c.Series)
	for s := range names {
		names[s] = nameOf(s)
	}
	rows := make([]storage.MetricRow, 0, batch)
	before := work.Heap()
	st := open(t)
	from := work.CPU()
	for k := range c.Ticks {
		at, row := c.At(k).UnixMilli(), c.Row(k)
		for b := 0; b < c.Series; b += batch {
			rows = rows[:0]
			for s := b; s < min(b+batch, c.Series); s++ {
				rows = append(rows, storage.MetricRow{MetricNameRaw: names[s], Timestamp: at, Value: float64(row[s])})
			}
			st.AddRows(rows, 64)
		}
	}
	st.DebugFlush()
	r.Set("ingest ns/sample", float64((work.CPU()-from).Nanoseconds())/float64(c.Samples()))
	r.Set("heap MiB", work.Heap()-before)
	// what was taken is found some milliseconds after the flush
	for range 100 {
		if got, err := steps(st, c); err != nil {
			return err
		} else if got == c.Steps(c.One()) {
			break
		}
		time.Sleep(100 * time.Millisecond)
		st.DebugFlush()
	}
	if err := st.ForceMergePartitions(""); err != nil {
		return err
	}
	r.Set("ingest and seal all ns/sample", float64((work.CPU()-from).Nanoseconds())/float64(c.Samples()))
	if err := ask(st, c, r); err != nil {
		return err
	}
	st.MustClose()
	size, err := work.DirBytes(filepath.Join(t.Dir, "data")) // its caches are beside it
	r.Set("disk B/sample", float64(size)/float64(c.Samples()))
	return err
}

// ask asks all questions of a store.
func ask(st *storage.Storage, c *work.Counters, r *work.Report) error {
	got, err := steps(st, c)
	if err != nil {
		return err
	}
	r.Check("one series", got, c.Steps(c.One()))
	r.CPU("one series cpu-ns", work.Cost(func(int) { _, err = steps(st, c) }))
	if err != nil {
		return err
	}
	start, end := c.AnyHour(0)
	if got, err = top(st, start, end); err != nil {
		return err
	}
	r.Check("top any", got, c.Top(start, end))
	r.CPU("top any cpu-ns", work.Cost(func(n int) {
		start, end := c.AnyHour(n)
		_, err = top(st, start, end)
	}))
	if err != nil {
		return err
	}
	start, end = c.AlignedHour()
	if got, err = top(st, start, end); err != nil {
		return err
	}
	r.Check("top aligned", got, c.Top(start, end))
	r.CPU("top aligned cpu-ns", work.Cost(func(int) { _, err = top(st, start, end) }))
	return err
}

// search hands over the samples of the series that bear some labels, block by block: a series may have several.
func search(st *storage.Storage, start, end time.Time, each func(name []byte, values []float64), labels ...string) error {
	filters := storage.NewTagFilters()
	if err := filters.Add(nil, []byte(metric), false, false); err != nil {
		return err
	}
	for i := 0; i < len(labels); i += 2 {
		if err := filters.Add([]byte(labels[i]), []byte(labels[i+1]), false, false); err != nil {
			return err
		}
	}
	in := storage.TimeRange{MinTimestamp: start.UnixMilli(), MaxTimestamp: end.UnixMilli()}
	var s storage.Search
	s.Init(nil, st, []*storage.TagFilters{filters}, in, 1e9, uint64(time.Now().Add(10*time.Minute).Unix()))
	defer s.MustClose()
	var b storage.Block
	var at []int64
	var values []float64
	for s.NextMetricBlock() {
		s.MetricBlockRef.BlockRef.MustReadBlock(&b)
		if err := b.UnmarshalData(); err != nil {
			return err
		}
		at, values = b.AppendRowsWithTimeRangeFilter(at[:0], values[:0], in)
		if len(values) > 0 {
			each(s.MetricBlockRef.MetricName, values)
		}
	}
	return s.Error()
}

// steps asks what one series grew by in each tick.
func steps(st *storage.Storage, c *work.Counters) (string, error) {
	start, end := c.Day()
	var all []float64
	err := search(st, start, end, func(_ []byte, values []float64) { all = append(all, values...) },
		"topic", work.TopicName(work.Topic(c.One())), "partition", strconv.Itoa(work.Partition(c.One())))
	slices.Sort(all) // blocks of several parts come in any order, and totals never fall
	var s work.Steps
	for i := 1; i < len(all); i++ {
		s.Add(int64(all[i] - all[i-1]))
	}
	return s.String(), err
}

// top asks which ten series grew most: the first and the last sample of each.
func top(st *storage.Storage, start, end time.Time) (string, error) {
	type span struct{ first, last float64 }
	all := map[string]*span{}
	err := search(st, start, end, func(name []byte, values []float64) {
		first, last := values[0], values[len(values)-1]
		if s := all[string(name)]; s != nil {
			s.first, s.last = min(s.first, first), max(s.last, last)
			return
		}
		all[string(name)] = &span{first, last}
	})
	if err != nil {
		return "", err
	}
	var t work.Top
	for name, s := range all {
		by := int64(s.last - s.first)
		if !t.Wants(by) {
			continue
		}
		series, err := seriesOf(name)
		if err != nil {
			return "", err
		}
		t.Add(series, by)
	}
	return t.String(), nil
}

func seriesOf(name string) (int, error) {
	var m storage.MetricName
	if err := m.Unmarshal([]byte(name)); err != nil {
		return 0, fmt.Errorf("read a name: %w", err)
	}
	partition, err := strconv.Atoi(string(m.GetTagValue("partition")))
	if err != nil {
		return 0, err
	}
	return work.SeriesOf(string(m.GetTagValue("topic")), partition)
}

// reopen opens what is there and asks for one series.
func reopen(t work.Task, r *work.Report) error {
	c := t.Counters()
	want := c.Steps(c.One())
	from, at := work.CPU(), time.Now()
	st := open(t)
	got, err := steps(st, c)
	if err != nil {
		return err
	}
	r.CPU("open cpu-ns", work.CPU()-from)
	r.CPU("open wall-ns", time.Since(at))
	r.Check("one series", got, want)
	st.MustClose()
	return nil
}
