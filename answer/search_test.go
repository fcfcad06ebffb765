package answer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What is found is what all filters leave.
func TestSearchFilters(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		f := func(s answer.Search, want string) {
			t.Helper()
			if got := found(t, v, s); got != want {
				t.Errorf("%+v\n got %s\nwant %s", s, got, want)
			}
		}
		topics := []lineage.NodeKind{lineage.TopicNode}
		f(answer.Search{}, "application:audit application:billing topic:old unidentified:old topic:east/orders topic:orders unidentified:orders topic:payments unidentified:payments topic:quiet application:east/replay")
		f(answer.Search{Kinds: topics}, "topic:old topic:east/orders topic:orders topic:payments topic:quiet")
		f(answer.Search{Kinds: []lineage.NodeKind{lineage.ConnectorNode}}, "")
		f(answer.Search{Kinds: []lineage.NodeKind{lineage.ApplicationNode, lineage.UnidentifiedNode}, Cluster: new("west")},
			"application:audit application:billing unidentified:old unidentified:orders unidentified:payments")
		// Kafka's own, and who writes it unseen, only where they are asked for.
		f(answer.Search{IncludeInternal: true, Text: "_", HasText: true}, "topic:__consumer_offsets unidentified:__consumer_offsets")
		f(answer.Search{Text: "_", HasText: true}, "")

		f(answer.Search{Kinds: topics, Cluster: new("east")}, "topic:east/orders")
		f(answer.Search{Kinds: topics, Cluster: new(string(east))}, "topic:east/orders")
		f(answer.Search{Cluster: new("north")}, "") // never reached: nothing of it is known

		f(answer.Search{Owner: new("TEAM-shop")}, "topic:east/orders topic:orders")
		f(answer.Search{Owner: new("team")}, "") // an owner is meant whole
		f(answer.Search{Tag: new("TIER-1")}, "application:billing topic:payments")
		f(answer.Search{Tag: new("tier-1"), Kinds: topics}, "topic:payments")
		f(answer.Search{Tag: new("tier")}, "")
		f(answer.Search{Owner: new("team-money"), Tag: new("pci")}, "")
	})
}

// What is deleted is found where it moved in the window, and not in one after it.
func TestSearchForTheDeleted(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, _ *answer.View) {
		for _, c := range []struct {
			from, to int
			want     string
		}{{0, 9, "topic:old unidentified:old"}, {0, 20, "topic:old unidentified:old"}, {8, 20, ""}, {11, 20, ""}} {
			v := view(t, a, answer.Between(round(c.from), round(c.to)), answer.All)
			if got := found(t, v, answer.Search{Text: "old", HasText: true}); got != c.want {
				t.Errorf("rounds %d to %d: %q, want %q", c.from, c.to, got, c.want)
			}
		}
	})
}

// A text fits a name best whole, then from its start, then within, and last an owner or a tag.
func TestSearchRanksByFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all []lineage.Fact
		for _, name := range []string{"pay", "payments", "repay", "Pay-later", "ledger", "book", "other"} {
			all = append(all, topicFact(topic(name)))
		}
		w.observe("west", "all", 1, facts(append(all, clusterFact(7))...))
		time.Sleep(time.Until(round(1)))
		who := &owned{owners: map[string]string{"topic:west/ledger": "Team-Pay"}, tags: map[string][]string{"topic:west/book": {"x", "PAYROLL"}}}
		v := namedBy(t, w, who, answer.Between(round(0), round(1)))
		f := func(s answer.Search, want string) {
			t.Helper()
			if got := found(t, v, s); got != want {
				t.Errorf("%+v\n got %s\nwant %s", s, got, want)
			}
		}
		const fit = "topic:pay topic:Pay-later topic:payments topic:repay topic:book topic:ledger"
		f(answer.Search{Text: "pay", HasText: true}, fit)
		f(answer.Search{Text: " PAY\t", HasText: true}, fit)
		f(answer.Search{Text: "pay", HasText: true, OrderBy: answer.ByName}, "topic:book topic:ledger topic:pay topic:Pay-later topic:payments topic:repay")
		f(answer.Search{Text: "", HasText: true}, "topic:book topic:ledger topic:other topic:pay topic:Pay-later topic:payments topic:repay")
		f(answer.Search{Text: "pay"}, "topic:book topic:ledger topic:other topic:pay topic:Pay-later topic:payments topic:repay")
		f(answer.Search{Text: "nothing", HasText: true}, "")
	})
}

