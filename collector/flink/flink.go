// Package flink is the source that watches one Flink through the REST interface of its JobManager: a session cluster
// or an application's own.
//
// Each round it asks once for all jobs and their states, and for vertices, restarts, checkpoints and metrics of a
// bounded number of them, those that wait longest first. It says which topics a job reads, by the names of its
// sources' metrics, and hides that these come late, are spelled otherwise and name no cluster. Two runs of one name
// are one job.
//
// It refuses to guess: Flink tells neither the topics that a job writes, nor its groups and transactional.ids. What
// is not known of them is a blind spot that names the job. It keeps nothing of a job's configuration and changes
// nothing: all its requests are GET. See docs/adr/0053-flink.md.
package flink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

// Names of the parts, as they stand in coverage and evidence.
const (
	partJobs    = lineage.JobsSource
	partDetails = "job-details"
)

// Engine is what runs the jobs, as it stands in their facts.
const Engine = "Apache Flink"

// Rule says of jobs what Flink does not tell.
type Rule struct {
	Job      *regexp.Regexp // on the job's name; nil: all jobs
	Groups   []string       // consumer groups by which it reads
	Prefixes []string       // what its transactional.ids begin with
}

// Config says which Flink to watch and how.
type Config struct {
	Name string // Source.Cluster of all observations, and the scope of its jobs
	// REST interfaces of its JobManagers, any of which answers for all: http or https, without user, query or fragment
	URLs []string
	// source name of the Kafka cluster that its jobs read and write; empty: the only one that is watched
	Cluster  string
	Rules    []Rule             // all that match hold
	Username string             // basic authentication; empty: none
	Password func() string      // as it is now; nil: empty
	TLS      func() *tls.Config // as it is now; nil: the system's authorities
	Interval time.Duration      // the tick, at least 1 s
	Clock    *collector.Clock   // that all sources share; nil: one of its own
	Board    *collector.Board
	Log      *slog.Logger
}

// Collector watches one Flink.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector. It does not connect; an error says that the configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("flink: the name is empty")
	case cfg.Interval < time.Second:
		return nil, fmt.Errorf("flink %q: interval %s is less than a second", cfg.Name, cfg.Interval)
	}
	if err := rest.CheckURLs(cfg.URLs); err != nil {
		return nil, fmt.Errorf("flink %q: %w", cfg.Name, err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("flink", cfg.Name)
	return &Collector{source: newSource(cfg), sink: sink}, nil
}

// Run collects until ctx ends and then returns nil. A JobManager that can't be reached is no error: that is said as
// missing, and it is asked again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.client.Close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watch Flink %q: %w", cfg.Name, err)
	}
	return nil
}

// id is a part's name in observations.
func (s *source) id(part string) lineage.Source {
	return lineage.Source{Cluster: s.cfg.Name, Name: part}
}
