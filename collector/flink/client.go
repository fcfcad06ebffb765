package flink

import (
	"github.com/lineaged/lineaged/collector/rest"
)

// mostBytes bounds one answer. The list of a vertex' metrics takes about 20 KiB, a job with a hundred vertices some
// hundred.
const mostBytes = 8 << 20

// client asks one JobManager. One that hangs leaves the others their time.
type client struct{ *rest.Client }

func newClient(cfg Config) *client {
	return &client{rest.New(rest.Config{
		URLs: []string{cfg.URL}, Username: cfg.Username, Password: cfg.Password, TLS: cfg.TLS, What: "a Flink JobManager", Most: mostBytes,
	})}
}
