package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/export/scheduled"
	"github.com/lineaged/lineaged/internal/config"
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
	s := &daemon{cfg: cfg, log: log}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.collect(ctx, again, before); err != nil {
		return err
	}
	if err := s.answer(); err != nil {
		return err
	}
	site, err := s.site()
	if err != nil {
		return err
	}
	defer site.asked.Close()
	answering := func(ctx context.Context) error {
		return site.serve(ctx, ln, func() {
			// who closed stdout does not want to know
			_, _ = fmt.Fprintf(stdout, "lineaged is ready: %s\n", address(ln.Addr(), cfg))
		})
	}
	return together(ctx, s.collectors, s.left.run, s.said.watch, s.protection.watch, s.book.run, s.reports.Run, s.teller.run, answering,
		func(ctx context.Context) error { return s.rules.watch(ctx, again) },
		func(ctx context.Context) error { return s.pushed.run(ctx, site.asked) },
		func(ctx context.Context) error { s.asks.KeepReady(ctx); return nil },
		func(ctx context.Context) error { return maintain(ctx, s.store, s.clock, log) })
}

// daemon is what runs, in the order in which it is made.
type daemon struct {
	cfg config.Config
	log *slog.Logger

	// what is observed, and where it is kept
	store      *timeseries.Disk
	rules      *rules
	board      *collector.Board
	said       *declarations
	clock      *collector.Clock
	sink       *sink
	collectors []runner
	pushes     *pushes
	left       *loggers

	// what is made of it
	edited  *edits
	asks    *answer.Answers
	past    past
	book    *book
	reports *scheduled.Writer
	teller  *teller

	// who may ask, and in what other ways
	protection *protection
	monitoring *metricsAPI
	pushed     *metricsPush

	ends []func() error
}

// atEnd has f called by close, before those that were given earlier.
func (s *daemon) atEnd(f func() error) { s.ends = append(s.ends, f) }

// close ends what was begun, the newest first.
func (s *daemon) close() (err error) {
	for _, end := range slices.Backward(s.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// collect opens the store and makes all that writes into it.
func (s *daemon) collect(ctx context.Context, again reloader, before prepare) (err error) {
	cfg, log := s.cfg, s.log
	if s.store, err = openStore(cfg, log); err != nil {
		return fmt.Errorf("open the store in %s: %w", cfg.Data, err)
	}
	s.atEnd(func() error {
		if err := s.store.Close(); err != nil {
			return fmt.Errorf("close the store: %w", err)
		}
		return nil
	})
	var after goOn
	if before != nil {
		if after, err = before(ctx, s.store); err != nil {
			return err
		}
	}
	if s.rules, err = newRules(ctx, cfg, s.store, log); err != nil {
		return err
	}
	s.board = &collector.Board{}
	s.said = newDeclarations(cfg, again.file, s.board, log)
	s.rules.declared = s.said.configure
	held, err := s.store.State(ctx)
	if err != nil {
		return fmt.Errorf("read how far the store is: %w", err)
	}
	s.clock = newClock(cfg, held.Newest(), log)
	s.sink = &sink{Store: s.store, clock: s.clock, log: log, goOn: after}
	if err := s.sink.retire(ctx, cfg); err != nil {
		return err
	}
	s.left = &loggers{folder: loggersFolder(cfg), board: s.board, log: log}
	s.collectors, s.pushes, err = newCollectors(cfg, s.sink, s.board, s.clock, log)
	return err
}

// answer makes what says what windows mean, and who asks it by himself: the ledger, reports and what is told to others.
func (s *daemon) answer() (err error) {
	cfg, log, now := s.cfg, s.log, s.clock.Now
	if s.protection, err = newProtection(cfg.Web, log); err != nil {
		return err
	}
	s.edited = openEdits(cfg, now, log)
	s.atEnd(s.edited.close)
	s.asks = answers(cfg, s.store, s.rules, s.said, s.edited, &s.past, s.clock)
	s.book = openBook(cfg, s.asks, s.rules, s.said, now, log)
	s.rules.changed, s.said.changed = s.book.note, s.book.note
	s.atEnd(s.book.close)
	s.edited.writeTo(s.book)
	s.past.of.Store(s.book)
	s.reports = newScheduled(cfg, s.asks, &s.past, now, log)
	if s.teller, err = newTeller(cfg, s.asks, now, log); err != nil {
		return err
	}
	if s.monitoring, err = newMetricsAPI(cfg, s.asks, now, log); err != nil {
		return err
	}
	s.pushed, err = newMetricsPush(cfg, log)
	return err
}

// trouble is all that is wrong with what runs, for /readyz.
func (s *daemon) trouble() []string {
	return slices.Concat(s.sink.trouble(), s.protection.trouble(), s.said.trouble(), s.left.trouble(), s.book.trouble(), s.edited.trouble(), s.reports.Trouble(), s.teller.troubles())
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
