package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lineaged/lineaged/internal/config"
)

// clientFlags say which server a command asks, and how it proves that it may.
type clientFlags struct {
	server, user, passwordFile string
	ca, cert, key              string
}

func (f *clientFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.server, "server", "", "`URL` of the lineaged that is asked (default $LINEAGED_SERVER, else http://"+config.Default().Listen+")")
	flags.StringVar(&f.user, "user", "", "`NAME` to ask as, with --password-file")
	flags.StringVar(&f.passwordFile, "password-file", "", "`FILE` that holds the password, in its first line")
	flags.StringVar(&f.ca, "ca-file", "", "`FILE` with the certificates (PEM) that the server's has to be signed by (default the machine's)")
	flags.StringVar(&f.cert, "cert-file", "", "`FILE` with the certificate (PEM) to show, with --key-file")
	flags.StringVar(&f.key, "key-file", "", "`FILE` with its key (PEM)")
}

// client asks a running lineaged.
type client struct {
	server         string // without a path
	user, password string
	http           *http.Client
}

const (
	// answerWithin is how long a server may take until it begins to answer: its own limit is 10 s.
	answerWithin = 30 * time.Second
	// mostRefusal is how much of a refusal is read, in bytes.
	mostRefusal = 64 << 10
)

// newClient checks what was said of the server. It connects to nobody yet.
func (p *program) newClient(f *clientFlags) (*client, error) {
	address := f.server
	if address == "" {
		address = p.getenv("LINEAGED_SERVER")
	}
	if address == "" {
		address = "http://" + config.Default().Listen
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, wrongFlag("server", redacted(u, address), "must be a URL such as http://127.0.0.1:8420")
	case u.User != nil:
		return nil, wrongFlag("server", u.Redacted(), "must not hold a password, which others on this machine can read: use --user and --password-file")
	}
	c := &client{server: u.Scheme + "://" + u.Host, user: f.user}
	if (f.user == "") != (f.passwordFile == "") {
		return nil, &config.Error{Problem: "--user and --password-file belong together"}
	}
	if f.passwordFile != "" {
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return nil, wrongFlag("server", address, "is asked in plain text, and would be sent the password so: use https")
		}
		if c.password, err = firstLine(f.passwordFile); err != nil {
			return nil, wrongFlag("password-file", f.passwordFile, err.Error())
		}
	}
	secure, err := f.tls()
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure, ResponseHeaderTimeout: answerWithin, DisableKeepAlives: true},
		// A server of ours sends nobody elsewhere, and a password must not go there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func wrongFlag(name, value, problem string) error {
	return &config.Error{Problem: fmt.Sprintf("--%s: %q %s", name, value, problem)}
}

func redacted(u *url.URL, address string) string {
	if u == nil || u.User != nil || strings.Contains(address, "@") {
		return "…"
	}
	return address
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func firstLine(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", errors.New("has no password in its first line")
	}
	return line, nil
}

// tls returns how the server proves who it is, and we who we are.
func (f *clientFlags) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, wrongFlag("ca-file", f.ca, err.Error())
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrongFlag("ca-file", f.ca, "holds no certificate in PEM")
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, &config.Error{Problem: "--cert-file and --key-file belong together"}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, wrongFlag("cert-file", f.cert, err.Error())
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// get asks for a file. Who gets it closes it.
func (c *client) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// do asks, and makes an error of what is no answer.
func (c *client) do(r *http.Request) (*http.Response, error) {
	if c.user != "" {
		r.SetBasicAuth(c.user, c.password)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		cause := err
		if ue, ok := errors.AsType[*url.Error](err); ok {
			cause = ue.Err // what was asked for is long, and nobody's business
		}
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return nil, fmt.Errorf("no lineaged answers at %s: %w (start one, or give --server)", c.server, cause)
		}
		return nil, fmt.Errorf("ask %s: %w", c.server, cause)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	refused := &refusedError{server: c.server, user: c.user, status: resp.StatusCode}
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "application/json" {
		var body struct {
			Errors []struct {
				Message    string
				Extensions struct{ Code string }
			}
		}
		if json.NewDecoder(io.LimitReader(resp.Body, mostRefusal)).Decode(&body) == nil && len(body.Errors) > 0 {
			refused.code, refused.sentence = body.Errors[0].Extensions.Code, body.Errors[0].Message
		}
	}
	return nil, refused
}

// completeWithin is how long a shell waits for names: who types has no more patience.
const completeWithin = 2 * time.Second

// completeNodes returns the ids of nodes that fit what was begun: those that begin with it, or whose names hold it. A
// server that can't be asked completes nothing.
func (p *program) completeNodes(ctx context.Context, f *clientFlags, begun string) []string {
	c, err := p.newClient(f)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	text := begun
	if _, name, ok := strings.Cut(begun, "/"); ok { // of an id the name is searched for
		text = name
	} else if strings.Contains(begun, ":") {
		text = ""
	}
	body, err := json.Marshal(map[string]any{
		"query":     `query($text: String) { nodes(text: $text, first: 200) { edges { node { id name } } } }`,
		"variables": map[string]any{"text": text},
	})
	if err != nil {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.do(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var found struct {
		Data struct {
			Nodes struct {
				Edges []struct{ Node struct{ ID, Name string } }
			}
		}
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&found) != nil {
		return nil
	}
	bearers := map[string]int{}
	for _, e := range found.Data.Nodes.Edges {
		if !strings.HasPrefix(e.Node.ID, "unidentified:") { // it is found by its id only
			bearers[e.Node.Name]++
		}
	}
	var out []string
	for _, e := range found.Data.Nodes.Edges {
		// Shells keep only what begins as what was typed: a name that is begun is completed as itself, if it is one's
		// only.
		switch n := e.Node; {
		case strings.HasPrefix(n.ID, begun):
			out = append(out, n.ID)
		case bearers[n.Name] == 1 && !strings.HasPrefix(n.ID, "unidentified:") && strings.HasPrefix(n.Name, begun) && !strings.ContainsAny(n.Name, " \t\n:"):
			out = append(out, n.Name)
		}
	}
	return out
}
