package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// grant allows a user operations on everything of the given kinds.
func grant(t *testing.T, c *kafkatest.Cluster, user string, ops []kadm.ACLOperation, build func(*kadm.ACLBuilder)) {
	t.Helper()
	b := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").Operations(ops...).ResourcePatternType(kadm.ACLPatternLiteral)
	build(b)
	res, err := c.Admin(t).CreateACLs(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// The rights that the documentation names are enough, and what lacks one of them says so.
func TestRealLeastPrivilege(t *testing.T) {
	c := kafkatest.Shared(t, kafkatest.Options{Secure: true, Users: []string{"nobody", "describer", "watcher"}})
	for _, user := range []string{"describer", "watcher"} {
		grant(t, c, user, []kadm.ACLOperation{kadm.OpDescribe}, func(b *kadm.ACLBuilder) {
			b.Clusters().Topics("*").Groups("*").TransactionalIDs("*")
		})
		grant(t, c, user, []kadm.ACLOperation{kadm.OpDescribeConfigs}, func(b *kadm.ACLBuilder) { b.Topics("*") })
	}
	grant(t, c, "watcher", []kadm.ACLOperation{kadm.OpRead}, func(b *kadm.ACLBuilder) { b.Topics("*") })
	c.CreateTopic(t, "rights", 2)

	recs := map[string]*recorder{}
	for _, user := range []string{"nobody", "describer", "watcher"} {
		r := newRecorder()
		recs[user] = r
		watch(t, r, Config{
			Brokers: c.Brokers(),
			SASL:    scram.Auth{User: user, Pass: kafkatest.Password(user)}.AsSha256Mechanism(),
		})
	}
	for _, r := range recs {
		eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	}
	sent := c.ProducerPerf(t, kafkatest.Perf{Topic: "rights", Records: 500, PerSecond: 250})
	consumer := c.ConsoleConsumer(t, "rights-g", "classic", "rights", "auto.commit.interval.ms=500")
	c.WaitGroup(t, "rights-g", "rights", sent)
	consumer.Stop(t)

	sum := func(user string, m lineage.Metric, match func(lineage.Access) bool) int64 {
		n, _ := recs[user].sum("rights", m, match)
		return n
	}
	named := func(a lineage.Access) bool { return a.Op == lineage.Write && a.Client.Kind == lineage.Connection }
	remainder := func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder }
	whole := func(a lineage.Access) bool { return a.Op == lineage.OpNone }
	eventually(t, "the watcher counts the producer", 60*time.Second, func() bool { return sum("watcher", lineage.Records, named) == sent })
	eventually(t, "the describer counts the remainder", 60*time.Second, func() bool { return sum("describer", lineage.Records, remainder) == sent })
	if n := sum("watcher", lineage.Records, remainder); n != 0 {
		t.Errorf("the watcher has a remainder of %d", n)
	}
	if n := sum("describer", lineage.Records, named); n != 0 {
		t.Errorf("the describer counts %d by producer id", n)
	}
	eventually(t, "sizes", 60*time.Second, func() bool {
		return sum("describer", lineage.Appended, whole) == sent && sum("watcher", lineage.LogBytes, whole) >= 0
	})

	spots := func(user string) string {
		r := recs[user]
		r.mu.Lock()
		defer r.mu.Unlock()
		var b strings.Builder
		for _, list := range r.blind {
			for _, s := range list {
				b.WriteString(s.What + " | " + s.Remedy + "\n")
			}
		}
		return b.String()
	}
	if s := spots("describer"); !strings.Contains(s, "producer state of") || !strings.Contains(s, "grant READ") {
		t.Errorf("the describer's blind spots do not name the producer state:\n%s", s)
	}
	if s := spots("watcher"); strings.Contains(s, "grant") {
		t.Errorf("the watcher lacks nothing, but its blind spots say:\n%s", s)
	}
	recs["nobody"].mu.Lock()
	defer recs["nobody"].mu.Unlock()
	if len(recs["nobody"].totals) != 0 {
		t.Errorf("nobody sees %v", recs["nobody"].totals)
	}
	if m := strings.Join(recs["nobody"].missing, "\n"); !strings.Contains(m, "not permitted") {
		t.Errorf("nobody's coverage does not say that it is not permitted:\n%s", m)
	}
}

// Kafka itself tells a topic that may not be described from one that is not there, of its id: the first is out of
// sight, the second deleted. What comes into sight is no event.
func TestRealSight(t *testing.T) {
	c := kafkatest.Shared(t, kafkatest.Options{Secure: true, Users: []string{"peeper"}})
	c.CreateTopic(t, "peep-mine", 1)
	c.CreateTopic(t, "peep-old", 1)
	sent := c.ProducerPerf(t, kafkatest.Perf{Topic: "peep-old", Records: 300, PerSecond: 1000})
	describe := []kadm.ACLOperation{kadm.OpDescribe}
	grant(t, c, "peeper", describe, func(b *kadm.ACLBuilder) { b.Topics("peep-mine") })
	r := newRecorder()
	watch(t, r, Config{Brokers: c.Brokers(), SASL: scram.Auth{User: "peeper", Pass: kafkatest.Password("peeper")}.AsSha256Mechanism()})
	fact := func() *lineage.TopicFact {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.topics["peep-old"]
	}
	deleted := func() (n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range r.events {
			switch e.Type {
			case lineage.TopicCreated:
				t.Errorf("an event of a created topic: %s", e.Topic.Name)
			case lineage.TopicDeleted:
				n++
			default:
			}
		}
		return n
	}
	eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	grant(t, c, "peeper", describe, func(b *kadm.ACLBuilder) { b.Topics("peep-old") })
	eventually(t, "the topic comes into sight", 60*time.Second, func() bool { return fact() != nil })
	revoke := kadm.NewACLs().Allow("User:peeper").AllowHosts("*").Operations(kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral).Topics("peep-old")
	if _, err := c.Admin(t).DeleteACLs(t.Context(), revoke); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes out of sight", 60*time.Second, func() bool { return strings.Contains(fact().Unseen, "the broker says that it exists") })
	if n := deleted(); n > 0 {
		t.Errorf("%d events of deleted topics", n)
	}
	if n, _ := r.sum("peep-old", lineage.Appended, func(lineage.Access) bool { return true }); n != 0 {
		t.Errorf("%d of the %d records that were there before are counted", n, sent)
	}
	if _, err := c.Admin(t).DeleteTopic(t.Context(), "peep-old"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is deleted", 2*lostCadence, func() bool { return deleted() == 1 })
}
