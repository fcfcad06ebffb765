package connect

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// movement is what a connector moves, as far as it can be told.
type movement struct {
	node       lineage.Node
	home       lineage.ClusterID // the Kafka cluster that its topics are in; empty: not a watched one
	reads      []string          // topics
	writes     []string
	uncounted  bool                         // its producers leave no count of their own
	datasets   map[string][]lineage.Dataset // by topic as in Kafka; "" holds what belongs to no single one
	replicator lineage.ReplicatorFact       // of MirrorMaker 2's connectors; else zero
	copies     []copied
	waits      bool // which replicator it is a part of can't be said yet
}

// movement reads a connector's settings. They do not outlive it.
func (t *take) movement(name string, d described, c *connector) movement {
	get := d.Info.Config.get
	m := movement{node: lineage.Node{Scope: t.cfg.Name, Kind: lineage.ConnectorNode, Name: name}}
	kind := d.kind()
	m.home = t.home(name, get, kind == aSink)
	if mm2.IsConnector(get("connector.class")) {
		t.replication(&m, name, get, c)
		return m
	}
	switch kind {
	case aSink:
		m.reads = t.sinkTopics(name, m.home, get, c)
		if dead := get("errors.deadletterqueue.topic.name"); dead != "" {
			m.writes = []string{dead}
		}
		m.uncounted = true
		m.datasets = t.outside(name, get, m.reads, renames(get))
	case aSource:
		if c.hidden {
			t.spot("all topics that connector "+name+" writes: the workers do not track topics", "set topic.tracking.enable=true in their configuration")
		}
		m.writes = sourceTopics(get, c)
		m.uncounted = !counted(get)
		m.datasets = t.outside(name, get, m.writes, nil)
	default:
		t.spot("what connector "+name+" moves: the worker that answers does not know its class, so not even whether it is a sink", "install its plugin on all workers")
	}
	return m
}

// home returns the Kafka cluster that a connector's topics are in: the workers' own, unless the connector overrides its client's bootstrap servers (KIP-458).
func (t *take) home(name string, get func(string) string, sink bool) lineage.ClusterID {
	key := "producer.override.bootstrap.servers"
	if sink {
		key = "consumer.override.bootstrap.servers"
	}
	servers := get(key)
	if servers == "" {
		return t.kafka()
	}
	w, ok := t.cfg.Board.Find("", strings.Split(servers, ","), nil)
	if !ok {
		t.spot("the topics of connector "+name+": its "+key+" lead to a Kafka cluster that is not watched", "configure that cluster under clusters, with one of these addresses")
	}
	return w.ID
}

// counted reports whether the broker counts a source connector's records: its producers are idempotent, or write in transactions (KIP-618).
func counted(get func(string) string) bool {
	return strings.EqualFold(get("producer.override.enable.idempotence"), "true") || strings.EqualFold(get("exactly.once.support"), "required")
}

// sinkTopics are the topics that a sink is configured to read, and those that it has read.
func (t *take) sinkTopics(name string, home lineage.ClusterID, get func(string) string, c *connector) []string {
	var all []string
	for topic := range strings.SplitSeq(get("topics"), ",") {
		if topic = strings.TrimSpace(topic); topic != "" {
			all = append(all, topic)
		}
	}
	if pattern := get("topics.regex"); pattern != "" {
		// Java's expression matches the whole name. RE2 lacks its look-around and back references.
		re, err := regexp.Compile(`^(?:` + pattern + `)$`)
		if err != nil {
			t.spot("the topics that connector "+name+" will read: its topics.regex can't be read; those that it has read are known",
				"use an expression without look-around and back references, or a list of topics")
		} else if w, ok := t.cfg.Board.ByID(home); ok {
			for _, topic := range w.Topics {
				if re.MatchString(topic) && !strings.HasPrefix(topic, "__") {
					all = append(all, topic)
				}
			}
		}
	}
	all = append(all, c.topics...)
	dead := get("errors.deadletterqueue.topic.name")
	all = slices.DeleteFunc(all, func(topic string) bool { return topic == dead })
	slices.Sort(all)
	return slices.Compact(all)
}

