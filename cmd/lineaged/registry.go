package main

import (
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/registry"
	"github.com/lineaged/lineaged/internal/config"
)

// newRegistries makes the collectors of schema registries.
func newRegistries(cfg config.Config, sink collector.Sink, board *collector.Board, clock *collector.Clock, log *slog.Logger) (all []runner, err error) {
	for _, r := range cfg.SchemaRegistry {
		tlsConfig, err := r.TLS.Reread()
		if err != nil {
			return nil, err
		}
		secret, err := r.BasicAuth.Reread()
		if err != nil {
			return nil, err
		}
		c, err := registry.New(registry.Config{
			Name: r.Server().Source(), URLs: r.Server().Addresses(), Cluster: cfg.RegistryOf(r), Type: r.Type, Group: r.Group, Leave: cfg.RegistryLeaves(r), Username: r.BasicAuth.Username, Password: func() string { return secret().Reveal() }, TLS: tlsConfig,
			Interval: time.Duration(cfg.Interval), Clock: clock, Board: board, Log: log,
		}, sink)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
