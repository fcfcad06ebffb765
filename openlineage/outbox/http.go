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
	TLS    *tls.Config
	client *http.Client
}

// NewHTTP makes a sender. Redirects are not followed: the token is for who is configured.
func NewHTTP(to string, token func() string, t *tls.Config) *HTTP {
	return &HTTP{URL: to, Token: token, TLS: t, client: &http.Client{
		Transport: receiver.Transport(t), Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

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
