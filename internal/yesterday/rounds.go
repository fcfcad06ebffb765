package yesterday

import (
	"cmp"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// round is what the sources told in a round, after the one before.
func (s *script) round(last, at time.Time) []lineage.Observation {
	r := &telling{at: at, last: last, first: last.Equal(s.start), of: map[lineage.Source]*lineage.Observation{}}
	for _, c := range s.clusters {
		r.metadata(s, c)
		for _, name := range [...]string{"acls", "log-dirs", "members", "mirror", "producers", "share-groups", "start-offsets", "topic-configs"} {
			r.source(lineage.Source{Cluster: c.Name, Name: name}) // they looked too
		}
	}
	for _, c := range s.counts {
		r.count(c)
	}
	for _, g := range s.groups {
		r.group(g)
	}
	r.movers(s)
	r.registry(s)
	r.events(s)
	return r.all()
}

// telling is a round that is being told.
type telling struct {
	at, last time.Time
	first    bool
	of       map[lineage.Source]*lineage.Observation
}

// source returns the round's observation of a source.
func (r *telling) source(x lineage.Source) *lineage.Observation {
	o := r.of[x]
	if o == nil {
		o = &lineage.Observation{Source: x, Round: r.at, Interval: min(r.at.Sub(r.last), cadence), At: r.at}
		r.of[x] = o
		if r.first {
			o.Facts = append(o.Facts, lineage.Fact{
				Key:    lineage.FactKey{Source: x.Cluster, Kind: lineage.SourceFacts, Name: x.Name},
				Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: cadence},
			})
		}
	}
	return o
}

func (r *telling) all() []lineage.Observation {
	out := make([]lineage.Observation, 0, len(r.of))
	for _, o := range r.of {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b lineage.Observation) int {
		return cmp.Or(cmp.Compare(a.Source.Cluster, b.Source.Cluster), cmp.Compare(a.Source.Name, b.Source.Name))
	})
	return out
}

// begins reports whether an instant lies in this round.
func (r *telling) begins(at time.Time) bool {
	return at.After(r.last) && !at.After(r.at) || r.first && !at.After(r.at)
}

func (r *telling) metadata(s *script, c Cluster) {
	o := r.source(lineage.Source{Cluster: c.Name, Name: "metadata"})
	if r.first {
		o.Facts = append(o.Facts,
			lineage.Fact{
				Key:     lineage.FactKey{Source: c.Name, Kind: lineage.ClusterFacts},
				Cluster: &lineage.ClusterFact{ID: c.ID, Brokers: c.Brokers, Topics: len(c.Topics), Groups: -1},
			},
		)
	}
	if end := later(r.at, s.end); r.first || r.at.After(s.end) {
		o.Facts = append(o.Facts, lineage.Fact{
			Key:        lineage.FactKey{Source: c.Name, Kind: lineage.BlindSpotFacts, Name: "yesterday"},
			BlindSpots: []lineage.BlindSpot{{Source: c.Name + "/yesterday", What: Notice(end), Remedy: "what comes after it is really watched"}},
		})
	}
	for _, t := range c.Topics {
		from := s.start
		if t.Topic.Name == "refunds" {
			from = s.created
		}
		if r.begins(from) {
			o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: c.Name, Kind: lineage.TopicFacts, Name: t.Topic.Name}, Topic: &t})
		}
		if r.begins(from) && from.After(s.start) {
			o.Events = append(o.Events, lineage.Event{At: from, Type: lineage.TopicCreated, Topic: t.Topic})
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// count tells a counter that changed, and of a reader how far behind it is and whether it is there.
func (r *telling) count(c *count) {
	o := r.source(c.source)
	if r.at.Before(c.from) {
		return
	}
	was, now := c.at(r.last), c.at(r.at)
	if r.begins(c.from) {
		was = 0
	}
	if now != was || r.begins(c.from) {
		x := lineage.Sample{Subject: c.access, Metric: c.metric, Evidence: c.evidence, Value: now, Estimated: c.why != ""}
		if r.at.Sub(r.last) > cadence { // it advanced while nobody looked
			x.Since = r.last
		}
		o.Samples = append(o.Samples, x)
	}
	if c.why != "" && (r.first || r.begins(c.from)) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: c.access, Evidence: c.evidence, Detail: c.why})
	}
	if c.ends.n == nil {
		return
	}
	gauge := func(m lineage.Metric, f func(time.Time) int64) {
		if v := f(r.at); r.begins(c.from) || v != f(r.last) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: c.access, Metric: m, Value: v})
		}
	}
	gauge(lineage.Lag, func(at time.Time) int64 {
		if !c.to.IsZero() && !at.Before(c.to) {
			return 0 // it had read all, and is no more
		}
		return max(c.ends.at(at)-c.base-c.at(at), 0)
	})
	if c.live != nil {
		gauge(lineage.Live, func(at time.Time) int64 {
			if c.live(at) {
				return 1
			}
			return 0
		})
	}
}

func (r *telling) group(g *group) {
	o := r.source(lineage.Source{Cluster: clusterOf(g.fact.Ref), Name: "groups"})
	key := lineage.FactKey{Source: o.Source.Cluster, Kind: lineage.GroupFacts, Name: g.fact.Ref.Group}
	if r.begins(g.from) {
		fact := g.fact
		o.Facts = append(o.Facts, lineage.Fact{Key: key, Group: &fact})
	}
	if !g.to.IsZero() && r.begins(g.to) {
		o.Facts = append(o.Facts, lineage.Fact{Key: key, Gone: true})
		o.Events = append(o.Events, lineage.Event{At: g.to, Type: lineage.GroupLeft, Group: g.fact.Ref})
	}
}

