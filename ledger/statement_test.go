package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var march = MonthOf(time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC))

// billed is a statement of so many lines, of which some correct an entry.
func billed(month Period, lines int, corrects *int64) *BillStatement {
	s := &BillStatement{Month: month, Currency: new("EUR"), Rules: []BillRule{{"INGRESS", "producer"}}}
	for i := range lines {
		l := BillLine{
			Basis: "MEASURED", Cluster: "west", Cost: new("0.7"), Count: "700", End: month.End, Hours: 744, Meter: "INGRESS_RECORDS", Observed: 700, Price: new("0.001"), Start: month.Start,
			Topic: fmt.Sprintf("topic:west/orders-%04d", i),
		}
		if i%3 > 0 {
			l.Owner = new("team \u202e\"=1+1\"")
		}
		if i%5 == 0 {
			if l.Corrects = corrects; corrects != nil {
				l.Count, l.Cost = "-700", new("-0.7")
			}
		}
		s.Lines = append(s.Lines, l)
	}
	return s
}

// booked is a ledger with some periods, and statements of March and April between them.
func booked(t *testing.T) (*Log, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ledger")
	key, err := OpenKey(filepath.Join(t.TempDir(), "key"), true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	start := march.End.Add(72 * time.Hour)
	for n := range 8 {
		b := Batch{Period: Period{Start: At(start), End: At(start.Add(time.Hour))}, Closed: start.Add(time.Hour), Final: start.Add(49 * time.Hour), Program: "test"}
		switch n {
		case 2:
			b.Statement = billed(march, 500, nil)
		case 5:
			parts, err := l.Reader().Statement(march)
			if err != nil || len(parts) < 2 {
				t.Fatal(len(parts), err)
			}
			b.Statement = billed(MonthOf(march.End.Time), 40, &parts[1].Index)
		}
		if _, err := l.Append(b); err != nil {
			t.Fatal(err)
		}
		if err := l.Publish(); err != nil {
			t.Fatal(err)
		}
		start = start.Add(time.Hour)
	}
	return l, dir
}

func TestStatementsAreFoundAndVerified(t *testing.T) {
	l, dir := booked(t)
	if _, err := Verify(os.DirFS(dir), "", nil); err != nil {
		t.Fatal(err)
	}
	r := l.Reader()
	newest, ok, err := r.Stated(march.End.AddDate(0, 2, 0))
	if err != nil || !ok || newest != MonthOf(march.End.Time) {
		t.Errorf("the newest statement is of %v, %v, %v", newest, ok, err)
	}
	for month, lines := range map[Period]int{march: 500, newest: 40, MonthOf(march.Start.Add(-time.Hour)): 0, MonthOf(newest.End.Time): 0} {
		parts, err := r.Statement(month)
		n := 0
		for _, p := range parts {
			n += len(p.Lines)
		}
		if err != nil || n != lines {
			t.Errorf("of %s there are %d lines, %v", month.Start.Format("2006-01"), n, err)
		}
	}
	end := Batch{Period: Period{Start: At(l.Ends()), End: At(l.Ends().Add(time.Hour))}, Statement: billed(march, 1, nil)}
	if _, err := l.Append(end); !errors.Is(err, ErrSealed) {
		t.Errorf("March is stated again: %v", err)
	}
}

// TestAWrongStatementIsFound gives a verifier what no ledger of ours would write, signed or not.
func TestAWrongStatementIsFound(t *testing.T) {
	parts, err := billed(march, 500, new(int64(3))).parts()
	if err != nil || len(parts) < 3 {
		t.Fatal(len(parts), err)
	}
	mark := closed{0, &closeEntry{Sources: []source{{sourceOfStatements, markOf(march)}}}}
	check := func(change func(parts []StatementPart) []StatementPart, c closed) error {
		s := stating{}
		for i, p := range change(append([]StatementPart(nil), parts...)) {
			text, err := canonical(&p)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.take(int64(10+i), text); err != nil {
				return err
			}
		}
		return s.close(c)
	}
	same := func(p []StatementPart) []StatementPart { return p }
	if err := check(same, mark); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func([]StatementPart) []StatementPart{
		"a part is missing":     func(p []StatementPart) []StatementPart { return p[:len(p)-1] },
		"the first is missing":  func(p []StatementPart) []StatementPart { return p[1:] },
		"two are swapped":       func(p []StatementPart) []StatementPart { p[0], p[1] = p[1], p[0]; return p },
		"one is of another":     func(p []StatementPart) []StatementPart { p[1].Month = MonthOf(march.End.Time); return p },
		"it is of no month":     func(p []StatementPart) []StatementPart { p[0].Month.End = At(march.End.Add(time.Hour)); return p },
		"it corrects the later": func(p []StatementPart) []StatementPart { p[0].Lines[0].Corrects = new(int64(10)); return p },
		"it has no lines":       func(p []StatementPart) []StatementPart { return nil },
	} {
		if check(change, mark) == nil {
			t.Errorf("%s, and it is right", what)
		}
		parts[0].Lines[0].Corrects = new(int64(3))
	}
	if check(same, closed{0, &closeEntry{}}) == nil {
		t.Error("nothing says that the month is sealed, and it is right")
	}
	later := closed{0, &closeEntry{Sources: mark.Sources, Previous: new(int64(9))}}
	pruned := &stating{}
	for range 2 {
		if err := pruned.close(later); err != nil {
			t.Errorf("what follows what was pruned is wrong: %v", err)
		}
	}
	s := stating{newest: march, mark: markOf(march)}
	if text, _ := canonical(&parts[0]); s.take(10, text) == nil {
		t.Error("a month is sealed twice, and it is right")
	}
}

// TestAStatementIsVerifiedByAnotherProgram hands each part with its proof to the script that knows the format's page
// only, as it is and changed.
func TestAStatementIsVerifiedByAnotherProgram(t *testing.T) {
	py := python(t)
	l, _ := booked(t)
	r := l.Reader()
	parts, err := r.Statement(march)
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for _, p := range parts {
		entry, err := r.Entry(p.Index)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := r.Prove(p.Index)
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := canonical(string(proof))
		if err != nil {
			t.Fatal(err)
		}
		file = append(fmt.Appendf(file, `{"entry":%s,"proof":%s`, entry, quoted), "}\n"...)
	}
	lines := bytes.SplitAfter(file, []byte("\n"))
	cases := map[string][]byte{
		"whole": file, "cost": bytes.Replace(file, []byte(`"cost":"0.7"`), []byte(`"cost":"0.6"`), 1), "cut": bytes.Join(lines[:1], nil),
		"swapped": bytes.Join([][]byte{lines[1], lines[0]}, nil), "doubled": append(bytes.Clone(file), lines[0]...), "torn": file[:len(file)-1],
	}
	dir := t.TempDir()
	for name, data := range cases {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), py, "testdata/verify.py", "--statement", "--key", l.Public(), path).CombinedOutput()
		if good := err == nil && strings.HasPrefix(string(out), "ok "); good != (name == "whole") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
