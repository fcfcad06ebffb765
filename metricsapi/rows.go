package metricsapi

import (
	"context"
	"slices"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// over returns the end of the newest whole minute that all clusters which still report have observed.
func (a *API) over(ctx context.Context) (time.Time, error) {
	m, err := a.answers.Moment(ctx, answer.Last(time.Minute))
	if err != nil {
		return time.Time{}, err
	}
	return m.Window.End.UTC().Truncate(time.Minute), nil
}

func (a *API) view(ctx context.Context, w lineage.Window) (*answer.View, error) {
	return a.answers.View(ctx, answer.Between(w.Start, w.End), answer.All)
}

// spelling says how who asks spells clusters: by the name that is configured or by the brokers' id.
type spelling map[string]string // by Cluster.Source

// spell checks that the clusters which a filter names are watched, and makes it name each in one way.
func spell(v *answer.View, f *filter) (spelling, error) {
	s := spelling{}
	err := f.each(func(c *filter) error {
		if c.field != "resource.kafka.id" || c.op != "EQ" {
			return nil
		}
		return s.take(v, "filter: resource.kafka.id", &c.value)
	})
	return s, err
}

// take takes in how a cluster is spelled, and replaces the spelling by the first that was met.
func (s spelling) take(v *answer.View, at string, value *string) error {
	c, err := v.FindCluster(*value)
	if err != nil {
		return bad("%s: %s is neither the name nor the id of a cluster that is watched", at, quote(*value))
	}
	if first, ok := s[c.Source()]; ok {
		*value = first
	} else {
		s[c.Source()] = *value
	}
	return nil
}

func (s spelling) of(c *answer.Cluster) string {
	if spelled, ok := s[c.Source()]; ok {
		return spelled
	}
	return c.ID()
}

// rows returns those of whom a metric is measured that pass a filter.
func rows(ctx context.Context, v *answer.View, m *metric, by answer.Measure, s spelling, f *filter) ([]row, error) {
	all, err := v.MeasuredBy(ctx, by)
	if err != nil {
		return nil, err
	}
	ofConnectors := slices.Contains(m.Resources, "connector")
	var out []row
	for i := range all {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r := row{&all[i], s.of(all[i].Cluster)}
		if ofConnectors && r.Node.Kind != lineage.ConnectorNode || !f.fits(r.label) {
			continue
		}
		out = append(out, r)
	}
	return out, nil
}