func clusterOf(g lineage.GroupRef) string { return string(g.Cluster[len("demo-"):]) }

// movers tells what the shop's connectors and its replicator are, and that they run.
func (r *telling) movers(s *script) {
	west, east := s.topics["west/orders"].Topic.Cluster, s.topics["east/orders"].Topic.Cluster
	mirror := r.source(lineage.Source{Cluster: "east", Name: "mirror"})
	connectors := r.source(lineage.Source{Cluster: connect, Name: "connectors"})
	moved := r.source(lineage.Source{Cluster: connect, Name: "connector-offsets"})
	topic := func(cluster lineage.ClusterID, name string) lineage.Topic {
		return lineage.Topic{Cluster: cluster, Name: name}
	}
	access := func(op lineage.Op, t lineage.Topic, n lineage.Node, d lineage.Dataset) lineage.Access {
		return lineage.Access{Topic: t, Op: op, Client: lineage.Client{Mover: n}, Dataset: d}
	}
	runs := func(o *lineage.Observation, a lineage.Access, value int64) {
		if r.first {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Runs, Value: value})
		}
	}
	sighted := func(o *lineage.Observation, a lineage.Access, kind lineage.EvidenceKind, moved bool, detail string) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: kind, Moved: moved, Detail: detail})
	}
	const books = "configuration, offsets and status that MirrorMaker 2 keeps on the target"
	for _, name := range []string{"orders", "payments"} {
		w := access(lineage.Write, topic(east, "west."+name), replicator, lineage.Dataset{})
		runs(mirror, w, 1)
		sighted(mirror, w, lineage.Mirror, false, books)
		sighted(mirror, access(lineage.Read, topic(west, name), replicator, lineage.Dataset{}), lineage.Mirror, false, books)
	}
	runs(mirror, access(lineage.Write, topic(east, ""), lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode}, lineage.Dataset{}), 0)
	const sink, source = "io.aiven.connect.jdbc.JdbcSinkConnector", "io.debezium.connector.postgresql.PostgresConnector"
	writes := access(lineage.Write, topic(west, stock.Name), inventory, lineage.Dataset{})
	runs(connectors, writes, 1)
	runs(connectors, access(lineage.Write, topic(west, ""), lineage.Node{Scope: connect, Kind: lineage.ConnectorNode}, lineage.Dataset{}), 0)
	sighted(connectors, writes, lineage.Connect, false, "class "+source)
	sighted(connectors, access(lineage.Read, topic(west, "orders"), warehouse, lineage.Dataset{}), lineage.Connect, false, "class "+sink)
	sighted(moved, access(lineage.Read, topic(west, stock.Name), inventory, stock), lineage.Connect, true, "class "+source)
	sighted(moved, access(lineage.Write, topic(west, "orders"), warehouse, sales), lineage.Connect, true, "class "+sink)
	if !r.first {
		return
	}
	mirror.Facts = append(mirror.Facts, lineage.Fact{
		Key: lineage.FactKey{Source: "east", Kind: lineage.ReplicatorFacts, Name: replicator.ID()},
		Replicator: &lineage.ReplicatorFact{
			Node: replicator, SourceAlias: "west", TargetAlias: "east", Source: west, Target: east,
			Policy: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy", Separator: ".", State: "RUNNING",
		},
	})
	connectors.Facts = append(connectors.Facts, lineage.Fact{
		Key: lineage.FactKey{Source: connect, Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: west, Version: "4.3.1"},
	})
	for _, c := range []struct {
		node               lineage.Node
		class, kind, group string
	}{{warehouse, sink, "sink", "connect-orders-warehouse"}, {inventory, source, "source", ""}} {
		connectors.Facts = append(connectors.Facts, lineage.Fact{
			Key: lineage.FactKey{Source: connect, Kind: lineage.ConnectorFacts, Name: c.node.Name},
			Connector: &lineage.ConnectorFact{
				Kafka: west, Class: c.class, Type: c.kind, State: "RUNNING", Group: c.group,
				Tasks: []lineage.Task{{ID: 0, State: "RUNNING", Worker: "127.0.0.1"}},
			},
		}, changes(c.node.Name))
	}
}

// ofNight reports whether somebody moves in the night alone: the nightly job, and who reads what it writes.
func ofNight(c lineage.Client) bool {
	return c.Group == "nightly-report" || c.Group == "accounting" || c.TransactionalID == "nightly-report-1"
}

// events tells when flows began and ended.
func (r *telling) events(s *script) {
	for _, c := range s.counts {
		for _, e := range []struct {
			at   time.Time
			kind lineage.EventType
			is   bool
		}{
			{s.standstill.Start, lineage.FlowStopped, c.access.Client.Group == "billing"},
			{s.standstill.End, lineage.FlowStarted, c.access.Client.Group == "billing"},
			{s.night.Start, lineage.FlowStarted, ofNight(c.access.Client)},
			{s.night.End, lineage.FlowStopped, ofNight(c.access.Client)},
			{s.created, lineage.FlowStarted, c.flow != "" && c.from.Equal(s.created)},
		} {
			if e.is && r.begins(e.at) && e.at.After(s.start) {
				o := r.source(c.source)
				o.Events = append(o.Events, lineage.Event{At: e.at, Type: e.kind, Access: c.access})
			}
		}
	}
}
