package config

import (
	"fmt"
	"strings"
)

// Registry is a schema registry.
type Registry struct {
	Name    string   `koanf:"name" yaml:"name,omitempty"`
	URL     string   `koanf:"url" yaml:"url,omitempty"`
	URLs    []string `koanf:"urls" yaml:"urls,omitempty"`
	Cluster string   `koanf:"cluster" yaml:"cluster,omitempty"`
	// Group is that of Apicurio whose artifacts are read as subjects; empty: the default group.
	Group     string    `koanf:"group" yaml:"group,omitempty"`
	BasicAuth BasicAuth `koanf:"basic_auth" yaml:"basic_auth,omitempty"`
	TLS       TLS       `koanf:"tls" yaml:"tls,omitempty"`
}

// Server is the registry as a server by HTTP.
func (r Registry) Server() Server {
	return Server{Name: r.Name, URL: r.URL, URLs: r.URLs, Cluster: r.Cluster, BasicAuth: r.BasicAuth, TLS: r.TLS}
}

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
		if len(r.Group) > mostGroup || strings.ContainsFunc(r.Group, func(x rune) bool { return x < ' ' || x > '~' }) {
			return bad(at+".group", r.Group, "is no name of a group: it goes into a header, in ASCII, of at most %d bytes", mostGroup)
		}
		if c.RegistryOf(r) == "" {
			return bad(at+".cluster", "", "is not set, and there are %d clusters: say of which one the topics of its subjects are", len(c.Clusters))
		}
	}
	return nil
}
