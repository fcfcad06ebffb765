package config

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is a schema registry.
type Registry struct {
	Name    string   `koanf:"name" yaml:"name,omitempty"`
	URL     string   `koanf:"url" yaml:"url,omitempty"`
	URLs    []string `koanf:"urls" yaml:"urls,omitempty"`
	Cluster string   `koanf:"cluster" yaml:"cluster,omitempty"`
	// Type is the interface by which it is asked: confluent, apicurio; empty: the one that answers.
	Type string `koanf:"type" yaml:"type,omitempty"`
	// Group is that of Apicurio whose artifacts are read as subjects; empty: by Confluent's interface the default
	// group, by Apicurio's all.
	Group     string    `koanf:"group" yaml:"group,omitempty"`
	BasicAuth BasicAuth `koanf:"basic_auth" yaml:"basic_auth,omitempty"`
	TLS       TLS       `koanf:"tls" yaml:"tls,omitempty"`
}

// Server is the registry as a server by HTTP.
func (r Registry) Server() Server {
	return Server{Name: r.Name, URL: r.URL, URLs: r.URLs, Cluster: r.Cluster, BasicAuth: r.BasicAuth, TLS: r.TLS}
}

const (
	confluentType = "confluent"
	apicurioType  = "apicurio"
	// How Apicurio's addresses go on, by its interface.
	confluentPath = "/apis/ccompat"
	ownInterface  = "/apis/registry"
	// defaultGroup is Apicurio's group of artifacts that were given none.
	defaultGroup = "default"
	everyGroup   = ""
)

// mostGroup is the longest name of a group, in bytes, as Apicurio has it.
const mostGroup = 512

// RegistryOf is the name of the cluster whose topics the subjects of a schema registry are of: the configured one, else
// the only one there is; empty: that can't be told.
func (c *Config) RegistryOf(r Registry) string {
	if r.Cluster == "" && len(c.Clusters) == 1 {
		return c.Clusters[0].Source()
	}
	return r.Cluster
}

// checkRegistries goes after checkConnect, and has the names that are taken from there.
func (c *Config) checkRegistries() error {
	taken := c.namesBefore()
	for i, r := range c.SchemaRegistry {
		at := fmt.Sprintf("schema_registry[%d]", i)
		if err := c.checkServerOf(at, "of the registry, e.g. http://127.0.0.1:8081", r.Server(), taken); err != nil {
			return err
		}
		if r.Type != "" && r.Type != confluentType && r.Type != apicurioType {
			return bad(at+".type", r.Type, "is no interface of a registry: %s or %s, or none for the one that answers", confluentType, apicurioType)
		}
		if r.Type == confluentType && slices.ContainsFunc(r.Server().Addresses(), func(url string) bool { return strings.Contains(url, ownInterface) }) {
			return bad(at+".type", r.Type, "an address is of Apicurio's own interface")
		}
		if len(r.Group) > mostGroup || strings.ContainsFunc(r.Group, func(x rune) bool { return x < ' ' || x > '~' }) {
			return bad(at+".group", r.Group, "is no name of a group: it goes into a header, in ASCII, of at most %d bytes", mostGroup)
		}
		if c.RegistryOf(r) == "" {
			return bad(at+".cluster", "", "is not set, and there are %d clusters: say of which one the topics of its subjects are", len(c.Clusters))
		}
		for j, other := range c.SchemaRegistry[:i] {
			if c.oneRegistry(r, other) && r.groups() == other.groups() {
				return bad(at+".url", "", "schema_registry[%d] reads the same schemas of the same registry", j)
			}
		}
	}
	return nil
}

// RegistryLeaves is which groups of Apicurio an entry that reads all groups leaves to other entries, sorted.
func (c *Config) RegistryLeaves(r Registry) (groups []string) {
	if r.groups() != everyGroup {
		return nil
	}
	for _, other := range c.SchemaRegistry {
		if group := other.groups(); group != everyGroup && c.oneRegistry(r, other) {
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// oneRegistry reports whether two entries are one registry by an address, for one cluster.
func (c *Config) oneRegistry(a, b Registry) bool {
	if c.RegistryOf(a) != c.RegistryOf(b) {
		return false
	}
	return slices.ContainsFunc(a.Server().Addresses(), func(x string) bool {
		return slices.ContainsFunc(b.Server().Addresses(), func(y string) bool { return strings.EqualFold(registryAt(x), registryAt(y)) })
	})
}

// registryAt is an address without the interface that its path may name.
func registryAt(url string) string {
	for _, part := range []string{confluentPath, ownInterface} {
		if i := strings.Index(url, part); i >= 0 {
			url = url[:i]
		}
	}
	return strings.TrimRight(url, "/")
}

// groups is the group of Apicurio that an entry reads, or everyGroup, which is no name.
func (r Registry) groups() string {
	switch confluent := func(url string) bool { return strings.Contains(url, confluentPath) }; {
	case r.Group != "":
		return r.Group
	case r.Type == confluentType || r.Type == "" && slices.ContainsFunc(r.Server().Addresses(), confluent):
		return defaultGroup
	default:
		return everyGroup
	}
}
