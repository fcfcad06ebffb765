package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/connect"
	"github.com/lineaged/lineaged/collector/headers"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/collector/mirror"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/serving"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// maintainEvery is how often the store may seal, roll up and drop blocks. A minute is the finest step that it rolls up
// to.
const maintainEvery = time.Minute

// drainTimeout is how long requests under way may take after the signal to stop. All of the program has five seconds.
const drainTimeout = 2 * time.Second

// serve runs lineaged with a checked configuration until ctx ends; again reads it once more when its rules change. It
// prints the ready line on stdout once requests are answered. Everything it started has ended when it returns.
func serve(ctx context.Context, cfg config.Config, again reloader, log *slog.Logger, stdout io.Writer) error {
	ln, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	return serveOn(ctx, ln, cfg, again, log, stdout, nil)
}

// prepare puts into a store what is to be there before anything is observed, and returns what then is made of that;
// nil: there is nothing.
type prepare func(context.Context, timeseries.Store) (goOn, error)

// goOn makes of what collectors observe what is stored.
type goOn func([]lineage.Observation) []lineage.Observation

// listen takes the address before anything else is started: two servers on one address are two on one data folder.
func listen(ctx context.Context, cfg config.Config) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	return ln, nil
}

// serveOn is serve on an open listener, which it closes.
func serveOn(ctx context.Context, ln net.Listener, cfg config.Config, again reloader, log *slog.Logger, stdout io.Writer, before prepare) (err error) {
	defer func() { _ = ln.Close() }() // a second close is harmless
	store, err := openStore(cfg, log)
	if err != nil {
		return fmt.Errorf("open the store in %s: %w", cfg.Data, err)
	}
	defer func() {
		if closeErr := store.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("close the store: %w", closeErr))
		}
	}()
	var after goOn
	if before != nil {
		if after, err = before(ctx, store); err != nil {
			return err
		}
	}
	rules, err := newRules(ctx, cfg, store, log)
	if err != nil {
		return err
	}
	board := &collector.Board{}
	said := newDeclarations(cfg, again.file, board, log)
	rules.declared = said.configure
	held, err := store.State(ctx)
	if err != nil {
		return fmt.Errorf("read how far the store is: %w", err)
	}
	clock := newClock(cfg, held.Newest(), log)
	sink := &sink{Store: store, clock: clock, log: log, goOn: after}
	if err := sink.retire(ctx, cfg); err != nil {
		return err
	}
	collectors, pushes, err := newCollectors(cfg, sink, board, clock, log)
	if err != nil {
		return err
	}
	protection, err := newProtection(cfg.Web, log)
	if err != nil {
		return err
	}
	var draining atomic.Bool
	past := &past{}
	edited := openEdits(cfg, clock.Now, log)
	defer func() { err = errors.Join(err, edited.close()) }()
	asks := answers(cfg, store, rules, said, edited, past, clock)
	book := openBook(cfg, asks, rules, said, clock.Now, log)
	edited.writeTo(book)
	past.of.Store(book)
	reports := newScheduled(cfg, asks, past, clock.Now, log)
	teller, err := newTeller(cfg, asks, clock.Now, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.close()) }()
	options := apiOptions(cfg, store, asks, book, log)
	options.User, options.Spellings = user(cfg), spellings(board, clock.Now())
	edited.addTo(&options, cfg, asks)
	left := &loggers{folder: loggersFolder(cfg), board: board, log: log}
	options.Trouble = func() []string {
		return slices.Concat(sink.trouble(), protection.trouble(), said.trouble(), left.trouble(), book.trouble(), edited.trouble(), reports.Trouble(), teller.troubles())
	}
	monitoring, err := newMetricsAPI(cfg, asks, clock.Now, log)
	if err != nil {
		return err
	}
	options.Questions = monitoring.questions()
	if err := addMarquez(options.Questions, cfg, asks, clock.Now, log); err != nil {
		return err
	}
	options.Stopping = draining.Load
	refusals := newRefusals(log)
	options.Collectors = append(append(options.Collectors, protection.figure(), refusals.total, scheduledFigures{reports}, teller), pushes.figures()...)
	options.Pushes = pushes.handlers()
	pushed, err := newMetricsPush(cfg, log)
	if err != nil {
		return err
	}
	pushed.addTo(&options)
	asked := api.New(options)
	defer asked.Close()
	// beside answers by own who proves by himself that he may.
	beside := func(others, own http.Handler) http.Handler { return pushes.or(monitoring.or(others, own), own) }
	handler := beside(protection.guard(asked), protection.guardPushes(asked))

	answering := func(ctx context.Context) error {
		return serveHTTP(ctx, serving.Listener(ln, serving.Limits{}, refusals.one), handler, beside, &draining, asked.Close, cfg, log, func() {
			// who closed stdout does not want to know
			_, _ = fmt.Fprintf(stdout, "lineaged is ready: %s\n", address(ln.Addr(), cfg))
		})
	}
	return together(ctx, collectors, left.run, said.watch, protection.watch, book.run, reports.Run, teller.run, answering,
		func(ctx context.Context) error { return rules.watch(ctx, again) },
		func(ctx context.Context) error { return pushed.run(ctx, asked) },
		func(ctx context.Context) error { return maintain(ctx, store, clock, log) })
}

