package config

import "fmt"

// RegistryOf is the name of the cluster whose topics the subjects of a schema registry are of: the configured one, else
// the only one there is; empty: that can't be told.
func (c *Config) RegistryOf(r Server) string {
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
		if err := c.checkServerOf(at, "of the registry, e.g. http://127.0.0.1:8081", r, taken); err != nil {
			return err
		}
		if c.RegistryOf(r) == "" {
			return bad(at+".cluster", "", "is not set, and there are %d clusters: say of which one the topics of its subjects are", len(c.Clusters))
		}
	}
	return nil
}
