package answer

import (
	"context"
	"fmt"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// SaidSince returns since when the store or the ledger has anything to say; zero: neither has.
func (a *Answers) SaidSince(ctx context.Context) (time.Time, error) {
	held, err := a.HeldSince(ctx)
	said := a.ledger()
	if err != nil || said == nil {
		return held, err
	}
	from, _, err := said.Closed(ctx, lineage.Window{Start: time.Unix(0, 0), End: a.clock()})
	if err != nil {
		return time.Time{}, fmt.Errorf("read what the ledger has: %w", err)
	}
	if held.IsZero() || !from.IsZero() && from.Before(held) {
		return from, nil
	}
	return held, nil
}
