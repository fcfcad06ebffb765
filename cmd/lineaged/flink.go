package main

import (
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/flink"
	"github.com/lineaged/lineaged/internal/config"
)

// newFlinks makes the collectors of Flink's jobs. None has connected yet.
func newFlinks(cfg config.Config, sink collector.Sink, board *collector.Board, clock *collector.Clock, log *slog.Logger) (all []runner, err error) {
	for _, f := range cfg.Flink {
		tlsConfig, err := f.TLS.Reread()
		if err != nil {
			return nil, err
		}
		secret, err := f.BasicAuth.Reread()
		if err != nil {
			return nil, err
		}
		fcfg := flink.Config{
			Name: f.Source(), URLs: f.Server().Addresses(), Cluster: f.Cluster, Username: f.BasicAuth.Username, Password: func() string { return secret().Reveal() }, TLS: tlsConfig,
			Interval: time.Duration(cfg.Interval), Clock: clock, Board: board, Log: log,
		}
		for _, j := range f.Jobs {
			fcfg.Rules = append(fcfg.Rules, flink.Rule{Job: j.Match.Regexp, Groups: j.Groups, Prefixes: j.TransactionalIDPrefixes})
		}
		c, err := flink.New(fcfg, sink)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
