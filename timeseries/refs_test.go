package timeseries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestPositionsAreWrittenAsWhatChanged holds that a round's frame costs what changed of a position, that a segment's
// first is whole, and that what is merged at a start is what was said last, also where keys went and came again.
func TestPositionsAreWrittenAsWhatChanged(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir, testOpts)
	must(t, err)
	r := rand.New(rand.NewPCG(3, 3))
	numbers := make([]int64, 10_000)
	for i := range numbers {
		numbers[i] = r.Int64N(1 << 30)
	}
	want := map[string][]byte{}
	last := s.Stats().LogBytes
	for n := 1; n <= 40; n++ {
		for range 20 {
			numbers[r.IntN(len(numbers))] += r.Int64N(1000)
		}
		var w writer
		for _, x := range numbers {
			w.int(x)
		}
		o := testRound(n)
		o.Positions = []lineage.Position{{Key: "big", Value: w.b}, {Key: "small", Value: fmt.Append(nil, "round ", n)}, {Key: "comes and goes"}, {Key: "empty", Value: []byte{}}}
		if n%3 == 0 {
			o.Positions[2].Value = []byte("it is there")
		}
		must(t, s.Append(ctx, o))
		for _, p := range o.Positions {
			if want[p.Key] = append([]byte{}, p.Value...); p.Value == nil {
				delete(want, p.Key)
			}
		}
		size := s.Stats().LogBytes
		whole := n == 1 || n == 17 || n == 33 // a segment spans 15 minutes
		if grown := size - last; whole != (grown > int64(len(w.b))) || !whole && grown > 400 {
			t.Errorf("round %d: 20 of %d numbers changed, the log grew by %d bytes of %d", n, len(numbers), grown, len(w.b))
		}
		last = size
	}
	for stage := range 3 {
		got, err := s.Positions(ctx, testSource)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("stage %d: the positions are not what was said last", stage)
		}
		if stage == 1 {
			must(t, s.Maintain(ctx, testStart.Add(3*time.Hour)))
		}
		must(t, s.Close())
		s, err = Open(dir, testOpts)
		must(t, err)
	}
	must(t, s.Close())
}

// TestFactsAreWrittenAsWhatChanged has a group of 100 members, of which one goes and another comes each round.
func TestFactsAreWrittenAsWhatChanged(t *testing.T) {
	ctx := context.Background()
	s, err := Open(t.TempDir(), testOpts)
	must(t, err)
	last, whole := int64(0), int64(0)
	for n := 1; n <= 14; n++ {
		g := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: "c", Group: "g"}, Type: "Classic", State: "Stable", MembersKnown: true}
		for i := n; i < n+100; i++ {
			id := fmt.Sprintf("%x", i*0x9e3779b97f4a7c1)
			g.Members = append(g.Members, lineage.Member{ID: "consumer-billing-" + id, ClientID: "consumer-billing", Host: "/10.0.0." + id[:3]})
		}
		o := testRound(n)
		o.Facts = []lineage.Fact{{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "g"}, Group: g}}
		must(t, s.Append(ctx, o))
		size := s.Stats().LogBytes
		if grown := size - last; n == 1 {
			whole = grown
		} else if grown > whole/20 {
			t.Errorf("round %d: one of 100 members changed, the log grew by %d bytes; all are %d", n, grown, whole)
		}
		last = size
	}
	must(t, s.Close())
}

// TestClientsAreWrittenOnce holds that what a client is called is written once, however many topics it has to do with,
// in the log and in the dictionary.
func TestClientsAreWrittenOnce(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir, testOpts)
	must(t, err)
	name := fmt.Sprintf("%0500d", 7)
	size := func(clients int) int64 {
		o := testRound(clients)
		for i := range 100 {
			a := lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint("t", i)}, Op: lineage.Read, Client: lineage.Client{Group: name, ClientID: name}}
			if i < clients {
				a.Client.Group += "x"
			}
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: 1})
		}
		before := s.Stats().LogBytes
		must(t, s.Append(ctx, o))
		return s.Stats().LogBytes - before
	}
	if n := size(1); n > 2*2*(500+10)+100*80 {
		t.Errorf("two clients on 100 topics take %d bytes of log", n)
	}
	var dictionary int
	for _, part := range s.encodeSubjects() {
		dictionary += len(part)
	}
	if dictionary > 2*2*(500+10)+100*80 {
		t.Errorf("two clients on 100 topics take %d bytes of dictionary", dictionary)
	}
	must(t, s.Close())
	s, err = Open(dir, testOpts)
	must(t, err)
	if x := entryOf(s.engine, lineage.Access{Topic: lineage.Topic{Name: "t99"}, Op: lineage.Read, Client: lineage.Client{Group: name, ClientID: name}}); x == nil || x.subject == nil {
		t.Error("an access is not what it was")
	}
	must(t, s.Close())
}
