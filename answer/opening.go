package answer

import (
	"context"
	"fmt"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// standing is where a reader or a replication stood at one end of a window.
type standing struct {
	lag      int64
	known    bool // its lag was observed, and can be told
	looked   bool // there was somebody to look at it
	pending  bool
	unplaced bool // lag is not all that waits
	ahead    int64
	millis   *int64 // how long the oldest record waits that lag counts; nil: not known
}

// standingMetrics are those that a standing is made of.
var standingMetrics = [...]lineage.Metric{lineage.Lag, lineage.Pending, lineage.Unplaced, lineage.Ahead, lineage.LagMillis}

// standings returns where accesses stood at the end of what a store holds of a window, by their rows there.
func standings(ctx context.Context, held *store.Window, rows map[lineage.Access]int32) (map[lineage.Access]standing, error) {
	var series []int32
	var of []lineage.Access
	for x, row := range rows {
		for _, m := range standingMetrics {
			if i, ok := held.Series.Find(row, m, lineage.NoEvidence); ok {
				series, of = append(series, i), append(of, x)
			}
		}
	}
	levels, err := held.Levels(ctx, series)
	if err != nil {
		return nil, fmt.Errorf("read where readers stood: %w", err)
	}
	out := make(map[lineage.Access]standing, len(rows))
	for x := range rows {
		out[x] = standing{looked: true}
	}
	for i, l := range levels {
		s := out[of[i]]
		switch m := held.Series.Metric[series[i]]; {
		case !l.OK:
		case m == lineage.Lag:
			s.lag, s.known = l.Value, true
		case m == lineage.Pending:
			s.pending = l.Value == 1
		case m == lineage.Unplaced:
			s.unplaced = l.Value == 1
		case m == lineage.Ahead:
			s.ahead = l.Value
		case m == lineage.LagMillis:
			s.millis = &l.Value
		}
		out[of[i]] = s
	}
	return out, nil
}

// openings returns where accesses stood at the view's start. Who is not among them was not there, or not looked at.
func (v *View) openings(ctx context.Context, accesses map[lineage.Access]int32) (map[lineage.Access]standing, error) {
	before := v.state.Resolve(lineage.Window{Start: v.win.Start.Add(-v.win.Step), End: v.win.Start})
	if !before.End.Equal(v.win.Start) || len(accesses) == 0 {
		return nil, nil // it is held too coarsely to say
	}
	held, err := v.a.history.Window(ctx, store.Ask{Window: before.Window, Accesses: true, Uncounted: true, Lookback: lookback, Until: before.End})
	if err != nil {
		return nil, fmt.Errorf("read what was before the window: %w", err)
	}
	rows := make(map[lineage.Access]int32, len(accesses))
	for i := range held.Rows.Topics {
		if x := *held.Rows.Access[i]; x.Op == lineage.Read {
			if _, asked := accesses[x]; asked {
				rows[x] = int32(i)
			}
		}
	}
	return standings(ctx, held, rows)
}
