package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// A broker of three goes, then all of them: nothing is counted twice, nothing is lost, and the groups survive their
// coordinators.
//
// On a busy machine Kafka's producer may lose its place when all brokers restart (OutOfOrderSequence until its delivery
// time-out) and give up on records, of which nobody can say then how many were written how often; and commits that were
// told may go with a coordinator that was killed, more than the group ever moved in a tick, so that it counts at most
// all. That is tried again; what is known of it is held by TestRecordsLostWithALeaderCountOnce,
// TestProducersThatAreNotListedForAMoment and TestCommitsThatFall.
func TestRealOutage(t *testing.T) {
	const records, tries = 8000, 3
	for try := range tries {
		gaveUp := false
		t.Run(fmt.Sprintf("try %d", try+1), func(t *testing.T) { gaveUp = outage(t, records) < records })
		if t.Failed() || !gaveUp {
			return
		}
	}
	t.Errorf("the producer gave up on records, or the group read again, in each of %d tries", tries)
}

// outage returns how many records the producer says were acknowledged, 0 where the group read some again. Where those
// are all, they are counted exactly.
func outage(t *testing.T, records int) int64 {
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	c.CreateTopic(t, "outage", 6)
	r := newRecorder()
	watch(t, r, Config{Brokers: c.Brokers()})
	eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	consumer := c.ConsoleConsumer(t, "outage-g", "classic", "outage", "auto.commit.interval.ms=500")
	eventually(t, "the group", 60*time.Second, func() bool {
		_, n := r.sum("outage", lineage.Lag, func(a lineage.Access) bool { return a.Client.Group == "outage-g" })
		return n > 0
	})
	p := c.StartProducerPerf(t, kafkatest.Perf{Topic: "outage", Records: records, PerSecond: 250, Props: []string{"delivery.timeout.ms=60000", "request.timeout.ms=10000"}})
	time.Sleep(3 * time.Second)
	c.StopNode(t, 2, kafkatest.Kill)
	time.Sleep(4 * time.Second)
	c.StartNode(t, 2)
	time.Sleep(2 * time.Second)
	c.StopAll(t, kafkatest.Terminate)
	time.Sleep(2 * time.Second)
	c.StartAll(t)
	sent := p.Wait(t)
	end := c.EndOffset(t, "outage")
	t.Logf("sent %d, end %d", sent, end)
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for a, m := range r.totals {
			if a.Topic.Name == "outage" && a.Client.Member == "" {
				t.Logf("%s by producer %d, group %q: %d records, of %d appended", a.Op, a.Client.Producer, a.Client.Group, m[lineage.Records].Value, m[lineage.Appended].Value)
			}
		}
	}()
	if sent < int64(records) {
		t.Logf("the producer gave up on %d records", int64(records)-sent)
		consumer.Stop(t)
		return sent
	}
	whole := func(a lineage.Access) bool { return a.Op == lineage.OpNone }
	writers := func(a lineage.Access) bool { return a.Op == lineage.Write }
	group := func(a lineage.Access) bool { return a.Client.Group == "outage-g" && a.Client.Member == "" }
	eventually(t, "all records are counted to the topic", 60*time.Second, func() bool {
		n, _ := r.sum("outage", lineage.Appended, whole)
		return n == end
	})
	eventually(t, "all records are counted to writers", 60*time.Second, func() bool {
		n, _ := r.sum("outage", lineage.Records, writers)
		return n == end
	})
	c.WaitGroup(t, "outage-g", "outage", end)
	read := int64(0)
	eventually(t, "all records are counted to the group", 60*time.Second, func() bool {
		read, _ = r.sum("outage", lineage.Records, group)
		lag, _ := r.sum("outage", lineage.Lag, group)
		return read >= end && lag == 0
	})
	consumer.Stop(t)
	if read > end {
		t.Logf("the group went back and read %d records again", read-end)
		return 0
	}
	r.mu.Lock()
	missing := len(r.missing)
	r.mu.Unlock()
	if missing == 0 {
		t.Error("nothing is said to be missing")
	}
	return sent
}
