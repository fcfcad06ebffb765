package connect

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// This file makes MirrorMaker 2's connectors into the replicator that they are the parts of. Its target is the cluster
// where its producers write: the workers', unless they are told another.

// copied is a topic that a replicator copies.
type copied struct {
	from, to string // to is empty where the policy's class is not known
}

// progress is how far a MirrorSourceConnector has copied, as its offsets say. It is not kept over a restart.
type progress struct {
	alias  string // of the source; offsets under another are of an earlier configuration
	topics map[string]map[int32]int64
	read   time.Time // newest round in which they were read; zero: never
	began  time.Time // round in which they were first read
	// topics that had offsets then, or whose account was closed: what their offsets count was not copied since
	base map[string]bool
}

// take takes what was read in a round.
func (p *progress) take(alias string, offsets []offset, round time.Time) {
	topics := copiedOffsets(alias, offsets)
	if p.read.IsZero() || p.alias != alias {
		*p = progress{alias: alias, began: round, base: map[string]bool{}}
		for topic := range topics {
			p.base[topic] = true
		}
	}
	p.topics, p.read = topics, round
}

// copiedOffsets reads the offsets of a MirrorSourceConnector: partition {"cluster":…,"topic":…,"partition":…}, offset
// {"offset":…} of the last record copied. Others have none such.
func copiedOffsets(alias string, offsets []offset) map[string]map[int32]int64 {
	out := map[string]map[int32]int64{}
	for _, o := range offsets {
		cluster, _ := o.Partition["cluster"].(string)
		topic, _ := o.Partition["topic"].(string)
		part, ok := o.Partition["partition"].(float64)
		var at struct {
			Offset *int64 `json:"offset"`
		}
		switch {
		case cluster != alias || topic == "" || !ok || part != math.Trunc(part) || part < 0 || part > math.MaxInt32:
			continue
		case json.Unmarshal(o.Offset, &at) != nil || at.Offset == nil:
			continue
		}
		if out[topic] == nil {
			out[topic] = map[int32]int64{}
		}
		out[topic][int32(part)] = *at.Offset
	}
	return out
}

// replication reads the settings of one of MirrorMaker 2's connectors.
func (t *take) replication(m *movement, name string, d described, c *connector) {
	get := d.Info.Config.get
	cfg := mm2.ReadConfig(get)
	target, known := t.cfg.Board.ByID(m.home)
	if m.waits = !known && !t.cfg.Board.Settled(); m.waits {
		// under which name the target is watched shows later, and a replicator's name stays what it was
		t.spot("what connector "+name+" copies: a configured cluster was not seen yet, and it may be the one that it copies to", "see why that cluster's source is lost")
		return
	}
	scope := cfg.TargetAlias
	if known {
		scope = target.Source
	}
	if cfg.SourceAlias == "" {
		t.spot("what connector "+name+" copies: it names no source.cluster.alias", "set it in its configuration")
		return
	}
	m.replicator = lineage.ReplicatorFact{
		Node:        lineage.Node{Scope: scope, Kind: lineage.ReplicatorNode, Name: cfg.SourceAlias + "->" + cfg.TargetAlias},
		SourceAlias: cfg.SourceAlias, TargetAlias: cfg.TargetAlias, Target: m.home, Policy: cfg.Policy.Class, Separator: cfg.Policy.Separator, Connect: t.cfg.Name,
	}
	if cfg.Policy.Identity() {
		m.replicator.Separator = ""
	}
	m.node, m.uncounted, m.vague = m.replicator.Node, !counted(get), c.topics == nil
	source, meant, watched := t.cfg.Board.Find(t.cfg.Name, cfg.SourceAlias, cfg.SourceBrokers, t.cfg.Aliases[target.Source])
	m.replicator.Source = source.ID
	if !mm2.IsSourceConnector(cfg.Class) {
		m.writes = slices.Clone(c.topics)
		return
	}
	switch {
	case watched:
	case meant.Problem == alias.Ambiguous:
		t.spot("where "+m.node.Name+" copies from: "+meant.Why, "say under mirrors which cluster the alias "+cfg.SourceAlias+" is; or "+meant.Remedy())
	default:
		t.spot("where "+m.node.Name+" copies from: the cluster with the alias "+cfg.SourceAlias+" is not watched",
			"watch it, or say under mirrors which cluster the alias is")
	}
	if !cfg.Policy.Known() {
		t.spot("the names of the copies that "+m.node.Name+" makes: its replication policy is not Kafka's own", "use DefaultReplicationPolicy or IdentityReplicationPolicy")
	}
	filter := cfg.Filter()
	m.copying(cfg, c, func(topic string) bool {
		_, exists := slices.BinarySearch(source.Topics, topic)
		return filter.Copies(topic) && (exists || !watched)
	})
	if d.running() || !filter.Certain() {
		return
	}
	for _, from := range source.Topics {
		to, ok := cfg.Policy.Remote(cfg.SourceAlias, from)
		if told := slices.ContainsFunc(m.copies, func(x copied) bool { return x.from == from }); ok && !told && filter.Copies(from) && mm2.ParseInternal(from).Kind == mm2.NoInternal {
			m.planned = append(m.planned, copied{from, to})
		}
	}
}