// The largest value comes first, and what is not known last, by name.
func TestSearchOrders(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		f := func(s answer.Search, want string, known int) {
			t.Helper()
			if got := found(t, v, s); got != want {
				t.Errorf("%+v\n got %s\nwant %s", s, got, want)
			}
			placed, err := v.Search(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for i, p := range placed {
				if p.Known() {
					n++
				}
				if i > 0 && (p.Compare(placed[i-1].Place) <= 0 || placed[i-1].Compare(p.Place) >= 0) {
					t.Errorf("%s does not come after %s", p.ID, placed[i-1].ID)
				}
			}
			if n != known {
				t.Errorf("%+v: %d values are known, want %d", s, n, known)
			}
		}
		topics, apps := []lineage.NodeKind{lineage.TopicNode}, []lineage.NodeKind{lineage.ApplicationNode}
		// What a topic's ends grew by, also where no writer has a count; what an application reads and writes.
		f(answer.Search{Kinds: topics, OrderBy: answer.ByRate}, "topic:orders topic:east/orders topic:payments topic:old topic:quiet", 5)
		f(answer.Search{Kinds: apps, OrderBy: answer.ByRate}, "application:billing application:east/replay application:audit", 3)
		// A topic's lag is its living readers': what audit left is nobody's. Of audit itself it is told.
		f(answer.Search{Kinds: topics, OrderBy: answer.ByLag}, "topic:payments topic:orders topic:old topic:east/orders topic:quiet", 2)
		f(answer.Search{Kinds: apps, OrderBy: answer.ByLag}, "application:audit application:billing application:east/replay", 2)
		f(answer.Search{Kinds: apps, OrderBy: answer.ByLastMoved}, "application:billing application:east/replay application:audit", 3)
		f(answer.Search{Kinds: topics, OrderBy: answer.ByLastMoved}, "topic:east/orders topic:orders topic:payments topic:old topic:quiet", 4)
		// An order counts more than how well a text fits.
		f(answer.Search{Text: "o", HasText: true, Kinds: topics, OrderBy: answer.ByLag}, "topic:orders topic:old topic:east/orders", 1)
	})
}

// Who names a cluster that is not there is told so, with what was said cut short.
func TestSearchOfNoCluster(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		long := make([]byte, 1000)
		for i := range long {
			long[i] = 'x'
		}
		for name, want := range map[string]string{"South": `no cluster "South"`, "a\nb": `no cluster "a\nb"`, string(long): `no cluster "` + string(long[:100]) + `…"`} {
			_, err := v.Search(context.Background(), answer.Search{Cluster: &name})
			refused, ok := errors.AsType[*answer.RefusedError](err)
			if !ok || refused.Reason != answer.Missing || refused.Error() != want {
				t.Errorf("%.10s: %v, want %s", name, err, want)
			}
		}
	})
}

// Who has stopped waiting is not searched for, and no order is read for him.
func TestSearchEndsWithItsAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all []lineage.Fact
		for i := range 1000 {
			all = append(all, topicFact(topic("t"+string(rune('a'+i%26))+string(rune('a'+i/26)))))
		}
		w.observe("west", "all", 1, facts(append(all, clusterFact(1000))...))
		time.Sleep(time.Until(round(1)))
		v := view(t, answers(w.store), answer.Between(round(0), round(1)), answer.All)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, by := range []answer.Order{answer.ByMatch, answer.ByRate, answer.ByLag, answer.ByLastMoved} {
			if found, err := v.Search(ctx, answer.Search{OrderBy: by}); !errors.Is(err, context.Canceled) {
				t.Errorf("order %d: %d found, %v", by, len(found), err)
			}
		}
	})
}