// sourceTopics are the topics that a source has written, and those that it is plainly configured to. A transformation may rename the latter: then only the former tell.
func sourceTopics(get func(string) string, c *connector) []string {
	all := slices.Clone(c.topics)
	if get("transforms") == "" {
		if topic := first(get, "topic", "kafka.topic"); topic != "" {
			all = append(all, topic)
		}
		if prefix := get("topic.prefix"); strings.Contains(strings.ToLower(get("connector.class")), "jdbc") {
			if get("query") != "" && prefix != "" {
				all = append(all, prefix)
			}
			for table := range strings.SplitSeq(first(get, "table.whitelist", "table.include.list"), ",") {
				if table = strings.TrimSpace(table); table != "" && get("query") == "" {
					all = append(all, prefix+table[strings.LastIndexByte(table, '.')+1:])
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rename is what a transformation does to a topic's name; "" when nobody can say.
type rename func(topic string) string

// renames returns what a sink's transformations do to a topic's name before the connector sees it: RegexRouter (KIP-66) replaces, others that are known to
// leave it alone do nothing. nil: nothing is done.
func renames(get func(string) string) rename {
	var steps []rename
	for name := range strings.SplitSeq(get("transforms"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		at := "transforms." + name + "."
		kind := get(at + "type")
		switch kind = kind[strings.LastIndexByte(kind, '.')+1:]; {
		case kind == "RegexRouter":
			steps = append(steps, regexRouter(get(at+"regex"), get(at+"replacement")))
		case strings.HasSuffix(kind, "Router"): // by time, by a field: each record has another
			steps = append(steps, func(string) string { return "" })
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return func(topic string) string {
		for _, step := range steps {
			if topic = step(topic); topic == "" {
				return ""
			}
		}
		return topic
	}
}

var javaGroup = regexp.MustCompile(`\$(\d)|\$\{(\w+)\}`)

// regexRouter replaces the name where the expression matches all of it, as Kafka's does. An expression that can't be read makes the name unknown.
func regexRouter(pattern, replacement string) rename {
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return func(string) string { return "" }
	}
	replacement = javaGroup.ReplaceAllString(replacement, `$${$1$2}`) // $1x is a group and a letter in Java, and a group called 1x in Go
	return func(topic string) string {
		if !re.MatchString(topic) {
			return topic
		}
		return re.ReplaceAllString(topic, replacement)
	}
}

// outside names the datasets. seen is what a topic is called outside; nil: as in Kafka.
func (t *take) outside(name string, get func(string) string, topics []string, seen rename) map[string][]lineage.Dataset {
	names := topics
	inside := map[string][]string{}
	if seen != nil {
		names = nil
		for _, topic := range topics {
			if as := seen(topic); as != "" {
				inside[as] = append(inside[as], topic)
				names = append(names, as)
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	found, known := datasetsOf(t.cfg.Datasets, get, names)
	if !known {
		t.spot("what connector "+name+" reads or writes outside Kafka: the class "+short(get("connector.class"))+" is not known",
			"name it under datasets in the configuration")
	}
	if seen == nil {
		return found
	}
	out := map[string][]lineage.Dataset{}
	for as, ds := range found {
		if as == "" {
			out[""] = ds
		}
		for _, topic := range inside[as] {
			out[topic] = append(out[topic], ds...)
		}
	}
	return out
}

// tellMovement sights what a running connector does, and tells the board what it writes.
func (t *take) tellMovement(name string, d described, c *connector, m movement) {
	if m.replicator.Node.Kind != lineage.NoKind {
		t.tellReplication(name, d, c, m)
		return
	}
	if !d.running() {
		c.moved = nil
		return
	}
	client := lineage.Client{Mover: m.node}
	how := "class " + short(d.Info.Config.get("connector.class"))
	sight := func(o *lineage.Observation, a lineage.Access, moved bool) {
		a.Client = client
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.Connect, Moved: moved, Detail: how})
	}
	if m.home != "" {
		for _, topic := range m.reads {
			sight(t.main, lineage.Access{Topic: lineage.Topic{Cluster: m.home, Name: topic}, Op: lineage.Read}, false)
		}
		for _, topic := range m.writes {
			sight(t.main, lineage.Access{Topic: lineage.Topic{Cluster: m.home, Name: topic}, Op: lineage.Write}, false)
			if m.uncounted {
				t.writers.Add(m.home, topic, m.node)
			}
		}
	}
	op := lineage.Read // a source reads outside
	if d.kind() == aSink {
		op = lineage.Write
	}
	seen := map[lineage.Dataset]bool{}
	for _, topic := range slices.Sorted(maps.Keys(m.datasets)) {
		for _, set := range m.datasets[topic] {
			moved := c.stirred(topic, set)
			if seen[set] && !moved {
				continue
			}
			seen[set] = true
			a := lineage.Access{Topic: lineage.Topic{Cluster: t.kafka()}, Op: op, Client: client, Dataset: set}
			sight(t.details, a, moved)
			t.tellDoubt(c, a)
		}
	}
	c.moved = nil
}

// tellDoubt tells whether the connector's offsets are seen: while they are, and none changes, nothing moves to or from the dataset. One whose offsets were never told has no such series.
func (t *take) tellDoubt(c *connector, a lineage.Access) {
	doubt := c.marks == nil || c.failed != ""
	if told, was := c.doubts[a.Dataset]; doubt == told && (was || doubt) || doubt && !was {
		return
	}
	if c.doubts == nil {
		c.doubts = map[lineage.Dataset]bool{}
	}
	c.doubts[a.Dataset] = doubt
	s := lineage.Sample{Subject: a, Metric: lineage.Pending}
	if doubt {
		s.Value = 1
	}
	t.details.Samples = append(t.details.Samples, s)
}

// note keeps the words of a partition whose offset changed, until they are told.
func (c *connector) note(words []string) { c.moved = append(c.moved, words) }

// stirred reports whether the offsets that changed can be those of a dataset: their partition names its topic or its own name, or names nothing that tells. A dataset that
// belongs to no single topic is moved by all of them.
func (c *connector) stirred(topic string, set lineage.Dataset) bool {
	if topic == "" {
		return len(c.moved) > 0
	}
	for _, words := range c.moved {
		tells := false
		for _, w := range words {
			if w == topic || w == set.Name || strings.HasSuffix(set.Name, "."+w) || strings.HasSuffix(set.Name, "/"+w) {
				return true
			}
			tells = tells || c.names(w)
		}
		if !tells {
			return true
		}
	}
	return false
}

// names reports whether a word is the name of one of the connector's topics.
func (c *connector) names(word string) bool { return slices.Contains(c.topics, word) }

// writersKnown are the writers as last told, for a round in which nothing is seen.
func (s *source) writersKnown() collector.UncountedWriters {
	out := collector.UncountedWriters{s.kafka(): {}}
	for name, c := range s.known {
		if c.fact.Type == "source" {
			n := lineage.Node{Scope: s.cfg.Name, Kind: lineage.ConnectorNode, Name: name}
			if c.fact.Replicator.Kind != lineage.NoKind {
				n = c.fact.Replicator
			}
			for _, topic := range c.topics {
				out.Add(c.fact.Kafka, topic, n)
			}
		}
	}
	return out
}
