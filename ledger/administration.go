package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// typeAdministration is the type of an Administration.
const typeAdministration = "administration"

// Administration says that somebody was allowed to change a topic, a group, a cluster or the like itself.
// docs/format/ledger.md says what each field is. In an entry Host and Principal are commitments.
type Administration struct {
	At        Instant  `json:"at"`
	Cluster   string   `json:"cluster"` // as in the ids of its nodes
	Host      *string  `json:"host"`
	Logged    *Instant `json:"logged"`
	Name      string   `json:"name"`
	Operation *string  `json:"operation"`
	Period    Period   `json:"period"`
	Principal *string  `json:"principal"`
	Request   *string  `json:"request"`
	Resource  *string  `json:"resource"`
	Times     int64    `json:"times"`
	Type      string   `json:"type"`
	V         int      `json:"v"`
}

// Same reports whether two say the same, but for persons, who may have been erased since.
func (a *Administration) Same(b *Administration) bool {
	same := func(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	logged := a.Logged == nil && b.Logged == nil || a.Logged != nil && b.Logged != nil && a.Logged.Equal(b.Logged.Time)
	return a.At.Equal(b.At.Time) && logged && a.Cluster == b.Cluster && a.Name == b.Name && a.Times == b.Times &&
		same(a.Operation, b.Operation) && same(a.Request, b.Request) && same(a.Resource, b.Resource)
}

// administrationEntry returns it as an entry has it, within its bounds, with persons as commitments.
func (l *Log) administrationEntry(a *Administration, p Period) (*Administration, error) {
	x := a.Fit()
	x.Type, x.V, x.Period = typeAdministration, version, p
	host, err := l.people.of(x.Host)
	principal, principalErr := l.people.of(x.Principal)
	x.Host, x.Principal = host, principal
	return &x, errors.Join(err, principalErr)
}

// Fit returns it within the bounds of an entry, persons in the clear.
func (a *Administration) Fit() Administration {
	x := *a
	x.At, x.Cluster, x.Name = At(a.At.Time), ID(a.Cluster), clip(a.Name, mostText)
	if a.Logged != nil {
		x.Logged = new(At(a.Logged.Time))
	}
	for _, text := range []**string{&x.Host, &x.Operation, &x.Principal, &x.Request, &x.Resource} {
		*text = clipped(*text)
	}
	return x
}

// addAdministrations adds who administered what, in the order of when it was told.
func (a *assembly) addAdministrations(l *Log, all []Administration) error {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(x, y Administration) int {
		return cmp.Or(x.At.Compare(y.At.Time), cmp.Compare(x.Cluster, y.Cluster))
	})
	for i := range all {
		x, err := l.administrationEntry(&all[i], a.period)
		if err != nil {
			return err
		}
		a.add(x)
	}
	return nil
}

// Administrations returns who administered what in a period, as all its batches say it, persons in the clear where they
// were not erased.
func (r *Reader) Administrations(p Period) (out []Administration, err error) {
	for c, err := range r.backward() {
		if err != nil {
			return nil, fmt.Errorf("read the chain of periods: %w", err)
		}
		if c.Kind == kindPeriod && !c.Period.End.After(p.Start.Time) {
			break
		}
		if c.Period != p {
			continue
		}
		if err := r.administrationsOf(c, &out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// administrationsOf takes those of a batch, which stand before all that is said of topics.
func (r *Reader) administrationsOf(c closed, out *[]Administration) error {
	for i := c.First; i < c.Directory[0]; i++ {
		entry, err := r.Entry(i)
		if err != nil {
			return err
		}
		switch is, err := typeOf(entry); {
		case err != nil:
			return err
		case is == typeUsage || is == typeWithdrawal:
			return nil
		case is != typeAdministration:
			continue
		}
		var x Administration
		if err := readAs(entry, typeAdministration, &x); err != nil {
			return err
		}
		x.Host, x.Principal = r.opened(x.Host), r.opened(x.Principal)
		*out = append(*out, x)
	}
	return nil
}

// opened returns what a commitment stands for, and itself where that is erased.
func (r *Reader) opened(commitment *string) *string {
	if commitment == nil {
		return nil
	}
	if o, ok := r.people[*commitment]; ok {
		return &o.Value
	}
	return commitment
}
