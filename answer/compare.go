package answer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// comparer makes a comparison.
type comparer struct {
	v        *View
	out      *comparison
	said     map[lineage.Node]description
	topics   map[string][]string                        // names of a cluster's topics by its name, sorted
	complete map[*Cluster]bool                          // observed as a whole
	named    map[*lineage.DeclaredApplication]nodesByID // whom an application's groups and client ids are
	// tried is how many names patterns were held against; of a long one each counts as several
	tried   int
	aliases *alias.Resolver // made when it is first asked
}

// mostTried is how many names all patterns are held against: a few seconds of work. Who has more of them gives them a
// beginning, which costs nothing.
const mostTried = 5_000_000

// try reports whether a pattern matches a name.
func (c *comparer) try(t *lineage.DeclaredTopic, name string) bool {
	c.tried += 1 + len(t.Match.String())/64
	return t.Match.MatchString(name)
}

type nodesByID map[lineage.ClusterID][]lineage.Node

func newComparer(v *View) *comparer {
	return &comparer{
		v:      v,
		out:    &comparison{expected: map[lineage.Flow]bool{}, about: map[lineage.Node]bool{}, patterns: map[lineage.Node][]*meant{}},
		said:   map[lineage.Node]description{},
		topics: map[string][]string{}, complete: map[*Cluster]bool{}, named: map[*lineage.DeclaredApplication]nodesByID{},
	}
}

// knowAll takes in whom the groups and client ids of all documents are.
func (c *comparer) knowAll() {
	for i := range c.v.declared.Flows {
		f := &c.v.declared.Flows[i]
		if f.Application == nil {
			continue
		}
		clusters, _ := c.clustersOf(f.Servers)
		for _, at := range clusters {
			c.know(f, at)
		}
	}
}

// descriptions returns whose nodes are declared to be, which needs nothing of what moved.
func (c *comparer) descriptions() map[lineage.Node]description {
	c.knowAll()
	for i := range c.v.declared.Flows {
		f := &c.v.declared.Flows[i]
		if f.Application == nil || f.Problem != "" || f.Application.Owner == "" && len(f.Application.Tags) == 0 {
			continue
		}
		clusters, _ := c.clustersOf(f.Servers)
		for _, at := range clusters {
			for _, x := range c.applications(f, at) {
				c.tell(x.node, f.Application.Owner, f.Application.Tags)
			}
		}
	}
	c.describeTopics()
	c.describeComponents()
	return c.said
}

func (c *comparer) compare() *comparison {
	if c.v.declared == nil {
		return c.out
	}
	c.knowAll()
	for i := range c.v.declared.Flows {
		f := &c.v.declared.Flows[i]
		if f.Application == nil {
			c.direct(f)
		} else {
			c.document(f)
		}
	}
	return c.out
}

// know takes in whom an application's groups and client ids are in a cluster.
func (c *comparer) know(f *lineage.DeclaredFlow, at *Cluster) {
	by := c.named[f.Application]
	if by == nil {
		by = nodesByID{}
		c.named[f.Application] = by
	}
	for _, x := range c.clients(f, at) {
		if !slices.Contains(by[at.known.ID], x.node) {
			by[at.known.ID] = append(by[at.known.ID], x.node)
		}
	}
}

// declaredAs is an application's node, and the groups and client ids by which it was declared to be that.
type declaredAs struct {
	node    lineage.Node
	clients []lineage.Client
}

// clients returns whom the declared groups and client ids are, by the rules and conventions that name everybody; those
// that name nobody are left out.
func (c *comparer) clients(f *lineage.DeclaredFlow, at *Cluster) (out []declaredAs) {
	for _, client := range f.Clients {
		x := lineage.Access{Topic: lineage.Topic{Cluster: at.known.ID}, Op: f.Op, Client: client}
		if f.Topic.Match == nil {
			x.Topic.Name = f.Topic.Text
		}
		n, by := c.v.identity.Resolve(at.known, x, c.v.knows.Of(x))
		if n = c.v.shown(n); n.Kind == lineage.UnidentifiedNode || by == lineage.ByNothing {
			continue
		}
		i := slices.IndexFunc(out, func(x declaredAs) bool { return x.node == n })
		if i < 0 {
			i, out = len(out), append(out, declaredAs{node: n})
		}
		out[i].clients = append(out[i].clients, client)
	}
	return out
}

// applications returns which nodes a declared application is in a cluster: the one that it was named to be, those of
// its groups or client ids, those of the document where they are one, else the one that bears the document's title.
func (c *comparer) applications(f *lineage.DeclaredFlow, at *Cluster) []declaredAs {
	if !f.Application.Exact {
		if own := c.clients(f, at); len(own) > 0 {
			return own
		}
		if all := c.named[f.Application][at.known.ID]; len(all) == 1 {
			return []declaredAs{{node: all[0]}}
		}
	}
	name := f.Application.Name
	best := lineage.Node{Scope: at.known.Environment, Kind: lineage.ApplicationNode, Name: name}
	for _, n := range []lineage.Node{
		best, {Scope: at.known.Name, Kind: lineage.StreamJobNode, Name: name}, {Scope: at.known.Name, Kind: lineage.ApplicationNode, Name: name},
	} {
		if c.v.ends[n] != nil {
			return []declaredAs{{n, f.Clients}}
		}
	}
	return []declaredAs{{best, f.Clients}}
}

