package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What is lost of an internal topic is left out as all of it is.
func TestFindingsOfLossInInternalTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		books := topic("__books")
		own := topicFact(books)
		own.Topic.Internal = true
		reader := reads(books, group("bookkeeper"))
		for n := 1; n <= 120; n++ {
			fill := []filling{w.moved(self(books), lineage.NoEvidence, 3), w.moved(reader, lineage.GroupOffsets, 3)}
			switch n {
			case 1:
				fill = append(fill, facts(own))
			case 100:
				fill = append(fill, happened(lineage.Event{Type: lineage.RecordsLost, Access: reader, Detail: "7 records"}),
					happened(lineage.Event{Type: lineage.RecordsLost, Topic: books, Access: self(books), Detail: "7 records"}))
			}
			w.goesOn(n, "obim", fill...)
		}
		time.Sleep(time.Until(round(120)))
		v := view(t, answers(w.store), answer.Between(round(60), round(120)), answer.All)
		if got := wrong(findings(t, v, answer.FindingAsk{})); got != "" {
			t.Error(got)
		}
	})
}

// An application one of whose groups was deleted is there, though its other group never moved.
func TestFindingsOfOneGroupOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		f := func(name string) lineage.Fact {
			return groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: name}, Type: "Classic", Protocol: "consumer", State: "Stable"})
		}
		for n := 1; n <= 120; n++ {
			var fill []filling
			switch n {
			case 1:
				fill = append(fill, facts(f("shop-a"), f("shop-b")))
			case 100:
				fill = append(fill, facts(gone(f("shop-a"))))
			}
			w.goesOn(n, "obim", fill...)
		}
		time.Sleep(time.Until(round(120)))
		v := namedBy(t, w.world, oneShop{}, answer.Between(round(60), round(120)))
		if got := wrong(findings(t, v, answer.FindingAsk{})); got != "" {
			t.Error(got)
		}
	})
}

// oneShop calls all groups whose names begin with shop one application.
type oneShop struct{ people }

func (oneShop) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	if len(a.Client.Group) > 4 && a.Client.Group[:4] == "shop" {
		a.Client.Group = "shop"
	}
	return people{}.Resolve(c, a, known)
}

// A root of another cluster is none of the one that is asked for.
func TestTimelineOfRootElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := timelineWorld(t)
		stock := lineage.Node{Scope: "east", Kind: lineage.TopicNode, Name: "stock"}
		for cluster, want := range map[string]string{"west": "- 1.00", "east": "5 1.00"} {
			x, err := a.Timeline(t.Context(), answer.Between(round(96), round(108)), answer.TimelineAsk{Roots: []lineage.Node{stock}, Cluster: cluster, Buckets: 2}, answer.All)
			if err != nil {
				t.Fatal(err)
			}
			if got := inFigures(x.Buckets[1]); got != want {
				t.Errorf("%s: %s", cluster, got)
			}
		}
	})
}
