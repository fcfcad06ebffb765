package acceptance

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file holds what every server of these tests answered of its time against itself, whatever happened to its
// Kafka: what is said of a window is what is said of its two parts, and other questions of the same window say the
// same.

const lawFields = `id kind active records estimated skipped lost lag lagSeconds lagAtLeastSeconds state live lastMoved evidence { kind detail }`

// lawful is a flow as the laws look at it.
type lawful struct {
	ID, Kind                      string
	Active, Live                  *bool
	Records, Skipped, Lost, Lag   *int64 `json:",string"`
	Estimated                     bool
	LagSeconds, LagAtLeastSeconds *float64
	State                         *string
	LastMoved                     *time.Time
	Evidence                      []struct{ Kind, Detail string }
}

// atEnd is what is said of a flow at the end of its window, as text.
func (f lawful) atEnd() string {
	return fmt.Sprintf("lag %s, %s s, at least %s s, %s, live %s", valueText(f.Lag), valueText(f.LagSeconds), valueText(f.LagAtLeastSeconds), valueText(f.State), valueText(f.Live))
}

// inWindow is what is said of a flow in its window, as text.
func (f lawful) inWindow() string {
	return fmt.Sprintf("active %s, records %s (estimated %v), skipped %s, lost %s, ", valueText(f.Active), valueText(f.Records), f.Estimated, valueText(f.Skipped), valueText(f.Lost)) + f.atEnd()
}

func valueText[T any](p *T) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}

// lawsOfWindows looks at some windows of the time since start, made by chance but the same each time for a test, and at
// some more until so many flows were compared. It returns of how many flows there was something to compare.
func (s *server) lawsOfWindows(t testing.TB, start time.Time, least int) (compared int) {
	t.Helper()
	topics, end, err := s.topicsAndEnd(t)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "status 401"):
		t.Logf("the laws of windows are not looked at, since only who says his name may ask: %v", err)
		return 0
	case err != nil:
		t.Errorf("the laws of windows: %v", err)
		return 0
	}
	seed := fnv.New64()
	_, _ = seed.Write([]byte(t.Name()))
	r := rand.New(rand.NewPCG(seed.Sum64(), 1))
	if start = start.Add(-5 * time.Second); end.Sub(start) < 5*time.Second {
		return 0
	}
	for i := 0; i < 30 || compared < least && i < 200; i++ {
		if len(topics) == 0 || t.Failed() {
			break
		}
		at := func() time.Time { return start.Add(time.Duration(r.Int64N(int64(end.Sub(start))))) }
		cuts := []time.Time{at(), at(), at()}
		slices.SortFunc(cuts, time.Time.Compare)
		compared += s.lawsOfCuts(t, topics[r.IntN(len(topics))], cuts)
	}
	t.Logf("%d flows of windows agree with their parts", compared)
	return compared
}

// topicsAndEnd returns the topics of the last hour, and an end that all rounds have passed.
func (s *server) topicsAndEnd(t testing.TB) (topics []string, end time.Time, err error) {
	t.Helper()
	var d struct {
		Clusters []struct{ LastRound *time.Time }
		Nodes    struct {
			Edges []struct{ Node struct{ ID string } }
		}
	}
	err = s.ask(t, `query($w: Window!) { clusters { lastRound } nodes(kinds: [TOPIC], window: $w, first: 200) { edges { node { id } } } }`, map[string]any{"w": last("1h")}, &d)
	if err != nil {
		return nil, end, err
	}
	for _, e := range d.Nodes.Edges {
		topics = append(topics, e.Node.ID)
	}
	slices.Sort(topics)
	for _, c := range d.Clusters {
		if c.LastRound != nil && (end.IsZero() || c.LastRound.Before(end)) {
			end = *c.LastRound
		}
	}
	return topics, end.Add(-5 * time.Second), nil
}

// lawsOfCuts looks at the window from the first of three instants to the last, and at its parts, as they are answered.
func (s *server) lawsOfCuts(t testing.TB, topic string, cuts []time.Time) (compared int) {
	t.Helper()
	whole := s.lawful(t, topic, cuts[0], cuts[2])
	if whole == nil {
		return 0
	}
	first := s.lawful(t, topic, whole.start, cuts[1])
	if first == nil || !first.start.Equal(whole.start) || !first.end.Before(whole.end) {
		return 0
	}
	second := s.lawful(t, topic, first.end, whole.end)
	if second == nil || !second.start.Equal(first.end) || !second.end.Equal(whole.end) {
		return 0
	}
	for id, f := range whole.flows {
		a, inFirst := first.flows[id]
		b, inSecond := second.flows[id]
		if !inFirst || !inSecond {
			continue
		}
		compared++
		if broken := brokenLaw(f, a, b); broken != "" {
			t.Errorf("%s: %s\n  from %v to %v: %s %v\n  until %v: %s %v\n  from then on: %s %v", id, broken, whole.start, whole.end, f.inWindow(), f.Evidence, first.end, a.inWindow(), a.Evidence, b.inWindow(), b.Evidence)
		}
	}
	for _, part := range []*lawfulWindow{first, second} {
		for id, f := range part.flows {
			if _, there := whole.flows[id]; !there && f.Active != nil && *f.Active {
				t.Errorf("%s moved from %v to %v, and is not there from %v to %v", id, part.start, part.end, whole.start, whole.end)
			}
		}
	}
	s.lawsOfQuestions(t, topic, whole)
	return compared
}