// clustersOf returns the watched clusters that servers are, and of which servers that can't be told.
func (c *comparer) clustersOf(servers []lineage.DeclaredServer) (found []*Cluster, unresolved []string) {
	if len(servers) == 0 {
		return nil, []string{"no server is named"}
	}
	for _, s := range servers {
		at, why := c.clusterOf(s)
		switch {
		case why != "":
			unresolved = append(unresolved, why)
		case !slices.Contains(found, at):
			found = append(found, at)
		}
	}
	return found, unresolved
}

func (c *comparer) clusterOf(s lineage.DeclaredServer) (found *Cluster, why string) {
	if s.Other != "" {
		return nil, fmt.Sprintf("server %s speaks %s, not Kafka", quote(s.Name), quote(s.Other))
	}
	a := c.resolver().Resolve(alias.Question{Spelling: strings.Join(s.Hosts, ","), Name: c.sourceCalled(s.Name)})
	switch {
	case a.Told():
		return c.clusterCalled(a.Cluster), ""
	case a.Problem == alias.Ambiguous:
		return nil, fmt.Sprintf("server %s: its addresses are those of several watched clusters: %s", quote(s.Name), strings.Join(c.namesOf(a.Candidates), ", "))
	case a.Problem == alias.NotWatched || len(s.Hosts) == 0:
		return nil, fmt.Sprintf("server %s: no watched cluster has that name, or a broker at %s", quote(s.Name), quote(strings.Join(s.Hosts, ",")))
	default:
		return nil, fmt.Sprintf("server %s: %s", quote(s.Name), a.Why)
	}
}

// resolver says which of the configured clusters addresses are. Clusters of one id are one, as in all of the window.
func (c *comparer) resolver() *alias.Resolver {
	if c.aliases != nil {
		return c.aliases
	}
	known := map[string]lineage.KnownCluster{}
	for _, k := range c.v.declared.Clusters {
		known[k.Source] = k
	}
	var all []lineage.KnownCluster
	for _, x := range c.v.clusters.all[:c.v.clusters.configured] {
		k := known[x.source]
		k.Source = x.source
		if x.known.ID != "" {
			k.ID = x.known.ID
		}
		all = append(all, k)
	}
	c.aliases = alias.New(all, c.v.declared.Rules)
	return c.aliases
}

// sourceCalled is the source of the watched cluster of a name; empty: none bears it.
func (c *comparer) sourceCalled(name string) string {
	if x := c.clusterCalled(name); x != nil {
		return x.source
	}
	return ""
}

// namesOf are the names of clusters, quoted, in the order in which they are configured.
func (c *comparer) namesOf(sources []string) (names []string) {
	for _, x := range c.v.clusters.all[:c.v.clusters.configured] {
		if slices.Contains(sources, x.source) {
			names = append(names, quote(x.known.Name))
		}
	}
	return names
}

// first is the cluster under which one shows that is configured twice.
func (c *comparer) first(x *Cluster) *Cluster {
	if is := c.v.clusters.byID[x.known.ID]; x.known.ID != "" && is != nil {
		return is
	}
	return x
}

// clusterCalled returns the watched cluster of a name; nil: none bears it.
func (c *comparer) clusterCalled(name string) *Cluster {
	for _, x := range c.v.clusters.all[:c.v.clusters.configured] {
		if x.known.Name == name || x.source == name {
			return c.first(x)
		}
	}
	return nil
}

// direct takes a flow whose nodes were named.
func (c *comparer) direct(f *lineage.DeclaredFlow) {
	d := Declared{DeclaredFlow: f, ID: f.File + "#" + f.Pointer}
	topic, other := f.Flow.To, f.Flow.From
	if topic.Kind != lineage.TopicNode {
		topic, other = other, topic
	}
	at := c.clusterCalled(topic.Scope)
	switch {
	case f.Problem != "":
		d.Unresolved = []string{f.Problem}
	case at == nil:
		d.Unresolved = []string{fmt.Sprintf("no watched cluster is called %s", quote(topic.Scope))}
	case other.Kind == lineage.ApplicationNode && other.Scope != at.known.Environment && other.Scope != at.known.Name && c.v.ends[other] == nil:
		d.Unresolved = []string{fmt.Sprintf("cluster %s is of the environment %s, and not %s", quote(at.known.Name), quote(at.known.Environment), quote(other.Scope))}
	default:
		topic.Scope = at.known.Name
		if c.hides(at, topic.Name) {
			return
		}
		c.pair(&d, at, topic, declaredAs{node: other})
	}
	c.add(d)
}

