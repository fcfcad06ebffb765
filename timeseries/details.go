package timeseries

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// details is asked more about an answer of Window: the columns' rows and series by the dense ids that never leave the
// package.
type details struct {
	*engine
	win  lineage.Window
	ids  []subjectID // by row
	keys []seriesKey // by series
}

func pick[T any](all []T, of []int32) []T {
	out := make([]T, len(of))
	for i, j := range of {
		out[i] = all[j]
	}
	return out
}

// Amounts implements store.Details.
func (d *details) Amounts(ctx context.Context, in lineage.Window, series []int32) ([]lineage.Amount, error) {
	return d.amounts(ctx, in, pick(d.keys, series))
}

// Levels implements store.Details.
func (d *details) Levels(ctx context.Context, series []int32) ([]lineage.Level, error) {
	return d.levels(ctx, d.win.End, pick(d.keys, series))
}

// Points implements store.Details.
func (d *details) Points(ctx context.Context, step time.Duration, series []int32) ([][]lineage.Point, error) {
	return d.points(ctx, d.win, step, pick(d.keys, series))
}

// Evidence implements store.Details.
func (d *details) Evidence(ctx context.Context, in lineage.Window, rows []int32) ([][]lineage.Evidence, error) {
	return d.evidence(ctx, in, pick(d.ids, rows))
}

// Reasons implements store.Details.
func (d *details) Reasons(ctx context.Context, in lineage.Window, series []int32) ([][]string, error) {
	return d.reasons(ctx, in, pick(d.keys, series))
}

// LastMoved implements store.Details.
func (d *details) LastMoved(ctx context.Context, in lineage.Window, rows []int32) ([]time.Time, error) {
	return d.lastMoved(ctx, in.End, in.Duration(), pick(d.ids, rows))
}
