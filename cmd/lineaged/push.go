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

// pushes is what others may send. nil: nobody may send anything.
type pushes struct{ *otlp.Receiver }

// newPushes makes what answers who sends, nil where nobody has a token.
func newPushes(cfg config.Config, board *collector.Board, told []*telemetry.Collector, lines []*logs.Collector, log *slog.Logger) (*pushes, error) {
	if len(told) == 0 {
		return nil, nil //nolint:nilnil // nobody may send anything
	}
	tokens, err := newTokens(cfg)
	if err != nil {
		return nil, err
	}
	options := otlp.Options{Tokens: tokens, MaxBody: int64(cfg.OTLP.MaxBody), Log: log, Metrics: taken(telemetry.NewDesk(board, told...).Take)}
	if len(lines) > 0 {
		options.Logs = taken(logs.NewDesk(board, lines...).Take)
	}
	return &pushes{otlp.New(options)}, nil
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

func (p *pushes) handlers() map[string]http.Handler {
	if p == nil {
		return nil
	}
	return p.Handlers()
}

func (p *pushes) figures() []prometheus.Collector {
	if p == nil {
		return nil
	}
	return p.Collectors()
}

// or answers who bears a token on one of the paths to push to by own, and all others by others.
func (p *pushes) or(others, own http.Handler) http.Handler {
	paths := p.handlers()
	if len(paths) == 0 {
		return others
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if paths[r.URL.Path] != nil && otlp.Bears(r) {
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
