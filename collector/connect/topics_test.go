package connect

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// A worker that lacks a plugin does not know a sink from a source.
func TestUnknownPlugin(t *testing.T) {
	w := newWorker(t)
	w.connectors["out"] = running("unknown", []string{"orders"}, map[string]any{"connector.class": "com.acme.Out", "topics": "orders"})
	w.connectors["in"] = running("unknown", []string{"lines"}, map[string]any{"connector.class": "com.acme.In"})
	r := newRig(t, w, nil)
	r.take()
	r.want("out", "read west-id/orders")
	r.want("in")
	for _, topic := range []string{"orders", "lines"} {
		if got, _ := r.board.Writers(kafka).Of(topic); len(got) > 0 {
			t.Errorf("%s is written by %v", topic, got)
		}
	}
	facts := r.facts(lineage.ConnectorFacts)
	if f := facts["out"].Connector; f.Type != "sink" || f.Group != "connect-out" {
		t.Errorf("the sink is %+v", f)
	}
	if f := facts["in"].Connector; f.Type != "unknown" || !strings.Contains(r.spots(), "what connector in moves") {
		t.Errorf("the other is %+v; blind spots: %s", f, r.spots())
	}
}

// Until its topics are known, a source may write any; a sink writes what it is configured to. What is not seen any more
// is what was told last.
func TestWritersThatAreNotKnownYet(t *testing.T) {
	w := newWorker(t)
	for i := range 2 * detailsARound {
		w.connectors[fmt.Sprintf("in%02d", i)] = running("source", []string{fmt.Sprintf("t%02d", i)}, map[string]any{"connector.class": "com.acme.In"})
		w.connectors[fmt.Sprintf("out%02d", i)] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines", "errors.deadletterqueue.topic.name": "dead"})
	}
	w.connectors["plain"] = running("source", nil, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "plain"})
	w.connectors["counted"] = running("source", nil, map[string]any{"connector.class": "com.acme.In", "producer.override.enable.idempotence": "true"})
	r := newRig(t, w, nil)
	for i := range 4*detailsARound/(detailsARound/2) + 1 {
		r.take()
		looked := detailsARound / 2 * (i + 1)
		got, sure := r.board.Writers(kafka).Of("plain")
		if len(got) != 1 || sure != (looked > 2*detailsARound) {
			t.Errorf("after %d connectors: %v, sure %v", looked, got, sure)
		}
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
	r.take()
	for _, topic := range []string{"t00", "plain", "dead"} {
		if got, sure := r.board.Writers(kafka).Of(topic); len(got) == 0 || sure {
			t.Errorf("%s: %v, sure %v", topic, got, sure)
		}
	}
}

