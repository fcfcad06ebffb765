package identity

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A connector is one node, whoever tells of it: by the names under which its tasks send their OpenLineage events. A
// name that two connectors have is neither's.
func TestConnectorsThatTellOfThemselves(t *testing.T) {
	r, k := mustNew(t, Rules{}), NewKnowledge(nil)
	connector := func(name string) lineage.Node { return node1("connect-west", lineage.ConnectorNode, name) }
	task := func(namespace, name string) lineage.Node { return node1(namespace, lineage.StreamJobNode, name) }
	const by = "Kafka Connect, by its name"
	k.AddTold(connector("inventory"), []lineage.Node{task("shop", "shop.0"), task("shop", "shop.1")}, by)
	k.AddTold(connector("a"), []lineage.Node{task("twice", "x.0")}, by)
	k.AddTold(connector("b"), []lineage.Node{task("twice", "x.0")}, by)
	for mover, want := range map[lineage.Node]lineage.Node{
		task("shop", "shop.0"):                      connector("inventory"),
		task("shop", "shop.1"):                      connector("inventory"),
		node1("shop", lineage.JobNode, "shop.0"):    connector("inventory"), // before an event said that it streams
		task("twice", "x.0"):                        task("twice", "x.0"),
		task("shop", "shop.2"):                      task("shop", "shop.2"),
		task("elsewhere", "shop.0"):                 task("elsewhere", "shop.0"),
		connector("inventory"):                      connector("inventory"),
		node1("shop", lineage.ConnectorNode, "old"): node1("shop", lineage.ConnectorNode, "old"),
	} {
		a := onTopic("orders", lineage.Write, lineage.Client{Mover: mover})
		n, words := r.Resolve(west, a, k.Of(a))
		if n != want || want.Kind == lineage.ConnectorNode && mover.Kind != want.Kind && words != by {
			t.Errorf("%v is %v by %q, want %v", mover, n, words, want)
		}
	}
}
