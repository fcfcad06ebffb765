package flink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// mostBytes bounds one answer. The list of a vertex' metrics takes about 20 KiB, a job with a hundred vertices
	// some hundred.
	mostBytes = 8 << 20
	// mostRedirects bounds redirects, which a gateway may answer with.
	mostRedirects = 3
	// askTime is how long one answer may take: one that hangs must leave the others their time.
	askTime = 3 * time.Second
)

// errNotFound is what Flink says of a job that it has forgotten, and of a path that an older one lacks.
var errNotFound = errors.New("answers with 404")

// client asks one JobManager.
type client struct {
	url      string // without a slash at the end
	http     *http.Client
	user     string
	password func() string
	tls      func() *tls.Config
	told     *tls.Config // that the transport has; the transport changes its own copy
	asked    int         // requests since the start, for the budget
}

func newClient(cfg Config) *client {
	c := &client{url: strings.TrimRight(cfg.URL, "/"), user: cfg.Username, password: cfg.Password, tls: cfg.TLS, http: &http.Client{CheckRedirect: checkRedirect}}
	c.renew()
	return c
}

// renew takes in the settings of TLS as they are now. Open connections were made with the old ones, and are given up.
func (c *client) renew() {
	now := (*tls.Config)(nil)
	if c.tls != nil {
		now = c.tls()
	}
	old, _ := c.http.Transport.(*http.Transport)
	if old != nil && c.told == now {
		return
	}
	c.told, c.http.Transport = now, &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: now.Clone(), MaxIdleConnsPerHost: 1, IdleConnTimeout: 2 * time.Minute,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, TLSHandshakeTimeout: 2 * time.Second, ForceAttemptHTTP2: true,
	}
	if old != nil {
		old.CloseIdleConnections()
	}
}

// checkRedirect keeps the password on the machine that it is for, and a loop short.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > mostRedirects:
		return errors.New("redirects in a loop")
	case req.URL.Host != via[0].URL.Host || via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirects to another server")
	}
	return nil
}

// get asks for a path and decodes the answer. Its error never holds a body, a password or the address' path.
func (c *client) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return plain(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "lineaged")
	if c.user != "" {
		password := ""
		if c.password != nil {
			password = c.password()
		}
		req.SetBasicAuth(c.user, password)
	}
	c.asked++
	resp, err := c.http.Do(req)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or of no use any more
	if err := c.check(resp); err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes+1))
	switch {
	case err != nil:
		return plain(err)
	case len(body) > mostBytes:
		return fmt.Errorf("the answer is larger than %d MiB", mostBytes>>20)
	case json.Unmarshal(body, into) != nil:
		return errors.New("the answer is not the JSON of a Flink JobManager") // the parser's words may quote the answer
	}
	return nil
}

// check says what is wrong with an answer before its content.
func (c *client) check(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return errNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		if c.user == "" {
			return fmt.Errorf("status %d: it asks for authentication, and basic_auth is not configured", resp.StatusCode)
		}
		return fmt.Errorf("status %d: it refuses the configured basic_auth", resp.StatusCode)
	default:
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fmt.Errorf("answers %q and not JSON: is it the REST interface of a Flink JobManager?", kind[:min(len(kind), 60)])
	}
	return nil
}

// plain takes the address out of an error of net/http: a redirect's may hold anything. So may what net/http quotes of
// an answer that it can't read.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case strings.Contains(err.Error(), `"`):
		return errors.New("the answer is not HTTP that can be read")
	}
	return err
}
