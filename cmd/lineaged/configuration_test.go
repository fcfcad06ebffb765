package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/config"
)

func TestConfigurationOfTheLedger(t *testing.T) {
	cfg := config.Default()
	cfg.Clusters = []config.Cluster{{Name: "west", Brokers: []string{"a:1"}}}
	cfg.Clusters[0].SASL.Password = config.NewSecret("open-sesame")
	was, err := configuration(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Clusters[0].Name, cfg.Interval = "east", 2*cfg.Interval
	is, err := configuration(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, what := range slices.Sorted(maps.Keys(is)) {
		if string(is[what]) != string(was[what]) {
			changed = append(changed, what)
		}
		if strings.Contains(string(is[what]), "open-sesame") {
			t.Errorf("%s has a secret: %s", what, is[what])
		}
	}
	if got := strings.Join(changed, " "); got != "configuration configuration.clusters configuration.interval" {
		t.Errorf("%s are changed", got)
	}
	if got := string(is["configuration.clusters"]); !strings.HasPrefix(got, "clusters:\n") || !strings.Contains(got, "east") {
		t.Errorf("%q", got)
	}
}
