package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// input is where lines come from. One goroutine at a time.
type input interface {
	// restore makes it go on from stored positions, where it is told to leave those that can't be read. first: nothing
	// was ever stored. What it had read since is read again.
	restore(positions map[string][]byte, first bool, leave func(key string, err error))
	// read reads what is new within a budget, and gives it line by line. What it could not read it says.
	read(ctx context.Context, round time.Time, b *budget, each func(line []byte, at when)) result
	// save returns the positions that changed.
	save() []lineage.Position
	close()
}

// result is what became of a round's reading.
type result struct {
	err error // nothing could be read
	// missing are parts that could not be read, in words; gone: what was lost with them will not be read.
	missing []string
	share   float64 // of the scope, that they are
	spots   []lineage.BlindSpot
}

// when is what is known of when a line was written, besides its own words.
type when struct {
	at time.Time // zero: not known
	// zone is by how much a time without a zone is ahead of UTC, where that is known.
	zone  time.Duration
	zoned bool
	// live: it was written since the round before, as far as its place tells.
	live bool
}

// budget is what may still be read in a round, in lines.
type budget struct{ left int }

// spend takes a line's cost.
func (b *budget) spend(bytes int) { b.left -= 1 + bytes>>10 }

// spent reports whether nothing may be read any more.
func (b *budget) spent() bool { return b.left <= 0 }

// source is the state between rounds of the logs of one cluster. One goroutine at a time.
type source struct {
	cfg    Config
	name   string
	input  input
	digest *digest
	tell   *collector.Teller
	flows  *collector.Flows // which begin and end
	saved  bool             // that it has begun
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, name: SourceFiles, tell: collector.NewTeller(cfg.Name, cfg.Log), digest: newDigest(cfg)}
	switch {
	case cfg.Push:
		silence := cmp.Or(cfg.Silence, pushSilence)
		if cfg.Sample != nil {
			silence = max(silence, 2*cfg.Sample.cfg.Every)
		}
		s.name, s.input = SourcePush, &pushed{silence: silence}
	case cfg.Topic != "":
		s.name, s.input = SourceTopic, newTopicInput(cfg)
		if cfg.Audit {
			s.name = AuditSource(cfg.Topic)
		}
	default:
		s.input = newFiles(cfg.Files, int64(cfg.Lines)<<10)
	}
	s.cfg.Log = cfg.Log.With("source", s.name)
	s.flows = collector.NewFlows(s.tell, cfg.Interval, nil)
	return s
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.tell.Restore()
	s.digest.forget()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(), err)
	}
	s.saved = len(positions) > 0
	s.flows.Restore(positions)
	s.digest.restore(positions, s.tell.Leave)
	s.input.restore(positions, !s.saved, s.tell.Leave)
	return nil
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := s.tell.Take(round)
	if !s.observe(ctx, t) {
		return nil // told to stop: what was read is read again
	}
	return t.Finish(ctx)
}

// observe takes in what is new. It returns false where it was told to stop meanwhile.
func (s *source) observe(ctx context.Context, t *collector.Take) bool {
	round, o := t.Round, t.Observe(s.name, s.cfg.Interval)
	w, ok := s.board(ctx)
	if !ok { // nothing was lost: its own source says why it does not see the cluster
		t.Untold(o)
		collector.MissAll(o, "the cluster is not known yet, and what its logs say waits in them")
		return true
	}
	d := s.digest
	d.begin(round, w)
	b := &budget{left: int(float64(s.cfg.Lines) * s.cfg.Interval.Seconds())}
	got := s.input.read(ctx, round, b, d.line)
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	if len(got.missing) > 0 || got.err != nil {
		d.claims.lose()
	}
	d.behind = b.spent() || len(got.missing) > 0 || got.err != nil
	d.end(o)
	switch {
	case s.cfg.NoRequests: // nobody waits for what is missing, so that it is said as what can't be seen
		t.MissMeant(o, whyNoRequests)
		got.spots = slices.Concat(got.spots, unread(got))
		got.missing = nil
	case got.err != nil:
		collector.MissAll(o, got.err.Error())
	case d.sampled:
		t.MissMeant(o, s.cfg.Sample.words())
	}
	for _, why := range got.missing {
		o.Missing = append(o.Missing, lineage.Missing{Reason: why, Share: got.share})
	}
	t.Blind(o, slices.Concat(d.spots(), got.spots, s.cfg.Sample.spots()))
	s.savePositions(t, o)
	for local, at := range d.locals {
		if at.Equal(round) {
			s.flows.Hear(local, round, max(silentFor, 3*s.cfg.Interval))
		}
	}
	s.flows.Tell(o)
	return true
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := s.tell.Take(round)
	collector.MissAll(t.Observe(s.name, s.cfg.Interval), reason)
	return t.Finish(context.Background())
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// board returns the cluster. At the start its own source needs a moment to see it.
func (s *source) board(ctx context.Context) (collector.Watched, bool) {
	wait := time.Now().Add(s.cfg.Interval / 2)
	for {
		w, ok := s.cfg.Board.Cluster(s.cfg.Name)
		if ok || ctx.Err() != nil || time.Now().After(wait) {
			return w, ok
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var (
	_ collector.Source = (*source)(nil)
	_ collector.Stored = (*source)(nil)
)
