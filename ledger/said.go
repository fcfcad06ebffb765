package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Account is what the ledger says of a whole period, after all amendments.
type Account struct {
	Period     Period
	Final      time.Time // until when amendments can come
	Statements []Statement
	Coverage   []Coverage
	// Administered is who administered what, as Within found it; persons in the clear where they were not erased.
	Administered []Administration
}

// Accounts returns what is said of the periods that end after an instant, the oldest first. Each is read when it is
// asked for.
func (r *Reader) Accounts(after time.Time) (periods []Period, read func(Period) (*Account, error), err error) {
	of := map[time.Time][]closed{}
	for c, err := range r.backward() {
		if err != nil {
			return nil, nil, err
		}
		if c.Kind == kindPeriod {
			if !c.Period.End.After(after) {
				break
			}
			periods = append(periods, c.Period)
		}
		start := c.Period.Start.Time
		of[start] = append(of[start], c)
	}
	slices.Reverse(periods)
	return periods, func(p Period) (*Account, error) { return r.account(p, of[p.Start.Time]) }, nil
}

// account reads what batches say, of which the newest is the first.
func (r *Reader) account(p Period, of []closed) (*Account, error) {
	out := &Account{Period: p}
	says := map[statementKey]Statement{}
	covered := map[string]Coverage{}
	for _, c := range slices.Backward(of) {
		out.Final = c.Final.Time
		for i := c.First; i < c.Directory[0]; i++ {
			if err := r.take(i, says); err != nil {
				return nil, err
			}
		}
		if err := r.cover(c, covered); err != nil {
			return nil, err
		}
	}
	out.fill(says, covered)
	return out, nil
}

// cover takes in what a batch says of what was observed, by cluster.
func (r *Reader) cover(c closed, covered map[string]Coverage) error {
	for _, at := range c.Coverage {
		var is Coverage
		data, err := r.tree.entry(at.index)
		if err == nil {
			err = readAs(data, typeCoverage, &is)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", at.index, err)
		}
		covered[is.Cluster] = is
	}
	return nil
}

// fill puts what was said last in order.
func (a *Account) fill(says map[statementKey]Statement, covered map[string]Coverage) {
	a.Statements = slices.SortedFunc(maps.Values(says), compareStatements)
	for _, cluster := range slices.Sorted(maps.Keys(covered)) {
		a.Coverage = append(a.Coverage, covered[cluster])
	}
}
