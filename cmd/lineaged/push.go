package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/otlp"
)

// pushes is what others may send.
type pushes struct {
	paths   map[string]http.Handler
	borne   map[string]bool // the paths for which a token is asked
	counted []prometheus.Collector
}

func (p *pushes) add(paths map[string]http.Handler, borne bool, figures []prometheus.Collector) {
	if p.paths == nil {
		p.paths, p.borne = map[string]http.Handler{}, map[string]bool{}
	}
	for path, h := range paths {
		p.paths[path], p.borne[path] = h, borne
	}
	p.counted = append(p.counted, figures...)
}

// addOTLP adds what answers who sends OTLP; nobody does where nobody has a token.
func (p *pushes) addOTLP(cfg config.Config, board *collector.Board, told []*telemetry.Collector, lines []*logs.Collector, log *slog.Logger) error {
	if len(told) == 0 {
		return nil
	}
	tokens, err := newTokens(cfg)
	if err != nil {
		return err
	}
	options := otlp.Options{Tokens: tokens, MaxBody: int64(cfg.OTLP.MaxBody), Log: log, Metrics: taken(telemetry.NewDesk(board, told...).Take)}
	if len(lines) > 0 {
		options.Logs = taken(logs.NewDesk(board, lines...).Take)
	}
	r := otlp.New(options)
	p.add(r.Handlers(), true, r.Collectors())
	return nil
}

// taken answers a sender with what a desk made of what it sent.
func taken[M any](take func(cluster string, m M) (collector.Receipt, error)) otlp.Take[M] {
	return func(from otlp.Sender, m M) (otlp.Taken, error) {
		r, err := take(from.Cluster, m)
		if err != nil {
			return otlp.Taken{}, err
		}
		return otlp.Taken{Rejected: r.Rejected, Why: r.Why, Deliver: func(ctx context.Context) error { return delivered(r.Deliver(ctx)) }}, nil
	}
}

// delivered says what became of a delivery in the words of OTLP.
func delivered(err error) error {
	switch {
	case errors.Is(err, collector.ErrInboxFull):
		return fmt.Errorf("%w: %w", otlp.ErrFull, err)
	case errors.Is(err, collector.ErrRejected):
		return fmt.Errorf("%w: %w", otlp.ErrRefused, err)
	default:
		return err
	}
}

// newTokens returns a function that returns the tokens as they are now in their files.
func newTokens(cfg config.Config) (func() []otlp.Token, error) {
	type bearer struct {
		secret func() config.Secret
		from   otlp.Sender
	}
	everywhere, err := cfg.OTLP.Reread()
	if err != nil {
		return nil, err
	}
	all := []bearer{{everywhere, otlp.Sender{}}}
	for _, c := range cfg.Clusters {
		own, err := c.Push.Reread()
		if err != nil {
			return nil, err
		}
		all = append(all, bearer{own, otlp.Sender{Cluster: c.Source()}})
	}
	return func() (tokens []otlp.Token) {
		for _, b := range all {
			tokens = append(tokens, otlp.Token{Secret: b.secret().Reveal(), Sender: b.from})
		}
		return tokens
	}, nil
}

func (p *pushes) handlers() map[string]http.Handler { return p.paths }

func (p *pushes) figures() []prometheus.Collector { return p.counted }

// or answers who sends with a token to one of the paths for which one is asked by own, and all others by others: who
// reads there is asked who he is as everywhere.
func (p *pushes) or(others, own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; !reads && p.borne[r.URL.Path] && otlp.Bears(r) {
			own.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// telemetryConfig is what telemetry wants to know of a cluster that is watched by a configuration.
func telemetryConfig(c config.Cluster, watched kafka.Config) telemetry.Config {
	cfg := telemetry.Config{Name: watched.Name, Interval: watched.Interval, Clock: watched.Clock, Board: watched.Board, Log: watched.Log}
	if c.Telemetry.Subscribe {
		cfg.Subscription = &telemetry.Subscription{Client: dialer(watched), Interval: c.Telemetry.Every()}
	}
	return cfg
}
