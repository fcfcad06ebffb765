package outbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"github.com/lineaged/lineaged/internal/receiver"
)

// sendTimeout bounds one attempt.
const sendTimeout = 30 * time.Second

// HTTP sends events to a server that takes them.
type HTTP struct {
	URL    string        // the whole of it
	Token  func() string // as it is now; empty: none
	client *http.Client
	to     *receiver.Renewing
}

// NewHTTP makes a sender; t are the settings of TLS as they are now, nil: the system's. Redirects are not followed: the
// token is for who is configured.
func NewHTTP(to string, token func() string, t func() *tls.Config) *HTTP {
	transport := receiver.NewRenewing(t)
	return &HTTP{URL: to, Token: token, to: transport, client: &http.Client{
		Transport: transport, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close gives up open connections.
func (h *HTTP) Close() { h.to.Close() }

// Send is Sender's. Its errors hold neither the token nor what the server answered: that may hold anything.
func (h *HTTP) Send(ctx context.Context, e Event) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(e.Body))
	if err != nil {
		return errors.New("the address can't be asked")
	}
	req.Header.Set("Content-Type", "application/json")
	if token := h.Token(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return receiver.Plain(err)
	}
	defer func() { _ = resp.Body.Close() }()
	receiver.Drain(resp)
	return receiver.Judge(resp)
}
