package acceptance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// The users of the secured broker, by what they may do. All are asked to watch the same cluster.
const (
	nobody    = "nobody"    // nothing
	describer = "describer" // DESCRIBE everywhere, DESCRIBE_CONFIGS on topics
	watcher   = "watcher"   // the same and READ on topics: all that lineaged can use
)

func secureCluster(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	return kafkatest.Shared(t, kafkatest.Options{Secure: true, MTLS: true, Users: []string{nobody, describer, watcher}})
}

// grant gives the users their rights; granting twice changes nothing.
func grant(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	admin := c.Admin(t)
	create := func(b *kadm.ACLBuilder) {
		t.Helper()
		results, err := admin.CreateACLs(t.Context(), b)
		if err != nil {
			t.Fatalf("grant: %v", err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatalf("grant: %v", r.Err)
			}
		}
	}
	both := []string{"User:" + describer, "User:" + watcher}
	build := func(users []string, ops ...kadm.ACLOperation) *kadm.ACLBuilder {
		return kadm.NewACLs().Allow(users...).AllowHosts("*").Operations(ops...).ResourcePatternType(kadm.ACLPatternLiteral)
	}
	create(build(both, kadm.OpDescribe).Clusters().Topics("*").Groups("*").TransactionalIDs("*"))
	create(build(both, kadm.OpDescribeConfigs).Topics("*"))
	create(build(both[1:], kadm.OpRead).Topics("*"))
}

// secureConfig writes a configuration file for a user of the cluster, the password in a file of its own.
func secureConfig(t *testing.T, c *kafkatest.Cluster, user, mechanism string) string {
	t.Helper()
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	write := func(file, text string) string {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write(password, kafkatest.Password(user)+"\n")
	ca := c.TLS()
	return write(filepath.Join(dir, "lineaged.yaml"), fmt.Sprintf(`
interval: 1s
clusters:
  - name: vault
    brokers: [%s]
    tls: {ca_file: %s, cert_file: %s, key_file: %s}
    sasl: {mechanism: %s, username: %s, password_file: %s}
`, c.Bootstrap(), ca.CAFile, ca.ClientCert, ca.ClientKey, mechanism, user, password))
}

// What each user is allowed shows in the answer: everything, everything but who writes, or "not permitted".
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	const (
		topic  = "topic:vault/deeds"
		writer = "unidentified:vault/deeds"
	)
	c := secureCluster(t)
	grant(t, c)
	c.CreateTopic(t, "deeds", 2)
	// One mechanism each, so that all three are tried.
	servers := map[string]*server{}
	for user, mechanism := range map[string]string{nobody: "PLAIN", describer: "SCRAM-SHA-256", watcher: "SCRAM-SHA-512"} {
		servers[user] = serve(t, "--config", secureConfig(t, c, user, mechanism))
	}
	for _, user := range []string{describer, watcher} {
		servers[user].knows(t, topic)
	}
	begin := time.Now()
	c.ShareFromBeginning(t, "vault-share")
	reader := c.ConsoleConsumer(t, "notary", "consumer", "deeds", "auto.commit.interval.ms=500")
	shareReader := c.ShareConsumer(t, "vault-share", "deeds")
	c.WaitMembers(t, "notary", "vault-share")
	for _, user := range []string{describer, watcher} {
		servers[user].waitRound(t, "vault", time.Now())
	}
	sent := c.ProducerPerf(t, kafkatest.Perf{Topic: "deeds", Records: 600, PerSecond: 100})
	c.WaitGroup(t, "notary", "deeds", sent)
	c.WaitShareGroup(t, "vault-share", "deeds")
	reader.Stop(t)
	shareReader.Stop(t)

	flows := map[string]answer{}
	for _, user := range []string{describer, watcher} {
		eventually(t, 90*time.Second, user+" sees all records", func() error {
			a, err := servers[user].tryLineage(t, topic, between(begin, time.Now()))
			if err != nil {
				return err
			}
			if len(a.Flows) != 3 {
				return fmt.Errorf("flows: %q", a.ids())
			}
			for _, f := range a.Flows {
				if f.Records == nil || *f.Records != sent {
					return fmt.Errorf("%s: records %v, want %d", f.ID, valueOf(f.Records), sent)
				}
			}
			flows[user] = a
			return nil
		})
	}

	// READ on the topics shows the producer state; without it all writers are the remainder, and a blind spot says so.
	full := flows[watcher].flow(t, writer, topic)
	if k := full.clientsOf("CONNECTION"); len(k) != 1 || k[0].ProducerID == nil || len(full.clientsOf("REMAINDER")) != 0 {
		t.Errorf("%s: clients %+v, want one producer id and no remainder", watcher, full.Clients)
	}
	if got := full.evidence(); !slices.Equal(got, []string{"PRODUCER_STATE"}) {
		t.Errorf("%s: evidence %q", watcher, got)
	}
	part := flows[describer].flow(t, writer, topic)
	if k := part.clientsOf("REMAINDER"); len(k) != 1 || len(part.clientsOf("CONNECTION")) != 0 {
		t.Errorf("%s: clients %+v, want the remainder alone", describer, part.Clients)
	}
	if got := part.evidence(); !slices.Equal(got, []string{"END_OFFSETS"}) {
		t.Errorf("%s: evidence %q", describer, got)
	}
	if !mentions(flows[describer].Coverage, "READ") {
		t.Errorf("%s: nothing says that READ on the topics is missing: %+v", describer, flows[describer].Coverage)
	}

	// A user who may see nothing gets "not permitted", not an empty world.
	cov := servers[nobody].coverage(t, between(begin, time.Now()))
	if !mentions(cov, "permi") {
		t.Errorf("%s: nothing says that nothing is permitted: %+v", nobody, cov)
	}
	if cov.Complete {
		t.Errorf("%s: coverage is complete, though the user may see nothing", nobody)
	}

	for user, s := range servers {
		wantNoLoop(t, user, s)
		wantSecretNowhere(t, user, s)
	}
}