// document takes what a document says of one topic, or of those of a pattern: once for each cluster that it is about.
func (c *comparer) document(f *lineage.DeclaredFlow) {
	clusters, unresolved := c.clustersOf(f.Servers)
	if f.Problem != "" {
		clusters, unresolved = nil, append([]string{f.Problem}, unresolved...)
	}
	if len(clusters) == 0 {
		c.add(Declared{DeclaredFlow: f, ID: f.File + "#" + f.Pointer, Unresolved: unresolved})
	}
	for _, at := range clusters {
		d := Declared{DeclaredFlow: f, ID: f.File + "#" + f.Pointer + "@" + at.known.Name, Unresolved: unresolved}
		topics, hidden := c.matching(&f.Topic, at)
		if hidden {
			continue
		}
		nodes := c.applications(f, at)
		for _, x := range nodes {
			c.out.about[x.node] = true
			if f.Topic.Match != nil || c.out.pairs+len(nodes) > mostPairs {
				c.out.patterns[x.node] = append(c.out.patterns[x.node], &meant{f, at.known.Name})
				c.out.meant++
			}
		}
		switch {
		case f.Topic.Match != nil && c.tried > mostTried:
			d.Unresolved = append(slices.Clip(unresolved), "all patterns together would be held against too many topics: let them begin with a text")
		case len(topics) == 0:
			d.Why = "no topic matches the pattern"
		case len(topics) > mostMatches:
			d.Unresolved = append(slices.Clip(unresolved), fmt.Sprintf("the pattern matches %d topics, and is compared with %d at most", len(topics), mostMatches))
		case c.out.pairs+len(topics)*len(nodes) > mostPairs:
			d.Unresolved = append(slices.Clip(unresolved), fmt.Sprintf("all declarations together mean more than %d flows", mostPairs))
		default:
			for _, name := range topics {
				for _, x := range nodes {
					c.pair(&d, at, lineage.Node{Scope: at.known.Name, Kind: lineage.TopicNode, Name: name}, x)
				}
			}
		}
		c.add(d)
	}
}

// matching returns the names of the topics that are meant; hidden: the view's lens does not show one of them, so that
// nothing of it is told.
func (c *comparer) matching(t *lineage.DeclaredTopic, at *Cluster) (names []string, hidden bool) {
	if t.Match == nil {
		return []string{t.Text}, c.hides(at, t.Text)
	}
	if c.tried > mostTried { // what it may match of what is hidden is not known either
		return nil, c.v.lens != All
	}
	for name := range c.v.hidden.topics {
		if c.try(t, name) {
			return nil, true
		}
	}
	all, ok := c.topics[at.known.Name]
	if !ok {
		for n, x := range c.v.topics {
			if n.Scope == at.known.Name && x.fact != nil && !x.internal {
				all = append(all, n.Name)
			}
		}
		slices.Sort(all)
		c.topics[at.known.Name] = all
	}
	from, _ := slices.BinarySearch(all, t.Prefix)
	for _, name := range all[from:] {
		if !strings.HasPrefix(name, t.Prefix) {
			break
		}
		if c.try(t, name) {
			names = append(names, name)
		}
	}
	return names, false
}

// hides reports whether a topic of a cluster may not be seen.
func (c *comparer) hides(at *Cluster, name string) bool {
	return c.v.lens != All && !c.v.lens.Topic(at.known, name)
}

// pair adds one of the flows that are meant.
func (c *comparer) pair(d *Declared, at *Cluster, topic lineage.Node, x declaredAs) {
	p := Pair{Flow: lineage.Flow{From: topic, To: x.node}}
	if d.Writes() {
		p.Flow = lineage.Flow{From: x.node, To: topic}
	}
	p.Observed, p.Why = c.observed(p.Flow, at, x.clients)
	d.Pairs = append(d.Pairs, p)
	c.out.pairs++
	c.out.expected[p.Flow] = true
	c.out.about[topic], c.out.about[x.node] = true, true
}

// add settles what is known of all pairs together. What names something that is hidden is left out by who calls.
func (c *comparer) add(d Declared) {
	if len(d.Pairs) == 0 && len(d.Unresolved) > 0 && c.v.lens != All {
		return // it may name anything
	}
	if len(d.Pairs) == 0 && d.Why == "" {
		d.Why = "which flow it is can't be told"
	}
	observed := len(d.Pairs) > 0
	for _, p := range d.Pairs {
		switch {
		case p.Observed == nil:
			observed, d.Why = false, p.Why
		case *p.Observed:
			d.Observed, d.Why = new(true), ""
			c.out.all = append(c.out.all, d)
			return
		}
	}
	if observed {
		d.Observed = new(false)
	}
	c.out.all = append(c.out.all, d)
}

// tell takes in whose a node is, unless that was said before.
func (c *comparer) tell(n lineage.Node, owner string, tags []string) {
	said := c.said[n]
	if said.owner == "" {
		said.owner = owner
	}
	if said.tags == nil && len(tags) > 0 {
		said.tags = tags
	}
	if said.owner != "" || said.tags != nil {
		c.said[n] = said
	}
}
