package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// Topic is the id of the one that it is about, among the entries of which it stands; empty: it is of none.
	Topic string `json:"topic,omitempty"`
	Type  string `json:"type"`
	V     int    `json:"v"`
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
	x.At, x.Cluster, x.Name, x.Topic = At(a.At.Time), ID(a.Cluster), clip(a.Name, mostText), ID(a.Topic)
	if a.Logged != nil {
		x.Logged = new(At(a.Logged.Time))
	}
	for _, text := range []**string{&x.Host, &x.Operation, &x.Principal, &x.Request, &x.Resource} {
		*text = clipped(*text)
	}
	return x
}

// inOrder returns who administered what in the order of when it was told.
func inOrder(all []Administration) []Administration {
	return slices.SortedStableFunc(slices.Values(all), func(x, y Administration) int {
		return cmp.Or(x.At.Compare(y.At.Time), cmp.Compare(x.Cluster, y.Cluster))
	})
}

// addAdministrations adds who administered what that is no topic.
func (a *assembly) addAdministrations(l *Log, all []Administration) error {
	for _, x := range inOrder(all) {
		if x.Topic != "" {
			continue
		}
		entry, err := l.administrationEntry(&x, a.period)
		if err != nil {
			return err
		}
		a.add(entry)
	}
	return nil
}

// administrationsOfTopics returns the entries of who administered topics, each to stand before what is said of the
// topic's use: so its batch's directory names it, and a bundle of the topic has to hold it.
func (l *Log) administrationsOfTopics(b *Batch) (out []other, err error) {
	for _, x := range inOrder(b.Administered) {
		if x.Topic == "" {
			continue
		}
		is, err := l.administrationEntry(&x, b.Period)
		if err != nil {
			return nil, err
		}
		entry, err := canonical(is)
		if err != nil {
			return nil, err
		}
		out = append(out, other{statementKey{topic: is.Topic}, entry})
	}
	return out, nil
}

// clusterOf returns the cluster in the id of a topic.
func clusterOf(topic string) string {
	_, rest, _ := strings.Cut(topic, ":")
	cluster, _, _ := strings.Cut(rest, "/")
	return cluster
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

// administrationsOf takes those of a batch.
func (r *Reader) administrationsOf(c closed, out *[]Administration) error {
	for i := c.First; i < c.Directory[0]; i++ {
		entry, err := r.Entry(i)
		if err != nil {
			return err
		}
		switch is, err := typeOf(entry); {
		case err != nil:
			return err
		case is != typeAdministration:
			continue
		}
		var x Administration
		if err := readAs(entry, typeAdministration, &x); err != nil {
			return err
		}
		r.openBoth(&x)
		*out = append(*out, x)
	}
	return nil
}

// openBoth puts persons in the place of their commitments where they were not erased.
func (r *Reader) openBoth(a *Administration) {
	a.Host, a.Principal = r.opened(a.Host), r.opened(a.Principal)
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
