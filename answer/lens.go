package answer

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Lens is what an asker may see. It is applied before the graph of a window is built: what it hides is in no answer,
// neither as a node nor in a count, a rank or a search, nor in words that a source told. Lenses are compared with ==;
// one sees the same at all times.
//
// What is seen through a lens is what all see, less what is hidden: names and states are decided by all there is, so
// that a node bears one name for everybody. A sum is then of what may be seen.
type Lens interface {
	// Topic reports whether a topic may be seen, and with it who uses it for that.
	Topic(c lineage.Cluster, name string) bool
}

// All is the lens that hides nothing.
var All Lens = everyTopic{}

type everyTopic struct{}

func (everyTopic) Topic(lineage.Cluster, string) bool { return true }

const (
	// notShown stands for words that name what is hidden.
	notShown = "not shown, as it names what may not be seen here"
	// inTrouble stands for the trouble of a cluster, whose words may name anything.
	inTrouble = "observing it is in trouble"
)

// hidden is what a lens hides of a view.
type hidden struct {
	topics map[string]bool       // by name, of whatever cluster
	nodes  map[lineage.Node]bool // that do something which is hidden
	// names are what those bear that do nothing which may be seen, as far as nobody who may be seen bears it too.
	names map[string]bool
	// phrases are those of the names that hold what no topic's name can.
	phrases []string
	// bearers are who bore a principal where it may not be seen.
	bearers map[bearer]bool
}

// bearer is who bears a principal in a cluster.
type bearer struct {
	node      lineage.Node
	cluster   lineage.ClusterID
	principal string
}

// mayBeSeen reports whether the view's lens shows a topic. What has no name hides nothing.
func (v *View) mayBeSeen(cluster lineage.ClusterID, name string) bool {
	return name == "" || v.lens.Topic(v.clusters.of(cluster), name)
}

// lookThrough takes out of the view what its lens hides. All that is decided by everything there is was decided before.
func (v *View) lookThrough() {
	if v.lens == All {
		return
	}
	v.hidden = hidden{topics: map[string]bool{}, nodes: map[lineage.Node]bool{}, names: map[string]bool{}, bearers: map[bearer]bool{}}
	v.mixed, v.joined = v.mixedReplicators(), v.joinedTopics()
	seen := map[lineage.Node]bool{}
	kept := v.accesses[:0]
	for _, x := range v.accesses {
		if t := &x.Access.Topic; !v.mayBeSeen(t.Cluster, t.Name) {
			v.hidden.take(&x)
			continue
		}
		seen[x.node] = true
		kept = append(kept, x)
	}
	clear(v.accesses[len(kept):])
	v.accesses = kept
	for i := range v.accesses {
		for _, name := range v.accesses[i].names() {
			delete(v.hidden.names, name)
		}
	}
	for name := range v.hidden.names {
		if strings.ContainsFunc(name, notOfName) {
			v.hidden.phrases = append(v.hidden.phrases, name)
		}
	}
	for n, t := range v.topics {
		if !v.mayBeSeen(t.cluster, n.Name) {
			v.hidden.topics[n.Name] = true
			delete(v.topics, n)
			continue
		}
		t.traces = slices.DeleteFunc(t.traces, func(s incarnation) bool { // since what may not be seen
			return !v.mayBeSeen(t.cluster, v.held.Rows.Access[s.row].Client.Mover.Name)
		})
	}
	for n := range v.hidden.nodes { // it does nothing that may be seen: that it rests would not be true
		if !seen[n] {
			delete(v.movers.connectors, n)
			delete(v.movers.replicators, n)
			delete(v.movers.jobs, n)
		}
	}
	for ref, f := range v.groups {
		if f.Group != nil && f.Group.Topology != nil {
			f.Group = v.seenOf(f.Group)
			v.groups[ref] = f
		}
	}
}

// take takes in an access that may not be seen.
func (h *hidden) take(x *access) {
	h.topics[x.Access.Topic.Name], h.nodes[x.node] = true, true
	for _, name := range x.names() {
		if name != "" {
			h.names[name] = true
		}
	}
	if p := x.client().Principal; p != "" {
		h.bearers[bearer{x.node, x.Access.Topic.Cluster, p}] = true
	}
}

// names are what who has an access is called in what sources tell; some are empty.
func (x *access) names() [7]string {
	c := x.client()
	_, principal, _ := strings.Cut(c.Principal, ":")
	return [...]string{x.node.Name, c.Group, c.TransactionalID, c.ClientID, c.Member, c.Mover.Name, principal}
}

// seenOf returns what of a group's topology may be seen.
func (v *View) seenOf(g *lineage.GroupFact) *lineage.GroupFact {
	only := func(topics []string) []string {
		return slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !v.mayBeSeen(g.Ref.Cluster, t) })
	}
	out, topology := *g, *g.Topology
	topology.Subtopologies = slices.Clone(topology.Subtopologies)
	for i := range topology.Subtopologies {
		s := &topology.Subtopologies[i]
		for _, list := range [...]*[]string{&s.Sources, &s.Sinks, &s.RepartitionSources, &s.RepartitionSinks, &s.Changelogs} {
			*list = only(*list)
		}
	}
	out.Topology = &topology
	return &out
}

// seesEvent reports whether an event may be seen.
func (v *View) seesEvent(e *Event) bool {
	if v.lens == All {
		return true
	}
	is := &e.event
	return v.mayBeSeen(is.Topic.Cluster, is.Topic.Name) && v.mayBeSeen(is.Access.Topic.Cluster, is.Access.Topic.Name) &&
		(e.Node == nil || v.Has(*e.Node)) && (e.Flow == nil || v.Has(e.Flow.From) && v.Has(e.Flow.To))
}

// words returns what a source told in words, unless it names a topic that the view knows and hides, or somebody who
// does nothing that may be seen.
func (v *View) words(s string) string {
	if len(v.hidden.topics) == 0 {
		return s
	}
	for word := range strings.FieldsFuncSeq(s, notOfName) {
		if v.hidden.called(word) {
			return notShown
		}
	}
	if slices.ContainsFunc(v.hidden.phrases, func(name string) bool { return strings.Contains(s, name) }) {
		return notShown
	}
	return s
}

// notOfName reports whether a character can't be one of a topic's name.
func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
}

// called reports whether a word is the name of what is hidden, or of a partition of it: topic-0.
func (h *hidden) called(word string) bool {
	short := strings.Trim(word, ".-")
	if h.topics[word] || h.topics[short] || h.names[word] || h.names[short] {
		return true
	}
	topic := strings.TrimRight(short, "0123456789")
	return topic != short && strings.HasSuffix(topic, "-") && h.topics[topic[:len(topic)-1]]
}

// inWords returns a coverage whose words may be read, and are right of the future too.
func (v *View) inWords(c lineage.Coverage) lineage.Coverage {
	c = v.untilNow(c)
	if len(v.hidden.topics) == 0 {
		return c
	}
	c.Gaps, c.BlindSpots = slices.Clone(c.Gaps), slices.Clone(c.BlindSpots)
	for i := range c.Gaps {
		c.Gaps[i].Reason = v.words(c.Gaps[i].Reason)
	}
	for i := range c.BlindSpots {
		b := &c.BlindSpots[i]
		b.What, b.Remedy = v.words(b.What), v.words(b.Remedy)
	}
	return c
}
