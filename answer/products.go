package answer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Product is a declared data product with the topics of its ports.
type Product struct {
	*lineage.DeclaredProduct
	Ports []Port
}

// Port is where a product takes or gives data.
type Port struct {
	*lineage.DeclaredPort
	Topics []lineage.Node
	// Unresolved says what can't be told of which topics these are, one sentence each.
	Unresolved []string
	// Observed reports whether anything moved in the window: into a topic of an output, out of one of an input to
	// anybody. false: nothing did; nil: that is not known.
	Observed *bool
}

// Products returns what is declared of data products, in the order in which it was said. Through a lens that hides
// anything it is nothing: a product may name what may not be seen.
func (v *View) Products() (all []Product) {
	if v.declared == nil || v.lens != All {
		return nil
	}
	c := newComparer(v)
	for i := range v.declared.Products {
		p := Product{DeclaredProduct: &v.declared.Products[i]}
		for j := range p.DeclaredProduct.Ports {
			port := Port{DeclaredPort: &p.DeclaredProduct.Ports[j]}
			port.Topics, port.Unresolved = c.topicsOf(port.DeclaredPort)
			port.Observed = c.used(port.Topics, port.Input)
			p.Ports = append(p.Ports, port)
		}
		all = append(all, p)
	}
	return all
}

// madeFor returns to which products nodes belong, by their names: the topics of output ports, and who was seen to write
// to these in the window.
func (v *View) madeFor() map[lineage.Node][]string {
	out := map[lineage.Node][]string{}
	belongs := func(n lineage.Node, product string) {
		if !slices.Contains(out[n], product) {
			out[n] = append(out[n], product)
		}
	}
	for _, p := range v.Products() {
		for _, port := range p.Ports {
			if port.Input {
				continue
			}
			for _, topic := range port.Topics {
				belongs(topic, cmp.Or(p.Name, p.ID))
			}
		}
	}
	if len(out) == 0 {
		return out
	}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.Access.Op == lineage.Write && x.state == graph.Active && x.far.Kind == lineage.TopicNode {
			for _, product := range out[x.far] {
				belongs(x.node, product)
			}
		}
	}
	return out
}

// contractOf returns the contract of a port: the one of that id, of several the one of the port's version.
func (c *comparer) contractOf(p *lineage.DeclaredPort) (found *lineage.DeclaredContract, why string) {
	if p.Contract == "" {
		return nil, "it has no contract"
	}
	var all []*lineage.DeclaredContract
	for i := range c.v.declared.Contracts {
		if x := &c.v.declared.Contracts[i]; x.ID == p.Contract {
			all = append(all, x)
		}
	}
	if len(all) > 1 {
		all = slices.DeleteFunc(all, func(x *lineage.DeclaredContract) bool { return x.Version != p.Version })
		if len(all) != 1 {
			return nil, fmt.Sprintf("several contracts are called %s, and %d of them are of version %s", quote(p.Contract), len(all), quote(p.Version))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Sprintf("no file holds the contract %s", quote(p.Contract))
	}
	return all[0], ""
}

// topicsOf returns the topics of a port.
func (c *comparer) topicsOf(p *lineage.DeclaredPort) (topics []lineage.Node, unresolved []string) {
	x, why := c.contractOf(p)
	if why != "" {
		return nil, []string{why}
	}
	if len(x.Topics) == 0 {
		return nil, []string{fmt.Sprintf("the contract %s names no topic", quote(x.ID))}
	}
	clusters, unresolved := c.clustersOf(x.Servers)
	for _, at := range clusters {
		for _, t := range x.Topics {
			topics = append(topics, lineage.Node{Scope: at.known.Name, Kind: lineage.TopicNode, Name: t.Text})
		}
	}
	return topics, unresolved
}

// describeTopics takes in whose topics are: by their contracts, then by the products that they are an output of.
func (c *comparer) describeTopics() {
	for i := range c.v.declared.Contracts {
		x := &c.v.declared.Contracts[i]
		clusters, _ := c.clustersOf(x.Servers)
		for _, at := range clusters {
			for _, t := range x.Topics {
				c.tell(lineage.Node{Scope: at.known.Name, Kind: lineage.TopicNode, Name: t.Text}, x.Owner, slices.Concat(x.Tags, t.Tags))
			}
		}
	}
	for i := range c.v.declared.Products {
		p := &c.v.declared.Products[i]
		for j := range p.Ports {
			if topics, _ := c.topicsOf(&p.Ports[j]); !p.Ports[j].Input {
				for _, n := range topics {
					c.tell(n, p.Owner, p.Tags)
				}
			}
		}
	}
}

// describeComponents takes in whose the nodes are that a software catalog names, or whose groups.
func (c *comparer) describeComponents() {
	for i := range c.v.declared.Components {
		x := &c.v.declared.Components[i]
		nodes, _ := c.nodesOf(x)
		for _, n := range nodes {
			c.tell(n, x.Owner, x.Tags)
		}
	}
}

// nodesOf returns the nodes of a component, and what can't be told of which these are, one sentence each.
func (c *comparer) nodesOf(x *lineage.DeclaredComponent) (nodes []lineage.Node, unresolved []string) {
	nodes = slices.Clone(x.Nodes)
	for _, g := range x.Groups {
		at := c.clusterCalled(g.Cluster)
		if at == nil {
			unresolved = append(unresolved, fmt.Sprintf("no watched cluster is called %s, of whose group %s it is", quote(g.Cluster), quote(g.Group)))
			continue
		}
		a := lineage.Access{Topic: lineage.Topic{Cluster: at.known.ID}, Op: lineage.Read, Client: lineage.Client{Group: g.Group}}
		n, by := c.v.identity.Resolve(at.known, a, c.v.knows.Of(a))
		if n = c.v.shown(n); n.Kind == lineage.UnidentifiedNode || by == lineage.ByNothing {
			unresolved = append(unresolved, fmt.Sprintf("whose group %s of cluster %s is, no rule tells", quote(g.Group), quote(g.Cluster)))
		} else if !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	return nodes, unresolved
}

// used reports whether anything went into topics in the window, or out of them.
func (c *comparer) used(topics []lineage.Node, read bool) *bool {
	rest := len(topics) > 0 && !read // who reads without a group leaves no trace
	for _, n := range topics {
		t := c.v.topics[n]
		if t == nil {
			rest = false
			continue
		}
		if read && slices.ContainsFunc(t.reads, func(i int32) bool { return c.v.accesses[i].state == graph.Active }) ||
			!read && slices.ContainsFunc(t.subjects, func(s incarnation) bool { return c.v.held.Rows.Moved[s.row] }) {
			return new(true)
		}
		rest = rest && t.fact != nil && t.fact.Unseen == "" && c.v.rests(t) && c.observedWhole(c.v.Cluster(t.cluster))
	}
	if rest {
		return new(false)
	}
	return nil
}

// Component is an entity of a software catalog with the nodes that it is.
type Component struct {
	*lineage.DeclaredComponent
	Nodes []lineage.Node
	// Unresolved says what can't be told of which nodes these are, one sentence each.
	Unresolved []string
}

// Components returns what software catalogs say, in the order in which it was said. Through a lens that hides anything
// it is nothing: a component may name what may not be seen.
func (v *View) Components() (all []Component) {
	if v.declared == nil || v.lens != All {
		return nil
	}
	c := newComparer(v)
	for i := range v.declared.Components {
		x := Component{DeclaredComponent: &v.declared.Components[i]}
		x.Nodes, x.Unresolved = c.nodesOf(x.DeclaredComponent)
		all = append(all, x)
	}
	return all
}
