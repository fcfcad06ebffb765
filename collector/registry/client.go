package registry

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
	// mostBytes bounds one answer: a list of 100,000 subjects, or a schema, which takes a few kilobytes.
	mostBytes = 8 << 20
	// mostRedirects bounds redirects, which a registry behind a gateway may answer with.
	mostRedirects = 3
	// oneTime is how long one address may take, also where it is the only one: of a round more is left for others.
	oneTime = 3 * time.Second
)

// The answers that mean something of their own.
var (
	errNotFound = errors.New("answers with 404")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", mostBytes>>20)
)

// client asks the addresses of one registry. Any of them answers for all.
type client struct {
	urls     []string // without a slash at the end
	first    int      // the one to ask first: it answered last, or the one before it failed last
	http     *http.Client
	user     string
	password func() string
	tls      func() *tls.Config
	told     *tls.Config // that the transport has; the transport changes its own copy
	asked    int         // requests since the start, for the budget
	bytes    int64       // of bodies since the start
}

func newClient(cfg Config) *client {
	c := &client{user: cfg.Username, password: cfg.Password, tls: cfg.TLS, http: &http.Client{CheckRedirect: checkRedirect}}
	c.renew()
	for _, u := range cfg.URLs {
		c.urls = append(c.urls, strings.TrimRight(u, "/"))
	}
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

// get asks for a path and decodes the answer. Addresses are asked in turn until one answers; what one does not have
// none has. The error is the last one's, with the words of those before. It never holds a body or a password.
func (c *client) get(ctx context.Context, path string, into any) (err error) {
	first := c.first
	for i := range c.urls {
		n, before := (first+i)%len(c.urls), err
		if err = c.askOne(ctx, c.urls[n], path, len(c.urls)-i, into); err == nil {
			c.first = n
			return nil
		}
		if errors.Is(err, errNotFound) {
			return err
		}
		if c.first = (n + 1) % len(c.urls); before != nil {
			err = fmt.Errorf("%w; %s", err, before.Error())
		}
		if ctx.Err() != nil {
			break
		}
	}
	return err
}

// askOne asks one address, which leaves time for the others that are left to ask.
func (c *client) askOne(ctx context.Context, base, path string, left int, into any) error {
	ctx, cancel := share(ctx, left)
	defer cancel()
	if err := c.ask(ctx, base+path, into); err != nil {
		return fmt.Errorf("%s: %w", origin(base), err)
	}
	return nil
}

// origin is an address without its path, which may be a secret.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a registry" // never: it was checked
	}
	return u.Scheme + "://" + u.Host
}

// share gives one of several parts of the time that is left, and not more than one may take.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	limit := oneTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/time.Duration(parts))
	}
	return context.WithTimeout(ctx, limit)
}

func (c *client) ask(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return plain(err)
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes+1))
	c.bytes += int64(len(body))
	if err != nil {
		return plain(err)
	}
	if err := c.check(resp, len(body)); err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return errors.New("the answer is not the JSON of a schema registry") // the parser's words may quote the answer
	}
	return nil
}

// check says what is wrong with an answer before its content.
func (c *client) check(resp *http.Response, size int) error {
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return errNotFound
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("status %d: %s", resp.StatusCode, c.unknown())
	default:
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if size > mostBytes {
		return errTooLarge
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fmt.Errorf("answers %q and not JSON: is it the REST interface of a schema registry?", short(kind))
	}
	return nil
}

// unknown says what a registry does not like of who asks.
func (c *client) unknown() string {
	if c.user == "" {
		return "it asks for authentication, and basic_auth is not configured"
	}
	return "it refuses the configured basic_auth"
}

// plain takes the address out of an error of net/http: the caller has it in front, and a redirect's may hold anything.
// So may what net/http quotes of an answer that it can't read.
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

// short keeps a stranger's word from filling a log.
func short(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
