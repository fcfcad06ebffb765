package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Who knows a topic by its name alone finds its id on the board, and the new one once it was made again.
func TestBoardHasTheIDsOfTopics(t *testing.T) {
	board := &collector.Board{}
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.start(Config{Board: board})
	w.take(1)
	id := func() lineage.TopicID {
		c, _ := board.Cluster(w.source.cfg.Name)
		return c.IDs["orders"]
	}
	first := id()
	if first == (lineage.TopicID{}) {
		t.Fatal("the topic has no id on the board")
	}
	w.remove("orders")
	w.topic("orders", 1)
	w.take(1)
	if second := id(); second == first || second == (lineage.TopicID{}) {
		t.Errorf("the topic was made again: %s, before %s", second, first)
	}
}

// What topics are configured for is on the board for who reads schemas.
func TestBoardHasWhatTopicsSayOfSubjects(t *testing.T) {
	board := &collector.Board{}
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.topic("plain", 1)
	w.refuse(kmsg.DescribeConfigs, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.DescribeConfigsRequest)
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range req.Resources {
			r := kmsg.NewDescribeConfigsResponseResource()
			r.ResourceType, r.ResourceName = asked.ResourceType, asked.ResourceName
			if asked.ResourceName == "orders" {
				c := kmsg.NewDescribeConfigsResponseResourceConfig()
				c.Name, c.Value, c.Source = "confluent.value.schema.validation", new("true"), kmsg.ConfigSourceDynamicTopicConfig
				r.Configs = append(r.Configs, c)
			}
			resp.Resources = append(resp.Resources, r)
		}
		return resp, nil, true
	})
	w.start(Config{Board: board})
	w.take(2)
	names := func() map[string]collector.SubjectNames {
		c, _ := board.Cluster(w.source.cfg.Name)
		return c.Names
	}
	if got := names(); len(got) != 1 || got["orders"] != (collector.SubjectNames{Value: lineage.TopicName}) {
		t.Errorf("on the board is %+v", got)
	}
}
