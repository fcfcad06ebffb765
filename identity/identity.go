// Package identity says which node of the graph a client is: client facts and rules in, node and deciding rule out.
//
// It is pure: it knows no clock and keeps nothing of what it is asked, so that a rule that is added names the past as
// well. It hides the conventions by which known clients name themselves, and which parts of a name say only which
// instance of an application speaks. It refuses to guess: names that merely look alike stay two nodes, and a library's
// default name is nobody's. A client bears all that links join to it (links.go), whenever they were told.
//
// The best name decides, in this order: a rule of the user's, a convention of a known client, the group id without what
// was made for one run, the transactional.id without its instance suffix, the client.id without its instance suffix. A
// group whose id names nobody is called as its members are; readers of whom nothing says more are one application,
// anonymous. A client of which nothing but its principal is known is called as that. What none of them names is the
// topic's UNIDENTIFIED node where it writes, unless a rule declares whose that is, and anonymous where it reads.
package identity

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Rule names an application. A nil pattern says nothing; all others must match what was seen, and a field that was not
// seen matches none. Patterns match anywhere in a text unless they are anchored.
type Rule struct {
	ClientID, Group, TransactionalID, Principal *regexp.Regexp

	// Unidentified is a pattern on CLUSTER/TOPIC of writers that nothing else names: what nobody names that writes
	// there is the application, because a person says so. The rule then names no other client.
	Unidentified *regexp.Regexp

	// Name is the application's name; $1 or ${1} stands for a group of the first pattern, in the order of the fields,
	// that has groups. Beside Unidentified it may be the readable id of another node, as of a stream job.
	Name string
	// Owner and Tags describe the application.
	Owner string
	Tags  []string
	// PerCluster makes one application per cluster even within an environment: the node's scope is then the cluster's
	// name.
	PerCluster bool
	About
}

// About is what else rules say of the nodes that they describe.
type About struct {
	Contact, Description string
	Stops                []string // tags that do not go on from there
	Properties           map[string]string
}

// TopicRule describes topics.
type TopicRule struct {
	Match *regexp.Regexp // on the topic's name
	Owner string
	Tags  []string
	About
}

// NodeRule describes nodes of any kind.
type NodeRule struct {
	Match *regexp.Regexp // on the node's readable id, e.g. ^connector:connect-west/jdbc
	Owner string
	Tags  []string
	About
}

// Rules are what a user says of names. In each list the first rule that matches wins.
type Rules struct {
	Applications []Rule
	Topics       []TopicRule
	Nodes        []NodeRule
}

// Resolver applies rules and conventions. It never changes and may be used from any number of goroutines.
type Resolver struct {
	rules  []compiled
	topics []TopicRule
	nodes  []NodeRule
}

// New checks the rules and returns a Resolver. The error is a *RuleError.
func New(r Rules) (*Resolver, error) {
	out := &Resolver{topics: slices.Clone(r.Topics), nodes: slices.Clone(r.Nodes)}
	for i, rule := range r.Applications {
		c, err := compile(i+1, rule)
		if err != nil {
			return nil, err
		}
		out.rules = append(out.rules, c)
	}
	for i, t := range r.Topics {
		if t.Match == nil {
			return nil, &RuleError{List: "topics", Index: i, Key: "match", Problem: noPattern}
		}
	}
	for i, n := range r.Nodes {
		if n.Match == nil {
			return nil, &RuleError{List: "nodes", Index: i, Key: "match", Problem: noPattern}
		}
	}
	return out, nil
}

// Know returns a Knowledge that holds nothing yet. of tells the names of a cluster.
func (r *Resolver) Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	return NewKnowledge(of)
}

const byMember = "member client.id"

