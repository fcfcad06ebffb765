package config

import (
	"io"

	"go.yaml.in/yaml/v3"
)

// Print writes the configuration as YAML, defaults included and secrets redacted.
func (c Config) Print(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return err
	}
	return e.Close()
}
