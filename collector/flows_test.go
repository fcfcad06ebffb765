package collector

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// watching is flows by hand, in rounds of 10 s that are counted from 1.
type watching struct {
	flows     *Flows
	positions map[string][]byte
	least     func(*lineage.Access) time.Duration
	last      *lineage.Observation
}

func newWatching() *watching {
	w := &watching{positions: map[string][]byte{}}
	w.start()
	return w
}

// start begins anew with what is stored.
func (w *watching) start() {
	w.flows = NewFlows(NewTeller("west", slog.New(slog.DiscardHandler)), 10*time.Second, w.least)
	w.flows.Restore(w.positions)
}

// round tells of a round, and returns what began and ended.
func (w *watching) round(n int, tell ...func(o *lineage.Observation)) string {
	o := &lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "logs"}, Round: roundAt(n), Interval: 10 * time.Second, At: roundAt(n)}
	for _, f := range tell {
		f(o)
	}
	w.flows.Tell(o)
	for _, p := range o.Positions {
		if w.positions[p.Key] = p.Value; p.Value == nil {
			delete(w.positions, p.Key)
		}
	}
	w.last = o
	var said []string
	for _, e := range o.Events {
		said = append(said, fmt.Sprintf("%v of %s%s at %d", e.Type, e.Access.Client.ClientID, e.Access.Client.Principal, e.At.Sub(roundAt(0))/(10*time.Second)))
	}
	return strings.Join(said, ", ")
}

func roundAt(n int) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 10 * time.Second)
}

func accessOf(c lineage.Client) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: "orders"}, Op: lineage.Write, Client: c}
}

func sights(c lineage.Client) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: accessOf(c), Evidence: lineage.RequestLog, Moved: true})
	}
}

func claims(c lineage.Client, by lineage.EvidenceKind, n int64) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: accessOf(c), Metric: lineage.Claimed, Evidence: by, Value: n})
	}
}

func blindRound(o *lineage.Observation) { MissAll(o, "not seen") }

// TestFlowsOfNames: what a log tells of when it is switched on has not begun; what moves later for the first time has,
// and ends where it moved last. What nobody saw decides nothing, and a restart is neither.
func TestFlowsOfNames(t *testing.T) {
	old, app := lineage.Client{ClientID: "old"}, lineage.Client{ClientID: "app", Principal: "User:a", Instance: "1"}
	w := newWatching()
	for n := 1; n <= 60; n++ {
		tell := []func(*lineage.Observation){}
		if n >= 30 {
			tell = append(tell, sights(old))
		}
		if said := w.round(n, tell...); said != "" {
			t.Errorf("round %d, when the log was silent or is switched on: %s", n, said)
		}
	}
	if said := w.round(61, sights(old), claims(app, lineage.Telemetry, 5)); said != "FLOW_STARTED of appUser:a at 61" {
		t.Errorf("app begins: %q", said)
	}
	again := app
	again.Instance = "2" // it was started again: one flow
	for n := 62; n <= 80; n++ {
		if said := w.round(n, sights(old), claims(again, lineage.Telemetry, int64(n))); said != "" {
			t.Errorf("round %d: %s", n, said)
		}
		if n == 70 {
			w.start()
		}
	}
	for n := 81; n <= 100; n++ { // a hole is not silence
		if said := w.round(n, blindRound); said != "" {
			t.Errorf("round %d, of which nothing is known: %s", n, said)
		}
	}
	said := ""
	for n := 101; n <= 120; n++ {
		said += w.round(n, sights(old))
	}
	if said != "FLOW_STOPPED of appUser:a at 80" {
		t.Errorf("app ends: %q", said)
	}
	if said := w.round(121, sights(old), claims(again, lineage.Telemetry, 200)); said != "FLOW_STARTED of appUser:a at 121" {
		t.Errorf("app begins again: %q", said)
	}
}

func partRound(o *lineage.Observation) {
	o.Missing = append(o.Missing, lineage.Missing{Reason: "the logs are read late: 1 bytes of them wait", Share: 0.5})
}

