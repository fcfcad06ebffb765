// Package receiver is how a server is told something over HTTP that it did not ask for, as OpenLineage events or
// metrics.
//
// It hides what servers answer: a web page in front, a login, another address, and which of it is worth another try. It
// refuses to follow a redirect, since what goes along is for who is configured, and to repeat what a server answered,
// which may hold anything.
package receiver

import (
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

// ErrRefused is among the errors where a receiver never takes what it was sent, as it is.
var ErrRefused = errors.New("refused")

// RetryError says how long a receiver wants to be left alone.
type RetryError struct {
	After time.Duration
	Err   error
}

// Error is error's.
func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap is errors.Is'.
func (e *RetryError) Unwrap() error { return e.Err }

// Transport returns one for the few connections that a receiver needs; t is the settings of TLS, nil the system's.
func Transport(t *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: t, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// mostAnswer is how many bytes of an answer are read that nobody wants.
const mostAnswer = 4 << 10

// Drain reads the rest of an answer, up to a bound, so that the connection may be used again.
func Drain(resp *http.Response) { _, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) }

// Plain returns an error of a client without the address, and without what was answered that is no HTTP.
func Plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if strings.Contains(err.Error(), "malformed HTTP") { // net/http has no type for it, and quotes the line
		return errors.New("answers what is no HTTP")
	}
	return err
}

// Judge says what an answer means for what was sent; nil: it is taken. It reads only the head.
func Judge(resp *http.Response) error {
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
