// Package identity says which node of the graph a client is: client facts and rules in, node and deciding rule out.
//
// It is pure: it knows no clock and keeps nothing of what it is asked, so that a rule that is added names the past as well. It hides the
// conventions by which known clients name themselves, and which parts of a name say only which instance of an application speaks.
// It refuses to guess: names that merely look alike stay two nodes, and a library's default name is nobody's.
//
// The best name decides, in this order: a rule of the user's, a convention of a known client, the group id, the transactional.id without
// its instance suffix, the client.id without its instance suffix. What none of them names is the topic's UNIDENTIFIED node.
package identity

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Rule names an application. A nil pattern says nothing; all others must match what was seen, and a field that was not seen matches none. Patterns match
// anywhere in a text unless they are anchored.
type Rule struct {
	ClientID, Group, TransactionalID, Principal *regexp.Regexp

	// Name is the application's name; $1 or ${1} stands for a group of the first pattern, in the order of the fields, that has groups.
	Name string
	// Owner and Tags describe the application.
	Owner string
	Tags  []string
	// PerCluster makes one application per cluster even within an environment: the node's scope is then the cluster's name.
	PerCluster bool
}

// TopicRule describes topics.
type TopicRule struct {
	Match *regexp.Regexp // on the topic's name
	Owner string
	Tags  []string
}

// Rules are what a user says of names. In each list the first rule that matches wins.
type Rules struct {
	Applications []Rule
	Topics       []TopicRule
}

// Resolver applies rules and conventions. It never changes and may be used from any number of goroutines.
type Resolver struct {
	rules  []compiled
	topics []TopicRule
}

// New checks the rules and returns a Resolver. The error names the rule, counted from 1, and what is wrong with it.
func New(r Rules) (*Resolver, error) {
	out := &Resolver{topics: slices.Clone(r.Topics)}
	for i, rule := range r.Applications {
		c, err := compile(i+1, rule)
		if err != nil {
			return nil, err
		}
		out.rules = append(out.rules, c)
	}
	for i, t := range r.Topics {
		if t.Match == nil {
			return nil, topicRuleError(i + 1)
		}
	}
	return out, nil
}

// noName is why an access belongs to no application.
const noName = "no name seen"

// Resolve returns the node that a reads or writes as in cluster c, and which rule or convention decided, in words for people. group is what is known of the
// group in a.Client, nil when nothing is; of its members the first by client.id decides where they differ. Of an access that stands for the topic itself
// Resolve returns the topic.
//
// An application's scope is the environment, a topic's and an UNIDENTIFIED node's the cluster's name.
func (r *Resolver) Resolve(c lineage.Cluster, a lineage.Access, group *lineage.GroupFact) (lineage.Node, string) {
	topic := cmp.Or(a.Topic.Name, a.Topic.ID.String())
	if a.Op == lineage.OpNone {
		return node(c, lineage.TopicNode, topic), "topic"
	}
	if a.Client.Kind == lineage.Connection {
		f := gather(a.Client, group)
		for i := range r.rules {
			if name, ok := r.rules[i].apply(&f); ok {
				n := node(c, lineage.ApplicationNode, name)
				if r.rules[i].rule.PerCluster {
					n.Scope = clusterScope(c)
				}
				return n, r.rules[i].words
			}
		}
		for _, conv := range conventions {
			if name := conv.name(&f); name != "" {
				return node(c, conv.kind, name), conv.words
			}
		}
		if f.group != "" {
			return node(c, lineage.ApplicationNode, f.group), "group id"
		}
		if name := instanceless(a.Client.TransactionalID, a.Client.Host); name != "" {
			return node(c, lineage.ApplicationNode, name), "transactional.id"
		}
		if name := instanceless(a.Client.ClientID, a.Client.Host); name != "" {
			return node(c, lineage.ApplicationNode, name), "client.id"
		}
	}
	return node(c, lineage.UnidentifiedNode, topic), noName
}

// node gives a name its scope. Further kinds that a cluster owns go the way of topics.
func node(c lineage.Cluster, kind lineage.NodeKind, name string) lineage.Node {
	n := lineage.Node{Scope: clusterScope(c), Kind: kind, Name: name}
	if kind == lineage.ApplicationNode {
		n.Scope = cmp.Or(c.Environment, n.Scope)
	}
	return n
}

// clusterScope is the cluster's name. A scope is never empty, since a node's id must not be.
func clusterScope(c lineage.Cluster) string { return cmp.Or(c.Name, string(c.ID), "unknown") }

// facts are what is known of who a client is.
type facts struct {
	client    lineage.Client
	group     string
	groupType string
	clientIDs []string // the client's own, then those of its group's members, sorted, each once
}

func gather(c lineage.Client, group *lineage.GroupFact) facts {
	f := facts{client: c, group: c.Group}
	if group != nil && c.Group != "" && group.Ref.Group == c.Group {
		f.groupType = group.Type
		for _, m := range group.Members {
			if m.ClientID != "" {
				f.clientIDs = append(f.clientIDs, m.ClientID)
			}
		}
		slices.Sort(f.clientIDs)
		f.clientIDs = slices.Compact(f.clientIDs)
	}
	if c.ClientID != "" {
		f.clientIDs = append([]string{c.ClientID}, slices.DeleteFunc(f.clientIDs, func(id string) bool { return id == c.ClientID })...)
	}
	return f
}

// Describe returns the owner and the tags of a node: of a topic by the first topic rule that matches its name, of an application by the first rule that
// gives that name or can give it. The caller must not change the tags.
func (r *Resolver) Describe(n lineage.Node) (owner string, tags []string) {
	switch n.Kind {
	case lineage.TopicNode:
		for _, t := range r.topics {
			if t.Match.MatchString(n.Name) {
				return t.Owner, t.Tags
			}
		}
	case lineage.ApplicationNode:
		for i := range r.rules {
			if r.rules[i].names.MatchString(n.Name) {
				return r.rules[i].rule.Owner, r.rules[i].rule.Tags
			}
		}
	default: // nobody describes the others yet
	}
	return "", nil
}