// A dead letter queue is written by a producer of the workers, wherever the sink reads.
func TestDeadLetterQueueOfAFarSink(t *testing.T) {
	w := newWorker(t)
	w.connectors["far"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines", "errors.deadletterqueue.topic.name": "dead", "consumer.override.bootstrap.servers": "10.0.0.2:9092"})
	r := newRig(t, w, nil)
	r.take()
	r.want("far", "read east-id/lines", "write file /out", "write west-id/dead")
	for _, o := range r.last {
		for _, s := range o.Sightings {
			if s.Access.Dataset.Name != "" && s.Access.Topic.Cluster != "east-id" {
				t.Errorf("what it writes outside is of %s", s.Access.Topic.Cluster)
			}
		}
	}
	if got, _ := r.board.Writers(kafka).Of("dead"); len(got) != 1 {
		t.Errorf("the queue is written by %v", got)
	}
	w.connectors["far"].config["producer.override.bootstrap.servers"] = "10.0.0.2:9092"
	r.take()
	r.want("far", "read east-id/lines", "write east-id/dead", "write file /out")
	w.connectors["far"].config["consumer.override.bootstrap.servers"] = "nowhere:1"
	r.take()
	r.want("far", "write east-id/dead", "write file /out")
}

// What a connector has used stays when it is configured anew: where its configuration tells, that alone does.
func TestTopicsOfAnEarlierConfiguration(t *testing.T) {
	w := newWorker(t)
	w.connectors["list"] = running("sink", []string{"old", "orders"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "orders"})
	w.connectors["regex"] = running("sink", []string{"old", "orders"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "orders"})
	w.connectors["far"] = running("sink", []string{"old"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "lines", "consumer.override.bootstrap.servers": "x:1"})
	w.connectors["file"] = running("source", []string{"old", "lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines"})
	w.connectors["other"] = running("source", []string{"old"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines", "transforms": "r"})
	r := newRig(t, w, nil)
	r.take()
	r.want("list", "read west-id/orders", "write file /out")
	r.want("regex", "read west-id/orders", "write file /out")
	r.want("far", "write file /out")
	r.want("file", "read file /in", "write west-id/lines")
	r.want("other", "read file /in", "write west-id/old")
}

// A cluster that is not watched is said, but not before its own source has had its time.
func TestClusterThatIsNotWatched(t *testing.T) {
	w := newWorker(t)
	w.connectors["re"] = running("sink", []string{"words"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "wor.*"})
	r := newRig(t, w, nil)
	r.board = &collector.Board{}
	r.board.Await("north")
	r.start(func(c *Config) { c.Interval = time.Second })
	for i := range 8 {
		r.take()
		r.want("re", "read west-id/words", "write file /out")
		late := i >= 6
		if said := r.spots(); said != "" && strings.Contains(said, "Kafka cluster, west-id, is not watched") != late && strings.Contains(said, "topics.regex is for") != late {
			t.Errorf("round %d: %s", i, said)
		} else if i == 6 && said == "" {
			t.Error("nothing is said")
		}
	}
}

func TestTopicsOfSinks(t *testing.T) {
	w := newWorker(t)
	w.connectors["re"] = running("sink", nil, map[string]any{
		"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "orders.*|__secret",
		"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.r.regex": "(.*)", "transforms.r.replacement": "x",
	})
	w.connectors["java"] = running("sink", []string{"words"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "(?!x)or.*"})
	w.connectors["es"] = running("sink", nil, map[string]any{
		"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "connection.url": "http://me:" + canary + "@es:9201,http://es2", "topics": "Orders",
		"transforms": "a,b", "transforms.a.type": "org.apache.kafka.connect.transforms.InsertField$Value",
		"transforms.b.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.b.regex": "(Ord)(.*)", "transforms.b.replacement": "$2_$1x",
	})
	w.connectors["odd"] = running("sink", nil, map[string]any{"connector.class": "com.acme.Sink", "topics": "words", "nothing": nil, "number": 3})
	r := newRig(t, w, nil)
	r.take()
	r.want("re", "read west-id/orders", "read west-id/orders-eu", "write file /out")
	r.want("java", "read west-id/words", "write file /out")
	r.want("es", "read west-id/Orders", "write elasticsearch://es:9201 ers_ordx")
	r.want("odd", "read west-id/words")
	for _, want := range []string{"topics.regex can't be read", "the class com.acme.Sink is not known"} {
		if !strings.Contains(r.spots(), want) {
			t.Errorf("no word of %q in %q", want, r.spots())
		}
	}
}

// A connector may be told brokers of its own (KIP-458): then its topics are in their cluster, and it is still one node.
func TestTopicsInAnotherCluster(t *testing.T) {
	w := newWorker(t)
	w.connectors["far-in"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "producer.override.bootstrap.servers": "x:1, 10.0.0.2:9092"})
	w.connectors["far-out"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "or.*", "consumer.override.bootstrap.servers": "10.0.0.2:9092"})
	w.connectors["lost"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/lost", "producer.override.bootstrap.servers": "nowhere:9092"})
	w.connectors["mm"] = running("source", []string{"e.orders"}, map[string]any{
		"connector.class": "MirrorSourceConnector", "source.cluster.alias": "west", "target.cluster.alias": "e", "producer.override.bootstrap.servers": "10.0.0.2:9092",
	})
	w.connectors["mm"].offsets = []map[string]any{{"partition": map[string]any{"cluster": "west", "topic": "orders", "partition": 0}, "offset": map[string]any{"offset": 5}}}
	r := newRig(t, w, nil)
	r.board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Bootstrap: []string{"10.0.0.2:9092"}, Topics: []string{"orders-east"}})
	r.take()
	r.want("far-in", "read file /in", "write east-id/lines")
	r.want("far-out", "read east-id/orders-east", "write file /out")
	r.want("lost", "read file /lost")
	r.want("west->e", "read west-id/orders", "write east-id/west.orders")
	if spots := r.spots(); !strings.Contains(spots, "the topics of connector lost: its producer.override.bootstrap.servers lead to a Kafka cluster that is not watched") {
		t.Errorf("blind spots: %s", spots)
	}
	if f := r.facts(lineage.ConnectorFacts)["far-out"].Connector; f.Kafka != "east-id" || f.Group != "connect-far-out" {
		t.Errorf("the far sink is %+v", f)
	}
	node := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->e"}
	if f := r.facts(lineage.ReplicatorFacts)[node.ID()].Replicator; f == nil || f.Source != kafka || f.Target != "east-id" || f.Node != node {
		t.Errorf("the replicator is %+v", f)
	}
	if got, sure := r.board.Writers("east-id").Of("lines"); len(got) != 1 || got[0].Name != "far-in" || !sure {
		t.Errorf("lines of east is written by %v", got)
	}
	if got, _ := r.board.Writers(kafka).Of("lines"); len(got) > 0 || !r.board.Writers(kafka).Told {
		t.Errorf("lines of west is written by %v", got)
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
	r.take()
	if _, sure := r.board.Writers("east-id").Of("lines"); sure {
		t.Error("sure of a writer that could not be seen")
	}
}
