package kafka

import (
	"iter"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// Exactly-once programs whose transactional.ids name nobody are found by the groups whose offsets their transactions
// move, beside a reader that commits by itself. It takes READ on __consumer_offsets, and all groups to be seen.
func TestRealGroupOfATransaction(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t, kafkatest.Options{Secure: true, Users: []string{"linker", "unread"}})
	for _, user := range []string{"linker", "unread"} {
		grant(t, c, user, []kadm.ACLOperation{kadm.OpDescribe}, func(b *kadm.ACLBuilder) { b.Clusters().Topics("*").Groups("*").TransactionalIDs("*") })
		grant(t, c, user, []kadm.ACLOperation{kadm.OpDescribeConfigs}, func(b *kadm.ACLBuilder) { b.Topics("*") })
	}
	grant(t, c, "linker", []kadm.ACLOperation{kadm.OpRead}, func(b *kadm.ACLBuilder) { b.Topics("*") })
	for _, topic := range []string{"link-in", "link-out", "link-in2", "link-out2"} {
		c.CreateTopic(t, topic, 2)
	}
	want := map[string]string{"0c3b8a5e-6d1f-4f0a-9a51-7b0f4c1d2e3f": "link-copy", "1d4c9b6f-7e20-4a1b-8b62-8c1a5d2e3f40": "link-copy2"}
	recs := map[string]*recorder{}
	for _, user := range []string{"linker", "unread"} {
		recs[user] = newRecorder()
		watch(t, recs[user], Config{
			Brokers: c.Brokers(), SASL: scram.Auth{User: user, Pass: kafkatest.Password(user)}.AsSha256Mechanism(),
			Applications: func(iter.Seq[string]) func(string) string { return func(id string) string { return id } },
		})
	}
	for _, r := range recs {
		eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	}
	for id, group := range want {
		in, out := "link-in", "link-out"
		if group == "link-copy2" {
			in, out = "link-in2", "link-out2"
		}
		c.StartCopier(t, group, id, in, out)
	}
	c.ConsoleConsumer(t, "link-plain", "classic", "link-in", "auto.commit.interval.ms=700")
	links := func(user string) map[string]string {
		r := recs[user]
		r.mu.Lock()
		defer r.mu.Unlock()
		out := map[string]string{}
		for a := range r.sightings {
			if a.Topic.Name == offsetsTopic && a.Op == lineage.Write && a.Client.Group != "" {
				out[a.Client.TransactionalID] += a.Client.Group
			}
		}
		return out
	}
	// How long a link takes depends on how the programs' pauses fall to the looks: one is waited for, and in the long
	// run both.
	need, stop := 1, time.Now().Add(4*time.Minute)
	if os.Getenv("LINEAGED_LONG") != "" {
		need, stop = len(want), stop.Add(6*time.Minute)
	}
	for i := 0; len(links("linker")) < need && time.Now().Before(stop); i++ {
		c.ProducerPerf(t, kafkatest.Perf{Topic: "link-in", Records: 200, PerSecond: 100})
		if i%2 == 0 {
			c.ProducerPerf(t, kafkatest.Perf{Topic: "link-in2", Records: 200, PerSecond: 100})
		}
	}
	got := links("linker")
	for id, group := range got {
		if want[id] != group {
			t.Errorf("transactional.id %s is linked to %q, want %q", id, group, want[id])
		}
	}
	if len(got) < need {
		t.Errorf("links: %v, want %d", got, need)
	}
	if got := links("unread"); len(got) > 0 {
		t.Errorf("without READ: %v", got)
	}
}
