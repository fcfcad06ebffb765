package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/deadletter"
)

// Dead letters are listed with all that leads to their sender, what others wrote quoted, and erased with persons.
func TestDeadLetters(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		root := (&program{stdout: &out, stderr: &errs}).root()
		root.SetArgs(args)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := run("openlineage", "dead-letters", dir); !strings.Contains(got, "no event was of no use") {
		t.Errorf("of none: %s", got)
	}
	b := deadletter.New(filepath.Join(dir, eventsFolder))
	now := time.Now().UTC()
	for _, l := range []deadletter.Letter{
		{At: now, Address: "10.1.2.3", Agent: "a\x1b[2J", Index: 3, Pointer: "/eventTime", Why: "is missing", Namespace: "ns", Job: "j", Run: "r", Producer: "p", Bytes: 9, Sum: strings.Repeat("ab", 32)},
		{At: now, Topic: "west/events", Partition: 2, Offset: 77, Index: -1, Why: "the body is not JSON", Byte: 5, Bytes: 1},
		{At: now, Address: "10.1.2.4", Index: -1, Why: "is too large", Bytes: 1024, Larger: true},
	} {
		if err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	got := run("openlineage", "dead-letters", dir)
	for _, want := range []string{
		`; from 10.1.2.3 ("a\x1b[2J"), number 3 of a batch; /eventTime: is missing; of "ns" "j"; run r; by "p"; 9 bytes; SHA-256 abababababababab`,
		"; topic west/events, partition 2, offset 77; the body is not JSON; it ceases to be JSON at byte 5; 1 byte\n",
		"; from 10.1.2.4; is too large; more than 1024 bytes\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if got := run("openlineage", "dead-letters", dir, "--json"); strings.Count(got, "\n") != 3 || !strings.Contains(got, `"offset":77`) || strings.Count(got, `"bytes":1024,"larger":true`) != 1 || strings.Count(got, "larger") != 1 {
		t.Errorf("as JSON: %s", got)
	}
	if n, err := eraseLetters(dir, true); n != 3 || err != nil || !strings.Contains(run("openlineage", "dead-letters", dir), "10.1.2.3") {
		t.Errorf("what would be erased: %d, %v", n, err)
	}
	if n, err := eraseLetters(dir, false); n != 3 || err != nil || strings.Contains(run("openlineage", "dead-letters", dir), "10.1.2.3") {
		t.Errorf("erased: %d, %v", n, err)
	}
}
