package timeseries

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
)

// What a newer version may write: kinds that this one does not know.
const (
	newGauge    lineage.Metric       = 112 // by their two lowest bits
	newCounter  lineage.Metric       = 113
	newMoves    lineage.Metric       = 114
	newEvidence lineage.EvidenceKind = 40
	newSighting lineage.EvidenceKind = 63
	newFacts    lineage.FactKind     = 77
	newEvent    lineage.EventType    = 99
)

// newerRecord is a round as a newer version writes it.
func newerRecord(e *engine, tick int64, n int64) *record {
	topic := lineage.Topic{Cluster: "c", ID: lineage.TopicID{1}, Name: "orders"}
	a := lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{ClientID: "x"}}
	b := lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Group: "g"}}
	r := e.recordOf(&lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "s"}, Round: e.at(tick), Interval: e.step}, tick)
	x, y := e.entry(&a), e.entry(&b)
	r.samples = []recordSample{
		{entry: x, metric: newGauge, value: n, span: 1},
		{entry: x, metric: newCounter, value: 2 * n, span: 1},
		{entry: x, metric: newMoves, evidence: newEvidence, value: 3 * n, span: 1},
		{entry: y, metric: lineage.Records, evidence: newEvidence, value: 5 * n, span: 1},
		{entry: y, metric: lineage.Records, evidence: lineage.GroupOffsets, value: 7 * n, span: 1},
	}
	r.sightings = []recordSighting{{entry: y, evidence: newSighting, detail: "why"}, {entry: x, evidence: lineage.Declared}}
	known := newCodedFact(&writer{}, lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: "k", Version: "v"}})
	known.body += "more that this version does not know"
	r.facts = []codedFact{{lineage.Fact{Key: newKey}, "what a newer version says"}, known}
	r.events = []lineage.Event{{At: e.at(tick), Type: newEvent, Detail: "new"}, {At: e.at(tick), Type: lineage.ConfigChanged}}
	return r
}

var newKey = lineage.FactKey{Source: "west", Kind: newFacts, Name: "n"}