// mentions says whether a gap's reason or a blind spot has the word.
func mentions(c coverage, word string) bool {
	return slices.ContainsFunc(c.Gaps, func(g gap) bool { return strings.Contains(g.Reason, word) }) ||
		slices.ContainsFunc(c.BlindSpots, func(b blindSpot) bool { return strings.Contains(b.What+" "+b.Remedy, word) })
}

// wantNoLoop checks that what cannot be had is said once, not every tick.
func wantNoLoop(t testing.TB, what string, s *server) {
	t.Helper()
	seen := map[string]int{}
	for line := range strings.Lines(s.p.Output()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil || entry["level"] == "DEBUG" {
			continue // the greeting on stdout is no log line
		}
		// Without its time, a repeated line is the same; encoding/json sorts a map's keys.
		delete(entry, "time")
		key, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(key)]++
	}
	for line, n := range seen {
		if n > 5 {
			t.Errorf("%s: logged %d times: %s", what, n, line)
		}
	}
}

// wantSecretNowhere looks for the password in the log, the data folder and the metrics.
func wantSecretNowhere(t testing.TB, user string, s *server) {
	t.Helper()
	secret := kafkatest.Password(user)
	page, _, err := s.fetch(t, "/metrics")
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(s.p.Output(), secret) || strings.Contains(page, secret) {
		t.Errorf("%s: the password is in the log or the metrics", user)
	}
	files := 0
	err = filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secret) {
			t.Errorf("%s: the password is in %s", user, path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%s: data folder: %d files, %v", user, files, err)
	}
}

// A wrong password, and a certificate of another authority, are said in coverage; nothing ends and nothing is invented.
func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	c := secureCluster(t)
	refused := func(name, reason string, change func(config string) string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			file := secureConfig(t, c, watcher, "SCRAM-SHA-256")
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(change(string(b))), 0o600); err != nil {
				t.Fatal(err)
			}
			s := serve(t, "--config", file)
			begin := time.Now()
			eventually(t, 30*time.Second, "coverage gives the reason", func() error {
				cov := s.coverage(t, between(begin, time.Now()))
				if !mentions(cov, reason) || cov.Complete {
					return fmt.Errorf("nothing mentions %q: %+v", reason, cov)
				}
				return nil
			})
			if body, _, err := s.fetch(t, "/readyz"); err != nil || !strings.Contains(body, "vault") {
				t.Errorf("/readyz does not say that the cluster was never seen: %s %v", body, err)
			}
			wantNoLoop(t, name, s)
		})
	}
	refused("wrong password", "uthentication", func(config string) string {
		return strings.Replace(config, "username: "+watcher, "username: "+describer, 1)
	})
	refused("another authority's certificate", "certificate", func(config string) string {
		ca := c.TLS()
		return strings.NewReplacer(ca.ClientCert, ca.StrangerCert, ca.ClientKey, ca.StrangerKey).Replace(config)
	})
	refused("a server that the CA did not sign", "certificate", func(config string) string {
		return strings.Replace(config, "ca_file: "+c.TLS().CAFile, "ca_file: "+c.TLS().StrangerCert, 1)
	})
}
