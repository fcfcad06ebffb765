package answer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What a topic was written before anybody looked at it is not known, and not zero: it came into sight, or stands in
// another cluster that answers now. One that was seen to be made was written nothing before.
func TestRatesOfATopicThatCameIntoSight(t *testing.T) {
	w := newWorld(t)
	old, widened, made := topic("old"), topic("widened"), topic("made")
	for n := 1; n <= 12; n++ {
		fill := []filling{w.moved(self(old), lineage.NoEvidence, 10)}
		switch {
		case n == 1:
			fill = append(fill, facts(clusterFact(1), topicFact(old)))
		case n == 6:
			fill = append(fill, facts(topicFact(widened), topicFact(made)), w.moved(self(widened), lineage.NoEvidence, 0), w.moved(self(made), lineage.NoEvidence, 20),
				happened(lineage.Event{Type: lineage.TopicCreated, Topic: made}))
		case n > 6:
			fill = append(fill, w.moved(self(widened), lineage.NoEvidence, 10), w.moved(self(made), lineage.NoEvidence, 10))
		}
		w.observe("west", "end-offsets", n, fill...)
	}
	in := answer.Between(round(0), round(12))
	step := tick
	rows := view(t, answers(w.store), in, answer.All).Rows([]lineage.Node{topicNode("old"), topicNode("widened"), topicNode("made")}, nil)
	for name, want := range map[string]string{
		"old":     "1 1 1 1 1 1 1 1 1 1 1 1",
		"widened": "? ? ? ? ? 0 1 1 1 1 1 1",
		"made":    "0 0 0 0 0 2 1 1 1 1 1 1",
	} {
		for _, m := range []answer.Metric{answer.RecordRate, answer.RecordsIn} {
			points, _, err := rows.Node(topicNode(name)).Series(t.Context(), m, in, &step)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range points {
				if p.Value == nil {
					got = append(got, "?")
				} else {
					got = append(got, fmt.Sprint(*p.Value))
				}
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("%s, metric %d: got %s, want %s", name, m, got, want)
			}
		}
	}
}
