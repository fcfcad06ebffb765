package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestErrorsQuoteNoSecrets writes secrets where they do not belong: the error says where, and never what. Nor does it
// repeat all of what is very long.
func TestErrorsQuoteNoSecrets(t *testing.T) {
	long := strings.Repeat("x", 900_000)
	broker := "clusters: [{brokers: [%q]}]"
	worker := one + "connect: [{url: %q}]"
	for _, c := range []struct {
		format, value string
		args          []string // where %s is the value
	}{
		{format: broker, value: "lineaged:" + canary + "@kafka-1:9092"},
		{format: broker, value: canary + "@kafka-1:9092"},
		{format: broker, value: "kafka://lineaged:" + canary + "@kafka-1:9092"},
		{format: broker, value: "lineaged:pa/ss\"" + canary + "@kafka-1:9092"},
		{format: broker, value: "https://kafka-1:9092/" + canary},
		{format: broker, value: "kafka-1/" + canary + ":9092"},
		{format: "clusters: [{brokers: %q}]", value: "lineaged:" + canary + "@kafka-1:9092"},
		{format: worker, value: "http://" + canary + "@connect:8083"},
		{format: worker, value: "http://lineaged:" + canary + "@connect:8083"},
		{format: worker, value: "ftp://connect:8083/" + canary},
		{format: worker, value: "connect:8083/" + canary + "@x"},
		{format: one + "connect: [{url: %q, tls: {enabled: true}}]", value: "http://connect:8083/" + canary},
		{format: one + "listen: %q", value: "user:" + canary + "@127.0.0.1:1"},
		{format: one + "connect: [{url: 'http://c:1', cluster: %q}]", value: "http://u:" + canary + "@c"},
		{format: one, value: "lineaged:" + canary + "@kafka-1:9092", args: []string{"LINEAGED_BROKERS=%s"}},
		{format: one, value: "lineaged:" + canary + "@kafka-1:9092", args: []string{"--brokers=%s"}},
		{format: broker, value: long},
		{format: one + "interval: %q", value: long},
		{format: one + "topics: [{match: %q, owner: a}]", value: "(" + long},
		{format: one + "%s: 1", value: long},
		{format: one + "log: {level: %q}", value: long},
		{format: one + "datasets: [{class: %q}]", value: "[" + long},
	} {
		yaml := c.format
		if strings.Contains(yaml, "%") {
			yaml = fmt.Sprintf(yaml, c.value)
		}
		var args []string
		for _, a := range c.args {
			args = append(args, fmt.Sprintf(a, c.value))
		}
		_, err := load(t, yaml, nil, args...)
		if err == nil {
			t.Errorf("%.80s: no error", yaml)
			continue
		}
		if text := err.Error(); strings.Contains(text, canary) || len(text) > 2000 {
			t.Errorf("%.200s: %d bytes: %.400s", yaml, len(text), text)
		}
	}
}

// A password in the wrong place of the web configuration is not quoted by the parser either.
func TestWebErrorsQuoteNoSecrets(t *testing.T) {
	for _, web := range []string{"basic_auth_users: " + canary, "basic_auth_users: [" + canary + "]", "tls_server_config: " + canary, canary} {
		_, err := load(t, one+"web: {config_file: web.yaml}", map[string]string{"web.yaml": web})
		if err == nil {
			t.Errorf("%q: no error", web)
		} else if strings.Contains(err.Error(), canary[:7]) {
			t.Errorf("%q: %v", web, err)
		}
	}
}
