package api_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

var (
	counts       = topic(west, "counts", 11)
	changelog    = topic(west, "counter-counts-changelog", 12)
	repartition  = topic(west, "counter-counts-repartition", 13)
	lines        = topic(west, "lines", 14)
	bills        = topic(west, "bills", 15)
	copyOfCounts = topic(east, "west.counts", 21)

	sink   = lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "warehouse"}
	source = lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "file-in"}
	mirror = lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}

	table = lineage.Dataset{Namespace: "postgres://db:5432", Name: "warehouse.public.counts"}
	file  = lineage.Dataset{Namespace: "file", Name: "/in.txt"}
)

// conventions names everyone as lineaged does without rules.
func conventions() func() answer.Identity {
	r, err := identity.New(identity.Rules{})
	if err != nil {
		panic(err)
	}
	return func() answer.Identity { return r }
}

func by(n lineage.Node) lineage.Client { return lineage.Client{Mover: n} }

func outside(op lineage.Op, n lineage.Node, d lineage.Dataset) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: west}, Op: op, Client: by(n), Dataset: d}
}

// nameOnly is a topic as a source knows it that was told its name alone.
func nameOnly(t lineage.Topic) lineage.Topic { return lineage.Topic{Cluster: t.Cluster, Name: t.Name} }

// moving notes a sighting of an access that moved.
func moving(x lineage.Access, e lineage.EvidenceKind) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: x, Evidence: e, Moved: true})
	}
}

func connectorFact(n lineage.Node, kind, state string) lineage.Fact {
	f := &lineage.ConnectorFact{Kafka: west, Class: "com.acme." + n.Name, Type: kind, State: state, Tasks: []lineage.Task{{ID: 0, State: state, Worker: "worker:8083"}}}
	if kind == "sink" {
		f.Group = "connect-" + n.Name
	}
	return lineage.Fact{Key: lineage.FactKey{Source: n.Scope, Kind: lineage.ConnectorFacts, Name: n.Name}, Connector: f}
}

