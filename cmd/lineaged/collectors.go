package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/connect"
	"github.com/lineaged/lineaged/collector/headers"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/collector/mirror"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/internal/config"
)

// runner collects until its context ends.
type runner interface {
	Run(ctx context.Context) error
}

// collectors are made here, and meet at the board. None has connected yet.
type collectors struct {
	cfg   config.Config
	sink  collector.Sink
	board *collector.Board
	clock *collector.Clock
	log   *slog.Logger
	syncs *mirror.Syncs

	all  []runner
	told []*telemetry.Collector // to which clients' metrics are sent
	logs []*logs.Collector      // to which lines are sent
}

// newCollectors makes the collectors: of each cluster, of the replication into it, of each Connect cluster, and of what
// else the configuration names. What is sent to them comes by the pushes.
func newCollectors(cfg config.Config, sink collector.Sink, board *collector.Board, clock *collector.Clock, log *slog.Logger) ([]runner, *pushes, error) {
	c := &collectors{cfg: cfg, sink: sink, board: board, clock: clock, log: log, syncs: &mirror.Syncs{}}
	for _, cl := range cfg.Clusters {
		if err := c.addCluster(cl); err != nil {
			return nil, nil, err
		}
	}
	for _, cn := range cfg.Connect {
		ccfg, err := connectConfig(cfg, cn, log)
		if err != nil {
			return nil, nil, err
		}
		ccfg.Board, ccfg.Clock = board, clock
		if err := add(c, connect.New, ccfg); err != nil {
			return nil, nil, err
		}
	}
	registries, err := newRegistries(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	flinks, err := newFlinks(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	events, err := newEvents(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	pushes := &pushes{}
	if err := errors.Join(pushes.addOTLP(cfg, board, c.told, c.logs, log), pushes.addEvents(cfg, events, log)); err != nil {
		return nil, nil, err
	}
	return append(slices.Concat(c.all, registries, flinks), events.Collector), pushes, nil
}

// add makes a collector of its configuration, and puts it to the others.
func add[C any, R runner](c *collectors, make func(C, collector.Sink) (R, error), cfg C) error {
	made, err := make(cfg, c.sink)
	if err == nil {
		c.all = append(c.all, made)
	}
	return err
}

// addCluster makes the collectors of one Kafka cluster.
func (c *collectors) addCluster(cl config.Cluster) error {
	kcfg, err := collectorConfig(cl, time.Duration(c.cfg.Interval), c.log)
	if err != nil {
		return err
	}
	kcfg.Board, kcfg.Clock = c.board, c.clock
	if err := add(c, kafka.New, kcfg); err != nil {
		return err
	}
	if err := add(c, mirror.New, mirror.Config{
		Name: kcfg.Name, Client: dialer(kcfg), Interval: kcfg.Interval, Clock: c.clock, Board: c.board,
		Aliases: aliases(c.cfg)[kcfg.Name], Syncs: c.syncs, Log: c.log,
	}); err != nil {
		return err
	}
	if c.cfg.Pushes(cl) {
		t, err := telemetry.New(telemetryConfig(cl, kcfg), c.sink)
		if err != nil {
			return err
		}
		c.all, c.told = append(c.all, t), append(c.told, t)
	}
	if len(cl.Headers.Topics) > 0 {
		if err := add(c, headers.New, headersConfig(cl, kcfg)); err != nil {
			return err
		}
	}
	return c.addLogs(cl, kcfg)
}

// addLogs makes those of a cluster's logs, and what switches its request log on for a moment.
func (c *collectors) addLogs(cl config.Cluster, kcfg kafka.Config) error {
	places, err := logConfigs(c.cfg, cl, kcfg)
	if err != nil {
		return err
	}
	sampler, err := sampler(c.cfg, cl, kcfg)
	if err != nil {
		return err
	}
	if sampler != nil {
		c.all = append(c.all, sampler)
	}
	for _, place := range places {
		if cl.Logs.SampleRequestLog.Every > 0 && !place.Audit {
			place.Sample = sampler
		}
		l, err := logs.New(place, c.sink)
		if err != nil {
			return err
		}
		c.all = append(c.all, l)
		if place.Push {
			c.logs = append(c.logs, l)
		}
	}
	return nil
}
