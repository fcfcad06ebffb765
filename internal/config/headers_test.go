package config

import (
	"strings"
	"testing"
)

// What is asked for headers of batches is checked, and what is left away has its default.
func TestHeaders(t *testing.T) {
	const west = "clusters: [{name: west, brokers: ['b:9092'], headers: "
	read := func(text string) (Config, error) { return load(t, west+text+"}]", nil) }
	c, err := read("{topics: ['^orders$'], records: {topics: [orders]}}")
	if err != nil {
		t.Fatal(err)
	}
	h := c.Clusters[0].Headers
	if h.BytesPerSecond() != 1<<20 || h.Records.Name() != "ce_source" || h.Records.Every() != 10 {
		t.Errorf("%+v", h)
	}
	for text, want := range map[string]string{
		"{topics: [orders], budget: 0B}":                                                                    "headers.budget",
		"{topics: [orders], budget: 1KiB}":                                                                  "is less than 16KiB",
		"{budget: 1MiB}":                                                                                    "no headers.topics",
		"{records: {topics: [orders]}}":                                                                     "no headers.topics",
		"{topics: [orders], records: {header: app}}":                                                        "no headers.records.topics",
		"{topics: [orders], records: {topics: [orders], sample: 1/0}}":                                      "not a fraction",
		"{topics: [a], records: {traces: [{from: a, to: b}]}}":                                              "no headers.records.topics",
		"{topics: [a], records: {topics: [a], traces: [{to: b}]}}":                                          "traces[0].from",
		"{topics: [a], records: {topics: [a], traces: [{from: a}]}}":                                        "traces[0].to",
		"{topics: [a], records: {topics: [a], traces: [{from: a, to: 'b c'}]}}":                             "is not the name of a topic",
		"{topics: [a], records: {topics: [a], traces: [{from: a, to: a}]}}":                                 "is where the traces come from",
		"{topics: [a], records: {topics: [a], traces: [{from: a, to: b}, {from: c, to: b}]}}":               "is the end of traces[0] too",
		"{topics: [a], records: {topics: [a], traces: [" + strings.Repeat("{from: a, to: b},", 101) + "]}}": "more than 100",
		"{topics: ['[']}": "headers.topics",
		"{topics: [orders], records: {topics: ['(']}}": "headers.records.topics",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
