package timeseries

import (
	"context"
	"time"
)

// Cost is what a store holds, by what for, in bytes; and what a year would come to. What a day takes is read from the
// newest blocks and the time in them that was observed, so that neither the first hour nor an outage makes it less.
type Cost struct {
	// Measured is the observed time in the raw blocks that the load is read from, a day at most.
	Measured time.Duration
	// Series is how many had samples in an hour of it, on the mean. 0: not known.
	Series float64
	Tiers  [tiers]TierCost
	// State is the saved state and the log, which are of what is alive and open; Silent are the files of who was put
	// away, and the rosters of these.
	State, Silent int64
	Year          YearCost
}

// TierCost is what one resolution takes.
type TierCost struct {
	Step, Keep time.Duration
	Bytes      int64
	// PerDay is what a day of the load takes, in bytes; 0: nothing of it is sealed yet.
	PerDay float64
}

// YearCost is what would be held after a year of the same load, at its fullest: blocks are dropped whole, and not
// before the next tier holds what is in them.
type YearCost struct {
	Bytes int64
	// OK is false before an hour of the load is sealed: from less nothing can be said.
	OK bool
	// AtMost: a tier of which nothing is sealed yet is taken to be as large as the one before it, and who was seen for
	// the first time of late to fall silent again.
	AtMost bool
}

const (
	year = 365 * day
	// leastMeasured is the least of the load that anything is concluded from.
	leastMeasured = time.Hour
)

// costBlocks is how many of a tier's blocks are looked at: a day, a week and a month.
var costBlocks = [tiers]int{24, 7, 3}

// Cost implements Store.
func (e *engine) Cost(ctx context.Context) (Cost, error) {
	v, err := e.viewTicks(ctx, 0, 0, nil) // so that Close waits
	if err != nil {
		return Cost{}, err
	}
	defer v.end()
	e.mu.RLock()
	all, dead, generation := e.tiers, e.dead, e.generation
	people, came, rosters := e.subjects.live, e.came(), e.rosters
	e.mu.RUnlock()

	state := e.vault.weigh(stateOf(generation))
	c := Cost{State: state + e.journal.size()}
	for t, keep := range [tiers]time.Duration{e.retention.Raw, e.retention.Minute, e.retention.Hour} {
		x := &c.Tiers[t]
		x.Step, x.Keep = e.duration(e.stepTicks[t]), keep
		for _, b := range all[t].blocks {
			x.Bytes += e.vault.weigh(b.file())
		}
		l, err := e.measure(ctx, all[t].blocks[max(len(all[t].blocks)-costBlocks[t], 0):])
		if err != nil {
			return Cost{}, err
		}
		if x.PerDay = l.perDay; t == rawTier {
			c.Measured, c.Series = l.observed, l.series
		}
	}
	for _, d := range dead {
		c.Silent += e.vault.weigh(d.file())
	}
	files := c.Silent
	for _, x := range rosters {
		c.Silent += e.vault.weigh(x.file())
	}
	if c.Measured >= leastMeasured {
		c.Year = e.yearOf(&c)
		silent, known := e.silentPerDay(dead)
		if files > 0 { // rosters are of all of them
			silent *= float64(c.Silent) / float64(files)
		}
		if !known {
			silent = came * float64(state) / float64(max(people, 1))
			c.Year.AtMost = c.Year.AtMost || silent > 0
		}
		c.Year.Bytes += int64(silent * daysOf(min(e.retention.Hour+e.duration(e.blockTicks[hourTier]), year)))
	}
	return c, nil
}

// tierLoad is what some blocks of one tier say of it.
type tierLoad struct {
	observed time.Duration
	perDay   float64 // bytes
	series   float64 // of a block, on the mean
}

func (e *engine) measure(ctx context.Context, blocks []*block) (l tierLoad, err error) {
	ticks, bytes := int64(0), int64(0)
	for _, b := range blocks {
		if err := ctx.Err(); err != nil {
			return l, err
		}
		n, err := e.observedIn(b)
		if damaged(err) {
			continue
		}
		if err != nil {
			return l, err
		}
		ticks, bytes, l.series = ticks+n, bytes+e.vault.weigh(b.file()), l.series+float64(b.meta.series)*float64(n)
	}
	if ticks > 0 {
		l.observed, l.series = e.duration(ticks), l.series/float64(ticks)
		l.perDay = float64(bytes) / daysOf(l.observed)
	}
	return l, nil
}

// observedIn returns how many ticks of a block the source saw that saw most of it.
func (e *engine) observedIn(b *block) (most int64, err error) {
	all, err := e.blockRounds(b)
	for _, s := range all {
		n, end := int64(0), b.meta.start
		for _, r := range s.rounds {
			if r.miss == nil || !r.miss.all {
				n += max(r.tick-max(r.start(), end), 0)
			}
			end = max(end, r.tick)
		}
		most = max(most, n)
	}
	return most, err
}

// yearOf returns what the blocks, the state and the log come to in a year.
func (e *engine) yearOf(c *Cost) YearCost {
	y := YearCost{Bytes: c.State, OK: true}
	perDay := 0.0
	for t := range c.Tiers {
		x := &c.Tiers[t]
		if x.PerDay > 0 {
			perDay = x.PerDay
		} else {
			y.AtMost = true
		}
		held := x.Keep + e.duration(e.blockTicks[t])
		if t < hourTier {
			held = max(held, e.duration(e.blockTicks[t+1]+e.sealTicks+e.stepTicks[hourTier]))
		}
		y.Bytes += int64(perDay * daysOf(min(held, year)))
	}
	return y
}

// silentPerDay returns what the files of who was put away take of a day, over the last month. known is false while
// there are less than two: nothing says how long the first is of.
func (e *engine) silentPerDay(dead []*deadFile) (bytes float64, known bool) {
	if len(dead) < 2 {
		return 0, false
	}
	last := dead[len(dead)-1].number
	since := last
	for i := len(dead) - 2; i >= 0 && last-dead[i].number <= int64(30*day/e.step); i-- {
		bytes += float64(e.vault.weigh(dead[i+1].file()))
		since = dead[i].number
	}
	if since == last {
		return 0, false
	}
	return bytes / daysOf(e.duration(last-since)), true
}

// came returns how many of a day were seen for the first time, but for those of the first hour, who were there before.
// It needs mu.
func (e *engine) came() float64 {
	from := e.floor(e.earliest()) + int64(time.Hour/e.step)
	n := 0
	for s := range e.subjects.all() {
		if s.first != never && s.first > from {
			n++
		}
	}
	return float64(n) / max(daysOf(e.duration(e.newest()-from)), daysOf(time.Hour))
}

func daysOf(d time.Duration) float64 { return float64(d) / float64(day) }
