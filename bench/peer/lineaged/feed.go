package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/bench/work"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

func open(t work.Task) (*timeseries.Disk, error) {
	return timeseries.Open(t.Dir, timeseries.Options{
		Tick: work.Step, MinFree: 1, Settle: attribution.Settle, Log: slog.New(slog.DiscardHandler),
	})
}

// accessOf is a series as lineaged sees one: a producer id that writes a topic.
func accessOf(series int) lineage.Access {
	t := work.Topic(series)
	return lineage.Access{
		Topic: lineage.Topic{
			Cluster: lineage.ClusterID(work.ClusterName(t)), ID: lineage.TopicID{1, byte(t >> 16), byte(t >> 8), byte(t)}, Name: work.TopicName(t),
		},
		Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(work.Partition(series)))},
	}
}

// seriesOf is the series of an access.
func seriesOf(a *lineage.Access) (int, error) {
	producer, ok := a.Client.Producer.Value()
	if !ok {
		return 0, fmt.Errorf("nobody writes %s", a.Topic.Name)
	}
	return work.SeriesOf(a.Topic.Name, int(producer))
}

// feed makes a source's rounds of counters: what did not change is not told, as collectors do it.
type feed struct {
	c     *work.Counters
	first []lineage.Sample // all, without a value
	round []lineage.Sample
}

func newFeed(c *work.Counters) *feed {
	f := &feed{c: c, first: make([]lineage.Sample, c.Series), round: make([]lineage.Sample, 0, c.Series)}
	for s := range f.first {
		f.first[s] = lineage.Sample{Subject: accessOf(s), Metric: lineage.Records, Evidence: lineage.ProducerState}
	}
	return f
}

// observation is good until the next.
func (f *feed) observation(tick int) lineage.Observation {
	f.round = f.round[:0]
	row := f.c.Row(tick)
	for s, v := range row {
		if tick == 0 || f.c.Row(tick - 1)[s] != v {
			f.round = append(f.round, f.first[s])
			f.round[len(f.round)-1].Value = v
		}
	}
	return lineage.Observation{
		Source: lineage.Source{Cluster: "west", Name: "producers"}, Round: f.c.At(tick), Interval: work.Step,
		At: f.c.At(tick).Add(37 * time.Millisecond), Samples: f.round,
	}
}

// top asks which ten series grew most.
func top(s store.Reader, start, end time.Time) (string, error) {
	w, err := s.Window(context.Background(), store.Ask{
		Window: lineage.Window{Start: start, End: end}, Accesses: true, Most: store.Most{Metric: lineage.Records, First: 10},
	})
	if err != nil {
		return "", err
	}
	var t work.Top
	for i, a := range w.Series.Amount {
		access, by := w.Rows.Access[w.Series.Row[i]], int64(math.Round(a.Total))
		if !a.Known {
			return "", fmt.Errorf("what %s grew by is not known", access.Topic.Name)
		}
		if !t.Wants(by) {
			continue
		}
		series, err := seriesOf(access)
		if err != nil {
			return "", err
		}
		t.Add(series, by)
	}
	return t.String(), nil
}

// day is a view of the day before the last tick, and where the one series is in it.
type day struct {
	*store.Window
	series []int32
	ticks  int
}

func newDay(s store.Reader, c *work.Counters) (*day, error) {
	start, end := c.Day()
	w, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: start, End: end}, Accesses: true})
	if err != nil {
		return nil, err
	}
	one := accessOf(c.One())
	for i, row := range w.Series.Row {
		if *w.Rows.Access[row] == one {
			return &day{w, []int32{int32(i)}, c.Ticks}, nil
		}
	}
	return nil, fmt.Errorf("series %d is not among the %d of the day", c.One(), w.Series.Len())
}

// steps asks what the one series grew by in each tick.
func (d *day) steps() (string, error) {
	points, err := d.Points(context.Background(), work.Step, d.series)
	if err != nil {
		return "", err
	}
	var s work.Steps
	of := points[0]
	for i, p := range of {
		// the first total of all is a base, and before it nothing is known
		if i <= len(of)-d.ticks {
			continue
		}
		if !p.OK {
			return "", fmt.Errorf("the tick from %s on is not known", p.At)
		}
		s.Add(int64(math.Round(p.Value * work.Step.Seconds())))
	}
	return s.String(), nil
}
