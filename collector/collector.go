// Package collector runs sources on the tick and hands what they observe to a sink.
//
// It knows nothing of Kafka: a source is anything that can look once and say what it saw. The package keeps the time:
// rounds lie on an aligned grid, a round has a deadline, rounds of one source never overlap, and a round that could not
// be taken is said as missing, not left out. It does not trust the machine's clock (see Clock). It refuses to keep what
// a sink did not acknowledge: after a failed append the source starts again from the last acknowledged positions. A
// source that panics is a gap of that source, and starts again the same way.
package collector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Sink takes observations. A store is one.
type Sink interface {
	// Append keeps the observations, all or none, durable and visible when it returns nil.
	Append(ctx context.Context, obs ...lineage.Observation) error
	// Positions returns the newest positions of a source.
	Positions(ctx context.Context, source lineage.Source) (map[string][]byte, error)
}

// Held is a sink that knows which rounds it holds, also of processes before this one.
type Held interface {
	// Newest returns the newest round of a source that is held; the zero time when there is none.
	Newest(source lineage.Source) time.Time
}

// Source looks at one cluster. Its methods are called by one goroutine at a time.
type Source interface {
	// Restore makes the source resume from what the sink holds. It is called before the first round and after every
	// failed append; what the source had learned since is to be forgotten.
	Restore(ctx context.Context, sink Sink) error
	// Observe takes the readings of one round and returns before ctx's deadline. What it could not see it says in the
	// observations' Missing: half an answer is an answer.
	Observe(ctx context.Context, round time.Time) []lineage.Observation
	// Missed says that a round could not be taken, and why.
	Missed(round time.Time, reason string) []lineage.Observation
}

// Stored is a source that wants to know when all that it has told is durable: what it tells once it then has told, and
// who waits for it may know.
type Stored interface {
	Stored()
}

// Runner says when a source is run.
type Runner struct {
	Interval time.Duration // the tick
	Clock    *Clock        // that all sources of the process share; nil: one of its own
	Log      *slog.Logger
	// Off is why nobody waits for the source: its silence is no gap, nor is what it misses. Empty: it is expected.
	Off string
}

