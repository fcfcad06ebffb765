package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// The oldest and the newest supported version: the same line once, in short. What the broker cannot tell is said as a
// blind spot, not in a loop of errors.
func TestOtherVersions(t *testing.T) {
	f := func(version string, protocols ...string) {
		t.Helper()
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			shortRun(t, version, protocols)
		})
	}
	f(kafkatest.V39, "classic")
	f(kafkatest.V44, "classic", "consumer", "share", "streams")
}

func shortRun(t *testing.T, version string, protocols []string) {
	t.Helper()
	const (
		topic  = "topic:west/orders"
		writer = "unidentified:west/orders"
	)
	c := kafkatest.Start(t, kafkatest.Options{Version: version})
	c.CreateTopic(t, "orders", 2)
	s := watch(t, c, "west", time.Second)
	s.knows(t, topic)
	begin := time.Now()
	var readers []*kafkatest.Consumer
	want := []string{writer + "->" + topic}
	var groups []string
	for _, p := range protocols {
		group := "billing-" + p
		if p == "streams" {
			c.CreateTopic(t, "counts", 2)
			c.StartStreams(t, kafkatest.StreamsOptions{Application: group, Protocol: p, Input: "orders", Output: "counts"})
			job := "streamjob:west/" + group
			want = append(want, topic+"->"+job, job+"->topic:west/counts")
			continue
		}
		groups = append(groups, group)
		want = append(want, topic+"->application:west/"+group)
		if p == "share" {
			c.ShareFromBeginning(t, group)
			readers = append(readers, c.ShareConsumer(t, group, "orders"))
		} else {
			readers = append(readers, c.ConsoleConsumer(t, group, p, "orders", "auto.commit.interval.ms=1000"))
		}
	}
	slices.Sort(want)
	c.WaitMembers(t, groups...)
	s.waitRound(t, "west", time.Now())
	seconds := 8
	if long {
		seconds = 70
	}
	idempotent := c.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: 100 * seconds, PerSecond: 100})
	plain := c.ProducerPerf(t, kafkatest.Perf{
		Topic: "orders", Records: 40 * seconds, PerSecond: 40, Props: []string{"enable.idempotence=false"},
	})
	sent := idempotent.Wait(t) + plain
	for _, p := range protocols {
		if p == "share" {
			c.WaitShareGroup(t, "billing-share", "orders")
		} else {
			c.WaitGroup(t, "billing-"+p, "orders", sent)
		}
	}
	for _, k := range readers {
		if got := k.Stop(t); got != sent {
			t.Errorf("a consumer reports %d records of %d", got, sent)
		}
	}
	var a answer
	eventually(t, 90*time.Second, "all counts are complete", func() (err error) {
		if a, err = s.tryLineage(t, topic, between(begin, time.Now())); err != nil {
			return err
		}
		if got := a.ids(); !slices.Equal(got, want) {
			return fmt.Errorf("flows: %q, want %q", got, want)
		}
		for _, f := range a.Flows {
			if f.Records == nil || *f.Records != sent || f.Kind == "CONSUME" && (f.Lag == nil || *f.Lag != 0) {
				return fmt.Errorf("%s: records %v, lag %v, want %d and 0", f.ID, valueOf(f.Records), valueOf(f.Lag), sent)
			}
		}
		return nil
	})
	if got := a.flow(t, writer, topic).clientsOf("CONNECTION"); len(got) != 1 {
		t.Errorf("producer ids: %+v, want one", got)
	}
	for _, b := range a.Coverage.BlindSpots {
		t.Logf("blind spot: %s: %s. %s", b.Source, b.What, b.Remedy)
	}
	wantNoLoop(t, version, s)
}
