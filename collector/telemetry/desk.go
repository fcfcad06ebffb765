package telemetry

import (
	"context"
	"errors"
	"fmt"
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

// Receipt is what became of a request.
type Receipt struct {
	// Rejected counts what is of no use, and Why says in a sentence why, of the first of it.
	Rejected int64
	Why      string
	// Deliver returns nil once all else is durable. See collector.Inbox.Send for its errors.
	Deliver func(ctx context.Context) error
}

// ErrNotYet is when no cluster has been reached that a request may be about. It is to be sent again.
var ErrNotYet = errors.New("not all clusters have been reached yet")

// Take takes a request of a sender that may tell of one cluster, by its configured name, or of any (""). It keeps
// nothing of what it is given.
func (d *Desk) Take(cluster string, m *metrics.MetricsData) (Receipt, error) {
	t := read(m, time.Now())
	letters := map[*Collector][]*push{}
	for id, pushes := range t.pushes {
		c, why, err := d.find(cluster, id)
		if err != nil {
			return Receipt{}, err
		}
		for _, p := range pushes {
			if why != "" {
				t.reject(max(len(p.points), 1), why)
				continue
			}
			letters[c] = append(letters[c], p)
		}
	}
	return Receipt{Rejected: t.rejected, Why: t.why, Deliver: func(ctx context.Context) error {
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
	if cluster != "" {
		w, known := d.board.Cluster(cluster)
		if c = d.by[cluster]; c == nil {
			return nil, "telemetry of this cluster is not taken", nil
		}
		if id != "" && known && string(w.Reported) != id {
			return nil, "the token is another cluster's than kafka.cluster.id names", nil
		}
		return c, "", nil
	}
	if id == "" {
		if len(d.by) == 1 {
			for _, c = range d.by {
				return c, "", nil
			}
		}
		return nil, "no kafka.cluster.id says which cluster it is about: set it, or use a token that is one cluster's", nil
	}
	n := 0
	for name, x := range d.by {
		if w, known := d.board.Cluster(name); known && string(w.Reported) == id {
			c, n = x, n+1
		}
	}
	switch {
	case n == 1:
		return c, "", nil
	case n > 1:
		return nil, "several watched clusters have this kafka.cluster.id: use a token that is one cluster's", nil
	case !d.board.Settled():
		return nil, "", ErrNotYet
	}
	return nil, "kafka.cluster.id names no cluster that is watched", nil
}
