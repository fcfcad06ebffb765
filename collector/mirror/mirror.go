// Package mirror is the source that finds MirrorMaker 2 where it runs by itself: on the cluster that it copies to, by
// the internal topics that it keeps there.
//
// A dedicated MirrorMaker 2 tells all of it: its connectors' configurations name the clusters and the policy, its
// offsets how far each partition of the source is copied, its status topic whether it runs and what it writes. One that
// runs on a Connect which nobody configured tells less: heartbeats say between which clusters it lives, names and
// offset syncs say what it copies, and nothing says how many. Where there is no internal topic the source asks for
// nothing at all.
//
// These are the only topics of which lineaged reads records. They are MirrorMaker's and Connect's own bookkeeping and
// not anyone's data; package mm2 takes named fields out of them and drops the rest, credentials that stand in
// configurations first. A record that does not parse is counted and said, and the others count.
//
// A cluster with internal topics costs one Fetch request a round for each broker that leads a partition of them, which
// never waits on the broker (tail.go), and a DescribeGroups each half minute where a heart does not beat. Rights:
// DESCRIBE and READ on these topics, and DESCRIBE on the worker group where heartbeats are switched off.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// sourceName is the source's name in coverage and evidence.
const sourceName = "mirror"

// Config says where to look.
type Config struct {
	Name     string // the source name of the watched cluster that may be a target
	Client   func(opts ...kgo.Opt) (*kgo.Client, error)
	Interval time.Duration    // the tick, at least 1 s
	Clock    *collector.Clock // that all sources share; nil: one of its own
	Board    *collector.Board
	// Aliases say which watched cluster an alias is, by its source name, where neither addresses nor names tell. An
	// alias that stands here is also taken for a source without heartbeats.
	Aliases map[string]string
	// Syncs is shared by the sources of all clusters of one lineaged; nil: what stands on the source of a replication
	// is not asked for.
	Syncs *Syncs
	Log   *slog.Logger
}

// Collector looks for replication into one cluster.
type Collector struct {
	source *source
	sink   collector.Sink
}

// New makes a collector, and says on the board that it will tell writers. It does not connect; an error says that the
// configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("mirror: the cluster's name is empty")
	case cfg.Client == nil:
		return nil, fmt.Errorf("mirror of cluster %q: no client", cfg.Name)
	case cfg.Interval < time.Second:
		return nil, fmt.Errorf("mirror of cluster %q: interval %s is less than a second", cfg.Name, cfg.Interval)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	s := newSource(cfg)
	cfg.Board.Expect(s.id(), cfg.Name)
	return &Collector{source: s, sink: sink}, nil
}

// Run looks until ctx ends and then returns nil. An unreachable cluster is no error: it is said as missing, and asked
// again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.close()
	cfg := c.source.cfg
	if err := (collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}).Run(ctx, c.source, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("look for MirrorMaker 2 on cluster %q: %w", cfg.Name, err)
	}
	return nil
}

// id is the source's name in observations.
func (s *source) id() lineage.Source { return lineage.Source{Cluster: s.cfg.Name, Name: sourceName} }

// unseenID is the name on the board under which stand the writers of which nothing was seen in a round that saw others.
func (s *source) unseenID() lineage.Source {
	return lineage.Source{Cluster: s.cfg.Name, Name: sourceName + " unseen"}
}
