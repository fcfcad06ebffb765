package answer

import (
	"context"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// missed adds up what readers passed or lost, by one of their counters. Who is counted and never had such a counter
// missed nothing; nil: none of them is counted, or one is of whom it is not known, and the others missed nothing.
func (v *View) missed(accesses []int32, of func(*access) *lineage.Amount) *int64 {
	var sum *float64
	lacks := false
	for _, i := range v.alone(accesses, lineage.Records) {
		x := &v.accesses[i]
		if x.Access.Op != lineage.Read {
			continue
		}
		if amount := of(x); amount != nil && amount.Known {
			grow(&sum, &amount.Total, 1)
		} else if x.amount.Known {
			grow(&sum, new(float64), 1)
		}
		lacks = lacks || x.untold()
	}
	if lacks && sum != nil && *sum == 0 {
		return nil
	}
	return whole(sum)
}

// Skipped returns the offsets that its readers passed and did not read, because somebody set their offsets; nil: not
// known.
func (f Flow) Skipped() *int64 { return f.missed(func(x *access) *lineage.Amount { return x.skipped }) }

// Lost returns the records that were gone before they were read; nil: not known.
func (f Flow) Lost() *int64 { return f.missed(func(x *access) *lineage.Amount { return x.lost }) }

// missed is nothing known where it is not known either whether the flow moved.
func (f Flow) missed(of func(*access) *lineage.Amount) *int64 {
	n := f.rows.v.missed(f.rows.v.of(f.flow), of)
	if n != nil && *n == 0 && f.unknown(f.rows.v.records(f.rows.v.of(f.flow))) {
		return nil
	}
	return n
}

// Live reports whether somebody is there to read at the window's end; nil: not known.
func (f Flow) Live(ctx context.Context) (*bool, error) {
	ls, err := f.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	return f.rows.v.live(ls, f.rows.v.of(f.flow)), nil
}

// live reports whether one of the readers is there to read; nil: not known.
func (v *View) live(ls *levels, accesses []int32) *bool {
	told, all := false, true
	for _, i := range v.alone(accesses, lineage.Live) {
		x := &v.accesses[i]
		if !x.gauges[lineage.Live] {
			continue
		}
		switch n := ls.of(x.row, lineage.Live); {
		case n == nil:
			all = false
		case *n == 1:
			return new(true)
		default:
			told = true
		}
	}
	if told && all {
		return new(false)
	}
	return nil
}

// LastMoved returns the last round that saw it move; the zero time: none within the lookback.
func (f Flow) LastMoved(ctx context.Context) (time.Time, error) {
	return f.rows.lastMove(ctx, f.rows.v.of(f.flow))
}

// Lost returns the records that went with a leader, of a topic; nil: not known. A topic whose end was observed and that
// has no such counter lost nothing.
func (n Node) Lost(ctx context.Context) (*int64, error) {
	v := n.rows.v
	tv := v.topics[n.node]
	if tv == nil {
		return nil, nil //nolint:nilnil // not known
	}
	written, err := v.written(ctx)
	if err != nil {
		return nil, err
	}
	lost, err := v.topicLost(ctx)
	if err != nil {
		return nil, err
	}
	var sum *float64
	for _, s := range tv.subjects {
		if amount := lost[s.row]; amount.Known {
			grow(&sum, &amount.Total, 1)
		} else if written[lineage.Appended][s.row].Known {
			grow(&sum, new(float64), 1)
		}
	}
	return whole(sum), nil
}

// topicLost reads what the topics lost in the window, of those that ever lost anything, by row.
func (v *View) topicLost(ctx context.Context) (map[int32]lineage.Amount, error) {
	return v.lost.get(ctx, func(ctx context.Context) (map[int32]lineage.Amount, error) {
		return v.amountsOf(ctx, v.win.Window, lineage.Lost, v.incarnations())
	})
}

// behind is how far readers lag at the window's end; nil: not known.
type behind struct {
	records *int64
	seconds *float64
	atLeast bool // seconds is a lower bound
}

// behind adds up the records behind of several readers, and takes the seconds of the one furthest behind. Of both
// nothing is known where they are not of one reader that has them: zero for it would be made up.
func (v *View) behind(ls *levels, accesses []int32) (b behind) {
	known := true
	for _, i := range v.alone(accesses, lineage.Lag) {
		x := &v.accesses[i]
		if !x.gauges[lineage.Lag] || x.left {
			continue
		}
		n := ls.of(x.row, lineage.Lag)
		if n == nil {
			known = false
			break
		}
		if b.records == nil {
			b.records = new(int64)
		}
		*b.records += x.slice.of(*n)
	}
	for _, i := range v.alone(accesses, lineage.LagMillis) {
		x := &v.accesses[i]
		if !x.gauges[lineage.LagMillis] || x.left {
			continue
		}
		n := ls.of(x.row, lineage.LagMillis)
		if n == nil {
			b.seconds = nil
			break
		}
		s := float64(*n) / 1000
		if b.seconds == nil || *b.seconds < s {
			b.seconds = &s
		}
		if bound := ls.of(x.row, lineage.LagAtLeast); bound != nil && *bound != 0 {
			b.atLeast = true
		}
	}
	if !known {
		return behind{}
	}
	return b
}

// living returns the accesses without those of readers that nobody is there for: what the dead left is nobody's lag.
// Where it is not known whether somebody is, somebody may be.
func (v *View) living(ls *levels, accesses []int32) []int32 {
	dead := func(i int32) bool {
		n := ls.of(v.accesses[i].row, lineage.Live)
		return n != nil && *n == 0
	}
	if !slices.ContainsFunc(accesses, dead) {
		return accesses
	}
	return slices.DeleteFunc(slices.Clone(accesses), dead)
}