// Resolve returns the node that a reads or writes as in cluster c, and which rule or convention decided, in words for
// people. known is what else is known of the client; of a group's members the first by client.id decides where they
// differ. Of an access that stands for the topic itself Resolve returns the topic, of a mover's own the mover as it was
// seen.
//
// An application's scope is the environment, a stream job's, a topic's and an UNIDENTIFIED node's the cluster's name.
func (r *Resolver) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	if known.Joined == nil {
		return r.resolve(c, a, known)
	}
	seen := a.Client
	a.Client = known.Joined.Client
	n, words := r.resolve(c, a, known)
	if seen.Group != "" { // it is called by that
		return n, words
	}
	if plain, _ := ownNameOf(seen, known.Group); n.Kind != lineage.UnidentifiedNode && !strings.HasPrefix(words, lineage.ByDeclaration) && (plain == "" || plain != n.Name) {
		words += ", joined by " + known.Joined.By.Evidence.String()
	}
	return n, words
}

func (r *Resolver) resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	topic := cmp.Or(a.Topic.Name, a.Topic.ID.String())
	switch {
	case a.Op == lineage.OpNone:
		return node(c, lineage.TopicNode, topic), "topic"
	case a.Client.Mover.Kind != lineage.NoKind && known.Runs.Kind != lineage.NoKind:
		return known.Runs, known.RunsBy
	case a.Client.Mover.Kind != lineage.NoKind:
		return a.Client.Mover, cmp.Or(a.Client.Software, moverWords(a.Client.Mover)) // an engine that tells of its job
	case a.Client.Kind != lineage.Connection && known.Application == "":
		return r.unidentified(c, topic, a)
	case known.Runs.Kind != lineage.NoKind:
		return known.Runs, known.RunsBy
	case known.Connector.Kind != lineage.NoKind:
		return known.Connector, moverWords(known.Connector)
	}
	if n, words, ok := r.named(c, gather(a.Client, known.Group), known); ok {
		return n, words
	}
	if known.Member != nil {
		// What a rule or a convention makes of the group holds for whoever is found to be of it.
		facts := gather(lineage.Client{Group: known.Member.Ref.Group}, known.Member)
		if n, _, ok := r.named(c, facts, lineage.Known{Group: known.Member, Home: known.Home}); ok {
			return n, cmp.Or(known.MemberBy, byMember)
		}
	}
	name, by := known.Name, known.NameBy
	if by == "" { // nobody has looked further than this client
		name, by = ownNameOf(a.Client, known.Group)
	}
	switch {
	case name != "":
		return node(c, lineage.ApplicationNode, name), by
	case a.Client.Group != "":
		return nameless(c, a.Client.Group)
	case known.Member != nil && known.MemberBy != "":
		n, _ := nameless(c, known.Member.Ref.Group)
		return n, known.MemberBy
	}
	if name := principalName(a.Client.Principal); name != "" {
		return node(c, lineage.ApplicationNode, name), lineage.ByPrincipal
	}
	return r.unidentified(c, topic, a)
}

// ownNameOf returns what a client in no group is called by its own ids, and one in a group by the group's members,
// where nothing else is known.
func ownNameOf(c lineage.Client, group *lineage.GroupFact) (name, by string) {
	var names *groupNames
	switch {
	case c.Group == "":
		return names.own(c)
	case group != nil && group.Ref.Group == c.Group:
		return names.called(c.Group, group.Members), byMember
	case c.ClientID != "":
		return names.called(c.Group, []lineage.Member{{ClientID: c.ClientID, Host: c.Host}}), byMember
	}
	return "", lineage.ByNothing
}

// nameless returns the node of a group that nothing names. One that was made for one run is the environment's anonymous
// application; a placeholder is a name in its own cluster, and no other's.
func nameless(c lineage.Cluster, group string) (lineage.Node, string) {
	if _, kind := groupName(group); kind == madeUp {
		return node(c, lineage.ApplicationNode, anonymous), byRun
	}
	n := node(c, lineage.ApplicationNode, group)
	n.Scope = clusterScope(c)
	return n, byPlaceholder
}

