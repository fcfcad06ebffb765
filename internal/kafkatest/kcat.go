package kafkatest

import (
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// Kcat writes records to a topic with librdkafka, by Debian's kcat, and returns how many: unless props say otherwise
// without idempotence, as librdkafka does by default. Where kcat is missing the test is skipped, and fails where CI is
// set.
func (c *Cluster) Kcat(t testing.TB, topic string, records int, props ...string) int64 {
	t.Helper()
	path := Tool(t, "kcat", "kcat")
	args := []string{"-P", "-b", c.Bootstrap(), "-t", topic}
	for _, p := range props {
		args = append(args, "-X", p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var lines bytes.Buffer
	for i := range records {
		lines.WriteString("word" + strconv.Itoa(i%7) + "\n")
	}
	cmd.Stdin = &lines
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v\n%s", err, child.Tail(string(out), 10))
	}
	return int64(records)
}