// TestFlowsSeenInPart: while nobody knows of which part of what moved a round tells, nothing has ended; nor has it for
// as long as it usually pauses from there on, since what moved meanwhile is not told later.
func TestFlowsSeenInPart(t *testing.T) {
	steady, job := lineage.Client{ClientID: "steady"}, lineage.Client{ClientID: "job"}
	w := newWatching()
	for n := 1; n <= 100; n++ {
		tell := []func(*lineage.Observation){sights(steady)}
		if n%20 == 0 {
			tell = append(tell, sights(job))
		}
		w.round(n, tell...)
	}
	said := ""
	for n := 101; n <= 200; n++ {
		said += w.round(n, partRound)
	}
	for n := 201; n <= 220; n++ {
		said += w.round(n, sights(steady))
	}
	if said != "" {
		t.Errorf("it is told: %s", said)
	}
	for n := 221; n <= 280; n++ {
		said += w.round(n, sights(steady))
	}
	if said != "FLOW_STOPPED of job at 100" {
		t.Errorf("the job ends: %q", said)
	}
}

// TestFlowsOfAnotherBroker: what another broker's log or forwarder tells of first has not begun, when it is switched on
// later than the first one, or again.
func TestFlowsOfAnotherBroker(t *testing.T) {
	w := newWatching()
	app, old, older := lineage.Client{ClientID: "app"}, lineage.Client{ClientID: "old"}, lineage.Client{ClientID: "older"}
	begun := map[string]string{}
	for n := 1; n <= 90; n++ {
		w.flows.Hear("b1:9092", roundAt(n), 30*time.Second)
		tell := []func(*lineage.Observation){sights(app)}
		if on := n >= 31 && n <= 50 || n >= 70; on {
			w.flows.Hear("b2:9092", roundAt(n), 30*time.Second)
			tell = append(tell, sights(old))
		}
		switch {
		case n == 20 || n == 45 || n == 85:
			tell = append(tell, sights(lineage.Client{ClientID: fmt.Sprint("new-", n)}))
		case n >= 72:
			tell = append(tell, sights(older))
		}
		if said := w.round(n, tell...); strings.Contains(said, "STARTED") {
			begun[fmt.Sprint(n)] = said
		}
	}
	want := map[string]string{"20": "FLOW_STARTED of new-20 at 20", "45": "FLOW_STARTED of new-45 at 45", "70": "FLOW_STARTED of old at 70", "85": "FLOW_STARTED of new-85 at 85"}
	if !maps.Equal(begun, want) {
		t.Errorf("begun are %q", begun)
	}
	for i := range 2 * mostOrigins {
		w.flows.Hear(fmt.Sprint("made-up-", i), roundAt(91), time.Minute)
	}
	if n := len(w.flows.origins); n > mostOrigins {
		t.Errorf("%d origins are kept", n)
	}
}

// TestFlowsThatWereHidden: what is seen of a topic that comes into sight was there before, and of a round that was seen
// in part; a round that saw nothing in between changes nothing.
func TestFlowsThatWereHidden(t *testing.T) {
	old, other := lineage.Client{ClientID: "old"}, accessOf(lineage.Client{ClientID: "other"})
	other.Topic.Name = "other"
	for what, hide := range map[string]func(*lineage.Observation){
		"its topic": func(o *lineage.Observation) {
			o.Missing = append(o.Missing, lineage.Missing{Reason: "orders", Topics: []lineage.Topic{accessOf(old).Topic}})
		},
		"some part": partRound,
	} {
		w, said := newWatching(), ""
		for n := 1; n <= 80; n++ {
			tell := []func(*lineage.Observation){func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: other, Evidence: lineage.RequestLog, Moved: true})
			}}
			switch {
			case n <= 30:
				tell = append(tell, hide)
			case n <= 40:
				tell = append(tell, blindRound)
			default:
				tell = append(tell, sights(old))
			}
			if n == 60 {
				tell = append(tell, sights(lineage.Client{ClientID: "new"}))
			}
			said += w.round(n, tell...)
		}
		if said != "FLOW_STARTED of new at 60FLOW_STOPPED of new at 60" {
			t.Errorf("%s was hidden: %q", what, said)
		}
		for n := 81; n <= 81+2*int(hiddenFor/(10*time.Second)); n++ {
			w.round(n)
		}
		if n := len(w.flows.hidden); n != 0 {
			t.Errorf("%d hidden topics are remembered", n)
		}
	}
}

