package answer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lineaged/lineaged/lineage"
)

// UsageScope is what a usage report is of: one topic, what bears a tag or is an owner's, one program, or one cluster.
type UsageScope struct {
	Of   ScopeKind
	Name string // an id of a node, or a tag, an owner, a cluster
}

// ScopeKind is by what a scope is given.
type ScopeKind uint8

// The kinds of scopes.
const (
	TopicScope ScopeKind = iota
	TagScope
	OwnerScope
	ApplicationScope // any node but a topic or a dataset
	ClusterScope     // by its name or id
)

// ScopeKinds are the kinds by the names that they are asked for by.
var ScopeKinds = map[string]ScopeKind{"topic": TopicScope, "tag": TagScope, "owner": OwnerScope, "application": ApplicationScope, "cluster": ClusterScope}

// String returns the name by which the kind is asked for.
func (k ScopeKind) String() string {
	return [...]string{TopicScope: "topic", TagScope: "tag", OwnerScope: "owner", ApplicationScope: "application", ClusterScope: "cluster"}[k]
}

// String says what the scope is, for people.
func (s UsageScope) String() string { return s.Of.String() + " " + s.Name }

// mostScope is how long the name of a scope is at most, in bytes: an id of two names of 249 characters, all encoded.
const mostScope = 4096

// check says what is wrong with a scope.
func (s UsageScope) check() error {
	if s.Name == "" || len(s.Name) > mostScope || !utf8.ValidString(s.Name) {
		return senseless("%s: %s is none: give its name, or the id of a node", s.Of, quote(s.Name))
	}
	if s.Of != TopicScope && s.Of != ApplicationScope {
		return nil
	}
	n, err := lineage.ParseNodeID(s.Name)
	switch {
	case err != nil:
		return senseless("%s: %s is no id of a node; one is e.g. topic:west/orders", s.Of, quote(s.Name))
	case s.Of == TopicScope && n.Kind != lineage.TopicNode:
		return senseless("topic: %s is not a topic", quote(s.Name))
	case s.Of == ApplicationScope && (n.Kind == lineage.TopicNode || n.Kind == lineage.DatasetNode || n.Kind == lineage.GroupNode):
		return senseless("application: %s is not one who reads or writes topics", quote(s.Name))
	}
	return nil
}

// named returns the scope as it is compared: ids as nodes spell them, a cluster by its name.
func (s UsageScope) named(v *View) (UsageScope, error) {
	if err := s.check(); err != nil {
		return s, err
	}
	switch s.Of {
	case TopicScope, ApplicationScope:
		n, _ := lineage.ParseNodeID(s.Name) // checked
		s.Name = n.ID()
	case ClusterScope:
		c, err := v.FindCluster(s.Name)
		if err != nil {
			return s, err
		}
		s.Name = c.known.Name
	case TagScope, OwnerScope:
	}
	return s, nil
}

// Covers reports whether a use belongs to the scope: of a tag or an owner if one of its two ends does.
func (s UsageScope) Covers(u *TopicUse) bool {
	switch s.Of {
	case TopicScope:
		return u.Topic.ID == s.Name
	case ApplicationScope:
		return u.Node.ID == s.Name
	case ClusterScope:
		return u.Topic.Scope == s.Name
	default:
		return s.Bears(&u.Topic) || s.Bears(&u.Node)
	}
}

// Bears reports whether one bears the scope's tag, or is its owner's.
func (s UsageScope) Bears(p *Party) bool {
	return s.Of == TagScope && slices.Contains(p.Tags, s.Name) || s.Of == OwnerScope && p.Owner == s.Name
}

// has reports whether data of a topic is of the scope: it bears the tag or is the owner's, or the tag comes to it.
func (s UsageScope) has(topic *Party) bool { return s.Bears(topic) || topic.Way != nil }

// Party is one of the two ends of a use, as it was called then: a topic, or who wrote or read it.
type Party struct {
	ID    string
	Kind  lineage.NodeKind
	Scope string // the cluster of a topic; of others as in their ids
	Name  string
	Owner string // empty: nobody named one
	Tags  []string
	// Way is, of a topic in a report of a tag that it does not bear, by which nodes the tag comes to it, from one that
	// bears it to the topic: it is derived. nil: it is not, or nobody knows it.
	Way []lineage.Node
}

// PartyOf returns the end of an id. The ledger cuts ids that are too long, which are names themselves then.
func PartyOf(id, owner string, tags []string) Party {
	p := Party{ID: id, Owner: owner, Tags: tags}
	n, err := lineage.ParseNodeID(id)
	if err != nil {
		kind, rest, _ := strings.Cut(id, ":")
		n.Scope, n.Name, _ = strings.Cut(rest, "/")
		n.Kind = lineage.UnidentifiedNode
		if kind == "topic" {
			n.Kind = lineage.TopicNode
		}
	}
	p.Kind, p.Scope, p.Name = n.Kind, n.Scope, n.Name
	return p
}

func (v *View) partyOf(n lineage.Node) Party {
	owner, tags := v.describe(n)
	return Party{ID: n.ID(), Kind: n.Kind, Scope: n.Scope, Name: n.Name, Owner: owner, Tags: tags}
}
