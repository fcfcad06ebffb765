package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/ledger/anchor"
	"github.com/lineaged/lineaged/ledger/closing"
)

// The folder of the ledger and the file of its key, in the folder of the data.
const (
	ledgerFolder = "ledger"
	ledgerKey    = "ledger.key"
	// anchoredFile is in the ledger's folder: what was anchored when.
	anchoredFile = "anchored"
)

// book is the ledger of a server: what is written to it, and what of it is read. One that can't be opened is trouble
// and nothing else: what was observed is answered all the same.
type book struct {
	log    *ledger.Log // nil: it is switched off, or can't be opened
	closer *closing.Closer
	length time.Duration // of a period
	keeper *anchor.Keeper
	why    atomic.Pointer[string] // it can't be opened
}

// openBook opens the ledger of a configuration. The data folder is open, and held.
func openBook(cfg config.Config, answers *answer.Answers, rules *rules, said *declarations, now func() time.Time, log *slog.Logger) *book {
	b := &book{length: time.Duration(cfg.Ledger.Period)}
	if !cfg.Ledger.Enabled {
		return b
	}
	told, err := anchors(cfg)
	by, byErr := sources(cfg, rules, said)
	var l *ledger.Log
	if err = errors.Join(err, byErr); err == nil {
		l, err = openLedger(cfg)
	}
	if err != nil {
		text := "the ledger is not written: " + err.Error()
		b.why.Store(&text)
		log.Error("the ledger can't be opened: nothing is written to it until lineaged is started again; what was observed is answered all the same", "error", err)
		return b
	}
	b.log = l
	b.keeper = anchor.New(anchor.Options{Log: l, Anchors: told, Record: filepath.Join(cfg.Data, ledgerFolder, anchoredFile), Now: now, Logger: log})
	version, _ := buildVersion()
	b.closer = closing.New(closing.Options{
		Answers: answers, Log: l, Length: time.Duration(cfg.Ledger.Period), Now: now, Program: version, Logger: log, Refused: b.keeper.Fork,
		Retention: time.Duration(cfg.Ledger.Retention), Needed: b.needed,
		Bills:   closing.BillsOf(answers),
		Sources: by, Breakers: func() []ledger.BreakerRule { return *rules.breakers.Load() },
	})
	return b
}

func openLedger(cfg config.Config) (*ledger.Log, error) {
	path := string(cfg.Ledger.KeyFile)
	if path == "" {
		path = filepath.Join(cfg.Data, ledgerKey)
	}
	dir := filepath.Join(cfg.Data, ledgerFolder)
	key, err := ledger.OpenKey(path, !ledger.Exists(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("its key %s is gone, and it does not go on under another one: give the key back, or move %s away and a new ledger begins", path, dir)
	}
	if err != nil {
		return nil, err
	}
	return ledger.Open(dir, key)
}

// needed returns how many entries the oldest checkpoint is of that an anchor holds: it may be asked to be gone on from.
func (b *book) needed() int64 {
	least := b.log.Published().Size
	b.keeper.Figures(func(_ string, held anchor.Held) { least = min(least, held.Checkpoint.Size) })
	return least
}

// run closes periods, and tells the anchors of them, until ctx ends. Before the first is closed the anchors are asked
// whether they hold another history.
func (b *book) run(ctx context.Context) error {
	if b.closer == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.keeper.Run(ctx) })
	g.Go(func() error {
		b.keeper.Await(ctx)
		b.note()
		return b.closer.Run(ctx)
	})
	return g.Wait()
}

// note has the ledger know what names are given by, and the configuration, whenever that is something else: at the
// start, and when it was read again.
func (b *book) note() {
	if b.closer == nil {
		return
	}
	if err := b.closer.Note(); err != nil {
		b.closer.Logger.Error("the ledger says only with the next period that the configuration has changed", "error", err)
	}
}

func (b *book) close() error {
	if b.log == nil {
		return nil
	}
	return b.log.Close()
}

func (b *book) trouble() (all []string) {
	if why := b.why.Load(); why != nil {
		all = append(all, *why)
	}
	if b.closer != nil && b.closer.Trouble() != "" {
		all = append(all, b.closer.Trouble())
	}
	return all
}

const noLedger = "there is no ledger: it is switched off, or can't be opened; /readyz and the log say why"

