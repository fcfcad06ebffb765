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
