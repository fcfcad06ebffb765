// Package connect is the source that watches one Kafka Connect cluster through the REST interface of its workers.
//
// Each round it asks once for all connectors with their states, and for the topics and offsets of a bounded number of
// them: those that are new and sources first, then those that wait longest. It says which topics a connector reads and
// writes, and what lies outside Kafka, named by OpenLineage's rules. MirrorMaker 2's connectors become the replicator
// that they are the parts of. It hides that any worker answers for all, and that some are down.
//
// It refuses to keep a connector's configuration: passwords stand in it. Named settings are read in the round that
// brought them, and dropped with it; of offsets, which are a connector's own words, a hash is kept. It changes nothing:
// all its requests are GET.
//
// Works with Apache Kafka Connect 3.6 and later; older ones do not tell offsets.
package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

// Names of the sources, as they stand in coverage and evidence.
const (
	sourceConnectors = "connectors"
	sourceOffsets    = "connector-offsets"
)

// Config says which Connect cluster to watch and how.
type Config struct {
	Name string   // Source.Cluster of all observations, and the scope of its connectors
	URLs []string // of workers, http or https, without user, query or fragment; at least one
	// source name of the Kafka cluster that it belongs to; empty: the one whose id the workers report
	Cluster  string
	Username string             // basic authentication; empty: none
	Password func() string      // as it is now; nil: empty
	TLS      func() *tls.Config // as it is now; nil: the system's authorities
	Datasets []Mapping          // the first that matches names a connector's datasets
	// Aliases say which watched cluster MirrorMaker 2 means by an alias where no address tells: by the source name of
	// the cluster that it copies to, the alias and the source name of the other.
	Aliases  map[string]map[string]string
	Interval time.Duration    // the tick, at least 1 s
	Clock    *collector.Clock // that all sources share; nil: one of its own
	Board    *collector.Board
	Log      *slog.Logger
}

// Collector watches one Connect cluster.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector, and says on the board that it will tell writers. It does not connect; an error says that the
// configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	fail := func(format string, args ...any) (*Collector, error) {
		return nil, fmt.Errorf("connect %q: %w", cfg.Name, fmt.Errorf(format, args...))
	}
	switch {
	case cfg.Name == "":
		return nil, errors.New("connect: the name is empty")
	case cfg.Interval < time.Second:
		return fail("interval %s is less than a second", cfg.Interval)
	}
	if err := rest.CheckURLs(cfg.URLs); err != nil {
		return fail("%w", err)
	}
	for i, m := range cfg.Datasets {
		if err := m.Check(); err != nil {
			return fail("datasets[%d].%w", i, err)
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("connect", cfg.Name)
	s := newSource(cfg)
	cfg.Board.Expect(s.id(sourceConnectors), cfg.Cluster)
	cfg.Board.SetToldAs(s.id(sourceConnectors), time.Time{}, nil)
	return &Collector{source: s, sink: sink}, nil
}

// Run collects until ctx ends and then returns nil. Workers that can't be reached are no error: that is said as
// missing, and they are asked again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.client.Close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watch Connect %q: %w", cfg.Name, err)
	}
	return nil
}

// id is a source's name in observations.
func (s *source) id(name string) lineage.Source {
	return lineage.Source{Cluster: s.cfg.Name, Name: name}
}
