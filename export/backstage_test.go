package export

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// readEntity is an entity as Backstage reads it.
type readEntity struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name, Title string
		Annotations map[string]string
		Tags        []string
	}
	Spec struct {
		Type, Owner, Lifecycle string
		DependsOn              []string `yaml:"dependsOn"`
		DependencyOf           []string `yaml:"dependencyOf"`
	}
}

func readEntities(t *testing.T, text string) (all []readEntity) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var e readEntity
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if e.Kind != "" { // what stands before the first is a comment
			all = append(all, e)
		}
	}
}

// TestBackstage compares the entities of the shop with those in testdata, and holds that what depends on what is there.
func TestBackstage(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		got, file := asked(t, e.Backstage, "last=2m"), filepath.Join("testdata", "backstage.yaml")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		names := map[string]bool{}
		all := readEntities(t, got)
		for _, x := range all {
			names[strings.ToLower(x.Kind)+":default/"+x.Metadata.Name] = true
		}
		for _, x := range all {
			for _, ref := range append(x.Spec.DependsOn, x.Spec.DependencyOf...) {
				if !names[ref] {
					t.Errorf("%s depends on %s, which is not there", x.Metadata.Name, ref)
				}
			}
		}
		_, err = tried(t, e.Backstage, "limit=0")
		refusedAs(t, "limit=0", err, `limit: "0" is no whole number of 1 to 1000`)
	})
}

// What a catalog has already is named as it is there, and not written again.
func TestBackstageKnowsItsOwn(t *testing.T) {
	inShop(t, func(t *testing.T, _ *Exporter) {
		billing := lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "billing"}
		e := New(answer.New(answer.Options{
			History: shop(t), Identity: func() answer.Identity { return people{} }, Now: func() time.Time { return round(12).Add(time.Second) },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}},
			Declared: func() *lineage.Declarations {
				return &lineage.Declarations{Components: []lineage.DeclaredComponent{{Kind: "Component", Namespace: "money", Name: "bills", Nodes: []lineage.Node{billing}}}}
			},
		}))
		for _, x := range readEntities(t, asked(t, e.Backstage, "last=2m")) {
			if x.Metadata.Title == "billing" {
				t.Errorf("%+v is there already", x)
			}
			if x.Metadata.Title == "payments" && strings.Join(x.Spec.DependsOn, " ") != "component:money/bills" {
				t.Errorf("payments depends on %v", x.Spec.DependsOn)
			}
			if x.Metadata.Title == "orders" && x.Spec.Owner == "unknown" && x.Metadata.Annotations["lineaged.io/nodes"] == "topic:west/orders" && strings.Join(x.Spec.DependencyOf, " ") != "component:money/bills" {
				t.Errorf("on orders depends %v", x.Spec.DependencyOf)
			}
		}
	})
}

// inBackstage reads the entities of a picture: each name is one that Backstage takes.
func inBackstage(t *testing.T, p *picture, name string) {
	t.Helper()
	entityNames := regexp.MustCompile(`^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`)
	var b strings.Builder
	all := p.entities(nil)
	if err := writeEntities(&b, p.head(), all); err != nil {
		t.Fatal(err)
	}
	read, names := readEntities(t, b.String()), map[string]bool{}
	if len(read) != len(all) {
		t.Fatalf("%q: %d of %d entities are read back", name, len(read), len(all))
	}
	for i, x := range read {
		if !entityNames.MatchString(x.Metadata.Name) || len(x.Metadata.Name) > 63 || names[x.Metadata.Name] || x.Metadata.Annotations["lineaged.io/nodes"] != all[i].node || x.Spec.Owner == "" {
			t.Fatalf("%q: %+v", name, x)
		}
		names[x.Metadata.Name] = true
	}
}
