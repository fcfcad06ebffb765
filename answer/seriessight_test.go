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

// The mean over a window within which a topic came into sight is of the time since then, everywhere alike, and what is
// counted is no more than a part of it. One that was seen to be made was written nothing before.
func TestMeansOfATopicThatCameIntoSight(t *testing.T) {
	w := newWorld(t)
	old, widened, made := topic("old"), topic("widened"), topic("made")
	for n := 1; n <= 12; n++ {
		fill := []filling{w.moved(self(old), lineage.NoEvidence, 10), w.moved(writes(old, producer(1)), lineage.ProducerState, 10)}
		switch {
		case n == 1:
			fill = append(fill, facts(clusterFact(1), topicFact(old)))
		case n == 6:
			fill = append(fill, facts(topicFact(widened), topicFact(made)), happened(lineage.Event{Type: lineage.TopicCreated, Topic: made}))
			for _, x := range []lineage.Topic{widened, made} {
				fill = append(fill, w.moved(self(x), lineage.NoEvidence, 0), w.moved(writes(x, producer(1)), lineage.ProducerState, 0), w.moved(reads(x, group("billing")), lineage.GroupOffsets, 0))
			}
		case n > 6:
			for _, x := range []lineage.Topic{widened, made} {
				fill = append(fill, w.moved(self(x), lineage.NoEvidence, 14), w.moved(writes(x, producer(1)), lineage.ProducerState, 14), w.moved(reads(x, group("billing")), lineage.GroupOffsets, 7))
			}
		}
		// one that reads alone: what it commits it may have read for a while, also before the topic was in sight
		audit := lineage.Sample{Subject: reads(widened, group("audit")), Metric: lineage.Records, Evidence: lineage.GroupOffsets}
		if n >= 6 {
			if n == 12 {
				audit.Value, audit.Since = 30, round(1)
			}
			fill = append(fill, func(o *lineage.Observation) { o.Samples = append(o.Samples, audit) })
		}
		w.observe("west", "end-offsets", n, fill...)
	}
	in, step := answer.Between(round(0), round(12)), 12*tick
	v := view(t, answers(w.store), in, answer.All)
	f := lineage.Flow{From: topicNode("widened"), To: application("audit")}
	audit := v.Rows(nil, []lineage.Flow{f}).Flow(f)
	if es, err := audit.Evidence(t.Context()); err != nil || !audit.Estimated() || len(es) != 1 || !strings.Contains(es[0].Detail, "at least: the topic came into sight") {
		t.Errorf("of what a reader passed that was looked at late: %v, estimated is %v, %v", es, audit.Estimated(), err)
	}
	for _, want := range []struct {
		topic         string
		written, read string // a second
		records       string
		part          bool // of what moved in the window
	}{
		{"old", "1", "", "120", false},
		{"widened", "1.2", "0.6", "84", true}, // in 7 of 12 ticks
		{"made", "0.7", "0.35", "84", false},
	} {
		n := topicNode(want.topic)
		flows := []lineage.Flow{{From: unidentified(want.topic), To: n}}
		if want.read != "" {
			flows = append(flows, lineage.Flow{From: n, To: application("billing")})
		}
		rows := v.Rows([]lineage.Node{n}, flows)
		for _, f := range flows {
			rate, per, records := want.written, "records written", want.records
			if f.From == n {
				rate, per, records = want.read, "records read", "42"
			}
			is := rows.Flow(f)
			points, _, err := is.Series(t.Context(), answer.RecordRate, &step)
			if err != nil {
				t.Fatal(err)
			}
			es, err := is.Evidence(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			details := ""
			for _, e := range es {
				details += e.Detail
			}
			if got := spell(is.RecordsPerSecond()); got != rate || spell(points[0].Value) != rate || known(is.Records()) != records {
				t.Errorf("%s: %s %s, %s a second, and as a series %s; want %s and %s", want.topic, known(is.Records()), per, got, spell(points[0].Value), records, rate)
			}
			if is.Estimated() != want.part || strings.Contains(details, "at least: the topic came into sight") != want.part {
				t.Errorf("%s: of %s estimated is %v: %q, want %v", want.topic, per, is.Estimated(), details, want.part)
			}
		}
		for _, m := range []answer.Metric{answer.RecordRate, answer.RecordsIn} {
			points, _, err := rows.Node(n).Series(t.Context(), m, in, &step)
			if err != nil {
				t.Fatal(err)
			}
			all, _, err := v.Top(t.Context(), m, lineage.TopicNode)
			if err != nil {
				t.Fatal(err)
			}
			ranked := "left out"
			for _, r := range all {
				if r.Node == n {
					ranked = spell(&r.Value)
				}
			}
			if got := spell(points[0].Value); got != want.written || ranked != want.written {
				t.Errorf("%s, metric %d: %s a second as a series, %s in a ranking, want %s", want.topic, m, got, ranked, want.written)
			}
		}
	}
}
