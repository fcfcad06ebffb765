package kafkatest

import (
	_ "embed" // the reader
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

//go:embed LoneReader.java
var loneReader []byte

// LoneReader starts a Java consumer of the given user (empty: Admin) that reads a topic from its beginning in no group,
// as Kafka's own tools, which make up a group, do not.
func (c *Cluster) LoneReader(t testing.TB, user, topic string, props ...string) *Consumer {
	t.Helper()
	if user == "" {
		user = Admin
	}
	source := filepath.Join(c.dir, "LoneReader.java")
	if err := os.WriteFile(source, loneReader, 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{toolHeap, "-Dlevel.root=WARN"}, jvmFlags...)
	args = append(args, "-cp", c.tools.classpath(), source, c.Bootstrap(), c.propertiesOf(user), topic)
	p, err := startJava(filepath.Join(c.dir, fmt.Sprintf("tool-%d-lone-reader.log", toolRuns.Add(1))), append(args, props...))
	if err != nil {
		t.Fatalf("reader: %v", err)
	}
	t.Cleanup(p.Kill)
	return &Consumer{p, "reader"}
}
