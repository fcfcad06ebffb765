package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// How often MirrorMaker 2 does what it does besides copying. Its own defaults are 1 s, 60 s and 60 s, too slow for a
// demo.
const (
	heartbeatEvery   = time.Second
	flushEvery       = 2 * time.Second
	checkpointsEvery = 5 * time.Second
)

// kafkaVersion is what the shop's workers say they are.
const kafkaVersion = "4.3.1"

// maxOffsetLag is how many records of a partition are copied before its offsets are told again (offset.lag.max).
const maxOffsetLag = 100

// mirror is a dedicated MirrorMaker 2 with one direction, as Kafka sees it: it copies topics under the default policy's
// names, partition by partition, and keeps its books in topics of its own. Its producers are not idempotent, as
// Connect's are not, and its consumer has no group.
type mirror struct {
	from, to *Cluster
	topics   map[string]int32 // what it copies: the number of partitions
	group    string           // whose offsets it translates

	parts map[partition]*mirrored // by partition of the source; what is committed survives a restart of run
	told  map[partition]int64     // checkpoints
}

// mirrored is how far a partition is copied. Offsets are those of the last record, -1 for none.
type mirrored struct {
	upstream, downstream int64
	committed            int64
	syncs                []offsetPair // the newest, in order
}

// offsetPair is an offset of the source and that of its copy.
type offsetPair struct{ upstream, downstream int64 }

// maxSyncs bounds the syncs that are remembered of a partition: enough for a group that is minutes behind.
const maxSyncs = 64

func mirrorMaker(from, to *Cluster, group string, topics ...string) *mirror {
	m := &mirror{from: from, to: to, topics: map[string]int32{}, group: group, parts: map[partition]*mirrored{}, told: map[partition]int64{}}
	for _, t := range topics {
		m.topics[t] = int32(len(from.kafka.PartitionInfos(t)))
		for p := range m.topics[t] {
			m.parts[partition{t, p}] = &mirrored{committed: -1}
		}
	}
	return m
}

// name is the worker's id as well.
func (m *mirror) name() string { return m.from.Name + "->" + m.to.Name }

// clients are those of one run.
type clients struct{ in, out, up, books *kgo.Client }

func (c *clients) close() {
	for _, cl := range []*kgo.Client{c.in, c.out, c.up, c.books} {
		if cl != nil {
			cl.Close()
		}
	}
}

