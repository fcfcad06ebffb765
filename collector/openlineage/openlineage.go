// Package openlineage is the source that hears jobs tell of themselves, by OpenLineage events: which datasets a run of
// a job reads and writes.
//
// An event is in a journal on disk before its sender hears that it was taken, and with the next round a part of what is
// observed. What a run reads and writes is put together from all of its events, in whatever order they come: no event's
// inputs are joined with its outputs alone. It hides how clusters are spelled, when a run that says no more
// is taken to have ended, and what comes twice. It refuses to say that records moved where nobody says so, to count
// any, and to keep more of an event than names and times (internal/runevent). See docs/adr/0046-openlineage-in.md.
package openlineage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

// Name is the Cluster part of the source, and Part its name: events are of no cluster.
const (
	Name = "openlineage"
	Part = "events"
)

const (
	// DefaultTimeToLive is for how long a run that says no more is taken to go on, where it did not say how often it
	// would. Flink in detached mode says nothing after its start; a day is longer than nearly all batch jobs run.
	DefaultTimeToLive = 24 * time.Hour
	// maxRuns is how many runs are kept: an event that comes late, or twice, changes nothing while its run is.
	maxRuns = 20_000
	// maxEdges is how many datasets all runs together may name, with what datasets say of themselves.
	maxEdges     = 400_000
	tooManyEdges = "runs name more datasets than are kept"
	// keepEnded is for how long a run is kept that is over.
	keepEnded = 24 * time.Hour
	// lateAfter is how old an event is at least, when it comes, that says nothing of what moves now. dbt tells of a run
	// once that is over.
	lateAfter = 10 * time.Minute
)

// Config says what a Collector needs.
type Config struct {
	Folder   string        // where the journal is
	Interval time.Duration // the tick, at least 1 s
	Clock    *collector.Clock
	Board    *collector.Board
	// TimeToLive is for how long a run that says no more goes on. 0: DefaultTimeToLive.
	TimeToLive time.Duration
	// Topics are read besides.
	Topics []Topic
	// MaxRuns is for tests; 0: what the constant above says.
	MaxRuns int
	Log     *slog.Logger
}

// Collector makes observations of events.
type Collector struct {
	cfg     Config
	journal *journal
	source  *source
	sink    collector.Sink
}

// New opens the journal. What in it was taken and is not observed yet is observed first.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	if cfg.Interval < time.Second {
		return nil, fmt.Errorf("openlineage: interval %s is less than a second", cfg.Interval)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.TimeToLive <= 0 {
		cfg.TimeToLive = DefaultTimeToLive
	}
	if cfg.MaxRuns == 0 {
		cfg.MaxRuns = maxRuns
	}
	now := time.Now
	if cfg.Clock != nil { // which may know better than the machine's
		now = cfg.Clock.Now
	}
	j, err := openJournal(cfg.Folder, now)
	if err != nil {
		return nil, fmt.Errorf("openlineage: %w", err)
	}
	cfg.Log = cfg.Log.With("source", Name)
	if j.damaged > 0 {
		cfg.Log.Error("events in the journal are damaged; the others hold", "events", j.damaged)
	}
	c := &Collector{cfg: cfg, journal: j, source: newSource(cfg, j, collector.NewTeller(Name, cfg.Log)), sink: sink}
	for _, t := range cfg.Topics {
		c.source.readers = append(c.source.readers, &reader{Topic: t, journal: j, refused: c.Refused})
	}
	return c, nil
}

// Run makes observations until ctx ends and then returns nil. The journal is closed then.
func (c *Collector) Run(ctx context.Context) error {
	known, err := stored(ctx, c.sink)
	if ctx.Err() != nil {
		return c.journal.close()
	} else if err != nil {
		return errors.Join(err, c.journal.close())
	}
	var reading sync.WaitGroup
	reads, stop := context.WithCancel(ctx)
	for _, x := range c.source.readers {
		x.begin(known)
		reading.Go(func() { x.run(reads, c.cfg.Interval) })
	}
	err = collector.Runner{Interval: c.cfg.Interval, Clock: c.cfg.Clock, Log: c.cfg.Log}.Run(ctx, c.source, c.sink)
	if ctx.Err() != nil {
		err = nil
	} else if err != nil {
		err = fmt.Errorf("take in OpenLineage events: %w", err)
	}
	stop()
	reading.Wait()
	return errors.Join(err, c.journal.close())
}

// Take returns nil once events are durable. ErrFull says that there is no room, and they are to be sent again. It may
// be called by any goroutine.
func (c *Collector) Take(ctx context.Context, events []runevent.Event) error {
	return c.journal.append(ctx, events)
}

// Refused notes that an event came that is of no use, and why. It may be called by any goroutine.
func (c *Collector) Refused(l deadletter.Letter) {
	l.At = c.journal.now().UTC()
	why := l.Reason()
	if l.Topic != "" {
		why = "of topic " + l.Topic + ": " + why
	}
	c.source.refused.add(why, l.At)
	if err := c.source.letters.Add(l); err != nil {
		c.cfg.Log.Warn("a dead letter is not kept", "reason", why, "error", err)
	}
}

func (s *source) id() lineage.Source { return lineage.Source{Cluster: Name, Name: Part} }
