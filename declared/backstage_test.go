package declared

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/lineage"
)

const catalogInfo = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: billing
  title: Billing
  description: Writes bills.
  tags: [tier-1]
  annotations:
    kafka.apache.org/consumer-groups: west/billing, east/billing/2
    lineaged.io/nodes: application:shop/billing, topic:west/bills
spec: {type: service, lifecycle: production, owner: 'group:default/team-money', system: shop}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: bills}
spec: {type: asyncapi, lifecycle: production, owner: x, definition: {$text: ./bills.yaml}}
---
apiVersion: backstage.io/v1beta1
kind: Resource
metadata: {name: orders, namespace: eu}
spec: {type: kafka-topic, owner: user:eu/ann}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: nobodys}
spec: {type: service, lifecycle: unknown, owner: unknown}
---
`

func componentsOf(text string) ([]lineage.DeclaredComponent, error) {
	p := newParser(func(string) ([]byte, error) { return []byte(text), nil }, func(name string) string { return name })
	all, err := p.openAll("a.yaml")
	if err != nil {
		return nil, err
	}
	_, out, err := parseBackstage(all)
	return out, err
}

func TestComponents(t *testing.T) {
	got, err := componentsOf(catalogInfo)
	want := []lineage.DeclaredComponent{
		{
			Said: lineage.Said{File: "a.yaml", Line: 1}, Kind: "Component", Name: "billing", Title: "Billing", Description: "Writes bills.", Type: "service", Lifecycle: "production",
			System: "shop", Owner: "team-money", Tags: []string{"tier-1"},
			Groups: []lineage.DeclaredGroup{{Cluster: "west", Group: "billing"}, {Cluster: "east", Group: "billing/2"}},
			Nodes:  []lineage.Node{{Scope: "shop", Kind: lineage.ApplicationNode, Name: "billing"}, {Scope: "west", Kind: lineage.TopicNode, Name: "bills"}},
		},
		{Said: lineage.Said{File: "a.yaml", Line: 18}, Kind: "Resource", Namespace: "eu", Name: "orders", Type: "kafka-topic", Owner: "eu/ann"},
		{Said: lineage.Said{File: "a.yaml", Line: 23}, Kind: "Component", Name: "nobodys", Type: "service", Lifecycle: "unknown"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestComponentsThatAreWrong(t *testing.T) {
	const head = "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
	for text, want := range map[string]string{
		"":                           "a.yaml: is empty",
		"---\n":                      "a.yaml: is empty",
		"- x":                        "a.yaml:1: is not a YAML mapping of keys to values",
		"kind: Component":            `a.yaml:1: /apiVersion: is not set`,
		"apiVersion: v1\nkind: Pod":  `a.yaml:1: /apiVersion: "v1": is not read: backstage.io/v1alpha1 and backstage.io/v1beta1 are`,
		head + "metadata: {}":        "a.yaml:3: /metadata/name: is not set",
		head + "metadata: {name: 1}": `a.yaml:3: /metadata/name: "1": is not text: put it in quotes`,
		head + "metadata: {name: a, annotations: {kafka.apache.org/consumer-groups: billing}}": `a.yaml:3: /metadata/annotations/kafka.apache.org~1consumer-groups: "billing": is not CLUSTER/GROUP, several separated by commas`,
		head + "metadata: {name: a, annotations: {lineaged.io/nodes: 'x:y'}}":                  `a.yaml:3: /metadata/annotations/lineaged.io~1nodes: "x:y": is no node's id, several separated by commas; one is e.g. topic:west/orders`,
		head + "metadata: {name: a}\n---\nx":                                                   "a.yaml:5: is not a YAML mapping of keys to values",
		head + "metadata: {name: a}\n---\n{":                                                   "a.yaml: is not YAML, see line 5",
	} {
		_, err := componentsOf(text)
		if e, ok := errors.AsType[*Error](err); !ok || e.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestCatalogFiles reads a file, and changes it: of one that is wrong what it said before holds.
func TestCatalogFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "catalog-info.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(catalogInfo)
	var r Reader
	cfg := Config{Backstage: []string{filepath.Join(dir, "*.yaml")}, Base: dir}
	now, changed := r.Read(cfg)
	if len(now.Components) != 3 || !changed || len(now.Files) != 1 || now.Files[0].Format != "Backstage" || len(Problems(now)) != 0 {
		t.Errorf("%+v, %v", now, changed)
	}
	if _, changed = r.Read(cfg); changed {
		t.Error("what did not change is read again")
	}
	write(catalogInfo + "x")
	if now, changed = r.Read(cfg); len(now.Components) != 3 || !changed || !now.Files[0].Stale || len(Problems(now)) != 1 {
		t.Errorf("%+v, %v", now, changed)
	}
}

func FuzzComponents(f *testing.F) {
	f.Add(catalogInfo)
	f.Add("&a {x: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := componentsOf(text)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("%v is no error of a file", err)
		}
		for _, c := range all {
			if c.Name == "" || c.File != "a.yaml" {
				t.Errorf("%+v", c)
			}
		}
	})
}
