package answer

import (
	"fmt"
	"math"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file shares out what several connectors have done together: two Connect clusters with a sink of one name read
// with one group, and Kafka counts what the group read.

// slice is the part (from, to] of what an access is, from 0 to 1, that is its node's; the zero slice is all of it.
type slice struct{ from, to float64 }

// share returns how much of the whole it is.
func (s slice) share() float64 {
	if s == (slice{}) {
		return 1
	}
	return s.to - s.from
}

// of returns its part of n, so that all parts add up to n.
func (s slice) of(n int64) int64 {
	if s == (slice{}) {
		return n
	}
	return int64(math.Floor(float64(n)*s.to)) - int64(math.Floor(float64(n)*s.from))
}

// ofAmount is of for what may hold parts of a record.
func (s slice) ofAmount(total float64) float64 {
	if n := int64(total); float64(n) == total {
		return float64(s.of(n))
	}
	return total * s.share()
}

// part returns its part of an amount, which is no measurement then.
func (s slice) part(a lineage.Amount) lineage.Amount {
	a.Estimated = a.Estimated || a.Total > 0
	a.Total = s.ofAmount(a.Total)
	a.Observed *= s.share()
	a.Shared *= s.share()
	a.Within *= s.share()
	a.Told *= s.share()
	return a
}

// shareOut gives each of the connectors that have an access together its part, by their running tasks and for how long
// of the window they were there. One that was surely told not to run in all of the window has none.
func (v *View) shareOut() {
	n := len(v.accesses)
	for i := range n {
		if x := &v.accesses[i]; x.crowded && x.amount.Total > 0 || x.Access.Op == lineage.Write && x.amount.Pending {
			// of what a writer wrote last a part may not be given to it yet
			x.amount.Estimated = true
		}
		if len(v.accesses[i].sharers) == 0 {
			continue
		}
		all, weights, sum := v.weights(v.accesses[i].sharers)
		whole, before := v.accesses[i], 0.0
		for j, node := range all {
			x := whole
			x.as(node, "Kafka Connect")
			if len(all) == 1 {
				x.sharers = nil
			} else {
				x.slice = slice{before / sum, (before + weights[j]) / sum}
				if before += weights[j]; j == len(all)-1 {
					x.slice.to = 1
				}
				x.amount = x.slice.part(x.amount)
				for _, a := range [...]**lineage.Amount{&x.skipped, &x.lost} {
					if *a != nil {
						*a = new(x.slice.part(**a))
					}
				}
			}
			if j == 0 {
				v.accesses[i] = x
			} else {
				v.accesses = append(v.accesses, x)
			}
		}
	}
}

// weights returns those of some connectors that may have run in the window, with how many tasks each has, at least one,
// and for how long.
func (v *View) weights(nodes []lineage.Node) (all []lineage.Node, weights []float64, sum float64) {
	for _, n := range nodes {
		if !v.rested(n) {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		all = nodes
	}
	for _, n := range all {
		w := 0
		if f := v.movers.connectors[n].was; f != nil {
			for _, t := range f.Tasks {
				if t.State == "RUNNING" {
					w++
				}
			}
		}
		weight := float64(max(w, 1)) * v.lifeOf(n)
		weights, sum = append(weights, weight), sum+weight
	}
	return all, weights, sum
}

// lifeOf returns for how many seconds of the window a connector was there, as far as it was seen, at least a tick.
func (v *View) lifeOf(n lineage.Node) float64 {
	from, to := v.win.End, v.win.End
	for i := range v.accesses {
		if x := &v.accesses[i]; x.Access.Client.Mover == n && x.FirstSeen.Before(from) {
			from = x.FirstSeen
		}
	}
	if m := v.movers.connectors[n]; m.gone && m.since.Before(to) {
		to = m.since
	}
	if from.Before(v.win.Start) || from.Equal(v.win.End) {
		// or nobody saw it do anything: it may have been there all the time
		from = v.win.Start
	}
	return max(to.Sub(from), v.win.Step).Seconds()
}

// rested reports whether a connector was told not to run in all of the window, by a Connect that was seen in all of it.
func (v *View) rested(n lineage.Node) bool {
	return v.movers.rests(n, v.win.Start) && v.held.Coverage(n.Scope).Complete
}

// shareDoubt says why the count of an access is a part of a group's, or all of it although others may have had some;
// empty: it is neither.
func (x *access) shareDoubt() string {
	switch {
	case x.slice != (slice{}):
		names := make([]string, len(x.sharers))
		for i, n := range x.sharers {
			names[i] = n.Scope + "/" + n.Name
		}
		if x.Access.Op == lineage.Write {
			return fmt.Sprintf("shared out by tasks, at most all that was written with the transactional.id: the source connectors %s have one name, and which of their workers' group it bears nobody tells", strings.Join(names, " and "))
		}
		return fmt.Sprintf("shared out by tasks, at most all that the group read: the sinks %s read with one group, and Kafka does not tell which of them read what", strings.Join(names, " and "))
	case x.crowded:
		return "at most: the group has members called as the sink's tasks that are not its own, as those of a Connect cluster that is not watched"
	}
	return ""
}
