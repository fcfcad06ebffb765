package registry

import (
	"github.com/lineaged/lineaged/collector/rest"
)

// mostBytes bounds one answer: a list of 100,000 subjects, or a schema, which takes a few kilobytes.
const mostBytes = 8 << 20

// groupHeader names the group whose artifacts Apicurio 3 answers as subjects of Confluent's interface. Other registries
// do not know it.
const groupHeader = "X-Registry-GroupId"

// newClient asks the addresses of one registry. Any of them answers for all, and what one does not have none has.
func newClient(cfg Config) *rest.Client {
	var headers map[string]string
	if cfg.Group != "" {
		headers = map[string]string{groupHeader: cfg.Group}
	}
	return rest.New(rest.Config{
		URLs: cfg.URLs, Username: cfg.Username, Password: cfg.Password, TLS: cfg.TLS, What: "a schema registry", Most: mostBytes,
		Accept: "application/vnd.schemaregistry.v1+json, application/json", Final: []error{rest.ErrNotFound}, Headers: headers,
	})
}