// together runs collectors and what else goes on until ctx ends or one of them fails, and waits for all.
func together(ctx context.Context, collectors []runner, others ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range collectors {
		g.Go(func() error { return c.Run(ctx) })
	}
	for _, run := range others {
		g.Go(func() error { return run(ctx) })
	}
	return g.Wait()
}

func openStore(cfg config.Config, log *slog.Logger) (*timeseries.Disk, error) {
	return timeseries.Open(cfg.Data, timeseries.Options{
		Tick: time.Duration(cfg.Interval),
		Retention: timeseries.Retention{
			Raw: time.Duration(cfg.Retention.Raw), Minute: time.Duration(cfg.Retention.Minute), Hour: time.Duration(cfg.Retention.Hour),
		},
		MinFree: int64(cfg.MinFree), Spent: spent, Settle: attribution.Settle, Log: log,
	})
}

// runner collects until its context ends.
type runner interface {
	Run(ctx context.Context) error
}

// newCollectors makes the collectors: of each cluster, of the replication into it, and of each Connect cluster. None
// has connected yet. They meet at the board. What is sent to them comes by the pushes.
func newCollectors(cfg config.Config, sink collector.Sink, board *collector.Board, clock *collector.Clock, log *slog.Logger) ([]runner, *pushes, error) {
	var all []runner
	var told []*telemetry.Collector
	var lines []*logs.Collector
	syncs, interval := &mirror.Syncs{}, time.Duration(cfg.Interval)
	for _, cl := range cfg.Clusters {
		kcfg, err := collectorConfig(cl, interval, log)
		if err != nil {
			return nil, nil, err
		}
		kcfg.Board, kcfg.Clock = board, clock
		c, err := kafka.New(kcfg, sink)
		if err != nil {
			return nil, nil, err
		}
		m, err := mirror.New(mirror.Config{
			Name: kcfg.Name, Client: dialer(kcfg), Interval: interval, Clock: clock, Board: board, Aliases: aliases(cfg)[kcfg.Name], Syncs: syncs, Log: log,
		}, sink)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, c, m)
		if cfg.Pushes(cl) {
			t, err := telemetry.New(telemetryConfig(cl, kcfg), sink)
			if err != nil {
				return nil, nil, err
			}
			all, told = append(all, t), append(told, t)
		}
		if len(cl.Headers.Topics) > 0 {
			h, err := headers.New(headersConfig(cl, kcfg), sink)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, h)
		}
		places, err := logConfigs(cfg, cl, kcfg)
		if err != nil {
			return nil, nil, err
		}
		sampler, err := sampler(cfg, cl, kcfg)
		if err != nil {
			return nil, nil, err
		}
		if sampler != nil {
			all = append(all, sampler)
		}
		for _, place := range places {
			if cl.Logs.SampleRequestLog.Every > 0 && !place.Audit {
				place.Sample = sampler
			}
			l, err := logs.New(place, sink)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, l)
			if place.Push {
				lines = append(lines, l)
			}
		}
	}
	for _, cn := range cfg.Connect {
		ccfg, err := connectConfig(cfg, cn, log)
		if err != nil {
			return nil, nil, err
		}
		ccfg.Board, ccfg.Clock = board, clock
		c, err := connect.New(ccfg, sink)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, c)
	}
	registries, err := newRegistries(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, registries...)
	flinks, err := newFlinks(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, flinks...)
	events, err := newEvents(cfg, sink, board, clock, log)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, events.Collector)
	pushes := &pushes{}
	if err := errors.Join(pushes.addOTLP(cfg, board, told, lines, log), pushes.addEvents(cfg, events, log)); err != nil {
		return nil, nil, err
	}
	return all, pushes, nil
}

// newClock makes the clock of all rounds: they go on after the newest that is held.
func newClock(cfg config.Config, newest time.Time, log *slog.Logger) *collector.Clock {
	return collector.NewClock(time.Duration(cfg.Interval), time.Now, spent, newest, log)
}

// maintain lets the store tidy up until ctx ends. What fails is said and tried again: reads and writes do not depend on
// it.
func maintain(ctx context.Context, store timeseries.Store, clock *collector.Clock, log *slog.Logger) error {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C: // by the clock of the rounds: the machine's may be wrong by a day
			if err := store.Maintain(ctx, clock.Now()); err != nil && ctx.Err() == nil {
				log.Error("the store's maintenance failed; it is tried again in a minute", "error", err)
			}
		}
	}
}

// serveHTTP serves HTTP until ctx ends, then lets requests under way finish for drainTimeout.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler, beside func(others, own http.Handler) http.Handler, draining *atomic.Bool, letGo func(), cfg config.Config, log *slog.Logger, ready func()) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := serving.Server(h, serving.Limits{})
	own := server.Handler
	server.BaseContext = func(net.Listener) context.Context {
		// Here the toolkit has put itself in front, and nobody is answered yet: it knows users and passwords only.
		server.Handler = beside(server.Handler, own)
		return base
	}
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // what clients do wrong with TLS and headers
	served := make(chan error, 1)
	go func() {
		file, noSocket := string(cfg.Web.ConfigFile), false
		served <- web.Serve(ln, server, &web.FlagConfig{WebConfigFile: &file, WebSystemdSocket: &noSocket}, quiet(log))
	}()
	ready()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	draining.Store(true)
	letGo() // who subscribes is no request that comes to an end
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