// allMovers is a world of movers of every kind. In its first 20 rounds
//   - nobody knows who writes orders; the Streams application counter reads them by way of its inner topics and writes
//     counts,
//   - the sink connector warehouse takes counts to a table, the source connector file-in writes lines from a file, by
//     elimination,
//   - MirrorMaker 2 copies counts to east, where east-reader reads them,
//   - bill-reader reads orders and bill-writer writes bills: they look alike.
//
// Then nothing moves any more. In round 24 the sink is deleted, in round 26 it is known that MirrorMaker 2 has stopped.
func allMovers(t testing.TB) *world {
	w := newWorld(t)
	member := lineage.Member{ID: "m-1", ClientID: "counter-0d1f-StreamThread-1-consumer", Host: "/10.0.0.9"}
	for n := 1; n <= 30; n++ {
		by40 := int64(0)
		if n <= 20 {
			by40 = 40
		}
		ends := []func(*lineage.Observation){w.moved(self(offsets), lineage.NoEvidence, 1)}
		for _, tp := range []lineage.Topic{orders, counts, changelog, repartition, lines, bills} {
			ends = append(ends, w.moved(self(tp), lineage.NoEvidence, by40))
		}
		groups := []func(*lineage.Observation){
			w.moved(reads(orders, group("counter")), lineage.GroupOffsets, by40), w.moved(reads(repartition, group("counter")), lineage.GroupOffsets, by40),
			w.moved(reads(counts, group("connect-warehouse")), lineage.GroupOffsets, by40), w.moved(reads(orders, group("bill-reader")), lineage.GroupOffsets, by40),
		}
		connectors := []func(*lineage.Observation){}
		details := []func(*lineage.Observation){level(outside(lineage.Read, source, file), lineage.Pending, 0)}
		mirrored := []func(*lineage.Observation){w.moved(reads(nameOnly(counts), by(mirror)), lineage.Mirror, by40), level(reads(nameOnly(counts), by(mirror)), lineage.Lag, 0)}
		if n < 24 {
			connectors = append(connectors, sighted(reads(nameOnly(counts), by(sink)), lineage.Connect, "class com.acme.warehouse"))
		}
		connectors = append(connectors, sighted(writes(nameOnly(lines), by(source)), lineage.Connect, "class com.acme.file-in"))
		if n <= 20 {
			details = append(details, moving(outside(lineage.Write, sink, table), lineage.Connect), moving(outside(lineage.Read, source, file), lineage.Connect))
		}
		if n < 26 {
			mirrored = append(mirrored, sighted(writes(nameOnly(copyOfCounts), by(mirror)), lineage.Mirror, "mm2-offsets.west.internal"))
		}
		switch n {
		case 1:
			ends = append(ends, facts(clusterFact("west", west, 7, 4), topicFact("west", orders), topicFact("west", counts), topicFact("west", changelog),
				topicFact("west", repartition), topicFact("west", lines), topicFact("west", bills), topicFact("west", offsets)))
			topology := groupFact("counter", "Streams", "Stable", member)
			topology.Group.Topology = &lineage.Topology{Epoch: 3, Subtopologies: []lineage.Subtopology{
				{ID: "0", Sources: []string{"orders"}, RepartitionSinks: []string{"counter-counts-repartition"}},
				{ID: "1", RepartitionSources: []string{"counter-counts-repartition"}, Changelogs: []string{"counter-counts-changelog"}, Stores: []string{"counts"}},
			}}
			groups = append(groups, facts(topology, groupFact("connect-warehouse", "Consumer", "Stable"), groupFact("bill-reader", "Classic", "Stable")))
			connectors = append(connectors, facts(
				lineage.Fact{Key: lineage.FactKey{Source: "connect-west", Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: west, Version: "4.3.1"}},
				connectorFact(sink, "sink", "RUNNING"), connectorFact(source, "source", "RUNNING")))
			mirrored = append(mirrored, facts(lineage.Fact{
				Key: lineage.FactKey{Source: "east", Kind: lineage.ReplicatorFacts, Name: "replicator:east/west-%3Eeast"},
				Replicator: &lineage.ReplicatorFact{
					Node: mirror, SourceAlias: "west", TargetAlias: "east", Source: west, Target: east, Policy: mm2.DefaultPolicy, Separator: ".", State: "RUNNING",
				},
			}))
		case 24:
			connectors = append(connectors, facts(gone("connect-west", lineage.ConnectorFacts, "warehouse")))
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n,
			w.moved(writes(orders, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, by40),
			w.moved(writes(counts, producer(7)), lineage.ProducerState, by40), w.moved(writes(changelog, producer(7)), lineage.ProducerState, by40), w.moved(writes(repartition, producer(7)), lineage.ProducerState, by40),
			w.moved(writes(bills, lineage.Client{TransactionalID: "bill-writer"}), lineage.Transaction, by40, estimated),
			w.moved(writes(lines, by(source)), lineage.Elimination, by40, estimated))
		w.observe("west", "groups", n, groups...)
		w.observe("connect-west", "connectors", n, connectors...)
		w.observe("connect-west", "connector-offsets", n, details...)
		var firstEast, firstReader []func(*lineage.Observation)
		if n == 1 {
			firstEast = append(firstEast, facts(clusterFact("east", east, 1, 1), topicFact("east", copyOfCounts)))
			reader := groupFact("east-reader", "Consumer", "Stable")
			reader.Key.Source, reader.Group.Ref.Cluster = "east", east
			firstReader = append(firstReader, facts(reader))
		}
		w.observe("east", "end-offsets", n, append(firstEast, w.moved(self(copyOfCounts), lineage.NoEvidence, by40))...)
		w.observe("east", "producers", n, w.moved(writes(copyOfCounts, by(mirror)), lineage.Elimination, by40, estimated))
		w.observe("east", "groups", n, append(firstReader, w.moved(reads(copyOfCounts, group("east-reader")), lineage.GroupOffsets, by40))...)
		w.observe("east", "mirror", n, mirrored...)
	}
	return w
}

// What is only known by a topology or a configuration is at rest, not unknown, where another count of the same flow
// says so or its mover was told not to run. And a topic that is called like MirrorMaker 2's heartbeats is somebody's
// own.
func TestAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := allMovers(t)
		paused := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "paused"}
		// it failed, and its task runs
		limping := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "limping"}
		heart := topic(west, "devices.heartbeats", 30)
		for n := 31; n <= 60; n++ {
			groups := []func(*lineage.Observation){w.moved(reads(orders, group("counter")), lineage.GroupOffsets, 0), w.moved(reads(heart, group("dev")), lineage.GroupOffsets, 5)}
			ends := []func(*lineage.Observation){w.moved(self(heart), lineage.NoEvidence, 5), w.moved(self(bills), lineage.NoEvidence, 10), w.moved(self(counts), lineage.NoEvidence, 0)}
			var connectors []func(*lineage.Observation)
			switch n {
			case 31:
				groups = append(groups, sighted(writes(counts, group("counter")), lineage.StreamsTopology, "subtopology 1"), facts(groupFact("dev", "Classic", "Stable")))
				ends = append(ends, facts(topicFact("west", heart)))
				connectors = append(connectors, facts(connectorFact(paused, "source", "RUNNING")), sighted(writes(nameOnly(bills), by(paused)), lineage.Connect, "x"))
			case 32:
				failed := connectorFact(limping, "source", "RUNNING")
				failed.Connector.State = "FAILED"
				connectors = append(connectors, facts(connectorFact(paused, "source", "PAUSED"), failed), sighted(writes(nameOnly(bills), by(limping)), lineage.Connect, "x"))
			}
			w.observe("west", "groups", n, groups...)
			w.observe("west", "end-offsets", n, ends...)
			w.observe("west", "producers", n, w.moved(writes(bills, lineage.Client{TransactionalID: "bill-writer"}), lineage.Transaction, 10), w.moved(writes(counts, producer(7)), lineage.ProducerState, 0))
			w.observe("connect-west", "connectors", n, connectors...)
			w.observe("connect-west", "connector-offsets", n)
		}
		time.Sleep(time.Until(midnight.Add(60 * tick)))
		h := serve(served{History: w.store, Identity: conventions(), Clusters: worlds["movers"].config, Connects: []answer.ConnectConfig{{Name: "connect-west"}}, Log: quiet()})
		window := fmt.Sprintf(`{start: %q, end: %q}`, round(50).Format(time.RFC3339), round(60).Format(time.RFC3339))
		for query, want := range map[string]string{
			`{ lineage(roots: ["topic:west/counts"], direction: UPSTREAM, depth: 1, window: ` + window + `) { flows { id active } } }`: `"id":"streamjob:west/counter->topic:west/counts","active":false`,
			`{ lineage(roots: ["topic:west/bills"], direction: UPSTREAM, depth: 1, window: ` + window + `) { flows { id active } } }`:  `"id":"connector:connect-west/paused->topic:west/bills","active":false`,
			`{lineage(roots: ["topic:west/bills"], direction: UPSTREAM, depth: 1, window: ` + window + `) { flows { id active } } }`:   `"id":"connector:connect-west/limping->topic:west/bills","active":null`,
			`{ lineage(roots: ["application:shop/dev"], window: ` + window + `) { flows { id active } } }`:                             `"id":"topic:west/devices.heartbeats->application:shop/dev","active":true`,
		} {
			if _, body := ask(h, query, ""); !strings.Contains(string(body), want) {
				t.Errorf("%s\ngot  %s\nwant %s", query, body, want)
			}
		}
	})
}

