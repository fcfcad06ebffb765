package connect

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// movement is what a connector moves, as far as it can be told.
type movement struct {
	node             lineage.Node
	home             lineage.ClusterID // the Kafka cluster that its topics are in; empty: not a watched one
	target           lineage.ClusterID // the one that it writes to, the same way
	reads            []string          // topics
	writes           []string
	history          lineage.Topic                // of its schema, where that can be told; else of no name
	vague            bool                         // it may write topics that are not known yet
	uncounted        bool                         // its producers leave no count of their own
	historyUncounted bool                         // nor does that which writes the history
	datasets         map[string][]lineage.Dataset // by topic as in Kafka; "" holds what belongs to no single one
	replicator       lineage.ReplicatorFact       // of MirrorMaker 2's connectors; else zero
	copies           []copied
	planned          []copied // that it is configured to copy and does not, since it does not run
	waits            bool     // which replicator it is a part of can't be said yet
}

// movement reads a connector's settings. They do not outlive it.
func (t *take) movement(name string, d described, c *connector) movement {
	get := d.Info.Config.get
	m := movement{node: lineage.Node{Scope: t.cfg.Name, Kind: lineage.ConnectorNode, Name: name}}
	kind := d.kind()
	m.home = t.home(name, get, kind == aSink)
	if m.target = m.home; mm2.IsConnector(get("connector.class")) {
		t.replication(&m, name, d, c)
		return m
	}
	m.uncounted = !counted(get)
	switch kind {
	case aSink:
		m.reads = t.sinkTopics(name, m.home, get, c)
		if dead := get("errors.deadletterqueue.topic.name"); dead != "" && !unresolved(dead) {
			// by a producer of the workers
			m.writes, m.target = []string{dead}, t.home(name, get, false)
		}
		m.datasets = t.outside(name, d, m.reads)
	case aSource:
		if c.hidden {
			t.spot("all topics that connector "+name+" writes: the workers do not track topics", "set topic.tracking.enable=true in their configuration")
		}
		var whole bool
		w, watched := t.cfg.Board.ByID(m.target)
		m.writes, whole = sourceTopics(get, c, func(topic string) bool {
			_, there := slices.BinarySearch(w.Topics, topic)
			return there || !watched || !d.running()
		})
		m.vague = !whole && c.topics == nil
		m.datasets = t.outside(name, d, m.writes)
		m.history, m.historyUncounted = t.history(name, get), !historyCounted(get)
	default:
		t.spot("what connector "+name+" moves: the worker that answers does not know its class, so not even whether it is a sink", "install its plugin on all workers")
	}
	return m
}

// tellMovement sights what a connector does or, while it does not run, what it is configured to do, and tells the board
// what it writes.
func (t *take) tellMovement(name string, d described, c *connector, m movement) {
	if m.replicator.Node.Kind != lineage.NoKind {
		t.tellReplication(name, d, c, m)
		return
	}
	client := lineage.Client{Mover: m.node}
	how := c.how("class "+rest.Short(d.Info.Config.get("connector.class")), d, t.round)
	sight := func(o *lineage.Observation, a lineage.Access, moved bool) {
		a.Client = client
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.Connect, Moved: moved, Detail: how})
	}
	for _, topic := range m.reads {
		if m.home != "" {
			sight(t.main, lineage.Access{Topic: lineage.Topic{Cluster: m.home, Name: topic}, Op: lineage.Read}, false)
		}
	}
	for _, topic := range m.writes {
		if m.target != "" {
			sight(t.main, lineage.Access{Topic: lineage.Topic{Cluster: m.target, Name: topic}, Op: lineage.Write}, false)
		}
	}
	if m.history.Name != "" {
		sight(t.main, lineage.Access{Topic: m.history, Op: lineage.Write}, false)
	}
	if d.running() {
		t.tellWriter(m)
	}
	op := lineage.Read // a source reads outside
	if d.kind() == aSink {
		op = lineage.Write
	}
	for _, topic := range slices.Sorted(maps.Keys(m.datasets)) {
		for _, set := range m.datasets[topic] {
			a := lineage.Access{Topic: lineage.Topic{Cluster: cmp.Or(m.home, t.kafka()), Name: topic}, Op: op, Client: client, Dataset: set}
			sight(t.details, a, d.running() && c.stirred(topic, set, m.datasets))
			if d.running() {
				t.tellDoubt(c, a)
			}
		}
	}
	c.moved = nil
}

// tellWriter tells the board what a running connector writes without a count. One whose topics are not known yet may
// write any.
func (t *take) tellWriter(m movement) {
	if m.history.Name != "" && m.historyUncounted {
		t.writers.Add(m.history.Cluster, m.history.Name, m.node)
	}
	if !m.uncounted || m.target == "" {
		return
	}
	for _, topic := range m.writes {
		t.writers.Add(m.target, topic, m.node)
	}
	if m.vague {
		t.writers.Add(m.target, collector.AnyTopic, m.node)
	}
}

// tellDoubt tells whether the connector's offsets were seen in this round: while they are, and none changes, nothing
// moves to or from the dataset. Between two looks nobody knows. One whose offsets were never told has no such series.
func (t *take) tellDoubt(c *connector, a lineage.Access) {
	doubt := len(c.marks) == 0 || !c.looked.Equal(t.round) // one that stores no offsets says nothing by it
	if told, was := c.doubts[a]; doubt == told && (was || doubt) || doubt && !was {
		return
	}
	if c.doubts == nil {
		c.doubts = map[lineage.Access]bool{}
	}
	c.doubts[a] = doubt
	s := lineage.Sample{Subject: a, Metric: lineage.Pending}
	if doubt {
		s.Value = 1
	}
	t.details.Samples = append(t.details.Samples, s)
}

// note keeps the words of a partition whose offset changed, until they are told.
func (c *connector) note(words []string) { c.moved = append(c.moved, words) }

// stirred reports whether the offsets that changed can be those of a dataset: their partition names its topic or its
// own name, or names nothing that tells. A dataset that belongs to no single topic is moved by all of them. all are the
// connector's.
func (c *connector) stirred(topic string, set lineage.Dataset, all map[string][]lineage.Dataset) bool {
	if topic == "" {
		return len(c.moved) > 0
	}
	for _, words := range c.moved {
		tells := false
		for _, w := range words {
			if means(w, topic, set) {
				return true
			}
			tells = tells || c.tellsOf(w, all)
		}
		if !tells {
			return true
		}
	}
	return false
}

// means reports whether a word of an offset's partition names a dataset or its topic.
func means(word, topic string, set lineage.Dataset) bool {
	return word == topic || word == set.Name || strings.HasSuffix(set.Name, "."+word) || strings.HasSuffix(set.Name, "/"+word)
}

// tellsOf reports whether a word names any of the connector's topics or datasets.
func (c *connector) tellsOf(word string, all map[string][]lineage.Dataset) bool {
	for topic, sets := range all {
		if slices.ContainsFunc(sets, func(set lineage.Dataset) bool { return means(word, topic, set) }) {
			return true
		}
	}
	return slices.Contains(c.topics, word)
}
