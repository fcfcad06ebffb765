package main

import (
	"context"
	"log/slog"
	"net"
	"os"

	dto "github.com/prometheus/client_model/go"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/metricspush"
)

// metricsPush sends what /metrics has to who is configured; without that it does nothing. It is asked for its own
// figures by the server whose metrics it sends, so that server is set after both are made.
type metricsPush struct {
	*metricspush.Pusher
	server *api.Server
}

func newMetricsPush(cfg config.Config, log *slog.Logger) (*metricsPush, error) {
	c, p := cfg.Metrics.Push, &metricsPush{}
	if c.URL == "" {
		return p, nil
	}
	headers, err := c.Reread()
	if err != nil {
		return nil, err
	}
	trust, err := c.TLS.Reread()
	if err != nil {
		return nil, err
	}
	version, _ := buildVersion()
	p.Pusher, err = metricspush.New(metricspush.Options{
		URL: c.Address(), Every: c.Interval(), Headers: headers, TLS: trust, Instance: instance(cfg.Listen), Version: version, Log: log,
		Families: func(ctx context.Context, series int, take func([]*dto.MetricFamily) error) error {
			return p.server.Families(ctx, series, take)
		},
	})
	return p, err
}

// instance is HOST:PORT of this lineaged, as a scrape would have it.
func instance(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || host == "localhost" || ip.IsLoopback() || ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}

// addTo makes its figures and its trouble the server's.
func (p *metricsPush) addTo(o *api.Options) {
	if p.Pusher == nil {
		return
	}
	o.Collectors = append(o.Collectors, p.Pusher)
	others := o.Trouble
	o.Trouble = func() []string { return append(others(), p.Trouble()...) }
}

// run pushes until ctx ends.
func (p *metricsPush) run(ctx context.Context, server *api.Server) error {
	if p.Pusher == nil {
		return nil
	}
	p.server = server
	return p.Run(ctx)
}
