package mm2_test

import (
	"testing"

	"github.com/lineaged/lineaged/internal/mm2"
)

func TestRemoteAndBack(t *testing.T) {
	f := func(class, sep, alias, topic, want string) {
		t.Helper()
		p := mm2.NewPolicy(class, sep, false)
		got, ok := p.Remote(alias, topic)
		if got != want || ok != (want != "") {
			t.Errorf("Remote(%q, %q) of %q %q is %q, %v; want %q", alias, topic, class, sep, got, ok, want)
		}
		if !ok {
			return
		}
		if back, ok := p.Upstream(alias, got); !ok || back != topic {
			t.Errorf("Upstream(%q, %q) of %q %q is %q, %v; want %q", alias, got, class, sep, back, ok, topic)
		}
	}
	f("", "", "west", "orders", "west.orders")
	f(mm2.DefaultPolicy, "-", "west", "orders.v1", "west-orders.v1")
	f("", "", "us.west", "orders", "us.west.orders") // an alias with the separator in it
	f("", "", "west", "east.orders", "west.east.orders")
	f(mm2.IdentityPolicy, "", "west", "orders", "orders")
	f(mm2.IdentityPolicy, "", "west", "heartbeats", "west.heartbeats")
	f("com.example.Policy", "", "west", "orders", "")
}

func TestUpstreamOfOthers(t *testing.T) {
	p := mm2.NewPolicy("", "", false)
	for _, name := range []string{"orders", "east.orders", "west.", "west", "westorders"} {
		if topic, ok := p.Upstream("west", name); ok {
			t.Errorf("%q is said to be the copy of %q", name, topic)
		}
	}
	if alias, ok := p.Source("west.orders"); !ok || alias != "west" {
		t.Errorf("source is %q, %v", alias, ok)
	}
	for _, name := range []string{"orders", "orders."} {
		if alias, ok := p.Source(name); ok {
			t.Errorf("%q is said to come from %q", name, alias)
		}
	}
}

func TestReplicates(t *testing.T) {
	f := func(class, sep, topic string, want bool) {
		t.Helper()
		if got := mm2.NewPolicy(class, sep, false).Replicates(topic, "east"); got != want {
			t.Errorf("%q with %q %q is replicated to east: %v, want %v", topic, class, sep, got, want)
		}
	}
	f("", "", "orders", true)
	f("", "", "heartbeats", true)
	f("", "", "north.orders", true)
	f("", "", "east.orders", false) // came from there
	f("", "", "north.east.orders", false)
	f("", "", "__consumer_offsets", false)
	f("", "", ".hidden", false)
	f("", "", "mm2-configs.east.internal", false)
	f("", "", "mm2-offset-syncs.east.internal", false)
	f("", "", "north.checkpoints.internal", false)
	f("", "-", "north-checkpoints-internal", false)
	f("", "", "orders.internal", true)
	f(mm2.IdentityPolicy, "", "east.orders", true) // names tell nothing
}

