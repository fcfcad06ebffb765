package collector

import (
	"fmt"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file dates what a source has observed where the machine's clock did not go as time passes.

// since leaves those of the shifts that came after the first n.
func (s clockState) since(n int) clockState {
	s.shifts = s.shifts[max(0, len(s.shifts)-(s.count-n)):]
	return s
}

// skipped returns why there are instants that never were; empty: the clock did not go ahead.
func (s clockState) skipped() (why string) {
	for _, x := range s.shifts {
		if x.By > 0 {
			why = x.reason()
		}
	}
	return why
}

// date brings a round's observations onto the clock by which rounds are dated. What advanced is spread over the time
// that really passed: an instant before the clock went ahead is as much nearer to the round.
func (r *runner) date(round time.Time, obs []lineage.Observation) {
	s := r.clock.state()
	r.shifts = s.count
	for i := len(s.shifts) - 1; i >= 0 && !s.shifts[i].From.Before(round); i-- {
		r.shifts-- // it came while the round was under way: the next one passes it
	}
	for i := range obs {
		o := &obs[i]
		if s.skew.Abs() > r.interval/driftShare && !o.At.IsZero() {
			o.At = o.At.Add(s.skew)
		}
		if d := o.At.Sub(o.Round); len(s.shifts) > 0 && d.Abs() > r.interval && !o.At.IsZero() {
			o.At = o.Round // the clock jumped within the round
		}
		for _, x := range s.shifts {
			redate(o, x)
		}
	}
	if s.doubt != "" && len(obs) > 0 && obs[len(obs)-1].Round.Equal(round) {
		o := &obs[len(obs)-1]
		o.Missing = append(o.Missing, lineage.Missing{Reason: s.doubt})
	}
}

// redate applies one shift to what reaches back over it. The tick in which the clock jumped is a gap of its own: it
// stands for another time than it shows.
func redate(o *lineage.Observation, x Shift) {
	to := x.From // from where on the clock goes as time passes
	if x.By > 0 {
		to = x.From.Add(x.By)
	}
	over := o.Round.After(to) && !o.Round.Add(-o.Interval).After(to)
	for i := range o.Samples {
		s := &o.Samples[i]
		switch {
		case s.Since.IsZero() || s.Since.After(x.From) || !o.Round.After(x.From):
		case x.By < 0:
			s.Estimated = true
		case over:
			s.Since = time.Time{}
		default:
			s.Since = s.Since.Add(x.By)
		}
	}
	if over {
		o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: x.reason()})
	}
}

// reason says why the tick of the shift is a gap.
func (x Shift) reason() string {
	if x.By < 0 {
		return fmt.Sprintf("the machine's clock was set back by %s: what this tick counts took as much longer", -x.By.Round(time.Second))
	}
	return fmt.Sprintf("the machine's clock was set ahead by %s: this time has never been", x.By.Round(time.Second))
}
