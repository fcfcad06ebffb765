package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

const canary = "hunter2-canary"

// load writes yaml to a file beside the given others and loads it with variables (NAME=VALUE) and flags (--x=y).
func load(t *testing.T, yaml string, files map[string]string, args ...string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := Input{Flags: pflag.NewFlagSet("test", pflag.ContinueOnError)}
	if yaml != "" {
		in.File = filepath.Join(dir, "lineaged.yaml")
		if err := os.WriteFile(in.File, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	AddFlags(in.Flags)
	for _, a := range args {
		if strings.HasPrefix(a, "--") {
			if err := in.Flags.Parse([]string{a}); err != nil {
				t.Fatal(err)
			}
		} else {
			in.Environ = append(in.Environ, a)
		}
	}
	cfg, err := Load(in)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("error %q is a %T, want *Error", err, err)
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("error shows a secret: %v", err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("error has more than one line: %q", err)
		}
		err = errors.New(strings.ReplaceAll(err.Error(), dir, "DIR"))
	}
	return cfg, err
}

const one = "clusters: [{name: west, brokers: ['127.0.0.1:9092']}]\n"

func TestWhatElseRulesSay(t *testing.T) {
	const rules = `
topics: [{match: a, contact: c, description: d, stops: ["*"], properties: {cost-center: "4711", a.b: x}}]
catalog: {edit: true, user_header: X-User}
`
	cfg, err := load(t, two+rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Topics[0]; got.Contact != "c" || got.Description != "d" || got.Stops[0] != "*" || got.Properties["cost-center"] != "4711" || got.Properties["a.b"] != "x" {
		t.Errorf("got %+v", got)
	}
	if !cfg.Catalog.Edit || cfg.Catalog.UserHeader != "X-User" || Default().Catalog.Edit {
		t.Errorf("got %+v", cfg.Catalog)
	}
	var b strings.Builder
	if err := cfg.Print(&b); err != nil || !strings.Contains(b.String(), `cost-center: "4711"`) {
		t.Errorf("printed %s, %v", b.String(), err)
	}
	if _, err := load(t, two+"topics: [{match: a, properties: {a: 1}}]", nil); err == nil || !strings.Contains(err.Error(), "topics[0].properties.a") {
		t.Errorf("a number: %v", err)
	}
}

func TestErrors(t *testing.T) {
	files := map[string]string{
		"password": canary, "empty": "", "bad.pem": "no certificate", "weak.yaml": "http_server_config: {http2: true}",
		"wrong.yaml": "tls_server: {}", "users.yaml": "basic_auth_users: {anna: $2b$12$1DpfPeqF9HzHJt.EWswy1exHluGfbhnn3yXhR7Xes6m3WJqFg0Wby}",
	}
	f := func(yaml, want string, args ...string) {
		t.Helper()
		_, err := load(t, yaml, files, args...)
		switch {
		case err == nil && want != "":
			t.Errorf("%s %q: no error, want %s", yaml, args, want)
		case err != nil && err.Error() != want:
			t.Errorf("%s %q:\n got %v\nwant %s", yaml, args, err, want)
		}
	}
	from := func(line int) string { return fmt.Sprintf(" (from DIR/lineaged.yaml:%d)", line) }

	f(one, "")
	f("", "clusters: there is no cluster to watch: give --brokers HOST:PORT or --config FILE")
	f("just text", `--config: "DIR/lineaged.yaml": is not a YAML mapping of keys to values, see line 1`)
	f("- a\n- "+canary, `--config: "DIR/lineaged.yaml": is not a YAML mapping of keys to values, see line 1`)
	f("listen: a\nlisten: b\n", `--config: "DIR/lineaged.yaml": yaml: unmarshal errors: line 2: mapping key "listen" already defined at line 1`)

	// Unknown keys.
	f("intervall: 10s", `intervall: unknown key, did you mean "interval"?`+from(1))
	f("brokers: ['a:1']", `brokers: unknown key, did you mean "clusters[].brokers"?`+from(1))
	f("zzzzzzzzz: 1", "zzzzzzzzz: unknown key"+from(1))
	f("clusters: [{pasword: "+canary+"}]", "clusters[0].pasword: unknown key"+from(1))
	f("clusters: [{sasl: {passwordfile: x}}]", `clusters[0].sasl.passwordfile: unknown key, did you mean "password_file"?`+from(1))
	f(one, "$LINEAGED_INTERVALL: unknown environment variable, did you mean LINEAGED_INTERVAL?", "LINEAGED_INTERVALL=1s")
	f(one, "$LINEAGED_CLUSTERS_x_NAME: unknown environment variable, did you mean LINEAGED_CLUSTERS_N_NAME?", "LINEAGED_CLUSTERS_x_NAME=a")
	f(one, "", "LINEAGED_PORT=tcp://10.0.0.1:8420", "LINEAGED_SERVICE_HOST=10.0.0.1", "LINEAGED_CONFIG=x", "LINEAGED_DATA=", "LINEAGE=1")

	// Shapes.
	f("listen: {a: b}", `listen: a mapping is not a single value`+from(1))
	f("clusters: west", `clusters: "west": is not a list: begin every entry with "- "`+from(1))
	f("clusters: [west]", `clusters[0]: "west": is not a mapping of keys to values`+from(1))
	f("clusters: [null]", "clusters[0].brokers: is empty: give at least one HOST:PORT"+from(1))
	f("clusters: [{brokers: 'a:1'}]", `clusters[0].brokers: "a:1": is not a list: write ["a:1"]`+from(1))
	f("clusters: [{brokers: [{a: 1}]}]", `clusters[0].brokers[0]: a mapping is not a single value`+from(1))
	f("clusters: [{brokers: [null]}]", "clusters[0].brokers[0]: is empty"+from(1))
	f("clusters: [{name: 12}]", `clusters[0].name: "12": is not text: put it in quotes`+from(1))
	f(one+"applications: [{per_cluster: 'maybe'}]", `applications[0].per_cluster: "maybe": is neither true nor false`+from(2))
	f(one, "clusters: index 3 is set and 1 is not (from $LINEAGED_CLUSTERS_3_NAME)", "LINEAGED_CLUSTERS_3_NAME=x")

	// Server.
	f(one, `listen: "8420": is not an address HOST:PORT (from --listen)`, "--listen=8420")
	f(one, `listen: "127.0.0.1:x": its port "x" is not a number from 0 to 65535 (from --listen)`, "--listen=127.0.0.1:x")
	f(one, `listen: "127.0.0.1:70000": its port "70000" is not a number from 0 to 65535 (from --listen)`, "--listen=127.0.0.1:70000")
	const beyond = "other machines could reach it: set web.config_file (TLS, client certificates or passwords), or listen on 127.0.0.1"
	f(one, `listen: "0.0.0.0:8420": `+beyond+" (from --listen)", "--listen=0.0.0.0:8420")
	f(one, `listen: ":8420": `+beyond+" (from --listen)", "--listen=:8420")
	f(one, `listen: "example.org:8420": `+beyond+" (from $LINEAGED_LISTEN)", "LINEAGED_LISTEN=example.org:8420")
	f(one, "", "--listen=[::1]:0")
	f(one, "", "--listen=localhost:0")
	f(one+"web: {config_file: none.yaml}", `web.config_file: "DIR/none.yaml": no such file or directory`+from(2))
	f(one+"web: {config_file: weak.yaml}\nlisten: '0.0.0.0:1'",
		`web.config_file: "DIR/weak.yaml": has neither tls_server_config nor basic_auth_users, and 0.0.0.0:1 can be reached from other machines`+from(2))
	f(one+"web: {config_file: weak.yaml}", "")
	f(one+"web: {config_file: wrong.yaml}", `web.config_file: "DIR/wrong.yaml": yaml: unmarshal errors: line 1: field tls_server not found in type web.Config`+from(2))
	f(one+"web: {config_file: users.yaml}\nlisten: '0.0.0.0:1'", "")
	f(one, "data: is empty: name a folder (from --data)", "--data=")

	// Times.
	f("interval: 10", `interval: "10": not a duration such as 30s, 10m or 2d`+from(1))
	f(one, `interval: "soon": not a duration such as 30s, 10m or 2d (from $LINEAGED_INTERVAL)`, "LINEAGED_INTERVAL=soon")
	f(one, `interval: "500ms": is below 1s (from --interval)`, "--interval=500ms")
	f(one, `interval: "7s": divides neither a minute nor, in whole minutes, an hour: 1s, 2s, 5s, 10s, 15s, 20s, 30s, 1m, 5m would (from --interval)`, "--interval=7s")
	f(one, `interval: "7m": divides neither a minute nor, in whole minutes, an hour: 1s, 2s, 5s, 10s, 15s, 20s, 30s, 1m, 5m would (from --interval)`, "--interval=7m")
	f(one, "", "--interval=2m")
	f(one, "", "--interval=1s")
	f(one+"retention: {raw: 5s}", `retention.raw: "5s": is shorter than interval, 10s from the defaults`+from(2))
	f(one+"retention: {minute: 1d}", `retention.minute: "1d": is shorter than retention.raw, 2d from the defaults`+from(2))
	f(one, `retention.hour: "29d": is shorter than retention.minute, 30d from the defaults (from $LINEAGED_RETENTION_HOUR)`, "LINEAGED_RETENTION_HOUR=29d")
	f(one+"retention: 2d", `retention: "2d": is not a mapping of keys to values`+from(2))

	// Log.
	f(one, `log.level: "loud": is none of debug, info, warn, error (from --log-level)`, "--log-level=loud")
	f(one, `log.format: "xml": is none of auto, text, json (from --log-format)`, "--log-format=xml")

	// Metrics.
	f(one, "", "--metrics-max-series=1", "--metrics-lag-by=group")
	f(one+"metrics: {max_series: 20000, lag_by: topic}", "")
	f(one+"metrics: {max_series: 0}", `metrics.max_series: "0": not a whole number from 1 to 100000000`+from(2))
	f(one+"metrics: {max_series: many}", `metrics.max_series: "many": not a whole number from 1 to 100000000`+from(2))
	f(one, `metrics.lag_by: "partition": is none of topic, group (from --metrics-lag-by)`, "--metrics-lag-by=partition")

	// Clusters.
	f("", `clusters[0].brokers[0]: "west": is not an address HOST:PORT (from --brokers)`, "--brokers=west")
	f("", `clusters[0].brokers[1]: "b:0": is not an address HOST:PORT (from --brokers)`, "--brokers=a:1,b:0")
	f("", "", "--brokers=[::1]:9092")
	f("clusters: [{name: west, brokers: ['a:1']}, {name: west, brokers: ['b:1']}]", `clusters[1].name: "west": clusters[0] has this name too`+from(1))
	f("clusters: [{brokers: ['a:1']}, {brokers: ['a:1']}]", `clusters[1].brokers[0]: "a:1": clusters[0] has this address too: give both a name`+from(1))
	f("clusters: [{brokers: ['a:1']}, {brokers: ['b:1']}]", "--cluster-name speaks of the one cluster, but 2 are configured", "--cluster-name=x")
	f("", "$LINEAGED_BROKERS speaks of the one cluster, but 2 are configured", "LINEAGED_BROKERS=a:1", "LINEAGED_CLUSTERS_1_BROKERS=b:1")
	f("clusters: [{brokers: ['a:1'], topics: {include: ['(']}}]",
		"clusters[0].topics.include[0]: \"(\": not a regular expression: error parsing regexp: missing closing ): `(`"+from(1))
	f("", "clusters[0].topics.exclude[1]: \"a{9999}\": not a regular expression: error parsing regexp: invalid repeat count: `{9999}` (from --topics-exclude)",
		"--brokers=a:1", "--topics-exclude=a{1,2}", "--topics-exclude=a{9999}")

	// TLS.
	f("", "", "--brokers=a:1", "--tls-enabled")
	f("clusters: [{brokers: ['a:1'], tls: {ca_file: none.pem}}]", `clusters[0].tls.ca_file: "DIR/none.pem": no such file or directory`+from(1))
	f("clusters: [{brokers: ['a:1'], tls: {ca_file: bad.pem}}]", `clusters[0].tls.ca_file: "DIR/bad.pem": holds no certificate in PEM`+from(1))
	f("clusters: [{brokers: ['a:1'], tls: {enabled: false, ca_file: bad.pem}}]", `clusters[0].tls.enabled: "false": and other keys of tls are set`+from(1))
	f("clusters: [{brokers: ['a:1'], tls: {cert_file: bad.pem}}]", "clusters[0].tls.key_file: is not set, and clusters[0].tls.cert_file is"+from(1))
	f("clusters: [{brokers: ['a:1'], tls: {key_file: bad.pem}}]", "clusters[0].tls.cert_file: is not set, and clusters[0].tls.key_file is"+from(1))
	f("clusters: [{brokers: ['a:1'], tls: {cert_file: bad.pem, key_file: bad.pem}}]",
		`clusters[0].tls.cert_file: "DIR/bad.pem": does not fit clusters[0].tls.key_file: tls: failed to find any PEM data in certificate input`+from(1))

	// SASL.
	sasl := func(s string) string { return "clusters: [{brokers: ['a:1'], sasl: {" + s + "}}]" }
	f(sasl("mechanism: SCRAM-SHA-512, username: u, password_file: password"), "")
	f(sasl("mechanism: GSSAPI, username: u"), `clusters[0].sasl.mechanism: "GSSAPI": is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`+from(1))
	logs := func(logs string) string { return "clusters: [{brokers: [b:9092], logs: {" + logs + "}}]" }
	f(logs(`files: ["/var/log/[a.log"]`), `clusters[0].logs.files[0]: "/var/log/[a.log": is not a pattern of files, as /var/log/kafka/kafka-request.log*`+from(1))
	f(logs("topic: a b"), `clusters[0].logs.topic: "a b": is not the name of a topic`+from(1))
	f(logs("files: [x], sample_request_log: {every: 1m}"), "")
	f(logs("files: [x], sample_request_log: {every: 1m, for: 16s}"), `clusters[0].logs.sample_request_log.every: "1m": is shorter than four times sample_request_log.for, 16s`+from(1))
	f(logs("files: [x], sample_request_log: {every: 1h, for: 2m}"), `clusters[0].logs.sample_request_log.for: "2m": is not from 1s to 1m`+from(1))
	f(logs("files: [x], no_request_log: true"), "")
	f(logs("files: [x], no_request_log: true, sample_request_log: {every: 5m}"), `clusters[0].logs.no_request_log: "true": is set, and sample_request_log.every is set too: that switches the request log on`+from(1))
	f(logs("no_request_log: true"), `clusters[0].logs.no_request_log: "true": is set, and it is not said where the authorizer log is: set files, topic or push, or leave both away`+from(1))
	f(logs("sample_request_log: {every: 5m}"), `clusters[0].logs.sample_request_log.every: "5m": is set, and it is not said where the request log is: set files, topic or push`+from(1))
	audit := func(a string) string { return "clusters: [{brokers: [b:9092], audit: " + a + "}]" }
	f(audit("[{topic: audit, cluster_id: lkc-1, brokers: ['c:1'], sasl: {mechanism: PLAIN, username: u, password_file: password}}, {topic: another}]"), "")
	f(audit("{topic: a}"), `clusters[0].audit: a mapping is not a list: begin every entry with "- "`+from(1))
	f(audit("[{topic: a b}]"), `clusters[0].audit[0].topic: "a b": is not the name of a topic`+from(1))
	f(audit("[{cluster_id: x}]"), "clusters[0].audit[0].topic: is not the name of a topic"+from(1))
	f(audit("[{topic: a}, {topic: a}]"), `clusters[0].audit[1].topic: "a": audit[0] has this topic too`+from(1))
	f(audit("[{topic: a, brokers: [c]}]"), `clusters[0].audit[0].brokers[0]: "c": is not an address HOST:PORT`+from(1))
	f(audit("[{topic: a, tls: {enabled: true}}]"), "clusters[0].audit[0].brokers: is not set, and tls or sasl are: without brokers the topic is in the cluster itself"+from(1))
	f(audit("[{topic: a, brokers: ['c:1'], sasl: {mechanism: PLAIN, username: u}}]"), "", "LINEAGED_CLUSTERS_0_AUDIT_0_SASL_PASSWORD="+canary)
	f(audit("[{topic: a, brokers: ['c:1'], sasl: {mechanism: PLAIN, username: u, password: "+canary+"}}]"),
		"clusters[0].audit[0].sasl.password: a secret may not stand in the file: use password_file or the environment variable LINEAGED_CLUSTERS_0_AUDIT_0_SASL_PASSWORD"+from(1))
	f(audit("[{topic: a}]"), "clusters[0].audit[0].topic: \"a b\": is not the name of a topic (from $LINEAGED_CLUSTERS_0_AUDIT_0_TOPIC)", "LINEAGED_CLUSTERS_0_AUDIT_0_TOPIC=a b")
	anchors := func(a string) string {
		return "clusters: [{name: west, brokers: [b:9092]}]\nledger: {anchors: " + a + "}"
	}
	key := "witness.example/w1+00000000+AAAA"
	f(anchors("[{file: checkpoint}, {witness: 'https://w/', key: "+key+"}, {timestamp: 'http://t/tsr'}, {cluster: west, topic: a}, {cluster: west, topic: b}]"), "")
	f(anchors("{file: a}"), `ledger.anchors: a mapping is not a list: begin every entry with "- "`+from(2))
	f(anchors("[{}]"), "ledger.anchors[0].file: is not set, and neither is witness, timestamp or cluster: an anchor has one of them"+from(2))
	f(anchors("[{file: a, timestamp: 'http://t'}]"), `ledger.anchors[0].timestamp: "http://t": is set, and file too: an anchor has one of file, witness, timestamp and cluster`+from(2))
	f(anchors("[{file: a, topic: t}]"), `ledger.anchors[0].topic: "t": is for an anchor with cluster, and this one has file`+from(2))
	f(anchors("[{witness: 'http://w'}]"), "ledger.anchors[0].key: is not set: the witness's verifier key is needed"+from(2))
	f(anchors("[{witness: 'http://u:"+canary+"@w/', key: k}]"), `ledger.anchors[0].witness: "http://<redacted>@w/": holds a user name: it would stand in the log and in /metrics`+from(2))
	f(anchors("[{timestamp: 'http://t?token="+canary+"'}]"), "ledger.anchors[0].timestamp: has more than an address and a path"+from(2))
	f(anchors("[{timestamp: 't:80'}]"), `ledger.anchors[0].timestamp: "t:80": is not a URL such as https://witness.example`+from(2))
	f(anchors("[{timestamp: 'http://t', ca_file: empty}]"), `ledger.anchors[0].ca_file: "DIR/empty": holds no certificate in PEM`+from(2))
	f(anchors("[{cluster: west}]"), "ledger.anchors[0].topic: is not set"+from(2))
	f(anchors("[{cluster: west, topic: a b}]"), `ledger.anchors[0].topic: "a b": is not the name of a topic`+from(2))
	f(anchors("[{cluster: east, topic: a}]"), `ledger.anchors[0].cluster: "east": is no configured cluster: there are west`+from(2))
	f(anchors("[{file: a}, {file: a}]"), `ledger.anchors[1].file: "DIR/a": anchors[0] is the same`+from(2))
	f(anchors("[{file: a}]"), `ledger.anchors[0].timestamp: "t": is set, and file too: an anchor has one of file, witness, timestamp and cluster (from $LINEAGED_LEDGER_ANCHORS_0_TIMESTAMP)`, "LINEAGED_LEDGER_ANCHORS_0_TIMESTAMP=t")
	f(sasl("username: u"), "clusters[0].sasl.mechanism: is not set, and other keys of sasl are: use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"+from(1))
	f(sasl("mechanism: PLAIN"), "clusters[0].sasl.username: is not set"+from(1))
	f(sasl("mechanism: PLAIN, username: u"), "clusters[0].sasl.password_file: is not set, and neither is the password in the environment"+from(1))
	f(sasl("mechanism: PLAIN, username: u, password_file: none"), `clusters[0].sasl.password_file: "DIR/none": no such file or directory`+from(1))
	f(sasl("mechanism: PLAIN, username: u, password_file: empty"), `clusters[0].sasl.password_file: "DIR/empty": there is no password in it`+from(1))
	f(sasl("mechanism: PLAIN, username: u"), "", "LINEAGED_SASL_PASSWORD="+canary)
	f(sasl("mechanism: PLAIN, username: u"), "", "LINEAGED_CLUSTERS_0_SASL_PASSWORD="+canary)
	f(sasl("password: "+canary),
		"clusters[0].sasl.password: a secret may not stand in the file: use password_file or the environment variable LINEAGED_CLUSTERS_0_SASL_PASSWORD"+from(1))
	f("clusters: [{tls: {key: "+canary+"}}]",
		"clusters[0].tls.key: a secret may not stand in the file: use key_file or the environment variable LINEAGED_CLUSTERS_0_TLS_KEY"+from(1))

	// Rules.
	f(one+"applications: [{name: a}]", "applications[0].match: has no pattern: give client_id, group, transactional_id, principal or unidentified"+from(2))
	f(one+"applications: [{match: {group: a}}]", "applications[0].name: is not set"+from(2))
	f(one+"applications: [{match: {group: '(a)', client_id: b}, name: '$1'}]", "")
	f(one+"applications: [{match: {principal: '['}, name: a}]",
		"applications[0].match.principal: \"[\": not a regular expression: error parsing regexp: missing closing ]: `[`"+from(2))
	f(one+"topics: [{owner: a}]", "topics[0].match: is not set"+from(2))
	f(one+"topics: [{match: a}]", "topics[0].owner: is not set, nor is anything else: the rule does nothing"+from(2))
}

func TestPrecedence(t *testing.T) {
	f := func(want, yaml string, args ...string) {
		t.Helper()
		cfg, err := load(t, yaml, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Interval.String(); got != want {
			t.Errorf("%q %q: interval %s, want %s", yaml, args, got, want)
		}
	}
	f("10s", one)
	f("20s", one+"interval: 20s")
	f("30s", one+"interval: 20s", "LINEAGED_INTERVAL=30s")
	f("5s", one+"interval: 20s", "LINEAGED_INTERVAL=30s", "--interval=5s")
	f("20s", one+"interval: 20s", "LINEAGED_INTERVAL=")
	f("5s", one, "--interval=5s")
}

// A variable and a flag override one key of a cluster and leave its others.
func TestMergeIntoCluster(t *testing.T) {
	yaml := "clusters: [{name: west, environment: shop, brokers: ['a:1', 'b:1'], sasl: {mechanism: PLAIN, username: u}}]"
	cfg, err := load(t, yaml, nil, "LINEAGED_ENVIRONMENT=test", "LINEAGED_CLUSTERS_0_SASL_USERNAME=v", "LINEAGED_SASL_PASSWORD=p", "--cluster-name=east", "--brokers=c:1,d:2")
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.Clusters[0]
	got := fmt.Sprint(c.Name, c.Environment, c.Brokers, c.SASL.Mechanism, c.SASL.Username, c.SASL.Password.Reveal())
	if want := fmt.Sprint("east", "test", []string{"c:1", "d:2"}, "PLAIN", "v", "p"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	cfg, err = load(t, yaml, nil, "LINEAGED_SASL_PASSWORD=p", "LINEAGED_CLUSTERS_0_NAME=x", "LINEAGED_CLUSTERS_1_BROKERS=e:1")
	if err == nil {
		t.Errorf("LINEAGED_SASL_PASSWORD beside two clusters: %v", cfg.Clusters)
	}
	cfg, err = load(t, yaml, nil, "LINEAGED_CLUSTERS_0_SASL_PASSWORD=p", "LINEAGED_CLUSTERS_1_BROKERS=e:1, f:1")
	if err != nil || len(cfg.Clusters) != 2 || !cmp.Equal(cfg.Clusters[1].Brokers, []string{"e:1", "f:1"}) {
		t.Errorf("a second cluster from the environment: %v, %v", cfg.Clusters, err)
	}
}

// The environment's secret wins over the file's; a file's line end is no part of it.
func TestSecretSources(t *testing.T) {
	yaml := "clusters: [{brokers: ['a:1'], sasl: {mechanism: PLAIN, username: u, password_file: password}}]"
	f := func(want string, args ...string) {
		t.Helper()
		cfg, err := load(t, yaml, map[string]string{"password": "from file\r\n"}, args...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := cfg.Clusters[0].SASL.Secret()
		if err != nil || s.Reveal() != want {
			t.Errorf("secret %q, %v, want %q", s.Reveal(), err, want)
		}
	}
	f("from file")
	f("from env", "LINEAGED_SASL_PASSWORD=from env")
}

func TestSecretNeverShows(t *testing.T) {
	cfg, err := load(t, "clusters: [{brokers: ['a:1'], sasl: {mechanism: PLAIN, username: u}}]", nil, "LINEAGED_SASL_PASSWORD="+canary)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("configuration", "config", cfg, "password", cfg.Clusters[0].SASL.Password)
	slog.New(slog.NewTextHandler(&out, nil)).Info("configuration", "config", cfg, "password", cfg.Clusters[0].SASL.Password)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", cfg)
		fmt.Fprintf(&out, verb+"\n", cfg.Clusters[0].SASL.Password)
		fmt.Fprintf(&out, verb+"\n", &cfg.Clusters[0].SASL.Password)
	}
	if err := cfg.Print(&out); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("a secret shows:\n%s", out.String())
	}
	if !strings.Contains(out.String(), redacted) {
		t.Errorf("nothing says that there is a secret:\n%s", out.String())
	}
}

// What Print writes is a configuration again, and the same one.
func TestPrintRoundTrip(t *testing.T) {
	yaml := one + "interval: 20s\nweb: {allowed_hosts: [lineage.example.org]}\n" +
		"applications: [{match: {client_id: '^(shop-[a-z]+)-\\d+$'}, name: $1, owner: team-shop, tags: [tier-1], per_cluster: true}]\n" +
		"topics: [{match: '^customers', tags: [pii]}]\n"
	print := func(yaml string) string {
		t.Helper()
		cfg, err := load(t, yaml, nil)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := cfg.Print(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := print(yaml)
	if diff := cmp.Diff(first, print(first)); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"interval: 20s", "hour: 400d", "name: $1", "per_cluster: true", "lineage.example.org"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is missing in\n%s", want, first)
		}
	}
}

// pemPair makes a certificate and its key.
func pemPair(t *testing.T) (cert, priv string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// pemOf is a certificate.
func pemOf(t *testing.T) string {
	cert, _ := pemPair(t)
	return cert
}

func TestTLSConfig(t *testing.T) {
	cert, priv := pemPair(t)
	cfg, err := load(t, "clusters: [{brokers: ['a:1'], tls: {ca_file: ca.pem, cert_file: ca.pem}}]", map[string]string{"ca.pem": cert}, "LINEAGED_TLS_KEY="+priv)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cfg.Clusters[0].TLS.Config()
	if err != nil || c == nil || c.RootCAs == nil || len(c.Certificates) != 1 {
		t.Errorf("TLS config %v, %v: want an authority and a certificate", c, err)
	}

	cfg, err = load(t, one, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := cfg.Clusters[0].TLS.Config(); c != nil || err != nil {
		t.Errorf("TLS config %v, %v without any key of tls, want none", c, err)
	}
}

// The example in the design keeps its meaning for the keys that exist.
func TestDesignExample(t *testing.T) {
	cfg, err := load(t, `
listen: 127.0.0.1:8420
web: {config_file: web.yaml}
data: ./lineaged-data
interval: 10s
retention: {raw: 2d, minute: 30d, hour: 400d}
clusters:
  - name: west
    environment: production
    brokers: [127.0.0.1:19092]
    sasl: {mechanism: SCRAM-SHA-512, username: lineaged, password_file: west.password}
    topics: {include: ['.*'], exclude: []}
applications:
  - match: {client_id: '^(shop-[a-z]+)-\d+$'}
    name: $1
    owner: team-shop
    tags: [tier-1]
  - match: {principal: '^User:billing$'}
    name: billing
    per_cluster: false
topics:
  - match: '^customers'
    owner: team-crm
    tags: [pii]
`, map[string]string{"web.yaml": "", "west.password": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if a := cfg.Applications[0]; !a.Match.ClientID.MatchString("shop-web-1") || a.Name != "$1" || a.Owner != "team-shop" {
		t.Errorf("first rule is %+v", a)
	}
	d := Default()
	if cfg.Listen != d.Listen || cfg.Data != d.Data || cfg.Interval != d.Interval || cfg.Retention != d.Retention {
		t.Errorf("the example states the defaults, got %+v, default %+v", cfg, d)
	}
}

// What is declared lies beside the file, like other files; its flows are a list.
func TestDeclared(t *testing.T) {
	cfg, err := load(t, one+"declared: {flows: [{from: 'application:a/b', to: 'topic:a/t'}], asyncapi: [apis/*.yaml, /etc/a.yaml], products: [p]}", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := cfg.Declared
	if len(d.Flows) != 1 || d.Flows[0].To != "topic:a/t" || !strings.HasSuffix(string(d.AsyncAPI[0]), "/apis/*.yaml") || !filepath.IsAbs(string(d.AsyncAPI[0])) ||
		d.AsyncAPI[1] != "/etc/a.yaml" || !filepath.IsAbs(string(d.Products[0])) {
		t.Errorf("%+v", d)
	}
	if at := cfg.Origin("declared.flows[0].from"); !strings.HasSuffix(at, "lineaged.yaml:2") {
		t.Errorf("the flow stands in %s", at)
	}
	for text, problem := range map[string]string{
		"flows: {from: a}": "is not a list", "flows: x": "is not a list", "flows: [{form: a}]": `did you mean "from"`, "asyncapi: x": "is not a list", "openapi: [a]": "unknown key",
	} {
		if _, err := load(t, one+"declared: {"+text+"}", nil); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := load(t, one, nil, "LINEAGED_DECLARED_FLOWS_0_FROM=topic:a/b", "--declared-asyncapi=a,b"); err != nil {
		t.Error(err)
	}
}