func (m *mirror) clients() (c *clients, err error) {
	assigned := map[string]map[int32]kgo.Offset{}
	for p, part := range m.parts {
		// what was copied and not committed is copied again
		part.upstream, part.downstream, part.syncs = part.committed, -1, nil
		if assigned[p.topic] == nil {
			assigned[p.topic] = map[int32]kgo.Offset{}
		}
		assigned[p.topic][p.index] = kgo.NewOffset().At(part.committed + 1)
	}
	plain := []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.AllISRAcks())}
	c = &clients{}
	for _, made := range []struct {
		into    **kgo.Client
		cluster *Cluster
		id      string
		opts    []kgo.Opt
	}{
		{&c.in, m.from, m.name() + "|MirrorSourceConnector-0|replication-consumer", []kgo.Opt{kgo.ConsumePartitions(assigned), kgo.FetchMaxWait(time.Second)}},
		{&c.out, m.to, "connector-producer-MirrorSourceConnector-0", append(plain, kgo.RecordPartitioner(kgo.ManualPartitioner()))},
		{&c.up, m.from, m.name() + "|MirrorSourceConnector-0|offset-syncs-source-producer", plain},
		{&c.books, m.to, m.name() + "-books", plain},
	} {
		if *made.into, err = made.cluster.client(made.id, made.opts...); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (m *mirror) run(ctx context.Context) error {
	c, err := m.clients()
	if err != nil {
		return err
	}
	defer c.close()
	if err := produced(ctx, c.books, m.introduction()); err != nil {
		return err
	}
	uses := map[string]bool{}
	chores := []chore{
		{every: heartbeatEvery, do: func() error { return m.beat(ctx, c, time.Now()) }},
		{every: flushEvery, do: func() error { return m.flush(ctx, c) }},
		{every: checkpointsEvery, do: func() error { return m.checkpoint(ctx, c) }},
	}
	for ctx.Err() == nil {
		if err := m.copy(ctx, c, uses); err != nil {
			return err
		}
		for i := range chores {
			if err := chores[i].look(time.Now()); err != nil {
				return err
			}
		}
		pause(ctx, 2*beat)
	}
	return nil
}

// chore is done at once and then at its interval on average, however seldom it is looked at within one.
type chore struct {
	every time.Duration
	do    func() error
	due   time.Time
}

func (c *chore) look(now time.Time) error {
	if now.Before(c.due) {
		return nil
	}
	if c.due = c.due.Add(c.every); c.due.Before(now) { // the first, or the laptop slept
		c.due = now.Add(c.every)
	}
	return c.do()
}

// copy copies what there is, and tells of topics that it uses for the first time.
func (m *mirror) copy(ctx context.Context, c *clients, uses map[string]bool) error {
	poll, cancel := context.WithTimeout(ctx, heartbeatEvery/2)
	defer cancel()
	fetches := c.in.PollFetches(poll)
	if fetches.IsClientClosed() {
		return errors.New("client is closed")
	}
	records := fetches.Records()
	copies := make([]*kgo.Record, len(records))
	var used []*kgo.Record
	for i, r := range records {
		copies[i] = &kgo.Record{Topic: m.from.Name + "." + r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
		if to := copies[i].Topic; !uses[to] {
			uses[to] = true
			used = append(used, m.inUse(to))
		}
	}
	if err := produced(ctx, c.out, copies); err != nil {
		return err
	}
	if err := produced(ctx, c.books, used); err != nil {
		return err
	}
	var syncs []*kgo.Record
	for i, r := range records {
		if part := m.parts[partition{r.Topic, r.Partition}]; part.copied(r.Offset, copies[i].Offset) {
			syncs = append(syncs, m.offsetSync(r, copies[i].Offset))
		}
	}
	return produced(ctx, c.up, syncs)
}

// copied notes a copy and reports whether its offsets are to be told, as MirrorMaker 2 decides it
// (OffsetSyncWriter.PartitionState, 4.3.1).
func (p *mirrored) copied(upstream, downstream int64) bool {
	skipped, truncated := upstream-p.upstream != 1, downstream < p.downstream
	p.upstream, p.downstream = upstream, downstream
	if n := len(p.syncs); n > 0 && !skipped && !truncated && downstream-(p.syncs[n-1].downstream+1) < maxOffsetLag {
		return false
	}
	p.syncs = append(p.syncs, offsetPair{upstream, downstream})
	p.syncs = p.syncs[max(0, len(p.syncs)-maxSyncs):]
	return true
}

// translate returns where on the target a group stands that has committed an offset of the source; false when that is
// not known.
func (p *mirrored) translate(offset int64) (int64, bool) {
	for _, s := range slices.Backward(p.syncs) {
		if s.upstream == offset {
			return s.downstream, true
		}
		if s.upstream < offset {
			return s.downstream + 1, true
		}
	}
	return 0, false
}

// beat writes the signs of life: of this direction on the target, and of the other one, which is off, on the source.
func (m *mirror) beat(ctx context.Context, c *clients, now time.Time) error {
	if err := produced(ctx, c.books, []*kgo.Record{heartbeat(m.from.Name, m.to.Name, now)}); err != nil {
		return err
	}
	return produced(ctx, c.up, []*kgo.Record{heartbeat(m.to.Name, m.from.Name, now)})
}

// flush commits how far each partition is copied.
func (m *mirror) flush(ctx context.Context, c *clients) error {
	var all []*kgo.Record
	for p, part := range m.parts {
		if part.upstream > part.committed {
			all = append(all, m.sourceOffset(p, part.upstream))
		}
	}
	if err := produced(ctx, c.books, all); err != nil {
		return err
	}
	for _, part := range m.parts {
		part.committed = part.upstream
	}
	return nil
}

// checkpoint tells where the group would stand on the target.
func (m *mirror) checkpoint(ctx context.Context, c *clients) error {
	offsets, err := kadm.NewClient(c.up).FetchOffsets(ctx, m.group)
	if err != nil {
		return fmt.Errorf("fetch the offsets of %s: %w", m.group, err)
	}
	var all []*kgo.Record
	for _, o := range offsets.Sorted() {
		p := partition{o.Topic, o.Partition}
		part := m.parts[p]
		if part == nil || o.Err != nil || o.At < 0 {
			continue
		}
		if at, ok := part.translate(o.At); ok && m.told[p] != at {
			m.told[p] = at
			all = append(all, m.checkpointOf(o, at))
		}
	}
	return produced(ctx, c.books, all)
}

// introduction is what Connect's herder writes at the start: the configurations of the connectors and of their tasks,
// and that all run.
func (m *mirror) introduction() (all []*kgo.Record) {
	for _, name := range []string{"MirrorSourceConnector", "MirrorCheckpointConnector", "MirrorHeartbeatConnector"} {
		config := m.config(name)
		all = append(all, m.configuration("connector-"+name, map[string]any{"properties": config}))
		config["task.class"] = "org.apache.kafka.connect.mirror." + strings.TrimSuffix(name, "Connector") + "Task"
		if name == "MirrorSourceConnector" {
			config["task.assigned.partitions"] = m.assigned()
		}
		all = append(
			all,
			m.configuration("task-"+name+"-0", map[string]any{"properties": config}),
			m.configuration("commit-"+name, map[string]any{"tasks": 1}),
			m.status("status-connector-"+name),
			m.status("status-task-"+name+"-0"),
		)
	}
	return all
}

// assigned lists the partitions as a task's configuration has them: orders-0,orders-1,…
func (m *mirror) assigned() string {
	var all []string
	for _, t := range slices.Sorted(maps.Keys(m.topics)) {
		for p := range m.topics[t] {
			all = append(all, fmt.Sprintf("%s-%d", t, p))
		}
	}
	return strings.Join(all, ",")
}

// config is a connector's configuration. MirrorMaker 2 gives each all settings of both clusters, and they stand in
// clear.
func (m *mirror) config(connector string) map[string]string {
	const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="mm2" password="` + Canary + `";`
	c := map[string]string{
		"name": connector, "connector.class": "org.apache.kafka.connect.mirror." + connector,
		"source.cluster.alias": m.from.Name, "target.cluster.alias": m.to.Name,
		"replication.factor": "1", "emit.heartbeats.interval.seconds": "1", "emit.checkpoints.interval.seconds": "5", "groups": m.group,
		"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
		"header.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
	}
	// those come by themselves
	topics := slices.DeleteFunc(slices.Sorted(maps.Keys(m.topics)), func(t string) bool { return t == heartbeats })
	c["topics"] = strings.Join(topics, ",")
	for side, cluster := range map[string]*Cluster{"source": m.from, "target": m.to} {
		c[side+".cluster.bootstrap.servers"] = strings.Join(cluster.Brokers, ",")
		c[side+".cluster.sasl.jaas.config"] = jaas
		c[side+".cluster.ssl.key.password"] = Canary
	}
	return c
}
