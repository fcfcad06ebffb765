// Package logs is the source that follows the brokers' own logs: the request log and the authorizer log of one cluster,
// from files, or from a topic to which somebody ships them, and the audit topics of Confluent and Redpanda.
//
// Each round it reads what is new, and says who wrote and read which topic by those lines, which identities are one
// client's, and who was refused. It hides where the lines come from: that files are renamed, cut off, copied,
// compressed or gone (files.go), and partitions (topic.go). How far it has read is saved with what it says of it, so
// that no line is lost and none is counted twice, whenever lineaged ends.
//
// What it reads, holds and says in a round is bounded, and what was not read is counted and said. It refuses to take an
// authorization for a transfer, a line of long ago for a movement of now, and to keep or quote a line. It changes
// nothing, unless it is told to sample the request log (sample.go): whether the brokers write these logs is their
// operator's.
package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Names of the sources, as they stand in coverage and evidence.
const (
	SourceFiles = "log-files"
	SourceTopic = "log-topic"
	SourcePush  = "log-push"
	// AuditPrefix stands before the name of an audit topic.
	AuditPrefix = "audit:"
)

// AuditSource is the name of the source that follows an audit topic.
func AuditSource(topic string) string { return AuditPrefix + topic }

// LinesPerSecond is how many lines are read a second on average, where a line of more than 1 KiB counts as several:
// about 4 % of one processor (BenchmarkRound).
const LinesPerSecond = 20_000

// Config says where the logs of one watched cluster are: Files, or Topic, or nowhere, where they are sent (Push).
type Config struct {
	Name string // the source name of the watched cluster whose brokers write the logs
	// Files are globs of files on this machine; names that end in .gz are compressed.
	Files []string
	// Topic has lines as its records' values, or JSON whose field they are. Client makes clients of the cluster that it
	// is in, which is the watched one.
	Topic  string
	Client func(opts ...kgo.Opt) (*kgo.Client, error)
	// Audit: the topic is an audit topic of Confluent's or Redpanda's, and may be in another cluster. About is the name
	// that its records have for the watched one, where that is not its id, and Others those of others that are watched.
	Audit  bool
	About  string
	Others []string
	// Sample switches the request log on for a while now and then; nil: it is on, or is none.
	Sample *Sampler
	// Push: others send the lines, to a Desk.
	Push bool
	// NoRequests: the request log is off for good, and these are the authorizer's lines alone. Nobody waits for the
	// source then, and what the request log told is not observed any more. Lines of requests that come all the same are
	// passed, and it is said that they come.
	NoRequests bool
	// Wanted reports whether a topic is watched; nil: all are.
	Wanted func(topic string) bool

	Lines    int              // a second; 0: LinesPerSecond
	Silence  time.Duration    // for tests: after which nobody is taken to send lines
	Interval time.Duration    // the tick, at least 1 s
	Clock    *collector.Clock // that all sources share; nil: one of its own
	Board    *collector.Board
	Log      *slog.Logger
}

// Collector follows the logs of one cluster from one place.
type Collector struct {
	source *source
	inbox  *collector.Inbox[[]line] // nil: it is not sent lines
	sink   collector.Sink
}

// New makes a collector. It does not open or connect anything; an error says that the configuration is unusable.
func New(cfg Config, sink collector.Sink) (*Collector, error) {
	fail := func(format string, args ...any) (*Collector, error) {
		return nil, fmt.Errorf("logs of cluster %q: %w", cfg.Name, fmt.Errorf(format, args...))
	}
	switch {
	case cfg.Name == "":
		return nil, errors.New("logs: the cluster's name is empty")
	case one(len(cfg.Files) > 0, cfg.Topic != "", cfg.Push) != 1:
		return fail("files, a topic or a push are needed, one of them")
	case cfg.NoRequests && (cfg.Audit || cfg.Sample != nil):
		return fail("an audit topic, and a request log that is sampled, have no request log that is off")
	case cfg.Topic != "" && cfg.Client == nil:
		return fail("no client")
	case cfg.Interval < time.Second:
		return fail("interval %s is less than a second", cfg.Interval)
	}
	if err := checkGlobs(cfg.Files); err != nil {
		return fail("%w", err)
	}
	if cfg.Lines <= 0 {
		cfg.Lines = LinesPerSecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	c := &Collector{source: newSource(cfg), sink: sink}
	if cfg.Push {
		c.inbox = collector.NewInbox[[]line](pusher{c.source}, c.source.tell, maxWaiting)
	}
	return c, nil
}

// one counts what is true.
func one(of ...bool) (n int) {
	for _, is := range of {
		if is {
			n++
		}
	}
	return n
}

// Run follows the logs until ctx ends and then returns nil. What can't be read is no error: it is said as missing, and
// tried again at the next tick.
func (c *Collector) Run(ctx context.Context) error {
	defer c.source.input.close()
	cfg, from := c.source.cfg, collector.Source(c.source)
	if c.inbox != nil {
		from = c.inbox
	}
	if err := runnerOf(cfg).Run(ctx, from, c.sink); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow the logs of cluster %q: %w", cfg.Name, err)
	}
	return nil
}

// runnerOf is what takes the source's rounds.
func runnerOf(cfg Config) collector.Runner {
	r := collector.Runner{Interval: cfg.Interval, Clock: cfg.Clock, Log: cfg.Log}
	if cfg.NoRequests {
		r.Off = whyNoRequests
	}
	return r
}

// id is the source's name in observations.
func (s *source) id() lineage.Source { return lineage.Source{Cluster: s.cfg.Name, Name: s.name} }