// brokenLaw says in what a flow's whole window is not as its two parts; "": it is.
func brokenLaw(whole, first, second lawful) string {
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	adds := func(n, a, b *int64) bool { return n == nil || a == nil || b == nil || *n == *a+*b }
	switch {
	case (is(first.Active, true) || is(second.Active, true)) && !is(whole.Active, true):
		return "moved in a part"
	case is(first.Active, false) && is(second.Active, false) && !is(whole.Active, false):
		return "rested in both parts"
	case !whole.Estimated && !first.Estimated && !second.Estimated && !adds(whole.Records, first.Records, second.Records):
		return "the parts' records are not the whole's"
	case !adds(whole.Skipped, first.Skipped, second.Skipped) || !adds(whole.Lost, first.Lost, second.Lost):
		return "what was skipped or lost in the parts is not the whole's"
	case whole.atEnd() != second.atEnd():
		return "the end is another"
	}
	return ""
}

// lawfulWindow is who used a topic in a window.
type lawfulWindow struct {
	start, end time.Time
	flows      map[string]lawful
}

// lawful asks who used a topic in a window; nil where the topic was not there.
func (s *server) lawful(t testing.TB, topic string, start, end time.Time) *lawfulWindow {
	t.Helper()
	if !start.Before(end) {
		return nil
	}
	var d struct {
		TopicUsage *struct {
			Writers, Readers []lawful
			Coverage         struct {
				Window struct{ Start, End time.Time }
			}
		}
	}
	err := s.ask(t, `query($t: ID!, $w: Window!) { topicUsage(topic: $t, window: $w) { writers { `+lawFields+` } readers { `+lawFields+` } coverage { window { start end } } } }`,
		map[string]any{"t": topic, "w": between(start, end)}, &d)
	switch {
	case err != nil && (strings.Contains(err.Error(), "Code:NOT_FOUND") || strings.Contains(err.Error(), "Code:NOT_OBSERVED")):
		return nil
	case err != nil:
		t.Fatal(err)
	case d.TopicUsage == nil:
		return nil
	}
	out := &lawfulWindow{start: d.TopicUsage.Coverage.Window.Start, end: d.TopicUsage.Coverage.Window.End, flows: map[string]lawful{}}
	for _, f := range slices.Concat(d.TopicUsage.Writers, d.TopicUsage.Readers) {
		out.flows[f.ID] = f
	}
	return out
}

// lawsOfQuestions asks of the same window by lineage and as a report.
func (s *server) lawsOfQuestions(t testing.TB, topic string, in *lawfulWindow) {
	t.Helper()
	var d struct {
		Lineage     *struct{ Flows []lawful }
		UsageReport *struct {
			Uses struct {
				Edges []struct {
					Node struct {
						Node                   struct{ ID string }
						Operation              string
						Active                 *bool
						Records, Skipped, Lost *int64 `json:",string"`
						Estimated              bool
					}
				}
			}
			Window struct{ Start, End time.Time }
		}
	}
	s.mustAsk(t, `query($t: ID!, $w: Window!) {
		lineage(roots: [$t], depth: 1, window: $w, includeInternal: true) { flows { `+lawFields+` } }
		usageReport(scope: {topic: $t}, window: $w, source: HELD) { uses(first: 200) { edges { node { node { id } operation active records estimated skipped lost } } } window { start end } }
	}`, map[string]any{"t": topic, "w": between(in.start, in.end)}, &d)
	if d.Lineage == nil {
		t.Fatalf("lineage of %s is null", topic)
	}
	for _, f := range d.Lineage.Flows {
		if u, there := in.flows[f.ID]; there && f.inWindow() != u.inWindow() {
			t.Errorf("%s from %v to %v: by lineage %s, by topicUsage %s", f.ID, in.start, in.end, f.inWindow(), u.inWindow())
		}
	}
	if d.UsageReport == nil || !d.UsageReport.Window.Start.Equal(in.start) || !d.UsageReport.Window.End.Equal(in.end) {
		return
	}
	for _, e := range d.UsageReport.Uses.Edges {
		u := e.Node
		id := u.Node.ID + "->" + topic
		if u.Operation == "READ" {
			id = topic + "->" + u.Node.ID
		}
		f := in.flows[id]
		got := fmt.Sprintf("active %s, records %s (estimated %v), skipped %s, lost %s", valueText(u.Active), valueText(u.Records), u.Estimated, valueText(u.Skipped), valueText(u.Lost))
		if f.ID != "" && !strings.HasPrefix(f.inWindow(), got) {
			t.Errorf("%s from %v to %v: the report says %s, topicUsage %s", id, in.start, in.end, got, f.inWindow())
		}
	}
}
