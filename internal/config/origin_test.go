package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is found wrong after parsing says where the value came from, from whichever layer it is; what nobody set, where
// its surroundings were.
func TestOrigins(t *testing.T) {
	files := map[string]string{"bad.pem": "no certificate"}
	f := func(yaml, want string, args ...string) {
		t.Helper()
		_, err := load(t, yaml, files, args...)
		if err == nil || err.Error() != want {
			t.Errorf("%s %q:\n got %v\nwant %s", yaml, args, err, want)
		}
	}
	const block = `# a comment
clusters:
  - name: west
    brokers:
      - a:1
      - b
    tls: &tls
      ca_file: bad.pem
`
	f(block, `clusters[0].brokers[1]: "b": is not an address HOST:PORT (from DIR/lineaged.yaml:6)`)
	f(block, `clusters[0].brokers[0]: "c": is not an address HOST:PORT (from $LINEAGED_BROKERS)`, "LINEAGED_BROKERS=c")
	f(block, `clusters[0].brokers[1]: "d": is not an address HOST:PORT (from --brokers)`, "LINEAGED_BROKERS=c", "--brokers=c:1,d")
	f(block, `clusters[0].tls.ca_file: "DIR/bad.pem": holds no certificate in PEM (from DIR/lineaged.yaml:8)`, "LINEAGED_BROKERS=c:1")
	f(block, "clusters[0].tls.ca: holds no certificate in PEM (from $LINEAGED_TLS_CA)", "LINEAGED_BROKERS=c:1", "LINEAGED_TLS_CA="+canary)
	f(block, "clusters[0].tls.cert_file: is not set, and clusters[0].tls.key is (from $LINEAGED_TLS_KEY)",
		"LINEAGED_BROKERS=c:1", "LINEAGED_TLS_CA="+pemOf(t), "LINEAGED_TLS_KEY="+canary)
	f(one, "clusters[0].tls.cert: does not fit clusters[0].tls.key: tls: failed to find any PEM data in certificate input (from $LINEAGED_CLUSTERS_0_TLS_CERT)",
		"LINEAGED_CLUSTERS_0_TLS_CERT="+canary, "LINEAGED_TLS_KEY="+canary)
	f(one, "clusters[0].sasl.password: there is no password in it (from $LINEAGED_SASL_PASSWORD)",
		"LINEAGED_SASL_PASSWORD=\n", "LINEAGED_SASL_USERNAME=u", "--sasl-mechanism=PLAIN")
	f(one, "clusters[0].sasl.mechanism: is not set, and other keys of sasl are: use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (from $LINEAGED_SASL_USERNAME)",
		"LINEAGED_SASL_USERNAME=u")
	f(one+"retention: {raw: 60d}", `retention.minute: "30d": is shorter than retention.raw, 60d from DIR/lineaged.yaml:2 (from the defaults)`)
	f(one+"interval: 3m", `interval: "7m": divides neither a minute nor, in whole minutes, an hour: 1s, 2s, 5s, 10s, 15s, 20s, 30s, 1m, 5m would (from --interval)`, "--interval=7m")

	// An alias has the value's line, what is merged in gives way to what stands there.
	f(block+`connect:
  - url: http://a
    tls: *tls
`, `connect[0].url: "http://a": tls is set and the address is not https:// (from DIR/lineaged.yaml:10)`, "--brokers=c:1", "LINEAGED_TLS_CA="+pemOf(t))
	f(`clusters:
  - &west
    name: west
    brokers: ['a:1']
  - <<: *west
    name: east
  - <<: [*west]
    brokers: ['b:1']
`, `clusters[2].name: "west": clusters[0] has this name too (from DIR/lineaged.yaml:3)`)

	// A mapping where a list belongs.
	f("listen: 127.0.0.1:1\nclusters: {name: west}", `clusters: a mapping is not a list: begin every entry with "- " (from DIR/lineaged.yaml:2)`)
	f(one+"topics: {0: {match: a}}", `topics: a mapping is not a list: begin every entry with "- " (from DIR/lineaged.yaml:2)`)
	f(one+"connect:\n- url: http://a\n  urls: {a: b}", `connect[0].urls: a mapping is not a list (from DIR/lineaged.yaml:4)`)
}

// The file that can't be read is named by what named it.
func TestOriginOfTheFile(t *testing.T) {
	for _, c := range []struct{ environ, want string }{
		{"LINEAGED_CONFIG=none.yaml", `$LINEAGED_CONFIG: "none.yaml": no such file or directory`},
		{"LINEAGED_CONFIG=other.yaml", `--config: "none.yaml": no such file or directory`},
	} {
		if _, err := Load(Input{File: "none.yaml", Environ: []string{c.environ}}); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.environ, err, c.want)
		}
	}
}

// Who checks more than this package knows can ask for the origin of any key.
func TestOriginOfAKey(t *testing.T) {
	cfg, err := load(t, one+"applications:\n- match: {group: a}\n  name: b\n", nil, "LINEAGED_APPLICATIONS_1_MATCH_GROUP=c", "LINEAGED_APPLICATIONS_1_NAME=d", "--data=x")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, key := range []string{"applications[0].name", "applications[0].owner", "applications[1].name", "applications[1].owner", "data", "listen", "web.config_file"} {
		got[key] = cfg.Origin(key)
	}
	file := cfg.origins.file
	if diff := cmp.Diff(map[string]string{
		"applications[0].name": file + ":4", "applications[0].owner": file + ":3",
		"applications[1].name": "$LINEAGED_APPLICATIONS_1_NAME", "applications[1].owner": "$LINEAGED_APPLICATIONS_1_MATCH_GROUP",
		"data": "--data", "listen": "the defaults", "web.config_file": "",
	}, got); diff != "" {
		t.Error(diff)
	}
}
