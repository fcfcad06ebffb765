package outbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The bounds of one attempt.
const (
	sendTimeout = 30 * time.Second
	mostAnswer  = 4 << 10 // bytes of an answer that are read
)

// HTTP sends events to a server that takes them.
type HTTP struct {
	URL    string        // the whole of it
	Token  func() string // as it is now; empty: none
	TLS    *tls.Config
	client *http.Client
}

// NewHTTP makes a sender. Redirects are not followed: the token is for who is configured.
func NewHTTP(to string, token func() string, t *tls.Config) *HTTP {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: t, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &HTTP{URL: to, Token: token, TLS: t, client: &http.Client{
		Transport: transport, Timeout: sendTimeout,
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
		if u, ok := errors.AsType[*url.Error](err); ok { // which repeats the address
			err = u.Err
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) // so that the connection may be used again
	return judge(resp)
}

// judge says what an answer means for the event.
func judge(resp *http.Response) error {
	said := fmt.Errorf("answers %s", http.StatusText(resp.StatusCode))
	if http.StatusText(resp.StatusCode) == "" {
		said = errors.New("answers")
	}
	said = fmt.Errorf("%w (%d)", said, resp.StatusCode)
	switch c := resp.StatusCode; {
	case c >= 200 && c < 300 && strings.Contains(resp.Header.Get("Content-Type"), "html"):
		return errors.New("answers a web page: is the path right?")
	case c >= 200 && c < 300:
		return nil
	case c >= 300 && c < 400:
		return fmt.Errorf("%w: it sends elsewhere, which is not followed: configure that address", said)
	case c == http.StatusUnauthorized, c == http.StatusForbidden:
		return fmt.Errorf("%w: see the token", said)
	case c == http.StatusNotFound, c == http.StatusMethodNotAllowed:
		return fmt.Errorf("%w: is the path right?", said)
	case c == http.StatusTooManyRequests, c == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &RetryError{time.Duration(max(seconds, 0)) * time.Second, said}
	case c == http.StatusRequestTimeout, c >= 500:
		return said
	default:
		return fmt.Errorf("%w: %w", ErrRefused, said)
	}
}