// copying says what a MirrorSourceConnector copies, as far as its configuration still lets it and the topics are there:
// offsets and topics in use stay for ever.
func (m *movement) copying(cfg mm2.ConnectorConfig, c *connector, copies func(topic string) bool) {
	for _, to := range c.topics {
		if from, ok := cfg.Policy.Upstream(cfg.SourceAlias, to); !cfg.Policy.Known() || ok && copies(from) {
			m.writes = append(m.writes, to)
		}
	}
	if c.progress.alias != cfg.SourceAlias {
		return // it was changed since the newest look
	}
	for topic := range c.progress.topics {
		if !copies(topic) {
			continue
		}
		to, _ := cfg.Policy.Remote(cfg.SourceAlias, topic)
		m.copies = append(m.copies, copied{topic, to})
		if to != "" && !slices.Contains(m.writes, to) {
			m.writes = append(m.writes, to)
		}
	}
	slices.SortFunc(m.copies, func(a, b copied) int { return strings.Compare(a.from, b.from) })
}

// tellReplication tells what a replicator is and does.
func (t *take) tellReplication(name string, d described, c *connector, m movement) {
	isSource := mm2.IsSourceConnector(d.Info.Config.get("connector.class"))
	if isSource {
		t.replicators = append(t.replicators, m.node)
		m.replicator.State = d.state()
		if c.replicator != m.replicator {
			fact := m.replicator
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.replicatorKey(m.node.ID()), Replicator: &fact})
		}
		c.tells = m.node.ID()
	}
	c.replicator = m.replicator
	c.moved = nil
	running, how := d.running(), c.how("connector "+name, d, t.round)
	client := lineage.Client{Mover: m.node}
	if m.home != "" && (running || isSource) {
		for _, topic := range m.writes {
			t.main.Sightings = append(t.main.Sightings, lineage.Sighting{
				Access:   lineage.Access{Topic: lineage.Topic{Cluster: m.home, Name: topic}, Op: lineage.Write, Client: client},
				Evidence: lineage.Connect, Detail: how,
			})
		}
	}
	if running && m.home != "" {
		t.tellWriter(m)
	}
	if !isSource {
		return
	}
	for _, x := range m.planned {
		from, to := lineage.Topic{Cluster: m.replicator.Source, Name: x.from}, lineage.Topic{Cluster: m.home, Name: x.to}
		t.main.Sightings = append(t.main.Sightings, lineage.Sighting{Access: lineage.Access{Topic: from, Op: lineage.Read, Client: client}, Evidence: lineage.Connect, Detail: how})
		if m.home != "" && !slices.Contains(m.writes, x.to) {
			t.main.Sightings = append(t.main.Sightings, lineage.Sighting{Access: lineage.Access{Topic: to, Op: lineage.Write, Client: client}, Evidence: lineage.Connect, Detail: how})
		}
	}
	if m.replicator.Source == "" || c.progress.read.IsZero() {
		t.unclear[m.node] = true
		return
	}
	for _, x := range m.copies {
		t.tellCopy(m.home, x, c, lineage.Access{Topic: lineage.Topic{Cluster: m.replicator.Source, Name: x.from}, Op: lineage.Read, Client: client}, running, how)
	}
}

// tellCopy tells of one topic that is copied. Its account is kept in the rounds in which the offsets were read: the
// ends are of now, and offsets of before would be behind them.
func (t *take) tellCopy(target lineage.ClusterID, x copied, c *connector, access lineage.Access, running bool, how string) {
	t.cfg.Board.Copies(access.Topic.Cluster, x.from)
	if x.to != "" {
		t.cfg.Board.WantEnds(target, x.to)
	}
	key, moved := bookKey(access), false
	t.copying[key] = true
	if c.failed != "" {
		t.unread = append(t.unread, access.Topic)
	}
	if c.progress.read.Equal(t.round) {
		moved = t.bookCopy(target, x, c, access, running, key)
	}
	if b := t.books[key]; b != nil {
		how = b.Detail(how)
	}
	t.details.Sightings = append(t.details.Sightings, lineage.Sighting{Access: access, Evidence: lineage.Connect, Moved: moved, Detail: how})
}

// bookCopy books what was copied of one topic, and reports whether records moved.
func (t *take) bookCopy(target lineage.ClusterID, x copied, c *connector, access lineage.Access, running bool, key string) bool {
	b, known := t.books[key]
	if !known {
		b = copybook.New(access, lineage.Connect)
		t.books[key] = b
	}
	since := t.round.Add(-2 * t.cfg.Interval)
	unread := time.Time{}
	if c.born { // it may have copied something before its offsets were first read
		unread = c.appeared.Add(-t.cfg.Interval)
	}
	ends := t.cfg.Board.Ends(access.Topic.Cluster, x.from, since)
	moved := b.Observe(copybook.Reading{
		Offsets: c.progress.topics[x.from], Ends: ends.Offsets, Copies: t.cfg.Board.Ends(target, x.to, since).Records(), Transactional: ends.Transactional,
		Starts: ends.Starts, StartsAt: ends.StartsAt, Compacted: ends.Compacted,
		Origin: known || !c.progress.base[x.from], Certain: copybook.Certain(c.born, c.progress.began, t.round),
		Unread: unread, Running: running, Round: t.round, Interval: t.cfg.Interval,
	})
	if b.Undecided() {
		t.cfg.Board.WantStarts(access.Topic.Cluster, x.from)
	}
	t.details.Events = append(t.details.Events, b.Events()...)
	t.details.Samples = append(t.details.Samples, b.Tell(t.round.Add(-t.cfg.Interval), ends.Offsets != nil)...)
	return moved
}

// closeBooks forgets the accounts of what is not copied any more. Those of a replicator of which not all is known in
// this round stay.
func (t *take) closeBooks() {
	for key, b := range t.books {
		if t.copying[key] || t.unclear[b.Access.Client.Mover] || t.waiting {
			continue
		}
		delete(t.books, key)
		t.closed = append(t.closed, key)
		for _, c := range t.known {
			if c.replicator.Node == b.Access.Client.Mover && c.progress.base != nil {
				c.progress.base[b.Access.Topic.Name] = true
			}
		}
	}
}