// Bundle is export.Ledger's.
func (b *book) Bundle(topic string, start, end time.Time) (io.WriterTo, time.Time, error) {
	if b.log == nil {
		return nil, time.Time{}, &answer.RefusedError{Reason: answer.Missing, Sentence: noLedger}
	}
	found, err := b.log.Reader().Bundle(topic, start, end)
	if errors.Is(err, ledger.ErrNothing) {
		return nil, b.log.Ends(), nil
	}
	if pruned, ok := errors.AsType[*ledger.PrunedError](err); ok {
		return nil, time.Time{}, &answer.RefusedError{Reason: answer.Missing, Sentence: fmt.Sprintf(
			"the ledger holds no more what is before %s (ledger.retention), and proves a window that begins then or later", pruned.From.Format(time.RFC3339))}
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return found, time.Time{}, nil
}

// Statement is export.Statements'.
func (b *book) Statement(month ledger.Period) ([]ledger.StatementPart, error) {
	if b.log == nil {
		return nil, &answer.RefusedError{Reason: answer.Missing, Sentence: noLedger}
	}
	return b.log.Reader().Statement(month)
}

// StatementBundle is export.Statements'.
func (b *book) StatementBundle(month ledger.Period) (io.WriterTo, error) {
	if b.log == nil {
		return nil, &answer.RefusedError{Reason: answer.Missing, Sentence: noLedger}
	}
	return b.log.Reader().StatementBundle(month)
}

// state tells the API how the ledger is; nil: it is switched off.
func (b *book) state() *api.Ledger {
	if b.log == nil && b.why.Load() == nil {
		return nil
	}
	out := &api.Ledger{Period: b.length}
	if trouble := b.trouble(); len(trouble) > 0 {
		out.Trouble = new(strings.Join(trouble, "; "))
	}
	if b.log == nil {
		return out
	}
	newest, key := b.log.Newest(), b.log.Public()
	out.Of = b.sealed
	out.Entries, out.Key, out.Fingerprint, out.Checkpoint = &newest.Size, &key, new(ledger.Fingerprint(key)), new(string(newest.Text))
	if t := b.log.Ends(); !t.IsZero() {
		out.ClosedUntil = &t
	}
	held := map[string]anchor.Held{}
	b.keeper.Figures(func(name string, h anchor.Held) { held[name] = h })
	for _, name := range b.keeper.Names() {
		a := api.LedgerAnchor{Name: name}
		if h, ok := held[name]; ok {
			a.Entries, a.At = &h.Checkpoint.Size, &h.At
		}
		out.Anchors = append(out.Anchors, a)
	}
	return out
}

// sealed tells how much of a topic's window is closed; nil: nothing is.
func (b *book) sealed(ctx context.Context, topic string, start, end time.Time) (*api.Sealed, error) {
	s, err := b.log.Sealed(ctx, topic, start, end)
	if errors.Is(err, ledger.ErrNothing) {
		return nil, nil //nolint:nilnil // nothing is closed: null
	}
	if err != nil {
		return nil, err
	}
	out := &api.Sealed{Start: s.Periods.Start.Time, End: s.Periods.End.Time, Periods: s.Count, Amendments: s.Amendments, Final: s.Final, Settled: s.Settled}
	if !s.Amended.IsZero() {
		out.AmendedAt = &s.Amended
	}
	if !s.Provable.IsZero() {
		out.ProvableFrom = &s.Provable
	}
	return out, nil
}

// handler serves what any client of C2SP's tlog-tiles reads, and the verifier key.
func (b *book) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.log == nil {
			http.Error(w, "there is no ledger: it is switched off, or can't be opened", http.StatusNotFound)
			return
		}
		file, ok := b.log.File(strings.TrimPrefix(r.URL.Path, ledgerFiles))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeFile(w, r, file)
	})
}

// figures are those of the ledger for /metrics.
func (b *book) figures() []prometheus.Collector {
	if b.log == nil {
		return nil
	}
	return []prometheus.Collector{
		anchored{b.keeper},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lineaged_ledger_entries", Help: "Entries of the ledger that a signed checkpoint covers."}, func() float64 {
			return float64(b.log.Newest().Size)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lineaged_ledger_closed_timestamp_seconds", Help: "End of the newest period that is in the ledger; 0: none is."}, func() float64 {
			if t := b.log.Ends(); !t.IsZero() {
				return float64(t.UnixMilli()) / 1000
			}
			return 0
		}),
	}
}