// A record goes through a replicator to the copy of its own topic, and to no other.
func TestWaysThroughAReplicator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := allMovers(t)
		copyOfBills := topic(east, "west.bills", 22)
		w.observe("east", "end-offsets", 31, facts(topicFact("east", copyOfBills)))
		w.observe("east", "mirror", 31, sighted(reads(nameOnly(bills), by(mirror)), lineage.Mirror, "x"), sighted(writes(nameOnly(copyOfBills), by(mirror)), lineage.Mirror, "x"),
			sighted(reads(nameOnly(counts), by(mirror)), lineage.Mirror, "x"), sighted(writes(nameOnly(copyOfCounts), by(mirror)), lineage.Mirror, "x"))
		time.Sleep(time.Until(midnight.Add(31 * tick)))
		h := serve(served{History: w.store, Identity: conventions(), Clusters: worlds["movers"].config, Connects: []answer.ConnectConfig{{Name: "connect-west"}}, Log: quiet()})
		window := fmt.Sprintf(`{start: %q, end: %q}`, round(10).Format(time.RFC3339), round(31).Format(time.RFC3339))
		for query, want := range map[string]string{
			`{ lineage(roots: ["topic:west/bills"], direction: DOWNSTREAM, depth: 9, window: ` + window + `) { nodes { name } } }`:           `[{"name":"bills"},{"name":"west->east"},{"name":"west.bills"}]`,
			`{ lineage(roots: ["application:shop/east-reader"], direction: UPSTREAM, depth: 3, window: ` + window + `) { nodes { name } } }`: `[{"name":"east-reader"},{"name":"west.counts"},{"name":"west->east"},{"name":"counts"}]`,
		} {
			if _, body := ask(h, query, ""); !strings.Contains(string(body), want) {
				t.Errorf("%s\ngot  %s\nwant %s", query, body, want)
			}
		}
	})
}

