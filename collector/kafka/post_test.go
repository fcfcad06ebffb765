package kafka

import (
	"testing"

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
