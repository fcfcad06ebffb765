package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// errFault is what an operation fails with.
var errFault = errors.New("injected fault")

// faults runs one script again and again, each time with another of the operations below the store failing once. What
// the store then answers is an error or right, the next call works, and nothing that was acknowledged is lost.
func (b *battery) faults(t *testing.T) {
	want := b.run(t, -1)
	if want.operations < 10 {
		t.Fatalf("the script makes the store do %d operations: too few to test anything", want.operations)
	}
	failed := 0
	for at := range want.operations {
		got := b.run(t, at)
		if got.failed {
			failed++
		}
		for i := range want.answers {
			if !equal(got.answers[i], want.answers[i]) {
				t.Errorf("operation %d, %s, failed: question %d", at, got.name, i)
				Differ(t, got.answers[i], want.answers[i])
			}
		}
	}
	t.Logf("each of %d operations failed once, and %d calls said so", want.operations, failed)
	if failed < want.operations/2 {
		t.Errorf("of %d faults only %d were returned", want.operations, failed)
	}
}

// outcome is what a script came to.
type outcome struct {
	operations int
	name       string // of the operation that failed
	failed     bool   // a call returned it
	answers    [][]any
}

// run takes the steps of the script, each until it works: the fault comes once.
func (b *battery) run(t *testing.T, at int) (out outcome) {
	t.Helper()
	s := b.open(t, time.Minute)
	s.Fault(func(operation string) error {
		if out.operations++; out.operations-1 != at {
			return nil
		}
		out.name = operation
		return errFault
	})
	for i, step := range script() {
		var answer []any
		var err error
		for try := 0; ; try++ {
			if answer, err = step(t, &s); err == nil {
				break
			}
			if out.failed || !errors.Is(err, errFault) || try > 0 {
				t.Fatalf("operation %d, %s, failed: step %d, try %d: %v", at, out.name, i, try, err)
			}
			out.failed = true
		}
		if answer != nil {
			out.answers = append(out.answers, answer)
		}
	}
	s.Fault(nil)
	return out
}

// step does something, and returns what it was answered; nil when nothing was asked.
type step func(t *testing.T, s *Subject) ([]any, error)

// script appends some hours of rounds with all that they can hold, tidies up in between, asks, and starts again.
func script() (steps []step) {
	add := func(f step) { steps = append(steps, f) }
	minute := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }
	const rounds = 90 // of which an hour is sealed, and then all
	for from := 1; from <= rounds; from += 30 {
		add(func(t *testing.T, s *Subject) ([]any, error) {
			var some []lineage.Observation
			for n := from; n < from+30; n++ {
				some = append(some, faultRound(minute, n))
			}
			return nil, s.Append(t.Context(), some...)
		})
		add(func(t *testing.T, s *Subject) ([]any, error) {
			v, err := s.PutRecord(t.Context(), store.IdentityRecord, []byte(strconv.Itoa(from)))
			if err == nil && v != from/30+1 {
				return nil, fmt.Errorf("the record has version %d", v)
			}
			return nil, err
		})
	}
	look := func(t *testing.T, s *Subject) ([]any, error) {
		var all []any
		for _, w := range []lineage.Window{{Start: minute(5), End: minute(50)}, {Start: minute(58), End: minute(rounds)}} {
			got, err := everything(t, s, w)
			if err != nil {
				return nil, err
			}
			all = append(all, got...)
		}
		p, err := s.Positions(t.Context(), west)
		if err != nil {
			return nil, err
		}
		v, r, err := s.Record(t.Context(), store.IdentityRecord)
		return append(all, p, v, r), err
	}
	again := func(t *testing.T, s *Subject) ([]any, error) {
		if s.Again == nil {
			return nil, nil
		}
		next, err := s.Again(t)
		if err == nil {
			*s = next
		}
		return nil, err
	}
	tidy := func(now time.Time) step {
		return func(_ *testing.T, s *Subject) ([]any, error) {
			if s.Maintain == nil {
				return nil, nil
			}
			return nil, s.Maintain(context.Background(), now)
		}
	}
	add(look)
	add(again)
	add(look)
	add(tidy(minute(150)))
	add(again) // so that nothing of what is sealed is in memory
	add(look)
	add(tidy(minute(1650))) // beyond a day: what is sealed is rolled up
	add(again)
	add(look)
	return steps
}

// faultRound is what is seen in round n: all of it follows from n.
func faultRound(minute func(int) time.Time, n int) lineage.Observation {
	o := lineage.Observation{Source: west, Round: minute(n), Interval: time.Minute, At: minute(n).Add(time.Duration(n%700) * time.Millisecond)}
	for i := range 4 {
		a := writer
		a.Client.ClientID = strconv.Itoa(i)
		if (n+i)%3 > 0 {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n * (i + 1))})
		}
	}
	o.Sightings = []lineage.Sighting{{Access: reader, Evidence: lineage.GroupMembership, Detail: strconv.Itoa(n)}}
	o.Positions = []lineage.Position{{Key: "n", Value: []byte(strconv.Itoa(n))}}
	if n%10 == 0 {
		o.Events = []lineage.Event{{At: o.Round, Type: lineage.FlowStarted, Access: writer, Detail: strconv.Itoa(n)}}
		o.Facts = []lineage.Fact{{
			Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"},
			Topic: &lineage.TopicFact{Topic: orders, Partitions: n},
		}}
	}
	return o
}
