// Package closing says at the end of each period what was used in it, by the answers of a view of it, and has that
// written into the ledger; and later says what has turned out to be otherwise.
//
// It decides when a period is closed and what is said of it. How that is kept so that it can't be changed is ledger's.
package closing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/usage"
)

const (
	// Wait is how long after its end a period is closed: what comes within it is not late.
	Wait = 2 * time.Minute
	// Amendable is for how long after its end a period may be amended.
	Amendable = 48 * time.Hour
	// before is how far the first period of a new ledger may lie back: what is held of it already was not written down
	// at its time, and Closed says so.
	before = 24 * time.Hour
	// lookEvery is how often it is looked at what can be closed or is to be amended, and looks how many accounts of
	// periods are compared anew each time.
	lookEvery = 10 * time.Second
	looks     = 4
)

// Options are what a Closer needs.
type Options struct {
	Answers *answer.Answers
	Log     *ledger.Log
	Length  time.Duration    // of a period; it divides a day
	Now     func() time.Time // the clock of the rounds
	Program string           // version of lineaged
	// Sources return what names and owners are given by, by what it is: rules, declarations.
	Sources func() map[string][]byte
	// Breakers return the rules by which tags do not go on, in their order; nil: there are none.
	Breakers func() []ledger.BreakerRule
	// Edits are what people said of nodes, each of which is written down once; nil: nobody can.
	Edits EditLog
	// Retention is for how long after their end periods are held; 0: for ever. Needed returns the least entry that
	// somebody may still ask the ledger to go on from; nil: nobody does.
	Retention time.Duration
	Needed    func() int64
	// Bills tell what was used in a time; nil: no month has a statement.
	Bills func(ctx context.Context, start, end time.Time) (*usage.Bill, error)
	// Refused says why nothing may be written, as that others hold another history; nil: it may. It may be nil itself.
	Refused func() error
	Logger  *slog.Logger
}

// Closer closes periods.
type Closer struct {
	Options
	known  map[time.Time]uint64 // by start of a period: of which version of the data its account is
	pruned time.Time            // when it was last looked at what goes
	said   accounts
	ails   atomic.Pointer[string]
	// stated is the newest month that is known to have a statement; nil: that was not looked for, or none has.
	stated *ledger.Period
	// nothingOf is a month that ended before the ledger began.
	nothingOf ledger.Period
}

// New makes a closer. Run starts it.
func New(o Options) *Closer {
	return &Closer{Options: o, known: map[time.Time]uint64{}}
}

// Trouble says why nothing is closed; empty: all that can be is.
func (c *Closer) Trouble() string {
	if s := c.ails.Load(); s != nil {
		return *s
	}
	return ""
}

// Note has the next batch say when names and owners came to be given by something else, and what that was in between,
// if it is something else now.
func (c *Closer) Note() error {
	if c.refuses() {
		return nil
	}
	return c.Log.Note(c.Now(), c.digests())
}

// refuses reports whether nothing may be written now.
func (c *Closer) refuses() bool { return c.Refused != nil && c.Refused() != nil }

