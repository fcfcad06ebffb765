// Package rest asks a server's REST interface for JSON: a Connect worker, a schema registry, a Flink JobManager.
//
// It only reads (GET). What an answer may cost is bounded in bytes, time and redirects, a password goes to nobody but
// the configured server, and an error holds no body, no password and no path of an address, which may be a secret.
package rest

import (
	"cmp"
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
	"slices"
	"strings"
	"time"
)

const (
	// mostRedirects bounds redirects, which a server behind a gateway may answer with.
	mostRedirects = 3
	// oneTime is how long one address may take: of a round more is left for others.
	oneTime = 3 * time.Second
)

// The answers that mean something of their own.
var (
	ErrNotFound  = errors.New("answers with 404")
	ErrForbidden = errors.New("status 403")
	ErrTooLarge  = errors.New("the answer is larger")
	// ErrNotJSON is what another kind of server gives, as a page for people; also JSON of another shape.
	ErrNotJSON = errors.New("not JSON")
)

// Config says whom to ask, and how.
type Config struct {
	URLs     []string // any of which answers for all
	Username string   // empty: no basic authentication
	Password func() string
	TLS      func() *tls.Config // nil: as Go has it; called before each round, and another result is used from then on
	// What the server is, for errors: "a Connect worker".
	What   string
	Accept string // media types; empty: JSON
	Most   int    // bytes of one answer
	// Headers are sent with each request beside our own.
	Headers map[string]string
	// Says is what a status means of which the server's kind has its own meaning, for errors.
	Says map[int]string
	// Patient: where there is no other address to ask, one may take all of the time that is left.
	Patient bool
	// Final are answers that any address would give: then no other is asked.
	Final []error
}

// Client asks the addresses of one server. It is not for several goroutines at once.
type Client struct {
	cfg   Config
	urls  []string    // without a slash at the end
	first int         // the one to ask first: it answered last, or the one before it failed last
	told  *tls.Config // that the transport has; the transport changes its own copy
	http  *http.Client
	asked int
	bytes int64
}

// CheckURLs reports an error unless there are addresses, all of them http or https and without user, query or fragment.
// It does not say which one is not: it may hold a password.
func CheckURLs(urls []string) error {
	if len(urls) == 0 {
		return errors.New("no address")
	}
	for _, address := range urls {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("an address is not a plain http or https URL")
		}
	}
	return nil
}

// New makes a client, which asks nobody before it has to.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg, http: &http.Client{CheckRedirect: checkRedirect}}
	c.Renew()
	for _, u := range cfg.URLs {
		c.urls = append(c.urls, strings.TrimRight(u, "/"))
	}
	return c
}

// Asked is how many requests were made since the start, and Bytes how large the bodies of their answers were.
func (c *Client) Asked() int { return c.asked }

// Bytes see Asked.
func (c *Client) Bytes() int64 { return c.bytes }

// Addresses is how many there are to ask.
func (c *Client) Addresses() int { return len(c.urls) }

// First is the address, without its path, that is asked first the next time: of an answer the one that gave it.
func (c *Client) First() string { return c.origin(c.urls[c.first]) }

// Which is the place among Config.URLs of the address that First is about.
func (c *Client) Which() int { return c.first }

// Next lets another address be asked first from now on: what the one that answered says is not what was meant.
func (c *Client) Next() { c.first = (c.first + 1) % len(c.urls) }

// Close gives up open connections. The client may be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Renew takes in the settings of TLS as they are now. Open connections were made with the old ones, and are given up.
func (c *Client) Renew() {
	now := (*tls.Config)(nil)
	if c.cfg.TLS != nil {
		now = c.cfg.TLS()
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

// Get asks for a path and decodes the answer. Addresses are asked in turn until one answers, since one that restarts,
// or is an older one and lacks the path, says nothing of the others; the error is the last one's, with the words of
// those before.
func (c *Client) Get(ctx context.Context, path string, into any) (err error) {
	first := c.first
	for i := range c.urls {
		n, before := (first+i)%len(c.urls), err
		if err = c.askOne(ctx, c.urls[n], path, len(c.urls)-i, into); err == nil {
			c.first = n
			return nil
		}
		if slices.ContainsFunc(c.cfg.Final, func(final error) bool { return errors.Is(err, final) }) {
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

// plainText is where an answer is to be put as it is.
type plainText string

// Text is Get of what may be of any media type but HTML, which a gateway answers with. The caller reads the text.
func (c *Client) Text(ctx context.Context, path string) (string, error) {
	var text plainText
	err := c.Get(ctx, path, &text)
	return string(text), err
}

// askOne asks one address, which leaves time for the others that are left to ask.
func (c *Client) askOne(ctx context.Context, base, path string, left int, into any) error {
	if left > 1 || !c.cfg.Patient {
		var cancel context.CancelFunc
		ctx, cancel = Share(ctx, left)
		defer cancel()
	}
	if err := c.ask(ctx, base+path, into); err != nil {
		return fmt.Errorf("%s: %w", c.origin(base), err)
	}
	return nil
}

// origin is an address without its path, which may be a secret.
func (c *Client) origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return c.cfg.What // never: it was checked
	}
	return u.Scheme + "://" + u.Host
}

// Share gives one of several parts of the time that is left, and not more than one may take.
func Share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	limit := oneTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/time.Duration(parts))
	}
	return context.WithTimeout(ctx, limit)
}

func (c *Client) ask(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return plain(err)
	}
	req.Header.Set("Accept", cmp.Or(c.cfg.Accept, "application/json"))
	req.Header.Set("User-Agent", "lineaged")
	for name, value := range c.cfg.Headers {
		req.Header.Set(name, value)
	}
	if c.cfg.Username != "" {
		password := ""
		if c.cfg.Password != nil {
			password = c.cfg.Password()
		}
		req.SetBasicAuth(c.cfg.Username, password)
	}
	c.asked++
	resp, err := c.http.Do(req)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or of no use any more
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(c.cfg.Most)+1))
	c.bytes += int64(len(body))
	if err != nil {
		return plain(err)
	}
	text, asIs := into.(*plainText)
	if err := c.check(resp, len(body), asIs); err != nil {
		return err
	}
	if asIs {
		*text = plainText(body)
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return c.NotOurs() // the parser's words may quote the answer
	}
	return nil
}

// NotOurs is the error for an answer that is JSON of something else.
func (c *Client) NotOurs() error { return shape{c.cfg.What} }

// shape is an ErrNotJSON that names what was expected.
type shape struct{ what string }

func (s shape) Error() string        { return "the answer is not the JSON of " + s.what }
func (s shape) Is(target error) bool { return target == ErrNotJSON }

// check says what is wrong with an answer before its content. text: it need not be JSON.
func (c *Client) check(resp *http.Response, size int, text bool) error {
	if says := c.cfg.Says[resp.StatusCode]; says != "" {
		return errors.New(says)
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrForbidden, c.unknown())
	case http.StatusUnauthorized:
		return fmt.Errorf("status 401: %s", c.unknown())
	default:
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if size > c.cfg.Most {
		return fmt.Errorf("%w than %d MiB", ErrTooLarge, c.cfg.Most>>20)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if isText := text && err == nil && kind != "text/html" && kind != "application/xhtml+xml"; isText {
		return nil
	}
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fmt.Errorf("answers %q and %w: is it the REST interface of %s?", Short(kind), ErrNotJSON, c.cfg.What)
	}
	return nil
}

// unknown says what the server does not like of who asks.
func (c *Client) unknown() string {
	if c.cfg.Username == "" {
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

// Short keeps a stranger's word from filling a log.
func Short(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
