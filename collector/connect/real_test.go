package connect

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := kafkatest.CloseShared(); err != nil {
		slog.Error("stop the shared clusters", "error", err)
	}
	os.Exit(code)
}

// A real worker runs a source, a sink and two replications, one of each policy.
func TestRealConnect(t *testing.T) {
	west := kafkatest.Shared(t, kafkatest.Options{})
	// other options make another cluster
	east := kafkatest.Shared(t, kafkatest.Options{Config: map[string]string{"num.partitions": "1"}})
	for _, topic := range []string{"orders", "same"} {
		west.CreateTopic(t, topic, 1)
		produce(t, west, topic, 300)
	}
	east.CreateTopic(t, "lines", 1)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.txt")
	if err := os.WriteFile(in, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	real := east.StartConnect(t, kafkatest.ConnectOptions{Group: "connect-real"})
	real.Put(t, "file-in", map[string]string{"connector.class": "FileStreamSource", "file": in, "topic": "lines", "the.password": canary})
	real.Put(t, "file-out", map[string]string{"connector.class": "FileStreamSink", "file": filepath.Join(dir, "out.txt"), "topics.regex": "li(nes|sts)", "the.secret": canary})
	mirror := func(source, target string, more ...string) map[string]string {
		config := map[string]string{
			"connector.class":      "org.apache.kafka.connect.mirror.MirrorSourceConnector",
			"source.cluster.alias": source, "source.cluster.bootstrap.servers": west.Bootstrap(), "target.cluster.alias": target, "target.cluster.bootstrap.servers": east.Bootstrap(),
			"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
			"replication.factor": "1", "offset-syncs.topic.replication.factor": "1", "refresh.topics.interval.seconds": "1", "source.cluster.a.password": canary,
		}
		for i := 0; i < len(more); i += 2 {
			config[more[i]] = more[i+1]
		}
		return config
	}
	r := &rig{t: t, w: &worker{t: t, Server: &httptest.Server{URL: real.URL}}, board: &collector.Board{}, round: t0, positions: map[string][]byte{}}
	westID, eastID := lineage.ClusterID(west.ID), lineage.ClusterID(east.ID)
	r.board.SetCluster(collector.Watched{Source: "west", ID: westID, Bootstrap: west.Brokers(), Topics: []string{"orders", "same"}})
	r.board.SetCluster(collector.Watched{Source: "east", ID: eastID, Bootstrap: east.Brokers(), Topics: []string{"lines", "lists", "same", "w.orders"}})
	ends := func() {
		r.board.WantEnds(westID, "orders", "same")
		at := map[string][]int64{"orders": {west.EndOffset(t, "orders")}, "same": {west.EndOffset(t, "same")}}
		r.board.SetEnds(westID, r.round.Add(tick), func(topic string) collector.Ends { return collector.Ends{Offsets: at[topic]} })
	}
	r.start(nil)
	type count struct{ records, lag int64 }
	counts := map[string]count{}
	short := map[string]bool{} // of which something was copied before its offsets were first read, and that is said
	facts := map[lineage.FactKind]map[string]lineage.Fact{lineage.ConnectorFacts: {}, lineage.ReplicatorFacts: {}}
	take := func() {
		ends()
		r.take()
		if why := r.missing(); len(why) > 0 {
			t.Errorf("missing: %q", why)
		}
		for kind, known := range facts {
			maps.Copy(known, r.facts(kind))
		}
		for _, o := range r.last {
			for _, x := range o.Sightings {
				if strings.Contains(x.Detail, "at least: what was copied before its offsets could be read is not counted") {
					short[x.Access.Client.Mover.Name] = true
				}
			}
			for _, s := range o.Samples {
				name := s.Subject.Client.Mover.Name
				c := counts[name]
				switch s.Metric {
				case lineage.Records:
					c.records = s.Value
				case lineage.Lag:
					c.lag = s.Value
				default:
				}
				counts[name] = c
			}
		}
	}
	eventually := func(what string, ok func() bool) {
		t.Helper()
		deadline := time.Now().Add(3 * time.Minute) // a busy machine takes its time
		for take(); !ok(); take() {
			if time.Now().After(deadline) {
				t.Fatalf("not within three minutes: %s; %v", what, counts)
			}
			time.Sleep(500 * time.Millisecond)
		}
	}
	copied := func(name string) bool {
		c, ok := facts[lineage.ReplicatorFacts][replicatorID(name)]
		return ok && c.Replicator.State == "RUNNING"
	}
	take() // what is copied from now on is counted
	real.Put(t, "copy", mirror("w", "e", "topics", "orders"))
	real.Put(t, "copy-same", mirror("w2", "e2", "topics", "same", "replication.policy.class", "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"))
	eventually("both replications run, are caught up and counted from the first record", func() bool {
		whole := func(name string) bool {
			c := counts[name]
			return copied(name) && c.lag == 0 && (c.records == 300 || short[name] && c.records > 0 && c.records < 300)
		}
		return whole("w->e") && whole("w2->e2")
	})
	first := counts["w->e"].records
	produce(t, west, "orders", 250)
	eventually("250 more records are counted", func() bool { return counts["w->e"] == count{first + 250, 0} })
	for name, want := range map[string][]string{
		"w->e":     {"read " + west.ID + "/orders", "write " + east.ID + "/w.orders"},
		"w2->e2":   {"read " + west.ID + "/same", "write " + east.ID + "/same"},
		"file-in":  {"read file " + in, "write " + east.ID + "/lines"},
		"file-out": {"read " + east.ID + "/lines", "read " + east.ID + "/lists", "write file " + filepath.Join(dir, "out.txt")},
	} {
		eventually(name+" is seen", func() bool {
			return strings.ReplaceAll(strings.Join(r.does(name), "\n"), "*", "") == strings.Join(want, "\n")
		})
	}
	moved := false
	if err := os.WriteFile(in, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually("the file is seen to be read", func() bool {
		moved = moved || strings.Contains(strings.Join(r.does("file-in"), "\n"), "read file "+in+"*")
		return moved
	})
	if f := facts[lineage.ReplicatorFacts][replicatorID("w2->e2")].Replicator; !strings.HasSuffix(f.Policy, "IdentityReplicationPolicy") || f.Source != westID || f.Target != eastID || f.Connect != "connect-west" {
		t.Errorf("the identity replication is %+v", f)
	}
	if f := facts[lineage.ConnectorFacts]["file-out"].Connector; f.Type != "sink" || f.State != "RUNNING" || f.Group != "connect-file-out" || len(f.Tasks) != 1 || f.Kafka != eastID {
		t.Errorf("the sink is %+v", f)
	}
	asked, bytes := r.source.client.Asked(), r.source.client.Bytes()
	const rounds = 12
	for range rounds {
		take()
	}
	t.Logf("four connectors took %.1f requests and %.1f KiB a round", float64(r.source.client.Asked()-asked)/rounds, float64(r.source.client.Bytes()-bytes)/rounds/1024)
	real.Delete(t, "file-out")
	eventually("the deleted connector is gone", func() bool { return facts[lineage.ConnectorFacts]["file-out"].Gone })
}

func produce(t *testing.T, c *kafkatest.Cluster, topic string, n int) {
	t.Helper()
	var records []*kgo.Record
	for range n {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte("x")})
	}
	if err := c.Client(t).ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// A real worker that speaks HTTPS and asks who is there; the worker named first is down.
func TestRealSecureConnect(t *testing.T) {
	cluster := kafkatest.Shared(t, kafkatest.Options{})
	cluster.CreateTopic(t, "secured", 1)
	real := cluster.StartConnect(t, kafkatest.ConnectOptions{Group: "connect-secure", Secure: true})
	in := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(in, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	real.Put(t, "file-in", map[string]string{"connector.class": "FileStreamSource", "file": in, "topic": "secured"})
	pem, err := os.ReadFile(real.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	down := fmt.Sprintf("https://127.0.0.1:%d", ports[0])
	take := func(with func(*Config)) *rig {
		r := &rig{t: t, w: &worker{t: t, Server: &httptest.Server{URL: real.URL}}, board: &collector.Board{}, round: t0, positions: map[string][]byte{}}
		r.board.SetCluster(collector.Watched{Source: "west", ID: lineage.ClusterID(cluster.ID), Bootstrap: cluster.Brokers(), Topics: []string{"secured"}})
		r.start(func(c *Config) {
			c.URLs, c.Username, c.Password = []string{down, real.URL}, real.Username, func() string { return real.Password }
			settings := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			c.TLS = func() *tls.Config { return settings }
			with(c)
		})
		r.take()
		if shown := fmt.Sprintf("%+v %s", r.last, r.log.String()); strings.Contains(shown, real.Password) {
			t.Errorf("the password is shown: %s", shown)
		}
		return r
	}
	r := take(func(*Config) {})
	// The worker that has just been given a connector rebalances, and on a busy machine it answers late.
	for end := time.Now().Add(time.Minute); len(r.missing()) > 0; r.take() {
		if time.Now().After(end) {
			t.Fatalf("missing: %q", r.missing())
		}
	}
	r.want("file-in", "read file "+in, "write "+cluster.ID+"/secured")
	for want, with := range map[string]func(*Config){
		"refuses the configured basic_auth": func(c *Config) { c.Password = func() string { return real.Password + "-wrong" } },
		"basic_auth":                        func(c *Config) { c.Username, c.Password = "", nil },
		"certificate":                       func(c *Config) { c.TLS = nil },
	} {
		if why := take(with).missing(); len(why) == 0 || !strings.Contains(why[0], want) {
			t.Errorf("missing: %q, want a word of %q", why, want)
		}
	}
}

// replicatorID is the key of what is told of a replicator that copies to the cluster east.
func replicatorID(name string) string {
	return lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: name}.ID()
}
