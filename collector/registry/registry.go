// Package registry is the source that reads which schemas a schema registry has: columns, versions and compatibility of
// each subject, and which topic it is of.
//
// It speaks the REST interface of Confluent's Schema Registry, which others answer too: Apicurio under
// /apis/ccompat/v7, Karapace, Redpanda; and Apicurio's own, version 3 and 2. Each round it asks for the subjects, and
// for a bounded number of them, new ones first, then those that wait longest. It hides references between schemas and
// how each format calls a field. It changes nothing: all its requests are GET. It refuses to keep descriptions,
// defaults and examples, to show a half of a schema that it can't read, and to guess the topic of a subject that does
// not tell it.
package registry

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

// sourceSchemas is the name of the source, as it stands in coverage.
const sourceSchemas = "schemas"

// Config says which registry to read and how.
type Config struct {
	Name    string   // Source.Cluster of all observations
	URLs    []string // http or https, without user, query or fragment; at least one. They answer for one another
	Cluster string   // source name of the Kafka cluster whose topics its subjects are of
	// Type is the interface by which it is asked: Confluent, Apicurio; empty: the one that an address names by its
	// path, else the first of Confluent's, Apicurio's version 3 and 2 that answers.
	Type string
	// Group is that of Apicurio whose artifacts are the subjects; empty: by Confluent's interface the default group, by
	// Apicurio's own all, but those in Leave, which are read elsewhere.
	Group    string
	Leave    []string
	Username string // basic authentication; empty: none
	Password func() string
	TLS      func() *tls.Config // as it is now; nil: the system's authorities
	Interval time.Duration      // the tick, at least 1 s
	Clock    *collector.Clock
	Board    *collector.Board
	Log      *slog.Logger
}

// Collector reads one registry.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector. It does not connect; an error says that the configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	fail := func(why string) (*Collector, error) { return nil, fmt.Errorf("schema registry %q: %s", cfg.Name, why) }
	switch {
	case cfg.Name == "":
		return nil, errors.New("schema registry: the name is empty")
	case cfg.Cluster == "":
		return fail("no cluster")
	case cfg.Interval < time.Second:
		return fail("the interval is less than a second")
	}
	if err := rest.CheckURLs(cfg.URLs); err != nil {
		return fail(err.Error())
	}
	doors, err := doorsOf(&cfg)
	if err != nil {
		return fail(err.Error())
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("schema_registry", cfg.Name)
	return &Collector{source: newSource(cfg, doors), sink: sink}, nil
}

// Run collects until ctx ends and then returns nil. A registry that can't be reached is no error: that is said as
// missing, and it is asked again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read schema registry %q: %w", cfg.Name, err)
	}
	return nil
}

func (s *source) id() lineage.Source { return lineage.Source{Cluster: s.cfg.Name, Name: sourceSchemas} }
