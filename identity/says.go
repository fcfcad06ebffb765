package identity

import (
	"fmt"

	"github.com/lineaged/lineaged/lineage"
)

// Says returns all that rules say of a node, with which rule says it: of each thing the rule of the node's own kind, as
// in Describe, and what that leaves open the first node rule that matches. The caller must not change the texts.
func (r *Resolver) Says(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	out := map[lineage.Slot]lineage.Ruled{}
	take := func(owner string, tags []string, a *About, list string, i int) {
		rule := fmt.Sprintf("rule %d of %s", i+1, list)
		put := func(f lineage.Field, key string, texts []string) {
			s := lineage.Slot{Field: f, Key: key}
			if _, said := out[s]; !said && texts != nil {
				out[s] = lineage.Ruled{Texts: texts, Rule: rule}
			}
		}
		put(lineage.OwnerField, "", one(owner))
		put(lineage.TagsField, "", tags)
		put(lineage.ContactField, "", one(a.Contact))
		put(lineage.DescriptionField, "", one(a.Description))
		put(lineage.StopsField, "", a.Stops)
		for key, text := range a.Properties {
			put(lineage.PropertyField, key, one(text))
		}
	}
	switch n.Kind {
	case lineage.TopicNode:
		for i := range r.topics {
			if t := &r.topics[i]; t.Match.MatchString(n.Name) {
				take(t.Owner, t.Tags, &t.About, "topics", i)
				break
			}
		}
	case lineage.ApplicationNode, lineage.StreamJobNode:
		for i := range r.rules {
			if rule := &r.rules[i]; rule.names.MatchString(n.Name) {
				take(rule.rule.Owner, rule.rule.Tags, &rule.rule.About, "applications", i)
				break
			}
		}
	default:
	}
	id, plain := n.ID(), n.Plain()
	for i := range r.nodes {
		rule := &r.nodes[i]
		if rule.Match.MatchString(id) || plain != id && rule.Match.MatchString(plain) {
			take(rule.Owner, rule.Tags, &rule.About, "nodes", i)
			break
		}
	}
	return out
}