func TestInternalNames(t *testing.T) {
	f := func(name string, kind mm2.TopicKind, alias, sep string) {
		t.Helper()
		if got, want := mm2.ParseInternal(name), (mm2.Internal{Kind: kind, Alias: alias, Separator: sep}); got != want {
			t.Errorf("ParseInternal(%q) = %+v, want %+v", name, got, want)
		}
	}
	f("heartbeats", mm2.HeartbeatTopic, "", "")
	f("west.heartbeats", mm2.HeartbeatTopic, "west", ".")
	f("west_heartbeats", mm2.HeartbeatTopic, "west", "_")
	f("west.checkpoints.internal", mm2.CheckpointTopic, "west", ".")
	f("us.west_checkpoints_internal", mm2.CheckpointTopic, "us.west", "_")
	f("mm2-offset-syncs.east.internal", mm2.OffsetSyncTopic, "east", ".")
	f("mm2-offset-syncs-us-east-internal", mm2.OffsetSyncTopic, "us-east", "-")
	f("mm2-offset-syncs__east__internal", mm2.OffsetSyncTopic, "east", "__")
	f("mm2-configs.west.internal", mm2.ConfigTopic, "west", ".")
	f("mm2-offsets.us.west.internal", mm2.OffsetTopic, "us.west", ".")
	f("mm2-status.west.internal", mm2.StatusesTopic, "west", ".")
	for _, name := range []string{
		"", "orders", "myheartbeats", ".heartbeats", "mm2-configs..internal", "mm2-configs.internal", "mm2-offset-syncs.internal", "mm2-offset-syncseastinternal", "checkpoints.internal",
		".checkpoints.internal", "internal", "westcheckpointsinternal", "orders.internal",
	} {
		f(name, mm2.NoInternal, "", "")
	}
	p := mm2.NewPolicy("", "_", false)
	f(p.OffsetSyncsTopic("east"), mm2.OffsetSyncTopic, "east", "_")
	f(p.CheckpointsTopic("west"), mm2.CheckpointTopic, "west", "_")
	p = mm2.NewPolicy("", "_", true)
	f(p.OffsetSyncsTopic("east"), mm2.OffsetSyncTopic, "east", ".")
	f(p.CheckpointsTopic("west"), mm2.CheckpointTopic, "west", ".")
	f(mm2.OffsetsTopic("w"), mm2.OffsetTopic, "w", ".")
	f(mm2.StatusTopic("w"), mm2.StatusesTopic, "w", ".")
}

func TestClasses(t *testing.T) {
	for _, class := range []string{mm2.SourceConnector, "MirrorSourceConnector", "MirrorSource"} {
		if !mm2.IsSourceConnector(class) || !mm2.IsConnector(class) {
			t.Errorf("%q is not taken for the source connector", class)
		}
	}
	if mm2.IsSourceConnector(mm2.HeartbeatConnector) || !mm2.IsConnector("MirrorHeartbeatConnector") || mm2.IsConnector("FileStreamSink") || mm2.IsConnector("") {
		t.Error("classes are confused")
	}
}

func FuzzParseInternal(f *testing.F) {
	for _, s := range []string{"heartbeats", "a.checkpoints.internal", "mm2-offset-syncs.a.internal", "mm2-offset-syncs----internal"} {
		f.Add(s, ".")
	}
	f.Fuzz(func(t *testing.T, name, sep string) {
		if in := mm2.ParseInternal(name); in.Kind != mm2.NoInternal && in.Kind != mm2.HeartbeatTopic && (in.Alias == "" || in.Separator == "") {
			t.Errorf("%q is internal without an alias: %+v", name, in)
		}
		p := mm2.NewPolicy("", sep, false)
		if remote, ok := p.Remote("west", name); ok && name != "" {
			if back, ok := p.Upstream("west", remote); !ok || back != name {
				t.Errorf("%q comes back as %q", name, back)
			}
		}
		p.Replicates(name, "east")
	})
}

func TestFilter(t *testing.T) {
	f := func(topics, exclude, class, topic string, want bool) {
		t.Helper()
		c := mm2.ConnectorConfig{Policy: mm2.NewPolicy("", "", false), TargetAlias: "east", Topics: topics, TopicsExclude: exclude, TopicFilter: class}
		if got := c.Filter().Copies(topic); got != want {
			t.Errorf("topics %q exclude %q class %q: %q is copied: %v, want %v", topics, exclude, class, topic, got, want)
		}
	}
	f("", "", "", "orders", true)
	f("", "", "", "orders.replica", false)
	f("", "", "", "east.orders", false)
	f("orders, lines.*", "", "", "lines-2", true)
	f("orders, lines.*", "", "", "orders-2", false) // the whole name
	f("orders|lines", "lines", "", "lines", false)
	f("orders", "", "", "heartbeats", true)
	f("orders", "", "com.example.Filter", "lines", true) // who knows
	f("(?!orders).*", "", "", "lines", true)             // Java's lookahead: Go has none
}