// TestFlowsOfOthers: whoever the cluster's own source follows, and who is nobody, is not followed here; who was allowed
// to write may have written nothing.
func TestFlowsOfOthers(t *testing.T) {
	w := newWatching()
	w.round(1, sights(lineage.Client{ClientID: "first"}))
	for n := 2; n <= 40; n++ {
		w.round(n)
	}
	for _, c := range []lineage.Client{
		{ClientID: "x", Group: "g"},
		{ClientID: "x", TransactionalID: "t"},
		{Producer: lineage.KnownProducer(7)},
		{Principal: "User:ANONYMOUS", Host: "10.0.0.1"},
		{Kind: lineage.Remainder},
		{Mover: lineage.Node{Scope: "c", Kind: lineage.ConnectorNode, Name: "m"}},
	} {
		if said := w.round(41, sights(c), claims(c, lineage.Telemetry, 5)); said != "" {
			t.Errorf("%+v: %s", c, said)
		}
	}
	allowed := lineage.Client{ClientID: "allowed", Principal: "User:b"}
	if said := w.round(42, claims(allowed, lineage.AuthorizerLog, 3), claims(allowed, lineage.AuditLog, 3)); said != "" {
		t.Errorf("who is allowed to write has begun: %s", said)
	}
	if said := w.round(43, claims(lineage.Client{ClientID: "named"}, lineage.RecordHeader, 3)); said != "FLOW_STARTED of named at 43" {
		t.Errorf("of headers: %q", said)
	}
}

// TestFlowsThatTellSeldom: a client that pushes each five minutes has not ended after three.
func TestFlowsThatTellSeldom(t *testing.T) {
	w := &watching{positions: map[string][]byte{}, least: func(*lineage.Access) time.Duration { return 15 * time.Minute }}
	w.start()
	app, said := lineage.Client{ClientID: "app"}, ""
	w.round(1, sights(lineage.Client{ClientID: "first"}))
	for n := 2; n <= 400; n++ {
		if n >= 150 && n <= 240 && n%30 == 0 {
			said += w.round(n, claims(app, lineage.Telemetry, int64(n)))
			continue
		}
		said += w.round(n)
	}
	if said != "FLOW_STOPPED of first at 1FLOW_STARTED of app at 150FLOW_STOPPED of app at 240" {
		t.Errorf("it is told: %q", said)
	}
}

// TestFlowsAreBounded: whoever connects makes up a client.id.
func TestFlowsAreBounded(t *testing.T) {
	w := newWatching()
	w.round(1, sights(lineage.Client{ClientID: "first"}))
	for n := 2; n <= 30; n++ {
		w.round(n)
	}
	w.round(31, func(o *lineage.Observation) {
		for i := range 2 * mostFlows {
			sights(lineage.Client{ClientID: fmt.Sprint("made-up-", i)})(o)
		}
	})
	if n := len(w.last.Events); n != mostBegun {
		t.Errorf("%d events of a round", n)
	}
	if m := w.last.Missing; len(m) != 2 || m[0].All || m[1].All || !strings.Contains(m[0].Reason, "20000 flows more than the 20000") || !strings.Contains(m[1].Reason, "it is not told") {
		t.Errorf("what is not told: %+v", m)
	}
	if n := len(w.positions); n > mostFlows+10 {
		t.Errorf("%d positions", n)
	}
}

// TestFlowsToldAreTheSame: of which of too many beginnings it is told does not depend on chance.
func TestFlowsToldAreTheSame(t *testing.T) {
	w := newWatching()
	w.round(1, sights(lineage.Client{ClientID: "first"}))
	for n := 2; n <= 30; n++ {
		w.round(n)
	}
	said := w.round(31, func(o *lineage.Observation) {
		for _, i := range rand.Perm(2 * mostBegun) {
			sights(lineage.Client{ClientID: fmt.Sprintf("made-up-%03d", i)})(o)
		}
	})
	for i := range 2 * mostBegun {
		if told := strings.Contains(said, fmt.Sprintf("made-up-%03d ", i)); told != (i < mostBegun) {
			t.Fatalf("of flow %d it is told: %t", i, told)
		}
	}
}

// TestFlowsBadPositions: what can't be read costs these flows, and is told.
func TestFlowsBadPositions(t *testing.T) {
	for key := range map[string]bool{flowsKey: true, "rhythm/began": true} {
		w := newWatching()
		w.round(1, sights(lineage.Client{ClientID: "first"}))
		w.positions[key] = []byte{9, 9}
		w.positions["other"] = []byte("another's")
		w.start()
		if left := w.flows.tell.unreadable; len(left) == 0 || strings.Contains(fmt.Sprint(left), "other") {
			t.Errorf("%s is damaged: unreadable are %q", key, left)
		}
		w.round(2, sights(lineage.Client{ClientID: "first"}))
	}
}
