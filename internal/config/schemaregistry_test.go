package config

import (
	"slices"
	"testing"
)

// TestRegistryLeaves: what several entries of one registry see is read by one of them.
func TestRegistryLeaves(t *testing.T) {
	c := Config{Clusters: []Cluster{{Name: "west"}, {Name: "east"}}, SchemaRegistry: []Registry{
		{Name: "own", URL: "http://a:8080", Cluster: "west"},
		{Name: "as-confluent", URLs: []string{"http://b", "http://a:8080/apis/ccompat/v7"}, Cluster: "west"},
		{Name: "shop", URL: "http://a:8080/apis/registry/v3", Group: "shop", Cluster: "west"},
		{Name: "east", URL: "http://a:8080", Group: "east", Cluster: "east"},
		{Name: "other", URL: "http://c:8080", Group: "c", Cluster: "west"},
	}}
	for i, want := range [][]string{{"default", "shop"}, nil, nil, nil, nil} {
		if got := c.RegistryLeaves(c.SchemaRegistry[i]); !slices.Equal(got, want) {
			t.Errorf("%s leaves %q, want %q", c.SchemaRegistry[i].Name, got, want)
		}
	}
}
