package kafkatest

import (
	_ "embed" // the application
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed WordCount.java
var wordCount []byte

// StreamsOptions say what Kafka Streams application to start.
type StreamsOptions struct {
	Application   string   // application.id
	Protocol      string   // group.protocol: classic or streams (KIP-1071)
	Input, Output string   // topics, which must exist
	Properties    []string // further ones, key=value
}

// Streams is a running Kafka Streams application: it groups the words of its input again, counts them in the store
// "counts", and writes each count to its output.
type Streams struct{ *daemon }

// StartStreams starts the application on an open cluster and returns when it runs. The test's end stops it.
func (c *Cluster) StartStreams(t testing.TB, o StreamsOptions) *Streams {
	t.Helper()
	source := filepath.Join(c.dir, "WordCount.java")
	if err := os.WriteFile(source, wordCount, 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{source, c.Bootstrap(), o.Application, o.Protocol, o.Input, o.Output, filepath.Join(c.dir, "state-"+o.Application)}, o.Properties...)
	return &Streams{c.startDaemon(t, "streams", "-Xmx160m", args, func(output string) bool { return strings.Contains(output, "state RUNNING") })}
}
