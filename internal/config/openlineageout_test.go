package config

import (
	"strings"
	"testing"
	"time"
)

func TestTargets(t *testing.T) {
	files := map[string]string{"token": canary + "\n", "empty": "\n", "ca": selfSigned(t)}
	f := func(target, want string) {
		t.Helper()
		_, err := load(t, two+"openlineage: {targets: ["+target+"]}", files)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v, not %s", target, err, want)
		}
	}
	f("{url: 'http://a'}", "")
	f("{kind: datahub, url: 'http://a', token_file: token, every: 1m, max_disk: 1MiB, namespaces: {west: 'kafka://x:1'}}", "")
	f("{kind: openmetadata, cluster: west, topic: t}", "")
	f("{url: 'http://a'}], topics: [{cluster: west}", "openlineage.topics[0].topic: is not set")
	f("{url: 'http://a'}], topics: [{topic: t, cluster: north}", "openlineage.topics[0].cluster")
	f("{url: 'http://a'}], topics: [{topic: t, cluster: west}, {topic: t, cluster: west}", "openlineage.topics[0] is the same")
	f("{kind: datahub}", "openlineage.targets[0].url: is not set")
	f("{kind: atlas, url: 'http://a'}", `openlineage.targets[0].kind: "atlas"`)
	f("{url: 'ftp://a'}", "openlineage.targets[0].url")
	f("{url: 'http://u:geheim@a'}", "openlineage.targets[0].url: holds a user")
	f("{url: 'http://a?key=geheim'}", "openlineage.targets[0].url: holds a user or parameters")
	f("{url: 'http://a', topic: t}", "openlineage.targets[0].topic")
	f("{topic: t, cluster: north}", "openlineage.targets[0].cluster")
	f("{topic: t, cluster: west, token_file: token}", "openlineage.targets[0].token_file")
	f("{url: 'http://a', token_file: none}", "openlineage.targets[0].token_file")
	f("{url: 'http://a', token_file: empty}", "there is no token in it")
	f("{url: 'https://a', tls: {ca_file: ca}}", "")
	f("{url: 'http://a', tls: {ca_file: ca}}", "openlineage.targets[0].url: \"http://a\": tls is set")
	f("{url: 'https://a', tls: {ca_file: none}}", "openlineage.targets[0].tls.ca_file")
	f("{url: 'https://a', tls: {ca_file: token}}", "holds no certificate in PEM")
	f("{url: 'https://a', tls: {cert_file: ca}}", "openlineage.targets[0].tls.key_file: is not set, and")
	f("{url: 'https://a', tls: {ca: geheim}}", "openlineage.targets[0].tls.ca")
	f("{topic: t, cluster: west, tls: {ca_file: ca}}", "openlineage.targets[0].tls: is for a url")
	f("{url: 'http://a'}, {url: 'http://b'}", "openlineage.targets[1].name")
	f("{name: ../x, url: 'http://a'}", "openlineage.targets[0].name")
	f("{url: 'http://a', namespaces: {north: x}}", "openlineage.targets[0].namespaces.north")
	f("{url: 'http://a', every: 90s}", "openlineage.targets[0].every")
	f("{url: 'http://a', max_disk: 1KiB}", "openlineage.targets[0].max_disk")
}

func TestTargetsOfAKind(t *testing.T) {
	f := func(x Target, name, address string) {
		t.Helper()
		if x.Called() != name || x.Address() != address || x.Window() != 5*time.Minute {
			t.Errorf("%+v is %s at %s", x, x.Called(), x.Address())
		}
	}
	f(Target{URL: "http://a:5000"}, "openlineage", "http://a:5000/api/v1/lineage")
	f(Target{Kind: "datahub", URL: "https://a/"}, "datahub", "https://a/openapi/openlineage/api/v1/lineage")
	f(Target{Name: "x", Kind: "datahub", URL: "https://a/own"}, "x", "https://a/own")
}
