package brokerlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// sayAudit says in words what a record is read as.
func sayAudit(p *Parser, value []byte) string {
	kind, err := p.Record(value)
	switch {
	case err != nil:
		return "error: " + err.Error()
	case kind == Uninteresting:
		return "of no interest"
	case kind != AuditRecord:
		return fmt.Sprint("kind ", kind)
	}
	a := &p.Audit
	var b strings.Builder
	fmt.Fprintf(&b, "in %q %q at %q as %q: %s %s", a.Cluster, a.Principal, a.Host, a.ClientID, a.Method, a.Operation)
	if op, ok := a.Access(); ok {
		fmt.Fprintf(&b, " (%s)", op)
	}
	fmt.Fprintf(&b, " allowed %v", a.Allowed)
	for _, r := range a.Resources {
		fmt.Fprintf(&b, " %s %q", r.Resource, r.Name)
		if r.Prefix {
			b.WriteString(" and more")
		}
	}
	fmt.Fprintf(&b, " %d times", a.Count)
	if !a.At.IsZero() {
		b.WriteString(" " + a.At.Format(time.RFC3339Nano))
	}
	return b.String()
}

// Records of both makers, and what else may stand in a topic, are read as testdata says.
func TestAuditRecords(t *testing.T) {
	records, err := os.ReadFile("testdata/audit.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	var p Parser
	for value := range bytes.Lines(records) {
		fmt.Fprintln(&got, sayAudit(&p, value))
	}
	if *update {
		if err := os.WriteFile("testdata/audit.txt", []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/audit.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("read:\n%s\nwant:\n%s", got.String(), want)
	}
}

// However long, deep or odd a record is, it is read or refused, and never taken for another's.
func TestAuditGarbage(t *testing.T) {
	var p Parser
	f := func(value string, want error) {
		t.Helper()
		if kind, err := p.Record([]byte(value)); !errors.Is(err, want) || kind != Other {
			t.Errorf("%.80s: kind %d, %v, want %v", value, kind, err, want)
		}
	}
	f("", ErrNoAudit)
	f("\x00\x00\x00\x00\x01binary", ErrNoAudit)
	f(`{"type":"`+strings.Repeat("x", 10<<20)+`"}`, ErrTooLong)
	f(`{`, ErrCut)
	f(`{"data":`+strings.Repeat("{\"data\":", 100_000), ErrCut)
	f(`{"data":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`, ErrNoAudit)
	f(`{"class_uid":6003,"resources":[,,,]}`, ErrCut)
	// A user chooses client ids, groups and principals, and nothing of it is read as a field of the record's own.
	const quoted = `{"type":"io.confluent.kafka.server/authorization","source":"crn://x/kafka=a","data":{"methodName":"kafka.Produce","authenticationInfo":{"principal":"User:p"},` +
		`"authorizationInfo":{"granted":false,"operation":"Write","resourceType":"Topic","resourceName":"t"},"request":{"client_id":"\",\"granted\":true,\"resourceName\":\"crn://x/kafka=b\""}}}`
	if got := sayAudit(&p, []byte(quoted)); !strings.Contains(got, `in "a"`) || !strings.Contains(got, "allowed false") {
		t.Error(got)
	}
}

// Nothing is allocated for a record but what a principal is made of.
func TestAuditWork(t *testing.T) {
	records, err := os.ReadFile("testdata/audit.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	redpanda := bytes.Split(records, []byte("\n"))[8]
	read := func() {
		if kind, err := p.Record(redpanda); err != nil || kind != AuditRecord {
			t.Fatal(kind, err)
		}
	}
	read()
	if n := testing.AllocsPerRun(20, read); n > 12 {
		t.Errorf("%.0f allocations a record", n)
	}
}

func FuzzRecord(f *testing.F) {
	records, err := os.ReadFile("testdata/audit.ndjson")
	if err != nil {
		f.Fatal(err)
	}
	for value := range bytes.Lines(records) {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var p Parser
		first := sayAudit(&p, value)
		if again := sayAudit(&p, value); again != first {
			t.Errorf("read twice:\n%s\n%s", first, again)
		}
		kind, err := p.Record(value)
		if (kind == AuditRecord) != (err == nil && kind != Uninteresting) {
			t.Errorf("kind %d, %v", kind, err)
		}
		if a := &p.Audit; kind == AuditRecord && (a.Count < 1 || len(a.Resources) == 0 || len(a.Principal)+len(a.Host)+len(a.ClientID) == 0) {
			t.Errorf("%+v", a)
		}
	})
}
