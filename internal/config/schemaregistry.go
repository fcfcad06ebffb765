package config

import "fmt"

// SchemaRegistry is one schema registry to read through its REST interface.
type SchemaRegistry struct {
	Name      string    `koanf:"name" yaml:"name,omitempty"`
	URL       string    `koanf:"url" yaml:"url,omitempty"`
	URLs      []string  `koanf:"urls" yaml:"urls,omitempty"`
	Cluster   string    `koanf:"cluster" yaml:"cluster,omitempty"`
	BasicAuth BasicAuth `koanf:"basic_auth" yaml:"basic_auth,omitempty"`
	TLS       TLS       `koanf:"tls" yaml:"tls,omitempty"`
}

func (r SchemaRegistry) server() Connect {
	return Connect(r)
}

// Addresses are the URLs of the registry, URL first.
func (r SchemaRegistry) Addresses() []string { return r.server().Addresses() }

// Source is the name under which what it says is stored: the configured one, else HOST:PORT of its first address.
func (r SchemaRegistry) Source() string { return r.server().Source() }

// Of is the name of the cluster whose topics its subjects are of: the configured one, else the only one there is;
// empty: that can't be told.
func (r SchemaRegistry) Of(c Config) string {
	if r.Cluster == "" && len(c.Clusters) == 1 {
		return c.Clusters[0].Source()
	}
	return r.Cluster
}

// checkRegistries goes after checkConnect, and has the names that are taken from there.
func (c *Config) checkRegistries() error {
	taken := map[string]string{}
	for i, cl := range c.Clusters {
		taken[cl.Source()] = fmt.Sprintf("clusters[%d]", i)
	}
	for i, cn := range c.Connect {
		taken[cn.Source()] = fmt.Sprintf("connect[%d]", i)
	}
	for i, r := range c.SchemaRegistry {
		at := fmt.Sprintf("schema_registry[%d]", i)
		if err := c.checkServerOf(at, "of the registry, e.g. http://127.0.0.1:8081", r.server(), taken); err != nil {
			return err
		}
		if r.Of(*c) == "" {
			return bad(at+".cluster", "", "is not set, and there are %d clusters: say of which one the topics of its subjects are", len(c.Clusters))
		}
	}
	return nil
}
