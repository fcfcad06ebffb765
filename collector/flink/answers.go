package flink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

// listed is a run of a job, as the list of all has it.
type listed struct {
	ID      string `json:"jid"`
	Name    string `json:"name"`
	Type    string `json:"jobType"` // STREAMING or BATCH; older ones do not say
	State   string `json:"state"`
	Started int64  `json:"start-time"` // ms
}

// over reports whether the run has ended for good.
func (l *listed) over() bool { return over(l.State) }

func over(state string) bool { return state == "FINISHED" || state == "CANCELED" || state == "FAILED" }

// errNotFlink is what something else answers.
var errNotFlink = errors.New("is it the REST interface of a Flink JobManager?")

// jobs asks for all runs that Flink knows: those that ended are kept for an hour, as is usual. An address where
// something else answers is passed over.
func (c *client) jobs(ctx context.Context) (all []listed, err error) {
	for range c.Addresses() {
		if all, err = c.jobsAt(ctx); !errors.Is(err, errNotFlink) {
			return all, err
		}
		c.Next()
	}
	return nil, err
}

func (c *client) jobsAt(ctx context.Context) ([]listed, error) {
	var all struct {
		Jobs *[]listed `json:"jobs"`
	}
	err := c.Get(ctx, "/jobs/overview", &all)
	switch {
	case errors.Is(err, rest.ErrNotFound):
		return nil, fmt.Errorf("%s: answers with 404: %w", c.First(), errNotFlink)
	case err == nil && all.Jobs == nil:
		err = fmt.Errorf("%s: the answer names no jobs: %w", c.First(), errNotFlink)
	}
	if err != nil {
		return nil, err
	}
	return *all.Jobs, nil
}

func (c *client) version(ctx context.Context) (string, error) {
	var is struct {
		Version string `json:"flink-version"`
	}
	err := c.Get(ctx, "/config", &is)
	return is.Version, err
}

// described is what a run is made of, and how it goes.
type described struct {
	state    string
	now      int64            // ms, by Flink's clock
	stamps   map[string]int64 // ms, by Flink's clock: when it came last into each state; 0: never
	vertices []lineage.JobVertex
}

// describe asks what a run is made of and how it goes.
func (c *client) describe(ctx context.Context, id string) (d described, err error) {
	var is struct {
		State      string           `json:"state"`
		Now        int64            `json:"now"`
		Timestamps map[string]int64 `json:"timestamps"`
		Vertices   []struct {
			ID          string `json:"id"`
			Name        string `json:"name"`
			Status      string `json:"status"`
			Parallelism int    `json:"parallelism"`
		} `json:"vertices"`
	}
	err = c.Get(ctx, "/jobs/"+url.PathEscape(id), &is)
	for _, v := range is.Vertices[:min(len(is.Vertices), mostVertices)] {
		d.vertices = append(d.vertices, lineage.JobVertex{ID: v.ID, Name: short(v.Name), State: v.Status, Parallelism: v.Parallelism})
	}
	d.state, d.now, d.stamps = is.State, is.Now, is.Timestamps
	return d, err
}

// checkpointing asks how a run keeps its state; nil: it does not, or has ended before it could.
func (c *client) checkpointing(ctx context.Context, id string) (*lineage.Checkpoints, error) {
	var how struct {
		Mode     string `json:"mode"`
		Interval int64  `json:"interval"` // ms; the greatest there is where none is made
	}
	if err := c.Get(ctx, "/jobs/"+url.PathEscape(id)+"/checkpoints/config", &how); err != nil {
		if errors.Is(err, rest.ErrNotFound) { // checkpointing is not enabled
			err = nil
		}
		return nil, err
	}
	const century = 100 * 365 * 24 * time.Hour
	if how.Interval <= 0 || how.Interval >= century.Milliseconds() {
		return nil, nil //nolint:nilnil // see above
	}
	return &lineage.Checkpoints{Mode: how.Mode, Every: time.Duration(how.Interval) * time.Millisecond}, nil
}

// kept is how a run kept its state. Paths of savepoints are not read.
type kept struct {
	Counts struct {
		Completed int64 `json:"completed"`
		Failed    int64 `json:"failed"`
		Restored  int64 `json:"restored"`
	} `json:"counts"`
	Latest struct {
		Savepoint *struct {
			Type string `json:"checkpoint_type"` // SYNC_SAVEPOINT: of a stop
		} `json:"savepoint"`
		Failed *struct {
			At int64 `json:"failure_timestamp"` // ms, by Flink's clock
		} `json:"failed"`
		Restored *struct {
			Savepoint bool `json:"is_savepoint"`
		} `json:"restored"`
	} `json:"latest"`
}

