// Package headers is the source that reads the headers of record batches: who wrote them and how many records are in
// them. It is off until topics are named, and it is the only source that fetches what others wrote.
//
// A header says the producer id, or that there is none, and whether the batch is a marker of a transaction. So it
// counts what the broker's other numbers leave as bounds: a transactional producer's records beside those of a writer
// without idempotence, and markers. What it counts is what lies before the end that the cluster's own source has booked
// in the same round, so that both are of the same offsets. Where its budget does not pay for all of it, it says which
// part was looked at, and counts nothing of that time: nothing is ever extrapolated.
//
// It refuses to look at keys and values; the bytes of a Fetch are dropped with the answer that brought them. It joins
// no group, commits nothing, and never waits at a broker.
package headers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Part is the source's name in coverage and evidence.
const Part = "headers"

// Config says of which topics headers are read.
type Config struct {
	Name     string // the source name of the watched cluster
	Client   func(opts ...kgo.Opt) (*kgo.Client, error)
	Interval time.Duration    // the tick, at least 1 s
	Clock    *collector.Clock // that all sources share; nil: one of its own
	Board    *collector.Board
	Topics   []*regexp.Regexp // one of them must match the name
	// Budget is how much may be fetched, in bytes a second and broker; more than 0.
	Budget int64
	// Records says of which of these topics batches are unpacked; nil: of none.
	Records *Records
	Log     *slog.Logger
	ahead   int64 // for tests, see ahead; 0: that
}

// Records says which headers of records are read.
type Records struct {
	Topics []*regexp.Regexp
	Header string // that names the application
	Every  int    // one batch of so many is looked into for it, at least 1
	// Traces are the pairs of topics of which it is told how long traces take from one to the other. All batches of
	// theirs are unpacked.
	Traces []Pair
}

// Pair are two topics, by name, through which traces go. A topic is the To of one pair at most.
type Pair struct{ From, To string }

// Collector reads the headers of one cluster's batches.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector. It does not connect; an error says that the configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("headers: the cluster's name is empty")
	case cfg.Client == nil || len(cfg.Topics) == 0 || cfg.Budget <= 0:
		return nil, fmt.Errorf("headers of cluster %q: there must be a client, topics and a budget", cfg.Name)
	case cfg.Records != nil && (cfg.Records.Header == "" || cfg.Records.Every < 1):
		return nil, fmt.Errorf("headers of records of cluster %q: there must be a header, and a sample", cfg.Name)
	case cfg.Interval < time.Second:
		return nil, fmt.Errorf("headers of cluster %q: interval %s is less than a second", cfg.Name, cfg.Interval)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	return &Collector{source: newSource(cfg), sink: sink}, nil
}

// Run reads until ctx ends and then returns nil. An unreachable cluster is no error: it is said as missing, and asked
// again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read batch headers of cluster %q: %w", cfg.Name, err)
	}
	return nil
}

// id is the source's name in observations.
func (s *source) id() lineage.Source { return lineage.Source{Cluster: s.cfg.Name, Name: Part} }
