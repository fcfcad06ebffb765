package telemetry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/collector"
)

// Desk takes telemetry of all clusters and gives each its own.
type Desk struct {
	board *collector.Board
	by    map[string]*Collector // by the name under which the cluster is configured
}

// NewDesk makes the desk of some collectors.
func NewDesk(board *collector.Board, all ...*Collector) *Desk {
	d := &Desk{board: board, by: map[string]*Collector{}}
	for _, c := range all {
		d.by[c.cfg.Name] = c
	}
	return d
}

// Take takes a request of a sender that may tell of one cluster, by its configured name, or of any (""). It keeps
// nothing of what it is given.
func (d *Desk) Take(cluster string, m *metrics.MetricsData) (collector.Receipt, error) {
	t := read(m, time.Now())
	letters := map[*Collector][]*push{}
	for id, pushes := range t.pushes {
		c, why, err := d.find(cluster, id)
		if err != nil {
			return collector.Receipt{}, err
		}
		for _, p := range pushes {
			if why != "" {
				t.reject(max(len(p.points), 1), why)
				continue
			}
			letters[c] = append(letters[c], p)
		}
	}
	return collector.Receipt{Rejected: t.rejected, Why: t.why, Deliver: func(ctx context.Context) error {
		var g errgroup.Group
		for c, pushes := range letters {
			bytes := int64(0)
			for _, p := range pushes {
				bytes += p.bytes()
			}
			g.Go(func() error {
				if err := c.inbox.Send(ctx, pushes, bytes); err != nil {
					return fmt.Errorf("cluster %q: %w", c.cfg.Name, err)
				}
				return nil
			})
		}
		return g.Wait()
	}}, nil
}

// find returns whose telemetry it is that names a cluster's id, or why it is nobody's.
func (d *Desk) find(cluster, id string) (c *Collector, why string, err error) {
	name, why, err := collector.Whose(d.board, slices.Sorted(maps.Keys(d.by)), cluster, id)
	return d.by[name], why, err
}
