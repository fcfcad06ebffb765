package collector

import "time"

// Cadences say which slow parts of a source are due. The zero value is ready: all are due at first, and go on by their
// own lengths from then.
type Cadences struct {
	last map[string]time.Time // newest round in which a part was due
	owed map[string]bool      // whose last round could not be taken
}

// Cadence is how often a slow part is read.
type Cadence struct {
	Part  string
	Every time.Duration
}

// Due reports whether a part is to run in this round, and notes that it does.
func (c *Cadences) Due(round time.Time, part string, every time.Duration) bool {
	if last, ok := c.last[part]; ok && !c.owed[part] && round.Sub(last) < every {
		return false
	}
	c.Ran(round, part)
	return true
}

// Ran notes that a part has run.
func (c *Cadences) Ran(round time.Time, part string) {
	if c.last == nil {
		c.last, c.owed = map[string]time.Time{}, map[string]bool{}
	}
	c.last[part] = round
	delete(c.owed, part)
}

// Owe notes of a part that is due that it could not run, and reports whether it was due: then coverage wants the
// reason. It stays due: the next round that can runs it.
func (c *Cadences) Owe(round time.Time, part string, every time.Duration) bool {
	if last, ok := c.last[part]; ok && !c.owed[part] && round.Sub(last) < every {
		return false
	}
	c.Ran(round, part)
	c.owed[part] = true
	return true
}

// Whole returns a cadence rounded up to a multiple of the tick.
func Whole(every, tick time.Duration) time.Duration {
	if rest := every % tick; rest != 0 {
		every += tick - rest
	}
	return max(every, tick)
}

// Soon makes a part due in the next round that can run it.
func (c *Cadences) Soon(part string) {
	if c.last == nil {
		c.last, c.owed = map[string]time.Time{}, map[string]bool{}
	}
	c.owed[part] = true
}

// Waits returns for how long a part has not run; more than any cadence where it is due anyway.
func (c *Cadences) Waits(round time.Time, part string) time.Duration {
	if c.owed[part] {
		return forever
	}
	return round.Sub(c.last[part])
}

const forever = time.Duration(1<<63 - 1)
