package flink

import (
	"context"

	"github.com/lineaged/lineaged/collector/rest"
)

// mostBytes bounds one answer. The list of a vertex' metrics takes about 20 KiB, a job with a hundred vertices some
// hundred.
const mostBytes = 8 << 20

// client asks one Flink. Any of its JobManagers answers for all, as one that does not lead asks the one that does; what
// Flink does not know no other knows either.
type client struct {
	*rest.Client
	turns int // how often a request was answered by another than the one before
}

func newClient(cfg Config) *client {
	return &client{Client: rest.New(rest.Config{
		URLs: cfg.URLs, Username: cfg.Username, Password: cfg.Password, TLS: cfg.TLS, What: "a Flink JobManager", Most: mostBytes, Final: []error{rest.ErrNotFound},
	})}
}

// Get is rest.Client's, and counts.
func (c *client) Get(ctx context.Context, path string, into any) error {
	was := c.Which()
	err := c.Client.Get(ctx, path, into)
	if c.Which() != was {
		c.turns++
	}
	return err
}
