package answer

import (
	"context"

	"github.com/lineaged/lineaged/lineage"
)

// SaidRows are what the ledger says of a scope in a window, period by period.
type SaidRows struct {
	Scope  UsageScope
	Window lineage.Resolved
	// Each hands over the periods that meet the window, the oldest first. It holds one at a time.
	Each func(ctx context.Context, each func(*SaidPeriod) error) error
}

// SaidRows answers what the ledger says of a scope.
func (a *Answers) SaidRows(ctx context.Context, in Span, s UsageScope) (*SaidRows, error) {
	v, err := a.View(ctx, in, All)
	if err != nil {
		return nil, err
	}
	if s, err = s.named(v); err != nil {
		return nil, err
	}
	said := a.ledger()
	if said == nil {
		return nil, noLedger()
	}
	return &SaidRows{s, v.Window(), func(ctx context.Context, each func(*SaidPeriod) error) error {
		return said.Said(ctx, v.Window().Window, Wanted{Scope: s}, each)
	}}, nil
}

func noLedger() error {
	return &RefusedError{Reason: Missing, Sentence: "source: there is no ledger: it is switched off, or can't be opened"}
}

// ObservedOf returns which part of a period was observed of where a scope lies; nil: that is not said.
func (p *SaidPeriod) ObservedOf(s UsageScope) *float64 {
	only := (&UsageReport{UsageQuestion: UsageQuestion{Scope: s}}).onlyCluster()
	var sum float64
	n := 0
	for cluster, fraction := range p.Observed {
		if only == "" || cluster == only {
			sum, n = sum+fraction, n+1
		}
	}
	if n == 0 {
		return nil
	}
	sum /= float64(n)
	return &sum
}
