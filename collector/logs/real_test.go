package logs

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// canary stands in keys and values, and must stand nowhere in what is told.
const canary = "CANARY-4711"

// By a real secured broker's own log, with both loggers on, each writer and each reader without a group has its name,
// whatever its protocol; producer ids and groups have their client's; who was refused is told; nothing fails to parse.
func TestRealLogs(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Secure: true, Users: []string{"alice", "bob", "carol"}})
	c.CreateTopic(t, "orders", 2)
	rights := kadm.NewACLs().Allow("User:alice", "User:carol").AllowHosts().Topics("orders").Groups("g").TransactionalIDs("tx").
		Operations(kadm.OpRead, kadm.OpWrite, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral)
	admin := c.Admin(t)
	if _, err := admin.CreateACLs(t.Context(), rights); err != nil {
		t.Fatal(err)
	}
	c.LogAt(t, "kafka.request.logger", "DEBUG")
	c.LogAt(t, "kafka.authorizer.logger", "DEBUG")
	meta, err := admin.ListTopics(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	w := &told{T: t, path: c.Logs()[0], board: &collector.Board{}, sink: &keeper{positions: map[string][]byte{}}}
	w.board.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"orders"}, IDs: map[string]lineage.TopicID{"orders": lineage.TopicID(meta["orders"].ID)}})
	w.start(nil)
	t.Cleanup(func() { w.src.input.close() })

	traffic(t, c)
	c.Kcat(t, "orders", 3, "security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "sasl.username=alice", "sasl.password="+kafkatest.Password("alice"), "client.id=kcat-app")
	w.round = time.Now().UTC().Truncate(tick)
	got := w.next()
	for _, want := range []string{
		"write orders: idempotent-app as User:alice at 127.0.0.1 by kgo, REQUEST_LOG moved",
		"write orders: plain-app as User:alice at 127.0.0.1 by kgo, REQUEST_LOG moved",
		"write orders: old-app as User:alice at 127.0.0.1, REQUEST_LOG moved",
		"write orders: tx-app tx tx as User:alice at 127.0.0.1 by kgo, REQUEST_LOG moved",
		"write orders: kcat-app as User:alice at 127.0.0.1 by librdkafka/",
		"read orders: reader-app as User:carol at 127.0.0.1 by kgo, REQUEST_LOG moved",
		"read orders: old-reader as User:carol at 127.0.0.1, REQUEST_LOG moved",
		"read orders: member-app group g as User:carol at 127.0.0.1 by kgo, REQUEST_LOG",
		"write orders: as User:alice at 127.0.0.1, AUTHORIZER_LOG",
		"read orders: as User:carol at 127.0.0.1, AUTHORIZER_LOG",
		"linked 1 : idempotent-app as User:alice at 127.0.0.1 by kgo producer ",
		"linked 1 : tx-app tx tx as User:alice at 127.0.0.1 by kgo producer ",
		"linked 1 : member-app group g as User:carol at 127.0.0.1 by kgo",
		"ACCESS_DENIED orders: User:bob may not DESCRIBE topic orders, for Metadata, from 127.0.0.1",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not told: %s", want)
		}
	}
	for _, bad := range []string{"did not parse", "missing", canary, "write orders: reader-app", "read orders: idempotent-app", "bob-app"} {
		if strings.Contains(got, bad) && bad != "bob-app" || strings.Contains(got, "orders: bob-app") {
			t.Errorf("told: %s", bad)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	if strings.Contains(fmt.Sprintf("%q", w.sink.positions), canary) {
		t.Error("a record's words are in a position")
	}
}

// traffic writes and reads the topic in as many ways as there are.
func traffic(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := func(user, id string, opts ...kgo.Opt) *kgo.Client {
		client, err := kgo.NewClient(append(append(c.ClientOpts(user), kgo.ClientID(id), kgo.FetchMaxWait(time.Second)), opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	write := func(client *kgo.Client) error {
		var err error
		for i := range 4 {
			r := &kgo.Record{Topic: "orders", Partition: int32(i % 2), Key: []byte(canary), Value: []byte(canary)}
			if e := client.ProduceSync(ctx, r).FirstErr(); e != nil {
				err = e
			}
		}
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(write(client("alice", "idempotent-app")))
	must(write(client("alice", "plain-app", kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))))
	must(write(client("alice", "old-app", kgo.DisableIdempotentWrite(), kgo.MaxVersions(kversion.V2_3_0()))))
	tx := client("alice", "tx-app", kgo.TransactionalID("tx"))
	must(tx.BeginTransaction())
	must(write(tx))
	must(tx.EndTransaction(ctx, kgo.TryCommit))
	if write(client("bob", "bob-app", kgo.DisableIdempotentWrite(), kgo.RecordDeliveryTimeout(2*time.Second))) == nil {
		t.Error("bob may write")
	}
	read := func(client *kgo.Client) {
		t.Helper()
		for n := 0; n < 10; {
			f := client.PollFetches(ctx)
			must(f.Err())
			n += f.NumRecords()
		}
	}
	start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	read(client("carol", "reader-app", kgo.ConsumeTopics("orders"), start))
	read(client("carol", "old-reader", kgo.ConsumeTopics("orders"), start, kgo.MaxVersions(kversion.V2_3_0())))
	member := client("carol", "member-app", kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("g"), start)
	read(member)
	must(member.CommitUncommittedOffsets(ctx))
}
