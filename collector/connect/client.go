package connect

import (
	"net/http"

	"github.com/lineaged/lineaged/collector/rest"
)

// mostBytes bounds one answer. A connector takes about two kilobytes with its configuration.
const mostBytes = 16 << 20

// client asks the workers of one Connect cluster. Any of them answers for all.
type client struct{ *rest.Client }

func newClient(cfg Config) *client {
	return &client{rest.New(rest.Config{
		URLs: cfg.URLs, Username: cfg.Username, Password: cfg.Password, TLS: cfg.TLS, What: "a Connect worker", Most: mostBytes,
		Says: map[int]string{http.StatusConflict: "the workers are rebalancing"}, Patient: true,
	})}
}
