package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/serving"
)

// site is what answers over HTTP.
type site struct {
	asked    *api.Server
	handler  http.Handler
	beside   func(others, own http.Handler) http.Handler // answers by own who proves by himself that he may
	draining *atomic.Bool
	refusals *refusals
	cfg      config.Config
	log      *slog.Logger
}

// site puts together what is answered, and who may ask.
func (s *daemon) site() (*site, error) {
	cfg, log := s.cfg, s.log
	made := &site{draining: &atomic.Bool{}, refusals: newRefusals(log), cfg: cfg, log: log}
	options := apiOptions(cfg, s.store, s.asks, s.book, log)
	options.User, options.Spellings = user(cfg), spellings(s.board, s.clock.Now())
	s.edited.addTo(&options, cfg, s.asks)
	options.Trouble = s.trouble
	options.Questions = s.monitoring.questions()
	if err := addMarquez(options.Questions, cfg, s.asks, s.clock.Now, log); err != nil {
		return nil, err
	}
	options.Stopping = made.draining.Load
	options.Collectors = append(append(options.Collectors, s.protection.figure(), made.refusals.total, scheduledFigures{s.reports}, s.teller), s.pushes.figures()...)
	options.Pushes = s.pushes.handlers()
	s.pushed.addTo(&options)
	made.asked = api.New(options)
	made.beside = func(others, own http.Handler) http.Handler { return s.pushes.or(s.monitoring.or(others, own), own) }
	made.handler = made.beside(s.protection.guard(made.asked), s.protection.guardPushes(made.asked))
	return made, nil
}

// serve answers until ctx ends, then lets requests under way finish for drainTimeout. It calls ready once it answers.
func (s *site) serve(ctx context.Context, ln net.Listener, ready func()) error {
	ln = serving.Listener(ln, serving.Limits{}, s.refusals.one)
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := serving.Server(s.handler, serving.Limits{})
	own := server.Handler
	server.BaseContext = func(net.Listener) context.Context {
		// Here the toolkit has put itself in front, and nobody is answered yet: it knows users and passwords only.
		server.Handler = s.beside(server.Handler, own)
		return base
	}
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug) // what clients do wrong with TLS and headers
	served := make(chan error, 1)
	go func() {
		file, noSocket := string(s.cfg.Web.ConfigFile), false
		served <- web.Serve(ln, server, &web.FlagConfig{WebConfigFile: &file, WebSystemdSocket: &noSocket}, quiet(s.log))
	}()
	ready()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.asked.Close() // who subscribes is no request that comes to an end
	stop, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancelStop()
	if err := server.Shutdown(stop); err != nil {
		cancel()
		_ = server.Close() // its error is that of connections which are being cut
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// refusals counts the connections that there was no room for, and says so once a minute at most.
type refusals struct {
	total prometheus.Counter
	log   *slog.Logger
	said  atomic.Int64 // when, in Unix seconds
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{log: log, total: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "lineaged_http_connections_refused_total", Help: "Connections closed at once, as too many were open, of all or of one address.",
	})}
}

func (r *refusals) one() {
	r.total.Inc()
	if now, said := time.Now().Unix(), r.said.Load(); now-said >= 60 && r.said.CompareAndSwap(said, now) {
		r.log.Warn("a connection is refused: too many are open, of all or of one address")
	}
}

// quiet keeps the toolkit's announcements out of the log: the ready line says them.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeast{log.Handler(), slog.LevelWarn}) }

// atLeast drops records below a level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Handle leaves out what the toolkit's YAML parser quotes of the web configuration file, which holds password hashes
// and may hold a key.
func (h atLeast) Handle(ctx context.Context, r slog.Record) error {
	said := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if text := a.Value.String(); strings.Contains(text, "yaml:") {
			a.Value = slog.StringValue("it is not the YAML that it should be")
		}
		said.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, said)
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

// address is the URL under which people on this machine reach the server.
func address(a net.Addr, cfg config.Config) string {
	scheme := "http"
	if cfg.Web.TLS() {
		scheme = "https"
	}
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		host = fmt.Sprintf("127.0.0.1:%d", t.Port)
	}
	return scheme + "://" + host
}