// named returns the node that a rule, a convention or the group gives. What belongs to a Kafka Streams application is
// where that is at home.
func (r *Resolver) named(c lineage.Cluster, f facts, known lineage.Known) (n lineage.Node, words string, ok bool) {
	home := c
	if known.Home.ID != "" {
		home = known.Home
	}
	f.application = known.Application
	if f.application == "" {
		f.application = streams(&f)
	}
	if n, words, ok = r.ruled(c, home, &f); ok {
		return n, words, true
	}
	if known.Application != "" {
		// What a rule makes of an application's group holds for all of the application.
		job := gather(lineage.Client{Group: known.Application}, known.Job)
		job.application = known.Application
		if n, words, ok = r.ruled(c, home, &job); ok {
			return n, words, true
		}
		return node(home, lineage.StreamJobNode, known.Application), known.By, true
	}
	for _, conv := range conventions {
		if name := conv.name(&f); name != "" {
			return node(home, conv.kind, name), conv.words, true
		}
	}
	if name, _ := groupName(f.group); name == f.group && name != "" {
		return node(c, lineage.ApplicationNode, name), "group id", true
	} else if name != "" {
		return node(c, lineage.ApplicationNode, name), "group id without what was made for one run", true
	}
	return n, "", false
}

// ruled returns the node that a rule gives.
func (r *Resolver) ruled(c, home lineage.Cluster, f *facts) (n lineage.Node, words string, ok bool) {
	for i := range r.rules {
		name, ok := r.rules[i].apply(f)
		if !ok {
			continue
		}
		if name == f.application { // the rule says who owns it, and no other name
			return node(home, lineage.StreamJobNode, name), r.rules[i].words, true
		}
		if other, ok := declared(name); ok && r.rules[i].rule.Unidentified != nil {
			return other, r.rules[i].words, true
		}
		n := node(c, lineage.ApplicationNode, name)
		if r.rules[i].rule.PerCluster {
			n.Scope = clusterScope(c)
		}
		return n, r.rules[i].words, true
	}
	return n, "", false
}

func moverWords(n lineage.Node) string {
	switch n.Kind {
	case lineage.ReplicatorNode:
		return "MirrorMaker 2"
	case lineage.StreamJobNode, lineage.JobNode:
		return "OpenLineage"
	default:
		return "Kafka Connect"
	}
}

// node gives a name its scope. Further kinds that a cluster owns go the way of topics.
func node(c lineage.Cluster, kind lineage.NodeKind, name string) lineage.Node {
	n := lineage.Node{Scope: clusterScope(c), Kind: kind, Name: name}
	if kind == lineage.ApplicationNode {
		n.Scope = environment(c)
	}
	return n
}

// environment is the scope of application names.
func environment(c lineage.Cluster) string { return cmp.Or(c.Environment, clusterScope(c)) }

// clusterScope is the cluster's name. A scope is never empty, since a node's id must not be.
func clusterScope(c lineage.Cluster) string { return cmp.Or(c.Name, string(c.ID), "unknown") }

// facts are what is known of who a client is.
type facts struct {
	client    lineage.Client
	group     string
	groupType string
	clientIDs []string // the client's own, then those of its group's members, sorted, each once

	application  string // of the Kafka Streams application that it is known to belong to; empty: of none
	unidentified string // CLUSTER/TOPIC of a writer that nothing names; empty: it is none
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

// Describe returns the owner and the tags of a node: of a topic by the first topic rule that matches its name, of an
// application or a stream job by the first rule that gives that name or can give it, and what these leave open, as for
// all other kinds, by the first node rule that matches its id, as it stands in answers or with nothing encoded. The
// caller must not change the tags.
func (r *Resolver) Describe(n lineage.Node) (owner string, tags []string) {
	switch n.Kind {
	case lineage.TopicNode:
		for _, t := range r.topics {
			if t.Match.MatchString(n.Name) {
				owner, tags = t.Owner, t.Tags
				break
			}
		}
	case lineage.ApplicationNode, lineage.StreamJobNode:
		for i := range r.rules {
			if r.rules[i].names.MatchString(n.Name) {
				owner, tags = r.rules[i].rule.Owner, r.rules[i].rule.Tags
				break
			}
		}
	default:
	}
	if len(r.nodes) == 0 || owner != "" && tags != nil {
		return owner, tags
	}
	id, plain := n.ID(), n.Plain()
	for _, rule := range r.nodes {
		if rule.Match.MatchString(id) || plain != id && rule.Match.MatchString(plain) {
			owner = cmp.Or(owner, rule.Owner)
			if tags == nil {
				tags = rule.Tags
			}
			break
		}
	}
	return owner, tags
}