// goneMovers is a world of what was deleted: on Connect in east ran the parts of MirrorMaker 2 from west, exactly once,
// and the connector archive, all of it until round 6. A replicator to a cluster that nobody watches is still there.
func goneMovers(t testing.TB) *world {
	const connect = "connect-east"
	w := newWorld(t)
	part := lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "mm"}
	archive := lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "archive"}
	toParis := lineage.Node{Scope: "paris", Kind: lineage.ReplicatorNode, Name: "east->paris"}
	replicator := func(f lineage.ReplicatorFact) lineage.Fact {
		f.Connect, f.State = connect, "RUNNING"
		return lineage.Fact{Key: lineage.FactKey{Source: connect, Kind: lineage.ReplicatorFacts, Name: f.Node.ID()}, Replicator: &f}
	}
	for n := 1; n <= 12; n++ {
		var inWest, inEast, connectors []func(*lineage.Observation)
		by40 := int64(0)
		if n <= 6 {
			by40 = 40
			connectors = append(connectors, sighted(writes(nameOnly(copyOfCounts), by(mirror)), lineage.Connect, "connector mm"),
				sighted(reads(nameOnly(copyOfCounts), by(archive)), lineage.Connect, "connector archive"),
				moving(reads(nameOnly(counts), by(mirror)), lineage.Connect))
		}
		switch n {
		case 1:
			inWest = append(inWest, facts(clusterFact("west", west, 1, 0), topicFact("west", counts)))
			inEast = append(inEast, facts(clusterFact("east", east, 1, 0), topicFact("east", copyOfCounts)))
			isPart, isSink := connectorFact(part, "source", "RUNNING"), connectorFact(archive, "sink", "RUNNING")
			workers := groupFact(connect, "Classic", "Stable") // its name is in the transactional.ids
			workers.Key.Source, workers.Group.Ref.Cluster, workers.Group.Protocol = "east", east, "connect"
			inEast = append(inEast, facts(workers))
			isPart.Connector.Kafka, isPart.Connector.Replicator, isSink.Connector.Kafka = east, mirror, east
			connectors = append(connectors, facts(
				lineage.Fact{Key: lineage.FactKey{Source: connect, Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: east}}, isPart, isSink,
				replicator(lineage.ReplicatorFact{Node: mirror, SourceAlias: "west", TargetAlias: "east", Source: west, Target: east}),
				replicator(lineage.ReplicatorFact{Node: toParis, SourceAlias: "east", TargetAlias: "paris", Source: east, Target: "pAr15000000000"})))
		case 7:
			connectors = append(connectors, facts(gone(connect, lineage.ConnectorFacts, "mm"), gone(connect, lineage.ConnectorFacts, "archive"),
				gone(connect, lineage.ReplicatorFacts, mirror.ID())))
		}
		w.observe("west", "end-offsets", n, append(inWest, w.moved(self(counts), lineage.NoEvidence, 40))...)
		w.observe("east", "end-offsets", n, append(inEast, w.moved(self(copyOfCounts), lineage.NoEvidence, by40))...)
		w.observe("east", "producers", n, w.moved(writes(copyOfCounts, lineage.Client{TransactionalID: connect + "-mm-0"}), lineage.Transaction, by40))
		w.observe(connect, "connectors", n, connectors...)
	}
	return w
}

// A sink that was deleted leaves its group behind: it stays the connector's, also under a name of its own, until
// another connector or an application bears that.
func TestGroupOfADeletedConnector(t *testing.T) {
	for name, want := range map[string]string{"": "connector:connect-west/warehouse", "later": "connector:connect-west/later", "own": "application:west/own"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			fact := func(n lineage.Node) lineage.Fact {
				f := connectorFact(n, "sink", "RUNNING")
				f.Connector.Group = "own"
				return f
			}
			w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 1, 1), topicFact("west", orders)))
			w.observe("connect-west", "connectors", 1, facts(fact(sink)))
			w.observe("connect-west", "connectors", 2, facts(gone("connect-west", lineage.ConnectorFacts, "warehouse")))
			if name == "own" {
				w.observe("west", "members", 3, facts(groupFact("own", "Consumer", "Stable", lineage.Member{ID: "m", ClientID: "own-1"})))
			} else if name != "" {
				w.observe("connect-west", "connectors", 3, facts(fact(lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name})))
			}
			for n := 1; n <= 6; n++ {
				w.observe("west", "groups", n, w.moved(reads(orders, group("own")), lineage.GroupOffsets, 5))
			}
			time.Sleep(time.Until(round(6)))
			h := serve(served{
				History: w.store, Identity: conventions(), Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Connects: []answer.ConnectConfig{{Name: "connect-west"}}, Log: quiet(),
			})
			_, body := ask(h, `{ lineage(roots: ["topic:west/orders"], window: {last: "30s"}) { flows { to { id } } } }`, "")
			if !strings.Contains(string(body), want) || strings.Count(string(body), `"id"`) != 1 {
				t.Errorf("%q: %s", name, body)
			}
			if name != "later" {
				return
			}
			// In a window in which both were, each has the part of its time.
			_, body = ask(h, `{ lineage(roots: ["topic:west/orders"], window: {last: "1m"}) { flows { to { name } records estimated } } }`, "")
			if want := `[{"to":{"name":"later"},"records":"22","estimated":true},{"to":{"name":"warehouse"},"records":"8","estimated":true}]`; !strings.Contains(string(body), want) {
				t.Errorf("of both: %s, want %s", body, want)
			}
		})
	}
}
