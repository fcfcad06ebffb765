// Package telemetry is the source that hears clients name themselves: the metrics that they push to their brokers by
// themselves (KIP-714), which a plugin of the broker forwards as OTLP.
//
// A Java client tells how many records it sent to each topic and read from each, under its client.id; the broker adds
// who it is to it: principal and address. So writers without idempotence and readers without a group have a name and a
// count. A Desk takes what OTLP brings for all clusters, and a Collector makes observations of what is one cluster's.
// It hides how forwarders spell attributes, deltas and totals, what comes twice, late or out of order, and clocks that
// are wrong. It refuses to take a client's word for what a topic grew by: what writers say is claimed
// (lineage.Claimed), and settled against the ends elsewhere. It reads no record and keeps nothing but names and counts.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Part is the source's name in coverage and evidence.
const Part = "telemetry"

const (
	// maxWaiting bounds what waits for the tick, in bytes. A push takes about a thousand, and the largest request that
	// may be sent no more than this.
	maxWaiting = 32 << 20
	// maxClients is how many starts of clients are kept, and maxSeries how many topics of all of them. A client is
	// forgotten when it has not pushed for a day.
	maxClients = 10_000
	maxSeries  = 200_000
	// Nobody can say that nothing moved after so long without any push: three times the longest pause between two of
	// late, but no less and no more than this.
	silentAfter    = 2 * time.Minute
	longestSilence = 20 * time.Minute
)

// Config says whose telemetry it is.
type Config struct {
	Name     string           // the source name of the watched cluster
	Interval time.Duration    // the tick, at least 1 s
	Clock    *collector.Clock // that all sources share; nil: one of its own
	Board    *collector.Board
	// Subscription keeps the clients pushing; nil: somebody else does.
	Subscription *Subscription
	// MaxClients, MaxSeries and Silence are for tests; 0: what the constants above say.
	MaxClients, MaxSeries int
	Silence               time.Duration
	Log                   *slog.Logger
}

// Collector makes observations of the telemetry of one cluster's clients.
type Collector struct {
	cfg    Config
	source *source
	inbox  *collector.Inbox[[]*push]
	sink   collector.Sink
}

// New makes a collector.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("telemetry: the cluster's name is empty")
	case cfg.Interval < time.Second:
		return nil, fmt.Errorf("telemetry of cluster %q: interval %s is less than a second", cfg.Name, cfg.Interval)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxClients == 0 {
		cfg.MaxClients = maxClients
	}
	if cfg.MaxSeries == 0 {
		cfg.MaxSeries = maxSeries
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	tell := collector.NewTeller(cfg.Name, cfg.Log) // which names the part itself
	cfg.Log = cfg.Log.With("source", Part)
	s := newSource(cfg, tell)
	return &Collector{cfg: cfg, source: s, inbox: collector.NewInbox[[]*push](s, tell, maxWaiting), sink: sink}, nil
}

// Run makes observations until ctx ends and then returns nil.
func (c *Collector) Run(ctx context.Context) error {
	if c.cfg.Subscription != nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.cfg.Subscription.run(ctx, c.cfg.Log)
		}()
		defer func() { <-done }()
	}
	if err := (collector.Runner{Interval: c.cfg.Interval, Clock: c.cfg.Clock, Log: c.cfg.Log}).Run(ctx, c.inbox, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("take in the telemetry of cluster %q: %w", c.cfg.Name, err)
	}
	return nil
}

// id is the source's name in observations.
func (s *source) id() lineage.Source { return lineage.Source{Cluster: s.cfg.Name, Name: Part} }
