package closing

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

// untold says that who administers a cluster was not told in all of a period; empty: it was.
func untold(told *answer.AdministrationTold, in lineage.Window) string {
	switch {
	case told == nil:
		return answer.UntoldAdministration
	case !told.Whole(in):
		return answer.PartlyToldAdministration
	default:
		return ""
	}
}

// administered returns who administered what, as it was told in a view's window.
func administered(ctx context.Context, v *answer.View) (out []ledger.Administration, err error) {
	told, err := v.Administered(ctx)
	for _, t := range told {
		x := ledger.Administration{
			At: ledger.At(t.At), Cluster: clusterInID(t.Cluster), Host: known(t.Who.Host), Principal: known(t.Who.Principal), Name: t.Name, Operation: known(t.Operation),
			Resource: known(t.Resource), Request: known(t.Request), Times: t.Times,
		}
		if !t.Logged.IsZero() {
			x.Logged = new(ledger.At(t.Logged))
		}
		if t.Topic != nil {
			x.Topic = t.Topic.ID()
		}
		out = append(out, x.Fit())
	}
	return out, err
}

// administeredSince returns what the ledger has not of a period: it came late.
func (c *Closer) administeredSince(now []ledger.Administration, p ledger.Period) ([]ledger.Administration, error) {
	if len(now) == 0 {
		return nil, nil
	}
	said, err := c.Log.Reader().Administrations(p)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(now), func(x ledger.Administration) bool {
		i := slices.IndexFunc(said, func(s ledger.Administration) bool { return s.Same(&x) })
		if i >= 0 { // each stands for one: two persons may have done the same at once
			said = slices.Delete(said, i, i+1)
		}
		return i >= 0
	}), nil
}