// Run closes what can be closed until ctx ends. What fails is said once, and tried again.
func (c *Closer) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := c.Step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if c.ails.Swap(nil) != nil {
				c.Logger.Info("the ledger is written again")
			}
		default:
			text := "the ledger is not written: " + err.Error()
			if is := c.ails.Swap(&text); is == nil || *is != text {
				c.Logger.Error("the ledger is not written; it is tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Step closes each period that can be closed, the oldest first, and then amends some of those of which the data has
// changed.
func (c *Closer) Step(ctx context.Context) error {
	for {
		next, ok, err := c.next(ctx)
		if err == nil && c.Refused != nil {
			err = c.Refused()
		}
		if err != nil || !ok {
			if err == nil {
				err = c.amend(ctx)
			}
			if err == nil {
				err = c.prune()
			}
			return err
		}
		if err := c.close(ctx, next); err != nil {
			return fmt.Errorf("close %s: %w", text(next), err)
		}
	}
}

func text(p ledger.Period) string {
	return p.Start.Format(time.RFC3339) + " to " + p.End.Format(time.RFC3339)
}

// next returns the period that is to be closed next; false: none can be yet.
func (c *Closer) next(ctx context.Context) (ledger.Period, bool, error) {
	if err := c.Log.Publish(); err != nil {
		return ledger.Period{}, false, err
	}
	start := c.Log.Ends()
	if start.IsZero() {
		held, err := c.Answers.HeldSince(ctx)
		if err != nil || held.IsZero() {
			return ledger.Period{}, false, err
		}
		start = held.UTC().Truncate(c.Length)
		if oldest := c.Now().UTC().Truncate(c.Length).Add(-before); start.Before(oldest) {
			start = oldest
		}
	}
	// After a change of length the first period goes to where the others begin.
	p := ledger.Period{Start: ledger.At(start), End: ledger.At(start.Truncate(c.Length).Add(c.Length))}
	return p, !c.Now().Before(p.End.Add(Wait)), nil
}

// close says what was used in a period.
func (c *Closer) close(ctx context.Context, p ledger.Period) error {
	v, version, err := c.view(ctx, p)
	if err != nil {
		return err
	}
	b := ledger.Batch{Period: p, Closed: c.Now(), Final: p.End.Add(Amendable), Program: c.Program, Sources: c.digests()}
	if b.Usage, err = usageOf(ctx, v); err != nil {
		return err
	}
	if b.Administered, err = administered(ctx, v); err != nil {
		return err
	}
	if b.Coverage, err = c.coverageOf(ctx, v, b.Administered); err != nil {
		return err
	}
	if err := c.takeEdits(&b); err != nil {
		return err
	}
	b.Breakers = c.breakers()
	if b.Statement, err = c.statement(ctx); err != nil {
		return err
	}
	if _, err := c.Log.Append(b); err != nil {
		return err
	}
	if b.Statement != nil {
		c.stated = &b.Statement.Month
		c.Logger.Info("a month's statement is sealed in the ledger", "month", b.Statement.Month.Start.Format("2006-01"), "lines", len(b.Statement.Lines))
	}
	c.known[p.Start.Time] = version
	c.Logger.Debug("a period is in the ledger", "start", p.Start.Time, "end", p.End.Time, "records", len(b.Usage))
	return c.Log.Publish()
}

// view returns what is known of a period, and of which version of the data that is.
func (c *Closer) view(ctx context.Context, p ledger.Period) (*answer.View, uint64, error) {
	in := answer.Between(p.Start.Time, p.End.Time)
	// The version first: what comes between the two is seen again at the next look.
	m, err := c.Answers.Moment(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	v, err := c.Answers.View(ctx, in, answer.All)
	return v, uint64(m.Data), err
}

// accounts are those of the periods that may be amended, as the ledger had them at a size: they are looked for anew
// only once it has grown.
type accounts struct {
	size    int64 // 0: they were not looked for yet
	periods []ledger.Period
	read    func(ledger.Period) (*ledger.Account, error)
}

func (a *accounts) of(l *ledger.Log, oldest time.Time) (err error) {
	if size := l.Published().Size; size != a.size || size == 0 {
		a.periods, a.read, err = l.Reader().Accounts(oldest)
		if a.size = size; err != nil {
			a.size = 0
		}
	}
	return err
}

// amend looks at some of the periods that may be amended, and says what has turned out to be otherwise.
func (c *Closer) amend(ctx context.Context) error {
	now := c.Now()
	oldest := now.Add(-Amendable)
	if err := c.said.of(c.Log, oldest); err != nil {
		return err
	}
	for start := range c.known {
		if start.Before(oldest.Add(-before)) {
			delete(c.known, start)
		}
	}
	left := looks
	for _, p := range slices.Backward(c.said.periods) {
		if !p.End.After(oldest) {
			break
		}
		if now.Before(p.End.Add(Wait)) {
			continue // a clock that was ahead had it closed before its end
		}
		m, err := c.Answers.Moment(ctx, answer.Between(p.Start.Time, p.End.Time))
		if err != nil {
			return err
		}
		if known, ok := c.known[p.Start.Time]; ok && known == uint64(m.Data) {
			continue
		}
		if left--; left < 0 {
			return nil
		}
		is, err := c.said.read(p)
		if err != nil {
			return err
		}
		if !now.Before(is.Final) {
			continue
		}
		if err := c.compare(ctx, is); err != nil {
			return fmt.Errorf("amend %s: %w", text(p), err)
		}
	}
	return nil
}

// pruneEvery is how often it is looked at what is held for long enough.
const pruneEvery = 6 * time.Hour

// prune removes what is held for longer than it is to be.
func (c *Closer) prune() error {
	now := c.Now()
	if c.Retention == 0 || now.Sub(c.pruned).Abs() < pruneEvery {
		return nil
	}
	needed := c.Log.Published().Size
	if c.Needed != nil {
		needed = min(needed, c.Needed())
	}
	n, err := c.Log.Prune(now.Add(-c.Retention), needed)
	if err != nil {
		return err
	}
	if c.pruned = now; n > 0 {
		c.Logger.Info("entries of the ledger that were held for long enough are removed", "entries", n, "minimum", c.Log.Minimum())
	}
	return nil
}

// compare says what is otherwise than an account has it. A period that can't be asked any more is left as it is.
func (c *Closer) compare(ctx context.Context, is *ledger.Account) error {
	v, version, err := c.view(ctx, is.Period)
	if refused, ok := errors.AsType[*answer.RefusedError](err); ok {
		c.Logger.Debug("a period can't be compared any more", "start", is.Period.Start.Time, "why", refused.Error())
		c.known[is.Period.Start.Time] = version
		return nil
	}
	if err != nil {
		return err
	}
	now, err := usageOf(ctx, v)
	if err != nil {
		return err
	}
	told, err := administered(ctx, v)
	if err != nil {
		return err
	}
	covered, err := c.coverageOf(ctx, v, told)
	if err != nil {
		return err
	}
	d := differ(is, now, covered)
	late, err := c.administeredSince(told, is.Period)
	if err != nil {
		return err
	}
	b := ledger.Batch{
		Period: is.Period, Amendment: true, Closed: c.Now(), Final: is.Final, Program: c.Program, Sources: c.digests(),
		Usage: d.usage, Withdrawals: d.gone, Coverage: d.coverage, Administered: late,
	}
	if len(b.Administered)+len(b.Usage)+len(b.Withdrawals)+len(b.Coverage) > 0 {
		if err := c.takeEdits(&b); err != nil {
			return err
		}
		b.Breakers = c.breakers()
		_, err := c.Log.Append(b)
		if errors.Is(err, ledger.ErrFinal) { // what is late for that is in the store alone
			c.Logger.Info("a period can't be amended any more", "start", is.Period.Start.Time, "why", err)
			c.known[is.Period.Start.Time] = version
			return nil
		}
		if err != nil {
			return err
		}
		c.Logger.Info("a period is amended in the ledger", "start", is.Period.Start.Time, "records", len(b.Usage), "withdrawn", len(b.Withdrawals))
	}
	c.known[is.Period.Start.Time] = version
	return c.Log.Publish()
}
