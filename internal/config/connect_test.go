package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const two = "clusters: [{name: west, brokers: ['127.0.0.1:9092']}, {name: east, brokers: ['127.0.0.1:9093']}]\n"

func TestConnectErrors(t *testing.T) {
	files := map[string]string{"password": canary}
	f := func(yaml, want string, args ...string) {
		t.Helper()
		_, err := load(t, two+yaml, files, args...)
		switch {
		case err == nil && want != "":
			t.Errorf("%s %q: no error, want %s", yaml, args, want)
		case err != nil && !strings.Contains(err.Error(), want), err != nil && want == "":
			t.Errorf("%s %q: %v, want %s", yaml, args, err, want)
		}
	}
	f("connect: [{url: 'http://a:8083'}]", "")
	f("connect: [{urls: ['http://a:8083', 'http://b:8083/base']}]", "")
	f("connect: [{name: c}]", "connect[0].url: is not set")
	f("connect: [{url: 'ftp://a'}]", `connect[0].url: "ftp://a": is not a URL`)
	f("connect: [{url: 'a:8083'}]", "connect[0].url")
	f("connect: [{url: 'http://a', urls: ['http://b', '::']}]", "connect[0].urls[1]")
	f("connect: [{urls: ['http://b', 'http://']}]", "connect[0].urls[1]")
	f("connect: [{url: 'http://me:"+canary+"@a:8083'}]", "put it into basic_auth")
	f("connect: [{url: 'http://a:8083?token="+canary+"'}]", "more than an address and a path")
	f("connect: [{url: 'http://a', tls: {enabled: true}}]", "is not https://")
	f("connect: [{url: 'http://a', name: west}]", `connect[0].name: "west": clusters[0] has this name too`)
	f("connect: [{url: 'http://a'}, {url: 'http://a'}]", `connect[1].name: "a": connect[0] has this name too`)
	f("connect: [{url: 'http://a', cluster: north}]", `connect[0].cluster: "north": is no configured cluster: there are west, east`)
	f("connect: [{url: 'http://a', basic_auth: {username: me}}]", "connect[0].basic_auth.password_file")
	f("connect: [{url: 'http://a', basic_auth: {password_file: password}}]", "connect[0].basic_auth.username")
	f("connect: [{url: 'http://a', basic_auth: {username: me, password_file: password}}]", "")
	f("connect: [{url: 'http://a', basic_auth: {username: me, password: "+canary+"}}]", "a secret may not stand in the file")
	f("connect: [{url: 'http://a', basic_auth: {username: me}}]", "", "LINEAGED_CONNECT_0_BASIC_AUTH_PASSWORD="+canary)
	f("flink: [{url: 'http://a:8081', jobs: [{match: '^a', groups: [g]}]}]", "")
	f("flink: [{urls: ['http://a:8081', 'https://b:8081/jm']}]", "")
	f("flink: [{name: f}]", "flink[0].url: is not set, and neither are urls: give the address of the JobManager's REST interface")
	f("flink: [{name: f, urls: []}]", "flink[0].url: is not set")
	f("flink: [{url: 'http://a:8081/"+canary+"', urls: ['http://b:8081/"+canary+"', 'https://c']}]", `flink[0].urls: "b:8081, c": flink[0].url is set too, to "a:8081"`)
	f("flink: [{urls: ['http://a:8081', 'http://me:"+canary+"@b:8081']}]", "flink[0].urls[1]")
	f("flink: [{url: 'http://a:8081', urls: ['http://me:"+canary+"@b:8081']}]", "put it into basic_auth")
	f("flink: [{urls: ['http://a:8081', 'http://b:8081?token="+canary+"']}]", "flink[0].urls[1]: has more than an address and a path")
	f("flink: [{urls: ['http://a:8081', '']}]", "flink[0].urls[1]")
	f("flink: [{urls: ['http://a:8081', 'ftp://b']}]", `flink[0].urls[1]: "ftp://b": is not a URL`)
	f("flink: [{urls: ['https://a:8081', 'http://b:8081'], tls: {enabled: true}}]", "flink[0].urls[1]")
	f("flink: [{urls: ['http://a:8081', 'http://b:8081']}, {url: 'http://a:8081'}]", `flink[1].name: "a:8081": flink[0] has this name too`)
	f("flink: [{url: 'http://a:8081/?x'}]", "flink[0].url: has more than an address and a path")
	f("flink: [{url: 'http://a:8081', cluster: north}]", `flink[0].cluster: "north": is no configured cluster`)
	f("flink: [{name: west, url: 'http://a:8081'}]", `flink[0].name: "west": clusters[0] has this name too`)
	f("flink: [{url: 'http://a:8081', jobs: [{match: '^a'}]}]", "flink[0].jobs[0].groups: is not set")
	f("flink: [{url: 'http://a:8081', jobs: [{groups: ['']}]}]", "flink[0].jobs[0].groups: has an empty name")
	f("schema_registry: [{url: 'http://a:8081', cluster: west}]", "")
	f("schema_registry: [{cluster: west}]", "schema_registry[0].url: is not set")
	f("schema_registry: [{url: 'http://a:8081'}]", "schema_registry[0].cluster: is not set, and there are 2 clusters")
	f("schema_registry: [{url: 'http://a:8081', cluster: north}]", `schema_registry[0].cluster: "north": is no configured cluster`)
	f("connect: [{name: c, url: 'http://a'}]\nschema_registry: [{name: c, url: 'http://a:8081', cluster: west}]", `schema_registry[0].name: "c": connect[0] has this name too`)
	f("schema_registry: [{url: 'http://me:"+canary+"@a', cluster: west}]", "put it into basic_auth")
	f("schema_registry: [{url: 'http://a', cluster: west, basic_auth: {username: me}}]", "schema_registry[0].basic_auth.password_file")
	f("schema_registry: [{url: 'http://a', cluster: west, group: shop}, {name: b, url: 'http://a', cluster: west}]", "")
	f("schema_registry: [{url: 'http://a', cluster: west, group: \"a\\nb\"}]", "schema_registry[0].group")
	f("schema_registry: {a: b}", "schema_registry")
	f("schema_registry: [{url: 'http://a', cluster: west, type: karapace}]", `schema_registry[0].type: "karapace": is no interface of a registry`)
	f("schema_registry: [{url: 'http://a/apis/registry/v3', cluster: west, type: confluent}]", "schema_registry[0].type")
	f("schema_registry: [{url: 'http://a', cluster: west}, {name: b, url: 'http://A/', cluster: west}]", "schema_registry[1].url: schema_registry[0] reads the same schemas of the same registry")
	f("schema_registry: [{url: 'http://a', cluster: west}, {name: b, url: 'http://a', cluster: east}]", "")
	f("schema_registry: [{url: 'http://a/apis/ccompat/v7', cluster: west}, {name: b, url: 'http://a/apis/registry/v3', group: default, cluster: west}]", "schema_registry[1].url")
	f("schema_registry: [{url: 'http://a/apis/ccompat/v7', cluster: west}, {name: b, url: 'http://a', cluster: west}]", "")
	f("datasets: [{namespace: a, name: b}]", "datasets[0].class")
	f("datasets: [{class: a, name: b}]", "datasets[0].namespace")
	f("datasets: [{class: a, namespace: b}]", "datasets[0].name")
	f("datasets: [{class: '(', namespace: b, name: c}]", "datasets[0].class")
	f("mirrors: [{source: west, target: north}]", `mirrors[0].target: "north": is no configured cluster`)
	f("mirrors: [{source: west, target: west}]", "is the source too")
	f("mirrors: [{source: west, target: east, aliases: {w: north}}]", `mirrors[0].aliases.w: "north"`)
	f("mirrors: [{source: west, target: east, aliases: {w: [a]}}]", "mirrors[0].aliases.w")
	f("mirrors: [{source: west, target: east, aliases: {w: west, e: east}}]", "")
	f("mirrors: [{source: west, target: east}]", "", "LINEAGED_MIRRORS_0_ALIASES=w=west, e=east")
	f("mirrors: [{source: west, target: east}]", "mirrors[0].aliases", "LINEAGED_MIRRORS_0_ALIASES=w")
	f("nodes: [{owner: a}]", "nodes[0].match")
	f("nodes: [{match: a}]", "nodes[0].owner")
}

