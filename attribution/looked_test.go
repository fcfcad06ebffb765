package attribution

import (
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// headers says that all headers of (from, to] were looked at, and n records are of writers without idempotence.
func (b *book) headers(from, to, n int64, bound bool) {
	b.tell("headers", lineage.Told{Access: lineage.Access{Topic: orders}, Metric: lineage.Left, Evidence: lineage.BatchHeader},
		lineage.Reading{From: from, To: to, Value: n, Estimated: bound})
}

// What headers say of a step is what is left of it, and no bound: also where the topic's own source left nothing, since
// a transactional producer was given all, or left what may be markers; and nothing is hidden then.
func TestHeadersSayWhatIsLeft(t *testing.T) {
	b := newBook()
	b.looks("kafka", 1, 6)
	b.looks("headers", 1, 6)
	b.tell("kafka", lineage.Told{Access: lineage.Access{Topic: orders}, Metric: lineage.Pending}, lineage.Reading{From: 0, To: 1, Value: 1})
	b.tell("kafka", lineage.Told{Access: lineage.Access{Topic: orders}, Metric: lineage.Left}, lineage.Reading{From: 1, To: 2, Value: 9, Estimated: true})
	b.grow(lineage.Mixed, 1, 2, 4)
	b.notes = []lineage.Word{{At: 2, Text: "at most: markers may be among these"}}
	b.headers(0, 1, 30, false) // all was given to others
	b.headers(1, 2, 5, false)
	b.headers(2, 3, 0, false)
	words := b.want(t, map[lineage.Client]int64{nobody: 35})
	if words != "" {
		t.Errorf("what is exact is said to be a bound: %s", words)
	}
	settled, _ := Settle(b.ledger(0, nil))
	for _, x := range settled {
		for _, r := range x.Readings {
			if r.Estimated || x.Metric == lineage.Pending && r.Value != 0 {
				t.Errorf("%v of %+v", x.Metric, r)
			}
		}
	}
}

// Of who is named otherwise what headers count is taken, as of whatever is left.
func TestWhatHeadersLeaveIsClaimed(t *testing.T) {
	b := newBook()
	b.looks("kafka", 1, 3)
	b.looks("headers", 1, 3)
	b.looks("telemetry", 1, 3)
	b.headers(0, 1, 30, false)
	c := lineage.Client{ClientID: "plain"}
	b.write("telemetry", lineage.Claimed, c, lineage.Telemetry, 0, 1, 25)
	b.want(t, map[lineage.Client]int64{nobody: 5, c: 25})
}

// A look that goes over several steps makes one of them; one that is of other offsets, or is a bound, says nothing.
func TestALookIsOfWholeSteps(t *testing.T) {
	b := newBook()
	b.looks("kafka", 1, 12)
	b.looks("headers", 1, 12)
	for _, at := range []int64{1, 2, 3, 7, 9} {
		b.grow(lineage.Left, at-1, at, 10)
	}
	b.grow(lineage.Left, 9, 12, 10) // as over an outage
	b.headers(0, 3, 12, false)      // was behind
	b.headers(6, 7, 1, true)        // a bound
	b.headers(8, 10, 3, false)      // goes into the step of an outage
	b.want(t, map[lineage.Client]int64{nobody: 12 + 10 + 10 + 10})
	settled, _ := Settle(b.ledger(0, nil))
	i := slices.IndexFunc(settled, func(x lineage.Settled) bool { return x.Access.Client == nobody && x.Metric == lineage.Records })
	if r := settled[i].Readings[0]; r.From != 0 || r.To != 3 || r.Value != 12 {
		t.Errorf("the look over three steps is %+v", r)
	}
	if len(settled[i].Words) > 0 {
		t.Error(settled[i].Words)
	}
}
