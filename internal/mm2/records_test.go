package mm2_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/mm2"
)

// raw joins hexadecimal and plain parts: "0004 'west'".
func raw(t testing.TB, s string) (out []byte) {
	t.Helper()
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

func TestDecodeStructs(t *testing.T) {
	h, err := mm2.DecodeHeartbeat(raw(t, "0004 'west' 0004 'east'"), raw(t, "0000 000001A203EB9DA0"))
	if want := (mm2.Heartbeat{Source: "west", Target: "east", At: time.UnixMilli(0x1A203EB9DA0).UTC()}); err != nil || h != want {
		t.Errorf("heartbeat is %+v, %v; want %+v", h, err, want)
	}
	c, err := mm2.DecodeCheckpoint(raw(t, "0001 'g' 000B 'west.orders' 00000002"), raw(t, "0000 0000000000000007 0000000000000006 0001 'm'"))
	if want := (mm2.Checkpoint{Group: "g", Topic: "west.orders", Partition: 2, Upstream: 7, Downstream: 6}); err != nil || c != want {
		t.Errorf("checkpoint is %+v, %v; want %+v", c, err, want)
	}
	s, err := mm2.DecodeOffsetSync(raw(t, "0006 'orders' 00000001"), raw(t, "0000000000000009 0000000000000008"))
	if want := (mm2.OffsetSync{Topic: "orders", Partition: 1, Upstream: 9, Downstream: 8}); err != nil || s != want {
		t.Errorf("offset sync is %+v, %v; want %+v", s, err, want)
	}
}

func TestMalformedStructs(t *testing.T) {
	f := func(key, value string) {
		t.Helper()
		k, v := raw(t, key), raw(t, value)
		if _, err := mm2.DecodeHeartbeat(k, v); err == nil {
			t.Error("taken for a heartbeat")
		}
		if _, err := mm2.DecodeCheckpoint(k, v); err == nil {
			t.Error("taken for a checkpoint")
		}
		if _, err := mm2.DecodeOffsetSync(k, v); err == nil {
			t.Error("taken for an offset sync")
		}
	}
	f("", "")
	f("FFFF", "0000")
	f("7FFF 'x'", "0000")
	f("0001 FF 0001 'e'", "0000 0000000000000001")             // not UTF-8
	f("0001 'w' 0001 'e'", "0001 0000000000000001")            // version 1
	f("0001 'w' 0001 'e'", "0000 0000000000000001 00")         // more than there should be
	f("0001 'w' 0001 'e' 00", "0000 0000000000000001")         //
	f("0001 'o' FFFFFFFF", "0000000000000009000000000000000A") // partition -1
}

func TestDecodeConfigTakesNamedFieldsOnly(t *testing.T) {
	const canary = "canary-5ecret"
	value := `{"properties":{"connector.class":"org.apache.kafka.connect.mirror.MirrorSourceConnector","name":"MirrorSourceConnector",
		"source.cluster.alias":"west","target.cluster.alias":"east","source.cluster.bootstrap.servers":"w1:9092, w2:9092,user:` + canary + `@w3:9092",
		"target.cluster.bootstrap.servers":"e1:9092","replication.policy.class":"org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
		"replication.policy.separator":"_","replication.policy.internal.topic.separator.enabled":"false","topics":"orders|lines","topics.exclude":"x.*","enabled":"False",
		"source.cluster.sasl.jaas.config":"PlainLoginModule required password=\"` + canary + `\";","ssl.key.password":"` + canary + `","tasks.max":3,"nothing":null}}`
	r, err := mm2.DecodeConfig([]byte("connector-MirrorSourceConnector"), []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", r)
	want := "{Kind:1 Connector:MirrorSourceConnector Gone:false Config:{Name:MirrorSourceConnector Class:org.apache.kafka.connect.mirror.MirrorSourceConnector SourceAlias:west TargetAlias:east " +
		"SourceBrokers:[w1:9092 w2:9092] TargetBrokers:[e1:9092] Policy:{Class:org.apache.kafka.connect.mirror.IdentityReplicationPolicy Separator:_ Internal:.} Topics:orders|lines TopicsExclude:x.* TopicFilter: Off:true} State:}"
	if got != want {
		t.Errorf("decoded\n%s, want\n%s", got, want)
	}
	for _, bad := range []string{`{"properties":"` + canary + `"}`, `{"properties":{"name":"a","p":"` + canary + `"`, canary, `{}`, `12` + canary} {
		r, err := mm2.DecodeConfig([]byte("connector-"+"x"), []byte(bad))
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(fmt.Sprintf("%+v", r), canary) {
			t.Errorf("%q gave %+v, %v", bad, r, err)
		}
	}
}

func TestDecodeConfigOfOtherKeys(t *testing.T) {
	f := func(key, value string, want mm2.ConfigRecord) {
		t.Helper()
		if got, err := mm2.DecodeConfig([]byte(key), []byte(value)); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q is %+v, %v; want %+v", key, got, err, want)
		}
	}
	f("connector-a", "", mm2.ConfigRecord{Kind: mm2.ConnectorEntry, Connector: "a", Gone: true})
	f("connector-a", "null", mm2.ConfigRecord{Kind: mm2.ConnectorEntry, Connector: "a", Gone: true})
	f("target-state-a", `{"state":"PAUSED","state.v2":"STOPPED"}`, mm2.ConfigRecord{Kind: mm2.TargetState, Connector: "a", State: "STOPPED"})
	f("target-state-a", `{"state":"PAUSED"}`, mm2.ConfigRecord{Kind: mm2.TargetState, Connector: "a", State: "PAUSED"})
	f("session-key", `{"key":"canary","algorithm":"HmacSHA256","creation-timestamp":1}`, mm2.ConfigRecord{})
	f("task-a-0", "garbage", mm2.ConfigRecord{})
}

func TestDecodeOffset(t *testing.T) {
	f := func(key, value string, want mm2.OffsetRecord) {
		t.Helper()
		if got, err := mm2.DecodeOffset([]byte(key), []byte(value)); err != nil || got != want {
			t.Errorf("%s %s is %+v, %v; want %+v", key, value, got, err, want)
		}
	}
	f(`["MirrorSourceConnector",{"cluster":"west","partition":1,"topic":"orders"}]`, `{"offset":6389}`,
		mm2.OffsetRecord{Connector: "MirrorSourceConnector", Cluster: "west", Topic: "orders", Partition: 1, Offset: 6389})
	f(`["m",{"cluster":"west","partition":0,"topic":"orders"}]`, ``, mm2.OffsetRecord{Connector: "m", Cluster: "west", Topic: "orders", Gone: true})
	f(`["MirrorHeartbeatConnector",{"sourceClusterAlias":"west","targetClusterAlias":"east"}]`, `{"offset":0}`, mm2.OffsetRecord{Connector: "MirrorHeartbeatConnector"})
	for _, bad := range [][2]string{
		{``, `{"offset":1}`},
		{`["a"]`, ``},
		{`[1,{}]`, ``},
		{`{}`, ``},
		{`["a",{"cluster":"w","partition":0,"topic":"t"}]`, `{}`},
		{`["a",{"cluster":"w","partition":0,"topic":"t"}]`, `{"offset":"x"}`},
		{`["a",{"cluster":"w","partition":-1,"topic":"t"}]`, `{"offset":1}`},
		{`["a",{"cluster":"w","partition":0,"topic":"t"}]`, `[`},
	} {
		if got, err := mm2.DecodeOffset([]byte(bad[0]), []byte(bad[1])); err == nil {
			t.Errorf("%v is %+v", bad, got)
		}
	}
}

func TestDecodeStatus(t *testing.T) {
	f := func(key, value string, want mm2.StatusRecord) {
		t.Helper()
		if got, err := mm2.DecodeStatus([]byte(key), []byte(value)); err != nil || got != want {
			t.Errorf("%s %s is %+v, %v; want %+v", key, value, got, err, want)
		}
	}
	const running = `{"state":"RUNNING","trace":"at canary","worker_id":"127.0.0.1:8083","generation":3,"version":"4.3.1"}`
	f("status-connector-MirrorSourceConnector", running, mm2.StatusRecord{Connector: "MirrorSourceConnector", Task: -1, State: "RUNNING", Worker: "127.0.0.1:8083"})
	f("status-task-a-b-2", running, mm2.StatusRecord{Connector: "a-b", Task: 2, State: "RUNNING", Worker: "127.0.0.1:8083"})
	f("status-topic-west.orders:connector-MirrorSourceConnector", `{"topic":{"name":"west.orders","connector":"MirrorSourceConnector","task":0,"discoverTimestamp":1}}`,
		mm2.StatusRecord{Connector: "MirrorSourceConnector", Task: -1, Topic: "west.orders"})
	f("status-topic-lines:connector-a", "", mm2.StatusRecord{Connector: "a", Task: -1, Topic: "lines", Gone: true})
	f("something else", "garbage", mm2.StatusRecord{Task: -1})
	for _, bad := range [][2]string{
		{"status-topic-lines", "{}"},
		{"status-topic-:connector-a", "{}"},
		{"status-task-a-x", running},
		{"status-task-0", "{"},
		{"status-connector-a", "{}"},
		{"status-connector-a", "RUNNING"},
		{"status-topic-t:connector-a", "{}"},
	} {
		if got, err := mm2.DecodeStatus([]byte(bad[0]), []byte(bad[1])); err == nil {
			t.Errorf("%v is %+v", bad, got)
		}
	}
}

func FuzzDecodeHeartbeat(f *testing.F) {
	f.Add(raw(f, "0004 'west' 0004 'east'"), raw(f, "0000 000001A203EB9DA0"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if h, err := mm2.DecodeHeartbeat(key, value); err == nil && (len(key) != 4+len(h.Source)+len(h.Target) || len(value) != 10) {
			t.Errorf("%x %x is %+v", key, value, h)
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add(raw(f, "0001 'g' 000B 'west.orders' 00000002"), raw(f, "0000 0000000000000007 0000000000000006 0001 'm'"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if c, err := mm2.DecodeCheckpoint(key, value); err == nil && (len(key) != 8+len(c.Group)+len(c.Topic) || c.Partition < 0) {
			t.Errorf("%x %x is %+v", key, value, c)
		}
	})
}

func FuzzDecodeOffsetSync(f *testing.F) {
	f.Add(raw(f, "0006 'orders' 00000001"), raw(f, "0000000000000009 0000000000000008"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if s, err := mm2.DecodeOffsetSync(key, value); err == nil && (len(key) != 6+len(s.Topic) || len(value) != 16) {
			t.Errorf("%x %x is %+v", key, value, s)
		}
	})
}

func FuzzDecodeConfig(f *testing.F) {
	f.Add([]byte("connector-a"), []byte(`{"properties":{"name":"a","topics":null}}`))
	f.Add([]byte("target-state-a"), []byte(`{"state":"PAUSED"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if r, err := mm2.DecodeConfig(key, value); err == nil && r.Kind == mm2.OtherConfig && r.Connector != "" {
			t.Errorf("%q %q is %+v", key, value, r)
		}
	})
}

func FuzzDecodeOffset(f *testing.F) {
	f.Add([]byte(`["MirrorSourceConnector",{"cluster":"west","partition":1,"topic":"orders"}]`), []byte(`{"offset":6389}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if r, err := mm2.DecodeOffset(key, value); err == nil && r.Partition < 0 {
			t.Errorf("%q %q is %+v", key, value, r)
		}
	})
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add([]byte("status-task-a-0"), []byte(`{"state":"RUNNING"}`))
	f.Add([]byte("status-topic-a:connector-b"), []byte(`{"topic":{}}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if r, err := mm2.DecodeStatus(key, value); err == nil && r.Task < -1 {
			t.Errorf("%q %q is %+v", key, value, r)
		}
	})
}
