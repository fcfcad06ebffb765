package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Target is who is told by OpenLineage events what was observed: an HTTP server, or a topic of a watched cluster.
type Target struct {
	Name       string   `koanf:"name" yaml:"name,omitempty"`
	Kind       string   `koanf:"kind" yaml:"kind,omitempty"`
	URL        string   `koanf:"url" yaml:"url,omitempty"`
	TokenFile  File     `koanf:"token_file" yaml:"token_file,omitempty"`
	Token      Secret   `koanf:"token" yaml:"token,omitempty"`
	TLS        TLS      `koanf:"tls" yaml:"tls,omitempty"`
	Cluster    string   `koanf:"cluster" yaml:"cluster,omitempty"`
	Topic      string   `koanf:"topic" yaml:"topic,omitempty"`
	Namespaces Aliases  `koanf:"namespaces" yaml:"namespaces,omitempty"`
	Every      Duration `koanf:"every" yaml:"every,omitempty"`
	MaxDisk    Size     `koanf:"max_disk" yaml:"max_disk,omitempty"`
}

// Called is the target's name: the configured one, else its kind, else openlineage.
func (t Target) Called() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Kind != "":
		return t.Kind
	default:
		return "openlineage"
	}
}

// Window is how much time one event is of.
func (t Target) Window() time.Duration {
	if t.Every == 0 {
		return 5 * time.Minute
	}
	return time.Duration(t.Every)
}

// Room is how many bytes may wait on disk.
func (t Target) Room() int64 {
	if t.MaxDisk == 0 {
		return 64 << 20
	}
	return int64(t.MaxDisk)
}

// Address is where a server takes events: URL, and the path of its kind where URL has none.
func (t Target) Address() string {
	u, err := url.Parse(t.URL)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return t.URL
	}
	u.Path = "/api/v1/lineage"
	if t.Kind == "datahub" {
		u.Path = "/openapi/openlineage/api/v1/lineage"
	}
	return u.String()
}

// Bearer returns the token by which the target knows us; none when it is not set.
func (t Target) Bearer() (Secret, error) { return t.bearer("openlineage.targets.") }

func (t Target) bearer(at string) (Secret, error) {
	if t.Token.IsZero() && t.TokenFile == "" {
		return Secret{}, nil
	}
	s := source{t.Token, t.TokenFile, at + "token"}
	text, err := s.content()
	if err != nil {
		return Secret{}, err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return Secret{}, s.bad("there is no token in it")
	}
	return NewSecret(token), nil
}

// Reread returns a function that reads the token each time it is called. It is safe for concurrent use.
func (t Target) Reread() (func() Secret, error) { return latest(t.Bearer) }

// checkTargets never repeats an address that holds a password.
func (c *Config) checkTargets() error {
	taken := map[string]int{}
	for i, t := range c.OpenLineage.Targets {
		at := fmt.Sprintf("openlineage.targets[%d].", i)
		if j, twice := taken[t.Called()]; twice {
			return bad(at+"name", t.Called(), "openlineage.targets[%d] has this name too", j)
		}
		taken[t.Called()] = i
		if strings.ContainsAny(t.Called(), `/\`) || strings.HasPrefix(t.Called(), ".") {
			return bad(at+"name", t.Called(), "is no name of a folder")
		}
		if kinds := []string{"", "openlineage", "marquez", "datahub", "openmetadata"}; !slices.Contains(kinds, t.Kind) {
			return bad(at+"kind", t.Kind, "is none of %s", strings.Join(kinds[1:], ", "))
		}
		if err := c.checkPlace(at, t); err != nil {
			return err
		}
		for _, cluster := range slices.Sorted(maps.Keys(t.Namespaces)) {
			if err := c.knownCluster(at+"namespaces."+cluster, cluster); err != nil {
				return err
			}
		}
		switch {
		case t.Window() < time.Minute || t.Window() > 24*time.Hour || t.Window()%time.Minute != 0:
			return bad(at+"every", t.Every.String(), "is not whole minutes from 1m to 1d")
		case t.Room() < 1<<20:
			return bad(at+"max_disk", t.MaxDisk.String(), "is less than 1 MiB")
		}
		if _, err := t.bearer(at); err != nil {
			return err
		}
	}
	return nil
}

// checkEventTopics checks which topics hold events.
func (c *Config) checkEventTopics() error {
	taken := map[EventTopic]int{}
	for i, t := range c.OpenLineage.Topics {
		at := fmt.Sprintf("openlineage.topics[%d].", i)
		if t.Topic == "" {
			return bad(at+"topic", "", "is not set")
		}
		if err := c.knownCluster(at+"cluster", t.Cluster); err != nil {
			return err
		}
		if j, twice := taken[t]; twice {
			return bad(at+"topic", t.Topic, "openlineage.topics[%d] is the same", j)
		}
		taken[t] = i
	}
	return nil
}

// checkPlace checks where a target is.
func (c *Config) checkPlace(at string, t Target) error {
	switch {
	case t.URL == "" && t.Topic == "":
		return bad(at+"url", "", "is not set, and no topic either")
	case t.URL != "" && t.Topic != "":
		return bad(at+"topic", t.Topic, "has no place beside url: a target is one of them")
	case t.Topic != "" && (!t.Token.IsZero() || t.TokenFile != ""):
		return bad(at+"token_file", "", "is for a url: a topic is written as its cluster is")
	case t.Topic != "" && t.TLS != (TLS{}):
		return bad(at+"tls", "", "is for a url: a topic is written as its cluster is")
	case t.Topic != "":
		return c.knownCluster(at+"cluster", t.Cluster)
	}
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return bad(at+"url", "", "is not a URL")
	case u.User != nil, u.RawQuery != "":
		return bad(at+"url", "", "holds a user or parameters: a token goes to token_file")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return bad(at+"url", t.URL, "is not a URL of http or https")
	case u.Scheme == "http" && t.TLS != (TLS{}):
		return bad(at+"url", t.URL, "tls is set and the address is not https://")
	}
	return t.TLS.check(at + "tls.")
}
