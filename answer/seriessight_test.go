package answer_test

import (
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
	a := answers(w.store)
	rows := view(t, a, in, answer.All).Rows([]lineage.Node{topicNode("old"), topicNode("widened"), topicNode("made")}, nil)
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
				got = append(got, spell(p.Value))
			}
			if got := strings.Join(got, " "); got != strings.ReplaceAll(want, "?", "not known") {
				t.Errorf("%s, metric %d: got %s, want %s", name, m, got, want)
			}
		}
		line, err := a.Timeline(t.Context(), in, answer.TimelineAsk{Roots: []lineage.Node{topicNode(name)}, Buckets: 12}, answer.All)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range line.Buckets {
			got = append(got, spell(b.Rate))
		}
		if got := strings.Join(got, " "); got != strings.ReplaceAll(want, "?", "not known") {
			t.Errorf("%s, timeline: got %s, want %s", name, got, want)
		}
	}
}
