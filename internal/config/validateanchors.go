package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
)

// Kind is the key by which an anchor says what it is: the first of those that are set; empty: none is.
func (a Anchor) Kind() string {
	switch {
	case a.File != "":
		return "file"
	case a.Witness != "":
		return "witness"
	case a.Timestamp != "":
		return "timestamp"
	case a.Cluster != "":
		return "cluster"
	}
	return ""
}

// Roots returns the authorities of a time stamp authority; nil: none are given. It reads their file.
func (a Anchor) Roots() (*x509.CertPool, error) { return a.roots("") }

func (a Anchor) roots(at string) (*x509.CertPool, error) {
	s := source{path: a.CAFile, key: at + "ca"}
	text, err := s.content()
	if err != nil || text == nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, s.bad("holds no certificate in PEM")
	}
	return pool, nil
}

// checkAnchors leaves to the ledger's own package what a witness's key is.
func (c *Config) checkAnchors() error {
	taken := map[string]int{}
	for i, a := range c.Ledger.Anchors {
		at := fmt.Sprintf("ledger.anchors[%d].", i)
		if err := a.check(at); err != nil {
			return err
		}
		if a.Cluster != "" {
			if err := c.knownCluster(at+"cluster", a.Cluster); err != nil {
				return err
			}
		}
		value := cmp.Or(string(a.File), a.Witness, a.Timestamp, a.Cluster)
		where := a.Kind() + " " + strings.TrimSuffix(value, "/") + " " + a.Topic
		if first, twice := taken[where]; twice {
			return bad(at+a.Kind(), value, "anchors[%d] is the same", first)
		}
		taken[where] = i
	}
	return nil
}

func (a Anchor) check(at string) error {
	kind := a.Kind()
	for _, x := range []struct{ key, value, of string }{
		{"file", string(a.File), "file"},
		{"witness", a.Witness, "witness"},
		{"key", a.Key, "witness"},
		{"timestamp", a.Timestamp, "timestamp"},
		{"ca_file", string(a.CAFile), "timestamp"},
		{"cluster", a.Cluster, "cluster"},
		{"topic", a.Topic, "cluster"},
	} {
		switch {
		case kind == "":
			return bad(at+"file", "", "is not set, and neither is witness, timestamp or cluster: an anchor has one of them")
		case x.value == "" || x.of == kind:
		case x.key == x.of:
			return bad(at+x.key, x.value, "is set, and %s too: an anchor has one of file, witness, timestamp and cluster", kind)
		default:
			return bad(at+x.key, x.value, "is for an anchor with %s, and this one has %s", x.of, kind)
		}
	}
	switch {
	case kind == "witness" && a.Key == "":
		return bad(at+"key", "", "is not set: the witness's verifier key is needed")
	case kind == "cluster" && a.Topic == "":
		return bad(at+"topic", "", "is not set")
	case !isTopicName(a.Topic):
		return bad(at+"topic", a.Topic, "is not the name of a topic")
	}
	if address := cmp.Or(a.Witness, a.Timestamp); address != "" {
		if err := checkPlainURL(at+kind, address); err != nil {
			return err
		}
	}
	_, err := a.roots(at)
	return err
}

// checkPlainURL never repeats an address that holds a password.
func checkPlainURL(key, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return bad(key, "", "is not a URL")
	case u.User != nil:
		return bad(key, address, "holds a user name: it would stand in the log and in /metrics")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return bad(key, address, "is not a URL such as https://witness.example")
	case u.RawQuery != "" || u.Fragment != "":
		return bad(key, "", "has more than an address and a path")
	}
	return nil
}
