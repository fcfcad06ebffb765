package declared

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// The annotations that tie an entity of Backstage to what is observed.
const (
	// groupsAnnotation is that of Backstage's plugin for Kafka: cluster/group, several separated by commas.
	groupsAnnotation = "kafka.apache.org/consumer-groups"
	// nodesAnnotation is ours: ids of nodes, separated by commas, which no id holds.
	nodesAnnotation = "lineaged.io/nodes"
)

// backstageVersions are those of Backstage's entities.
var backstageVersions = []string{"backstage.io/v1alpha1", "backstage.io/v1beta1"}

// parseBackstage reads entities of Backstage's software catalog, of which a file may hold several: components and
// resources, with whose they are and what ties them to nodes. What other entities say it passes. No location is
// followed.
func parseBackstage(tops []value) (format string, all []lineage.DeclaredComponent, err error) {
	for _, top := range tops {
		version, err := top.needed("apiVersion")
		if err != nil {
			return "", nil, err
		}
		if !slices.Contains(backstageVersions, version) {
			at, err := top.child("apiVersion")
			if err == nil {
				err = at.bad("is not read: %s are", strings.Join(backstageVersions, " and "))
			}
			return "", nil, err
		}
		kind, err := top.needed("kind")
		if err != nil {
			return "", nil, err
		}
		if kind != "Component" && kind != "Resource" {
			continue
		}
		c, err := component(top, kind)
		if err != nil {
			return "", nil, err
		}
		all = append(all, *c)
	}
	return "Backstage", all, nil
}

func component(top value, kind string) (*lineage.DeclaredComponent, error) {
	c := &lineage.DeclaredComponent{Said: top.said(), Kind: kind}
	metadata, err := top.get("metadata")
	if err != nil {
		return nil, err
	}
	if c.Name, err = metadata.needed("name"); err != nil {
		return nil, err
	}
	if err = named(metadata, map[string]*string{"title": &c.Title, "namespace": &c.Namespace, "description": &c.Description}); err != nil {
		return nil, err
	}
	if c.Tags, err = metadata.texts("tags"); err != nil {
		return nil, err
	}
	spec, err := top.get("spec")
	if err != nil {
		return nil, err
	}
	var owner string
	if err = named(spec, map[string]*string{"owner": &owner, "system": &c.System, "type": &c.Type, "lifecycle": &c.Lifecycle}); err != nil {
		return nil, err
	}
	c.Owner = ownerName(owner)
	annotations, err := metadata.get("annotations")
	if err != nil {
		return nil, err
	}
	if c.Groups, err = groupsOf(annotations); err != nil {
		return nil, err
	}
	c.Nodes, err = nodesOf(annotations)
	return c, err
}

// groupsOf reads by which consumer groups a component shows itself.
func groupsOf(annotations value) (out []lineage.DeclaredGroup, err error) {
	text, at, err := annotation(annotations, groupsAnnotation)
	if err != nil || text == "" {
		return nil, err
	}
	for one := range strings.SplitSeq(text, ",") {
		cluster, group, ok := strings.Cut(strings.TrimSpace(one), "/")
		if !ok || cluster == "" || group == "" {
			return nil, at.bad("is not CLUSTER/GROUP, several separated by commas")
		}
		out = append(out, lineage.DeclaredGroup{Cluster: cluster, Group: group})
	}
	return out, nil
}

// nodesOf reads which nodes an entity is.
func nodesOf(annotations value) (out []lineage.Node, err error) {
	text, at, err := annotation(annotations, nodesAnnotation)
	if err != nil || text == "" {
		return nil, err
	}
	for one := range strings.SplitSeq(text, ",") {
		n, err := lineage.ParseNodeID(strings.TrimSpace(one))
		if err != nil {
			return nil, at.bad("is no node's id, several separated by commas; one is e.g. topic:west/orders")
		}
		out = append(out, n)
	}
	return out, nil
}

func annotation(all value, key string) (text string, at value, err error) {
	if !all.there() {
		return "", all, nil
	}
	if at, err = all.get(key); err != nil {
		return "", at, err
	}
	text, err = at.text()
	return text, at, err
}

// ownerName is an owner as elsewhere: Backstage writes [KIND:][NAMESPACE/]NAME, of which what is usual is left out. It
// wants one of everything; unknown is what people write who know none, and lineaged in what it exports.
func ownerName(ref string) string {
	if ref == "unknown" {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(ref, "group:"), "user:"), "default/")
}

// openAll is open of a file that may hold several documents.
func (p *parser) openAll(name string) (all []value, err error) {
	shown := p.shown(name)
	text, err := p.load(name)
	if err == nil {
		err = bounded(text)
	}
	if err != nil {
		return nil, &Error{File: shown, Problem: err.Error()}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Error{File: shown, Problem: syntax(err)}
		}
		if len(all) == mostItems {
			return nil, &Error{File: shown, Problem: "holds too many documents"}
		}
		n := &doc
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			n = plain(doc.Content[0])
		}
		if isNull(n) { // after a last ---
			continue
		}
		if n.Kind != yaml.MappingNode {
			return nil, &Error{File: shown, Line: n.Line, Problem: "is not a YAML mapping of keys to values"}
		}
		all = append(all, value{d: &document{p: p, name: name, shown: shown, root: n}, n: n})
	}
	if len(all) == 0 {
		return nil, &Error{File: shown, Problem: "is empty"}
	}
	return all, nil
}