func TestConnectValues(t *testing.T) {
	cfg, err := load(t, two+`
connect: [{url: 'http://a:8083', urls: ['http://b:8083'], basic_auth: {username: me, password_file: password}}]
mirrors: [{source: west, target: east, aliases: {w: west, e: east}}]
`, map[string]string{"password": canary + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.Connect[0]
	if diff := cmp.Diff([]string{"http://a:8083", "http://b:8083"}, c.Addresses()); diff != "" || c.Source() != "a:8083" {
		t.Errorf("addresses %s, source %q", diff, c.Source())
	}
	if secret, err := c.BasicAuth.Secret(); err != nil || secret.Reveal() != canary {
		t.Errorf("the password is %v, %v", secret, err)
	}
	if diff := cmp.Diff(Aliases{"w": "west", "e": "east"}, cfg.Mirrors[0].Aliases); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	if err := cfg.Print(&b); err != nil || strings.Contains(b.String(), canary) || !strings.Contains(b.String(), "w: west") {
		t.Errorf("printed %s, %v", b.String(), err)
	}
}

func TestClusterAliasesAreChecked(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		_, err := load(t, two+lines, nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v, not %s", lines, err, want)
		}
	}
	f("cluster_aliases: [{spelling: 'kafka://unknown:unknown', from: jobs, cluster: west}]", "")
	f("cluster_aliases: [{spelling: 'k:1', from: a, cluster: west}, {spelling: 'k:1', cluster: west}]", "")
	f("cluster_aliases: [{cluster: west}]", "cluster_aliases[0].spelling: is not set")
	f("cluster_aliases: [{spelling: 'k:1', cluster: north}]", `cluster_aliases[0].cluster: "north": is no configured cluster`)
	f("cluster_aliases: [{spelling: 'u:geheim@k:1', cluster: west}]", "cluster_aliases[0].spelling: holds a user")
	f("cluster_aliases: [{spelling: 'k:1', cluster: west}, {spelling: 'k:1', cluster: west}]", "cluster_aliases[1].spelling")
}
