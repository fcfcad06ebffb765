package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// This file writes what was observed as entities of Backstage's software catalog: topics as resources, programs as
// components, who reads a topic as what depends on it, and who writes it as what it depends on. What the catalog has
// already, as was imported, is named as it is there, and not written again.

var backstageForm = form{"backstage", "application/yaml", "yaml"}

// entity is an entity of Backstage.
type entity struct {
	kind, name, title, owner, typ string
	node                          string
	tags                          []string
	dependsOn, dependencyOf       []string
}

// Backstage returns the entities of all that is known of a window, to be read by Backstage as a file of a location.
func (e *Exporter) Backstage(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := question{
		span: p.span(), limit: p.number("limit", 1, mostNodes, mostNodes), form: backstageForm,
		only: answer.Filter{IncludeInactive: p.flag("includeInactive", true), IncludeInternal: p.flag("includeInternal", false)},
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	v, pic, err := e.picture(ctx, &q)
	if err != nil {
		return nil, err
	}
	all := pic.entities(v.Components())
	return &Document{
		MediaType: backstageForm.media, FileName: fileName("backstage", "", pic.Window.End, backstageForm), Size: int64(len(pic.Flows)+len(all)+1) * flowBytes,
		write: func(w io.Writer) error { return writeEntities(w, pic.head(), all) },
	}, nil
}

// entities are those of a picture's nodes that a catalog can hold, but for those that it holds already.
func (p *picture) entities(known []answer.Component) (out []*entity) {
	refs, byID := map[string]string{}, map[string]*entity{}
	for _, c := range known {
		for _, n := range c.Nodes {
			if _, ok := refs[n.ID()]; !ok {
				refs[n.ID()] = strings.ToLower(c.Kind) + ":" + orDefault(c.Namespace) + "/" + c.Name
			}
		}
	}
	for _, n := range p.Nodes {
		x := entityOf(n)
		if x == nil || refs[n.ID] != "" {
			continue
		}
		refs[n.ID], byID[n.ID] = strings.ToLower(x.kind)+":default/"+x.name, x
		out = append(out, x)
	}
	for _, f := range p.Flows {
		from, to := refs[f.From], refs[f.To]
		if from == "" || to == "" {
			continue
		}
		if x := byID[f.To]; x != nil {
			x.dependsOn = append(x.dependsOn, from)
		} else if x := byID[f.From]; x != nil { // the other one can't be told more
			x.dependencyOf = append(x.dependencyOf, to)
		}
	}
	for _, x := range out {
		slices.Sort(x.dependsOn)
		slices.Sort(x.dependencyOf)
	}
	slices.SortFunc(out, func(a, b *entity) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	return out
}

func orDefault(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

// entityTypes are what nodes are in a catalog; others are none that it can hold.
var entityTypes = map[lineage.NodeKind][2]string{
	lineage.TopicNode: {"Resource", "kafka-topic"}, lineage.ApplicationNode: {"Component", "service"}, lineage.StreamJobNode: {"Component", "stream-job"},
	lineage.ConnectorNode: {"Component", "kafka-connector"}, lineage.ReplicatorNode: {"Component", "kafka-replicator"},
}

func entityOf(n *node) *entity {
	is, ok := entityTypes[n.is.Kind]
	if !ok {
		return nil
	}
	x := &entity{kind: is[0], typ: is[1], name: entityName(n.is), title: isolated(n.Name), node: n.ID, owner: "unknown"}
	if entityRef.MatchString(n.Owner) {
		x.owner = n.Owner
	}
	for _, tag := range n.Tags {
		if entityTag.MatchString(tag) && len(tag) <= mostEntityName {
			x.tags = append(x.tags, tag)
		}
	}
	return x
}

// What Backstage takes for names, tags and references; what else is said of a node is left out.
var (
	entityChars = regexp.MustCompile(`[^a-zA-Z0-9]+`)
	entityTag   = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)
	entityRef   = regexp.MustCompile(`^([a-zA-Z]+:)?([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?/)?[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`)
)

const mostEntityName = 63

// entityName is a name that Backstage takes, and no other node's: what can stand in one of cluster and name, and a part
// of a digest of the id, in which the kind is too.
func entityName(n lineage.Node) string {
	sum := sha256.Sum256([]byte(n.ID()))
	digest := hex.EncodeToString(sum[:5])
	name := strings.Trim(entityChars.ReplaceAllString(n.Scope+"."+n.Name, "-"), "-")
	name = strings.TrimRight(name[:min(len(name), mostEntityName-len(digest)-1)], "-")
	return strings.TrimLeft(name+"-"+digest, "-")
}

// writeEntities writes YAML, a document an entity. Texts are written as JSON has them, which YAML reads too.
func writeEntities(w io.Writer, head []string, all []*entity) error {
	o := &object{w: w}
	o.text("# Written by lineaged; what is changed here is lost when it is written again.\n")
	for _, line := range head {
		o.text("# " + visible(line) + "\n")
	}
	for _, x := range all {
		o.text("---\napiVersion: backstage.io/v1alpha1\nkind: " + x.kind + "\nmetadata:\n  name: ")
		o.value(x.name)
		o.text("\n  title: ")
		o.value(x.title)
		o.text("\n  annotations: {lineaged.io/nodes: ")
		o.value(x.node)
		o.text("}")
		if len(x.tags) > 0 {
			o.text("\n  tags: ")
			o.value(x.tags)
		}
		o.text("\nspec:\n  type: " + x.typ + "\n  owner: ")
		o.value(x.owner)
		if x.kind == "Component" {
			o.text("\n  lifecycle: unknown")
		}
		for _, list := range []struct {
			name string
			refs []string
		}{{"dependsOn", x.dependsOn}, {"dependencyOf", x.dependencyOf}} {
			if len(list.refs) > 0 {
				o.text(fmt.Sprintf("\n  %s: ", list.name))
				o.value(list.refs)
			}
		}
		o.text("\n")
	}
	return o.err
}
