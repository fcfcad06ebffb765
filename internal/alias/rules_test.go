package alias_test

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// rulesOf reads rules as they stand in the configuration.
func rulesOf(t *testing.T, text string) (rules []lineage.ClusterRule) {
	t.Helper()
	var file struct {
		Aliases []struct{ Spelling, From, Cluster string } `yaml:"cluster_aliases"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, x := range file.Aliases {
		rules = append(rules, lineage.ClusterRule(x))
	}
	if len(rules) != 1 {
		t.Fatalf("%s is %d rules", text, len(rules))
	}
	return rules
}