// checkpoints asks how a run that keeps its state did so; nil: Flink does not tell.
func (c *client) checkpoints(ctx context.Context, id string) (*kept, error) {
	var is kept
	if err := c.Get(ctx, "/jobs/"+url.PathEscape(id)+"/checkpoints", &is); err != nil {
		if errors.Is(err, rest.ErrNotFound) {
			err = nil
		}
		return nil, err
	}
	return &is, nil
}

// metric is one metric of a run or, over all its subtasks, of a vertex. Flink gathers them once somebody asks: the
// first answer is empty.
type metric struct {
	ID    string  `json:"id"`
	Value string  `json:"value"`
	Max   float64 `json:"max"`
	Sum   float64 `json:"sum"`
	Avg   float64 `json:"avg"` // over the subtasks that tell
}

// restarts asks how often a run began again by itself; -1: it does not say.
func (c *client) restarts(ctx context.Context, id string) (int64, error) {
	var is []metric
	if err := c.Get(ctx, "/jobs/"+url.PathEscape(id)+"/metrics?get=numRestarts", &is); err != nil {
		return -1, err
	}
	for _, m := range is {
		if n, err := strconv.ParseInt(m.Value, 10, 64); m.ID == "numRestarts" && err == nil && n >= 0 {
			return n, nil
		}
	}
	return -1, nil
}

// metrics asks for the names of a vertex' metrics, or for the greatest values of some over its subtasks.
func (c *client) metrics(ctx context.Context, id, vertex string, names ...string) (all []metric, err error) {
	path := "/jobs/" + url.PathEscape(id) + "/vertices/" + url.PathEscape(vertex) + "/subtasks/metrics"
	if len(names) > 0 {
		path += "?agg=max&get=" + url.QueryEscape(strings.Join(names, ","))
	}
	err = c.Get(ctx, path, &all)
	return all, err
}

// sums asks for the values of some metrics of a vertex, all subtasks together that tell them, and the average of these.
func (c *client) sums(ctx context.Context, id, vertex string, names ...string) (all []metric, err error) {
	err = c.Get(ctx, "/jobs/"+url.PathEscape(id)+"/vertices/"+url.PathEscape(vertex)+"/subtasks/metrics?agg=sum,avg&get="+url.QueryEscape(strings.Join(names, ",")), &all)
	return all, err
}

// place is a partition that a source reads, by the name of one of its metrics.
type place struct {
	topic     string // as the metric spells it, see spelled
	partition int32
}

// The metrics of a source's partition.
const (
	readUpTo  = "currentOffset"   // of the newest record that it read
	committed = "committedOffset" // the next record, as it committed last; -1: never
)

// placeOf reads the name of a source's metric: OPERATOR.KafkaSourceReader.topic.TOPIC.partition.N.NAME. No part has a
// dot: Flink has made an underscore of it.
func placeOf(id string) (p place, name string, ok bool) {
	parts := strings.Split(id, ".")
	if len(parts) != 7 || parts[1] != "KafkaSourceReader" || parts[2] != "topic" || parts[4] != "partition" || parts[6] != readUpTo && parts[6] != committed {
		return p, "", false
	}
	n, err := strconv.ParseInt(parts[5], 10, 32)
	if err != nil || n < 0 {
		return p, "", false
	}
	return place{parts[3], int32(n)}, parts[6], true
}

// sinkOf returns the operator whose metric is a Kafka producer's: what it writes is told by none of them.
func sinkOf(id string) (operator string, ok bool) {
	operator, _, ok = strings.Cut(id, ".KafkaProducer.")
	return operator, ok
}

// spelled is a topic's name as Flink's metrics have it.
func spelled(topic string) string { return strings.ReplaceAll(topic, ".", "_") }

// newest picks the run that stands for a job of several: one that goes on before one that is over, then the last to
// begin.
func newest(runs []listed) *listed {
	return &slices.SortedFunc(slices.Values(runs), func(a, b listed) int {
		return cmp.Or(cmp.Compare(one(a.over()), one(b.over())), cmp.Compare(b.Started, a.Started), strings.Compare(a.ID, b.ID))
	})[0]
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// short keeps a stranger's name to what a name may have.
func short(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if len(name) > mostName {
		return strings.ToValidUTF8(name[:mostName], "") + "…"
	}
	return name
}
