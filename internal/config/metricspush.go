package config

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// MetricsPush is who is sent what /metrics has, by OTLP over HTTP.
type MetricsPush struct {
	URL         string   `koanf:"url" yaml:"url,omitempty"`
	Every       Duration `koanf:"every" yaml:"every,omitempty"`
	HeadersFile File     `koanf:"headers_file" yaml:"headers_file,omitempty"`
	Headers     Secret   `koanf:"headers" yaml:"headers,omitempty"`
	TLS         TLS      `koanf:"tls" yaml:"tls,omitempty"`
}

// Interval is the time between two pushes: Every, or a minute.
func (p MetricsPush) Interval() time.Duration {
	if p.Every == 0 {
		return time.Minute
	}
	return time.Duration(p.Every)
}

// Address is where a server takes metrics: URL, and OTLP's own path where URL has none.
func (p MetricsPush) Address() string {
	u, err := url.Parse(p.URL)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return p.URL
	}
	u.Path = "/v1/metrics"
	return u.String()
}

// Reread returns a function that reads the headers each time it is called. It is safe for concurrent use; what it
// returns is not to be changed.
func (p MetricsPush) Reread() (func() http.Header, error) {
	return latestOf(func(http.Header) (http.Header, error) { return p.headers() }, func(h http.Header) http.Header { return h })
}

// theirs are headers that the protocol sets.
var theirs = []string{"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Host", "Transfer-Encoding"}

// headers reads lines of NAME: VALUE. Its errors hold nothing of them but the name of one that is the protocol's.
func (p MetricsPush) headers() (http.Header, error) {
	s := source{p.Headers, p.HeadersFile, "metrics.push.headers"}
	text, err := s.content()
	if err != nil || text == nil {
		return nil, err
	}
	lines := io.MultiReader(bytes.NewReader(bytes.TrimSpace(text)), strings.NewReader("\r\n\r\n"))
	h, err := textproto.NewReader(bufio.NewReader(lines)).ReadMIMEHeader()
	if err != nil || len(h) == 0 {
		return nil, s.bad("it is not lines such as Authorization: Bearer TOKEN")
	}
	for _, name := range theirs {
		if h[name] != nil {
			return nil, s.bad("it has the header %s, which the protocol sets", name)
		}
	}
	return http.Header(h), nil
}

// checkMetricsPush never repeats an address that holds a password.
func (c *Config) checkMetricsPush() error {
	p := c.Metrics.Push
	if p.URL == "" {
		if p != (MetricsPush{}) {
			return bad("metrics.push.url", "", "is not set, and other keys of metrics.push are")
		}
		return nil
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil:
		return bad("metrics.push.url", "", "is not a URL")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return bad("metrics.push.url", "", "holds a user or parameters: who we are goes to headers_file")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return bad("metrics.push.url", p.URL, "is not a URL of http or https")
	case u.Scheme == "http" && p.TLS != (TLS{}):
		return bad("metrics.push.url", p.URL, "tls is set and the address is not https://")
	}
	if every := p.Interval(); every < 10*time.Second || every > time.Hour {
		return bad("metrics.push.every", p.Every.String(), "is not from 10s to 1h")
	}
	if _, err := p.headers(); err != nil {
		return err
	}
	return p.TLS.check("metrics.push.tls.")
}
