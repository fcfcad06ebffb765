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
	v.hidden = hidden{topics: map[string]bool{}, nodes: map[lineage.Node]bool{}}
	v.mixed, v.joined = v.mixedReplicators(), v.joinedTopics()
	seen := map[lineage.Node]bool{}
	kept := v.accesses[:0]
	for _, x := range v.accesses {
		if t := &x.Access.Topic; !v.mayBeSeen(t.Cluster, t.Name) {
			v.hidden.topics[t.Name], v.hidden.nodes[x.node] = true, true
			continue
		}
		seen[x.node] = true
		kept = append(kept, x)
	}
	clear(v.accesses[len(kept):])
	v.accesses = kept
	for n, t := range v.topics {
		if !v.mayBeSeen(t.cluster, n.Name) {
			v.hidden.topics[n.Name] = true
			delete(v.topics, n)
		}
	}
	for n := range v.hidden.nodes { // it does nothing that may be seen: that it rests would not be true
		if !seen[n] {
			delete(v.movers.connectors, n)
			delete(v.movers.replicators, n)
		}
	}
	for ref, f := range v.groups {
		if f.Group != nil && f.Group.Topology != nil {
			f.Group = v.seenOf(f.Group)
			v.groups[ref] = f
		}
	}
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

// words returns what a source told in words, unless it names a topic that the view knows and hides.
func (v *View) words(s string) string {
	if len(v.hidden.topics) == 0 {
		return s
	}
	name := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !name(r) }) {
		if v.hidden.topics[word] || v.hidden.topics[strings.Trim(word, ".")] {
			return notShown
		}
	}
	return s
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