// TestUnknownKindsPass writes what a newer version would, and opens, answers, seals and rolls it up with this one: no
// answer fails, none holds what is not known, and who knows the kinds still finds all of it.
func TestUnknownKindsPass(t *testing.T) {
	ctx := context.Background()
	o := Options{
		Tick: time.Minute, Retention: Retention{Raw: 2 * time.Hour, Minute: 2 * day, Hour: 400 * day}, MinFree: 1, Log: slog.New(slog.DiscardHandler),
	}
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	first := s.floor(testStart)
	const rounds = 90
	for n := range int64(rounds) {
		c := &commit{records: []*record{newerRecord(s.engine, first+n+1, n)}}
		s.submit(c)
		must(t, c.err)
	}
	again := func() {
		t.Helper()
		must(t, s.Close())
		s, err = Open(dir, o)
		must(t, err)
	}
	w := lineage.Window{Start: testStart, End: testStart.Add(2 * time.Hour)}
	ask := func(stage string) {
		t.Helper()
		var ids, every []subjectID
		for id := range s.subjects.next {
			every = append(every, id)
		}
		up, err := s.wake(bitmapOf(every)) // who was put away too
		must(t, err)
		for id := range s.subjects.next {
			if x := s.subjectOf(id, up); x != nil {
				ids = append(ids, x.id)
			}
		}
		asked := storetest.Ask(t, s, w)
		if n := asked.Series.Len(); n != 1 || asked.Series.Evidence[0] != lineage.GroupOffsets {
			t.Errorf("%s: the series are %+v, want one that is known", stage, asked.Series)
		}
		evidence, err := s.evidence(ctx, w, ids)
		must(t, err)
		if len(evidence[0]) != 1 || evidence[0][0].Kind != lineage.Declared || len(evidence[1]) != 1 || evidence[1][0].Kind != lineage.GroupOffsets {
			t.Errorf("%s: evidence %v, want the kinds that are known", stage, evidence)
		}
		if row, ok := asked.Row(s.subjectOf(ids[1], up).entry.access); !ok || asked.Rows.Seen[row] != store.KindsOf(lineage.GroupOffsets) {
			t.Errorf("%s: what is known is not seen", stage)
		}
		got, err := s.Events(ctx, store.EventFilter{Window: w})
		events := got.List
		must(t, err)
		if len(events) != rounds || events[0].Type != lineage.ConfigChanged {
			t.Errorf("%s: %d events, want %d that are known", stage, len(events), rounds)
		}
		facts := asked.FactsOf(lineage.ConnectFacts)
		if len(facts) != 1 || facts[0].Connect.Version != "v" {
			t.Errorf("%s: a fact to which a newer version added something is %v", stage, facts)
		}

		// Who knows them.
		amounts, err := s.amounts(ctx, w, []seriesKey{
			{Subject: ids[0], Metric: newCounter}, {Subject: ids[0], Metric: newMoves, Evidence: newEvidence}, {Subject: ids[1], Metric: lineage.Records, Evidence: newEvidence},
		})
		must(t, err)
		for i, each := range []float64{2, 3, 5} {
			if amounts[i].Total != each*(rounds-1) {
				t.Errorf("%s: a series of an unknown kind advanced by %v, want %v", stage, amounts[i].Total, each*(rounds-1))
			}
		}
		levels, err := s.levels(ctx, testStart.Add(time.Hour), []seriesKey{{Subject: ids[0], Metric: newGauge}})
		must(t, err)
		if want := (lineage.Level{Value: 59, OK: true}); levels[0] != want {
			t.Errorf("%s: an unknown gauge is %v, want %v", stage, levels[0], want)
		}
		m, err := s.marksOf(ctx, w)
		must(t, err)
		if m.seen[newEvidence] == nil || m.seen[newEvidence].GetCardinality() != 2 || m.seen[newSighting] == nil || !m.seen[newSighting].Contains(uint32(ids[1])) {
			t.Errorf("%s: marks of unknown kinds of evidence are gone", stage)
		}
		if p := s.subjectOf(ids[1], up).support(newSighting); p.detail != "why" || p.sighted != first+1 {
			t.Errorf("%s: what is kept of an unknown kind of evidence is %+v", stage, p)
		}
		line := s.facts[newKey]
		if line == nil || line.versions[0].body != "what a newer version says" || line.versions[0].tick != first+1 {
			t.Errorf("%s: a fact of an unknown kind is %+v", stage, line)
		}
		known := s.facts[lineage.FactKey{Source: "west", Kind: lineage.ConnectFacts}]
		if b := known.versions[0].body; len(b) < 36 || b[len(b)-36:] != "more that this version does not know" {
			t.Errorf("%s: what a newer version added to a fact is gone: %q", stage, b)
		}
		v, err := s.view(ctx, w, nil)
		must(t, err)
		defer v.end()
		all := slices.Clone(s.events)
		for _, b := range v.cover {
			x, err := s.blockEvents(b)
			must(t, err)
			all = append(all, x...)
		}
		if n := len(slices.DeleteFunc(all, func(x dated) bool { return x.Type != newEvent })); n != rounds {
			t.Errorf("%s: %d events of an unknown type, want %d", stage, n, rounds)
		}
	}
	ask("in the head")
	again()
	ask("from the log")
	for _, x := range []struct {
		stage string
		after time.Duration
		tier  int
	}{{"sealed", 3 * time.Hour, rawTier}, {"rolled up to minutes", 2 * day, minuteTier}, {"rolled up to hours", 13 * day, hourTier}} {
		must(t, s.Maintain(ctx, testStart.Add(x.after)))
		if s.tiers[x.tier].sealed == 0 || s.tierOf(first) != x.tier && x.tier != rawTier {
			t.Fatalf("%s: it is not: %+v", x.stage, s.tiers)
		}
		ask(x.stage)
		again()
		ask(x.stage + ", opened again")
	}
	must(t, s.Close())
}
