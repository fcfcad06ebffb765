// Package kafka is the source that watches one Apache Kafka cluster through its Admin APIs.
//
// Each round it asks for metadata, the end offsets of all partitions, the producer state (KIP-664) of the partitions
// whose end moved, the groups and their committed offsets: at most 1 + 4 × brokers requests in a warm round, each
// batched for one broker. What changes slowly goes round on slower cadences. Out of the readings it makes totals
// (account.go, reader.go) and says what it could not see. It hides Kafka's protocol, its partial failures and its
// resets: a re-created topic, a truncated log, offsets set by hand, a deleted group never make a negative count or a
// false jump.
//
// It refuses to read a record: there is no Fetch request in this package. It never asks a broker more than once a round
// for the same thing, and not again for some time for what the broker does not support or permit; that is said once, as
// a blind spot with its remedy.
//
// Works against Apache Kafka 3.9 to 4.4. Rights: DESCRIBE on cluster, topics and groups, DESCRIBE_CONFIGS on topics,
// and READ on topics for the producer state only.
package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/lineaged/lineaged/collector"
)

// Config says which cluster to watch and how.
type Config struct {
	// Source.Cluster of all observations: the configured name, else the first broker address
	Name             string
	Brokers          []string           // bootstrap addresses, host:port
	TLS              func() *tls.Config // as it is now, for each connection; nil: plain text
	SASL             sasl.Mechanism     // nil: none
	Include, Exclude []*regexp.Regexp   // of topic names; no Include: all. Exclude wins
	Interval         time.Duration      // the tick, at least 1 s
	Clock            *collector.Clock   // that all sources share; nil: one of its own
	// Applications returns, for the groups that there are, what the transactional.ids of one application's instances
	// share, "" for what names nobody; nil: each stands for itself. It is asked when a step is booked, and only to tell
	// whether several producers on one partition may share the step out.
	Applications func(groups iter.Seq[string]) func(transactionalID string) string
	Log          *slog.Logger
	Hooks        []kgo.Hook       // for measuring the requests; may be empty
	Board        *collector.Board // where the sources of the process meet; may be nil
}

// Collector watches one cluster.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector. It does not connect; an error says that the configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	opts := ClientOptions(cfg)
	source := newSource(cfg)
	// The slow sources have connections of their own: a broker answers the requests of a connection in order, and one
	// that it holds (DescribeShareGroupOffsets at a group's first delivery, measured: 1.8 s) would hold the next tick's
	// too.
	for _, cl := range []**kgo.Client{&source.cl, &source.slowClient} {
		var err error
		if *cl, err = kgo.NewClient(opts...); err != nil {
			source.close()
			return nil, fmt.Errorf("cluster %q: %w", cfg.Name, err)
		}
	}
	cfg.Board.Await(cfg.Name)
	cfg.Board.RememberCluster(cfg.Name, storedCluster(cfg.Name, sink))
	return &Collector{source: source, sink: sink}, nil
}

// dialTimeout bounds the making of a connection, TLS included.
const dialTimeout = 3 * time.Second

// ClientOptions are the options of a client of the cluster: how it is reached, and that it does not insist.
func ClientOptions(cfg Config) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID("lineaged"),
		kgo.DisableClientMetrics(), // a watcher does not push telemetry about itself
		// The round is the retry: what fails now is asked again at the next tick. Two tries let metadata find another
		// broker.
		kgo.RequestRetries(2),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.WithHooks(cfg.Hooks...),
	}
	if cfg.TLS != nil {
		opts = append(opts, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			return (&tls.Dialer{Config: cfg.TLS()}).DialContext(ctx, network, address)
		}))
	} else {
		opts = append(opts, kgo.DialTimeout(dialTimeout))
	}
	if cfg.SASL != nil {
		opts = append(opts, kgo.SASL(cfg.SASL))
	}
	return opts
}

// Run collects until ctx ends and then returns nil. An unreachable cluster is no error: it is said as missing, and
// asked again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("collect from cluster %q: %w", cfg.Name, err)
	}
	return nil
}