// Run calls the source at every multiple of the interval since the Unix epoch until ctx ends, and returns ctx's error.
// A round has nine tenths of the interval. Rounds are strictly rising, whatever the machine's clock does.
func (o Runner) Run(ctx context.Context, source Source, sink Sink) error {
	r := o.runner(source, sink)
	for {
		round, err := r.next(ctx)
		if err != nil {
			return err
		}
		r.round(ctx, round.UTC())
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// ByHand returns what takes a round when it is called, for tests of sources: rounds are to rise.
func (o Runner) ByHand(source Source, sink Sink) func(ctx context.Context, round time.Time) {
	return o.runner(source, sink).round
}

func (o Runner) runner(source Source, sink Sink) *runner {
	if o.Clock == nil {
		o.Clock = NewClock(o.Interval, nil, nil, time.Time{}, o.Log)
	}
	return &runner{
		interval: o.Interval, clock: o.Clock, source: source, sink: sink, log: o.Log, off: o.Off,
		expected: map[lineage.Source]time.Duration{}, stored: map[lineage.Source]time.Time{},
	}
}

// next waits for the next round and returns it: the next multiple of the interval, after the newest round.
func (r *runner) next(ctx context.Context) (time.Time, error) {
	now := r.clock.Now()
	for {
		round := later(now.Truncate(r.interval), r.newest().Truncate(r.interval)).Add(r.interval)
		if err := sleep(ctx, min(round.Sub(now), r.interval)); err != nil {
			return round, err
		}
		// It may be too early, where the clock went back or has to pass the newest round first, and too late, where it
		// went ahead.
		if now = r.clock.Now(); !now.Before(round) && now.Sub(round) < r.interval {
			return round, nil
		}
	}
}

// newest returns the newest round that was taken or is held.
func (r *runner) newest() time.Time { return later(r.last, r.clock.floor) }

type runner struct {
	interval time.Duration
	clock    *Clock
	source   Source
	sink     Sink
	log      *slog.Logger
	off      string // why nobody waits for the source; empty: it is expected

	restored bool
	last     time.Time // the newest round that was taken or said to be missed; zero before the first
	shifts   int       // of the clock, up to then
	failing  bool      // the sink refused the last append

	expected map[lineage.Source]time.Duration // cadences of the sources that are told to be expected, or off
	telling  map[lineage.Source]time.Duration // those that this round tells, until it is stored
	stored   map[lineage.Source]time.Time     // newest rounds of this process that were stored
}

// round takes one round. Rounds that went by while an earlier one was still under way are said as missed first.
func (r *runner) round(ctx context.Context, round time.Time) {
	if !r.restored {
		if err := r.restore(ctx); err != nil {
			if ctx.Err() == nil {
				r.log.Error("source cannot resume", "error", err)
			}
			return
		}
		r.restored = true
	}
	obs := r.passed(round)
	seen, panicked := r.observe(ctx, round)
	if panicked != nil {
		r.restored = false // what it had learned may be half written
	}
	r.expect(seen)
	obs = append(obs, seen...)
	if ctx.Err() != nil {
		return // stopping: a round cut short would look like a lost broker
	}
	newest := r.claim(obs)
	r.date(round, obs)
	r.last = round
	if err := r.append(ctx, obs); err != nil {
		r.restored = false
		if !r.failing {
			r.log.Error("observations not stored; collecting goes on from the last stored round", "error", err)
		}
		r.failing = true
		return
	}
	maps.Copy(r.expected, r.telling)
	maps.Copy(r.stored, newest)
	if s, ok := r.source.(Stored); ok {
		s.Stored()
	}
	if r.failing {
		r.log.Info("observations are stored again")
	}
	r.failing = false
}

// expect tells of each source, once it was heard of, that its silence is a gap from then on, or is none since it is
// off, until that is stored.
func (r *runner) expect(obs []lineage.Observation) {
	r.telling = map[lineage.Source]time.Duration{}
	for i := range obs {
		o := &obs[i]
		if r.expected[o.Source] == o.Interval {
			continue
		}
		r.telling[o.Source] = o.Interval
		fact := lineage.SourceFact{State: lineage.SourceExpected, Interval: o.Interval}
		if r.off != "" {
			fact = lineage.SourceFact{State: lineage.SourceOff, Reason: r.off}
		}
		o.Facts = append(slices.Clone(o.Facts), lineage.Fact{
			Key: lineage.FactKey{Source: o.Source.Cluster, Kind: lineage.SourceFacts, Name: o.Source.Name}, Source: &fact,
		})
	}
}

// passed says of the rounds since the newest one that they were missed, and why.
func (r *runner) passed(round time.Time) (obs []lineage.Observation) {
	if r.last.IsZero() {
		return nil
	}
	// A machine that slept for a night has no use for thousands of missed rounds: the first that is said stands for
	// those before it.
	const most = 100
	reason := "the round before took longer than the interval"
	if why := r.clock.state().since(r.shifts).skipped(); why != "" {
		reason = why
	}
	first := r.last.Add(r.interval)
	earlier := time.Duration(0)
	if n := int(round.Sub(first) / r.interval); n > most {
		from := round.Add(-most * r.interval)
		first, earlier = from, from.Sub(first)
	}
	for m := first; m.Before(round); m = m.Add(r.interval) {
		missed := r.missed(m, reason)
		for i := range missed {
			missed[i].At = m // there was no reading
			missed[i].Interval += earlier
		}
		obs, earlier = append(obs, missed...), 0
	}
	return obs
}

// restore lets the source resume. Where what the sink holds makes it panic, it begins anew: it would panic for ever.
func (r *runner) restore(ctx context.Context) (err error) {
	if panicked := r.guard(func() { err = r.source.Restore(ctx, r.sink) }); panicked == nil {
		return err
	}
	r.log.Error("the stored positions are of no use; the source begins anew")
	if panicked := r.guard(func() { err = r.source.Restore(ctx, without{r.sink}) }); panicked != nil {
		return panicked
	}
	return err
}

// without is a sink that holds no positions.
type without struct{ Sink }

func (without) Positions(context.Context, lineage.Source) (map[string][]byte, error) { return nil, nil }

// observe takes the readings of one round. A source that panics has seen nothing, and the error says so.
func (r *runner) observe(ctx context.Context, round time.Time) (obs []lineage.Observation, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.interval*9/10)
	defer cancel()
	if err = r.guard(func() { obs = r.source.Observe(ctx, round) }); err != nil {
		obs = r.missed(round, err.Error())
	}
	return obs, err
}

// missed asks the source to say that a round could not be taken.
func (r *runner) missed(round time.Time, reason string) (obs []lineage.Observation) {
	_ = r.guard(func() { obs = r.source.Missed(round, reason) }) // it is in the log, and there is nothing else to say
	return obs
}

// guard calls f. A panic is an error, and its stack goes to the log.
func (r *runner) guard(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("lineaged itself failed here, which is a fault to report with its log: %v", p)
			r.log.Error("a source panicked; it is a gap and goes on from the last stored positions", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
	return nil
}

func (r *runner) append(ctx context.Context, obs []lineage.Observation) error {
	if err := r.sink.Append(ctx, obs...); err != nil {
		return fmt.Errorf("store a round of %d observations: %w", len(obs), err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
