package answer_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Whose a transactional.id is was found out in round 15, and holds for the rounds before. Groups of single runs are one
// application, with each of them as a client.
func TestNamesHoldForThePast(t *testing.T) {
	const made = "2fd6f940-f7ce-4a13-a8b9-02cb3b5efaac"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lines, orders, offsets := topic("lines"), topic("orders"), topic("__consumer_offsets")
		w.observe("west", "end-offsets", 1, facts(clusterFact(2), topicFact(lines), topicFact(orders), topicFact(offsets)))
		for n := 1; n <= 20; n++ {
			if n > 1 {
				w.observe("west", "end-offsets", n)
			}
			w.observe("west", "producers", n, w.moved(writes(lines, lineage.Client{TransactionalID: made}), lineage.Transaction, 3))
			fill := []filling{
				w.moved(reads(orders, group("enrich")), lineage.GroupOffsets, 3), w.moved(reads(orders, group("web-7f9c6d5b8-x2lq4")), lineage.GroupOffsets, 1), w.moved(reads(orders, group("web-7f9c6d5b8-x2lq5")), lineage.GroupOffsets, 1),
			}
			if n == 15 {
				fill = append(fill, sighted(writes(offsets, lineage.Client{Group: "enrich", TransactionalID: made}), lineage.Transaction, "its transactions move them"))
			}
			w.observe("west", "groups", n, fill...)
		}
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		v := named(t, w, answer.Between(round(3), round(9)))
		ids := func(flows []lineage.Flow) (out []string) {
			for _, f := range flows {
				out = append(out, f.ID())
			}
			slices.Sort(out)
			return out
		}
		writers, _ := v.Usage(topicNode("lines"))
		if got, want := ids(writers), []string{"application:west/enrich->topic:west/lines"}; !slices.Equal(got, want) {
			t.Errorf("writers: %v, want %v", got, want)
		}
		_, readers := v.Usage(topicNode("orders"))
		if got, want := ids(readers), []string{"topic:west/orders->application:west/enrich", "topic:west/orders->application:west/web"}; !slices.Equal(got, want) {
			t.Errorf("readers: %v, want %v", got, want)
		}
		if groups := v.Rows([]lineage.Node{application("web")}, nil).Node(application("web")).Groups(); len(groups) != 2 {
			t.Errorf("groups of web: %+v", groups)
		}
	})
}
